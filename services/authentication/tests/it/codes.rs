//! 第二因素: codes of an authenticator beside the PIN, where the seal's policy asks for them.

use std::time::Duration;

use aws_lc_rs::hmac;
use eseal_authentication::Config;
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::authentication::v1::second_factor_service_client::SecondFactorServiceClient;
use eseal_service::Role;
use eseal_service::testing::TestChannel;
use eseal_testkit::wait_until;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Asterisk, Query};
use tonic::{Code, Status};

use crate::batch::{Many, hosted_given_with};
use crate::bureau::*;
use crate::hosted::{Hosted, PIN, authorization, hosted};
use crate::rights::{grant, set_policy};
use crate::rotation::{rewraps, to_another_file};
use crate::signing::begin;
use crate::whole::{OFD, order, pieces, seal};

pub const STEP: Duration = Duration::from_secs(30);

pub async fn asks_for(bureau: &Bureau, hosted: &Hosted, factor: pb::SecondFactor) {
    let policy = pb::SealPolicy { second_factor: factor.into(), ..pb::SealPolicy::default() };
    set_policy(&mut bureau.admin(), &hosted.seal_id, policy).await.expect("set");
}

pub fn factors(bureau: &Bureau, person: &str, role: Role) -> SecondFactorServiceClient<TestChannel> {
    SecondFactorServiceClient::new(bureau.person(person, role, Some(LENOVO)))
}

async fn offered(bureau: &Bureau, hosted: &Hosted, person: &str) -> Result<pb::EnrolAuthenticatorResponse, Status> {
    let request = pb::EnrolAuthenticatorRequest { seal_id: hosted.seal_id.clone() };
    Ok(factors(bureau, person, Role::Custodian).enrol_authenticator(request).await?.into_inner())
}

fn confirmation(hosted: &Hosted, authenticator: &str, code: &str) -> pb::ConfirmAuthenticatorRequest {
    let (seal_id, authenticator_id) = (hosted.seal_id.clone(), authenticator.to_owned());
    pb::ConfirmAuthenticatorRequest { request_id: request_id(), seal_id, authenticator_id, code: code.to_owned() }
}

async fn confirms(bureau: &Bureau, hosted: &Hosted, person: &str, id: &str, code: &str) -> Result<(), Status> {
    let request = confirmation(hosted, id, code);
    factors(bureau, person, Role::Custodian).confirm_authenticator(request).await.map(drop)
}

/// The URI of an authenticator in use. The code of the step before was its first.
pub async fn enrolled(bureau: &Bureau, hosted: &Hosted, person: &str) -> String {
    let offer = offered(bureau, hosted, person).await.expect("offered");
    let first = shown(&offer.uri, seconds(bureau) - 30);
    confirms(bureau, hosted, person, &offer.authenticator_id, &first).await.expect("confirmed");
    offer.uri
}

async fn removes(bureau: &Bureau, hosted: &Hosted, by: &str, custodian: &str) -> Result<(), Status> {
    let (seal_id, custodian_id) = (hosted.seal_id.clone(), custodian.to_owned());
    let request = pb::RemoveAuthenticatorRequest { request_id: request_id(), seal_id, custodian_id };
    factors(bureau, by, Role::Admin).remove_authenticator(request).await.map(drop)
}

/// Gates c and d of a new attempt.
pub async fn tries(bureau: &Bureau, hosted: &Hosted, pin: &str, code: &str) -> Result<(), Status> {
    tried_by(bureau, "authentication", ZHOU, hosted, pin, code).await
}

async fn tried_by(
    bureau: &Bureau,
    replica: &'static str,
    person: &str,
    hosted: &Hosted,
    pin: &str,
    code: &str,
) -> Result<(), Status> {
    let lenovo = LENOVO.parse().expect("a code");
    let mut theirs = SealingServiceClient::new(bureau.house.person(replica, person, &[Role::Custodian], Some(&lenovo)));
    let attempt = begin(&mut theirs, &hosted.seal_id).await?.attempt_id;
    let request = authorization(hosted, &attempt, &hosted.sm2, pin);
    let request = pb::AuthorizeHostedSealingRequest { code: code.to_owned(), ..request };
    theirs.authorize_hosted_sealing(request).await.map(drop)
}

/// The secret in the URI of an authenticator.
pub fn secret_of(uri: &str) -> &str {
    uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret")
}

