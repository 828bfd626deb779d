//! Forged and changed seals: found by what this crate says, together with the chain of a certificate.

use eseal_pki::{ChainError, Purpose, SigningKey, Suite, TrustStore, chain};
use eseal_seal::{Seal, SesSignature, ValueError};

use crate::world::{NOW, Party, WORLD, certify, info, seal, seal_der, signature, signature_der, signed_by, to_sign};

#[test]
fn a_seal_made_by_a_holder_is_no_makers_although_its_value_holds() {
    let mut forged = info();
    forged.certificates = eseal_seal::CertificateList::of([&WORLD.other.certificate]);
    let info_der = forged.to_der().expect("encodes");
    let der = Seal::assemble(&info_der, &WORLD.other.certificate, &WORLD.other.sign(&info_der)).expect("assembles");
    let seal = seal(&der);
    assert!(seal.verify_value().is_ok(), "anybody can sign anything");

    let maker = seal.maker_certificate().expect("a certificate");
    let makers = TrustStore::new(vec![WORLD.maker_ca.certificate().clone()]);
    assert!(matches!(
        chain::build(maker, &[], &makers),
        Err(ChainError::NoPath { .. } | ChainError::NotTrusted { .. })
    ));
    // Nor does it help if somebody trusts the holders' authority for making: the certificate does not say so.
    let mixed = TrustStore::new(vec![WORLD.holder_ca.certificate().clone()]);
    let path = chain::build(maker, &[], &mixed).expect("a path");
    assert!(matches!(path.check_purpose(Purpose::Maker), Err(ChainError::Purpose { .. })));
}

#[test]
fn a_genuine_seal_leads_to_the_makers_root() {
    let seal = seal(&seal_der());
    let makers = TrustStore::new(vec![WORLD.maker_ca.certificate().clone()]);
    let path = chain::build(seal.maker_certificate().expect("a certificate"), &[], &makers).expect("a path");
    assert_eq!(path.check_purpose(Purpose::Maker), Ok(()));
    assert_eq!(path.valid_at(NOW), Ok(()));
}

#[test]
fn another_organizations_seal_under_ones_own_signature_is_found_by_its_list() {
    let signed = signature(&signed_by(&WORLD.other, &to_sign(seal_der()).to_der().expect("encodes")));
    assert!(signed.verify_value().is_ok() && signed.seal().verify_value().is_ok(), "both values hold");
    assert!(!signed.signer_in_list());
}

#[test]
fn a_renewed_certificate_for_the_same_key_is_not_in_the_list() {
    let renewed = certify(&WORLD.holder_ca, &WORLD.acme.key, "苏州市示范软件有限公司", "11320500014150050B");
    let to_sign_der = to_sign(seal_der()).to_der().expect("encodes");
    let value = WORLD.acme.sign(&to_sign_der);
    let signed = signature(&SesSignature::assemble(&to_sign_der, &renewed, &value).expect("assembles"));
    assert!(signed.verify_value().is_ok());
    assert!(!signed.signer_in_list(), "the seal must be made anew");
}

#[test]
fn the_makers_signature_does_not_hold_for_another_seal() {
    let info_der = info().to_der().expect("encodes");
    let value = WORLD.maker.sign(&info_der);
    let mut other = info();
    other.picture.data[0] ^= 1;
    let changed = Seal::assemble(&other.to_der().expect("encodes"), &WORLD.maker.certificate, &value);
    let seal = seal(&changed.expect("assembles"));
    assert!(matches!(seal.verify_value(), Err(ValueError::BadSignature(_))));
}

