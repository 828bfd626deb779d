//! The side that loads a vendor's library: in a process of its own.

use std::ffi::OsStr;
use std::io::{self, BufReader, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::device::{Device, SignerOnDevice};
use super::queue::Queue;
use super::wire::{Algorithm, Answer, Bytes, Request, receive, send};
use crate::address::CardAddress;
use crate::fault::Fault;
use crate::{pkcs11, skf};

/// The first argument of a program that is to be a driver.
pub(crate) const CALL: &str = "drive-card";
/// Signatures that wait for a session; whoever asks for more waits in front of the pipe.
const WAITING: usize = 1024;
/// What a library may take to say goodbye in.
const GOODBYE: Duration = Duration::from_secs(2);

type Output = Arc<Mutex<Box<dyn Write + Send>>>;
type ToSign = (u32, Algorithm, Vec<u8>);

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

/// Reads requests until the other side is gone. Signatures are made side by side, everything else one after the other.
fn serve(output: &Output) -> bool {
    let (to_device, for_device) = channel();
    let to_sign = Arc::new(Queue::new(WAITING));
    let device = {
        let (output, to_sign) = (Arc::clone(output), Arc::clone(&to_sign));
        thread::Builder::new().name("device".to_owned()).spawn(move || work(&for_device, &to_sign, &output))
    };
    let Ok(device) = device else { return false };
    let good = own_input().is_ok_and(|input| read(&mut BufReader::new(input), &to_device, &to_sign));
    drop(to_device);
    to_sign.close();
    // A library that hangs must not keep this process: the other side is gone.
    let (done, wait) = channel::<()>();
    let _ = thread::Builder::new().name("goodbye".to_owned()).spawn(move || {
        let _ = device.join();
        drop(done);
    });
    let _ = wait.recv_timeout(GOODBYE);
    good
}

fn read(input: &mut impl io::Read, to_device: &Sender<(u32, Request)>, to_sign: &Queue<ToSign>) -> bool {
    loop {
        let passed_on = match receive::<Request>(input) {
            Ok(Some((number, Request::Sign { key, input }))) => {
                to_sign.push((number, key, input.0));
                true
            }
            Ok(Some((number, request))) => to_device.send((number, request)).is_ok(),
            Ok(None) => return true,
            Err(_) => return false,
        };
        if !passed_on {
            return false;
        }
    }
}

fn work(requests: &Receiver<(u32, Request)>, to_sign: &Arc<Queue<ToSign>>, output: &Output) {
    let mut device: Option<Box<dyn Device>> = None;
    for (number, request) in requests {
        let is_unlock = matches!(request, Request::Unlock { .. });
        let mut answer = answer(&mut device, request).unwrap_or_else(Answer::Failed);
        if is_unlock
            && matches!(answer, Answer::Unlocked(_))
            && let Err(fault) = start_signers(device.as_mut(), to_sign, output)
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
        Request::Unlock { pin } => Answer::Unlocked(device.unlock(pin.expose())?),
        Request::Generate { key } => done(device.generate(key))?,
        Request::Import { key, certificate } => done(device.import(key, &certificate.0))?,
        Request::StoreSeal { seal } => done(device.store_seal(&seal.0))?,
        Request::ReadSeal => Answer::Seal(device.read_seal()?.map(Bytes)),
        Request::ChangePin { old, new } => done(device.change_pin(old.expose(), new.expose()))?,
        Request::Unblock { admin, new } => done(device.unblock(admin.expose(), new.expose()))?,
        Request::Open { .. } | Request::List { .. } | Request::Initialize(_) | Request::Sign { .. } => Answer::Done,
    })
}

fn done(result: Result<(), Fault>) -> Result<Answer, Fault> {
    result.map(|()| Answer::Done)
}

/// Signers live until there is nothing more to sign: the other side is gone.
fn start_signers(
    device: Option<&mut Box<dyn Device>>,
    to_sign: &Arc<Queue<ToSign>>,
    output: &Output,
) -> Result<(), Fault> {
    let Some(device) = device else { return Ok(()) };
    for signer in device.signers()? {
        let (to_sign, output) = (Arc::clone(to_sign), Arc::clone(output));
        let started = thread::Builder::new().name("signer".to_owned()).spawn(move || sign(signer, &to_sign, &output));
        started.map_err(|error| Fault::Library(error.to_string()))?;
    }
    Ok(())
}

fn sign(mut signer: SignerOnDevice, to_sign: &Queue<ToSign>, output: &Output) {
    while let Some((number, key, input)) = to_sign.pop() {
        let answer = signer(key, &input).map_or_else(Answer::Failed, |signature| Answer::Signed(Bytes(signature)));
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
}

#[cfg(not(unix))]
const fn no_core_dumps() {}
