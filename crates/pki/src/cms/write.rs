//! Makes a detached CAdES signature in two steps: first what is to be signed, then the structure around the signature value.

use crate::algorithm;
use crate::asn1::{tag, writer};
use crate::certificate::Certificate;
use crate::cms::CmsError;
use crate::digest_alg::DigestAlg;
use crate::oid::{self, Oid};
use crate::public_key::BadSignature;
use crate::suite::Suite;

/// The attributes that a signer signs in the place of the content: its type, its digest, and which certificate is the signer's.
///
/// No signing time: PAdES forbids it (ETSI EN 319 142-1 §6.3), the time stands in the document.
#[derive(Debug, Clone)]
pub struct SignedAttributes {
    certificate: Certificate,
    suite: Suite,
    /// SET OF Attribute, DER.
    set: Vec<u8>,
}

impl SignedAttributes {
    /// Attributes for a content with this digest (by [`Suite::digest`]) and the signer's certificate.
    ///
    /// Refused with [`CmsError::OtherSuite`] where the digest has another length or the certificate another kind of key. An RSA
    /// key goes with every RSA suite.
    pub fn try_new(certificate: &Certificate, content_digest: &[u8], suite: Suite) -> Result<Self, CmsError> {
        let of_key = certificate.public_key()?.suite().and_then(|of_key| of_key.with_digest(suite.digest()));
        if content_digest.len() != suite.digest().output_len() || of_key != Some(suite) {
            return Err(CmsError::OtherSuite);
        }
        let set = writer::set_of(vec![
            attribute(&oid::CONTENT_TYPE, &writer::oid(&oid::PKCS7_DATA)),
            attribute(&oid::MESSAGE_DIGEST, &writer::octet_string(content_digest)),
            attribute(&oid::SIGNING_CERTIFICATE_V2, &signing_certificate(certificate)),
        ]);
        Ok(Self { certificate: certificate.clone(), suite, set })
    }

    /// The message for [`crate::Signer::sign`]: the attributes as a SET, DER (RFC 5652 §5.4).
    pub fn to_be_signed(&self) -> &[u8] {
        &self.set
    }

    /// Whether this is the certificate's signature over the attributes: to be asked before a document is built around the
    /// answer of a device.
    pub fn check(&self, signature: &[u8]) -> Result<(), BadSignature> {
        let key = self.certificate.public_key().map_err(|_| BadSignature)?;
        key.verify_with(self.suite.into(), &self.set, signature)
    }

    /// The whole structure, DER: the signature, the signer's certificate, and `others`, usually those of its issuers.
    pub fn finish(&self, signature: &[u8], others: &[Certificate]) -> Vec<u8> {
        self.finish_with(signature, others, None)
    }

    /// The same with a time stamp token (RFC 3161) over `signature`, as the unsigned attribute signature-time-stamp
    /// (ETSI EN 319 122-1 §5.3): what makes it B-T. The token, DER or BER, stays as the authority wrote it.
    pub fn finish_with(&self, signature: &[u8], others: &[Certificate], token: Option<&[u8]>) -> Vec<u8> {
        let digest = algorithm::write_digest(self.suite.digest());
        let mut certificates = vec![self.certificate.der()];
        certificates.extend(others.iter().map(Certificate::der));
        certificates.sort_unstable(); // a SET OF
        certificates.dedup();

        let mut signer = vec![
            writer::number(1),
            writer::sequence(&[self.certificate.raw_issuer(), &writer::tlv(tag::INTEGER, self.certificate.serial())]),
            digest.clone(),
            retagged(&self.set),
            algorithm::write_suite(self.suite),
            writer::octet_string(signature),
        ];
        signer.extend(token.map(|token| writer::explicit(1, &attribute(&oid::TIME_STAMP_TOKEN, token))));
        let signer = writer::sequence(&signer);
        let signed_data = writer::sequence(&[
            writer::number(1),
            writer::set_of(vec![digest]),
            writer::sequence(&[writer::oid(&oid::PKCS7_DATA)]), // the content lies elsewhere
            writer::explicit(0, &writer::concat(&certificates)),
            writer::set_of(vec![signer]),
        ]);
        writer::sequence(&[writer::oid(&oid::PKCS7_SIGNED_DATA), writer::explicit(0, &signed_data)])
    }
}

pub(crate) fn attribute(oid: &Oid, value: &[u8]) -> Vec<u8> {
    writer::sequence(&[writer::oid(oid), writer::set_of(vec![value])])
}

/// SigningCertificateV2 (RFC 5035 §3) with one ESSCertIDv2. SHA-256 is the default and therefore left out.
fn signing_certificate(certificate: &Certificate) -> Vec<u8> {
    let hash = DigestAlg::Sha256.digest(certificate.der());
    let id = writer::sequence(&[writer::octet_string(&hash)]);
    writer::sequence(&[writer::sequence(&[id])])
}

/// The SET under the tag that it has inside of a SignerInfo: `[0] IMPLICIT`.
pub(crate) fn retagged(set: &[u8]) -> Vec<u8> {
    let mut bytes = set.to_vec();
    if let Some(first) = bytes.first_mut() {
        *first = tag::constructed(0);
    }
    bytes
}
