//! What the rules' tests start from: one organization, one custodian, one seal on a card.

use std::time::Duration;

use eseal_kernel::{Digest, Id, Text, Timestamp, Uscc};

use super::command::{Action, Place, SealingAction, Use};
use super::document::Original;
use super::event::{Fact, Step};
use super::ids::{ApplicationId, AttemptId, By, HostedKeyId, PersonId, SealId};
use super::reason::Reason;
use super::registration::{Custody, Organization, Registration, SealType};
use super::seal::Seal;
use super::{Command, Event, Rejection, attempt};

pub type Scenario = eseal_kernel::Scenario<Seal>;
pub type Decision = Result<Vec<Event>, Rejection>;

pub const CUSTODIAN: &str = "zhou";
pub const STRANGER: &str = "wu";
pub const CARD: &str = "8A03";
pub const NONCE: &str = "nonce";

/// A hosted key's PIN without a code.
pub const TRY_PIN: SealingAction = SealingAction::TryPin { with_code: false };

pub fn seal() -> SealId {
    SealId(Id::from_bytes([1; 16]))
}

pub fn successor() -> SealId {
    SealId(Id::from_bytes([2; 16]))
}

pub fn application() -> ApplicationId {
    ApplicationId(Id::from_bytes([3; 16]))
}

pub fn attempt(number: u8) -> AttemptId {
    AttemptId(Id::from_bytes([number; 16]))
}

pub fn start() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

pub fn after(seconds: u64) -> Timestamp {
    start().plus(Duration::from_secs(seconds))
}

pub fn uscc() -> Uscc {
    "91350100M000100Y43".parse().expect("a good code")
}

pub fn other_uscc() -> Uscc {
    "91110000600037341L".parse().expect("a good code")
}

pub fn person(name: &str) -> PersonId {
    name.parse().expect("a short name")
}

pub fn by(name: &str) -> By {
    By { person: person(name), organization: Some(uscc()) }
}

pub fn sm2_certificate() -> Digest {
    Digest::of(b"SM2 certificate")
}

pub fn seal_digest() -> Digest {
    Digest::of(b"SESeal")
}

pub fn document() -> Digest {
    Digest::of(b"document")
}

pub fn registration() -> Registration {
    Registration {
        application: application(),
        seal_digest: seal_digest(),
        custody: Custody::SealCard { serial: Text::try_new(CARD).expect("short") },
        certificates: vec![sm2_certificate(), Digest::of(b"P-256 certificate")],
        organization: Organization { uscc: uscc(), name_zh: "测试公司".to_owned(), name_en: String::new() },
        seal_type: SealType::Contract,
        custodian: person(CUSTODIAN),
        valid_from: start(),
        valid_to: after(1_000_000),
        registered_at: start(),
        predecessor: None,
        certificates_valid_to: vec![],
    }
}

pub fn hosted() -> Registration {
    let custody = Custody::HostedKey { key: HostedKeyId(Id::from_bytes([4; 16])) };
    Registration { custody, ..registration() }
}

pub fn fact(fact: Fact) -> Event {
    Event { seal: seal(), fact }
}

pub fn registered() -> Event {
    fact(Fact::Registered(Box::new(registration())))
}

pub fn activated() -> Event {
    fact(Fact::Activated(application()))
}

/// An active seal on a card.
pub fn active() -> Vec<Event> {
    vec![registered(), activated()]
}

/// An active seal with a hosted key.
pub fn active_hosted() -> Vec<Event> {
    vec![fact(Fact::Registered(Box::new(hosted()))), activated()]
}

pub fn step(number: u8, step: Step) -> Event {
    fact(Fact::Sealing(attempt(number), step))
}

/// An attempt that began this long after the start.
pub fn begun(number: u8, seconds: u64) -> Event {
    let sealing_time = after(seconds);
    let challenge_expires_at = sealing_time.plus(attempt::CHALLENGE_LIFETIME);
    step(number, Step::Begun { by: person(CUSTODIAN), nonce: NONCE.to_owned(), challenge_expires_at, sealing_time })
}

pub fn refused(number: u8, reason: Reason) -> Event {
    refused_to(number, reason, CUSTODIAN)
}

pub fn refused_to(number: u8, reason: Reason, name: &str) -> Event {
    step(number, Step::Refused { reason, detail: None, by: person(name) })
}

pub fn authorized(number: u8) -> Event {
    let Use { document_digest, certificate, places, .. } = subject();
    let complete_before = start().plus(attempt::LIFETIME);
    step(
        number,
        Step::Authorized { document_digest, certificate, places, complete_before, card_uses: 0, admitted: None },
    )
}

pub fn subject() -> Use {
    Use {
        document_digest: document(),
        certificate: sm2_certificate(),
        certificate_fault: None,
        places: vec![Place { page: 1, x: 10_000, y: 20_000, width: 40_000, height: 40_000 }],
        original: Original::default(),
    }
}

pub fn order_at(now: Timestamp, action: Action) -> Command {
    Command { seal: seal(), now, action }
}

pub fn order(action: Action) -> Command {
    order_at(start(), action)
}

pub fn sealing(number: u8, name: &str, action: SealingAction) -> Command {
    order(Action::Sealing { attempt: attempt(number), by: by(name), action })
}

pub fn sealing_at(seconds: u64, number: u8, action: SealingAction) -> Command {
    order_at(after(seconds), Action::Sealing { attempt: attempt(number), by: by(CUSTODIAN), action })
}

/// All of these facts, one after the other.
pub fn all<const N: usize>(parts: [Vec<Event>; N]) -> Vec<Event> {
    parts.into_iter().flatten().collect()
}
