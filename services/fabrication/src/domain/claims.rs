//! What a fabrication holds of a seal card from its acceptance on: no other seal can have it meanwhile.
//!
//! The one exception is a successor on its predecessor's card: it is made while the predecessor is still in use, so that
//! nobody is without a seal if the making fails. So a card has a place beside the one in use, for which only a successor
//! may wait. The predecessor's end frees the first place and leaves the successor in the second; then the first one is
//! where the successor's own successor waits.

use eseal_kernel::{ClaimKey, Digest};

/// The claim on a seal card, or on a hosted key by its id.
pub fn card_claim(card_serial: &str) -> ClaimKey {
    ClaimKey::new("card", card_serial)
}

/// The claim on a holder's certificate.
pub fn certificate_claim(certificate: &Digest) -> ClaimKey {
    ClaimKey::new("cert", certificate)
}

/// The claims on a card with these certificates.
pub fn claims(card_serial: &str, certificates: &[Digest]) -> Vec<ClaimKey> {
    certificates.iter().map(certificate_claim).chain([card_claim(card_serial)]).collect()
}

/// The claims on the place beside.
pub fn claims_beside(card_serial: &str, certificates: &[Digest]) -> Vec<ClaimKey> {
    let certificate = |certificate: &Digest| ClaimKey::new("cert-beside", certificate);
    certificates.iter().map(certificate).chain([ClaimKey::new("card-beside", card_serial)]).collect()
}
