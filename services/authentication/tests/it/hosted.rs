//! 托管密钥: created, certified, proved, and used without a card.

use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, CertificateRequest, Suite};
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_seal::SesSignature;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::card::{self, CERTIFIED_FOR};
use crate::signing::*;

/// As no number in a log is by chance.
pub const PIN: &str = "Right-271828";

/// A seal whose keys the service keeps.
pub struct Hosted {
    pub key_id: String,
    pub seal_id: String,
    pub seal: Vec<u8>,
    pub sm2: Certificate,
    pub p256: Certificate,
}

#[tokio::test]
async fn created_keys_ask_for_certificates_of_their_organization() {
    let bureau = Bureau::open().await;
    let key = create(&bureau).await.expect("created");
    assert_eq!((key.uscc.as_str(), key.custodian_id.as_str()), (LENOVO, ZHOU));
    let suites = key.certificate_requests.iter().map(|der| {
        let request = CertificateRequest::from_der(der).expect("a request");
        request.verify().expect("of the key itself");
        assert!(request.subject().contains(LENOVO), "{}", request.subject());
        request.public_key().suite()
    });
    assert_eq!(suites.collect::<Vec<_>>(), [Some(Suite::Sm2Sm3), Some(Suite::EcdsaP256Sha256)]);
    assert_eq!(key.certificates, [[0_u8; 0]; 0]);
}

#[tokio::test]
async fn the_same_creation_twice_makes_one_key() {
    let bureau = Bureau::open().await;
    let request = creation();
    let mut zhou = bureau.keys(ZHOU, Role::Custodian, Some(LENOVO));
    let first = zhou.create_hosted_key(request.clone()).await.expect("created").into_inner();
    let second = zhou.create_hosted_key(request).await.expect("a repeat").into_inner();
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_pin_that_is_too_short_is_a_field_violation_that_does_not_repeat_it() {
    let bureau = Bureau::open().await;
    let request = pb::CreateHostedKeyRequest { pin: "31415".to_owned(), ..creation() };
    let refused = bureau.keys(ZHOU, Role::Custodian, Some(LENOVO)).create_hosted_key(request).await;
    let text = format!("{refused:?}");
    assert_eq!(violation(refused).0, "pin");
    assert!(!text.contains("31415"));
}

#[tokio::test]
async fn keys_are_created_for_ones_own_organization_only() {
    let bureau = Bureau::open().await;
    let refused = bureau.keys("chen", Role::Custodian, Some(SUZHOU)).create_hosted_key(creation()).await;
    assert_refused(refused, Code::PermissionDenied, "OTHER_ORGANIZATION");
}

#[tokio::test]
async fn certificates_that_do_not_fit_the_keys_are_refused_by_their_place() {
    let bureau = Bureau::open().await;
    let key = create(&bureau).await.expect("created");
    let [sm2, p256] = certificates(&bureau, &key, LENOVO);
    let [foreign, _] = certificates(&bureau, &key, SUZHOU);
    let other = card::pair(&bureau.authorities.holders, Suite::EcdsaP256Sha256, LENOVO, CERTIFIED_FOR).1;
    for (given, field) in [
        (vec![], "certificates"),
        (vec![sm2.der().to_vec()], "certificates"),
        (vec![p256.der().to_vec(), sm2.der().to_vec()], "certificates[0]"),
        (vec![sm2.der().to_vec(), other.der().to_vec()], "certificates[1]"),
        (vec![foreign.der().to_vec(), p256.der().to_vec()], "certificates[0]"),
        (vec![sm2.der().to_vec(), b"none".to_vec()], "certificates[1]"),
    ] {
        assert_eq!(violation(certify(&bureau, &key.hosted_key_id, given).await).0, field);
    }
}

#[tokio::test]
async fn another_custodian_neither_certifies_nor_finds_a_key_of_another_organization() {
    let bureau = Bureau::open().await;
    let key = create(&bureau).await.expect("created");
    let certificates = certificates(&bureau, &key, LENOVO).map(|certificate| certificate.der().to_vec()).to_vec();
    let (request_id, hosted_key_id) = (request_id(), key.hosted_key_id.clone());
    let request = pb::CertifyHostedKeyRequest { request_id, hosted_key_id, certificates };
    let refused = bureau.keys("wu", Role::Custodian, Some(LENOVO)).certify_hosted_key(request.clone()).await;
    assert_refused(refused, Code::PermissionDenied, "NOT_CUSTODIAN");
    let refused = bureau.keys("chen", Role::Custodian, Some(SUZHOU)).certify_hosted_key(request).await;
    assert_refused(refused, Code::PermissionDenied, "OTHER_ORGANIZATION");
    let get = pb::GetHostedKeyRequest { hosted_key_id: crate::bureau::request_id() };
    let nothing = bureau.keys("gao", Role::Admin, None).get_hosted_key(get).await;
    assert_refused(nothing, Code::NotFound, "HOSTED_KEY_NOT_FOUND");
}

#[tokio::test]
async fn a_certified_key_is_shown_with_its_certificates() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let get = pb::GetHostedKeyRequest { hosted_key_id: hosted.key_id.clone() };
    let shown = bureau.keys("audit", Role::Auditor, None).get_hosted_key(get).await.expect("shown").into_inner();
    let certificates = shown.hosted_key.expect("a key").certificates;
    assert_eq!(certificates, [hosted.sm2.der().to_vec(), hosted.p256.der().to_vec()]);
}

