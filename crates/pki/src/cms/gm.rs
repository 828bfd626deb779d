//! Makes a GB/T 35275 SignedData in the form that other producers write for OFD: the digest of the content lies inside as
//! the content, there are no attributes, and the SM2 signature is over that digest.

use crate::algorithm::write_digest;
use crate::asn1::{tag, writer};
use crate::certificate::Certificate;
use crate::digest_alg::DigestAlg;
use crate::oid;

/// The parts of a GB/T 35275 SignedData.
#[derive(Debug, Clone, Copy)]
pub struct GmSignature<'a> {
    /// The certificate of the SM2 key that signed.
    pub signer: &'a Certificate,
    /// What lies inside and was signed: the SM3 of what the signature is about.
    pub content: &'a [u8],
    /// The SM2 signature value over `content`.
    pub signature: &'a [u8],
    /// A time stamp token over the signature value (RFC 3161).
    pub time_stamp: Option<&'a [u8]>,
    /// Further certificates, usually those of issuers.
    pub others: &'a [Certificate],
}

impl GmSignature<'_> {
    /// The structure, DER. Nothing is checked: read it back and ask [`super::SignerInfo::verify`].
    pub fn to_der(&self) -> Vec<u8> {
        let digest = write_digest(DigestAlg::Sm3);
        let mut certificates = vec![self.signer.der()];
        certificates.extend(self.others.iter().map(Certificate::der));
        let mut signer = vec![
            writer::number(1),
            writer::sequence(&[self.signer.raw_issuer(), &writer::tlv(tag::INTEGER, self.signer.serial())]),
            digest.clone(),
            writer::sequence(&[writer::oid(&oid::SM2_SIGNATURE)]),
            writer::octet_string(self.signature),
        ];
        if let Some(token) = self.time_stamp {
            let values = writer::set_of(vec![token]);
            let attribute = writer::sequence(&[writer::oid(&oid::TIME_STAMP_TOKEN), values]);
            signer.push(writer::tlv(tag::constructed(1), &attribute));
        }
        let content = writer::explicit(0, &writer::octet_string(self.content));
        let signed_data = writer::sequence(&[
            writer::number(1),
            writer::set_of(vec![digest]),
            writer::sequence(&[writer::oid(&oid::GM_DATA), content]),
            writer::explicit(0, &writer::concat(&certificates)),
            writer::set_of(vec![writer::sequence(&signer)]),
        ]);
        writer::sequence(&[writer::oid(&oid::GM_SIGNED_DATA), writer::explicit(0, &signed_data)])
    }
}
