//! Trust: roots by purpose, revocation lists, and what they say of certificates.

use eseal_pki::{Certificate, DevelopmentCa, Purpose, RevocationReason, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::moment;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::card::{self, Card};

const HOLDER: pb::TrustPurpose = pb::TrustPurpose::Holder;
const MAKER: pb::TrustPurpose = pb::TrustPurpose::Maker;

#[tokio::test]
async fn an_authority_is_trusted_listed_removed_and_trusted_again() {
    let bureau = Bureau::trusting_nobody().await;
    let certificate = bureau.authorities.holders.certificate().der().to_vec();
    assert_eq!(anchors(&bureau).await, []);
    let fingerprint = bureau.trusts(HOLDER, &certificate).await.expect("trusted");
    let added_at = Some(moment::from_micros(now().micros()));
    let listed = pb::TrustAnchor {
        fingerprint: fingerprint.clone(),
        purpose: HOLDER.into(),
        certificate: certificate.clone(),
        added_at,
    };
    assert_eq!(anchors(&bureau).await, std::slice::from_ref(&listed));
    remove(&bureau, HOLDER, &fingerprint).await.expect("removed");
    assert_eq!(anchors(&bureau).await, []);
    bureau.trusts(HOLDER, &certificate).await.expect("trusted");
    assert_eq!(anchors(&bureau).await, [listed]);
}

#[tokio::test]
async fn trusting_the_same_authority_twice_records_one_fact() {
    let bureau = Bureau::trusting_nobody().await;
    let certificate = bureau.authorities.holders.certificate().der();
    bureau.trusts(HOLDER, certificate).await.expect("trusted");
    bureau.trusts(HOLDER, certificate).await.expect("trusted");
    assert_eq!(bureau.events().await.len(), 1);
}

#[tokio::test]
async fn only_authorities_are_trusted() {
    let bureau = Bureau::trusting_nobody().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    assert_eq!(violation(bureau.trusts(HOLDER, card.sm2.1.der()).await).0, "certificate");
    assert_eq!(violation(bureau.trusts(HOLDER, b"none").await).0, "certificate");
    let refused = bureau.trusts(pb::TrustPurpose::Unspecified, bureau.authorities.holders.certificate().der()).await;
    assert_eq!(violation(refused).0, "purpose");
}

#[tokio::test]
async fn what_was_never_trusted_is_not_removed() {
    let bureau = Bureau::open().await;
    let fingerprint = bureau.authorities.holders.certificate().fingerprint().to_string();
    let refused = remove(&bureau, MAKER, &fingerprint).await;
    assert_refused(refused, Code::NotFound, "TRUST_ANCHOR_NOT_FOUND");
}

#[tokio::test]
async fn an_authority_for_development_is_trusted_only_where_that_is_allowed() {
    let mut bureau = Bureau::trusting_nobody().await;
    bureau.development = false;
    bureau.restart().await;
    let root = bureau.authorities.holders.certificate().der().to_vec();
    let refused = bureau.trusts(HOLDER, &root).await.map(drop);
    assert_refused(refused, Code::FailedPrecondition, "DEVELOPMENT_ROOT");
    assert_eq!(anchors(&bureau).await, []);

    bureau.development = true;
    bureau.restart().await;
    bureau.trusts(HOLDER, &root).await.expect("trusted");
    assert_eq!(anchors(&bureau).await.len(), 1);
}

#[tokio::test]
async fn a_list_of_an_authority_that_is_not_trusted_is_refused() {
    let bureau = Bureau::open().await;
    let stranger = DevelopmentCa::create(Suite::Sm2Sm3, "holders", Purpose::Holder, now()).expect("an authority");
    let refused = import(&bureau, stranger.crl(now()).expect("a list").der()).await;
    assert_refused(refused, Code::FailedPrecondition, "CRL_ISSUER_UNTRUSTED");
    assert_eq!(violation(import(&bureau, b"none").await).0, "crl");
}

#[tokio::test]
async fn the_newest_list_of_an_authority_counts_in_whatever_order_they_come() {
    let mut bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let first = bureau.authorities.holders.crl(now()).expect("a list");
    bureau.authorities.holders.revoke(&card.sm2.1.serial_hex(), RevocationReason::Superseded, now());
    let second = bureau.authorities.holders.crl(now().plus(DAY)).expect("a list");
    bureau.later(DAY * 2);
    import(&bureau, second.der()).await.expect("imported");
    import(&bureau, first.der()).await.expect("imported");
    assert_eq!(check(&bureau, HOLDER, &card.sm2.1, LENOVO).await, (false, "CERTIFICATE_REVOKED".to_owned()));
}

#[tokio::test]
async fn a_good_certificate_is_good_for_its_organization_and_purpose_only() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let good = (true, String::new());
    assert_eq!(check(&bureau, HOLDER, &card.sm2.1, LENOVO).await, good);
    assert_eq!(check(&bureau, HOLDER, &card.p256.1, LENOVO).await, good);
    let other = (false, "CERTIFICATE_NOT_OF_ORGANIZATION".to_owned());
    assert_eq!(check(&bureau, HOLDER, &card.sm2.1, SUZHOU).await, other);
    let untrusted = (false, "CERTIFICATE_UNTRUSTED".to_owned());
    assert_eq!(check(&bureau, MAKER, &card.sm2.1, "").await, untrusted);
}