#[tokio::test]
async fn each_key_proves_itself_to_fabrication_with_a_statement_that_names_no_document() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let proofs = prove(&bureau, &hosted.key_id, LENOVO, terms(bureau.now())).await.expect("proved");
    assert_eq!(proofs.len(), 2);
    for (proof, certificate) in proofs.iter().zip([&hosted.sm2, &hosted.p256]) {
        assert_eq!(proof.certificate, certificate.der());
        let key = certificate.public_key().expect("a key");
        let said = ChallengeStatement::verified(&proof.statement, &proof.signature, &key).expect("signed");
        assert_eq!(said, card::statement(&terms(bureau.now()), None));
    }
}

#[tokio::test]
async fn nothing_but_the_making_of_a_seal_is_proved() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let good = terms(bureau.now());
    let at = |at: Timestamp| Some(moment::from_micros(at.micros()));
    for (other, field) in [
        (seal_pb::ChallengeTerms { audience: "eseal.authentication".to_owned(), ..good.clone() }, "terms.audience"),
        (seal_pb::ChallengeTerms { purpose: "seal-document".to_owned(), ..good.clone() }, "terms.purpose"),
        (seal_pb::ChallengeTerms { nonce: "zz".to_owned(), ..good.clone() }, "terms.nonce"),
        (seal_pb::ChallengeTerms { nonce: "00".to_owned(), ..good.clone() }, "terms"),
        (seal_pb::ChallengeTerms { attempt_id: "a\nb".to_owned(), ..good.clone() }, "terms"),
        (seal_pb::ChallengeTerms { expires_at: at(bureau.now().minus(DAY)), ..good.clone() }, "terms.expires_at"),
        (seal_pb::ChallengeTerms { expires_at: at(bureau.now().plus(DAY)), ..good.clone() }, "terms.expires_at"),
        (seal_pb::ChallengeTerms { expires_at: None, ..good }, "terms.expires_at"),
    ] {
        assert_eq!(violation(prove(&bureau, &hosted.key_id, LENOVO, other).await).0, field);
    }
}

#[tokio::test]
async fn a_key_of_another_organization_an_uncertified_and_an_unknown_one_are_not_proved() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let refused = prove(&bureau, &hosted.key_id, SUZHOU, terms(bureau.now())).await;
    assert_refused(refused, Code::FailedPrecondition, "HOSTED_KEY_OF_OTHER_ORGANIZATION");
    let created = create(&bureau).await.expect("created");
    let refused = prove(&bureau, &created.hosted_key_id, LENOVO, terms(bureau.now())).await;
    assert_refused(refused, Code::FailedPrecondition, "HOSTED_KEY_NOT_CERTIFIED");
    let refused = prove(&bureau, &request_id(), LENOVO, terms(bureau.now())).await;
    assert_refused(refused, Code::NotFound, "HOSTED_KEY_NOT_FOUND");
}

#[tokio::test]
async fn an_ofd_is_sealed_with_a_hosted_key() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let attempt = authorized(&bureau, &hosted, &hosted.sm2).await;
    let to_sign = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    let value = sign(&bureau, &hosted, &attempt, to_sign.clone()).await.expect("signed");
    let signature = SesSignature::assemble(&to_sign, &hosted.sm2, &value).expect("a structure");
    complete(&mut bureau.zhou(), &hosted.seal_id, &attempt, signature).await.expect("sealed");
    let kinds = bureau.kinds(&hosted.seal_id).await;
    let last =
        ["SealingBegun", "PinTried", "PinAccepted", "SealingAuthorized", "HostedSignatureMade", "SealingCompleted"];
    assert_eq!(kinds[2..], last);
}

