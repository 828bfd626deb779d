//! The extensions of certificates that decide something here.

use crate::asn1::{Element, Malformed, Reader, tag, writer};
use crate::name_constraints::NameConstraints;
use crate::oid::{self, Oid};

/// Extensions that a certificate may have; real ones have about twelve.
const MAX_EXTENSIONS: usize = 64;
/// Usages that one extension may list.
const MAX_USAGES: usize = 64;
/// Names of distribution points that one certificate or list may have.
const MAX_POINTS: usize = 64;
/// Policies, and mappings of policies, that one certificate may have. A cross certificate between large authorities has some forty.
const MAX_POLICIES: usize = 128;
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
    /// keyIdentifier of authorityKeyIdentifier.
    pub(crate) authority_key: Option<Vec<u8>>,
    /// GeneralNames of subjectAltName, as received: they matter where an authority above restricts names.
    pub(crate) alternative_names: Option<Vec<u8>>,
    pub(crate) name_constraints: Option<NameConstraints>,
    /// Each once.
    pub(crate) policies: Option<Vec<Oid>>,
    /// From a policy of the issuer to one of the subject.
    pub(crate) mappings: Vec<(Oid, Oid)>,
    pub(crate) require_explicit_policy: Option<u32>,
    pub(crate) inhibit_mapping: Option<u32>,
    pub(crate) inhibit_any_policy: Option<u32>,
    /// The full names of distribution points of revocation lists, each a GeneralName as received.
    pub(crate) distribution_points: Vec<Vec<u8>>,
    /// The same of lists of changes (freshestCRL).
    pub(crate) freshest_points: Vec<Vec<u8>>,
    pub(crate) ocsp_urls: Vec<String>,
    pub(crate) issuer_urls: Vec<String>,
    /// id-pkix-ocsp-nocheck.
    pub(crate) ocsp_no_check: bool,
    /// The mark of certificates of development.
    pub(crate) development: bool,
    /// Identifiers of critical extensions that this crate does not process or cannot read, and of nameConstraints and policyMappings
    /// that it cannot read in any case: whoever does not obey them must not go on.
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
            if !known && (critical || matches!(oid, Some(oid::NAME_CONSTRAINTS | oid::POLICY_MAPPINGS))) {
                extensions
                    .unknown_critical
                    .push(oid.map_or_else(|| format!("0x{}", hex::encode(id)), |oid| oid.to_string()));
            }
        }
        Ok(extensions)
    }

    /// Takes in one extension; `false` when it is not one that is processed here, or one of names and policies that cannot be
    /// read: policies that are not critical are as if they were not there, which allows less.
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
            // Real certificates have odd things in these three; what cannot be read is as if it were not there.
            oid::CRL_DISTRIBUTION_POINTS => self.distribution_points = read_points(value).unwrap_or_default(),
            oid::FRESHEST_CRL => self.freshest_points = read_points(value).unwrap_or_default(),
            oid::AUTHORITY_INFO_ACCESS => {
                (self.ocsp_urls, self.issuer_urls) = read_access(value).unwrap_or_default();
            }
            oid::OCSP_NO_CHECK => self.ocsp_no_check = true,
            oid::DEVELOPMENT_MARK => self.development = true,
            oid::SUBJECT_ALT_NAME => self.alternative_names = Some(value.to_vec()),
            oid::AUTHORITY_KEY_IDENTIFIER => self.authority_key = read_authority_key(value).unwrap_or_default(),
            oid::NAME_CONSTRAINTS | oid::CERTIFICATE_POLICIES | oid::POLICY_MAPPINGS => {
                return Ok(self.take_restriction(oid, value).is_ok());
            }
            oid::POLICY_CONSTRAINTS => {
                let mut fields = single(tag::SEQUENCE, "policyConstraints")?.inside()?;
                let mut count = |number| match fields.optional(tag::context(number))? {
                    Some(field) => skip_certs(&field).map(Some),
                    None => Ok(None),
                };
                self.require_explicit_policy = count(0)?;
                self.inhibit_mapping = count(1)?;
                fields.finish("policyConstraints")?;
            }
            oid::INHIBIT_ANY_POLICY => {
                self.inhibit_any_policy = Some(skip_certs(&single(tag::INTEGER, "inhibitAnyPolicy")?)?);
            }
            // They restrict nothing: other names of the issuer, and statements about how the certificate came about (RFC 3739
            // §3.2.6), critical in some qualified certificates.
            oid::ISSUER_ALT_NAME | oid::QC_STATEMENTS => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_restriction(&mut self, oid: &Oid, value: &[u8]) -> Result<(), Malformed> {
        match *oid {
            oid::NAME_CONSTRAINTS => self.name_constraints = Some(NameConstraints::read(value)?),
            oid::CERTIFICATE_POLICIES => self.policies = Some(read_policies(value)?),
            _ => self.mappings = read_mappings(value)?,
        }
        Ok(())
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

/// SkipCerts: a number of certificates. One beyond all paths is as good as the largest.
fn skip_certs(field: &Element<'_>) -> Result<u32, Malformed> {
    let number = field.under(tag::INTEGER);
    match number.unsigned("a number of certificates")? {
        long if long.len() > 4 => Ok(u32::MAX),
        _ => number.number("a number of certificates"),
    }
}

/// AuthorityKeyIdentifier (RFC 5280 §4.2.1.1): the identifier of the key.
fn read_authority_key(value: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let mut fields = Reader::der(value).single(tag::SEQUENCE, "authorityKeyIdentifier")?.inside()?;
    Ok(fields.optional(tag::context(0))?.map(|key| key.content.to_vec()))
}

/// certificatePolicies (RFC 5280 §4.2.1.4). What qualifies a policy is for people and restricts nothing.
fn read_policies(value: &[u8]) -> Result<Vec<Oid>, Malformed> {
    const WHAT: &str = "certificatePolicies";
    let mut policies: Vec<Oid> = Vec::new();
    for policy in Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?.all(MAX_POLICIES, WHAT)? {
        let policy = policy.inside()?.any(WHAT)?.oid().ok_or(Malformed(WHAT))?;
        if policies.contains(&policy) {
            return Err(Malformed("a policy that comes twice"));
        }
        policies.push(policy);
    }
    if policies.is_empty() { Err(Malformed(WHAT)) } else { Ok(policies) }
}

/// policyMappings (RFC 5280 §4.2.1.5).
fn read_mappings(value: &[u8]) -> Result<Vec<(Oid, Oid)>, Malformed> {
    const WHAT: &str = "policyMappings";
    let pairs = Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?.all(MAX_POLICIES, WHAT)?;
    let pair = |pair: &Element<'_>| {
        let mut fields = pair.inside()?;
        let [from, to] = [fields.any(WHAT)?.oid(), fields.any(WHAT)?.oid()];
        fields.finish(WHAT)?;
        Ok((from.ok_or(Malformed(WHAT))?, to.ok_or(Malformed(WHAT))?))
    };
    pairs.iter().map(pair).collect()
}

/// CRLDistributionPoints (RFC 5280 §4.2.1.13): the full names in it. A name relative to the issuer's is met nowhere.
pub(crate) fn read_points(value: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
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
