//! GB/T 35275 in the variants that producers write, put together by hand.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal_kernel::Timestamp;

use super::*;
use crate::asn1::{tag, writer};
use crate::oid::{self, Oid};
use crate::{
    Certificate, DevelopmentCa, DigestAlg, Hasher, Purpose, SignatureForm, Signer as _, SigningKey, Subject, Suite,
};

const CONTENT: &[u8] = b"<ofd:Signature/>";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// 1.2.156.10197.6.1.4.2.1, data.
const GM_DATA: Oid = Oid::literal("1.2.156.10197.6.1.4.2.1");

fn feed(content: &[u8]) -> impl FnMut(Hasher) -> Vec<u8> {
    move |mut hasher| {
        hasher.update(content);
        hasher.finish()
    }
}

struct Person {
    key: SigningKey,
    certificate: Certificate,
}

fn person() -> Person {
    let ca = DevelopmentCa::create(Suite::Sm2Sm3, "CA", Purpose::Holder, NOW).expect("an authority");
    let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    let day = Duration::from_secs(86_400);
    let certificate = ca.issue(&key.public_key(), &Subject::named("signer"), day, NOW).expect("a certificate");
    Person { key, certificate }
}

impl Person {
    /// SignedData of GB/T 35275 around these parts; `attributes` are the contents of the set, in their order.
    fn around(&self, content: Option<&[u8]>, attributes: Option<&[u8]>, signature: &[u8]) -> Vec<u8> {
        let algorithm = |oid: &Oid| writer::sequence(&[writer::oid(oid), writer::null()]);
        let issuer_and_serial =
            writer::sequence(&[self.certificate.raw_issuer(), &writer::tlv(tag::INTEGER, self.certificate.serial())]);
        let signer = writer::sequence(&[
            writer::number(1),
            issuer_and_serial,
            algorithm(&oid::SM3),
            attributes.map_or_else(Vec::new, |attributes| writer::tlv(tag::constructed(0), attributes)),
            algorithm(&oid::SM2_SIGNATURE),
            writer::octet_string(signature),
        ]);
        let inside = content.map(|content| writer::explicit(0, &writer::octet_string(content)));
        let signed_data = writer::sequence(&[
            writer::number(1),
            writer::set_of(vec![algorithm(&oid::SM3)]),
            writer::sequence(&[writer::oid(&oid::PKCS7_DATA), inside.unwrap_or_default()]),
            writer::explicit(0, self.certificate.der()),
            writer::set_of(vec![signer]),
        ]);
        writer::sequence(&[writer::oid(&oid::GM_SIGNED_DATA), writer::explicit(0, &signed_data)])
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).expect("a signature")
    }
}

fn verify(der: &[u8], content: &[u8]) -> Result<CmsSignature, CmsError> {
    SignedData::from_der(der).expect("a structure").signers()[0].verify(feed(content))
}

/// contentType, messageDigest, signingTime: the order of gomain, which is not that of DER.
fn attributes(content: &[u8]) -> Vec<u8> {
    let attribute = |oid: &Oid, value: Vec<u8>| writer::sequence(&[writer::oid(oid), writer::set_of(vec![value])]);
    let attributes = [
        attribute(&oid::CONTENT_TYPE, writer::oid(&GM_DATA)),
        attribute(&oid::MESSAGE_DIGEST, writer::octet_string(&DigestAlg::Sm3.digest(content))),
        attribute(&oid::SIGNING_TIME, writer::time(NOW)),
    ];
    assert!(!attributes.is_sorted(), "the test needs an order that DER would change");
    attributes.concat()
}

#[test]
fn attributes_count_in_the_order_in_which_they_came() {
    let person = person();
    let attributes = attributes(CONTENT);
    let signature = person.sign(&writer::tlv(tag::SET, &attributes));
    let der = person.around(None, Some(&attributes), &signature);
    let found = verify(&der, CONTENT).expect("it holds");
    assert_eq!((found.content, found.form, found.signing_time), (ContentForm::Detached, SignatureForm::Der, Some(NOW)));
    assert_eq!(verify(&der, b"another"), Err(CmsError::ContentChanged));
}

