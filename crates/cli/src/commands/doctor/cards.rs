//! Trust, drivers, cards, and the seal on a card beside the registry's.

use std::path::Path;
use std::time::Duration;

use eseal_card::{Card, CardAddress, CardError, CardKind, Drivers, Tries};
use eseal_kernel::{Clock, Digest, Timestamp};
use eseal_pki::Certificate;
use eseal_pki::chain::{self, TrustStore};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::seal::v1::SealState;

use super::finding::Findings;
use crate::commands::Env;
use crate::commands::card::read_certificates;
use crate::commands::list::short;
use crate::connect::{MAX_MESSAGE, Server};
use crate::failure::Failure;
use crate::secret;

/// What ends sooner ends soon.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The most tokens of a driver that are told.
const MOST: usize = 64;

/// Whom cards' certificates are checked against, by purpose; nobody where that can't be seen.
#[derive(Debug, Default)]
pub struct Trust {
    holders: Option<TrustStore>,
    makers: Option<TrustStore>,
}

/// The roots in a file, or the server's.
pub async fn trust(
    env: &Env,
    file: Option<&Path>,
    server: Option<&Server>,
    findings: &mut Findings,
) -> Result<Trust, Failure> {
    let now = Clock::System.now();
    if let Some(file) = file {
        let roots = read_certificates(env.lang(), file)?;
        told_roots(&roots, now, findings);
        return Ok(Trust { holders: Some(TrustStore::new(roots.clone())), makers: Some(TrustStore::new(roots)) });
    }
    let Some(server) = server else { return Ok(Trust::default()) };
    let mut client = TrustServiceClient::new(server.line()).max_decoding_message_size(MAX_MESSAGE);
    let Ok(answer) = client.list_trust_anchors(pb::ListTrustAnchorsRequest { purpose: 0 }).await else {
        findings.add("TRUST_UNSEEN", "");
        return Ok(Trust::default());
    };
    let anchors = answer.into_inner().trust_anchors;
    let of = |purpose: pb::TrustPurpose| -> Vec<Certificate> {
        let of_it = anchors.iter().filter(|anchor| anchor.purpose() == purpose);
        of_it.filter_map(|anchor| Certificate::from_der(&anchor.certificate).ok()).collect()
    };
    let (holders, makers) = (of(pb::TrustPurpose::Holder), of(pb::TrustPurpose::Maker));
    let all: Vec<Certificate> = holders.iter().chain(&makers).cloned().collect();
    told_roots(&all, now, findings);
    Ok(Trust { holders: Some(TrustStore::new(holders)), makers: Some(TrustStore::new(makers)) })
}

fn told_roots(roots: &[Certificate], now: Timestamp, findings: &mut Findings) {
    if roots.is_empty() {
        return findings.add("TRUST_EMPTY", "");
    }
    let mut good = 0;
    for root in roots {
        let about = || format!("{}, {}", root.subject(), root.not_after());
        match root.not_after() {
            end if end < now => findings.add("TRUST_ENDED", about()),
            end if end < now.plus(SOON) => findings.add("TRUST_ENDS_SOON", about()),
            _ => good += 1,
        }
    }
    if good > 0 {
        findings.add("TRUST_GOOD", good.to_string());
    }
}

/// The driver, the card and its certificates; gives the card if it is there.
pub fn look(address: &CardAddress, trust: &Trust, clock: &Clock, findings: &mut Findings) -> Option<Card> {
    let card = match address {
        CardAddress::File(_) => Card::open(address),
        CardAddress::Token(_) | CardAddress::Skf(_) => {
            let drivers = Drivers::this_program().ok()?;
            driver(address, &drivers, findings)?;
            Card::open_by(address, &drivers)
        }
    };
    let card = match card {
        Ok(card) => card,
        Err(error) => {
            findings.add("CARD_NOT_FOUND", error.to_string());
            return None;
        }
    };
    let kind = match card.kind() {
        CardKind::Maker => "maker",
        CardKind::Holder => "holder",
    };
    findings.add("CARD_FOUND", format!("{} ({kind}, {})", card.address(), card.serial()));
    match card.tries_left() {
        Ok(left) => told_tries(left, findings),
        Err(error) => findings.add("CARD_NOT_FOUND", error.to_string()),
    }
    certificates(&card, trust, clock.now(), findings);
    match card.has_seal() {
        Ok(Some(false)) if card.kind() == CardKind::Holder => findings.add("SEAL_ABSENT", ""),
        _ if card.kind() == CardKind::Holder => findings.add("SEAL_UNSEEN", ""),
        _ => {}
    }
    Some(card)
}

