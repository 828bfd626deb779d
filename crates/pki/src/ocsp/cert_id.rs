//! How OCSP names a certificate: by digests of its issuer's name and key, and its number.

use crate::algorithm::{self, read_digest};
use crate::asn1::{Element, tag, writer};
use crate::certificate::{Certificate, serial_number};
use crate::digest_alg::DigestAlg;

use super::OcspError;

/// CertID (RFC 6960 §4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertId {
    digest: Option<DigestAlg>,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
    /// Contents octets of the serial number.
    serial: Vec<u8>,
    /// As received, to be answered with the same bytes.
    der: Vec<u8>,
}

impl CertId {
    /// The name of `certificate`, which `issuer` issued. SHA-1 is what every responder understands; that it is weak costs
    /// nothing here, since it only chooses an issuer whose key is then checked.
    ///
    /// # Errors
    /// [`OcspError::Malformed`] where the issuer's key has no form that can be hashed.
    pub fn of(certificate: &Certificate, issuer: &Certificate, digest: DigestAlg) -> Result<Self, OcspError> {
        let issuer_name = digest.digest(certificate.raw_issuer());
        let issuer_key = digest.digest(issuer.key_bits()?);
        let serial = certificate.serial().to_vec();
        let der = writer::sequence(&[
            algorithm::write_digest_with_null(digest),
            writer::octet_string(&issuer_name),
            writer::octet_string(&issuer_key),
            writer::tlv(tag::INTEGER, &serial),
        ]);
        Ok(Self { digest: Some(digest), issuer_name, issuer_key, serial, der })
    }

    pub(super) fn read(element: &Element<'_>) -> Result<Self, OcspError> {
        const WHAT: &str = "certID";
        let mut fields = element.inside()?;
        // An unknown digest is no fault: the certificate is then one that nobody here knows.
        let digest = read_digest(&fields.read(tag::SEQUENCE, "hashAlgorithm")?).ok();
        let issuer_name = fields.read(tag::OCTET_STRING, "issuerNameHash")?.content.to_vec();
        let issuer_key = fields.read(tag::OCTET_STRING, "issuerKeyHash")?.content.to_vec();
        let serial = fields.read(tag::INTEGER, "serialNumber")?.content.to_vec();
        fields.finish(WHAT)?;
        Ok(Self { digest, issuer_name, issuer_key, serial, der: element.bytes.to_vec() })
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it is a certificate that `issuer` issued.
    pub fn is_of_issuer(&self, issuer: &Certificate) -> bool {
        let Some(digest) = self.digest else { return false };
        let key = issuer.key_bits().is_ok_and(|bits| digest.digest(bits) == self.issuer_key);
        key && digest.digest(issuer.raw_subject()) == self.issuer_name
    }

    /// Whether it is `certificate`, which `issuer` issued.
    pub fn is(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let Some(digest) = self.digest else { return false };
        serial_number(&self.serial) == serial_number(certificate.serial())
            && digest.digest(certificate.raw_issuer()) == self.issuer_name
            && issuer.key_bits().is_ok_and(|bits| digest.digest(bits) == self.issuer_key)
    }

    /// The serial number as [`Certificate::serial_hex`] has it.
    pub fn serial_hex(&self) -> String {
        hex::encode(serial_number(&self.serial))
    }
}
