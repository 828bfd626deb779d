//! SES_Signature: a document sealed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, SignatureForm};

use crate::algorithm::{algorithm_of, verify_value};
use crate::asn1;
use crate::error::{SealError, ValueError};
use crate::info::{Extension, read_extensions};
use crate::limits;
use crate::read::{self, Element, Fields, bounded, malformed};
use crate::seal::{Seal, Version, read_timestamp};
use crate::time;
use crate::to_sign::ToSign;

/// SES_Signature: a TBS_Sign ([`ToSign`]), the holder's certificate, and the holder's signature. Keeps the exact bytes
/// it was read from; cheap to clone.
#[derive(Clone)]
pub struct SesSignature(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    /// Where the TBS_Sign lies in `der`.
    to_sign: Range<usize>,
    version: Version,
    fields: SignedFields,
    holder: Option<Certificate>,
    holder_der: Vec<u8>,
    algorithm: ObjectIdentifier,
    signature: Vec<u8>,
    timestamp: Option<Vec<u8>>,
}

/// What TBS_Sign says in any generation.
pub(crate) struct SignedFields {
    pub(crate) seal: Seal,
    pub(crate) time: Option<Timestamp>,
    pub(crate) time_content: Vec<u8>,
    pub(crate) data_hash: Vec<u8>,
    pub(crate) property_info: String,
    pub(crate) extensions: Vec<Extension>,
}

impl SesSignature {
    /// Puts a seal signature together from what the holder signed ([`ToSign::to_der`]), the holder's certificate and the
    /// signature value as the key gave it. Does not check the signature: read it back and ask
    /// [`SesSignature::verify_value`].
    ///
    /// # Errors
    /// `to_sign_der` is no TBS_Sign of V4 or V5, the certificate has no usable key, or something is too large.
    pub fn assemble(to_sign_der: &[u8], holder: &Certificate, signature: &[u8]) -> Result<Vec<u8>, SealError> {
        Self::assemble_stamped(to_sign_der, holder, signature, None)
    }

    /// The same with `timeStamp`: a time stamp token (RFC 3161) over the signature value. It lies outside what is signed, and
    /// is not checked.
    ///
    /// # Errors
    /// As [`SesSignature::assemble`].
    pub fn assemble_stamped(
        to_sign_der: &[u8],
        holder: &Certificate,
        signature: &[u8],
        token: Option<&[u8]>,
    ) -> Result<Vec<u8>, SealError> {
        ToSign::from_der(to_sign_der)?;
        bounded("cert", limits::CERTIFICATE, holder.der().len())?;
        bounded("signature", limits::SIGNATURE_VALUE, signature.len())?;
        let structure = asn1::Signature {
            to_sign: AnyRef::from_der(to_sign_der).map_err(malformed("toSign"))?,
            cert: OctetStringRef::new(holder.der()).map_err(malformed("cert"))?,
            signature_alg_id: algorithm_of(holder)?,
            signature: BitStringRef::from_bytes(signature).map_err(malformed("signature"))?,
            time_stamp: token.map(time_stamp).transpose()?,
        };
        let der = structure.to_der().map_err(malformed("SES_Signature"))?;
        bounded("SES_Signature", limits::SIGNATURE, der.len())?;
        Ok(der)
    }

    /// Reads a seal signature of any generation. Says nothing about its values.
    ///
    /// # Errors
    /// What is malformed or too large, by the name of its field; also of the seal inside.
    pub fn from_der(der: &[u8]) -> Result<Self, SealError> {
        let element = read::whole("SES_Signature", der, limits::SIGNATURE)?;
        let is_v1 = element.count(5)? == 2;
        let mut fields = element.sequence()?;
        let to_sign = fields.next("toSign")?;
        let mut signed = to_sign.sequence()?;
        let signed_fields = SignedFields::read(&mut signed)?;
        // V1 keeps certificate and algorithm inside what is signed, the others beside it.
        let outside = if is_v1 { &mut signed } else { &mut fields };
        let holder_der = outside.next("cert")?.octets(limits::CERTIFICATE)?.to_vec();
        let algorithm = outside.next("signatureAlgID")?.oid()?;
        signed.finish()?;
        let signature = fields.next("signature")?.bits(limits::SIGNATURE_VALUE)?.to_vec();
        let timestamp = fields.optional("timeStamp")?.map(|stamp| read_timestamp(&stamp)).transpose()?;
        fields.finish()?;
        let version = match (is_v1, signed_fields.seal.version()) {
            (true, _) => Version::V1,
            (false, Version::V5) => Version::V5,
            (false, Version::V1 | Version::V4) => Version::V4,
        };
        Ok(Self(Arc::new(Parts {
            der: der.to_vec(),
            to_sign: element.range_of_first(&to_sign),
            version,
            fields: signed_fields,
            holder: Certificate::from_der(&holder_der).ok(),
            holder_der,
            algorithm,
            signature,
            timestamp: timestamp.map(<[u8]>::to_vec),
        })))
    }

    /// The exact bytes of the whole structure.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The generation.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// The seal inside.
    pub fn seal(&self) -> &Seal {
        &self.0.fields.seal
    }

