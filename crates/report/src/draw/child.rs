//! The side that draws: in a process of its own.

use std::ffi::OsStr;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use eseal_documents::Format;

use super::canvas::{self, Canvas};
use super::request::{Problem, Request, Wish, write_answer};
use super::{ofd, pdf, picture};
use crate::exhibit::Picture;

/// The first argument of a program that is to draw.
pub const CALL: &str = "draw-pages";
/// The most memory that the process may have, in bytes.
#[cfg(unix)]
const MAX_MEMORY: u64 = 3 << 30;
/// The most time that it may compute, in seconds; [`super::Drawer`] has a clock of its own.
#[cfg(unix)]
const MAX_SECONDS: u64 = 60;

/// Draws, and says with which code to end, if this process was started to draw. A program that has reports made calls
/// this before anything else.
pub fn if_called() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()?.as_os_str() != OsStr::new(CALL) {
        return None;
    }
    let font = arguments.next().map(PathBuf::from);
    limit();
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    Some(match answer(input, output, font.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE, // nobody is there to hear more
    })
}

/// What a document could make the renderers take, the system refuses.
#[cfg(unix)]
fn limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    // Where the system has no such limit, the clock of the parent is left.
    let _ = setrlimit(Resource::As, most(MAX_MEMORY));
    let _ = setrlimit(Resource::Cpu, most(MAX_SECONDS));
    let _ = setrlimit(Resource::Core, most(0));
}

#[cfg(not(unix))]
const fn limit() {}

/// Reads a request and answers wish by wish.
///
/// # Errors
/// The request is none, or nobody reads the answers.
pub fn answer(input: impl Read, output: impl Write, font: Option<&Path>) -> io::Result<()> {
    let (request, document) = Request::read(&mut BufReader::new(input))?;
    let mut output = BufWriter::new(output);
    let mut pages = Pages::Unread { format: request.format, document };
    for (index, wish) in request.wishes.iter().enumerate() {
        let drawn = catch_unwind(AssertUnwindSafe(|| draw(wish, &mut pages, font)));
        write_answer(index, &drawn.unwrap_or(Err(Problem::RendererFailed)), &mut output)?;
    }
    Ok(())
}

/// The document, read when the first page is wanted.
enum Pages {
    Unread { format: Format, document: Vec<u8> },
    Unreadable(Problem),
    Ofd(Box<ofd::Pages>),
    Pdf(Box<pdf::Pages>),
}

impl Pages {
    fn draw(&mut self, page: u32, font: Option<&Path>) -> Result<Canvas, Problem> {
        // Should the reader panic, then for every page.
        match std::mem::replace(self, Self::Unreadable(Problem::RendererFailed)) {
            Self::Unread { format, document } => *self = Self::read(format, document, font),
            read => *self = read,
        }
        match self {
            Self::Ofd(pages) => pages.draw(page),
            Self::Pdf(pages) => pages.draw(page),
            Self::Unreadable(problem) => Err(*problem),
            Self::Unread { .. } => Err(Problem::Unreadable),
        }
    }

    fn read(format: Format, document: Vec<u8>, font: Option<&Path>) -> Self {
        let read = match format {
            Format::Ofd => ofd::Pages::open(&document).map(|pages| Self::Ofd(Box::new(pages))),
            Format::Pdf => pdf::Pages::open(document, font).map(|pages| Self::Pdf(Box::new(pages))),
        };
        read.unwrap_or_else(Self::Unreadable)
    }
}

fn draw(wish: &Wish, pages: &mut Pages, font: Option<&Path>) -> Result<Picture, Problem> {
    match wish {
        Wish::Impression { kind, data } => canvas::impression(&picture::decode(kind, data)?),
        Wish::Page { page, marks } => {
            let mut canvas = pages.draw(*page, font)?;
            marks.iter().for_each(|mark| canvas.mark(*mark));
            canvas.into_picture()
        }
    }
}
