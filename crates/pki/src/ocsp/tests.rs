//! Our own responder's answers, and what becomes of them when something is changed.

use std::time::Duration;

use eseal_kernel::Timestamp;

use super::*;
use crate::chain::Purpose;
use crate::crl::{Revocation, RevocationReason};
use crate::{Certificate, DevelopmentCa, DigestAlg, SigningKey, Subject, Suite};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const DAY: Duration = Duration::from_secs(86_400);
const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];
const DIGESTS: [DigestAlg; 3] = [DigestAlg::Sha1, DigestAlg::Sha256, DigestAlg::Sm3];

fn ca(suite: Suite) -> DevelopmentCa {
    DevelopmentCa::create(suite, "CA", Purpose::Holder, NOW).expect("an authority")
}

fn certificate(ca: &DevelopmentCa) -> Certificate {
    let suite = ca.certificate().public_key().expect("a key").suite().expect("a suite");
    let key = SigningKey::generate(suite).expect("a key");
    ca.issue(&key.public_key(), &Subject::named("holder"), DAY, NOW).expect("a certificate")
}

fn ask(ca: &DevelopmentCa, request: &OcspRequest) -> OcspResponse {
    let der = ca.respond(&request.to_der(), NOW).expect("an answer");
    OcspResponse::from_der(&der).expect("an answer")
}

fn about(certificate: &Certificate, ca: &DevelopmentCa) -> OcspRequest {
    OcspRequest::about(certificate, ca.certificate(), DigestAlg::Sha1).expect("a request")
}

#[test]
fn the_issuer_says_good_or_since_when_and_why_not() {
    for suite in SUITES {
        let mut ca = ca(suite);
        let (good, bad) = (certificate(&ca), certificate(&ca));
        ca.revoke(&bad.serial_hex(), RevocationReason::KeyCompromise, NOW);
        for digest in DIGESTS {
            let said = |one: &Certificate| {
                let request = OcspRequest::about(one, ca.certificate(), digest).expect("a request");
                let response = ask(&ca, &request);
                response.answers(&request).expect("its own answer");
                let responder = response.verify(ca.certificate()).expect("genuine");
                assert_eq!((responder.delegated, &responder.certificate), (false, ca.certificate()));
                response.statement_about(one, ca.certificate()).expect("an answer about it").status
            };
            assert_eq!(said(&good), CertificateStatus::Good);
            let revocation = Revocation { since: NOW, reason: RevocationReason::KeyCompromise };
            assert_eq!(said(&bad), CertificateStatus::Revoked(revocation));
        }
    }
}

#[test]
fn an_answer_is_about_the_certificates_of_its_issuer_only() {
    let (ca, other) = (ca(Suite::EcdsaP256Sha256), ca(Suite::EcdsaP256Sha256));
    let (mine, theirs) = (certificate(&ca), certificate(&other));
    let response = ask(&ca, &about(&mine, &ca));
    assert_eq!(response.statement_about(&theirs, other.certificate()), None);
    assert_eq!(
        response.verify(other.certificate()),
        Err(OcspError::NoResponder("with the key ".to_owned() + &key(&ca)))
    );
    let unknown = ask(&ca, &OcspRequest::about(&theirs, other.certificate(), DigestAlg::Sha1).expect("a request"));
    assert_eq!(unknown.statements()[0].status, CertificateStatus::Unknown, "another issuer's certificate");
}

fn key(ca: &DevelopmentCa) -> String {
    hex::encode(ca.certificate().public_key().expect("a key").identifier())
}

#[test]
fn an_answer_to_another_request_is_told() {
    let ca = ca(Suite::EcdsaP256Sha256);
    let certificate = certificate(&ca);
    let (first, second) = (about(&certificate, &ca), about(&certificate, &ca));
    assert_eq!(ask(&ca, &first).answers(&second), Err(OcspError::OtherNonce));
    let without = OcspRequest { nonce: None, ..first };
    assert_eq!(ask(&ca, &without).answers(&second), Ok(()), "made beforehand");
}

#[test]
fn whom_the_issuer_made_its_responder_may_speak_for_it_and_nobody_else() {
    let ca = ca(Suite::EcdsaP256Sha256);
    let holder = certificate(&ca);
    let responder_key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
    let responder = ca.issue_ocsp_responder(&responder_key.public_key(), "responder", DAY, NOW).expect("a certificate");
    let answer = |now: Timestamp| {
        let delegate = OcspResponder::try_new(&responder_key, &responder, ca.certificate()).expect("a responder");
        let der = delegate.respond(&about(&holder, &ca).to_der(), |_| CertificateStatus::Good, now, DAY);
        OcspResponse::from_der(&der.expect("an answer")).expect("an answer")
    };
    let found = answer(NOW).verify(ca.certificate()).expect("genuine");
    assert_eq!((found.delegated, found.no_check, found.certificate), (true, true, responder.clone()));
    let late = answer(NOW.plus(DAY).plus(DAY));
    assert_eq!(late.verify(ca.certificate()), Err(OcspError::NotAuthorized("CN=responder, C=CN".to_owned())));

    let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
    let anybody = ca.issue(&key.public_key(), &Subject::named("anybody"), DAY, NOW).expect("a certificate");
    assert!(matches!(OcspResponder::try_new(&key, &anybody, ca.certificate()), Err(OcspError::NotAuthorized(_))));
}

#[test]
fn no_answer_is_told_by_its_reason() {
    let ca = ca(Suite::EcdsaP256Sha256);
    let der = ca.respond(b"hello", NOW).expect("an answer");
    assert_eq!(OcspResponse::from_der(&der).err(), Some(OcspError::NoAnswer(NoAnswer::MalformedRequest)));
    let nothing = crate::asn1::writer::sequence(&[crate::asn1::writer::sequence::<&[u8]>(&[])]);
    assert!(OcspRequest::from_der(&nothing).is_err(), "a request without a list");
    let later = [0x30, 3, 0x0a, 1, 3];
    assert_eq!(OcspResponse::from_der(&later).err(), Some(OcspError::NoAnswer(NoAnswer::TryLater)));
}

#[test]
fn more_than_is_read_is_refused() {
    assert_eq!(OcspResponse::from_der(&vec![0x30; MAX_RESPONSE + 1]).err(), Some(OcspError::TooLarge));
    assert_eq!(OcspRequest::from_der(&vec![0x30; MAX_REQUEST + 1]).err(), Some(OcspError::TooLarge));
}