#[tokio::test]
async fn a_pdf_is_sealed_with_the_other_hosted_key() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let attempt = authorized(&bureau, &hosted, &hosted.p256).await;
    let attributes = card::pdf_attributes(&hosted.p256, document());
    let value = sign(&bureau, &hosted, &attempt, attributes.to_be_signed().to_vec()).await.expect("signed");
    let signature = attributes.finish(&value, &[]);
    complete(&mut bureau.zhou(), &hosted.seal_id, &attempt, signature).await.expect("sealed");
}

#[tokio::test]
async fn a_hosted_key_signs_nothing_but_the_authorized_document() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let other = Digest::of(b"another");
    let attributes = |certificate: &Certificate, digest: Digest, suite| {
        let attributes = SignedAttributes::try_new(certificate, digest.bytes(), suite).expect("attributes");
        attributes.to_be_signed().to_vec()
    };
    let statement = card::statement(&terms(bureau.now()), Some(document())).encode().expect("a statement");
    let mut behind = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    behind.push(0);
    let foreign = card::Card::made(&bureau.authorities, SUZHOU);
    for to_be_signed in [
        card::ofd_to_sign(&hosted.seal, other, bureau.now()),
        card::ofd_to_sign(&foreign.seal, document(), bureau.now()),
        card::ofd_to_sign(&hosted.seal, document(), bureau.now().plus(DAY)),
        attributes(&hosted.sm2, other, Suite::Sm2Sm3),
        attributes(&hosted.p256, document(), Suite::EcdsaP256Sha256),
        statement,
        behind,
        document().bytes().to_vec(),
    ] {
        let attempt = authorized(&bureau, &hosted, &hosted.sm2).await;
        assert_gate(sign(&bureau, &hosted, &attempt, to_be_signed).await, "e", "SIGNING_FAILED");
    }
}

#[tokio::test]
async fn a_hosted_key_signs_once_in_an_attempt_and_a_repeat_gets_the_same_signature() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let attempt_id = authorized(&bureau, &hosted, &hosted.sm2).await;
    let to_be_signed = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    let (request_id, seal_id) = (request_id(), hosted.seal_id.clone());
    let request = pb::SignHostedRequest { request_id, seal_id, attempt_id: attempt_id.clone(), to_be_signed };
    let first = bureau.zhou().sign_hosted(request.clone()).await.expect("signed").into_inner();
    let second = bureau.zhou().sign_hosted(request).await.expect("a repeat").into_inner();
    assert_eq!(first, second);
    let second_time = bureau.now().plus(Duration::from_secs(1));
    let later = card::ofd_to_sign(&hosted.seal, document(), second_time);
    let refused = sign(&bureau, &hosted, &attempt_id, later).await;
    assert_refused(refused, Code::FailedPrecondition, "SEALING_OUT_OF_ORDER");
}

#[tokio::test]
async fn a_hosted_key_signs_nothing_before_gate_d_and_nothing_for_strangers() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let to_sign = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    let refused = sign(&bureau, &hosted, &begun.attempt_id, to_sign.clone()).await;
    assert_refused(refused, Code::FailedPrecondition, "SEALING_OUT_OF_ORDER");
    let attempt_id = authorized(&bureau, &hosted, &hosted.sm2).await;
    let (request_id, seal_id) = (request_id(), hosted.seal_id.clone());
    let request = pb::SignHostedRequest { request_id, seal_id, attempt_id, to_be_signed: to_sign };
    let refused = bureau.sealing("wu", Role::Custodian, Some(LENOVO)).sign_hosted(request).await;
    assert_refused(refused, Code::PermissionDenied, "NOT_CUSTODIAN");
}

#[tokio::test]
async fn a_hosted_key_of_a_seal_that_was_suspended_signs_nothing() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let attempt = authorized(&bureau, &hosted, &hosted.sm2).await;
    suspend(&mut bureau.admin(), &hosted.seal_id).await.expect("suspended");
    let to_sign = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    assert_gate(sign(&bureau, &hosted, &attempt, to_sign).await, "d", "SEAL_SUSPENDED");
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let refused = authorize_with(&bureau, &hosted, &begun.attempt_id, PIN).await;
    assert_gate(refused, "d", "SEAL_SUSPENDED");
}

