//! Whatever comes in: an error or a value, never a panic, and nothing that was changed passes for genuine.

use std::sync::LazyLock;
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::tsp::{DevelopmentTsa, TimeStampRequest, TimeStampToken};
use eseal_pki::{
    Certificate, CertificateRequest, ChallengeStatement, Crl, DevelopmentCa, DigestAlg, OcspRequest, OcspResponse,
    PublicKey, Purpose, RevocationReason, SignedAttributes, SignedData, Signer as _, SigningKey, Subject, Suite,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const CONTENT: &[u8] = b"content";

/// One of everything that is read from outside.
struct Genuine {
    root: Certificate,
    certificate: Vec<u8>,
    request: Vec<u8>,
    list: Vec<u8>,
    cms: Vec<u8>,
    stamp: Vec<u8>,
    question: Vec<u8>,
    answer: Vec<u8>,
    spki: Vec<u8>,
    pkcs8: Vec<u8>,
    signature: Vec<u8>,
    key: PublicKey,
}

fn genuine(suite: Suite) -> Genuine {
    let mut ca = DevelopmentCa::create(suite, "CA", Purpose::Holder, NOW).expect("an authority");
    let key = SigningKey::generate(suite).expect("a key");
    let subject = Subject::named("签章");
    let certificate = ca.issue(&key.public_key(), &subject, Duration::from_secs(3600), NOW).expect("a certificate");
    ca.revoke("1234", RevocationReason::KeyCompromise, NOW);
    let digest = suite.digest().digest(CONTENT);
    let attributes = SignedAttributes::try_new(&certificate, &digest, suite).expect("attributes");
    let signature = key.sign(attributes.to_be_signed()).expect("a signature");
    let question = OcspRequest::about(&certificate, ca.certificate(), DigestAlg::Sha1).expect("a request").to_der();
    Genuine {
        stamp: DevelopmentTsa::create(suite, NOW).expect("a TSA").stamp(CONTENT, NOW).expect("a stamp").der().to_vec(),
        answer: ca.respond(&question, NOW).expect("an answer"),
        question,
        request: CertificateRequest::create(&subject, &key, &key.public_key()).expect("a request").der().to_vec(),
        list: ca.crl(NOW).expect("a list").der().to_vec(),
        cms: attributes.finish(&signature, &[ca.certificate().clone()]),
        spki: key.public_key().to_spki_der(),
        pkcs8: key.to_pkcs8_der().to_vec(),
        signature: key.sign(CONTENT).expect("a signature"),
        key: key.public_key(),
        root: ca.certificate().clone(),
        certificate: certificate.der().to_vec(),
    }
}

static GENUINE: LazyLock<[Genuine; 2]> = LazyLock::new(|| [Suite::Sm2Sm3, Suite::EcdsaP256Sha256].map(genuine));

/// Reads `bytes` as everything there is and uses whatever comes of it.
fn read_as_everything(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = (certificate.subject(), certificate.issuer(), certificate.serial_hex(), certificate.public_key());
        let _ = certificate.verify_issued_by(&certificate);
    }
    if let Ok(list) = Crl::from_der(bytes) {
        let _ = (list.issuer(), list.is_revoked("00"), list.revocations().count());
    }
    if let Ok(request) = CertificateRequest::from_der(bytes) {
        let _ = (request.subject(), request.verify());
    }
    if let Ok(cms) = SignedData::from_der(bytes) {
        for signer in cms.signers() {
            let _ = (signer.signing_time(), signer.time_stamp_tokens().count(), signer.evidence());
            let _ = signer.verify(|mut hasher| {
                hasher.update(CONTENT);
                hasher.finish()
            });
        }
    }
    let _ = (TimeStampRequest::from_der(bytes), OcspRequest::from_der(bytes));
    if let Ok(token) = TimeStampToken::from_token_or_response(bytes) {
        let _ = (token.is_about(CONTENT), token.verify(&[]), token.evidence());
    }
    for response in [OcspResponse::from_der(bytes), OcspResponse::from_basic_der(bytes)].into_iter().flatten() {
        let _ = (response.verify(&GENUINE[1].root), response.statement_about(&GENUINE[1].root, &GENUINE[1].root));
    }
    let _ = PublicKey::from_spki_der(bytes);
    let _ = SigningKey::from_pkcs8_der(bytes);
    let _ = ChallengeStatement::decode(bytes);
    let _ = Certificate::many_from_pem(bytes);
    for genuine in &*GENUINE {
        let _ = genuine.key.verify(CONTENT, bytes);
        let _ = genuine.key.verify_sm2_raw_or_der(CONTENT, bytes);
        let _ = genuine.key.verify_prehash(bytes, &genuine.signature);
    }
}

