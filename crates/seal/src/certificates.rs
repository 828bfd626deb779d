//! SES_CertList: the certificates with which a seal may be used.

use std::fmt;

use der::asn1::{AnyRef, OctetStringRef, PrintableStringRef};
use der::{Encode, Tag};
use eseal_pki::{Certificate, DigestAlg};

use crate::asn1;
use crate::error::SealError;
use crate::limits;
use crate::read::{Element, bounded, malformed};

/// SES_CertList: the holder's certificates themselves, or their digests.
#[derive(Clone, PartialEq, Eq)]
pub enum CertificateList {
    /// `certListType` 1: the DER of each certificate. Entries of V1 seals may be anything; those match no certificate.
    Certificates(Vec<Vec<u8>>),
    /// `certListType` 2: a digest of the DER of each certificate.
    Digests(Vec<CertificateDigest>),
}

/// One entry of CertDigestList.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateDigest {
    /// `type`: the name or OID of the digest algorithm. Producers are free here; SM3 where it says nothing known.
    pub algorithm: String,
    /// The digest.
    pub value: Vec<u8>,
}

/// In which way a list names a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListMatch {
    /// By its bytes.
    Certificate,
    /// By its digest.
    Digest,
    /// By its digest with the SM2 parameters of its key in front (Z), which some producers compute against the standard.
    DigestWithZ,
}

/// Certificates name people, and their bytes say nothing to a reader: only how many there are.
impl fmt::Debug for CertificateList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificates(list) => write!(f, "Certificates({})", list.len()),
            Self::Digests(list) => write!(f, "Digests({})", list.len()),
        }
    }
}

impl CertificateDigest {
    /// The SM3 of the certificate, named by its OID.
    pub fn of(certificate: &Certificate) -> Self {
        Self { algorithm: DigestAlg::Sm3.oid().to_string(), value: DigestAlg::Sm3.digest(certificate.der()) }
    }

    fn read(element: &Element<'_>) -> Result<Self, SealError> {
        let mut fields = element.sequence()?;
        let algorithm = fields.next("certDigest.type")?.text(limits::TEXT)?;
        let value = fields.next("certDigest.value")?.octets(limits::TEXT)?.to_vec();
        fields.finish()?;
        Ok(Self { algorithm, value })
    }

    /// A name that is none, such as `custom`, means SM3: the digest that goes with SM2. MD5 and SHA-1 name no certificate
    /// any more: a second one with the same digest can be made.
    fn is_of(&self, certificate: &Certificate) -> Option<ListMatch> {
        let der = certificate.der();
        let algorithm = DigestAlg::from_name(&self.algorithm).unwrap_or(DigestAlg::Sm3);
        let with_z = || {
            let mut hasher = certificate.public_key().ok()?.sm2_z_hasher()?;
            hasher.update(der);
            Some(hasher.finish())
        };
        match algorithm {
            _ if algorithm.is_weak() => None,
            _ if self.value == algorithm.digest(der) => Some(ListMatch::Digest),
            DigestAlg::Sm3 => with_z().filter(|digest| *digest == self.value).map(|_| ListMatch::DigestWithZ),
            _ => None,
        }
    }
}

impl CertificateList {
    /// The list of these certificates, in this order.
    pub fn of<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Self {
        Self::Certificates(certificates.into_iter().map(|c| c.der().to_vec()).collect())
    }

    /// Whether a seal with this list may be used with that certificate: byte for byte, or by its digest. A certificate
    /// that was renewed for the same key is another certificate: the seal must be made anew.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.find(certificate).is_some()
    }

    /// In which way the list names that certificate, if it does.
    pub fn find(&self, certificate: &Certificate) -> Option<ListMatch> {
        match self {
            Self::Certificates(list) => {
                list.iter().any(|der| der == certificate.der()).then_some(ListMatch::Certificate)
            }
            Self::Digests(list) => list.iter().find_map(|digest| digest.is_of(certificate)),
        }
    }

    /// Whether the list names nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many certificates the list names.
    pub fn len(&self) -> usize {
        match self {
            Self::Certificates(list) => list.len(),
            Self::Digests(list) => list.len(),
        }
    }

    pub(crate) fn read(list_type: i64, element: &Element<'_>) -> Result<Self, SealError> {
        match list_type {
            1 => Self::read_certificates(element),
            2 => Self::read_digests(element),
            other => Err(SealError::UnknownListType(other)),
        }
    }

    /// CertInfoList: OCTET STRINGs around certificates. A bare certificate is understood as well.
    pub(crate) fn read_certificates(element: &Element<'_>) -> Result<Self, SealError> {
        let entries = element.sequence()?.rest("certs", limits::CERTIFICATES)?;
        let certificate = |entry: &Element<'_>| {
            let der = if entry.is(Tag::Sequence) { entry.der } else { entry.content() };
            bounded("cert", limits::CERTIFICATE, der.len()).map(|()| der.to_vec())
        };
        Ok(Self::Certificates(entries.iter().map(certificate).collect::<Result<_, _>>()?))
    }

    fn read_digests(element: &Element<'_>) -> Result<Self, SealError> {
        let entries = element.sequence()?.rest("certDigestList", limits::CERTIFICATES)?;
        Ok(Self::Digests(entries.iter().map(CertificateDigest::read).collect::<Result<_, _>>()?))
    }

    /// `certListType`, and the DER of the list.
    pub(crate) fn to_der(&self) -> Result<(i64, Vec<u8>), SealError> {
        bounded("certList", limits::CERTIFICATES, self.len())?;
        match self {
            Self::Certificates(list) => Ok((1, certificates_der(list)?)),
            Self::Digests(list) => Ok((2, digests_der(list)?)),
        }
    }
}

fn certificates_der(list: &[Vec<u8>]) -> Result<Vec<u8>, SealError> {
    let mut body = Vec::new();
    for certificate in list {
        bounded("cert", limits::CERTIFICATE, certificate.len())?;
        let entry = OctetStringRef::new(certificate).map_err(malformed("cert"))?;
        entry.encode_to_vec(&mut body).map_err(malformed("cert"))?;
    }
    sequence(&body)
}

fn digests_der(list: &[CertificateDigest]) -> Result<Vec<u8>, SealError> {
    let mut body = Vec::new();
    for digest in list {
        bounded("certDigest.type", limits::TEXT, digest.algorithm.len())?;
        bounded("certDigest.value", limits::TEXT, digest.value.len())?;
        let entry = asn1::CertDigest {
            algorithm: PrintableStringRef::new(&digest.algorithm).map_err(malformed("certDigest.type"))?,
            value: OctetStringRef::new(&digest.value).map_err(malformed("certDigest.value"))?,
        };
        entry.encode_to_vec(&mut body).map_err(malformed("certDigest"))?;
    }
    sequence(&body)
}

/// A SEQUENCE around fields that are encoded already.
pub(crate) fn sequence(body: &[u8]) -> Result<Vec<u8>, SealError> {
    AnyRef::new(Tag::Sequence, body).and_then(|any| any.to_der()).map_err(malformed("SEQUENCE"))
}
