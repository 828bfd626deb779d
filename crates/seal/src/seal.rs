//! SESeal: a seal as its maker signed it.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use eseal_pki::{Certificate, SignatureForm};

use crate::algorithm::{algorithm_of, verify_value};
use crate::asn1;
use crate::certificates::sequence;
use crate::error::{SealError, ValueError};
use crate::info::SealInfo;
use crate::limits;
use crate::read::{self, Element, bounded, malformed};

/// The generation of a seal or of a seal signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// GM/T 0031-2014. Its header may carry any number; its shape tells it apart.
    V1,
    /// GB/T 38540-2020, in force since 2020-10-01.
    V4,
    /// GM/T 0031-2025: as V4, with an optional time stamp on the seal.
    V5,
}

/// SESeal: a [`SealInfo`], the certificate of the maker, and the maker's signature. Keeps the exact bytes it was read
/// from; cheap to clone.
#[derive(Clone)]
pub struct Seal(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    /// Where the SES_SealInfo lies in `der`.
    info_der: Range<usize>,
    /// What a V1 maker signed lies nowhere in one piece.
    signed_v1: Option<Vec<u8>>,
    version: Version,
    info: SealInfo,
    maker: Option<Certificate>,
    maker_der: Vec<u8>,
    algorithm: ObjectIdentifier,
    signature: Vec<u8>,
    timestamp: Option<Vec<u8>>,
    /// What came of checking the maker's signature over these very bytes, which never change.
    verified: OnceLock<Result<SignatureForm, ValueError>>,
}

impl Seal {
    /// Puts a seal together from what the maker signed ([`SealInfo::to_der`]), the maker's certificate and the
    /// signature value as the key gave it. Does not check the signature: read the seal back and ask
    /// [`Seal::verify_value`].
    ///
    /// # Errors
    /// `info_der` is no SES_SealInfo of V4 or V5, the certificate has no usable key, or something is too large.
    pub fn assemble(info_der: &[u8], maker: &Certificate, signature: &[u8]) -> Result<Vec<u8>, SealError> {
        SealInfo::from_der(info_der)?;
        bounded("cert", limits::CERTIFICATE, maker.der().len())?;
        bounded("signedValue", limits::SIGNATURE_VALUE, signature.len())?;
        let seal = asn1::Seal {
            info: AnyRef::from_der(info_der).map_err(malformed("eSealInfo"))?,
            cert: OctetStringRef::new(maker.der()).map_err(malformed("cert"))?,
            sign_alg_id: algorithm_of(maker)?,
            signed_value: BitStringRef::from_bytes(signature).map_err(malformed("signedValue"))?,
        };
        let der = seal.to_der().map_err(malformed("SESeal"))?;
        bounded("SESeal", limits::SEAL, der.len())?;
        Ok(der)
    }

    /// Reads a seal of any generation. Says nothing about its signature.
    ///
    /// # Errors
    /// What is malformed or too large, by the name of its field.
    pub fn from_der(der: &[u8]) -> Result<Self, SealError> {
        Self::read(&read::whole("SESeal", der, limits::SEAL)?)
    }

    /// V1 has two fields on top, V4 four, V5 four or five.
    pub(crate) fn read(element: &Element<'_>) -> Result<Self, SealError> {
        bounded("SESeal", limits::SEAL, element.der.len())?;
        let is_v1 = element.count(5)? == 2;
        let mut fields = element.sequence()?;
        let info_element = fields.next("eSealInfo")?;
        let (info, number) = SealInfo::read(&info_element)?;
        let mut rest = if is_v1 {
            let sign_info = fields.next("signInfo")?.sequence()?;
            fields.finish()?;
            sign_info
        } else {
            fields
        };
        let cert = rest.next("cert")?;
        let algorithm = rest.next("signAlgID")?;
        let signature = rest.next("signedValue")?.bits(limits::SIGNATURE_VALUE)?.to_vec();
        let timestamp = rest.optional("timeStamp")?.map(|stamp| read_timestamp(&stamp)).transpose()?;
        rest.finish()?;
        let maker_der = cert.octets(limits::CERTIFICATE)?.to_vec();
        let signed_v1 = || sequence(&[info_element.der, cert.der, algorithm.der].concat());
        Ok(Self(Arc::new(Parts {
            der: element.der.to_vec(),
            info_der: element.range_of_first(&info_element),
            signed_v1: is_v1.then(signed_v1).transpose()?,
            version: if is_v1 { Version::V1 } else { version_of(number) },
            info,
            maker: Certificate::from_der(&maker_der).ok(),
            maker_der,
            algorithm: algorithm.oid()?,
            signature,
            timestamp: timestamp.map(<[u8]>::to_vec),
            verified: OnceLock::new(),
        })))
    }

