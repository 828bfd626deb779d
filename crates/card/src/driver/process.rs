//! The side that asks: starts a driver's process, and ends it when it does not answer.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use zeroize::Zeroizing;

use super::child::CALL;
use super::lanes::{Lane, lanes, send};
use super::wire::{Answer, Request, Work, frame, receive};
use crate::error::{CardError, DriverError};

/// How long a driver may be silent while something is asked of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same while it makes a key pair: RSA takes minutes on small tokens.
const PATIENCE_FOR_KEYS: Duration = Duration::from_secs(300);
/// One call may take so many times as long, as long as others are answered.
const AT_MOST: u32 = 10;
/// How long a driver may take to log out of its device.
const GOODBYE: Duration = Duration::from_secs(2);

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
    child: Mutex<Child>,
    /// For everything but [`Work`], one after the other.
    door: Mutex<UnixStream>,
    lanes: Mutex<Lanes>,
    /// A lane is free, or none will be any more.
    freed: Condvar,
    started: Instant,
    /// Milliseconds after `started` at which the last answer came.
    last_answer: AtomicU64,
    /// Why nothing more is asked.
    end: OnceLock<DriverError>,
    patience: Duration,
    patience_for_keys: Duration,
}

/// The lanes to those who work side by side.
enum Lanes {
    /// Until the PIN was right.
    NotYet,
    /// Those that nobody uses.
    Open(Vec<Lane>),
    Closed,
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
        let (door, other_end) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new(&self.program);
        command.arg(CALL).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(OwnedFd::from(other_end)).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(failed)?;
        Ok(Driver {
            address: address.to_owned(),
            child: Mutex::new(child),
            door: Mutex::new(door),
            lanes: Mutex::new(Lanes::NotYet),
            freed: Condvar::new(),
            started: Instant::now(),
            last_answer: AtomicU64::new(0),
            end: OnceLock::new(),
            patience: self.patience,
            patience_for_keys: self.patience_for_keys,
        })
    }
}