#[test]
fn a_signature_does_not_hold_for_another_document_time_or_seal() {
    let genuine = to_sign(seal_der());
    let value = WORLD.acme.sign(&genuine.to_der().expect("encodes"));
    let second = std::time::Duration::from_secs(1);
    for changed in [
        eseal_seal::ToSign { data_hash: [8; 32], ..genuine.clone() },
        eseal_seal::ToSign { time: NOW.plus(second), ..genuine.clone() },
        eseal_seal::ToSign { property_info: "/Doc_0/Signs/Sign_1/Signature.xml".to_owned(), ..genuine.clone() },
        eseal_seal::ToSign { seal_der: seal_der(), ..genuine.clone() },
    ] {
        let der = changed.to_der().expect("encodes");
        let moved = signature(&SesSignature::assemble(&der, &WORLD.acme.certificate, &value).expect("assembles"));
        assert!(matches!(moved.verify_value(), Err(ValueError::BadSignature(_))), "{changed:?}");
    }
}

#[test]
fn the_declared_algorithm_must_be_that_of_the_key() {
    let sm2 = [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75];
    let der = seal_der();
    let at = der.windows(8).rposition(|window| window == sm2).expect("named");
    let mut changed = der;
    changed[at + 7] = 0x74;
    assert!(matches!(seal(&changed).verify_value(), Err(ValueError::Algorithm(_))));
}

#[test]
fn a_certificate_that_is_none_cannot_verify() {
    let mut der = seal_der();
    let at = der.windows(4).rposition(|w| w == &WORLD.maker.certificate.der()[..4]).expect("there");
    der[at] = 0x31;
    let seal = seal(&der);
    assert!(seal.maker_certificate().is_none());
    assert_eq!(seal.verify_value(), Err(ValueError::NoCertificate));
}

/// The rule for all single changes. V4 signs the SES_SealInfo alone: of what lies beside it, only the certificate can be
/// changed without breaking the value (anywhere but in its key), and then it is no longer what its authority signed.
#[test]
fn no_single_changed_bit_of_a_seal_goes_unnoticed() {
    let der = seal_der();
    let genuine = seal(&der);
    for (changed, at) in single_changes(&der) {
        let Ok(seal) = Seal::from_der(&changed) else { continue };
        if seal.verify_value().is_err() {
            continue;
        }
        assert_ne!(seal.maker_certificate_der(), genuine.maker_certificate_der(), "byte {at} verifies");
        let maker = seal.maker_certificate().expect("it verified");
        assert!(maker.verify_issued_by(WORLD.maker_ca.certificate()).is_err(), "byte {at} of the certificate");
        assert_eq!(seal.info(), genuine.info(), "what the maker signed is as it was");
    }
}

/// As for seals: only the signer's certificate can be changed, and then it is not the one in the list.
#[test]
fn no_single_changed_bit_of_a_signature_goes_unnoticed() {
    let der = signature_der();
    let genuine = signature(&der);
    for (changed, at) in single_changes(&der) {
        let Ok(signed) = SesSignature::from_der(&changed) else { continue };
        if signed.verify_value().is_err() {
            continue;
        }
        assert_ne!(signed.certificate_der(), genuine.certificate_der(), "byte {at} verifies");
        assert!(!signed.signer_in_list(), "byte {at} of the certificate");
        assert_eq!(signed.to_sign_der(), genuine.to_sign_der(), "what the holder signed is as it was");
    }
}

#[test]
fn another_key_with_the_same_certificate_text_does_not_verify() {
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    let impostor = Party { key, certificate: WORLD.maker.certificate.clone() };
    let info_der = info().to_der().expect("encodes");
    let der = Seal::assemble(&info_der, &impostor.certificate, &impostor.sign(&info_der)).expect("assembles");
    assert!(matches!(seal(&der).verify_value(), Err(ValueError::BadSignature(_))));
}

/// Every byte changed in one bit, each time another one of its eight.
fn single_changes(der: &[u8]) -> impl Iterator<Item = (Vec<u8>, usize)> + '_ {
    (0..der.len()).map(|at| {
        let mut changed = der.to_vec();
        changed[at] ^= 1 << (at % 8);
        (changed, at)
    })
}
