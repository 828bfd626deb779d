//! What a time stamp states (TSTInfo).

use std::time::Duration;

use eseal_kernel::Timestamp;

use crate::algorithm::{self, AlgorithmError, read_digest};
use crate::asn1::{Element, Malformed, Reader, tag, writer, x509_time};
use crate::certificate::serial_number;
use crate::digest_alg::DigestAlg;
use crate::extensions::Extension;
use crate::name::Name;
use crate::oid::Oid;

const MAX_EXTENSIONS: usize = 16;
/// Bytes of the longest serial number or nonce; RFC 3161 asks for at least 20.
const MAX_NUMBER: usize = 64;

/// TSTInfo (RFC 3161 §2.4.2): these bytes existed at that time, says an authority. Alone it proves nothing: see
/// [`crate::tsp::TimeStampToken`].
#[derive(Debug, Clone)]
pub struct TimeStampInfo {
    /// By which digest the bytes are named.
    pub digest: DigestAlg,
    /// That digest of the bytes.
    pub imprint: Vec<u8>,
    /// When the authority saw it.
    pub time: Timestamp,
    /// By how much that time may be off; `None`: not said.
    pub accuracy: Option<Duration>,
    /// Whether stamps of this authority are in the order of their times, however close they are.
    pub ordering: bool,
    /// The rules that it follows; `None`: an identifier that is none.
    pub policy: Option<Oid>,
    /// The number of this stamp, unique with its authority.
    pub serial: Vec<u8>,
    /// What the request said, so that an old answer does not pass for a new one.
    pub nonce: Option<Vec<u8>>,
    /// The name that the authority gives itself.
    pub(crate) authority: Option<Name>,
    /// Whether there is a critical extension, none of which is known here.
    pub(crate) unknown_critical: bool,
}

impl TimeStampInfo {
    pub(crate) fn read(content: &[u8]) -> Result<Self, AlgorithmError> {
        const WHAT: &str = "TSTInfo";
        let mut fields = Reader::ber(content).single(tag::SEQUENCE, WHAT)?.inside()?;
        fields.read(tag::INTEGER, WHAT)?; // version: what is there counts, not what it says
        let policy = fields.read(tag::OID, "policy")?.oid();
        let (digest, imprint) = read_imprint(&fields.read(tag::SEQUENCE, "messageImprint")?)?;
        let serial = number(&fields.read(tag::INTEGER, "serialNumber")?)?;
        let time = x509_time(&fields.read(tag::GENERALIZED_TIME, "genTime")?)?;
        let accuracy = fields.optional(tag::SEQUENCE)?.map(|field| read_accuracy(&field)).transpose()?;
        let ordering = match fields.optional(tag::BOOLEAN)? {
            Some(ordering) => ordering.boolean("ordering")?,
            None => false,
        };
        let nonce = fields.optional(tag::INTEGER)?.map(|field| number(&field)).transpose()?;
        let authority = match fields.optional(tag::constructed(0))? {
            Some(field) => read_authority(&field.inside()?.any("tsa")?, content)?,
            None => None,
        };
        let unknown_critical = match fields.optional(tag::constructed(1))? {
            Some(field) => has_critical(&field)?,
            None => false,
        };
        fields.finish("something behind TSTInfo")?;
        Ok(Self { digest, imprint, time, accuracy, ordering, policy, serial, nonce, authority, unknown_critical })
    }

    /// The statement, DER; the authority's name and extensions are left out.
    pub(crate) fn to_der(&self, policy: &Oid) -> Vec<u8> {
        let mut fields = vec![
            writer::number(1),
            writer::oid(policy),
            write_imprint(self.digest, &self.imprint),
            writer::unsigned(&self.serial),
            writer::generalized_time(self.time),
        ];
        if let Some(accuracy) = self.accuracy {
            let seconds = u32::try_from(accuracy.as_secs()).unwrap_or(u32::MAX);
            fields.push(writer::sequence(&[writer::number(seconds)]));
        }
        fields.extend(self.nonce.as_ref().map(|nonce| writer::tlv(tag::INTEGER, nonce)));
        writer::sequence(&fields)
    }

    /// The last moment that the stamp may stand for: its time and what that may be off by. What it proves existed then for sure.
    pub fn latest(&self) -> Timestamp {
        self.time.plus(self.accuracy.unwrap_or_default())
    }

    /// The serial number in hexadecimal.
    pub fn serial_hex(&self) -> String {
        hex::encode(serial_number(&self.serial))
    }
}

/// The contents octets of a serial number or nonce.
pub(super) fn number(element: &Element<'_>) -> Result<Vec<u8>, Malformed> {
    match element.content.len() {
        1..=MAX_NUMBER => Ok(element.content.to_vec()),
        _ => Err(Malformed("a number of more than 64 bytes")),
    }
}

/// MessageImprint (RFC 3161 §2.4.1).
pub(super) fn read_imprint(element: &Element<'_>) -> Result<(DigestAlg, Vec<u8>), AlgorithmError> {
    const WHAT: &str = "messageImprint";
    let mut fields = element.inside()?;
    let digest = read_digest(&fields.any(WHAT)?)?;
    let value = fields.any(WHAT)?;
    if !value.is_octet_string() {
        return Err(Malformed(WHAT).into());
    }
    let value = value.octets(WHAT)?.into_owned();
    fields.finish(WHAT)?;
    Ok((digest, value))
}

pub(super) fn write_imprint(digest: DigestAlg, imprint: &[u8]) -> Vec<u8> {
    writer::sequence(&[algorithm::write_digest(digest), writer::octet_string(imprint)])
}

/// Accuracy: seconds, and thousandths and millionths of one.
fn read_accuracy(element: &Element<'_>) -> Result<Duration, Malformed> {
    const WHAT: &str = "accuracy";
    let mut fields = element.inside()?;
    let seconds = fields.optional(tag::INTEGER)?.map(|field| field.number(WHAT)).transpose()?;
    let mut part = |number: u8| -> Result<u64, Malformed> {
        match fields.optional(tag::context(number))? {
            Some(Element { content: [high @ 0..=0x7f], .. }) => Ok(u64::from(*high)),
            Some(Element { content: [high @ 0..=3, low], .. }) => Ok(u64::from(*high) << 8 | u64::from(*low)),
            Some(_) => Err(Malformed(WHAT)),
            None => Ok(0),
        }
    };
    let (millis, micros) = (part(0)?, part(1)?);
    Ok(Duration::from_secs(seconds.unwrap_or_default().into()) + Duration::from_micros(millis * 1_000 + micros))
}

/// GeneralName: a directoryName is kept, any other kind says nothing that could be compared.
fn read_authority(element: &Element<'_>, whole: &[u8]) -> Result<Option<Name>, Malformed> {
    const DIRECTORY_NAME: u8 = 4;
    if element.tag != tag::constructed(DIRECTORY_NAME) {
        return Ok(None);
    }
    Name::read(&element.inside()?.any("tsa")?, whole).map(Some)
}

fn has_critical(list: &Element<'_>) -> Result<bool, Malformed> {
    let extensions = list.inside()?.all(MAX_EXTENSIONS, "more than 16 extensions")?;
    let critical: Vec<bool> =
        extensions.iter().map(|one| Extension::read(one).map(|one| one.critical)).collect::<Result<_, _>>()?;
    Ok(critical.contains(&true))
}
