//! What a time stamp (RFC 3161) states.

use eseal_kernel::Timestamp;

use crate::algorithm::read_digest;
use crate::asn1::{Reader, tag, x509_time};
use crate::cms::CmsError;
use crate::digest_alg::DigestAlg;

/// TSTInfo (RFC 3161 §2.4.2), as far as it decides something.
pub(crate) struct TimeStamp {
    pub(crate) digest: DigestAlg,
    pub(crate) imprint: Vec<u8>,
    pub(crate) time: Timestamp,
}

impl TimeStamp {
    pub(crate) fn read(content: &[u8]) -> Result<Self, CmsError> {
        const WHAT: &str = "TSTInfo";
        let mut fields = Reader::ber(content).single(tag::SEQUENCE, WHAT)?.inside()?;
        fields.read(tag::INTEGER, WHAT)?; // version
        fields.read(tag::OID, WHAT)?; // policy
        let mut imprint = fields.read(tag::SEQUENCE, "messageImprint")?.inside()?;
        let digest = read_digest(&imprint.any("messageImprint")?)?;
        let value = imprint.read(tag::OCTET_STRING, "messageImprint")?.content.to_vec();
        fields.read(tag::INTEGER, WHAT)?; // serialNumber
        let time = x509_time(&fields.read(tag::GENERALIZED_TIME, "genTime")?)?;
        Ok(Self { digest, imprint: value, time })
    }
}