/// The bytes of a text in Base32 (RFC 4648 §6).
pub fn base32(text: &str) -> Vec<u8> {
    let value = |letter: u8| if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
    let bits: String = text.bytes().map(|letter| format!("{:05b}", value(letter))).collect();
    let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).expect("bits"), 2).expect("a byte");
    bits.as_bytes().chunks_exact(8).map(byte).collect()
}

/// What an authenticator shows that scanned this URI (RFC 6238, by another library than the service's).
pub fn shown(uri: &str, at: u64) -> String {
    let bytes = base32(secret_of(uri));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let hash = hmac::sign(&key, &(at / 30).to_be_bytes());
    let hash = hash.as_ref();
    let offset = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn seconds(bureau: &Bureau) -> u64 {
    u64::try_from(bureau.now().seconds()).expect("after 1970")
}

/// Codes of six digits that are not those of now and the steps around it.
fn wrong_codes(bureau: &Bureau, uri: &str) -> impl Iterator<Item = String> + use<> {
    let now = seconds(bureau);
    let right = [now - 60, now - 30, now, now + 30, now + 60].map(|at| shown(uri, at));
    (0..1_000_000).map(|number| format!("{number:06}")).filter(move |code| !right.contains(code))
}

/// Payloads of the events of a hosted key.
async fn of_key(bureau: &Bureau, hosted: &Hosted) -> Vec<(String, String)> {
    let stream = format!("hosted_key-{}", hosted.key_id);
    let events = bureau.events().await.into_iter().filter(|event| event.stream_id.as_str() == stream);
    let told = |event: eseal_eventstore::StoredEvent| {
        let kind = event.kind.rsplit('.').next().unwrap_or_default().to_owned();
        (kind, String::from_utf8(event.payload).expect("JSON"))
    };
    events.map(told).collect()
}

#[tokio::test]
async fn a_seal_whose_policy_asks_for_an_authenticator_needs_its_code_and_takes_each_once() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    tries(&bureau, &hosted, PIN, "").await.expect("nothing is asked for yet");
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    let (code, refused) = refusal(tries(&bureau, &hosted, PIN, "").await);
    assert_eq!((code, refused.reason.as_str()), (Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED"));
    assert_eq!(refused.metadata.get("second_factor").map(String::as_str), Some("totp"));
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5, "no try was spent");
    assert_gate(tries(&bureau, &hosted, PIN, "123456").await, "c", "PIN_INCORRECT"); // nobody has enrolled

    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    let now = seconds(&bureau);
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&uri, now - 30)).await, "c", "PIN_INCORRECT"); // it confirmed
    tries(&bureau, &hosted, PIN, &shown(&uri, now)).await.expect("the code of now");
    let replayed = assert_gate(tries(&bureau, &hosted, PIN, &shown(&uri, now)).await, "c", "PIN_INCORRECT");
    assert_eq!(replayed.metadata.get("detail").map(String::as_str), Some("PIN_OR_CODE_INCORRECT"));
    tries(&bureau, &hosted, PIN, &shown(&uri, now + 30)).await.expect("a clock that is a step ahead");
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&uri, now)).await, "c", "PIN_INCORRECT"); // before the one that was used
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&uri, now + 60)).await, "c", "PIN_INCORRECT"); // two steps ahead
    bureau.later(STEP * 4);
    let later = seconds(&bureau);
    let of_pin = assert_gate(tries(&bureau, &hosted, "314159", &shown(&uri, later)).await, "c", "PIN_INCORRECT");
    assert_eq!(of_pin.message, replayed.message, "nobody is told which of the two was wrong");
    tries(&bureau, &hosted, PIN, &shown(&uri, later)).await.expect("a typo in the PIN does not use the code up");
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&uri, later)).await, "c", "PIN_INCORRECT"); // and what let through does
}

