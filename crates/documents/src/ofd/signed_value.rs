//! What a signature's value is: a seal signature, a plain signature, or something that nobody can verify.

use der::Decode;
use der::asn1::IntRef;
use eseal_pki::cms::SignedData;
use eseal_seal::SesSignature;

/// The content of `SignedValue.dat`. What it is follows from its bytes: the `Type` in the list of signatures is
/// protected by no signature.
pub enum SignedValue {
    /// A seal signature (GB/T 38540), for `Type="Seal"`.
    Seal(SesSignature),
    /// A signature without a seal (GB/T 35275), for `Type="Sign"`.
    Signature(SignedData),
    /// An SM2 value and nothing else, as old producers wrote it: no certificate to verify it with.
    Bare,
    /// None of these; why it is no seal signature.
    Malformed(String),
}

impl SignedValue {
    /// Recognises `bytes`.
    pub fn read(bytes: &[u8]) -> Self {
        let not_a_seal = match SesSignature::from_der(bytes) {
            Ok(signature) => return Self::Seal(signature),
            Err(error) => error,
        };
        match SignedData::from_der(bytes) {
            Ok(signature) => Self::Signature(signature),
            Err(_) if is_bare(bytes) => Self::Bare,
            Err(_) => Self::Malformed(not_a_seal.to_string()),
        }
    }
}

/// r‖s, or `SEQUENCE { r, s }`.
fn is_bare(bytes: &[u8]) -> bool {
    bytes.len() == 64 || Vec::<IntRef<'_>>::from_der(bytes).is_ok_and(|values| values.len() == 2)
}
