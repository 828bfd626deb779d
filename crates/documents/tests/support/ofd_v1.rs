//! Seals and signatures of GM/T 0031-2014, which this project reads and never writes.

use eseal_pki::{DigestAlg, Signer};

use super::der::tlv;
use super::parties::{Identity, Party};

/// 1.2.156.10197.1.501
const SM2_WITH_SM3: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75];

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes])
}

/// A SESeal for the holder, made by `maker`.
pub fn seal(maker: &Identity, holder: &Identity) -> Vec<u8> {
    let int = |value: u8| tlv(0x02, &[&[value]]);
    let time = |text: &str| tlv(0x17, &[text.as_bytes()]);
    let certificates = sequence(&[&tlv(0x04, &[holder.certificate.der()])]);
    let property = sequence(&[
        &int(1),
        &tlv(0x0c, &["甲方".as_bytes()]),
        &certificates,
        &time("250131080506Z"),
        &time("250131080506Z"),
        &time("270131080506Z"),
    ]);
    let header = sequence(&[&tlv(0x16, &[b"ES"]), &int(1), &tlv(0x16, &[b"other"])]);
    let picture = sequence(&[&tlv(0x16, &[b"png"]), &tlv(0x04, &[b"\x89PNG"]), &int(40), &int(40)]);
    let info = sequence(&[&header, &tlv(0x16, &[b"32050000011053"]), &property, &picture]);
    let certificate = tlv(0x04, &[maker.certificate.der()]);
    let value = maker.key.sign(&sequence(&[&info, &certificate, SM2_WITH_SM3])).expect("a signature");
    sequence(&[&info, &sequence(&[&certificate, SM2_WITH_SM3, &bits(&value)])])
}

/// A SES_Signature of the party, whose seal is one of these, over a `Signature.xml`.
pub fn signature(party: &Party, descriptor: &[u8]) -> Vec<u8> {
    let to_sign = sequence(&[
        &tlv(0x02, &[&[1]]),
        &party.seal,
        &bits(b"2026-01-31 16:05:06"),
        &bits(&DigestAlg::Sm3.digest(descriptor)),
        &tlv(0x16, &[b"/Doc_0/Signs/Sign_0/Signature.xml"]),
        &tlv(0x04, &[party.identity.certificate.der()]),
        SM2_WITH_SM3,
    ]);
    let value = party.identity.key.sign(&to_sign).expect("a signature");
    sequence(&[&to_sign, &bits(&value)])
}