#[tokio::test]
async fn what_the_code_came_from_is_on_record_and_one_that_nobody_asked_for_is_not() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    let code = shown(&uri, seconds(&bureau));
    // Not looked at where none is asked for, so neither used up nor told as right.
    for given in ["123456", &code] {
        tries(&bureau, &hosted, PIN, given).await.expect("no code is asked for");
    }
    asks_for(&bureau, &hosted, pb::SecondFactor::Any).await;
    tries(&bureau, &hosted, PIN, &code).await.expect("good");
    let accepted = bureau.events().await.into_iter().filter(|event| event.kind.ends_with(".PinAccepted"));
    let payloads: Vec<_> = accepted.map(|event| String::from_utf8(event.payload).expect("JSON")).collect();
    let told: Vec<_> =
        payloads.iter().map(|payload| payload.contains("\"secondFactor\":\"SECOND_FACTOR_TOTP\"")).collect();
    assert_eq!(told, [false, false, true], "{payloads:?}");
    assert!(!payloads[0].contains("secondFactor"), "{payloads:?}");
}

#[tokio::test]
async fn wrong_codes_are_counted_and_lock_the_seal_as_wrong_pins_do() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    let mut wrong = wrong_codes(&bureau, &uri);
    for left in ["4", "3", "2", "1"] {
        let code = wrong.next().expect("a code");
        let refused = assert_gate(tries(&bureau, &hosted, PIN, &code).await, "c", "PIN_INCORRECT");
        assert_eq!(refused.metadata.get("tries_left").map(String::as_str), Some(left));
    }
    assert_gate(tries(&bureau, &hosted, PIN, &wrong.next().expect("a code")).await, "c", "PIN_LOCKED");
    let right = shown(&uri, seconds(&bureau));
    assert_gate(tries(&bureau, &hosted, PIN, &right).await, "c", "PIN_LOCKED");
    unlock(&mut bureau.admin(), &hosted.seal_id).await.expect("unlocked");
    tries(&bureau, &hosted, PIN, &right).await.expect("it was not looked at");
}

#[tokio::test]
async fn a_hundred_guesses_of_a_code_at_once_on_two_replicas_are_five_and_the_seal_is_locked() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    bureau.opens_another("another").await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    let guesses = wrong_codes(&bureau, &uri).take(100).enumerate().map(|(i, code)| {
        let (bureau, hosted) = (&bureau, &hosted);
        let replica = ["authentication", "another"][i % 2];
        async move { tried_by(bureau, replica, ZHOU, hosted, PIN, &code).await }
    });
    for answer in futures::future::join_all(guesses).await {
        let reason = refusal(answer).1.reason;
        let reasons = ["PIN_INCORRECT", "PIN_LOCKED", "ATTEMPT_NOT_OPEN", "TOO_MANY_ATTEMPTS"];
        assert!(reasons.contains(&reason.as_str()), "{reason}");
    }
    let kinds = bureau.kinds(&hosted.seal_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "PinTried").count(), 5);
    assert!(!kinds.iter().any(|kind| kind == "PinAccepted"), "{kinds:?}");
    let right = tries(&bureau, &hosted, PIN, &shown(&uri, seconds(&bureau))).await;
    assert_gate(right, "c", "PIN_LOCKED");
}

#[tokio::test]
async fn one_code_on_two_replicas_at_once_lets_one_use_through() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    bureau.opens_another("another").await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    for _ in 0..3 {
        let code = shown(&uri, seconds(&bureau));
        let at = |replica| tried_by(&bureau, replica, ZHOU, &hosted, PIN, &code);
        let (one, other) = tokio::join!(at("authentication"), at("another"));
        assert_eq!([&one, &other].iter().filter(|answer| answer.is_ok()).count(), 1, "{one:?} {other:?}");
        bureau.later(STEP);
    }
}