#[tokio::test]
async fn five_wrong_hosted_pins_lock_the_seal() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    for left in ["4", "3", "2", "1"] {
        let refused = authorize_with(&bureau, &hosted, &begun.attempt_id, "314159").await;
        let refused = assert_gate(refused, "c", "PIN_INCORRECT");
        assert_eq!(refused.metadata.get("tries_left").map(String::as_str), Some(left));
    }
    let fifth = authorize_with(&bureau, &hosted, &begun.attempt_id, "314159").await;
    assert_gate(fifth, "c", "PIN_LOCKED");
    assert_gate(begin(&mut bureau.zhou(), &hosted.seal_id).await, "c", "PIN_LOCKED");
    unlock(&mut bureau.admin(), &hosted.seal_id).await.expect("unlocked");
    authorized(&bureau, &hosted, &hosted.sm2).await;
}

#[tokio::test]
async fn ten_guesses_at_the_same_moment_are_five_guesses() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let mut attempts = Vec::new();
    for _ in 0..10 {
        attempts.push(begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id);
    }
    let guesses = attempts.iter().map(|attempt| authorize_with(&bureau, &hosted, attempt, "314159"));
    for answer in futures::future::join_all(guesses).await {
        let reason = refusal(answer).1.reason;
        assert!(["PIN_INCORRECT", "PIN_LOCKED"].contains(&reason.as_str()), "{reason}");
    }
    let kinds = bureau.kinds(&hosted.seal_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "PinTried").count(), 5);
    let right = begin(&mut bureau.zhou(), &hosted.seal_id).await;
    assert_gate(right, "c", "PIN_LOCKED");
}

#[tokio::test]
async fn the_same_hosted_request_at_the_same_moment_costs_one_try() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let request = authorization(&hosted, &begun.attempt_id, &hosted.sm2, "314159");
    let (mut one, mut other) = (bureau.zhou(), bureau.zhou());
    let (first, second) =
        tokio::join!(one.authorize_hosted_sealing(request.clone()), other.authorize_hosted_sealing(request.clone()),);
    let reasons = [refusal(first).1.reason, refusal(second).1.reason];
    assert!(
        reasons.iter().all(|reason| ["PIN_INCORRECT", "PIN_CHECK_RUNNING"].contains(&reason.as_str())),
        "{reasons:?}"
    );
    // Once it is looked at, a repeat is told the same.
    let repeated = bureau.zhou().authorize_hosted_sealing(request).await;
    let repeated = assert_gate(repeated, "c", "PIN_INCORRECT");
    assert_eq!(repeated.metadata.get("tries_left").map(String::as_str), Some("4"));
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 4);
}

#[tokio::test]
async fn a_repeat_with_another_pin_is_the_same_request_and_no_second_guess() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let request = authorization(&hosted, &begun.attempt_id, &hosted.sm2, "314159");
    let wrong = bureau.zhou().authorize_hosted_sealing(request.clone()).await;
    assert_gate(wrong, "c", "PIN_INCORRECT");
    let right = pb::AuthorizeHostedSealingRequest { pin: PIN.to_owned(), ..request };
    assert_gate(bureau.zhou().authorize_hosted_sealing(right).await, "c", "PIN_INCORRECT");
}

#[tokio::test]
async fn gate_d_asks_of_a_hosted_key_what_it_asks_of_a_card() {
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let mut request = authorization(&hosted, &begun.attempt_id, &hosted.sm2, PIN);
    request.certificate_digest = Digest::of(b"another").to_string();
    assert_gate(bureau.zhou().authorize_hosted_sealing(request).await, "d", "CERTIFICATE_UNTRUSTED");

    let (serial, at) = (hosted.sm2.serial_hex(), bureau.now());
    bureau.authorities.holders.revoke(&serial, eseal_pki::RevocationReason::KeyCompromise, at);
    bureau.imports_crl().await;
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let refused = authorize_with(&bureau, &hosted, &begun.attempt_id, PIN).await;
    assert_gate(refused, "d", "CERTIFICATE_REVOKED");
}

