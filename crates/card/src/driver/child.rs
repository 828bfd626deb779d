//! The side that loads a vendor's library: in a process of its own.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::mem::take;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::{ExitCode, abort};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::device::Device;
use super::lanes::{Called, Door, send};
use super::wire::{Answer, Bytes, Request, frame, receive};
use crate::address::CardAddress;
use crate::fault::Fault;
use crate::{pkcs11, skf};

/// The first argument of a program that is to be a driver.
pub(crate) const CALL: &str = "drive-card";
/// What a library may take to say goodbye in.
const GOODBYE: Duration = Duration::from_secs(2);

/// Drives a card, and says with which code to end, if this process was started for that. A program that opens cards by
/// [`crate::Card::open`] calls this before anything else.
pub fn if_called() -> Option<ExitCode> {
    if std::env::args_os().nth(1)?.as_os_str() != OsStr::new(CALL) {
        return None;
    }
    no_core_dumps();
    let good = own_door().is_ok_and(serve);
    Some(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Answers at the door, one request after the other, until the other side is gone. Whether it left in good order.
fn serve(mut door: Door) -> bool {
    if end_with_other_side(&door.stream).is_err() {
        return false;
    }
    let mut device = None;
    loop {
        let request = match receive(&mut door) {
            Ok(Some(request)) => request,
            Ok(None) => return true,
            Err(_) => return false,
        };
        let mut answer = answer(&mut device, request).unwrap_or_else(Answer::Failed);
        let called = Called::new(take(&mut door.ends));
        if matches!(answer, Answer::Unlocked(_) | Answer::Store(_))
            && let Err(fault) = start_workers(device.as_mut(), called)
        {
            answer = Answer::Failed(fault);
        }
        if frame(&answer).and_then(|answer| send(&door.stream, &answer, &[])).is_err() {
            return false;
        }
    }
}

fn answer(device: &mut Option<Box<dyn Device>>, request: Request) -> Result<Answer, Fault> {
    let unusable = |error: crate::InvalidAddress| Fault::Library(error.to_string());
    match request {
        Request::Open { address } => {
            *device = Some(match address.parse().map_err(unusable)? {
                CardAddress::Token(uri) => Box::new(pkcs11::Token::open(&uri)?),
                CardAddress::Skf(address) => Box::new(skf::SkfDevice::open(&address)?),
                CardAddress::File(_) => return Err(Fault::Absent),
            });
            return Ok(Answer::Done);
        }
        Request::List { address } => {
            return Ok(Answer::Listed(match address.parse().map_err(unusable)? {
                CardAddress::Token(uri) => pkcs11::list(&uri)?,
                CardAddress::Skf(address) => skf::list(&address)?,
                CardAddress::File(_) => Vec::new(),
            }));
        }
        Request::Initialize(wanted) => {
            *device = Some(match wanted.address.parse().map_err(unusable)? {
                CardAddress::Token(uri) => Box::new(pkcs11::Token::initialize(&uri, &wanted)?),
                // Applications are made with a key of the device that only its vendor's tool has (SKF_DevAuth).
                CardAddress::Skf(_) => {
                    return Err(Fault::NotOffered("initialization: use its vendor's tool".to_owned()));
                }
                CardAddress::File(_) => return Err(Fault::Absent),
            });
            return Ok(Answer::Done);
        }
        _ => {}
    }
    let device = device.as_mut().ok_or(Fault::Absent)?;
    Ok(match request {
        Request::Show => Answer::Shown(Box::new(device.show()?)),
        Request::Tries => Answer::Tries(device.tries()?),
        Request::AdminTries => Answer::Tries(device.admin_tries()?),
        Request::Unlock { pin } => Answer::Unlocked(device.unlock(pin.expose())?),
        Request::Generate { key } => done(device.generate(key))?,
        Request::Import { key, certificate } => done(device.import(key, &certificate.0))?,
        Request::StoreSeal { seal } => done(device.store_seal(&seal.0))?,
        Request::ReadSeal => Answer::Seal(device.read_seal()?.map(Bytes)),
        Request::ChangePin { old, new } => done(device.change_pin(old.expose(), new.expose()))?,
        Request::Unblock { admin, new } => done(device.unblock(admin.expose(), new.expose()))?,
        Request::OpenStore { pin } => Answer::Store(device.open_store(pin.expose())?),
        Request::GenerateFor { id, key } => Answer::Public(Bytes(device.generate_for(&id.0, key)?)),
        Request::Open { .. } | Request::List { .. } | Request::Initialize(_) => Answer::Done,
    })
}

fn done(result: Result<(), Fault>) -> Result<Answer, Fault> {
    result.map(|()| Answer::Done)
}

/// Workers live as long as this process.
fn start_workers(device: Option<&mut Box<dyn Device>>, called: Option<Called>) -> Result<(), Fault> {
    let (Some(device), Some(called)) = (device, called.map(Arc::new)) else { return Err(Fault::Absent) };
    for mut worker in device.workers()? {
        let called = Arc::clone(&called);
        let work = move || called.answer(|work| worker(work).unwrap_or_else(Answer::Failed));
        let started = thread::Builder::new().name("worker".to_owned()).spawn(work);
        started.map_err(|error| Fault::Library(error.to_string()))?;
    }
    Ok(())
}

/// Standard input under another number, and nothing in its place: a library must not read what is asked. (What it prints goes nowhere.)
fn own_door() -> io::Result<Door> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(Door { stream, ends: Vec::new() })
}

/// A library that hangs must not keep this process when the other side is gone.
fn end_with_other_side(door: &UnixStream) -> io::Result<()> {
    let door = door.try_clone()?;
    let watch = move || {
        while poll(&mut [PollFd::new(&door, PollFlags::empty())], None).is_err() {}
        let (_never, wait) = channel::<()>();
        let _ = wait.recv_timeout(GOODBYE);
        // Not by `exit`, which waits for what the library does at the end.
        abort();
    };
    thread::Builder::new().name("watch".to_owned()).spawn(watch).map(drop)
}

/// PINs are in the memory of this process.
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A pattern that begins with a pipe takes no notice of the limit (core(5)).
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