/// What the driver says of itself and of the tokens behind it.
fn driver(address: &CardAddress, drivers: &Drivers, findings: &mut Findings) -> Option<()> {
    let listed = match Card::list(address, drivers) {
        Ok(listed) => listed,
        Err(CardError::Absent(_)) => Vec::new(),
        Err(error) => {
            findings.add("DRIVER_UNUSABLE", error.to_string());
            return None;
        }
    };
    let Some(first) = listed.first() else {
        findings.add("DRIVER_SEES_NOTHING", address.to_string());
        return None;
    };
    findings.add("DRIVER_LOADED", first.library.clone());
    for token in listed.iter().take(MOST) {
        let about = format!("{} {} ({}; {})", token.label, token.serial, token.model, token.signs.join(", "));
        findings.add(if token.initialized { "CARD_FOUND" } else { "CARD_NOT_INITIALIZED" }, about);
    }
    Some(())
}

fn told_tries(left: Tries, findings: &mut Findings) {
    match left {
        left if left.is_locked() => findings.add("PIN_TRIES_GONE", ""),
        Tries::Exactly(number) if number >= eseal_card::TRIES => findings.add("PIN_TRIES_FULL", number.to_string()),
        Tries::Exactly(number) => findings.add("PIN_TRIES_FEW", number.to_string()),
        Tries::Fewer => findings.add("PIN_TRIES_FEW", ""),
        Tries::Untold => findings.add("PIN_TRIES_UNTOLD", ""),
    }
}

fn certificates(card: &Card, trust: &Trust, now: Timestamp, findings: &mut Findings) {
    let certificates = match card.certificates() {
        Ok(certificates) => certificates,
        Err(error) => return findings.add("CARD_NOT_FOUND", error.to_string()),
    };
    if certificates.is_empty() {
        return findings.add("CERTIFICATE_MISSING", "");
    }
    let roots = match card.kind() {
        CardKind::Maker => trust.makers.as_ref(),
        CardKind::Holder => trust.holders.as_ref(),
    };
    for certificate in &certificates {
        let about = format!("{}, {} – {}", certificate.subject(), certificate.not_before(), certificate.not_after());
        let code = match roots.map(|roots| chain::build(certificate, &[], roots)) {
            _ if certificate.not_before() > now => "CERTIFICATE_EARLY",
            _ if certificate.not_after() < now => "CERTIFICATE_ENDED",
            Some(Err(error)) => {
                findings.add("CERTIFICATE_NOT_TRUSTED", format!("{about}: {error}"));
                continue;
            }
            _ if certificate.not_after() < now.plus(SOON) => "CERTIFICATE_ENDS_SOON",
            Some(Ok(_)) | None => "CERTIFICATE_GOOD",
        };
        findings.add(code, about);
    }
}

/// The seal on the card beside the registry's. The PIN is tried once, and only where no try was used up before.
pub async fn compare(card: &Card, pin_file: &Path, server: Option<&Server>, findings: &mut Findings) {
    if card.kind() != CardKind::Holder {
        return;
    }
    let untouched = |left: Tries| match left {
        Tries::Exactly(number) => number >= eseal_card::TRIES,
        Tries::Untold => true,
        Tries::Fewer => false,
    };
    if !card.tries_left().is_ok_and(untouched) {
        return findings.add("PIN_NOT_TRIED", "");
    }
    let pin = match secret::pin(findings.lang(), Some(pin_file), "") {
        Ok(pin) => pin,
        Err(failure) => return findings.add("SETTINGS_UNUSABLE", failure.text),
    };
    let seal = match card.unlock(&pin).and_then(|opened| opened.read_seal()) {
        Ok(Some(seal)) => seal,
        Ok(None) => return findings.add("SEAL_ABSENT", ""),
        Err(CardError::PinIncorrect { tries_left }) => return findings.add("PIN_WRONG", tries_left.to_string()),
        Err(error) => return findings.add("SEAL_UNREADABLE", error.to_string()),
    };
    let Ok(id) = eseal_seal::Seal::from_der(&seal).map(|made| made.info().es_id.clone()) else {
        return findings.add("SEAL_UNREADABLE", "");
    };
    let Some(server) = server else { return findings.add("SEAL_NOT_COMPARED", id) };
    let request = pb::GetSealRequest { seal_id: id.clone() };
    let answer = server.answer(RegistryServiceClient::new(server.line()).get_seal(request).await);
    match answer {
        Ok(answer) => registered(card, &seal, &answer.seal.unwrap_or_default(), findings),
        Err(failure) if failure.code == "SEAL_NOT_FOUND" => findings.add("SEAL_UNKNOWN", id),
        Err(failure) => findings.add("SEAL_NOT_COMPARED", format!("{id}: {}", failure.text)),
    }
}

fn registered(card: &Card, seal: &[u8], known: &pb::RegisteredSeal, findings: &mut Findings) {
    let about = known.seal_id.clone();
    if known.seal_digest != Digest::of(seal).to_string() || known.card_serial != card.serial() {
        return findings.add("SEAL_DIFFERS", about);
    }
    findings.add("SEAL_REGISTERED", about.clone());
    let state = if known.expired { "expired".to_owned() } else { short(known.state().as_str_name(), "SEAL_STATE_") };
    if known.state() != SealState::Active || known.expired || known.pin_locked {
        let locked = if known.pin_locked { ", PIN locked" } else { "" };
        findings.add("SEAL_NOT_USABLE", format!("{about}: {state}{locked}"));
    }
}
