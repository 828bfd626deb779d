//! Names in extensions (GeneralName, RFC 5280 §4.2.1.6).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::asn1::{Element, Malformed, Reader, tag};
use crate::name::Name;

/// Names of one subjectAltName; a certificate of a large web service has some hundred.
const MAX_NAMES: usize = 1_000;

/// One name, or what a constraint says of such names.
#[derive(Debug, Clone)]
pub(crate) enum GeneralName {
    Email(String),
    Dns(String),
    Directory(Name),
    Uri(String),
    /// 4 or 16 bytes; in a constraint as many of a mask behind them.
    Address(Vec<u8>),
    /// A form that is not processed here, by its tag.
    Other(u8),
}

impl GeneralName {
    pub(crate) fn read(element: &Element<'_>) -> Result<Self, Malformed> {
        const EMAIL: u8 = tag::context(1);
        const DNS: u8 = tag::context(2);
        const DIRECTORY: u8 = tag::constructed(4);
        const URI: u8 = tag::context(6);
        const ADDRESS: u8 = tag::context(7);
        Ok(match element.tag {
            EMAIL => Self::Email(ascii(element.content)?),
            DNS => Self::Dns(ascii(element.content)?),
            DIRECTORY => Self::Directory(Name::read(&element.inside()?.any("directoryName")?, element.bytes)?),
            URI => Self::Uri(ascii(element.content)?),
            ADDRESS => Self::Address(element.content.to_vec()),
            other => Self::Other(other),
        })
    }

    /// Reads GeneralNames, as subjectAltName has them.
    pub(crate) fn read_all(value: &[u8]) -> Result<Vec<Self>, Malformed> {
        const WHAT: &str = "subjectAltName";
        let names = Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?;
        names.all(MAX_NAMES, "more than 1000 names of a subject")?.iter().map(Self::read).collect()
    }

    /// How many comparisons it may take to say whether a name lies within this one.
    pub(crate) fn comparisons(&self, name: &Self) -> usize {
        match (self, name) {
            (Self::Directory(base), Self::Directory(name)) => base.comparisons(name),
            _ => 1,
        }
    }

    /// Whether both are names of one form, so that a constraint of one says something of the other.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// IA5String. Names of the internet in other characters are written in their ASCII form (RFC 5280 §7.2).
fn ascii(content: &[u8]) -> Result<String, Malformed> {
    match std::str::from_utf8(content) {
        Ok(text) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err(Malformed("a name with characters beyond ASCII")),
    }
}

/// For people: `email:a@example.com`.
impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| text.replace(char::is_control, "\u{fffd}");
        match self {
            Self::Email(text) => write!(f, "email:{}", plain(text)),
            Self::Dns(text) => write!(f, "DNS:{}", plain(text)),
            Self::Directory(name) => name.fmt(f),
            Self::Uri(text) => write!(f, "URI:{}", plain(text)),
            Self::Address(bytes) => match (<[u8; 4]>::try_from(&bytes[..]), <[u8; 16]>::try_from(&bytes[..])) {
                (Ok(four), _) => write!(f, "IP:{}", Ipv4Addr::from(four)),
                (_, Ok(sixteen)) => write!(f, "IP:{}", Ipv6Addr::from(sixteen)),
                _ => write!(f, "IP:0x{}", hex::encode(bytes)),
            },
            Self::Other(tag) => write!(f, "a name of the form [{}]", tag & 0x1f),
        }
    }
}
