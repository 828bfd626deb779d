//! Seals, seal signatures, certificates, revocation lists and keys: whatever the bytes, a value or an error.
#![no_main]

use eseal_pki::{Certificate, CertificateRequest, Crl, OcspResponse, PublicKey};
use eseal_seal::{Seal, SesSignature};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(seal) = Seal::from_der(bytes) {
        let _ = seal.verify_value();
        assert_eq!(seal.der(), bytes, "a seal keeps what it was read from");
    }
    if let Ok(signature) = SesSignature::from_der(bytes) {
        let _ = (signature.verify_value(), signature.signer_in_list(), signature.time());
    }
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = (certificate.subject(), certificate.public_key(), certificate.allows_signing());
    }
    let _ = Crl::from_der(bytes);
    let _ = CertificateRequest::from_der(bytes);
    let _ = PublicKey::from_spki_der(bytes);
    if let Ok(response) = OcspResponse::from_der(bytes) {
        let _ = response.certificates().len();
    }
});
