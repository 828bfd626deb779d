//! The question about certificates.

use super::{CertId, MAX_EXTENSIONS, MAX_REQUEST, MAX_STATEMENTS, OcspError};
use crate::asn1::{Element, Malformed, Reader, tag, writer};
use crate::certificate::Certificate;
use crate::digest_alg::DigestAlg;
use crate::extensions::{self, Extension};
use crate::oid;
use crate::public_key::KeyError;

/// Bytes of a nonce (RFC 9654 §2.1 allows 1 to 128, and asks servers to take 32).
const NONCE: usize = 32;
const MAX_NONCE: usize = 128;

/// OCSPRequest (RFC 6960 §4.1.1), unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspRequest {
    pub(super) ids: Vec<CertId>,
    /// The value of the extension, which is an OCTET STRING with most clients.
    pub(super) nonce: Option<Vec<u8>>,
}

impl OcspRequest {
    /// Asks about `certificate`, which `issuer` issued, with a fresh nonce.
    ///
    /// # Errors
    /// As [`CertId::of`]; [`OcspError::Key`] without random numbers.
    pub fn about(certificate: &Certificate, issuer: &Certificate, digest: DigestAlg) -> Result<Self, OcspError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| KeyError::Random)?;
        let ids = vec![CertId::of(certificate, issuer, digest)?];
        Ok(Self { ids, nonce: Some(writer::octet_string(&nonce)) })
    }

    /// Reads what somebody asks. A signature on it is passed over.
    ///
    /// # Errors
    /// [`OcspError::TooLarge`], [`OcspError::Malformed`], [`OcspError::UnknownCritical`].
    pub fn from_der(der: &[u8]) -> Result<Self, OcspError> {
        const WHAT: &str = "OCSPRequest";
        if der.len() > MAX_REQUEST {
            return Err(OcspError::TooLarge);
        }
        let mut outer = Reader::der(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        let mut fields = outer.read(tag::SEQUENCE, "tbsRequest")?.inside()?;
        fields.optional(tag::constructed(0))?; // version
        fields.optional(tag::constructed(1))?; // requestorName
        let list =
            fields.read(tag::SEQUENCE, "requestList")?.inside()?.all(MAX_STATEMENTS, "more than 1000 requests")?;
        let ids = list.iter().map(|one| CertId::read(&one.inside()?.read(tag::SEQUENCE, "reqCert")?));
        let ids = ids.collect::<Result<_, OcspError>>()?;
        let nonce = match fields.optional(tag::constructed(2))? {
            Some(field) => read_nonce(&field.inside()?.any("requestExtensions")?)?,
            None => None,
        };
        Ok(Self { ids, nonce })
    }

    /// The request, DER.
    pub fn to_der(&self) -> Vec<u8> {
        let list: Vec<_> = self.ids.iter().map(|id| writer::sequence(&[id.der()])).collect();
        let mut fields = vec![writer::sequence(&list)];
        if let Some(nonce) = &self.nonce {
            let extension = extensions::write(&oid::OCSP_NONCE, false, nonce);
            fields.push(writer::explicit(2, &writer::sequence(&[extension])));
        }
        writer::sequence(&[writer::sequence(&fields)])
    }

    /// What is asked about.
    pub fn ids(&self) -> &[CertId] {
        &self.ids
    }
}

/// The nonce among the extensions of a request or a response.
pub(super) fn read_nonce(list: &Element<'_>) -> Result<Option<Vec<u8>>, OcspError> {
    let mut nonce = None;
    for extension in list.inside()?.all(MAX_EXTENSIONS, "more than 64 extensions")? {
        let extension = Extension::read(&extension)?;
        if extension.oid == Some(oid::OCSP_NONCE) {
            if extension.value.len() > MAX_NONCE + 4 {
                return Err(Malformed("a nonce of more than 128 bytes").into());
            }
            nonce = Some(extension.value.into_owned());
        } else if extension.critical {
            return Err(OcspError::UnknownCritical);
        }
    }
    Ok(nonce)
}