    /// `timeInfo`: when the document was sealed, as the sealing side says. `None` where a V1 signature has something
    /// there that is no moment; see [`SesSignature::time_content`].
    pub fn time(&self) -> Option<Timestamp> {
        self.0.fields.time
    }

    /// The content of `timeInfo` as it was received.
    pub fn time_content(&self) -> &[u8] {
        &self.0.fields.time_content
    }

    /// `dataHash`: normally 32 bytes of SM3.
    pub fn data_hash(&self) -> &[u8] {
        &self.0.fields.data_hash
    }

    /// `propertyInfo`: for OFD the path of Signature.xml.
    pub fn property_info(&self) -> &str {
        &self.0.fields.property_info
    }

    /// `extDatas`.
    pub fn extensions(&self) -> &[Extension] {
        &self.0.fields.extensions
    }

    /// The certificate of the holder, where it can be read.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.0.holder.as_ref()
    }

    /// The bytes in the place of the holder's certificate.
    pub fn certificate_der(&self) -> &[u8] {
        &self.0.holder_der
    }

    /// The declared signature algorithm.
    pub fn algorithm(&self) -> ObjectIdentifier {
        self.0.algorithm
    }

    /// The signature value: DER, or raw r‖s.
    pub fn signature(&self) -> &[u8] {
        &self.0.signature
    }

    /// The time stamp over the signature value, where there is one.
    pub fn timestamp(&self) -> Option<&[u8]> {
        self.0.timestamp.as_deref()
    }

    /// Exactly the bytes that the holder signed: the TBS_Sign.
    pub fn to_sign_der(&self) -> &[u8] {
        &self.0.der[self.0.to_sign.clone()]
    }

    /// Checks the holder's signature over the exact bytes. Says nothing about who the holder is, about the seal inside
    /// ([`Seal::verify_value`]), or whether the two belong together ([`SesSignature::signer_in_list`]).
    ///
    /// Of V4 and V5 the certificate, the algorithm identifier and the time stamp lie outside the signed bytes. Another
    /// certificate with the same key verifies as well; the seal's list tells them apart.
    ///
    /// # Errors
    /// The certificate cannot be used, the algorithm does not fit its key, or the value is wrong.
    pub fn verify_value(&self) -> Result<SignatureForm, ValueError> {
        let holder = self.certificate().ok_or(ValueError::NoCertificate)?;
        self.verify_value_with(holder)
    }

    /// The same with the holder's certificate as it was read before, whose key is ready for use.
    ///
    /// # Errors
    /// As [`SesSignature::verify_value`]; [`ValueError::NoCertificate`] also for a certificate of other bytes than the one in the
    /// structure.
    pub fn verify_value_with(&self, holder: &Certificate) -> Result<SignatureForm, ValueError> {
        if self.certificate() != Some(holder) {
            return Err(ValueError::NoCertificate);
        }
        verify_value(holder, self.algorithm(), self.to_sign_der(), self.signature())
    }

    /// Whether the signer's certificate is one of those that the seal was made for. Without it anybody could attach
    /// anybody's seal to a signature of their own.
    pub fn signer_in_list(&self) -> bool {
        self.certificate().is_some_and(|holder| self.seal().info().certificates.contains(holder))
    }
}

fn time_stamp(token: &[u8]) -> Result<BitStringRef<'_>, SealError> {
    bounded("timeStamp", limits::VALUE, token.len())?;
    BitStringRef::from_bytes(token).map_err(malformed("timeStamp"))
}

impl fmt::Debug for SesSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SesSignature")
            .field("version", &self.version())
            .field("seal", self.seal())
            .field("time", &self.time())
            .field("property_info", &self.property_info())
            .finish_non_exhaustive()
    }
}

impl SignedFields {
    /// A TBS_Sign of V4 or V5 by itself.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, SealError> {
        let mut fields = read::whole("toSign", der, limits::SIGNATURE)?.sequence()?;
        let signed = Self::read(&mut fields)?;
        fields.finish()?;
        Ok(signed)
    }

    /// The fields up to `propertyInfo`, and the extensions where they follow. The number in front is the producer's
    /// own in practice and decides nothing.
    fn read(fields: &mut Fields<'_>) -> Result<Self, SealError> {
        fields.next("version")?.integer()?;
        let seal = Seal::read(&fields.next("eseal")?)?;
        let time = fields.next("timeInfo")?;
        let data_hash = fields.next("dataHash")?.bits(limits::VALUE)?.to_vec();
        let property_info = fields.next("propertyInfo")?.text(limits::TEXT)?;
        // Tagged; in the seal it is not, and producers exist who write both in one way. What follows in V1 is no SEQUENCE.
        let extensions = match fields.optional_list("extDatas")? {
            Some(extensions) => read_extensions(&extensions)?,
            None => Vec::new(),
        };
        Ok(Self {
            seal,
            time: read_time(&time)?,
            time_content: time.content().to_vec(),
            data_hash,
            property_info,
            extensions,
        })
    }
}

/// V1 wraps whatever it has in a BIT STRING; V4 has a GeneralizedTime, which must be readable.
fn read_time(element: &Element<'_>) -> Result<Option<Timestamp>, SealError> {
    if element.is(der::Tag::BitString) {
        return Ok(time::from_bit_string(element.bits(limits::VALUE)?));
    }
    element.time().map(Some)
}
