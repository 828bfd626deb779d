//! The extensions of certificates that decide something here.

use crate::asn1::{Element, Malformed, Reader, tag, writer};
use crate::oid::{self, Oid};

/// Extensions that a certificate may have; real ones have about twelve.
const MAX_EXTENSIONS: usize = 64;
/// Usages that one extension may list.
const MAX_USAGES: usize = 64;
/// Names of distribution points that one certificate or list may have.
const MAX_POINTS: usize = 64;
/// Addresses of one kind that are kept, and bytes of the longest one.
pub(crate) const MAX_URLS: usize = 8;
const MAX_URL: usize = 2048;

/// keyUsage (RFC 5280 §4.2.1.3); the first bit is the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUsage(pub(crate) u16);

impl KeyUsage {
    pub(crate) const DIGITAL_SIGNATURE: Self = Self(0x8000);
    pub(crate) const NON_REPUDIATION: Self = Self(0x4000);
    pub(crate) const KEY_CERT_SIGN: Self = Self(0x0400);
    pub(crate) const CRL_SIGN: Self = Self(0x0200);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn has_any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// What the extensions of one certificate say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    pub(crate) key_usage: Option<KeyUsage>,
    /// `Some(true)`: a CA; `Some(false)`: basicConstraints say that it is none.
    pub(crate) ca: Option<bool>,
    pub(crate) path_length: Option<u32>,
    pub(crate) extended_usages: Option<Vec<Oid>>,
    /// Whether extKeyUsage is critical, as it has to be for a time stamping authority.
    pub(crate) extended_usages_critical: bool,
    pub(crate) subject_key: Option<Vec<u8>>,
    /// The full names of distribution points of revocation lists, each a GeneralName as received.
    pub(crate) distribution_points: Vec<Vec<u8>>,
    pub(crate) ocsp_urls: Vec<String>,
    pub(crate) issuer_urls: Vec<String>,
    /// id-pkix-ocsp-nocheck.
    pub(crate) ocsp_no_check: bool,
    /// Identifiers of critical extensions that this crate does not process.
    pub(crate) unknown_critical: Vec<String>,
}

impl Extensions {
    /// Reads `Extensions ::= SEQUENCE OF Extension` (RFC 5280 §4.1). One that comes twice is refused, as §4.2 asks.
    pub(crate) fn read(list: &Element<'_>) -> Result<Self, Malformed> {
        let mut extensions = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        for extension in list.inside()?.all(MAX_EXTENSIONS, "more than 64 extensions")? {
            let Extension { id, oid, critical, value } = Extension::read(&extension)?;
            if seen.contains(&id) {
                return Err(Malformed("an extension that comes twice"));
            }
            seen.push(id);
            let known = match oid {
                Some(oid) => extensions.take(&oid, &value)?,
                None => false,
            };
            if oid == Some(oid::EXTENDED_KEY_USAGE) {
                extensions.extended_usages_critical = critical;
            }
            if critical && !known {
                extensions
                    .unknown_critical
                    .push(oid.map_or_else(|| format!("0x{}", hex::encode(id)), |oid| oid.to_string()));
            }
        }
        Ok(extensions)
    }