#[tokio::test]
async fn a_holders_certificate_is_no_makers_even_if_one_authority_is_trusted_for_both() {
    let bureau = Bureau::open().await;
    bureau.trusts(MAKER, bureau.authorities.holders.certificate().der()).await.expect("trusted");
    let card = Card::made(&bureau.authorities, LENOVO);
    let untrusted = (false, "CERTIFICATE_UNTRUSTED".to_owned());
    assert_eq!(check(&bureau, MAKER, &card.sm2.1, "").await, untrusted);
}

#[tokio::test]
async fn a_certificate_outside_its_validity_and_one_of_nobody_are_not_good() {
    let bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let stranger = DevelopmentCa::create(Suite::Sm2Sm3, "holders", Purpose::Holder, now()).expect("an authority");
    let theirs = card::pair(&stranger, Suite::Sm2Sm3, LENOVO, card::CERTIFIED_FOR).1;
    assert_eq!(check(&bureau, HOLDER, &theirs, LENOVO).await, (false, "CERTIFICATE_UNTRUSTED".to_owned()));
    bureau.later(card::CERTIFIED_FOR + DAY);
    assert_eq!(check(&bureau, HOLDER, &card.sm2.1, LENOVO).await, (false, "CERTIFICATE_EXPIRED".to_owned()));
}

#[tokio::test]
async fn bytes_that_are_no_certificate_are_not_good_and_no_misuse() {
    let bureau = Bureau::open().await;
    let (certificate, uscc) = (b"none".to_vec(), LENOVO.to_owned());
    let request = pb::CheckCertificateRequest { certificate, purpose: HOLDER.into(), uscc, ..Default::default() };
    let told = fabrication(&bureau).check_certificate(request).await.expect("told").into_inner();
    assert_eq!((told.good, told.reason.as_str()), (false, "CERTIFICATE_MALFORMED"));
}

#[tokio::test]
async fn of_a_signer_trust_is_told_apart_from_validity_and_revocation() {
    let mut bureau = Bureau::open().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let sealed_at = bureau.now().plus(DAY);
    bureau.later(DAY * 10);
    let revoked_at = bureau.now();
    bureau.authorities.holders.revoke(&card.sm2.1.serial_hex(), RevocationReason::KeyCompromise, revoked_at);
    bureau.imports_crl().await;
    bureau.later(card::CERTIFIED_FOR);
    let told = signer(&bureau, &card.sm2.1, Some(sealed_at)).await;
    let expected = pb::CheckSignerResponse {
        trusted: true,
        reason: String::new(),
        no_roots: false,
        valid_at: true,
        revoked_now: true,
        revoked_since: Some(moment::from_micros(revoked_at.micros())),
    };
    assert_eq!(told, expected);
    assert!(!signer(&bureau, &card.sm2.1, None).await.valid_at);
}

