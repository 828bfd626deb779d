//! 第二因素: codes that are sent, and who sends them on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use eseal_authentication::{Config, WebhookConfig};
use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::codes::{STEP, asks_for, factors, tries};
use crate::hosted::{Hosted, PIN, hosted};
use crate::kms::private;
use crate::privacy::{dump, find};
use crate::rights::grant;

const SECRET: &str = "a secret of the webhook that is long enough";

/// Who sends codes on.
#[derive(Clone, Default)]
struct Sender(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    codes: Vec<String>,
    manner: Manner,
    elsewhere: usize,
}

#[derive(Clone, Copy, Default)]
enum Manner {
    #[default]
    Takes,
    Says(StatusCode),
    SendsElsewhere,
    Endless,
    Silent,
}

impl Sender {
    async fn open() -> (Self, String) {
        let sender = Self::default();
        let routes = Router::new().route("/codes", post(took)).route("/elsewhere", post(elsewhere));
        let routes = routes.with_state(sender.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/codes", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (sender, url)
    }

    fn turns(&self, manner: Manner) {
        self.0.lock().expect("no panic").manner = manner;
    }

    fn last(&self) -> String {
        self.0.lock().expect("no panic").codes.last().expect("a code").clone()
    }
}

async fn elsewhere(State(sender): State<Sender>) -> StatusCode {
    sender.0.lock().expect("no panic").elsewhere += 1;
    StatusCode::NO_CONTENT
}

async fn took(State(sender): State<Sender>, headers: HeaderMap, body: Bytes) -> Response {
    let manner = sender.0.lock().expect("no panic").manner;
    match manner {
        Manner::Takes => {}
        Manner::Says(status) => return status.into_response(),
        Manner::SendsElsewhere => {
            return (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response();
        }
        Manner::Endless => {
            let piece = || Ok::<_, std::io::Error>("x".repeat(1_000));
            let body = Body::from_stream(futures::stream::iter(std::iter::repeat_with(piece)));
            return (StatusCode::BAD_GATEWAY, body).into_response();
        }
        Manner::Silent => std::future::pending().await,
    }
    let signature = headers["eseal-signature"].to_str().expect("text").to_owned();
    let (moment, value) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("both");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = [format!("{moment}.").as_bytes(), &body].concat();
    hmac::verify(&key, &signed, &hex::decode(value).expect("digits")).expect("signed");
    let message: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert!(message["custodian_id"].is_string() && message["seal_id"].is_string(), "{message}");
    let code = message["code"].as_str().expect("a code").to_owned();
    sender.0.lock().expect("no panic").codes.push(code);
    StatusCode::NO_CONTENT.into_response()
}

async fn send(bureau: &Bureau, hosted: &Hosted) -> Result<(), Status> {
    send_to(bureau, hosted, ZHOU).await
}

async fn send_to(bureau: &Bureau, hosted: &Hosted, person: &str) -> Result<(), Status> {
    let request = pb::SendSealingCodeRequest { seal_id: hosted.seal_id.clone() };
    factors(bureau, person, Role::Custodian).send_sealing_code(request).await.map(drop)
}

/// Sends codes from now on, within this time.
async fn sends_by(bureau: &mut Bureau, url: &str, timeout: Duration) {
    let (secret_file, url) = (bureau.file("webhook"), url.to_owned());
    private(&secret_file, SECRET);
    bureau.settings = Box::new(move |config| {
        let webhook = WebhookConfig { url: url.clone(), secret_file: secret_file.clone(), ca_file: None, timeout };
        Config { code_webhook: Some(webhook), ..config }
    });
    bureau.restart().await;
}

#[tokio::test]
async fn a_code_that_is_sent_is_good_once_within_five_minutes_and_is_nowhere_in_the_clear() {
    let (sender, url) = Sender::open().await;
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    assert_refused(send(&bureau, &hosted).await, Code::FailedPrecondition, "CODE_UNFIT");
    asks_for(&bureau, &hosted, pb::SecondFactor::Sent).await;
    assert_refused(send(&bureau, &hosted).await, Code::FailedPrecondition, "CODES_OFF");
    sends_by(&mut bureau, &url, Duration::from_secs(60)).await;

    send(&bureau, &hosted).await.expect("sent");
    assert_eq!(refusal(send(&bureau, &hosted).await).1.reason, "CODE_JUST_SENT");
    let code = sender.last();
    let stored = dump(&bureau).await;
    for form in [format!("\0{code}\0"), format!("\"{code}\"")] {
        assert!(!find(&stored, form.as_bytes())); // as a column, or within JSON
    }
    tries(&bureau, &hosted, PIN, &code).await.expect("good");
    assert_gate(tries(&bureau, &hosted, PIN, &code).await, "c", "PIN_INCORRECT");

    bureau.later(STEP);
    send(&bureau, &hosted).await.expect("another one");
    bureau.later(Duration::from_secs(301));
    assert_gate(tries(&bureau, &hosted, PIN, &sender.last()).await, "c", "PIN_INCORRECT"); // too late
    send(&bureau, &hosted).await.expect("another one");
    let earlier = sender.last();
    bureau.later(STEP);
    send(&bureau, &hosted).await.expect("in its place");
    assert_ne!(earlier, sender.last());
    assert_gate(tries(&bureau, &hosted, PIN, &earlier).await, "c", "PIN_INCORRECT");
    tries(&bureau, &hosted, PIN, &sender.last()).await.expect("good");
}

#[tokio::test]
async fn a_typo_in_the_pin_leaves_the_code_good_and_tells_nothing_of_it() {
    let (sender, url) = Sender::open().await;
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Sent).await;
    sends_by(&mut bureau, &url, Duration::from_secs(60)).await;
    send(&bureau, &hosted).await.expect("sent");
    let code = sender.last();
    let other = if code == "00000000" { "00000001" } else { "00000000" };
    let of_both = assert_gate(tries(&bureau, &hosted, "314159", other).await, "c", "PIN_INCORRECT");
    // What a used up code would let out: that another one may be sent at once.
    assert_eq!(refusal(send(&bureau, &hosted).await).1.reason, "CODE_JUST_SENT");
    let of_pin = assert_gate(tries(&bureau, &hosted, "314159", &code).await, "c", "PIN_INCORRECT");
    assert_eq!(refusal(send(&bureau, &hosted).await).1.reason, "CODE_JUST_SENT");
    assert_eq!((of_pin.message, of_pin.fields), (of_both.message, of_both.fields));
    tries(&bureau, &hosted, PIN, &code).await.expect("good still");
    assert_gate(tries(&bureau, &hosted, PIN, &code).await, "c", "PIN_INCORRECT"); // and once
}

#[tokio::test]
async fn a_code_that_was_tried_five_times_is_good_no_more_though_administrators_unlock_the_seal() {
    let (sender, url) = Sender::open().await;
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Sent).await;
    sends_by(&mut bureau, &url, Duration::from_secs(60)).await;
    send(&bureau, &hosted).await.expect("sent");
    let code = sender.last();
    for _ in 0..5 {
        tries(&bureau, &hosted, "314159", &code).await.expect_err("a wrong PIN");
    }
    unlock(&mut bureau.admin(), &hosted.seal_id).await.expect("unlocked");
    assert_gate(tries(&bureau, &hosted, PIN, &code).await, "c", "PIN_INCORRECT");
}

