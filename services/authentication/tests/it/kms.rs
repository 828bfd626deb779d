//! Key management systems of others: the worked example that the guide shows, and stand-ins that are away, slow or lie.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as Called, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eseal_authentication::{Config, KeyConfig, KmsConfig};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::hosted::{Hosted, create, hosted, sealed_once};

const TOKEN: &str = "token-of-the-tests";
pub const KEY_ID: &str = "eseal-2027";

/// A KMS that keeps what it wraps in a table, and behaves as it is told.
pub struct Kms {
    folder: TempDir,
    url: String,
    state: Arc<Inside>,
}

/// What was wrapped, and for which context.
type Wrapped = (String, Vec<u8>);

struct Inside {
    kept: Mutex<HashMap<Vec<u8>, Wrapped>>,
    manner: Mutex<Manner>,
    unwrapped: AtomicUsize,
    /// Each wrap takes one for good.
    wraps: Semaphore,
}

/// How it behaves.
#[derive(Debug, Clone)]
pub enum Manner {
    Good,
    Says(u16, &'static str),
    Silent,
    Endless,
    /// Another data key than was wrapped.
    Lies,
}

impl Kms {
    pub async fn open() -> Self {
        let (kept, manner) = (Mutex::default(), Mutex::new(Manner::Good));
        let wraps = Semaphore::new(Semaphore::MAX_PERMITS / 2);
        let state = Arc::new(Inside { kept, manner, unwrapped: AtomicUsize::new(0), wraps });
        let routes = Router::new().route("/v1/{call}", post(called)).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let folder = TempDir::new().expect("a folder");
        private(&folder.path().join("token"), TOKEN);
        Self { folder, url, state }
    }

    pub fn behaves(&self, manner: Manner) {
        *self.state.manner.lock().expect("no panic") = manner;
    }

    /// Lets only so many more keys be wrapped, until [`Kms::goes_on`].
    pub fn stops_after(&self, wraps: usize) {
        let all = self.state.wraps.available_permits();
        self.state.wraps.forget_permits(all);
        self.state.wraps.add_permits(wraps);
    }

    pub fn goes_on(&self) {
        self.state.wraps.add_permits(1 << 20);
    }

    /// Whether as many were wrapped as [`Kms::stops_after`] lets.
    pub fn is_stopped(&self) -> bool {
        self.state.wraps.available_permits() == 0
    }

    fn unwrapped(&self) -> usize {
        self.state.unwrapped.load(Ordering::SeqCst)
    }

