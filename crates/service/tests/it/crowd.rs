//! Clients that are too many, too slow, or say too much: they get what is due, and nobody else notices.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_service::access::AccessLayer;
use eseal_service::client::Bearer;
use eseal_service::server::{Limits, Server};
use eseal_service::status::refusal_of;
use eseal_service::tasks::Tasks;
use eseal_service::tls::Clients;
use eseal_service::token::{Grant, TokenIssuer};
use eseal_service::{Language, MAX_MESSAGE, Role};
use h2::client::SendRequest;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use crate::stand_in::{StandIn, ask, told};
use crate::tls::{BOUND, Street, asked};

const READ: &str = "http://eseal.test/eseal.event.v1.EventLogService/ReadEvents";

/// A stand-in behind a plain port, as the standalone has one.
struct Port {
    address: SocketAddr,
    stand_in: StandIn,
    tasks: Tasks,
    token: String,
}

impl Port {
    async fn open(limits: Limits) -> Self {
        let key = TokenIssuer::generate_key().expect("a key");
        let clock = eseal_kernel::Clock::default();
        let issuer = TokenIssuer::try_new("https://issuer.test", &key, BOUND * 10, clock).expect("an issuer");
        let grant = Grant { person_id: "p1".to_owned(), roles: vec![Role::Auditor], organization: None };
        let token = issuer.issue(&grant).expect("a token").token;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, tasks) = (listener.local_addr().expect("an address"), Tasks::new());
        let stand_in = StandIn::default();
        let access = AccessLayer::try_new(issuer.verifier()).expect("rules");
        let server = Server::new(stand_in.routes(), access, limits);
        tasks.spawn("server", server.serve(listener, tasks.stopping()));
        Self { address, stand_in, tasks, token }
    }

    /// What somebody else is answered, on a connection of their own.
    async fn somebody_else(&self) -> Result<String, Status> {
        self.asked("caller").await
    }

    async fn asked(&self, what: &str) -> Result<String, Status> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("an address");
        let bearer = Bearer::try_new(&self.token, Language::En).expect("a token");
        let mut client = EventLogServiceClient::with_interceptor(endpoint.connect_lazy(), bearer);
        client.read_events(ask(what)).await.map(|answer| told(answer.into_inner()))
    }

    /// A bare HTTP/2 connection that takes only this much of an answer at a time.
    async fn bare(&self, window: u32) -> (SendRequest<bytes::Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(window).initial_connection_window_size(window);
        let (client, connection) = builder.handshake(stream).await.expect("HTTP/2");
        (client.ready().await.expect("ready"), tokio::spawn(connection))
    }

    fn request(&self) -> http::request::Builder {
        let request = http::Request::post(READ).header("content-type", "application/grpc").header("te", "trailers");
        request.header("authorization", format!("Bearer {}", self.token))
    }
}

/// A message of gRPC: not compressed, its length, and its bytes.
fn message(what: &str) -> bytes::Bytes {
    let encoded = prost::Message::encode_to_vec(&ask(what));
    let length = u32::try_from(encoded.len()).expect("short").to_be_bytes();
    [&[0], length.as_slice(), &encoded].concat().into()
}

/// Whether the other side closes the connection within the bound.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    matches!(tokio::time::timeout(BOUND, stream.read_to_end(&mut rest)).await, Ok(Ok(_) | Err(_)))
}

#[tokio::test]
async fn a_thousand_silent_connections_keep_nobody_out() {
    let limits = Limits { connections: 64, handshakes: 16, handshake: BOUND, ..Limits::default() };
    let street = Street::with(&["verification"], limits, Clients::Certified).await;
    let known = street.peer(street.tls("verification"));
    assert!(asked(&known).await.is_ok());
    let mut silent = Vec::new();
    for count in 1..=1_000 {
        silent.push(TcpStream::connect(street.address).await.expect("connected"));
        if count % 250 == 0 {
            // A newcomer, and somebody whose connection was there before.
            assert!(asked(&street.peer(street.tls("verification"))).await.is_ok(), "after {count}");
            assert!(asked(&known).await.is_ok(), "after {count}");
        }
        if count > 500 {
            silent.remove(0);
        }
    }
    assert!(is_closed(&mut silent[0]).await, "the oldest silent one had to go");
}