#[tokio::test]
async fn the_steps_of_a_card_do_not_fit_a_hosted_key_and_the_other_way_round() {
    let bureau = Bureau::open().await;
    let (hosted, card) = (hosted(&bureau).await, bureau.active().await);
    let unfit = (Code::FailedPrecondition, "CUSTODY_UNFIT");
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    assert_eq!(begun.custody(), seal_pb::Custody::HostedKey);
    let refused = pin(&mut bureau.zhou(), &hosted.seal_id, &begun.attempt_id, true).await;
    assert_refused(refused, unfit.0, unfit.1);
    let refused = card_absent(&mut bureau.zhou(), &hosted.seal_id, &begun.attempt_id).await;
    assert_refused(refused, unfit.0, unfit.1);
    let begun = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    let of_card = Hosted { seal_id: card.seal_id.clone(), ..hosted };
    let refused = authorize_with(&bureau, &of_card, &begun.attempt_id, PIN).await;
    assert_refused(refused, unfit.0, unfit.1);
}

#[tokio::test]
async fn hosted_keys_sign_again_after_a_restart() {
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    bureau.restart().await;
    let attempt = authorized(&bureau, &hosted, &hosted.sm2).await;
    let to_sign = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    sign(&bureau, &hosted, &attempt, to_sign).await.expect("signed");
}

/// A hosted key, certified, with an active seal.
pub async fn hosted(bureau: &Bureau) -> Hosted {
    let key = create(bureau).await.expect("created");
    let [sm2, p256] = certificates(bureau, &key, LENOVO);
    let certified = certify(bureau, &key.hosted_key_id, vec![sm2.der().to_vec(), p256.der().to_vec()]).await;
    let key_id = certified.expect("certified").hosted_key_id;
    let seal_id = request_id();
    let seal = card::seal(&bureau.authorities, &seal_id, &[&sm2, &p256]);
    let asked = application::Particulars {
        custody: seal_pb::Custody::HostedKey.into(),
        hosted_key_id: key_id.clone(),
        ..particulars()
    };
    let made = fabrication::SealFabricated {
        application_id: request_id(),
        run_id: request_id(),
        seal_id: seal_id.clone(),
        seal_digest: Digest::of(&seal).to_string(),
        card_serial: key_id.clone(),
        certificate_digests: [&sm2, &p256].map(|certificate| certificate.fingerprint().to_string()).to_vec(),
        applicant_id: "zhang".to_owned(),
        particulars: Some(asked),
    };
    bureau.tells_of(&made, &seal).await;
    bureau.shows(&seal_id).await;
    activate(&mut bureau.admin(), &seal_id).await.expect("activated");
    Hosted { key_id, seal_id, seal, sm2, p256 }
}

fn creation() -> pb::CreateHostedKeyRequest {
    pb::CreateHostedKeyRequest { request_id: request_id(), organization: Some(organization()), pin: PIN.to_owned() }
}

pub async fn create(bureau: &Bureau) -> Result<pb::HostedKey, Status> {
    let created = bureau.keys(ZHOU, Role::Custodian, Some(LENOVO)).create_hosted_key(creation()).await?;
    Ok(created.into_inner().hosted_key.expect("a key"))
}

/// What the authority of holders issues for the key's requests.
fn certificates(bureau: &Bureau, key: &pb::HostedKey, uscc: &str) -> [Certificate; 2] {
    [0, 1].map(|i| {
        let request = CertificateRequest::from_der(&key.certificate_requests[i]).expect("a request");
        let (ca, subject) = (&bureau.authorities.holders, card::subject(uscc));
        ca.issue_for_request(&request, &subject, CERTIFIED_FOR, now()).expect("a certificate")
    })
}

async fn certify(bureau: &Bureau, key_id: &str, certificates: Vec<Vec<u8>>) -> Result<pb::HostedKey, Status> {
    let (request_id, hosted_key_id) = (request_id(), key_id.to_owned());
    let request = pb::CertifyHostedKeyRequest { request_id, hosted_key_id, certificates };
    let certified = bureau.keys(ZHOU, Role::Custodian, Some(LENOVO)).certify_hosted_key(request).await?;
    Ok(certified.into_inner().hosted_key.expect("a key"))
}

/// The terms that fabrication sets for a run.
fn terms(now: Timestamp) -> seal_pb::ChallengeTerms {
    seal_pb::ChallengeTerms {
        audience: "eseal.fabrication".to_owned(),
        purpose: "hold-seal".to_owned(),
        attempt_id: "0198c0de-0000-7000-8000-000000000001".to_owned(),
        seal_id: "0198c0de-0000-7000-8000-000000000002".to_owned(),
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        expires_at: Some(moment::from_micros(now.plus(Duration::from_secs(120)).micros())),
    }
}

