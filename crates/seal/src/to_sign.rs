//! TBS_Sign: what a holder's key signs when a document is sealed.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Tag};
use eseal_kernel::Timestamp;

use crate::asn1;
use crate::error::SealError;
use crate::info::{Extension, extensions_to_asn1, ia5};
use crate::limits;
use crate::read::{bounded, malformed};
use crate::seal::{Seal, Version};
use crate::signature::SignedFields;
use crate::time;

/// TBS_Sign (GB/T 38540-2020, 7.1): seal, moment and document, bound together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSign {
    /// The exact bytes of the seal.
    pub seal_der: Vec<u8>,
    /// `timeInfo`: when the document was sealed, by the sealing side's own clock; whole seconds when written.
    pub time: Timestamp,
    /// `dataHash`: for OFD the SM3 of Signature.xml exactly as it lies in the package.
    pub data_hash: [u8; 32],
    /// `propertyInfo`, ASCII: for OFD the absolute path of Signature.xml in the package.
    pub property_info: String,
    /// `extDatas`; none is written as an absent field.
    pub extensions: Vec<Extension>,
}

impl ToSign {
    /// The DER that the holder's key signs, of the seal's own generation.
    ///
    /// # Errors
    /// The seal cannot be read or is of V1, `property_info` is empty or not ASCII, the time is before 1970, or something
    /// is larger than [`limits`] allows.
    pub fn to_der(&self) -> Result<Vec<u8>, SealError> {
        let version = match Seal::from_der(&self.seal_der)?.version() {
            Version::V1 => return Err(SealError::CannotWriteV1),
            Version::V4 => 4,
            Version::V5 => 5,
        };
        let to_sign = asn1::ToSign {
            version,
            eseal: AnyRef::from_der(&self.seal_der).map_err(malformed("eseal"))?,
            time_info: time::to_asn1("timeInfo", self.time)?,
            data_hash: BitStringRef::from_bytes(&self.data_hash).map_err(malformed("dataHash"))?,
            property_info: ia5("propertyInfo", &self.property_info)?,
            ext_datas: extensions_to_asn1(&self.extensions)?,
        };
        let der = to_sign.to_der().map_err(malformed("toSign"))?;
        bounded("toSign", limits::SIGNATURE, der.len())?;
        Ok(der)
    }

    /// Reads a TBS_Sign of V4 or V5: what a client decodes before it lets a card sign it.
    ///
    /// Reading is tolerant, so a signer compares `ToSign::from_der(der)?.to_der()? == der` before it signs: then the
    /// bytes say nothing but what was read.
    ///
    /// # Errors
    /// What is malformed or too large; a `dataHash` that has not 32 bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, SealError> {
        let fields = SignedFields::from_der(der)?;
        Ok(Self {
            time: fields.time.ok_or(SealError::Time { field: "timeInfo" })?,
            data_hash: fields.data_hash.as_slice().try_into().map_err(|_| not_32_bytes())?,
            property_info: fields.property_info,
            extensions: fields.extensions,
            seal_der: fields.seal.der().to_vec(),
        })
    }
}

fn not_32_bytes() -> SealError {
    malformed("dataHash")(Tag::BitString.length_error().into())
}
