//! A wire that can be cut without a word: neither side hears of it, as when a cable is pulled or a firewall forgets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Passes every byte on between whoever connects to it and a port of this machine, until it is told not to.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<watch::Sender<State>>,
    meter: Arc<Meter>,
    _runtime: Runtime,
}

/// What has passed, and what may.
#[derive(Debug)]
struct Meter {
    passed: AtomicU64,
    limit: AtomicU64,
}

/// How long the far side of a dead connection believes in it, if not for ever.
type Patience = Option<Duration>;

/// Which connections are dead.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Grows with each cut: connections of an earlier one are silent for ever.
    cuts: u64,
    /// New connections are silent too.
    is_cut: bool,
}

impl Proxy {
    /// A wire to this port.
    ///
    /// # Panics
    /// There is no free port.
    pub fn to(port: u16) -> Self {
        Self::with(port, None)
    }

    /// The same for a server that looks after its connections by TCP keepalive: this long after a cut its system tells it
    /// that the client is gone. It can't find out by itself here, for the proxy's own system would answer its probes. The
    /// client's side stays silent for ever.
    ///
    /// # Panics
    /// There is no free port.
    pub fn to_watchful(port: u16, patience: Duration) -> Self {
        Self::with(port, Some(patience))
    }

    fn with(port: u16, patience: Patience) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let state = Arc::new(watch::Sender::new(State::default()));
        let meter = Arc::new(Meter { passed: AtomicU64::new(0), limit: AtomicU64::new(u64::MAX) });
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        runtime.spawn(accept(listener, to, patience, state.clone(), meter.clone()));
        Self { port: own, state, meter, _runtime: runtime }
    }

    /// Where to connect.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many bytes it has passed on: whether anybody uses it.
    pub fn passed(&self) -> u64 {
        self.meter.passed.load(Ordering::SeqCst)
    }

    /// Nothing gets through any more: not on the connections there are, and not on new ones. Nobody is told.
    pub fn cut(&self) {
        cut(&self.state);
    }

    /// Cuts by itself as soon as this many more bytes have been passed on: in the middle of an answer, whatever the
    /// buffers on its way hold.
    pub fn cut_after(&self, bytes: u64) {
        self.meter.limit.store(self.passed() + bytes, Ordering::SeqCst);
    }

    /// New connections get through again. The old ones stay dead.
    pub fn mend(&self) {
        self.meter.limit.store(u64::MAX, Ordering::SeqCst);
        self.state.send_modify(|state| state.is_cut = false);
    }
}

fn cut(state: &watch::Sender<State>) {
    state.send_modify(|state| *state = State { cuts: state.cuts + 1, is_cut: true });
}

async fn accept(
    listener: TcpListener,
    to: SocketAddr,
    patience: Patience,
    state: Arc<watch::Sender<State>>,
    meter: Arc<Meter>,
) {
    while let Ok((near, _)) = listener.accept().await {
        tokio::spawn(connect(near, to, patience, state.clone(), meter.clone()));
    }
}

async fn connect(
    near: TcpStream,
    to: SocketAddr,
    patience: Patience,
    state: Arc<watch::Sender<State>>,
    meter: Arc<Meter>,
) {
    let mut watching = state.subscribe();
    let born = *watching.borrow_and_update();
    if born.is_cut {
        return silence(near).await;
    }
    let Ok(far) = TcpStream::connect(to).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut near, mut far) = (near.into_split(), far.into_split());
    let is_over = {
        let pumps = async {
            let ((near_read, near_write), (far_read, far_write)) = (&mut near, &mut far);
            let wire = (&*meter, &*state);
            let _ = tokio::join!(pump(near_read, far_write, wire), pump(far_read, near_write, wire));
        };
        tokio::select! {
            () = pumps => true,
            cut = watching.wait_for(|now| now.cuts > born.cuts) => cut.is_err(),
        }
    };
    if !is_over {
        // Both stay open, or somebody would hear of it.
        if let Some(patience) = patience {
            tokio::time::sleep(patience).await;
            let (read, write) = far;
            if let Ok(far) = read.reunite(write) {
                let _ = far.set_zero_linger(); // with a reset, as keepalive ends a connection
            }
            return silence(near).await;
        }
        silence((near, far)).await;
    }
}

/// One direction; it ends for itself, as that of a half-closed connection does.
async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    (meter, state): (&Meter, &watch::Sender<State>),
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
        let passed = meter.passed.fetch_add(count as u64, Ordering::SeqCst) + count as u64;
        if passed >= meter.limit.load(Ordering::SeqCst) {
            cut(state);
            return std::future::pending().await;
        }
    }
}

/// Holds connections open and says nothing on them, for ever.
async fn silence<T>(_held: T) {
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use super::*;

    /// Says back what it hears.
    fn echo() -> u16 {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut from = stream.try_clone().expect("a clone");
                    io::copy(&mut from, &mut &stream)
                });
            }
        });
        port
    }

    fn says_back(stream: &mut std::net::TcpStream, within: Duration) -> io::Result<()> {
        stream.set_read_timeout(Some(within))?;
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])
    }

    #[test]
    fn a_cut_connection_is_neither_closed_nor_heard_of_and_a_new_one_gets_through_once_it_is_mended() {
        let proxy = Proxy::to(echo());
        let connect = || std::net::TcpStream::connect(("127.0.0.1", proxy.port())).expect("a connection");
        let mut old = connect();
        let (soon, never) = (Duration::from_secs(60), Duration::from_millis(300));
        says_back(&mut old, soon).expect("passed on");
        proxy.cut();
        assert_eq!(says_back(&mut old, never).expect_err("silence").kind(), io::ErrorKind::WouldBlock);
        let mut new = connect();
        assert_eq!(says_back(&mut new, never).expect_err("silence").kind(), io::ErrorKind::WouldBlock);
        proxy.mend();
        assert_eq!(says_back(&mut old, never).expect_err("still silent").kind(), io::ErrorKind::WouldBlock);
        says_back(&mut connect(), soon).expect("passed on again");
    }
}
