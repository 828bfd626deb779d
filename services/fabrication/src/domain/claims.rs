//! What a fabrication holds of a seal card from its acceptance on: no other seal can have it meanwhile.

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
pub fn claims(card_serial: &str, certificates: &[Digest]) -> impl Iterator<Item = ClaimKey> {
    certificates.iter().map(certificate_claim).chain([card_claim(card_serial)])
}
