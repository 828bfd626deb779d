//! The side that asks: starts the process that draws, and ends it when its time is up.

use std::io::{self, BufReader, BufWriter};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::MAX_DOCUMENT;
use super::child::CALL;
use super::request::{Problem, Request, read_answer};
use crate::exhibit::Picture;

/// What is drawn by default in so much time, all pictures of a report together.
const TIME: Duration = Duration::from_secs(60);
/// What a renderer may know of its surroundings: where fonts are.
const KEPT: [&str; 7] = ["HOME", "PATH", "LANG", "XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CONFIG_HOME", "SystemRoot"];

type Answer = (usize, Result<Picture, Problem>);

/// Starts a process that draws.
#[derive(Debug, Clone)]
pub struct Drawer {
    /// The program, which calls [`super::child::if_called`].
    pub program: PathBuf,
    /// A font file for Chinese text that brings no font.
    pub font: Option<PathBuf>,
    /// How long all pictures of a report may take.
    pub time: Duration,
}

impl Drawer {
    /// This program once more.
    ///
    /// # Errors
    /// The system does not tell where this program is.
    pub fn this_program() -> io::Result<Self> {
        Ok(Self { program: std::env::current_exe()?, font: None, time: TIME })
    }

    /// Draws what is wanted, in the order of the wishes. Blocks until all is drawn or the time is up; what is drawn by
    /// then counts.
    pub fn draw(&self, document: &[u8], request: &Request) -> Vec<Result<Picture, Problem>> {
        let wanted = request.wishes.len();
        if document.len() > MAX_DOCUMENT {
            return vec![Err(Problem::DocumentTooLarge); wanted];
        }
        if wanted == 0 {
            return Vec::new();
        }
        let Ok((mut child, input, output)) = self.start() else { return vec![Err(Problem::DrawerMissing); wanted] };
        let mut drawn = vec![None; wanted];
        let rest = thread::scope(|scope| {
            // A child that is ended closes its pipes, and so ends both threads.
            scope.spawn(|| request.write(document, &mut BufWriter::new(input)));
            let (sender, receiver) = channel();
            scope.spawn(move || {
                let mut output = BufReader::new(output);
                for _ in 0..wanted {
                    let Ok(Some(answer)) = read_answer(&mut output) else { break };
                    if sender.send(answer).is_err() {
                        break;
                    }
                }
            });
            let rest = collect(&receiver, &mut drawn, Instant::now() + self.time);
            end(&mut child);
            rest
        });
        drawn.into_iter().map(|picture| picture.unwrap_or(Err(rest))).collect()
    }

    fn start(&self) -> io::Result<(Child, ChildStdin, std::process::ChildStdout)> {
        let mut command = Command::new(&self.program);
        command.arg(CALL).args(&self.font).env_clear();
        command.envs(KEPT.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok((child, input, output)),
            _ => {
                end(&mut child);
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }
}

/// Takes pictures until all are there, the child ends or the time is up; says why the rest is missing.
fn collect(answers: &Receiver<Answer>, drawn: &mut [Option<Result<Picture, Problem>>], until: Instant) -> Problem {
    while drawn.iter().any(Option::is_none) {
        match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((wish, picture)) => match drawn.get_mut(wish) {
                Some(place) => *place = Some(picture),
                None => return Problem::RendererFailed,
            },
            Err(RecvTimeoutError::Timeout) => return Problem::TookTooLong,
            Err(RecvTimeoutError::Disconnected) => return Problem::RendererFailed,
        }
    }
    Problem::RendererFailed
}

fn end(child: &mut Child) {
    let _ = child.kill(); // one that has ended is waited for all the same
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use eseal_documents::Format;

    use super::*;
    use crate::draw::Wish;

    fn drawn_by(script: &str, time: Duration) -> (Vec<Result<Picture, Problem>>, Duration) {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("draw");
        eseal_testkit::script(&program, &format!("#!/bin/sh\n{script}\n")).expect("a script");
        let drawer = Drawer { program, font: None, time };
        let wishes = (1..=2).map(|page| Wish::Page { page, marks: Vec::new() }).collect();
        let begun = Instant::now();
        // More than a pipe holds, so that a child that does not read is met while it is written to.
        (drawer.draw(&vec![b'x'; 1 << 20], &Request { format: Format::Pdf, wishes }), begun.elapsed())
    }

    const FIRST: &str = r#"printf '{"wish":0,"width":1,"height":1,"bytes":3,"problem":null}\nPNG'"#;

    #[test]
    fn a_child_that_hangs_is_ended_and_what_it_drew_counts() {
        let (drawn, took) = drawn_by(&format!("{FIRST}; exec sleep 600"), Duration::from_secs(5));
        assert_eq!(drawn[0].as_ref().map(|picture| picture.png.as_slice()), Ok(&b"PNG"[..]));
        assert_eq!(drawn[1], Err(Problem::TookTooLong));
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    #[test]
    fn a_child_that_dies_leaves_the_rest_undrawn() {
        let (drawn, _) = drawn_by(&format!("{FIRST}; kill -9 $$"), TIME);
        assert!(drawn[0].is_ok());
        assert_eq!(drawn[1], Err(Problem::RendererFailed));
    }

    #[test]
    fn what_is_no_answer_makes_no_picture() {
        for script in ["echo nonsense", r#"printf '{"wish":9,"width":1,"height":1,"bytes":0,"problem":null}\n'"#, "yes"]
        {
            assert_eq!(drawn_by(script, TIME).0, vec![Err(Problem::RendererFailed); 2], "{script}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_said_so() {
        let drawer = Drawer { program: "/nonexistent/draw".into(), font: None, time: TIME };
        let wishes = vec![Wish::Page { page: 1, marks: Vec::new() }];
        let drawn = drawer.draw(b"x", &Request { format: Format::Pdf, wishes });
        assert_eq!(drawn, vec![Err(Problem::DrawerMissing)]);
    }
}
