//! The side that loads a vendor's library: in a process of its own.

use std::ffi::OsStr;
use std::io::{self, BufReader, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::device::{Device, Work, WorkerOnDevice};
use super::queue::Queue;
use super::wire::{Answer, Bytes, Request, receive, send};
use crate::address::CardAddress;
use crate::fault::Fault;
use crate::{pkcs11, skf};

/// The first argument of a program that is to be a driver.
pub(crate) const CALL: &str = "drive-card";
/// Signatures and the like that wait for a session; whoever asks for more waits in front of the pipe.
const WAITING: usize = 1024;
/// What a library may take to say goodbye in.
const GOODBYE: Duration = Duration::from_secs(2);

type Output = Arc<Mutex<Box<dyn Write + Send>>>;
type ToDo = (u32, Work);

/// Drives a card, and says with which code to end, if this process was started for that. A program that opens cards by
/// [`crate::Card::open`] calls this before anything else.
pub fn if_called() -> Option<ExitCode> {
    if std::env::args_os().nth(1)?.as_os_str() != OsStr::new(CALL) {
        return None;
    }
    no_core_dumps();
    let Ok(output) = own_output() else { return Some(ExitCode::FAILURE) };
    let output: Output = Arc::new(Mutex::new(output));
    Some(if serve(&output) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads requests until the other side is gone. What is in [`Work`] is done side by side, everything else one after the other.
fn serve(output: &Output) -> bool {
    let (to_device, for_device) = channel();
    let to_do = Arc::new(Queue::new(WAITING));
    let device = {
        let (output, to_do) = (Arc::clone(output), Arc::clone(&to_do));
        thread::Builder::new().name("device".to_owned()).spawn(move || work(&for_device, &to_do, &output))
    };
    let Ok(device) = device else { return false };
    let good = own_input().is_ok_and(|input| read(&mut BufReader::new(input), &to_device, &to_do));
    drop(to_device);
    to_do.close();
    // A library that hangs must not keep this process: the other side is gone.
    let (done, wait) = channel::<()>();
    let _ = thread::Builder::new().name("goodbye".to_owned()).spawn(move || {
        let _ = device.join();
        drop(done);
    });
    let _ = wait.recv_timeout(GOODBYE);
    good
}

fn read(input: &mut impl io::Read, to_device: &Sender<(u32, Request)>, to_do: &Queue<ToDo>) -> bool {
    loop {
        let passed_on = match receive::<Request>(input) {
            Ok(Some((number, request))) => match side_by_side(request) {
                Ok(work) => {
                    to_do.push((number, work));
                    true
                }
                Err(request) => to_device.send((number, *request)).is_ok(),
            },
            Ok(None) => return true,
            Err(_) => return false,
        };
        if !passed_on {
            return false;
        }
    }
}

fn side_by_side(request: Request) -> Result<Work, Box<Request>> {
    Ok(match request {
        Request::Sign { key, input } => Work::Sign { key, input: input.0 },
        Request::SignFor { id, key, input } => Work::SignFor { id: id.0, key, input: input.0 },
        Request::Encrypt { nonce, bound, input } => Work::Encrypt { nonce: nonce.0, bound: bound.0, input: input.0 },
        Request::Decrypt { nonce, bound, input } => Work::Decrypt { nonce: nonce.0, bound: bound.0, input: input.0 },
        other => return Err(Box::new(other)),
    })
}

fn work(requests: &Receiver<(u32, Request)>, to_do: &Arc<Queue<ToDo>>, output: &Output) {
    let mut device: Option<Box<dyn Device>> = None;
    for (number, request) in requests {
        let mut answer = answer(&mut device, request).unwrap_or_else(Answer::Failed);
        if matches!(answer, Answer::Unlocked(_) | Answer::Store(_))
            && let Err(fault) = start_workers(device.as_mut(), to_do, output)
        {
            answer = Answer::Failed(fault);
        }
        if tell(output, number, &answer).is_err() {
            return;
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
        Request::Sign { .. } | Request::SignFor { .. } | Request::Encrypt { .. } | Request::Decrypt { .. } => {
            Answer::Done
        }
    })
}

fn done(result: Result<(), Fault>) -> Result<Answer, Fault> {
    result.map(|()| Answer::Done)
}

/// Workers live until there is nothing more to do: the other side is gone.
fn start_workers(device: Option<&mut Box<dyn Device>>, to_do: &Arc<Queue<ToDo>>, output: &Output) -> Result<(), Fault> {
    let Some(device) = device else { return Ok(()) };
    for worker in device.workers()? {
        let (to_do, output) = (Arc::clone(to_do), Arc::clone(output));
        let started = thread::Builder::new().name("worker".to_owned()).spawn(move || toil(worker, &to_do, &output));
        started.map_err(|error| Fault::Library(error.to_string()))?;
    }
    Ok(())
}

fn toil(mut worker: WorkerOnDevice, to_do: &Queue<ToDo>, output: &Output) {
    while let Some((number, work)) = to_do.pop() {
        let answer = worker(work).unwrap_or_else(Answer::Failed);
        if tell(output, number, &answer).is_err() {
            return;
        }
    }
}

fn tell(output: &Output, number: u32, answer: &Answer) -> io::Result<()> {
    send(&mut **output.lock().unwrap_or_else(PoisonError::into_inner), number, answer)
}

/// Standard output under another number, and nothing in its place: what a library prints there must not be an answer.
#[cfg(unix)]
fn own_output() -> io::Result<Box<dyn Write + Send>> {
    let output = rustix::io::dup(rustix::stdio::stdout())?;
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(Box::new(std::fs::File::from(output)))
}

#[cfg(not(unix))]
fn own_output() -> io::Result<Box<dyn Write + Send>> {
    Ok(Box::new(io::stdout()))
}

/// Standard input without a second buffer in front of it.
#[cfg(unix)]
fn own_input() -> io::Result<impl io::Read> {
    Ok(std::fs::File::from(rustix::io::dup(rustix::stdio::stdin())?))
}

#[cfg(not(unix))]
fn own_input() -> io::Result<impl io::Read> {
    Ok(io::stdin())
}

/// PINs are in the memory of this process.
#[cfg(unix)]
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A pattern that begins with a pipe takes no notice of the limit (core(5)).
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(not(unix))]
const fn no_core_dumps() {}
