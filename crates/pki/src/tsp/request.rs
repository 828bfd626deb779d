//! The question to a time stamping authority.

use super::info::{number, read_imprint, write_imprint};
use super::{MAX_REQUEST, TspError};
use crate::asn1::{Reader, tag, writer};
use crate::digest_alg::DigestAlg;
use crate::extensions::Extension;
use crate::oid::Oid;
use crate::public_key::KeyError;

const MAX_EXTENSIONS: usize = 16;

/// TimeStampReq (RFC 3161 §2.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStampRequest {
    pub(super) digest: DigestAlg,
    pub(super) imprint: Vec<u8>,
    pub(super) policy: Option<Oid>,
    /// Contents octets of an INTEGER.
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) certificates: bool,
    pub(super) unknown_extensions: bool,
}

impl TimeStampRequest {
    /// Asks for a stamp of the bytes with this digest, with a fresh nonce of 64 bits and the authority's certificates.
    ///
    /// # Errors
    /// [`TspError::DigestLength`]; [`TspError::Key`] without random numbers.
    pub fn try_new(digest: DigestAlg, imprint: &[u8]) -> Result<Self, TspError> {
        if imprint.len() != digest.output_len() {
            return Err(TspError::DigestLength);
        }
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|_| KeyError::Random)?;
        nonce[0] = nonce[0] & 0x7f | 0x40; // a positive number in its shortest form
        Ok(Self {
            digest,
            imprint: imprint.to_vec(),
            policy: None,
            nonce: Some(nonce.to_vec()),
            certificates: true,
            unknown_extensions: false,
        })
    }

    /// Asks for a stamp of these bytes.
    ///
    /// # Errors
    /// As [`TimeStampRequest::try_new`].
    pub fn about(content: &[u8], digest: DigestAlg) -> Result<Self, TspError> {
        Self::try_new(digest, &digest.digest(content))
    }

    /// Reads what somebody asks.
    ///
    /// # Errors
    /// [`TspError::TooLarge`], [`TspError::Malformed`], [`TspError::UnsupportedAlgorithm`], [`TspError::DigestLength`].
    pub fn from_der(der: &[u8]) -> Result<Self, TspError> {
        const WHAT: &str = "TimeStampReq";
        if der.len() > MAX_REQUEST {
            return Err(TspError::TooLarge);
        }
        let mut fields = Reader::der(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        fields.read(tag::INTEGER, "version")?;
        let (digest, imprint) = read_imprint(&fields.read(tag::SEQUENCE, "messageImprint")?)?;
        if imprint.len() != digest.output_len() {
            return Err(TspError::DigestLength);
        }
        let policy = match fields.optional(tag::OID)? {
            Some(policy) => Some(policy.oid().ok_or(TspError::Malformed("reqPolicy"))?),
            None => None,
        };
        let nonce = fields.optional(tag::INTEGER)?.map(|field| number(&field)).transpose()?;
        let certificates = match fields.optional(tag::BOOLEAN)? {
            Some(wanted) => wanted.boolean("certReq")?,
            None => false,
        };
        let unknown_extensions = match fields.optional(tag::constructed(0))? {
            Some(list) => {
                let list = list.inside()?.all(MAX_EXTENSIONS, "more than 16 extensions")?;
                list.iter().try_for_each(|one| Extension::read(one).map(|_| ()))?;
                !list.is_empty()
            }
            None => false,
        };
        fields.finish("something behind TimeStampReq")?;
        Ok(Self { digest, imprint, policy, nonce, certificates, unknown_extensions })
    }

    /// The request, DER.
    pub fn to_der(&self) -> Vec<u8> {
        let mut fields = vec![writer::number(1), write_imprint(self.digest, &self.imprint)];
        fields.extend(self.policy.as_ref().map(writer::oid));
        fields.extend(self.nonce.as_ref().map(|nonce| writer::tlv(tag::INTEGER, nonce)));
        if self.certificates {
            fields.push(writer::boolean(true)); // FALSE is the default and therefore left out
        }
        writer::sequence(&fields)
    }

    /// By which digest the bytes are named.
    pub fn digest(&self) -> DigestAlg {
        self.digest
    }

    /// That digest of the bytes.
    pub fn imprint(&self) -> &[u8] {
        &self.imprint
    }
}
