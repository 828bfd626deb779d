//! Probes over plain HTTP, for what has no client certificate: Kubernetes.
//!
//! `GET /healthz` answers 200 while the process lives: its tasks run and it can answer at all. `GET /readyz` answers 200
//! while requests make sense, with what is degraded if anything is, and 503 with what is missing otherwise. Nothing else is
//! told there. Probes are answered once the port of gRPC is open, and as long: a server that ends ends the process.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::{Readiness, Standing};

/// The longest that [`ask`] waits for a connection, and then for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most bytes of an answer: a status and what is missing.
const ANSWER: u64 = 4 << 10;

/// Answers probes until `stop`.
///
/// # Errors
/// The socket fails.
pub async fn answer(listener: TcpListener, readiness: Readiness, stop: CancellationToken) -> io::Result<()> {
    let routes = Router::new().route("/healthz", get(async || "alive\n")).route("/readyz", get(ready));
    axum::serve(listener, routes.with_state(readiness)).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    match readiness.standing() {
        Standing::Ready => (StatusCode::OK, "ready\n".to_owned()),
        Standing::Degraded(why) => (StatusCode::OK, format!("ready, degraded: {why}\n")),
        Standing::Missing(what) => (StatusCode::SERVICE_UNAVAILABLE, format!("{what}\n")),
    }
}

/// Asks the process of this machine that answers probes at `address` whether it is ready: the health check of a container
/// without a shell. Blocks.
///
/// # Errors
/// It does not answer, or is not ready; then with what is missing.
pub fn ask(address: SocketAddr) -> io::Result<()> {
    let mut address = address;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let missing = answer.split_once("\r\n\r\n").map_or(answer.as_ref(), |(_, missing)| missing);
    Err(io::Error::other(format!("not ready: {}", missing.trim())))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    use super::*;

    /// What `ask` makes of this answer at an address that means all of this machine's.
    fn asked(answer: &'static str) -> io::Result<()> {
        let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let answering = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a question");
            let mut question = BufReader::new(&stream);
            let mut first = String::new();
            question.read_line(&mut first).expect("a line");
            while question.read_line(&mut String::new()).is_ok_and(|read| read > 2) {}
            (&stream).write_all(answer.as_bytes()).expect("an answer");
            first
        });
        let result = ask(address);
        assert_eq!(answering.join().expect("an answer").trim(), "GET /readyz HTTP/1.1");
        result
    }

    #[test]
    fn a_process_is_ready_when_it_says_so_and_else_what_is_missing_is_told() {
        assert!(asked("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n").is_ok());
        assert!(asked("HTTP/1.1 200 OK\r\n\r\nready, degraded: the bus does not answer\n").is_ok());
        let missing = "HTTP/1.1 503 Service Unavailable\r\n\r\nthe database does not answer\n";
        let refused = asked(missing).expect_err("not ready").to_string();
        assert_eq!(refused, "not ready: the database does not answer");
        assert!(asked("").is_err());
    }

    #[test]
    fn where_nobody_listens_nobody_is_ready() {
        let closed = eseal_testkit::Port::free().expect("a port");
        assert!(ask(closed.address()).is_err());
    }
}