    /// The exact bytes of the whole seal.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The generation.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// What the seal says.
    pub fn info(&self) -> &SealInfo {
        &self.0.info
    }

    /// The exact bytes of the SES_SealInfo.
    pub fn info_der(&self) -> &[u8] {
        &self.0.der[self.0.info_der.clone()]
    }

    /// The certificate of the maker, where it can be read. Whether it may make seals is a question for
    /// [`eseal_pki::chain`] and the roots of makers: a seal that a holder's certificate made verifies too.
    pub fn maker_certificate(&self) -> Option<&Certificate> {
        self.0.maker.as_ref()
    }

    /// The bytes in the place of the maker's certificate.
    pub fn maker_certificate_der(&self) -> &[u8] {
        &self.0.maker_der
    }

    /// The declared signature algorithm.
    pub fn algorithm(&self) -> ObjectIdentifier {
        self.0.algorithm
    }

    /// The signature value: DER, or raw r‖s.
    pub fn signature(&self) -> &[u8] {
        &self.0.signature
    }

    /// The time stamp over the seal, where it has one (V5).
    pub fn timestamp(&self) -> Option<&[u8]> {
        self.0.timestamp.as_deref()
    }

    /// Exactly the bytes that the maker signed: the SES_SealInfo (GB/T 38540), or, in V1, a SEQUENCE of it with the
    /// certificate and the algorithm (GM/T 0031-2014, 6.1.1.2).
    pub fn signed_bytes(&self) -> &[u8] {
        self.0.signed_v1.as_deref().unwrap_or_else(|| self.info_der())
    }

    /// Checks the maker's signature over the exact bytes, once for this value and its clones. Says nothing about who the maker
    /// is.
    ///
    /// The certificate, the algorithm identifier and the time stamp of V4 and V5 lie outside the signed bytes. Another
    /// certificate with the same key verifies as well: trust is judged on [`Seal::maker_certificate`].
    ///
    /// # Errors
    /// The certificate cannot be used, the algorithm does not fit its key, or the value is wrong.
    pub fn verify_value(&self) -> Result<SignatureForm, ValueError> {
        let verified = || {
            let maker = self.maker_certificate().ok_or(ValueError::NoCertificate)?;
            verify_value(maker, self.algorithm(), self.signed_bytes(), self.signature())
        };
        self.0.verified.get_or_init(verified).clone()
    }
}

/// Two seals are the same if they are the same bytes.
impl PartialEq for Seal {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Seal {}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("version", &self.0.version).field("info", &self.0.info).finish_non_exhaustive()
    }
}

/// Generation by the number in the header; numbers that no standard gives are read as the current one.
pub(crate) fn version_of(header_version: i64) -> Version {
    if header_version == 5 { Version::V5 } else { Version::V4 }
}

/// `timeStamp [0] EXPLICIT BIT STRING`; one producer leaves the tag away.
pub(crate) fn read_timestamp<'a>(element: &Element<'a>) -> Result<&'a [u8], SealError> {
    if element.is_tagged_0() { element.explicit()?.bits(limits::VALUE) } else { element.bits(limits::VALUE) }
}
