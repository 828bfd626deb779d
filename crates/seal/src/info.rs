//! SES_SealInfo: what a seal is, before and after a maker signs it.

use der::Encode;
use der::asn1::{AnyRef, Ia5StringRef, ObjectIdentifier, OctetStringRef, Utf8StringRef};
use der::{Decode, Tag};
use eseal_kernel::Timestamp;

use crate::asn1;
use crate::certificates::CertificateList;
use crate::error::SealError;
use crate::limits;
use crate::read::{self, Element, Fields, bounded, malformed};
use crate::seal::{Version, version_of};
use crate::time;

/// The identifier in every header.
const ID: &str = "ES";

/// SES_SealInfo (GB/T 38540-2020, 6.1): everything that the maker's signature of a seal covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealInfo {
    /// `Vid`: the maker of the software, ASCII.
    pub vid: String,
    /// `esID`: the unique identifier of the seal, ASCII. Often the 14 digits of its seal code.
    pub es_id: String,
    /// `type` of the property: free in practice. 1 unit and 2 personal in GM/T 0031; 1, 3, 4, 6, 15 are seen.
    pub seal_type: i64,
    /// `name` of the seal, such as `苏州市民政局电子证照专用章`.
    pub name: String,
    /// Who may sign with this seal.
    pub certificates: CertificateList,
    /// `createDate`. May lie after `valid_from` in real seals.
    pub created: Timestamp,
    /// `validStart`; whole seconds when written.
    pub valid_from: Timestamp,
    /// `validEnd`; whole seconds when written. The seal is still valid at this moment.
    pub valid_to: Timestamp,
    /// What the seal looks like.
    pub picture: Picture,
    /// `extDatas`; none is written as an absent field.
    pub extensions: Vec<Extension>,
}

/// SES_ESPictrueInfo: the impression and its size on paper.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// The format: `PNG` is written; `ofd`, `png`, `GIF`, `BMP`, `JPG` are seen. Compare without regard to case.
    pub kind: String,
    /// The file itself.
    pub data: Vec<u8>,
    /// Width on paper in millimetres.
    pub width_mm: u32,
    /// Height on paper in millimetres.
    pub height_mm: u32,
}

/// ExtData: an extension of a seal or of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// What the extension is.
    pub id: ObjectIdentifier,
    /// Whether software that does not know it must refuse.
    pub critical: bool,
    /// Its content.
    pub value: Vec<u8>,
}

impl SealInfo {
    /// The DER of GB/T 38540-2020 ([`Version::V4`]): exactly what the maker signs.
    ///
    /// # Errors
    /// A text that is not ASCII where the standard wants IA5String, a moment before 1970, an empty certificate list, or
    /// anything larger than [`limits`] allows.
    pub fn to_der(&self) -> Result<Vec<u8>, SealError> {
        self.to_der_as(Version::V4)
    }

    /// The DER of the given generation. [`Version::V1`] is refused: those seals are read, never made.
    ///
    /// # Errors
    /// As [`SealInfo::to_der`].
    pub fn to_der_as(&self, version: Version) -> Result<Vec<u8>, SealError> {
        let number = match version {
            Version::V1 => return Err(SealError::CannotWriteV1),
            Version::V4 => 4,
            Version::V5 => 5,
        };
        if self.certificates.is_empty() {
            return Err(SealError::NoCertificates);
        }
        filled("name", Tag::Utf8String, &self.name)?;
        let (list_type, list) = self.certificates.to_der()?;
        let info = asn1::SealInfo {
            header: asn1::Header { id: ia5("ID", ID)?, version: number, vid: ia5("Vid", &self.vid)? },
            es_id: ia5("esID", &self.es_id)?,
            property: asn1::Property {
                seal_type: self.seal_type,
                name: Utf8StringRef::new(&self.name).map_err(malformed("name"))?,
                cert_list_type: list_type,
                cert_list: AnyRef::from_der(&list).map_err(malformed("certList"))?,
                create_date: time::to_asn1("createDate", self.created)?,
                valid_start: time::to_asn1("validStart", self.valid_from)?,
                valid_end: time::to_asn1("validEnd", self.valid_to)?,
            },
            picture: self.picture.to_asn1()?,
            ext_datas: extensions_to_asn1(&self.extensions)?,
        };
        let der = info.to_der().map_err(malformed("eSealInfo"))?;
        bounded("eSealInfo", limits::SEAL, der.len())?;
        Ok(der)
    }

    /// Reads a SES_SealInfo by itself. Reading is tolerant: whoever signs it takes [`SealInfo::from_exact_der`].
    ///
    /// # Errors
    /// What is malformed or too large.
    pub fn from_der(der: &[u8]) -> Result<Self, SealError> {
        Self::read(&read::whole("eSealInfo", der, limits::SEAL)?).map(|(info, _)| info)
    }

    /// Reads what a maker station decodes before it lets a card sign: bytes that say nothing but what is read, in the form that
    /// its generation gives it.
    ///
    /// # Errors
    /// As [`SealInfo::from_der`]; [`SealError::NotExact`].
    pub fn from_exact_der(der: &[u8]) -> Result<(Self, Version), SealError> {
        let (info, number) = Self::read(&read::whole("eSealInfo", der, limits::SEAL)?)?;
        let version = version_of(number);
        if info.to_der_as(version)? == der { Ok((info, version)) } else { Err(SealError::NotExact) }
    }

