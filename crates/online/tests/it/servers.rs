//! Servers on this machine, each as good or bad as a test needs it.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use eseal_kernel::{Clock, Timestamp};
use eseal_online::development;
use eseal_pki::Suite;
use eseal_pki::tsp::DevelopmentTsa;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub fn now() -> Timestamp {
    Clock::System.now()
}

/// A server whose every answer is `answer`'s; gives its address.
pub async fn answering(answer: impl Fn(Bytes) -> Response + Send + Sync + 'static) -> String {
    let answer = Arc::new(answer);
    let router = Router::new().fallback(any(move |body: Bytes| {
        let answer = answer.clone();
        async move { answer(body) }
    }));
    let (listener, url) = listener().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// An answer of one kind.
pub fn of_kind(kind: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, kind)], body).into_response()
}

/// A development authority; gives its root and its address.
pub async fn development_tsa(suite: Suite) -> (eseal_pki::Certificate, String) {
    let tsa = DevelopmentTsa::create(suite, now()).expect("an authority");
    let root = tsa.root().clone();
    let (listener, url) = listener().await;
    tokio::spawn(development::serve(vec![tsa], listener, Clock::System, std::future::pending()));
    (root, url)
}

pub async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    (listener, url)
}

/// A server that answers everything with a body of this kind that has no end.
pub async fn endless(kind: &'static str) -> String {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await; // the question, or its begin
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
                let mut sent = stream.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    sent = stream.write_all(&[0x30; 16 << 10]).await;
                }
            });
        }
    });
    url
}

/// Runs `openssl` with these words in a folder.
pub fn run(folder: &Path, words: &str) -> Output {
    Command::new("openssl").args(words.split_whitespace()).current_dir(folder).output().expect("openssl is installed")
}

/// The same where it must succeed; gives what it printed.
pub fn openssl(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "openssl {words}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
