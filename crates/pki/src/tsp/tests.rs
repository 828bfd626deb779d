//! Stamps of our own authority, and what becomes of them when something is changed.

use std::time::Duration;

use eseal_kernel::Timestamp;

use super::*;
use crate::asn1::{tag, writer};
use crate::chain::{Purpose, TrustStore};
use crate::digest_alg::DigestAlg;
use crate::oid::Oid;
use crate::{Certificate, DevelopmentCa, SigningKey, Subject, Suite};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const CONTENT: &[u8] = b"a signature value";
const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];
const DAY: Duration = Duration::from_secs(86_400);

fn tsa(suite: Suite) -> DevelopmentTsa {
    DevelopmentTsa::create(suite, NOW).expect("an authority")
}

fn roots(tsa: &DevelopmentTsa) -> TrustStore {
    TrustStore::new(vec![tsa.root().clone()])
}

fn answer(tsa: &DevelopmentTsa, request: &TimeStampRequest) -> TimeStampResponse {
    let der = tsa.respond(&request.to_der(), NOW).expect("an answer").to_der();
    TimeStampResponse::from_der(&der).expect("the same answer")
}

#[test]
fn a_stamp_says_when_the_bytes_were_seen_and_leads_to_its_root() {
    for suite in SUITES {
        let tsa = tsa(suite);
        let token = tsa.stamp(CONTENT, NOW.plus(Duration::from_millis(1_500))).expect("a stamp");
        token.is_about(CONTENT).expect("these bytes");
        let stamp = token.verify(&[]).expect("it holds");
        assert_eq!(stamp.time, NOW.plus(Duration::from_secs(1)), "whole seconds");
        assert_eq!(stamp.latest, NOW.plus(Duration::from_secs(2)), "and what they may be off by");
        assert_eq!(stamp.chain(&roots(&tsa)).expect("trusted").certificates().len(), 2);
        assert_eq!(token.is_about(b"another"), Err(TspError::OtherContent));
        let along = token.evidence();
        assert_eq!((along.certificates.len(), along.crls.len()), (2, 1));
        along.crls[0].verify(tsa.root()).expect("the root's list");
    }
}

#[test]
fn a_stamp_of_an_authority_that_is_not_trusted_leads_nowhere() {
    let stamp = tsa(Suite::Sm2Sm3).stamp(CONTENT, NOW).expect("a stamp").verify(&[]).expect("it holds");
    assert!(matches!(stamp.chain(&roots(&tsa(Suite::Sm2Sm3))), Err(TspError::Untrusted(_))));
}

#[test]
fn a_stamp_from_after_the_end_of_its_certificate_is_not_trusted() {
    let ca = DevelopmentCa::create(Suite::EcdsaP256Sha256, "root", Purpose::Holder, NOW).expect("a root");
    let tsa = DevelopmentTsa::under(&ca, NOW, DAY).expect("an authority");
    let late = NOW.plus(DAY).plus(Duration::from_secs(1));
    let request = TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request");
    let refused = tsa.respond(&request.to_der(), late).expect("an answer").accept(&request);
    let TspError::Refused { failure, .. } = refused.expect_err("the authority does not stamp") else { panic!() };
    assert_eq!(failure, FailureInfo::TimeNotAvailable);
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let tsa = tsa(Suite::EcdsaP256Sha256);
    let request = TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request");
    let response = answer(&tsa, &request);
    response.accept(&request).expect("its own answer");
    let again = TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request");
    assert_eq!(response.accept(&again).expect_err("an old answer"), TspError::OtherNonce);
    let other = TimeStampRequest {
        nonce: request.nonce.clone(),
        ..TimeStampRequest::about(b"b", DigestAlg::Sha256).expect("one")
    };
    assert_eq!(response.accept(&other).expect_err("about other bytes"), TspError::OtherContent);
    let policy = TimeStampRequest { policy: Some(Oid::literal("1.2.3")), ..request };
    assert_eq!(response.accept(&policy).expect_err("another policy"), TspError::OtherPolicy);
}

#[test]
fn requests_that_the_authority_does_not_grant_are_told_why() {
    let tsa = tsa(Suite::EcdsaP256Sha256);
    let weak = TimeStampRequest::about(CONTENT, DigestAlg::Sha1).expect("a request");
    let policy = TimeStampRequest { policy: Some(Oid::literal("1.2.3")), ..about() };
    let unknown = with_digest_oid(&Oid::literal("1.2.3.4"));
    let cases = [
        (weak.to_der(), FailureInfo::BadAlg),
        (policy.to_der(), FailureInfo::UnacceptedPolicy),
        (unknown, FailureInfo::BadAlg),
        (b"hello".to_vec(), FailureInfo::BadDataFormat),
        (vec![0x30; MAX_REQUEST + 1], FailureInfo::BadDataFormat),
    ];
    for (request, expected) in cases {
        let der = tsa.respond(&request, NOW).expect("an answer").to_der();
        let refused = TimeStampResponse::from_der(&der).expect("an answer").accept(&about());
        let TspError::Refused { failure, text } = refused.expect_err("no stamp") else { panic!("another error") };
        assert_eq!(failure, expected);
        assert!(text.is_some_and(|text| !text.is_empty()));
    }
}