    /// The structure, and the version number in its header.
    pub(crate) fn read(element: &Element<'_>) -> Result<(Self, i64), SealError> {
        let mut fields = element.sequence()?;
        let mut header = fields.next("header")?.sequence()?;
        if header.next("ID")?.text(limits::TEXT)? != ID {
            return Err(SealError::NotASeal);
        }
        let version = header.next("version")?.integer()?;
        let vid = header.next("Vid")?.text(limits::TEXT)?;
        header.finish()?;
        let es_id = fields.next("esID")?.text(limits::TEXT)?;
        let mut property = fields.next("property")?.sequence()?;
        let seal_type = property.next("type")?.integer()?;
        let name = property.next("name")?.text(limits::TEXT)?;
        let info = Self {
            vid,
            es_id,
            seal_type,
            name,
            certificates: read_list(&mut property)?,
            created: property.next("createDate")?.time()?,
            valid_from: property.next("validStart")?.time()?,
            valid_to: property.next("validEnd")?.time()?,
            picture: Picture::read(&fields.next("picture")?)?,
            extensions: fields.optional("extDatas")?.map_or(Ok(Vec::new()), |e| read_extensions(&e))?,
        };
        property.finish()?;
        fields.finish()?;
        Ok((info, version))
    }

    /// Whether `at` lies between `valid_from` and `valid_to`, both included. For a document it is the moment of sealing
    /// that counts, not today.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.valid_from <= at && at <= self.valid_to
    }
}

impl Picture {
    fn read(element: &Element<'_>) -> Result<Self, SealError> {
        let mut fields = element.sequence()?;
        let picture = Self {
            kind: fields.next("picture.type")?.text(limits::TEXT)?,
            data: fields.next("picture.data")?.octets(limits::PICTURE)?.to_vec(),
            width_mm: side("picture.width", fields.next("picture.width")?.integer()?)?,
            height_mm: side("picture.height", fields.next("picture.height")?.integer()?)?,
        };
        fields.finish()?;
        Ok(picture)
    }

    fn to_asn1(&self) -> Result<asn1::Picture<'_>, SealError> {
        bounded("picture.data", limits::PICTURE, self.data.len())?;
        Ok(asn1::Picture {
            kind: ia5("picture.type", &self.kind)?,
            data: OctetStringRef::new(&self.data).map_err(malformed("picture.data"))?,
            width: side("picture.width", self.width_mm.into())?,
            height: side("picture.height", self.height_mm.into())?,
        })
    }
}

/// The picture's bytes would bury everything else in a log.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, data, width_mm, height_mm } = self;
        write!(f, "Picture({kind:?}, {} bytes, {width_mm} × {height_mm} mm)", data.len())
    }
}

/// The list of V4 comes with its type in front, that of V1 alone.
fn read_list(property: &mut Fields<'_>) -> Result<CertificateList, SealError> {
    let first = property.next("certListType")?;
    if first.is(Tag::Integer) {
        CertificateList::read(first.integer()?, &property.next("certList")?)
    } else {
        CertificateList::read_certificates(&first)
    }
}

/// A plain SEQUENCE in real seals, `[0] EXPLICIT` in signatures; either is understood in both.
pub(crate) fn read_extensions(element: &Element<'_>) -> Result<Vec<Extension>, SealError> {
    let list = if element.is_tagged_0() { element.explicit()? } else { *element };
    list.sequence()?.rest("extDatas", limits::EXTENSIONS)?.iter().map(Extension::read).collect()
}

pub(crate) fn extensions_to_asn1(extensions: &[Extension]) -> Result<Option<Vec<asn1::Extension<'_>>>, SealError> {
    bounded("extDatas", limits::EXTENSIONS, extensions.len())?;
    let list: Vec<_> = extensions.iter().map(Extension::to_asn1).collect::<Result<_, _>>()?;
    Ok(if list.is_empty() { None } else { Some(list) })
}

impl Extension {
    fn read(element: &Element<'_>) -> Result<Self, SealError> {
        let mut fields = element.sequence()?;
        let id = fields.next("extnID")?.oid()?;
        let mut next = fields.next("extnValue")?;
        // Real seals write out FALSE although it is the default; DER would leave it away.
        let critical = next.is(Tag::Boolean) && next.boolean()?;
        if next.is(Tag::Boolean) {
            next = fields.next("extnValue")?;
        }
        let value = next.octets(limits::VALUE)?.to_vec();
        fields.finish()?;
        Ok(Self { id, critical, value })
    }

    fn to_asn1(&self) -> Result<asn1::Extension<'_>, SealError> {
        bounded("extnValue", limits::VALUE, self.value.len())?;
        let value = OctetStringRef::new(&self.value).map_err(malformed("extnValue"))?;
        Ok(asn1::Extension { id: self.id, critical: self.critical, value })
    }
}

/// An ASCII text for IA5String, within the limit, not empty.
pub(crate) fn ia5<'a>(field: &'static str, text: &'a str) -> Result<Ia5StringRef<'a>, SealError> {
    filled(field, Tag::Ia5String, text)?;
    Ia5StringRef::new(text).map_err(malformed(field))
}

/// A text to be written is within the limit and not empty.
fn filled(field: &'static str, tag: Tag, text: &str) -> Result<(), SealError> {
    bounded(field, limits::TEXT, text.len())?;
    if text.is_empty() { Err(malformed(field)(tag.length_error().into())) } else { Ok(()) }
}

fn side(field: &'static str, millimetres: i64) -> Result<u32, SealError> {
    let side = u32::try_from(millimetres).map_err(|_| malformed(field)(Tag::Integer.value_error().into()))?;
    bounded(field, limits::SIDE_MM as usize, side as usize)?;
    Ok(side)
}
