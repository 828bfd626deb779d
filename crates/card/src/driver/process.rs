//! The side that asks: starts a driver's process, and ends it when it does not answer.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::child::CALL;
use super::wire::{Answer, Request, frame, receive};
use crate::error::{CardError, DriverError};

/// How long a driver may be silent while something is asked of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same while it makes a key pair: RSA takes minutes on small tokens.
const PATIENCE_FOR_KEYS: Duration = Duration::from_secs(300);
/// One call may take so many times as long, as long as others are answered.
const AT_MOST: u32 = 10;
/// How long a driver may take to log out of its device.
const GOODBYE: Duration = Duration::from_secs(2);
/// More than a pipe takes at once; written by a thread of its own, so that a driver that does not read is noticed.
const LONG_FRAME: usize = 16 << 10;

/// How drivers are started.
#[derive(Debug, Clone)]
pub struct Drivers {
    /// The program, which calls [`crate::drive_if_called`] first of all.
    pub program: PathBuf,
    /// Further variables of its environment, such as a module's configuration.
    pub environment: Vec<(OsString, OsString)>,
    /// How long a driver may be silent while something is asked of it. A driver that is, is ended.
    pub patience: Duration,
    /// The same while it makes a key pair.
    pub patience_for_keys: Duration,
}

/// A driver's process. Ended when this is dropped.
pub(crate) struct Driver {
    address: String,
    /// `None` once nothing more is asked.
    input: Arc<Mutex<Option<ChildStdin>>>,
    child: Mutex<Child>,
    /// Disconnected when the process has closed its output.
    ended: Mutex<Receiver<()>>,
    waiting: Arc<Waiting>,
    next: AtomicU32,
    patience: Duration,
    patience_for_keys: Duration,
}

/// Who waits for which answer.
struct Waiting {
    begun: Instant,
    /// Milliseconds after `begun` at which the last answer came.
    last_answer: AtomicU64,
    desk: Mutex<Desk>,
}

enum Desk {
    Open(HashMap<u32, SyncSender<Answer>>),
    Closed(DriverError),
}

impl Drivers {
    /// This program once more.
    ///
    /// # Errors
    /// The system does not tell where this program is.
    pub fn this_program() -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            environment: Vec::new(),
            patience: PATIENCE,
            patience_for_keys: PATIENCE_FOR_KEYS,
        })
    }

    pub(crate) fn start(&self, address: &str) -> Result<Driver, CardError> {
        let failed = |error: io::Error| DriverError::NotStarted(error.to_string());
        let mut command = Command::new(&self.program);
        command.arg(CALL).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        let desk = Mutex::new(Desk::Open(HashMap::new()));
        let waiting = Arc::new(Waiting { begun: Instant::now(), last_answer: AtomicU64::new(0), desk });
        let listener = Arc::clone(&waiting);
        let (end, ended) = sync_channel(0);
        let driver = Driver {
            address: address.to_owned(),
            input: Arc::new(Mutex::new(Some(input))),
            child: Mutex::new(child),
            ended: Mutex::new(ended),
            waiting,
            next: AtomicU32::new(0),
            patience: self.patience,
            patience_for_keys: self.patience_for_keys,
        };
        let started = thread::Builder::new().name("card-driver".to_owned()).spawn(move || {
            listener.listen(output);
            drop(end);
        });
        started.map_err(failed)?;
        Ok(driver)
    }
}

impl Driver {
    /// Asks, and waits for the answer. Blocks; many may ask at once.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, CardError> {
        let patience = match request {
            Request::Generate { .. } | Request::GenerateFor { .. } | Request::Initialize(_) => self.patience_for_keys,
            _ => self.patience,
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = sync_channel(1);
        match &mut *self.waiting.desk() {
            Desk::Open(waiting) => drop(waiting.insert(number, sender)),
            Desk::Closed(error) => return Err(error.clone().into()),
        }
        let begun = Instant::now();
        self.write(number, request)?;
        let mut wait = patience;
        loop {
            match answer.recv_timeout(wait) {
                Ok(Answer::Failed(fault)) => return Err(CardError::of_device(fault, &self.address)),
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(self.end_of_driver()),
                Err(RecvTimeoutError::Timeout) => {
                    let silent = self.waiting.silent().min(begun.elapsed());
                    if silent >= patience || begun.elapsed() >= patience * AT_MOST {
                        return Err(self.give_up(DriverError::Hung(begun.elapsed().as_secs())));
                    }
                    wait = patience - silent;
                }
            }
        }
    }

    /// An answer of another kind than the question asks for.
    pub(crate) fn garbled(&self) -> CardError {
        self.give_up(DriverError::Garbled("it answers another question".to_owned()))
    }

    fn write(&self, number: u32, request: &Request) -> Result<(), CardError> {
        let failed = |error: io::Error| DriverError::Garbled(error.to_string());
        let bytes = frame(number, request).map_err(failed)?;
        let (input, is_long) = (Arc::clone(&self.input), bytes.len() > LONG_FRAME);
        // Whoever can't write has a driver that is gone; it is told by the listener, which sees its end.
        let write = move || {
            let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
            drop(input.as_mut().map(|input| input.write_all(&bytes)));
        };
        if is_long {
            thread::Builder::new().name("card-writer".to_owned()).spawn(write).map_err(failed)?;
        } else {
            write();
        }
        Ok(())
    }

    /// Ends the process, for everybody who asks or will ask.
    fn give_up(&self, error: DriverError) -> CardError {
        self.waiting.close(error.clone());
        self.kill();
        error.into()
    }

    /// Ends the process, if it has not ended by itself; says how it ended.
    fn kill(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Why the answers stopped.
    fn end_of_driver(&self) -> CardError {
        let closed = match &*self.waiting.desk() {
            Desk::Closed(error) => Some(error.clone()),
            Desk::Open(_) => None,
        };
        let how = self.kill();
        match closed {
            Some(DriverError::Crashed(_)) | None => DriverError::Crashed(how).into(),
            Some(other) => other.into(),
        }
    }
}

impl Drop for Driver {
    /// The driver may log out of its device; one that takes too long over it is ended.
    fn drop(&mut self) {
        if let Ok(mut input) = self.input.try_lock() {
            *input = None;
            let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(GOODBYE);
        }
        self.kill();
    }
}

impl Waiting {
    fn listen(&self, output: ChildStdout) {
        let mut output = BufReader::new(output);
        let ended = loop {
            match receive::<Answer>(&mut output) {
                Ok(Some((number, answer))) => {
                    let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    self.last_answer.store(now, Ordering::Relaxed);
                    let asker = match &mut *self.desk() {
                        Desk::Open(waiting) => waiting.remove(&number),
                        Desk::Closed(_) => return,
                    };
                    // An answer that nobody asked for: its asker gave up, or it was never asked.
                    if asker.is_none_or(|asker| asker.send(answer).is_err()) {
                        break DriverError::Garbled("it answers what was not asked".to_owned());
                    }
                }
                Ok(None) => break DriverError::Crashed("it ended".to_owned()),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    break DriverError::Crashed("it ended within an answer".to_owned());
                }
                Err(error) => break DriverError::Garbled(error.to_string()),
            }
        };
        self.close(ended);
    }

    /// No more answers: everybody who waits learns it.
    fn close(&self, error: DriverError) {
        let mut desk = self.desk();
        if matches!(&*desk, Desk::Open(_)) {
            *desk = Desk::Closed(error);
        }
    }

    fn silent(&self) -> Duration {
        let last = Duration::from_millis(self.last_answer.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
