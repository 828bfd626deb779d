//! What we make: read again, it is the same, and it verifies.

use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::{SignatureForm, SigningKey, Suite};
use eseal_seal::{
    CertificateDigest, CertificateList, Extension, Picture, Seal, SealError, SealInfo, SesSignature, ToSign, Version,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::{
    Party, WORLD, certify, extension, info, made, seal, seal_der, signature, signature_der, signed_by, to_sign,
};

#[test]
fn a_seal_that_was_made_verifies_and_says_what_it_was_made_from() {
    let der = seal_der();
    let seal = seal(&der);
    assert_eq!(seal.der(), der);
    assert_eq!(seal.version(), Version::V4);
    assert_eq!(seal.info(), &info());
    assert_eq!(seal.signed_bytes(), info().to_der().expect("encodes"));
    assert_eq!(seal.maker_certificate().map(|c| c.der()), Some(WORLD.maker.certificate.der()));
    assert_eq!(seal.algorithm().to_string(), "1.2.156.10197.1.501");
    assert_eq!(seal.verify_value(), Ok(SignatureForm::Der));
}

#[test]
fn a_signature_that_was_made_verifies_and_says_what_it_was_made_from() {
    let signature = signature(&signature_der());
    assert_eq!(signature.verify_value(), Ok(SignatureForm::Der));
    assert!(signature.signer_in_list());
    assert_eq!(signature.version(), Version::V4);
    assert_eq!(signature.data_hash(), [7; 32]);
    assert_eq!(signature.time(), Some(crate::world::NOW));
    assert_eq!(signature.property_info(), "/Doc_0/Signs/Sign_0/Signature.xml");
    assert_eq!(signature.seal().verify_value(), Ok(SignatureForm::Der));
}

#[test]
fn raw_r_and_s_side_by_side_verify_and_are_told_apart() {
    let info_der = info().to_der().expect("encodes");
    let raw = raw_form(&WORLD.maker.sign(&info_der));
    let sealed = seal(&Seal::assemble(&info_der, &WORLD.maker.certificate, &raw).expect("assembles"));
    assert_eq!(sealed.verify_value(), Ok(SignatureForm::Raw));

    let to_sign_der = to_sign(seal_der()).to_der().expect("encodes");
    let raw = raw_form(&WORLD.acme.sign(&to_sign_der));
    let signed = SesSignature::assemble(&to_sign_der, &WORLD.acme.certificate, &raw).expect("assembles");
    assert_eq!(signature(&signed).verify_value(), Ok(SignatureForm::Raw));
}

#[test]
fn a_version_5_seal_is_made_where_it_is_asked_for() {
    let der = made(&info().to_der_as(Version::V5).expect("encodes"));
    assert_eq!(seal(&der).version(), Version::V5);
    assert_eq!(seal(&der).verify_value(), Ok(SignatureForm::Der));
    let signed = signature(&signed_by(&WORLD.acme, &to_sign(der).to_der().expect("encodes")));
    assert_eq!(signed.version(), Version::V5);
    assert_eq!(signed.verify_value(), Ok(SignatureForm::Der));
    assert_eq!(info().to_der_as(Version::V1), Err(SealError::CannotWriteV1));
}

#[test]
fn two_certificates_of_one_holder_may_both_seal() {
    let p256 = Party::of_suite(Suite::EcdsaP256Sha256);
    let mut info = info();
    info.certificates = CertificateList::of([&WORLD.acme.certificate, &p256.certificate]);
    let der = made(&info.to_der().expect("encodes"));
    for party in [&WORLD.acme, &p256] {
        let signed = signature(&signed_by(party, &to_sign(der.clone()).to_der().expect("encodes")));
        assert!(signed.signer_in_list());
        assert_eq!(signed.verify_value(), Ok(SignatureForm::Der));
    }
}

#[test]
fn a_list_of_digests_works_like_a_list_of_certificates() {
    let own = CertificateDigest::of(&WORLD.acme.certificate);
    let named = |algorithm: &str| CertificateDigest { algorithm: algorithm.to_owned(), ..own.clone() };
    for digest in [own.clone(), named("custom"), named("SM3")] {
        let mut info = info();
        info.certificates = CertificateList::Digests(vec![digest]);
        let seal = seal(&made(&info.to_der().expect("encodes")));
        assert!(seal.info().certificates.contains(&WORLD.acme.certificate));
        assert!(!seal.info().certificates.contains(&WORLD.other.certificate));
        assert_eq!(seal.verify_value(), Ok(SignatureForm::Der));
    }
    let sha256 = CertificateDigest {
        algorithm: "SHA-256".to_owned(),
        value: WORLD.acme.certificate.fingerprint().bytes().to_vec(),
    };
    assert!(CertificateList::Digests(vec![sha256]).contains(&WORLD.acme.certificate));
    assert!(!CertificateList::Digests(vec![named("MD5"), named("SHA-256")]).contains(&WORLD.acme.certificate));
}

#[test]
fn a_seal_is_valid_from_its_first_to_its_last_moment() {
    let info = info();
    let second = Duration::from_secs(1);
    assert!(info.is_valid_at(info.valid_from) && info.is_valid_at(info.valid_to));
    assert!(!info.is_valid_at(info.valid_from.minus(second)) && !info.is_valid_at(info.valid_to.plus(second)));
}

#[test]
fn what_a_maker_or_a_client_is_asked_to_sign_can_be_read_first() {
    let info_der = info().to_der().expect("encodes");
    assert_eq!(SealInfo::from_der(&info_der), Ok(info()));
    let asked = to_sign(seal_der());
    assert_eq!(ToSign::from_der(&asked.to_der().expect("encodes")), Ok(asked));
}

#[test]
fn what_could_be_written_otherwise_is_not_for_signing() {
    let der = info().to_der().expect("encodes");
    // SEQUENCE { header SEQUENCE { ID, version INTEGER 4, Vid }, ..: a version that no standard gives is read as the current one.
    let at = der.windows(3).position(|window| window == [2, 1, 4]).expect("the version");
    let mut other = der.clone();
    other[at + 2] = 3;
    assert_eq!(SealInfo::from_der(&other), Ok(info()));
    assert_eq!(SealInfo::from_exact_der(&other), Err(SealError::NotExact));
    assert_eq!(SealInfo::from_exact_der(&der), Ok((info(), Version::V4)));
}

#[test]
fn debug_prints_neither_pictures_nor_certificates() {
    let shown = format!("{:?} {:?}", seal(&seal_der()), signature(&signature_der()));
    assert!(shown.contains("300 bytes") && shown.contains("Certificates(1)") && shown.len() < 1_500, "{shown}");
}

proptest! {
    #[test]
    fn a_seal_info_that_is_written_is_read_again(info in any_info(), version in prop_oneof![Just(Version::V4), Just(Version::V5)]) {
        let der = info.to_der_as(version).expect("encodes");
        let read = SealInfo::from_der(&der);
        prop_assert_eq!(read.as_ref(), Ok(&info));
        prop_assert_eq!(read.and_then(|info| info.to_der_as(version)), Ok(der.clone()));
        prop_assert_eq!(SealInfo::from_exact_der(&der), Ok((info, version)));
    }

    #[test]
    fn a_to_sign_that_is_written_is_read_again(
        seconds in 0..253_402_300_800_i64,
        data_hash: [u8; 32],
        property_info in "[ -~]{1,100}",
        extensions in vec(any_extension(), 0..4),
    ) {
        let time = Timestamp::from_seconds(seconds);
        let to_sign = ToSign { time, data_hash, property_info, extensions, ..to_sign(seal_der()) };
        let der = to_sign.to_der().expect("encodes");
        prop_assert_eq!(ToSign::from_der(&der), Ok(to_sign));
    }
}

fn any_info() -> impl Strategy<Value = SealInfo> {
    let texts = ("[!-~]{1,40}", "[!-~]{1,40}", "\\PC{1,60}", "[!-~]{1,8}");
    let times = proptest::array::uniform3(0..253_402_300_800_i64);
    let picture = (vec(any::<u8>(), 0..500), 0..=1000_u32, 0..=1000_u32);
    (texts, any::<i64>(), any_list(), times, picture, vec(any_extension(), 0..4)).prop_map(
        |((vid, es_id, name, kind), seal_type, certificates, times, (data, width_mm, height_mm), extensions)| {
            SealInfo {
                vid,
                es_id,
                seal_type,
                name,
                certificates,
                created: Timestamp::from_seconds(times[0]),
                valid_from: Timestamp::from_seconds(times[1]),
                valid_to: Timestamp::from_seconds(times[2]),
                picture: Picture { kind, data, width_mm, height_mm },
                extensions,
            }
        },
    )
}

fn any_list() -> impl Strategy<Value = CertificateList> {
    let digest = ("[A-Za-z0-9 .]{1,30}", vec(any::<u8>(), 0..64))
        .prop_map(|(algorithm, value)| CertificateDigest { algorithm, value });
    prop_oneof![
        vec(vec(any::<u8>(), 0..300), 1..5).prop_map(CertificateList::Certificates),
        vec(digest, 1..5).prop_map(CertificateList::Digests),
    ]
}

fn any_extension() -> impl Strategy<Value = Extension> {
    (any::<bool>(), vec(any::<u8>(), 0..100)).prop_map(|(critical, value)| Extension { value, ..extension(critical) })
}

impl Party {
    /// Another key pair of Acme.
    fn of_suite(suite: Suite) -> Self {
        let key = SigningKey::generate(suite).expect("a key");
        Self {
            certificate: certify(&WORLD.holder_ca, &key, "苏州市示范软件有限公司", "11320500014150050B"), key
        }
    }
}

/// r‖s, from `SEQUENCE { r INTEGER, s INTEGER }`.
fn raw_form(der: &[u8]) -> Vec<u8> {
    use der::Decode as _;
    let numbers = Vec::<der::asn1::Uint>::from_der(der).expect("two numbers");
    let mut raw = vec![0; 64];
    for (number, half) in numbers.iter().zip(raw.chunks_exact_mut(32)) {
        let bytes = number.as_bytes();
        half[32 - bytes.len()..].copy_from_slice(bytes);
    }
    raw
}
