//! How work is called out to those who do it side by side, and how its answer comes back.
//!
//! A call is a datagram, which the system gives to one of those who wait for one, and to nobody while all are at work. Its first byte is
//! the number of the lane that the answer is wanted on, a stream that nobody else uses meanwhile. So one who asks alone waits for
//! two wakings, and where many ask, who works finds the next call without having slept.
//!
//! The driver's ends come to it beside a frame (SCM_RIGHTS, unix(7)).

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::Arc;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use zeroize::{Zeroize as _, Zeroizing};

use super::wire::{Answer, Work, frame, receive};

/// Who may wait for an answer at the same time; whoever else asks waits for a lane.
const MOST: u8 = 32;
/// Bytes of the longest frame within a call. A longer one comes over the lane.
const SHORT: usize = 1024;
const SPACE: usize = cmsg_space!(ScmRights(MOST as usize + 1));

/// One who asks has a lane of his own.
pub(super) struct Lane {
    number: u8,
    calls: Arc<UnixDatagram>,
    pub(super) stream: UnixStream,
}

/// New lanes, and the driver's ends of them.
pub(super) fn lanes() -> io::Result<(Vec<Lane>, Vec<OwnedFd>)> {
    let (calls, called) = UnixDatagram::pair()?;
    let calls = Arc::new(calls);
    let (mut lanes, mut other_ends) = (Vec::new(), vec![OwnedFd::from(called)]);
    for number in 0..MOST {
        let (stream, other_end) = UnixStream::pair()?;
        lanes.push(Lane { number, calls: Arc::clone(&calls), stream });
        other_ends.push(other_end.into());
    }
    Ok((lanes, other_ends))
}

impl Lane {
    /// Calls out that this is to be done. What is long goes into its stream, which `patiently` writes to: those who work may be busy.
    /// A call itself waits for nobody: all lanes together have fewer of them than a socket takes.
    pub(super) fn call(&self, frame: &[u8], patiently: &mut impl Write) -> io::Result<()> {
        let mut call = Zeroizing::new(Vec::with_capacity(1 + SHORT));
        call.push(self.number);
        if frame.len() <= SHORT {
            call.extend(frame);
            return self.calls.send(&call).map(drop);
        }
        self.calls.send(&call)?;
        patiently.write_all(frame)
    }
}

/// The driver's ends.
pub(super) struct Called {
    calls: UnixDatagram,
    lanes: Vec<UnixStream>,
}

impl Called {
    pub(super) fn new(ends: Vec<OwnedFd>) -> Option<Self> {
        let mut ends = ends.into_iter();
        let calls = ends.next()?.into();
        Some(Self { calls, lanes: ends.map(UnixStream::from).collect() })
    }

    /// Waits for calls and answers them; returns when the other side is gone, or calls what is no call.
    pub(super) fn answer(&self, mut work: impl FnMut(Work) -> Answer) -> io::Result<()> {
        let mut call = Zeroizing::new([0; 1 + SHORT]);
        loop {
            let called = match self.calls.recv(&mut *call) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => call.get(..length?).and_then(<[u8]>::split_first),
            };
            let (number, mut short) = called.ok_or(io::ErrorKind::InvalidData)?;
            let mut lane = self.lanes.get(usize::from(*number)).ok_or(io::ErrorKind::InvalidData)?;
            let asked = if short.is_empty() { receive(&mut lane)? } else { receive(&mut short)? };
            call.zeroize();
            let answer = work(asked.ok_or(io::ErrorKind::UnexpectedEof)?);
            lane.write_all(&frame(&answer)?)?;
        }
    }
}

/// Writes a frame, and ends of streams with it.
pub(super) fn send(mut to: &UnixStream, frame: &[u8], ends: &[OwnedFd]) -> io::Result<()> {
    if ends.is_empty() {
        return to.write_all(frame);
    }
    let ends: Vec<BorrowedFd<'_>> = ends.iter().map(OwnedFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !beside.push(SendAncillaryMessage::ScmRights(&ends)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let sent = sendmsg(to, &[IoSlice::new(frame)], &mut beside, SendFlags::NOSIGNAL)?;
    to.write_all(frame.get(sent..).unwrap_or_default())
}

/// The driver's end of the door: frames, and what came beside them.
pub(super) struct Door {
    pub(super) stream: UnixStream,
    pub(super) ends: Vec<OwnedFd>,
}

impl Read for Door {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [IoSliceMut::new(bytes)];
        let got = recvmsg(&self.stream, &mut bytes, &mut beside, RecvFlags::empty())?;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(ends) = message {
                self.ends.extend(ends);
            }
        }
        Ok(got.bytes)
    }
}