#[tokio::test]
async fn a_code_is_for_one_seal_and_one_custodian() {
    let (sender, url) = Sender::open().await;
    let mut bureau = Bureau::open().await;
    let (one, other) = (hosted(&bureau).await, hosted(&bureau).await);
    sends_by(&mut bureau, &url, Duration::from_secs(60)).await;
    for hosted in [&one, &other] {
        asks_for(&bureau, hosted, pb::SecondFactor::Any).await;
    }
    assert_refused(send_to(&bureau, &one, "wu").await, Code::PermissionDenied, "NOT_CUSTODIAN");
    grant(&mut bureau.admin(), &one.seal_id, "wu", pb::CustodianTerms::default()).await.expect("granted");
    send_to(&bureau, &one, "wu").await.expect("sent");
    assert_gate(tries(&bureau, &one, PIN, &sender.last()).await, "c", "PIN_INCORRECT");
    send(&bureau, &other).await.expect("sent");
    let of_other = sender.last();
    assert_gate(tries(&bureau, &one, PIN, &of_other).await, "c", "PIN_INCORRECT");
    tries(&bureau, &other, PIN, &of_other).await.expect("its own");
}

#[tokio::test]
async fn a_code_that_nobody_took_is_told_as_such_and_another_one_may_follow_at_once() {
    let (sender, url) = Sender::open().await;
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Sent).await;
    sends_by(&mut bureau, &url, Duration::from_millis(500)).await;
    let says = [StatusCode::BAD_GATEWAY, StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND].map(Manner::Says);
    for manner in says.into_iter().chain([Manner::SendsElsewhere, Manner::Endless, Manner::Silent]) {
        sender.turns(manner);
        assert_refused(send(&bureau, &hosted).await, Code::Unavailable, "CODE_NOT_SENT");
    }
    assert_eq!(sender.0.lock().expect("no panic").elsewhere, 0, "no code goes where no setting says");
    sends_by(&mut bureau, &url, Duration::from_secs(60)).await;
    sender.turns(Manner::Takes);
    send(&bureau, &hosted).await.expect("at once, since none was sent");
    tries(&bureau, &hosted, PIN, &sender.last()).await.expect("good");
}

#[tokio::test]
async fn a_webhook_that_would_give_codes_away_is_no_setting() {
    let mut bureau = Bureau::open().await;
    let secret_file = bureau.file("webhook");
    let usual = WebhookConfig {
        url: "https://messages.example/eseal".to_owned(),
        secret_file: secret_file.clone(),
        ca_file: None,
        timeout: Duration::from_secs(5),
    };
    private(&secret_file, SECRET);
    for (webhook, why) in [
        (WebhookConfig { url: "http://messages.example/eseal".to_owned(), ..usual.clone() }, "https://"),
        (WebhookConfig { timeout: Duration::ZERO, ..usual.clone() }, "timeout"),
        (WebhookConfig { secret_file: bureau.file("none"), ..usual.clone() }, "none"),
    ] {
        bureau.settings = Box::new(move |config| Config { code_webhook: Some(webhook.clone()), ..config });
        let told = bureau.wired().await.expect_err("refused").to_string();
        assert!(told.contains("code_webhook") && told.contains(why), "{told}");
    }
    private(&secret_file, "too short");
    bureau.settings = Box::new(move |config| Config { code_webhook: Some(usual.clone()), ..config });
    let told = bureau.wired().await.expect_err("refused").to_string();
    assert!(told.contains("fewer than 32"), "{told}");
}