/// A few bytes overwritten, or the end cut off.
fn changed() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)> {
    (prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), any::<Option<prop::sample::Index>>())
}

fn change(bytes: &[u8], edits: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (index, value) in edits {
        let index = index.index(bytes.len());
        bytes[index] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn bytes_that_look_like_asn1_are_no_panic(
        bytes in prop::collection::vec(prop::sample::select(vec![0x30_u8, 0x31, 0x80, 0xa0, 0x82, 0x02, 0x06, 0x03, 0x04, 0, 1, 2, 5]), 0..200)
    ) {
        read_as_everything(&bytes);
    }

    #[test]
    fn changed_structures_are_no_panic((edits, cut) in changed()) {
        for genuine in &*GENUINE {
            for bytes in [
                &genuine.certificate, &genuine.request, &genuine.list, &genuine.cms, &genuine.stamp, &genuine.question,
                &genuine.answer, &genuine.spki, &genuine.pkcs8, &genuine.signature,
            ] {
                read_as_everything(&change(bytes, &edits, cut));
            }
        }
    }

    #[test]
    fn a_changed_certificate_is_no_longer_the_issuers((edits, cut) in changed()) {
        for genuine in &*GENUINE {
            let bytes = change(&genuine.certificate, &edits, cut);
            if bytes != genuine.certificate && let Ok(certificate) = Certificate::from_der(&bytes) {
                prop_assert!(certificate.verify_issued_by(&genuine.root).is_err());
            }
        }
    }

    #[test]
    fn a_changed_list_is_no_longer_the_issuers((edits, cut) in changed()) {
        for genuine in &*GENUINE {
            let bytes = change(&genuine.list, &edits, cut);
            if bytes != genuine.list && let Ok(list) = Crl::from_der(&bytes) {
                prop_assert!(list.verify(&genuine.root).is_err());
            }
        }
    }

    #[test]
    fn a_changed_time_stamp_is_no_longer_about_the_content_or_no_longer_the_authoritys((edits, cut) in changed()) {
        for genuine in &*GENUINE {
            let bytes = change(&genuine.stamp, &edits, cut);
            let original = TimeStampToken::from_der(&genuine.stamp).expect("a token");
            if bytes != genuine.stamp && let Ok(token) = TimeStampToken::from_der(&bytes) && token.verify(&[]).is_ok() {
                // What may change without breaking anything is what the signature is not over: certificates and lists beside it.
                prop_assert!(token.is_about(CONTENT).is_ok());
                prop_assert_eq!(token.info().time, original.info().time);
                prop_assert_eq!(&token.info().serial, &original.info().serial);
            }
        }
    }

    #[test]
    fn a_changed_answer_is_no_longer_the_responders((edits, cut) in changed()) {
        for genuine in &*GENUINE {
            let bytes = change(&genuine.answer, &edits, cut);
            let original = OcspResponse::from_der(&genuine.answer).expect("an answer");
            if bytes != genuine.answer && let Ok(response) = OcspResponse::from_der(&bytes) && response.verify(&genuine.root).is_ok() {
                prop_assert_eq!(response.statements(), original.statements());
                prop_assert_eq!(response.produced_at(), original.produced_at());
            }
        }
    }
}

#[test]
fn structures_beyond_their_bounds_are_refused() {
    let huge = |size: usize| [[0x30, 0x84].as_slice(), &(size as u32).to_be_bytes(), &vec![0; size]].concat();
    assert!(Certificate::from_der(&huge(65 * 1024)).is_err());
    assert!(CertificateRequest::from_der(&huge(65 * 1024)).is_err());
    assert!(SignedData::from_der(&huge(17 * 1024 * 1024)).is_err());
    assert!(Crl::from_der(&huge(17 * 1024 * 1024)).is_err());
    assert!(PublicKey::from_spki_der(&huge(5000)).is_err());
    assert!(SigningKey::from_pkcs8_der(&huge(5000)).is_err());
    assert!(TimeStampToken::from_der(&[&huge(1024 * 1024)[..], &[1]].concat()).is_err());
    assert!(OcspResponse::from_der(&huge(1024 * 1024)).is_err());
}

#[test]
fn a_megabyte_of_opened_brackets_is_refused_at_once() {
    for opened in [&[0x30, 0x80][..], &[0xa0, 0x80], &[0x24, 0x80]] {
        assert!(SignedData::from_der(&opened.repeat(500_000)).is_err());
    }
}
