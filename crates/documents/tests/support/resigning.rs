//! Signatures made anew over a document that was sealed already, as other producers or a forger would make them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{DigestAlg, Signer, Suite};
use eseal_seal::{SesSignature, ToSign};

use super::hostile::{content, with_changed, with_replaced};
use super::parties::Identity;

/// The list of signatures of a sealed contract.
pub const LIST: &str = "Doc_0/Signs/Signatures.xml";
/// The `Signature.xml` of its first seal.
pub const DESCRIPTOR: &str = "Doc_0/Signs/Sign_0/Signature.xml";
/// The value of that signature.
pub const VALUE: &str = "Doc_0/Signs/Sign_0/SignedValue.dat";
/// The `Seal.esl` beside it.
pub const SEAL: &str = "Doc_0/Signs/Sign_0/Seal.esl";

/// The document signed anew, over its `Signature.xml` as it is now and with what `change` makes of the rest.
pub fn resigned(sealed: &[u8], signer: &Identity, change: impl FnOnce(&mut ToSign)) -> Vec<u8> {
    let descriptor = content(sealed, DESCRIPTOR);
    with_changed(sealed, VALUE, |value| {
        let signature = SesSignature::from_der(&value).expect("a signature");
        let mut to_sign = ToSign {
            seal_der: signature.seal().der().to_vec(),
            time: signature.time().expect("a time"),
            data_hash: DigestAlg::Sm3.digest(&descriptor).try_into().expect("32 bytes"),
            property_info: signature.property_info().to_owned(),
            extensions: Vec::new(),
        };
        change(&mut to_sign);
        let to_sign = to_sign.to_der().expect("TBS_Sign");
        let value = signer.key.sign(&to_sign).expect("a signature");
        SesSignature::assemble(&to_sign, &signer.certificate, &value).expect("a signature")
    })
}

/// The document with another seal in its signature, signed anew by its signer.
pub fn with_foreign_seal(sealed: &[u8], signer: &Identity, seal: &[u8]) -> Vec<u8> {
    let swapped = resigned(sealed, signer, |to_sign| to_sign.seal_der = seal.to_vec());
    with_changed(&swapped, SEAL, |_| seal.to_vec())
}

/// The document with the digests in its `Signature.xml` made with `algorithm`, and named so by `attribute`.
pub fn with_digests(sealed: &[u8], algorithm: DigestAlg, attribute: &str) -> Vec<u8> {
    let text = String::from_utf8(content(sealed, DESCRIPTOR)).expect("text");
    let mut rewritten = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("<ofd:Reference FileRef=\"/") {
        let (name, after) = after.split_once('"').expect("a name");
        let (_, after) = after.split_once("</ofd:CheckValue>").expect("a digest");
        let digest = BASE64.encode(algorithm.digest(&content(sealed, name)));
        rewritten
            .push_str(&format!("{before}<ofd:Reference FileRef=\"/{name}\"><ofd:CheckValue>{digest}</ofd:CheckValue>"));
        rest = after;
    }
    rewritten.push_str(rest);
    let rewritten = rewritten.replace(" CheckMethod=\"1.2.156.10197.1.401\"", attribute);
    with_changed(sealed, DESCRIPTOR, |_| rewritten.into_bytes())
}

/// The document signed with a GB/T 35275 value in the place of a seal signature.
pub fn as_plain_signature(sealed: &[u8], signer: &Identity) -> Vec<u8> {
    let digest = DigestAlg::Sm3.digest(&content(sealed, DESCRIPTOR));
    let attributes = SignedAttributes::try_new(&signer.certificate, &digest, Suite::Sm2Sm3).expect("attributes");
    let signature = signer.key.sign(attributes.to_be_signed()).expect("a signature");
    let value = attributes.finish(&signature, &[]);
    let signed = with_changed(sealed, VALUE, |_| value);
    with_replaced(&signed, LIST, "Type=\"Seal\"", "Type=\"Sign\"")
}

/// r‖s of `SEQUENCE { r, s }`.
pub fn raw_form(der: &[u8]) -> Vec<u8> {
    let integer = |at: usize| {
        let length = usize::from(der[at + 1]);
        let bytes = &der[at + 2..at + 2 + length];
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        ([vec![0; 32 - bytes.len()], bytes.to_vec()].concat(), at + 2 + length)
    };
    let (r, next) = integer(2);
    let (s, _) = integer(next);
    [r, s].concat()
}
