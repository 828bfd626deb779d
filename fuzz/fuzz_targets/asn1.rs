//! Seals, seal signatures, certificates, requests for them, revocation lists, answers about certificates, questions to authorities,
//! keys and statements that cards sign: whatever the bytes, a value or an error.
#![no_main]

use eseal_kernel::Timestamp;
use eseal_pki::tsp::TimeStampResponse;
use eseal_pki::{
    Certificate, CertificateRequest, ChallengeStatement, Crl, DeltaCrl, OcspRequest, OcspResponse, PublicKey, Purpose,
    TimeStampRequest, TrustStore, chain,
};
use eseal_seal::{Seal, SealInfo, SesSignature, ToSign};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fuzz_target!(|bytes: &[u8]| {
    seals(bytes);
    if let Ok(certificate) = Certificate::from_der(bytes) {
        used(&certificate);
    }
    if let Ok(list) = Crl::from_der(bytes) {
        let _ = (list.next_update(), list.is_stale_at(NOW), list.changes_urls().count(), list.delta().is_some());
        for (serial, revocation) in list.revocations().take(100) {
            assert!(list.is_revoked(&serial).is_some(), "{serial}: {revocation:?}");
        }
        assert_eq!(list.der(), bytes, "a list keeps what it was read from");
    }
    if let Ok(changes) = DeltaCrl::from_der(bytes) {
        let _ = (changes.issuer(), changes.this_update());
    }
    if let Ok(request) = CertificateRequest::from_der(bytes) {
        let _ = (request.subject(), request.verify());
    }
    let _ = (PublicKey::from_spki_der(bytes), Certificate::many_from_pem(bytes).is_ok(), Crl::from_pem(bytes).is_ok());
    for response in [OcspResponse::from_der(bytes), OcspResponse::from_basic_der(bytes)].into_iter().flatten() {
        let _ = (response.certificates().len(), response.statements().len(), response.produced_at());
    }
    if let Ok(request) = OcspRequest::from_der(bytes) {
        let _ = request.to_der();
    }
    if let Ok(request) = TimeStampRequest::from_der(bytes) {
        let _ = request.to_der();
    }
    if let Ok(response) = TimeStampResponse::from_der(bytes) {
        let _ = response.to_der();
    }
    if let Ok(statement) = ChallengeStatement::decode(bytes) {
        assert_eq!(statement.encode().expect("again"), bytes, "a statement has one form");
    }
});

fn seals(bytes: &[u8]) {
    if let Ok(seal) = Seal::from_der(bytes) {
        let _ = seal.verify_value();
        assert_eq!(seal.der(), bytes, "a seal keeps what it was read from");
    }
    if let Ok(signature) = SesSignature::from_der(bytes) {
        let _ = (signature.verify_value(), signature.signer_in_list(), signature.time());
    }
    if let Ok((info, version)) = SealInfo::from_exact_der(bytes) {
        let again = info.to_der_as(version).expect("what was read is written");
        assert_eq!(again, bytes, "what a maker signs has one form");
    }
    let _ = ToSign::from_der(bytes);
}

fn used(certificate: &Certificate) {
    let _ = (certificate.subject(), certificate.public_key(), certificate.allows_signing(), certificate.to_pem());
    let _ = (certificate.ocsp_urls(), certificate.crl_urls().count(), certificate.issuer_urls());
    let _ = certificate.verify_issued_by(certificate);
    let roots = TrustStore::new(vec![certificate.clone()]);
    if let Ok(chain) = chain::build(certificate, std::slice::from_ref(certificate), &roots) {
        let _ = (chain.valid_at(NOW), chain.check_purpose(Purpose::Holder), chain.check_revocation(&[], NOW));
    }
}
