//! Ports for servers that must know theirs before they listen.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below the ports that systems hand out by themselves: one of those could be taken by an outgoing connection before its
/// server listens on it.
const CHOSEN: Range<u16> = 10_000..32_000;
const TRIES: usize = 1_000;

/// Holds a free port on loopback until the listener is dropped.
///
/// # Errors
/// None of a thousand is free.
pub fn hold() -> io::Result<TcpListener> {
    let mut taken = None;
    for turn in 0..TRIES {
        let chosen = RandomState::new().hash_one(turn) % u64::from(CHOSEN.end - CHOSEN.start);
        let port = CHOSEN.start + u16::try_from(chosen).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => taken = Some(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}
