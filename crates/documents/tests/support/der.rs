//! DER by hand, for structures that other producers write and ours do not.

use eseal_pki::{Certificate, DigestAlg, Signer};

use super::parties::Identity;

const OID_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]; // 1.2.840.113549.1.7.1
const OID_CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const OID_MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const OID_SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
const OID_GM_DATA: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x06, 0x01, 0x04, 0x02, 0x01];
const OID_GM_SIGNED_DATA: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x06, 0x01, 0x04, 0x02, 0x02];
const OID_SM3: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11];
const OID_SM2_SIGNATURE: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d, 0x01];

/// A value under its tag.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => [&[0x82][..], &u16::try_from(long).expect("below 64 KiB").to_be_bytes()].concat(),
    };
    [&[tag][..], &length, &content].concat()
}

/// How a GB/T 35275 signature is bound to what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Attributes in an order that is not that of DER, and the content inside.
    Attributes,
    /// The digest inside as the content, without attributes.
    Digest,
    /// The digest inside as Base64.
    DigestInBase64,
    /// Nothing inside, no attributes.
    Detached,
}

/// A GB/T 35275 SignedData over `content` as producers of that kind write it.
pub fn gm_signed_data(content: &[u8], binding: Binding, signer: &Identity) -> Vec<u8> {
    let digest = DigestAlg::Sm3.digest(content);
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &digest);
    let inside = match binding {
        Binding::Attributes => Some(content.to_vec()),
        Binding::Digest => Some(digest.clone()),
        Binding::DigestInBase64 => Some(base64.into_bytes()),
        Binding::Detached => None,
    };
    let attributes = (binding == Binding::Attributes).then(|| attributes(&digest));
    let message = match (&attributes, &inside) {
        (Some(attributes), _) => tlv(0x31, &[attributes]),
        (None, Some(inside)) => inside.clone(),
        (None, None) => content.to_vec(),
    };
    let value = signer.key.sign(&message).expect("a signature");
    assemble(inside.as_deref(), attributes.as_deref(), &signer.certificate, &value)
}

/// contentType, messageDigest, signingTime: longer ones in front of shorter ones, as real signatures have them.
fn attributes(digest: &[u8]) -> Vec<u8> {
    let attribute = |oid: &[u8], value: &[u8]| tlv(0x30, &[&tlv(0x06, &[oid]), &tlv(0x31, &[value])]);
    let attributes = [
        attribute(OID_MESSAGE_DIGEST, &tlv(0x04, &[digest])),
        attribute(OID_CONTENT_TYPE, &tlv(0x06, &[OID_GM_DATA])),
        attribute(OID_SIGNING_TIME, &tlv(0x17, &[b"260131080506Z"])),
    ];
    let mut sorted = attributes.to_vec();
    sorted.sort();
    assert_ne!(sorted, attributes, "the order is not that of DER");
    attributes.concat()
}

fn assemble(inside: Option<&[u8]>, attributes: Option<&[u8]>, signer: &Certificate, value: &[u8]) -> Vec<u8> {
    let (one, sm3) = (tlv(0x02, &[&[1]]), tlv(0x30, &[&tlv(0x06, &[OID_SM3]), &[5, 0]]));
    let content = inside.map(|inside| tlv(0xa0, &[&tlv(0x04, &[inside])])).unwrap_or_default();
    let serial = tlv(0x02, &[&[0], &hex::decode(signer.serial_hex().replace(':', "")).expect("hexadecimal")]);
    let attributes = attributes.map(|attributes| tlv(0xa0, &[attributes])).unwrap_or_default();
    let algorithm = tlv(0x30, &[&tlv(0x06, &[OID_SM2_SIGNATURE])]);
    let info = tlv(
        0x30,
        &[&one, &tlv(0x30, &[signer.raw_issuer(), &serial]), &sm3, &attributes, &algorithm, &tlv(0x04, &[value])],
    );
    // The type inside may be that of PKCS #7 while the attribute says another.
    let encapsulated = tlv(0x30, &[&tlv(0x06, &[OID_DATA]), &content]);
    let certificates = tlv(0xa0, &[signer.der()]);
    let data = tlv(0x30, &[&one, &tlv(0x31, &[&sm3]), &encapsulated, &certificates, &tlv(0x31, &[&info])]);
    tlv(0x30, &[&tlv(0x06, &[OID_GM_SIGNED_DATA]), &tlv(0xa0, &[&data])])
}