#[tokio::test]
async fn without_any_root_nothing_is_said_of_a_signer() {
    let bureau = Bureau::trusting_nobody().await;
    let card = Card::made(&bureau.authorities, LENOVO);
    let told = signer(&bureau, &card.sm2.1, None).await;
    assert_eq!((told.trusted, told.no_roots), (false, true));
    bureau.trusts(HOLDER, bureau.authorities.holders.certificate().der()).await.expect("trusted");
    let told = signer(&bureau, &card.sm2.1, None).await;
    assert_eq!((told.trusted, told.no_roots), (true, false));
}

#[tokio::test]
async fn services_read_whom_the_system_trusts() {
    let bureau = Bureau::open().await;
    let request = pb::ListTrustAnchorsRequest { purpose: MAKER.into() };
    let listed = verification(&bureau).list_trust_anchors(request).await.expect("a list").into_inner().trust_anchors;
    let certificates: Vec<Vec<u8>> = listed.into_iter().map(|anchor| anchor.certificate).collect();
    assert_eq!(certificates, [bureau.authorities.makers.certificate().der().to_vec()]);
}

#[tokio::test]
async fn a_chain_of_too_many_certificates_is_a_field_violation() {
    let bureau = Bureau::open().await;
    let request = pb::CheckSignerRequest { chain: vec![vec![]; 21], purpose: HOLDER.into(), ..Default::default() };
    assert_eq!(violation(verification(&bureau).check_signer(request).await).0, "chain");
}

async fn anchors(bureau: &Bureau) -> Vec<pb::TrustAnchor> {
    let listed = bureau.trust("audit", Role::Auditor).list_trust_anchors(pb::ListTrustAnchorsRequest::default()).await;
    listed.expect("a list").into_inner().trust_anchors
}

async fn remove(bureau: &Bureau, purpose: pb::TrustPurpose, fingerprint: &str) -> Result<(), Status> {
    let (purpose, fingerprint) = (purpose.into(), fingerprint.to_owned());
    let request = pb::RemoveTrustAnchorRequest { request_id: request_id(), purpose, fingerprint };
    bureau.trust("gao", Role::Admin).remove_trust_anchor(request).await.map(drop)
}

pub async fn import(bureau: &Bureau, crl: &[u8]) -> Result<String, Status> {
    let request = pb::ImportCrlRequest { request_id: request_id(), crl: crl.to_vec() };
    Ok(bureau.trust("gao", Role::Admin).import_crl(request).await?.into_inner().digest)
}

pub async fn check(
    bureau: &Bureau,
    purpose: pb::TrustPurpose,
    certificate: &Certificate,
    uscc: &str,
) -> (bool, String) {
    let (certificate, uscc) = (certificate.der().to_vec(), uscc.to_owned());
    let request = pb::CheckCertificateRequest { certificate, chain: vec![], purpose: purpose.into(), uscc };
    let told = fabrication(bureau).check_certificate(request).await.expect("told").into_inner();
    (told.good, told.reason)
}

async fn signer(
    bureau: &Bureau,
    certificate: &Certificate,
    at: Option<eseal_kernel::Timestamp>,
) -> pb::CheckSignerResponse {
    let (certificate, at) = (certificate.der().to_vec(), at.map(|at| moment::from_micros(at.micros())));
    let request = pb::CheckSignerRequest { certificate, chain: vec![], purpose: HOLDER.into(), at };
    verification(bureau).check_signer(request).await.expect("told").into_inner()
}

fn fabrication(bureau: &Bureau) -> TrustServiceClient<tonic::transport::Channel> {
    TrustServiceClient::new(bureau.service("fabrication"))
}

pub fn verification(bureau: &Bureau) -> TrustServiceClient<tonic::transport::Channel> {
    TrustServiceClient::new(bureau.service("verification"))
}