#[tokio::test]
async fn acts_over_many_documents_and_whole_documents_need_the_code_as_well() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Any).await;
    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    let many = Many::of(3);
    let missing = hosted_given_with(&bureau, &hosted, &many, PIN, "").await;
    assert_refused(missing, Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED");
    let code = shown(&uri, seconds(&bureau));
    hosted_given_with(&bureau, &hosted, &many, PIN, &code).await.expect("authorized");
    let again = hosted_given_with(&bureau, &hosted, &many, PIN, &code).await;
    assert_gate(again, "c", "PIN_INCORRECT");
    bureau.later(STEP * 2);
    let asked = order(&hosted.seal_id, PIN);
    let missing = seal(&bureau, pieces(asked.clone(), OFD)).await.map(|_| ());
    assert_refused(missing, Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED");
    // The same order with the code goes on.
    let with_code = pb::SealDocumentOrder { code: shown(&uri, seconds(&bureau)), ..asked };
    seal(&bureau, pieces(with_code, OFD)).await.expect("sealed");
}

#[tokio::test]
async fn an_authenticator_counts_once_a_first_code_confirmed_it_in_time() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    let first = offered(&bureau, &hosted, ZHOU).await.expect("offered");
    let unconfirmed = tries(&bureau, &hosted, PIN, &shown(&first.uri, seconds(&bureau))).await;
    assert_gate(unconfirmed, "c", "PIN_INCORRECT");
    assert_eq!(of_key(&bureau, &hosted).await.len(), 2, "created and certified");
    // Another one takes its place; a wrong code leaves it waiting.
    let offer = offered(&bureau, &hosted, ZHOU).await.expect("offered");
    assert_ne!(first.uri, offer.uri);
    let code = |uri: &str| shown(uri, seconds(&bureau));
    let replaced = confirms(&bureau, &hosted, ZHOU, &first.authenticator_id, &code(&first.uri)).await;
    assert_refused(replaced, Code::NotFound, "AUTHENTICATOR_NOT_FOUND");
    let wrong = confirms(&bureau, &hosted, ZHOU, &offer.authenticator_id, &code(&first.uri)).await;
    assert_refused(wrong, Code::FailedPrecondition, "CODE_INCORRECT");
    let none = confirms(&bureau, &hosted, ZHOU, &offer.authenticator_id, "12345678").await;
    assert_refused(none, Code::FailedPrecondition, "CODE_INCORRECT");
    let late = confirms(&bureau, &hosted, ZHOU, &offer.authenticator_id, "1").await;
    assert_eq!(violation(late).0, "code");
    bureau.later(Duration::from_secs(601));
    let late = confirms(&bureau, &hosted, ZHOU, &offer.authenticator_id, &code(&offer.uri)).await;
    assert_refused(late, Code::NotFound, "AUTHENTICATOR_NOT_FOUND");

    let offer = offered(&bureau, &hosted, ZHOU).await.expect("offered");
    let request = confirmation(&hosted, &offer.authenticator_id, &code(&offer.uri));
    for _ in 0..2 {
        let answer = factors(&bureau, ZHOU, Role::Custodian).confirm_authenticator(request.clone()).await;
        assert_eq!(answer.expect("confirmed").into_inner().hosted_key_id, hosted.key_id);
    }
    assert_refused(offered(&bureau, &hosted, ZHOU).await, Code::AlreadyExists, "AUTHENTICATOR_ENROLLED");
    let kinds: Vec<_> = of_key(&bureau, &hosted).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["HostedKeyCreated", "HostedKeyCertified", "AuthenticatorEnrolled"]);
}

#[tokio::test]
async fn each_custodian_has_an_authenticator_of_their_own() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    assert_refused(offered(&bureau, &hosted, "wu").await, Code::PermissionDenied, "NOT_CUSTODIAN");
    grant(&mut bureau.admin(), &hosted.seal_id, "wu", pb::CustodianTerms::default()).await.expect("granted");
    let offer = offered(&bureau, &hosted, "wu").await.expect("offered");
    let now = seconds(&bureau);
    let others = confirms(&bureau, &hosted, ZHOU, &offer.authenticator_id, &shown(&offer.uri, now)).await;
    assert_refused(others, Code::NotFound, "AUTHENTICATOR_NOT_FOUND");
    let (zhou, wu) = (enrolled(&bureau, &hosted, ZHOU).await, enrolled(&bureau, &hosted, "wu").await);
    let tried =
        async |person, uri: &str| tried_by(&bureau, "authentication", person, &hosted, PIN, &shown(uri, now)).await;
    assert_gate(tried("wu", &zhou).await, "c", "PIN_INCORRECT");
    tried("wu", &wu).await.expect("their own");
    tried(ZHOU, &zhou).await.expect("their own");
}