    /// Takes in one extension; `false` when it is not one that is processed here.
    fn take(&mut self, oid: &Oid, value: &[u8]) -> Result<bool, Malformed> {
        let single = |tag, what| Reader::der(value).single(tag, what);
        match *oid {
            oid::KEY_USAGE => self.key_usage = Some(read_key_usage(&single(tag::BIT_STRING, "keyUsage")?)?),
            oid::BASIC_CONSTRAINTS => {
                let mut fields = single(tag::SEQUENCE, "basicConstraints")?.inside()?;
                let ca = fields.optional(tag::BOOLEAN)?;
                self.ca = Some(ca.map(|ca| ca.boolean("cA")).transpose()?.unwrap_or_default());
                let length = fields.optional(tag::INTEGER)?;
                self.path_length = length.map(|length| length.number("pathLenConstraint")).transpose()?;
            }
            oid::EXTENDED_KEY_USAGE => {
                let usages = single(tag::SEQUENCE, "extKeyUsage")?.inside()?.all(MAX_USAGES, "more than 64 usages")?;
                self.extended_usages = Some(usages.iter().filter_map(Element::oid).collect());
            }
            oid::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key = Some(single(tag::OCTET_STRING, "subjectKeyIdentifier")?.content.to_vec());
            }
            // Real certificates have odd things in these two; what cannot be read is as if it were not there.
            oid::CRL_DISTRIBUTION_POINTS => self.distribution_points = read_points(value).unwrap_or_default(),
            oid::AUTHORITY_INFO_ACCESS => {
                (self.ocsp_urls, self.issuer_urls) = read_access(value).unwrap_or_default();
            }
            oid::OCSP_NO_CHECK => self.ocsp_no_check = true,
            // They restrict nothing that is asked here: other names, policies, any of which is accepted, and statements about
            // how the certificate came about (RFC 3739 §3.2.6), critical in some qualified certificates.
            oid::SUBJECT_ALT_NAME
            | oid::ISSUER_ALT_NAME
            | oid::CERTIFICATE_POLICIES
            | oid::QC_STATEMENTS
            | oid::AUTHORITY_KEY_IDENTIFIER => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// One `Extension` of a certificate, a CRL or a CRL's entry.
pub(crate) struct Extension<'a> {
    /// The contents octets of its identifier.
    pub(crate) id: &'a [u8],
    pub(crate) oid: Option<Oid>,
    pub(crate) critical: bool,
    pub(crate) value: std::borrow::Cow<'a, [u8]>,
}

impl<'a> Extension<'a> {
    pub(crate) fn read(element: &Element<'a>) -> Result<Self, Malformed> {
        const WHAT: &str = "an extension";
        let mut parts = element.inside()?;
        let id = parts.read(tag::OID, WHAT)?;
        let critical = match parts.optional(tag::BOOLEAN)? {
            Some(critical) => critical.boolean(WHAT)?,
            None => false,
        };
        let value = parts.read(tag::OCTET_STRING, WHAT)?.octets(WHAT)?;
        parts.finish(WHAT)?;
        Ok(Self { id: id.content, oid: id.oid(), critical, value })
    }
}

fn read_key_usage(bits: &Element<'_>) -> Result<KeyUsage, Malformed> {
    let (_unused, bytes) = bits.content.split_first().ok_or(Malformed("keyUsage"))?;
    let byte = |i: usize| bytes.get(i).copied().unwrap_or_default();
    Ok(KeyUsage(u16::from_be_bytes([byte(0), byte(1)])))
}

/// CRLDistributionPoints (RFC 5280 §4.2.1.13): the full names in it. A name relative to the issuer's is met nowhere.
fn read_points(value: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    const WHAT: &str = "cRLDistributionPoints";
    let mut names = Vec::new();
    for point in Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?.all(MAX_POINTS, WHAT)? {
        if let Some(name) = point.inside()?.optional(tag::constructed(0))? {
            names.extend(full_names(&name)?);
        }
    }
    names.truncate(MAX_POINTS);
    Ok(names)
}

/// DistributionPointName: the GeneralNames of the choice fullName, as received.
pub(crate) fn full_names(point: &Element<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    let Some(names) = point.inside()?.optional(tag::constructed(0))? else { return Ok(Vec::new()) };
    let names = names.inside()?.all(MAX_POINTS, "more than 64 names of a distribution point")?;
    Ok(names.iter().map(|name| name.bytes.to_vec()).collect())
}

/// AuthorityInfoAccessSyntax (RFC 5280 §4.2.2.1): addresses of OCSP responders and of issuers' certificates.
fn read_access(value: &[u8]) -> Result<(Vec<String>, Vec<String>), Malformed> {
    const WHAT: &str = "authorityInfoAccess";
    let (mut ocsp, mut issuers) = (Vec::new(), Vec::new());
    for description in Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?.all(MAX_POINTS, WHAT)? {
        let mut parts = description.inside()?;
        let method = parts.read(tag::OID, WHAT)?.oid();
        let place = parts.any(WHAT)?;
        let list = match method {
            Some(oid::ACCESS_OCSP) => &mut ocsp,
            Some(oid::ACCESS_CA_ISSUERS) => &mut issuers,
            _ => continue,
        };
        if list.len() < MAX_URLS {
            list.extend(uri(place.bytes).map(str::to_owned));
        }
    }
    Ok((ocsp, issuers))
}

/// The address that a GeneralName is, if it is one: printable ASCII of bounded length.
pub(crate) fn uri(name: &[u8]) -> Option<&str> {
    const URI: u8 = tag::context(6);
    let element = Reader::der(name).single(URI, "uniformResourceIdentifier").ok()?;
    let text = std::str::from_utf8(element.content).ok()?;
    (text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}

/// Writes one extension.
pub(crate) fn write(oid: &Oid, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![writer::oid(oid)];
    if critical {
        parts.push(writer::boolean(true));
    }
    parts.push(writer::octet_string(value));
    writer::sequence(&parts)
}
