//! Gate e: the SES_SealInfo that a maker signs, and the SESeal that comes of it (GB/T 38540-2020). Pure.

use eseal_kernel::{Id, Timestamp};
use eseal_pki::Certificate;
use eseal_seal::{CertificateList, Picture, Seal, SealError, SealInfo, Version};

use crate::domain::order::Order;
use crate::domain::run::Run;

/// The maker of the software, as seals name it.
const VID: &str = "ESEAL";

/// DER of what the maker is to sign, of the generation `version`.
///
/// # Errors
/// [`SealError`] where the name, the picture or a certificate has no place in a seal.
pub fn seal_info(
    order: &Order,
    run: &Run,
    certificates: &[Certificate],
    (name, picture): (Vec<u8>, Vec<u8>),
    now: Timestamp,
    version: Version,
) -> Result<Vec<u8>, SealError> {
    let info = SealInfo {
        vid: VID.to_owned(),
        es_id: run.seal_id.to_string(),
        seal_type: order.seal_type.number(),
        name: String::from_utf8_lossy(&name).into_owned(),
        certificates: CertificateList::of(certificates.iter()),
        created: now.whole_seconds(),
        valid_from: order.valid_from.whole_seconds(),
        valid_to: order.valid_to.whole_seconds(),
        picture: Picture {
            kind: "PNG".to_owned(),
            data: picture,
            width_mm: order.width_mm,
            height_mm: order.height_mm,
        },
        extensions: Vec::new(),
    };
    info.to_der_as(version)
}

/// Whether `info` is the SES_SealInfo of this seal and says nothing but what can be read of it: only then is it signed.
pub fn is_for(info: &[u8], seal_id: Id) -> bool {
    SealInfo::from_exact_der(info).is_ok_and(|(read, _)| read.es_id == seal_id.to_string())
}

/// The SESeal with this signature; nothing if it does not hold.
pub fn assembled(info: &[u8], maker: &Certificate, signature: &[u8]) -> Option<Vec<u8>> {
    Seal::assemble(info, maker, signature).ok().filter(|der| is_genuine(der))
}

/// Whether these bytes are a SESeal whose maker's signature holds.
pub fn is_genuine(der: &[u8]) -> bool {
    Seal::from_der(der).is_ok_and(|seal| seal.verify_value().is_ok())
}