#[tokio::test]
async fn an_administrator_removes_a_lost_authenticator_and_nobody_their_own_and_it_is_on_record_without_its_secret() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    assert_refused(removes(&bureau, &hosted, "he", ZHOU).await, Code::NotFound, "AUTHENTICATOR_NOT_FOUND");
    let first = enrolled(&bureau, &hosted, ZHOU).await;
    let get = || pb::GetHostedKeyRequest { hosted_key_id: hosted.key_id.clone() };
    let listed = async || {
        let shown = bureau.keys("audit", Role::Auditor, None).get_hosted_key(get()).await.expect("shown");
        let authenticators = shown.into_inner().hosted_key.expect("a key").authenticators;
        authenticators.into_iter().map(|one| one.custodian_id).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [ZHOU]);
    // Who is administrator as well as custodian does not get rid of the second factor alone.
    assert_refused(removes(&bureau, &hosted, ZHOU, ZHOU).await, Code::PermissionDenied, "OWN_AUTHENTICATOR");
    removes(&bureau, &hosted, "he", ZHOU).await.expect("removed");
    assert_eq!(listed().await, [""; 0]);
    assert_eq!(secrets(&bureau).await, 0, "its secret is gone");
    let now = seconds(&bureau);
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&first, now)).await, "c", "PIN_INCORRECT");
    let second = enrolled(&bureau, &hosted, ZHOU).await;
    assert_ne!(first, second);
    bureau.rebuilds().await;
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&first, now)).await, "c", "PIN_INCORRECT");
    tries(&bureau, &hosted, PIN, &shown(&second, now)).await.expect("the new one");
    let events = of_key(&bureau, &hosted).await;
    let kinds: Vec<_> = events.iter().skip(2).map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["AuthenticatorEnrolled", "AuthenticatorRemoved", "AuthenticatorEnrolled"]);
    for uri in [&first, &second] {
        assert!(!events.iter().any(|(_, payload)| payload.contains(secret_of(uri))));
    }
}

#[tokio::test]
async fn people_of_an_organization_do_not_switch_the_second_factor_off() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let mut own = bureau.registry("he", Role::Admin, Some(LENOVO));
    let asking =
        |factor: pb::SecondFactor| pb::SealPolicy { second_factor: factor.into(), ..pb::SealPolicy::default() };
    let (any, totp) = (asking(pb::SecondFactor::Any), asking(pb::SecondFactor::Totp));
    for stricter in [any, totp] {
        set_policy(&mut own, &hosted.seal_id, stricter).await.expect("stricter");
    }
    for looser in [any, asking(pb::SecondFactor::Sent), pb::SealPolicy::default()] {
        let refused = set_policy(&mut own, &hosted.seal_id, looser).await;
        assert_refused(refused, Code::PermissionDenied, "POLICY_LOOSENED");
    }
    let unknown = pb::SealPolicy { second_factor: 9, ..pb::SealPolicy::default() };
    assert_eq!(violation(set_policy(&mut own, &hosted.seal_id, unknown).await).0, "policy.second_factor");
    set_policy(&mut bureau.admin(), &hosted.seal_id, pb::SealPolicy::default()).await.expect("by the system's own");
}

#[tokio::test]
async fn the_secrets_of_a_person_are_erased_with_them() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    enrolled(&bureau, &hosted, ZHOU).await;
    assert_eq!(secrets(&bureau).await, 1);
    let erased = application::PersonErased { person_id: ZHOU.to_owned() };
    bureau.application.tells("somebody", "eseal.application.v1.PersonErased", &erased).await;
    let gone = async || (secrets(&bureau).await == 0).then_some(());
    wait_until("the secret is erased", Duration::from_secs(60), gone).await;
}

#[tokio::test]
async fn the_secret_of_an_authenticator_goes_over_to_another_key_with_the_others() {
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    asks_for(&bureau, &hosted, pb::SecondFactor::Totp).await;
    let uri = enrolled(&bureau, &hosted, ZHOU).await;
    let settings = to_another_file(&mut bureau);
    assert_eq!(rewraps(&bureau, settings.clone(), false).await.left(), 0);
    std::fs::remove_file(bureau.key_file()).expect("the old key is destroyed");
    bureau.settings = Box::new(move |config| Config {
        current_key: settings.current_key.clone(),
        keys: settings.keys.clone(),
        key_file: std::path::PathBuf::new(),
        ..config
    });
    bureau.restart().await;
    tries(&bureau, &hosted, PIN, &shown(&uri, seconds(&bureau))).await.expect("good");
    assert_gate(tries(&bureau, &hosted, PIN, &shown(&uri, seconds(&bureau))).await, "c", "PIN_INCORRECT");
}

/// How many secrets of authenticators are stored.
async fn secrets(bureau: &Bureau) -> usize {
    let all = Query::select().column(Asterisk).from("authenticator_secret").take();
    bureau.database.reader().query_all(&all).await.expect("read").len()
}