fn about() -> TimeStampRequest {
    TimeStampRequest::about(CONTENT, DigestAlg::Sha256).expect("a request")
}

/// A request whose digest algorithm has this identifier.
fn with_digest_oid(oid: &Oid) -> Vec<u8> {
    let imprint = writer::sequence(&[writer::sequence(&[writer::oid(oid)]), writer::octet_string(&[0; 32])]);
    writer::sequence(&[writer::number(1), imprint])
}

#[test]
fn a_certificate_that_is_not_reserved_for_it_stamps_nothing() {
    let ca = DevelopmentCa::create(Suite::EcdsaP256Sha256, "root", Purpose::Holder, NOW).expect("a root");
    let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
    let holder = ca.issue(&key.public_key(), &Subject::named("holder"), DAY, NOW).expect("a certificate");
    let refused = TimeStampAuthority::try_new(Box::new(key), holder, crate::Evidence::default(), Oid::literal("1.2.3"));
    assert!(matches!(refused, Err(TspError::NotForTimeStamping(_))));
}

#[test]
fn a_development_authority_comes_back_from_its_files_and_is_never_another() {
    let tsa = tsa(Suite::Sm2Sm3);
    let files = tsa.to_files();
    let again = DevelopmentTsa::from_files(&files).expect("the same");
    assert_eq!(again.certificate(), tsa.certificate());
    let token = again.stamp(CONTENT, NOW).expect("a stamp");
    token.verify(&[]).expect("it holds").chain(&roots(&tsa)).expect("trusted");

    let ca = DevelopmentCa::create(Suite::Sm2Sm3, "root", Purpose::Holder, NOW).expect("a root");
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    let real = ca.issue_time_stamper(&key.public_key(), "National TSA", DAY, NOW).expect("a certificate");
    let pretended = TsaFiles {
        key: crate::pem::encode("PRIVATE KEY", &key.to_pkcs8_der()).into(),
        certificate: real.to_pem(),
        root: ca.certificate().to_pem(),
        crl: ca.crl(NOW).expect("a list").to_pem(),
    };
    assert_eq!(DevelopmentTsa::from_files(&pretended).err(), Some(TspError::OtherAuthority));
}

#[test]
fn the_certificate_may_come_from_elsewhere() {
    let tsa = tsa(Suite::EcdsaP256Sha256);
    let request = TimeStampRequest { certificates: false, ..about() };
    let token = answer(&tsa, &request).accept(&request).expect("a stamp");
    assert_eq!(token.certificates(), []);
    assert!(matches!(token.verify(&[]), Err(TspError::Cms(CmsError::NoCertificate))));
    let pool = [tsa.root().clone(), tsa.certificate().clone()];
    assert_eq!(token.verify(&pool).expect("it holds").certificate, *tsa.certificate());
}

#[test]
fn accuracy_in_all_its_parts_is_read() {
    let accuracy = writer::sequence(&[
        writer::number(2),
        writer::tlv(tag::context(0), &[0x01, 0xf4]),
        writer::tlv(tag::context(1), &[0x7d]),
    ]);
    let info = TimeStampInfo::read(&statement(&accuracy)).expect("a statement");
    assert_eq!(info.accuracy, Some(Duration::from_micros(2_500_125)));
    assert_eq!(info.latest(), NOW.plus(Duration::from_micros(2_500_125)));
    let negative = writer::sequence(&[writer::tlv(tag::context(0), &[0xff])]);
    assert!(TimeStampInfo::read(&statement(&negative)).is_err());
}

fn statement(more: &[u8]) -> Vec<u8> {
    let info = TimeStampInfo {
        digest: DigestAlg::Sha256,
        imprint: vec![0; 32],
        time: NOW,
        accuracy: None,
        ordering: false,
        policy: None,
        serial: vec![1],
        nonce: None,
        authority: None,
        unknown_critical: false,
    };
    let der = info.to_der(&Oid::literal("1.2.3"));
    writer::sequence(&[&der[2..], more])
}

#[test]
fn a_critical_extension_and_another_authoritys_name_are_refused() {
    let tsa = tsa(Suite::EcdsaP256Sha256);
    let critical = crate::extensions::write(&Oid::literal("1.2.3"), true, &[5, 0]);
    let critical = writer::explicit(1, &critical);
    assert!(TimeStampInfo::read(&statement(&critical)).expect("a statement").unknown_critical);
    let name = |certificate: &Certificate| writer::explicit(0, &writer::explicit(4, certificate.raw_subject()));
    let named = TimeStampInfo::read(&statement(&name(tsa.certificate()))).expect("a statement");
    let authority = named.authority.expect("a name");
    assert!(authority.matches(tsa.certificate().subject_name()));
    assert!(!authority.matches(tsa.root().subject_name()));
}