async fn prove(
    bureau: &Bureau,
    key_id: &str,
    uscc: &str,
    terms: seal_pb::ChallengeTerms,
) -> Result<Vec<seal_pb::SignedStatement>, Status> {
    let (hosted_key_id, uscc) = (key_id.to_owned(), uscc.to_owned());
    let request = pb::ProveHostedKeyRequest { hosted_key_id, uscc, terms: Some(terms) };
    let proved = HostedKeyServiceClient::new(bureau.service("fabrication")).prove_hosted_key(request).await?;
    Ok(proved.into_inner().proofs)
}

pub fn authorization(
    hosted: &Hosted,
    attempt_id: &str,
    certificate: &Certificate,
    pin: &str,
) -> pb::AuthorizeHostedSealingRequest {
    pb::AuthorizeHostedSealingRequest {
        request_id: request_id(),
        code: String::new(),
        seal_id: hosted.seal_id.clone(),
        attempt_id: attempt_id.to_owned(),
        pin: pin.to_owned(),
        document_digest: document().to_string(),
        certificate_digest: certificate.fingerprint().to_string(),
        places: vec![place()],
        original: None,
    }
}

async fn authorize_with(
    bureau: &Bureau,
    hosted: &Hosted,
    attempt_id: &str,
    pin: &str,
) -> Result<pb::AuthorizeHostedSealingResponse, Status> {
    let request = authorization(hosted, attempt_id, &hosted.sm2, pin);
    Ok(bureau.zhou().authorize_hosted_sealing(request).await?.into_inner())
}

/// An attempt that gates c and d let through.
async fn authorized(bureau: &Bureau, hosted: &Hosted, certificate: &Certificate) -> String {
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let request = authorization(hosted, &begun.attempt_id, certificate, PIN);
    bureau.zhou().authorize_hosted_sealing(request).await.expect("authorized");
    begun.attempt_id
}

/// A document is sealed with a hosted key, from the beginning to the end.
pub async fn sealed_once(bureau: &Bureau, hosted: &Hosted) -> Result<(), Status> {
    sealed_by(bureau, "authentication", hosted).await
}

/// The same with the other pair.
pub async fn pdf_sealed_once(bureau: &Bureau, hosted: &Hosted) -> Result<(), Status> {
    let mut zhou = bureau.zhou();
    let attempt_id = begin(&mut zhou, &hosted.seal_id).await?.attempt_id;
    zhou.authorize_hosted_sealing(authorization(hosted, &attempt_id, &hosted.p256, PIN)).await?;
    let attributes = card::pdf_attributes(&hosted.p256, document());
    let value = sign(bureau, hosted, &attempt_id, attributes.to_be_signed().to_vec()).await?;
    complete(&mut zhou, &hosted.seal_id, &attempt_id, attributes.finish(&value, &[])).await
}

/// The same by a replica of the service.
pub async fn sealed_by(bureau: &Bureau, replica: &'static str, hosted: &Hosted) -> Result<(), Status> {
    let lenovo = LENOVO.parse().expect("a code");
    let channel = bureau.house.person(replica, ZHOU, &[Role::Custodian], Some(&lenovo));
    let mut zhou = SealingServiceClient::new(channel);
    let attempt_id = begin(&mut zhou, &hosted.seal_id).await?.attempt_id;
    zhou.authorize_hosted_sealing(authorization(hosted, &attempt_id, &hosted.sm2, PIN)).await?;
    let to_be_signed = card::ofd_to_sign(&hosted.seal, document(), bureau.now());
    let (seal_id, asked) = (hosted.seal_id.clone(), to_be_signed.clone());
    let request = pb::SignHostedRequest {
        request_id: request_id(),
        seal_id,
        attempt_id: attempt_id.clone(),
        to_be_signed: asked,
    };
    let value = zhou.sign_hosted(request).await?.into_inner().signature;
    let signature = SesSignature::assemble(&to_be_signed, &hosted.sm2, &value).expect("a structure");
    complete(&mut zhou, &hosted.seal_id, &attempt_id, signature).await
}

async fn sign(bureau: &Bureau, hosted: &Hosted, attempt_id: &str, to_be_signed: Vec<u8>) -> Result<Vec<u8>, Status> {
    let (seal_id, attempt_id) = (hosted.seal_id.clone(), attempt_id.to_owned());
    let request = pb::SignHostedRequest { request_id: request_id(), seal_id, attempt_id, to_be_signed };
    Ok(bureau.zhou().sign_hosted(request).await?.into_inner().signature)
}