impl Driver {
    /// Asks at the door, and waits for the answer. Blocks; many may ask at once.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, CardError> {
        let patience = match request {
            Request::Generate { .. } | Request::GenerateFor { .. } | Request::Initialize(_) => self.patience_for_keys,
            _ => self.patience,
        };
        let (ours, theirs) = match request {
            Request::Unlock { .. } | Request::OpenStore { .. } => {
                lanes().map_err(|error| DriverError::NotStarted(error.to_string()))?
            }
            _ => (Vec::new(), Vec::new()),
        };
        let bytes = bytes_of(request)?;
        let door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = self.answer(&door, patience, |_| send(&door, &bytes, &theirs))?;
        if matches!(answer, Answer::Unlocked(_) | Answer::Store(_)) {
            let mut lanes = self.lanes();
            if !matches!(&*lanes, Lanes::Closed) {
                *lanes = Lanes::Open(ours);
            }
        }
        self.told(answer)
    }

    /// Has something done beside others, and waits until it is done. Blocks, also until a lane is free.
    pub(crate) fn work(&self, work: &Work) -> Result<Answer, CardError> {
        let bytes = bytes_of(work)?;
        let lane = self.free_lane()?;
        let answer = self.answer(&lane.stream, self.patience, |stream| lane.call(&bytes, stream))?;
        if let Lanes::Open(free) = &mut *self.lanes() {
            free.push(lane);
        }
        self.freed.notify_one();
        self.told(answer)
    }

    /// An answer of another kind than the question asks for.
    pub(crate) fn garbled(&self) -> CardError {
        self.give_up(DriverError::Garbled("it answers another question".to_owned()))
    }

    fn told(&self, answer: Answer) -> Result<Answer, CardError> {
        match answer {
            Answer::Failed(fault) => Err(CardError::of_device(fault, &self.address)),
            answer => Ok(answer),
        }
    }

    fn free_lane(&self) -> Result<Lane, CardError> {
        let none_is_free = |lanes: &mut Lanes| matches!(lanes, Lanes::Open(free) if free.is_empty());
        let mut lanes = self.freed.wait_while(self.lanes(), none_is_free).unwrap_or_else(PoisonError::into_inner);
        match &mut *lanes {
            Lanes::Open(free) => free.pop().ok_or(CardError::LoggedOut),
            Lanes::NotYet => Err(CardError::LoggedOut),
            Lanes::Closed => {
                drop(lanes);
                Err(self.gone())
            }
        }
    }

    /// Asks, and waits for the answer on a stream that nobody else uses meanwhile.
    fn answer(
        &self,
        stream: &UnixStream,
        patience: Duration,
        ask: impl FnOnce(&mut Patiently<'_>) -> io::Result<()>,
    ) -> Result<Answer, CardError> {
        let begun = Instant::now();
        let mut patiently = Patiently { driver: self, stream, begun, patience };
        let answer = stream
            .set_read_timeout(Some(patience))
            .and_then(|()| stream.set_write_timeout(Some(patience)))
            .and_then(|()| ask(&mut patiently))
            .and_then(|()| receive(&mut patiently));
        match answer {
            Ok(Some(answer)) => {
                self.note_answer();
                Ok(answer)
            }
            Ok(None) => Err(self.gone()),
            Err(error) => Err(match error.kind() {
                kind if is_end(kind) => self.gone(),
                kind if is_silence(kind) => self.give_up(DriverError::Hung(begun.elapsed().as_secs())),
                _ => self.give_up(DriverError::Garbled(error.to_string())),
            }),
        }
    }

    /// Ends the process, for everybody who asks or will ask.
    fn give_up(&self, error: DriverError) -> CardError {
        let end = self.end.get_or_init(|| error).clone();
        self.kill();
        self.close();
        end.into()
    }

    /// The process ended, by itself or by [`Driver::give_up`].
    fn gone(&self) -> CardError {
        let how = self.kill();
        self.give_up(DriverError::Crashed(how))
    }

    /// Ends the process, if it has not ended by itself; says how it ended.
    fn kill(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Nobody gets a lane any more, and whoever waits for one learns it.
    fn close(&self) {
        *self.lanes() = Lanes::Closed;
        self.freed.notify_all();
    }

    fn note_answer(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_answer.store(now, Ordering::Relaxed);
    }

    /// How long nothing was answered.
    fn silent(&self) -> Duration {
        let last = Duration::from_millis(self.last_answer.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(last)
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Driver {
    /// The driver may log out of its device, and ends; one that takes too long over it is ended.
    fn drop(&mut self) {
        self.close();
        let door = self.door.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left = door.shutdown(Shutdown::Write).and_then(|()| door.set_read_timeout(Some(GOODBYE)));
        let _ = left.and_then(|()| door.read(&mut [0]));
        self.kill();
    }
}

/// Writes and reads for as long as the driver may be silent.
struct Patiently<'a> {
    driver: &'a Driver,
    stream: &'a UnixStream,
    begun: Instant,
    patience: Duration,
}

impl Patiently<'_> {
    /// How long to wait yet, when the time of the stream was over: others may have been answered meanwhile.
    fn left(&self, error: io::Error) -> io::Result<Option<Duration>> {
        let waited = self.begun.elapsed();
        let silent = self.driver.silent().min(waited);
        let is_over = !is_silence(error.kind()) || silent >= self.patience || waited >= self.patience * AT_MOST;
        if is_over { Err(error) } else { Ok(Some(self.patience - silent)) }
    }
}

impl Read for Patiently<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(bytes) {
                Err(error) => self.stream.set_read_timeout(self.left(error)?)?,
                read => return read,
            }
        }
    }
}

impl Write for Patiently<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.stream.write(bytes) {
                Err(error) => self.stream.set_write_timeout(self.left(error)?)?,
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn bytes_of(question: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, DriverError> {
    frame(question).map_err(|error| DriverError::Garbled(error.to_string()))
}

/// What a socket says when nobody is at its other end.
fn is_end(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected | UnexpectedEof)
}

/// What a stream says when its time is over.
fn is_silence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use std::thread::{park_timeout, scope};

    use super::*;

    #[test]
    fn who_asks_much_waits_while_others_are_answered_and_no_longer() {
        let patience = Duration::from_secs(2);
        let program = "/bin/true".into();
        let drivers = Drivers { program, environment: Vec::new(), patience, patience_for_keys: patience };
        let long = vec![7; 4 << 20]; // more than a socket takes
        for others_are_answered in [true, false] {
            let driver = drivers.start("a card").expect("started");
            let (ours, mut theirs) = UnixStream::pair().expect("two ends");
            theirs.set_read_timeout(Some(patience)).expect("a bound");
            let answer = scope(|scope| {
                scope.spawn(|| {
                    let begun = Instant::now();
                    while begun.elapsed() < patience * 3 {
                        if others_are_answered {
                            driver.note_answer();
                        }
                        park_timeout(Duration::from_millis(50));
                    }
                    let all = theirs.read_exact(&mut vec![0; long.len()]);
                    let _ = all.and_then(|()| theirs.write_all(&frame(&Answer::Done).expect("a frame")));
                });
                driver.answer(&ours, patience, |stream| stream.write_all(&long))
            });
            match answer {
                Ok(Answer::Done) => assert!(others_are_answered, "given up in time"),
                Err(CardError::Driver(DriverError::Hung(_))) => assert!(!others_are_answered, "waited for"),
                _ => panic!("neither done nor hung"),
            }
        }
    }
}