#[tokio::test]
async fn clients_that_are_done_make_room_and_the_one_with_a_request_under_way_does_not() {
    let limits = Limits { connections: 8, ..Limits::default() };
    let port = Port::open(limits).await;
    let (mut busy, connection) = port.bare(65_535).await;
    let request = port.request().body(()).expect("a request");
    let (answer, mut body) = busy.send_request(request, false).expect("sent");
    body.send_data(message("held"), true).expect("sent");
    let begun = async || (port.stand_in.calls.load(Ordering::SeqCst) == 1).then_some(());
    eseal_testkit::wait_until("the request is with its handler", BOUND, begun).await;
    let mut done = Vec::new();
    for _ in 0..50 {
        done.push(port.bare(65_535).await);
    }
    let gone = async || (done.iter().filter(|(_, connection)| connection.is_finished()).count() >= 40).then_some(());
    eseal_testkit::wait_until("those who did nothing were closed", BOUND, gone).await;
    assert!(!connection.is_finished());
    assert!(port.somebody_else().await.is_ok());
    port.stand_in.release.notify_one();
    assert_eq!(answer.await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn who_does_not_begin_in_time_is_closed_before_and_after_the_handshake() {
    let limits = Limits { handshake: Duration::from_secs(1), ..Limits::default() };
    let street = Street::with(&["verification"], limits, Clients::Certified).await;
    // Nothing, or a part of a handshake.
    for beginning in [&b""[..], &b"\x16\x03\x01\x02\x00\x01"[..]] {
        let mut stream = TcpStream::connect(street.address).await.expect("connected");
        stream.write_all(beginning).await.expect("written");
        assert!(is_closed(&mut stream).await);
    }
    // A whole one, and then nothing, or a part of a beginning.
    for beginning in [&b""[..], &b"PRI * HTTP/2.0\r\n"[..]] {
        let stream = TcpStream::connect(street.address).await.expect("connected");
        let connector = TlsConnector::from(street.tls("verification").client());
        let name = ServerName::try_from("stand-in.eseal").expect("a name");
        let mut stream = connector.connect(name, stream).await.expect("the handshake");
        stream.write_all(beginning).await.expect("written");
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(BOUND, stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "still open");
    }
    assert!(asked(&street.peer(street.tls("verification"))).await.is_ok());
}

#[tokio::test]
async fn what_is_no_http2_is_closed_and_others_are_served() {
    let port = Port::open(Limits::default()).await;
    for nonsense in
        [&b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"[..], &[0xFF; 1_024], &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense"[..]]
    {
        let mut stream = TcpStream::connect(port.address).await.expect("connected");
        stream.write_all(nonsense).await.expect("written");
        assert!(is_closed(&mut stream).await);
    }
    assert!(port.somebody_else().await.is_ok());
}

#[tokio::test]
async fn a_client_that_sends_its_request_too_slowly_is_given_up_in_time() {
    let limits = Limits { longest: Duration::from_secs(2), ..Limits::default() };
    let port = Port::open(limits).await;
    let (mut slow, _connection) = port.bare(65_535).await;
    let (answer, mut body) = slow.send_request(port.request().body(()).expect("a request"), false).expect("sent");
    body.send_data(message("caller").slice(..3), false).expect("sent");
    let answer = tokio::time::timeout(BOUND, answer).await.expect("within the bound").expect("an answer");
    let code = answer.headers()["grpc-status"].to_str().expect("text").parse::<i32>().expect("a number");
    assert_eq!(Code::from(code), Code::DeadlineExceeded);
    assert!(port.somebody_else().await.is_ok());
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_holds_up_nobody_and_not_the_end_of_the_process() {
    let limits = Limits { stop_within: Duration::from_millis(200), ..Limits::default() };
    let port = Port::open(limits).await;
    let (mut slow, _connection) = port.bare(1).await;
    let (answer, mut body) = slow.send_request(port.request().body(()).expect("a request"), false).expect("sent");
    body.send_data(message("large"), true).expect("sent");
    let _unread = answer.await.expect("the headers of an answer").into_body();
    for _ in 0..20 {
        assert!(port.somebody_else().await.is_ok());
    }
    assert_eq!(port.tasks.finish(BOUND).await, Ok(()));
}

#[tokio::test]
async fn an_oversized_message_or_header_is_refused_and_the_connection_goes_on() {
    let port = Port::open(Limits::default()).await;
    let refusal = port.asked(&"x".repeat(MAX_MESSAGE + 1)).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::OutOfRange);
    assert_eq!(refusal_of(&refusal), None, "it never came as far as a handler");
    let (mut client, connection) = port.bare(65_535).await;
    let large = port.request().header("x-large", "x".repeat(40 << 10)).body(()).expect("a request");
    let (answer, mut body) = client.send_request(large, false).expect("sent");
    let _ = body.send_data(message("caller"), true);
    match answer.await {
        Ok(answer) => assert_eq!(answer.status(), 431),
        Err(error) => assert!(error.is_reset(), "{error}"),
    }
    let mut client = client.ready().await.expect("the connection is still good");
    let (answer, mut body) = client.send_request(port.request().body(()).expect("a request"), false).expect("sent");
    body.send_data(message("caller"), true).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 200);
    assert!(!connection.is_finished());
}

#[tokio::test]
async fn a_connection_with_nothing_to_do_is_closed_in_order() {
    let port = Port::open(Limits { idle: Duration::from_millis(100), ..Limits::default() }).await;
    let (_client, connection) = port.bare(65_535).await;
    let ended = tokio::time::timeout(BOUND, connection).await.expect("within the bound");
    assert!(ended.expect("no panic").is_ok(), "closed with a word");
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end_of_the_process() {
    let street = Street::new(&["verification"]).await;
    let peer = street.peer(street.tls("verification"));
    assert!(asked(&peer).await.is_ok());
    let _silent = TcpStream::connect(street.address).await.expect("connected");
    let begun = std::time::Instant::now();
    assert_eq!(street.tasks.finish(BOUND).await, Ok(()));
    assert!(begun.elapsed() < Limits::default().stop_within, "{:?}", begun.elapsed());
}