#[test]
fn attributes_that_were_signed_in_another_order_do_not_hold() {
    let person = person();
    let attributes = attributes(CONTENT);
    let mut reversed: Vec<_> =
        crate::asn1::Reader::der(&attributes).all(9, "test").expect("attributes").iter().map(|one| one.bytes).collect();
    reversed.reverse();
    let signature = person.sign(&writer::tlv(tag::SET, &reversed.concat()));
    assert_eq!(verify(&person.around(None, Some(&attributes), &signature), CONTENT), Err(CmsError::BadSignature));
}

#[test]
fn the_digest_as_content_holds_in_binary_and_as_base64() {
    let person = person();
    let digest = DigestAlg::Sm3.digest(CONTENT);
    for inside in [digest.clone(), STANDARD.encode(&digest).into_bytes()] {
        let der = person.around(Some(&inside), None, &person.sign(&inside));
        assert_eq!(verify(&der, CONTENT).expect("it holds").content, ContentForm::Digest);
        assert_eq!(verify(&der, b"another"), Err(CmsError::ContentChanged));
        let forged = person.around(Some(&inside), None, &person.sign(b"another"));
        assert_eq!(verify(&forged, CONTENT), Err(CmsError::BadSignature));
    }
}

#[test]
fn detached_without_attributes_the_signature_is_over_z_and_the_content() {
    let person = person();
    let der = person.around(None, None, &person.sign(CONTENT));
    assert_eq!(verify(&der, CONTENT).expect("it holds").content, ContentForm::Detached);
    assert_eq!(verify(&der, b"another"), Err(CmsError::BadSignature));
}

#[test]
fn an_empty_content_is_none_and_what_was_signed_is_what_is_shown() {
    let person = person();
    let der = person.around(Some(b""), None, &person.sign(CONTENT));
    assert_eq!(verify(&der, CONTENT).expect("it holds").content, ContentForm::Detached);
    assert_eq!(verify(&der, b"another"), Err(CmsError::BadSignature));
    let about = |content: &[u8]| {
        let attributes = attributes(content);
        person.around(Some(b""), Some(&attributes), &person.sign(&writer::tlv(tag::SET, &attributes)))
    };
    assert_eq!(verify(&about(CONTENT), CONTENT).expect("it holds").content, ContentForm::Detached);
    assert_eq!(verify(&about(b""), CONTENT), Err(CmsError::ContentChanged), "a signature over nothing");
    assert_eq!(verify(&person.around(Some(b""), None, &person.sign(b"")), CONTENT), Err(CmsError::BadSignature));
}

#[test]
fn a_raw_signature_value_holds_and_is_told() {
    let person = person();
    let raw = crate::signature_value::to_fixed(&person.sign(CONTENT), 32).expect("r and s");
    let der = person.around(None, None, &raw);
    assert_eq!(verify(&der, CONTENT).expect("it holds").form, SignatureForm::Raw);
}

#[test]
fn attributes_without_a_digest_of_the_content_do_not_hold() {
    let person = person();
    let value = writer::set_of(vec![writer::oid(&GM_DATA)]);
    let attributes = writer::sequence(&[writer::oid(&oid::CONTENT_TYPE), value]);
    let signature = person.sign(&writer::tlv(tag::SET, &attributes));
    let found = verify(&person.around(None, Some(&attributes), &signature), CONTENT);
    assert_eq!(found, Err(CmsError::Malformed("the attribute messageDigest")));
}

#[test]
fn other_content_than_signed_data_is_named() {
    let der = writer::sequence(&[writer::oid(&oid::PKCS7_DATA), writer::explicit(0, &writer::octet_string(b"a"))]);
    let refused = SignedData::from_der(&der).expect_err("no signed data");
    assert_eq!(refused, CmsError::NotSignedData("1.2.840.113549.1.7.1".to_owned()));
}
