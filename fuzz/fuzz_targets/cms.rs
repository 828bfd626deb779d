//! CMS of every kind, time stamps included: whatever the bytes, a signature, a refusal or an error.
#![no_main]

use eseal_pki::{SignedData, TimeStampToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = TimeStampToken::from_token_or_response(bytes) {
        let _ = (token.verify(&[]), token.info().latest());
    }
    let Ok(data) = SignedData::from_der(bytes) else { return };
    for signer in data.signers() {
        let _ = signer.verify(|mut hasher| {
            hasher.update(b"content");
            hasher.finish()
        });
        let _ = signer.signing_time();
        for token in signer.time_stamp_tokens() {
            let _ = SignedData::from_der(token);
        }
    }
});
