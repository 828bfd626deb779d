//! Ports for servers that must know theirs before they listen, or come back to it.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;

/// Below the ports that systems hand out by themselves: one of those could be taken by an outgoing connection before its
/// server listens on it.
const CHOSEN: Range<u16> = 10_000..32_000;
const TRIES: usize = 1_000;

/// A TCP port on loopback that no other holder of a [`Port`] gets, of this process or another, whether its server listens
/// just now or not.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// What says that it is taken: whoever has the UDP port of a number has its TCP port too. The system gives it back
    /// when the process ends, however that ends.
    _taken: UdpSocket,
}

impl Port {
    /// One that is free.
    ///
    /// # Errors
    /// None of a thousand is.
    pub fn free() -> io::Result<Self> {
        let mut taken = None;
        for turn in 0..TRIES {
            let chosen = RandomState::new().hash_one(turn) % u64::from(CHOSEN.end - CHOSEN.start);
            let number = CHOSEN.start + u16::try_from(chosen).unwrap_or_default();
            match Self::of(number) {
                Ok(port) => return Ok(port),
                Err(error) => taken = Some(error),
            }
        }
        Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
    }

    /// That of this number.
    ///
    /// # Errors
    /// Somebody has it or listens on it.
    pub fn of(number: u16) -> io::Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, number);
        let taken = UdpSocket::bind(address)?;
        TcpListener::bind(address)?;
        Ok(Self { number, _taken: taken })
    }

    /// Its number.
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// Where its server listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wait_until;

    #[tokio::test]
    async fn a_port_is_nobody_elses_until_it_is_given_back_and_its_server_listens_on_it() {
        let port = Port::free().expect("a port");
        let taken = Port::of(port.number()).expect_err("it is taken");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);

        let server = TcpListener::bind(port.address()).expect("a server");
        let number = port.number();
        drop(port);
        let listening = Port::of(number).expect_err("somebody listens");
        assert_eq!(listening.kind(), io::ErrorKind::AddrInUse);

        drop(server);
        // A program that another test starts just now has what is open here until it has begun.
        let again = wait_until("it is free", Duration::from_secs(60), async || Port::of(number).ok()).await;
        assert_eq!(again.number(), number);
    }
}