    pub fn config(&self) -> KeyConfig {
        config(&self.url, &self.folder.path().join("token"))
    }
}

fn config(url: &str, token: &Path) -> KeyConfig {
    KeyConfig::Kms(KmsConfig {
        url: url.to_owned(),
        key_id: KEY_ID.to_owned(),
        token_file: Some(token.to_owned()),
        ca_file: None,
        cert_file: None,
        cert_key_file: None,
        timeout: Duration::from_secs(20),
    })
}

async fn called(
    State(state): State<Arc<Inside>>,
    Called(call): Called<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let manner = state.manner.lock().expect("no panic").clone();
    match manner {
        Manner::Good | Manner::Lies => {}
        Manner::Says(status, text) => return (StatusCode::from_u16(status).expect("a status"), text).into_response(),
        Manner::Silent => std::future::pending().await,
        Manner::Endless => {
            let piece = || Ok::<_, std::io::Error>("x".repeat(1_000));
            return Body::from_stream(futures::stream::iter(std::iter::repeat_with(piece))).into_response();
        }
    }
    if headers.get("authorization").is_none_or(|given| given != &format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let asked: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(asked["key_id"], KEY_ID);
    let context = asked["context"].as_str().expect("a context").to_owned();
    let bytes = |name: &str| BASE64_STANDARD.decode(asked[name].as_str().expect("bytes")).expect("Base64");
    let given = match call.as_str() {
        "wrap" => {
            state.wraps.acquire().await.expect("open").forget();
            let wrapped = request_id().into_bytes();
            state.kept.lock().expect("no panic").insert(wrapped.clone(), (context, bytes("plaintext")));
            ("wrapped", wrapped)
        }
        _ => {
            state.unwrapped.fetch_add(1, Ordering::SeqCst);
            match state.kept.lock().expect("no panic").get(&bytes("wrapped")) {
                Some((of, _)) if *of != context => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
                Some((_, plaintext)) if matches!(manner, Manner::Lies) => ("plaintext", vec![7; plaintext.len()]),
                Some((_, plaintext)) => ("plaintext", plaintext.clone()),
                None => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
            }
        }
    };
    let mut answer = serde_json::Map::new();
    answer.insert(given.0.to_owned(), BASE64_STANDARD.encode(given.1).into());
    serde_json::Value::Object(answer).to_string().into_response()
}

/// A bureau whose secrets are under a key in this KMS from the beginning.
async fn bureau_with(key: KeyConfig) -> Bureau {
    let mut bureau = Bureau::closed().await;
    bureau.settings = Box::new(move |config| under("kms", key.clone(), config));
    bureau.opens().await;
    bureau
}

/// Settings with this key as the current one, and no key file.
pub fn under(name: &str, key: KeyConfig, config: Config) -> Config {
    Config { key_file: PathBuf::new(), current_key: name.to_owned(), keys: [(name.to_owned(), key)].into(), ..config }
}

#[tokio::test]
async fn a_seal_in_use_does_not_ask_the_kms_each_time_and_asks_again_after_a_restart() {
    let kms = Kms::open().await;
    let mut bureau = bureau_with(kms.config()).await;
    let hosted = hosted(&bureau).await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    assert_eq!(kms.unwrapped(), 0, "its keys were wrapped a moment ago");
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    let once = kms.unwrapped();
    assert!(once >= 2, "the PIN's hash and the key, and what is looked at at the start: {once}");
    sealed_once(&bureau, &hosted).await.expect("sealed");
    assert_eq!(kms.unwrapped(), once);
}

#[tokio::test]
async fn where_no_data_key_is_kept_each_use_asks_the_kms() {
    let kms = Kms::open().await;
    let mut bureau = bureau_with(kms.config()).await;
    let key = kms.config();
    bureau.settings = Box::new(move |config| Config { data_keys_kept: 0, ..under("kms", key.clone(), config) });
    bureau.restart().await;
    let hosted = hosted(&bureau).await;
    let before = kms.unwrapped();
    for uses in 1..=3 {
        sealed_once(&bureau, &hosted).await.expect("sealed");
        assert_eq!(kms.unwrapped(), before + 3 * uses, "the PIN's hash, the key before its try, and the key");
    }
}

#[tokio::test]
async fn a_kms_that_is_away_costs_no_try_and_hinders_nothing_but_hosted_keys() {
    let kms = Kms::open().await;
    let mut bureau = bureau_with(kms.config()).await;
    let hosted = hosted(&bureau).await;
    kms.behaves(Manner::Says(503, ""));
    bureau.restart().await; // it starts all the same
    let refused = sealed_once(&bureau, &hosted).await;
    assert_refused(refused, Code::Unavailable, "KEY_UNAVAILABLE");
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5);
    assert_refused(create(&bureau).await, Code::Unavailable, "KEY_UNAVAILABLE");
    kms.behaves(Manner::Good);
    sealed_once(&bureau, &hosted).await.expect("sealed");
}

#[tokio::test]
async fn whatever_a_kms_answers_there_is_an_end_and_no_signature() {
    let kms = Kms::open().await;
    let mut bureau = bureau_with(kms.config()).await;
    let hosted = hosted(&bureau).await;
    let KeyConfig::Kms(good) = kms.config() else { panic!("a KMS") };
    bureau.settings = Box::new(move |config| {
        let key = KmsConfig { timeout: Duration::from_secs(2), ..good.clone() };
        Config { data_keys_kept: 0, ..under("kms", KeyConfig::Kms(key), config) }
    });
    bureau.restart().await;
    for manner in [Manner::Silent, Manner::Endless] {
        kms.behaves(manner.clone());
        assert_eq!(code(sealed_once(&bureau, &hosted).await), Code::Unavailable, "{manner:?}");
    }
    let KeyConfig::Kms(good) = kms.config() else { panic!("a KMS") };
    bureau.settings =
        Box::new(move |config| Config { data_keys_kept: 0, ..under("kms", KeyConfig::Kms(good.clone()), config) });
    bureau.restart().await;
    for manner in [
        Manner::Says(200, ""),
        Manner::Says(200, "{}"),
        Manner::Says(200, "[[[[[[[[[["),
        Manner::Says(200, r#"{"plaintext": "!"}"#),
        Manner::Says(302, ""),
        Manner::Says(401, ""),
        Manner::Says(500, "Traceback"),
    ] {
        kms.behaves(manner.clone());
        assert_eq!(code(sealed_once(&bureau, &hosted).await), Code::Unavailable, "{manner:?}");
    }
    // These are no outage: a person has to look.
    for manner in
        [Manner::Says(422, ""), Manner::Says(404, ""), Manner::Says(200, r#"{"plaintext": "AAAA"}"#), Manner::Lies]
    {
        kms.behaves(manner.clone());
        assert_eq!(code(sealed_once(&bureau, &hosted).await), Code::Internal, "{manner:?}");
    }
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5);
    kms.behaves(Manner::Good);
    sealed_once(&bureau, &hosted).await.expect("sealed");
}

#[tokio::test]
async fn the_worked_example_of_the_guide_wraps_and_unwraps() {
    let example = Example::start();
    let mut bureau = bureau_with(config(&example.url, &example.folder.path().join("token"))).await;
    let hosted: Hosted = hosted(&bureau).await;
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    // Another token, as after a rotation of it: read anew, without a restart.
    private(&example.folder.path().join("token"), "wrong");
    bureau.restart().await;
    assert_eq!(code(sealed_once(&bureau, &hosted).await), Code::Unavailable);
    private(&example.folder.path().join("token"), TOKEN);
    sealed_once(&bureau, &hosted).await.expect("sealed");
    std::fs::write(example.folder.path().join("keys").join(KEY_ID), "11".repeat(32)).expect("written");
    let told = bureau.wired().await.expect_err("another key").to_string();
    assert!(told.contains("\"kms\" does not open") && told.contains("422"), "{told}");
}

/// `examples/kms/kms.py`, run for real.
pub struct Example {
    pub folder: TempDir,
    pub url: String,
    process: Child,
}

impl Example {
    fn start() -> Self {
        Self::start_with(|folder| {
            private(&folder.join("token"), TOKEN);
            vec!["--token-file".into(), folder.join("token").into()]
        })
    }

    /// With what says who may ask, which may put files into its folder.
    pub fn start_with(who: impl FnOnce(&Path) -> Vec<OsString>) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::create_dir(folder.path().join("keys")).expect("a folder");
        std::fs::write(folder.path().join("keys").join(KEY_ID), "42".repeat(32)).expect("written");
        let who = who(folder.path());
        let mut command = Command::new("python3"); // the one of the tests' own environment, by the PATH
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kms/kms.py"));
        command.arg("--keys").arg(folder.path().join("keys"));
        command.args(who).args(["--port", "0"]).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3");
        let mut port = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut port).expect("its port");
        let url = format!("http://127.0.0.1:{}/v1", port.trim());
        Self { folder, url, process }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.expect_err("refused").code()
}
