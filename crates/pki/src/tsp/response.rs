//! The answer of a time stamping authority.

use std::fmt;

use super::token::TimeStampToken;
use super::{MAX_TOKEN, TimeStampRequest, TspError};
use crate::asn1::{Element, Malformed, Reader, tag, writer};

/// Characters of an authority's own words that are kept.
const MAX_TEXT: usize = 200;
const MAX_TEXTS: usize = 8;

/// TimeStampResp (RFC 3161 §2.4.2).
#[derive(Debug, Clone)]
pub enum TimeStampResponse {
    /// The stamp, DER as received. Not checked.
    Granted(Vec<u8>),
    /// None, and why.
    Refused {
        /// Why, as far as it says.
        failure: FailureInfo,
        /// In its own words.
        text: Option<String>,
    },
}

/// PKIFailureInfo (RFC 3161 §2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum FailureInfo {
    BadAlg,
    BadRequest,
    BadDataFormat,
    TimeNotAvailable,
    UnacceptedPolicy,
    UnacceptedExtension,
    AddInfoNotAvailable,
    SystemFailure,
    /// It does not say, or something that the standard does not have.
    Unspecified,
}

impl FailureInfo {
    const BITS: [(usize, Self); 8] = [
        (0, Self::BadAlg),
        (2, Self::BadRequest),
        (5, Self::BadDataFormat),
        (14, Self::TimeNotAvailable),
        (15, Self::UnacceptedPolicy),
        (16, Self::UnacceptedExtension),
        (17, Self::AddInfoNotAvailable),
        (25, Self::SystemFailure),
    ];

    fn read(bits: &Element<'_>) -> Self {
        let bytes = bits.content.split_first().map(|(_unused, bytes)| bytes).unwrap_or_default();
        let is_set = |bit: usize| bytes.get(bit / 8).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        Self::BITS.into_iter().find(|(bit, _)| is_set(*bit)).map_or(Self::Unspecified, |(_, failure)| failure)
    }

    fn write(self) -> Option<Vec<u8>> {
        let (bit, _) = Self::BITS.into_iter().find(|(_, failure)| *failure == self)?;
        let mut content = vec![(7 - bit % 8) as u8];
        content.extend(std::iter::repeat_n(0, bit / 8));
        content.push(0x80 >> (bit % 8));
        Some(writer::tlv(tag::BIT_STRING, &content))
    }
}

/// The standard's name: `badAlg`.
impl fmt::Display for FailureInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAlg => "badAlg",
            Self::BadRequest => "badRequest",
            Self::BadDataFormat => "badDataFormat",
            Self::TimeNotAvailable => "timeNotAvailable",
            Self::UnacceptedPolicy => "unacceptedPolicy",
            Self::UnacceptedExtension => "unacceptedExtension",
            Self::AddInfoNotAvailable => "addInfoNotAvailable",
            Self::SystemFailure => "systemFailure",
            Self::Unspecified => "no reason given",
        })
    }
}

impl TimeStampResponse {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`TspError::TooLarge`], [`TspError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, TspError> {
        const WHAT: &str = "TimeStampResp";
        if der.len() > MAX_TOKEN {
            return Err(TspError::TooLarge);
        }
        let mut fields = Reader::ber(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        let mut status = fields.read(tag::SEQUENCE, "status")?.inside()?;
        let granted = status.read(tag::INTEGER, "status")?.number("status")? <= 1; // granted, grantedWithMods
        let text = status.optional(tag::SEQUENCE)?.map(|texts| read_text(&texts)).transpose()?.flatten();
        let failure =
            status.optional(tag::BIT_STRING)?.map_or(FailureInfo::Unspecified, |bits| FailureInfo::read(&bits));
        let token = fields.optional(tag::SEQUENCE)?;
        fields.finish("something behind TimeStampResp")?;
        match token {
            Some(token) if granted => Ok(Self::Granted(token.bytes.to_vec())),
            None if granted => Err(TspError::Malformed("a stamp is granted and is not there")),
            _ => Ok(Self::Refused { failure, text }),
        }
    }

    /// The answer, DER.
    pub fn to_der(&self) -> Vec<u8> {
        const REJECTION: u32 = 2;
        match self {
            Self::Granted(token) => writer::sequence(&[&writer::sequence(&[writer::number(0)]), token]),
            Self::Refused { failure, text } => {
                let mut status = vec![writer::number(REJECTION)];
                status.extend(text.as_ref().map(|text| writer::sequence(&[writer::utf8(text)])));
                status.extend(failure.write());
                writer::sequence(&[writer::sequence(&status)])
            }
        }
    }

    /// The stamp, if it answers this request: about the same bytes, with the same nonce, and under the policy asked for. Its
    /// signature is [`TimeStampToken::verify`]'s to check.
    ///
    /// # Errors
    /// [`TspError::Refused`], [`TspError::OtherContent`], [`TspError::OtherNonce`], [`TspError::OtherPolicy`], and as
    /// [`TimeStampToken::from_der`].
    pub fn accept(&self, request: &TimeStampRequest) -> Result<TimeStampToken, TspError> {
        let token = match self {
            Self::Granted(token) => TimeStampToken::from_der(token)?,
            Self::Refused { failure, text } => {
                return Err(TspError::Refused { failure: *failure, text: text.clone() });
            }
        };
        let info = token.info();
        if (info.digest, &info.imprint) != (request.digest, &request.imprint) {
            return Err(TspError::OtherContent);
        }
        if request.nonce.is_some() && info.nonce != request.nonce {
            return Err(TspError::OtherNonce);
        }
        if request.policy.is_some() && info.policy != request.policy {
            return Err(TspError::OtherPolicy);
        }
        Ok(token)
    }
}

/// PKIFreeText, cut to what a log can bear.
fn read_text(texts: &Element<'_>) -> Result<Option<String>, Malformed> {
    let texts = texts.inside()?.all(MAX_TEXTS, "more than 8 texts")?;
    let text = texts.iter().map(|text| String::from_utf8_lossy(text.content)).collect::<Vec<_>>().join("; ");
    let shown: String =
        text.chars().take(MAX_TEXT).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    Ok((!shown.is_empty()).then_some(shown))
}
