//! Revocation lists (RFC 5280 §5).

mod delta;
mod reason;
mod scope;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use eseal_kernel::Timestamp;

use crate::algorithm::{self, AlgorithmError, SignatureAlgorithm};
use crate::asn1::{Element, Malformed, Reader, span, tag, writer, x509_time};
use crate::certificate::{Certificate, serial_number};
use crate::extensions::{self, Extension, KeyUsage};
use crate::name::Name;
use crate::oid;
use crate::pem;
use crate::public_key::{BadSignature, KeyError};
use crate::suite::{SignError, Signer};
use crate::template;

pub use delta::DeltaCrl;
pub use reason::{Revocation, RevocationReason};
use scope::Scope;

/// Bytes of the longest list that is read: 16 MiB, about 400 000 entries.
const MAX_CRL: usize = 16 * 1024 * 1024;
const MAX_EXTENSIONS: usize = 64;
/// Bytes of the longest number of a list (RFC 5280 §5.2.3).
const MAX_NUMBER: usize = 20;
const LABEL: &str = "X509 CRL";

/// A certificate revocation list. [`Crl::verify`] says whether it is genuine; until then it says nothing.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Range<usize>,
    algorithm: SignatureAlgorithm,
    signature: Range<usize>,
    issuer: Name,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    /// Sorted by serial number.
    entries: Vec<Entry>,
    extensions: CrlExtensions,
    /// What brought it up to date, and is as much to be verified.
    delta: Option<Arc<DeltaCrl>>,
}

/// What the extensions of a list say.
#[derive(Debug, Clone, Default)]
struct CrlExtensions {
    scope: Scope,
    /// What says so, as received, where it leaves anything out.
    part: Option<Vec<u8>>,
    /// Back to which moment expired certificates stay on the list (ISO/IEC 9594-8 §8.5.2.12).
    expired_since: Option<Timestamp>,
    /// The magnitude of the CRL number.
    number: Option<Vec<u8>>,
    /// For a list of changes: the number of the list from which on it has them.
    base: Option<Vec<u8>>,
    /// The full names of the places of lists of changes, each a GeneralName as received.
    freshest_points: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// The serial number without leading zeros.
    serial: Vec<u8>,
    revocation: Revocation,
}

/// What a list of either kind says, before it is one.
struct Parsed {
    list: Crl,
    /// Serial numbers of entries that take a revocation back (removeFromCRL).
    removed: Vec<Vec<u8>>,
}

/// Why bytes are no list that can be used, or one was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Not the structure of RFC 5280; the text names the part.
    #[error("not a revocation list: {0}")]
    Malformed(&'static str),
    /// Something in it that this crate does not process and must not pass over: an indirect list, a critical extension; or a list of
    /// changes where a whole one is expected.
    #[error("the revocation list uses {0}, which is not supported")]
    Unsupported(String),
    /// Another authority issued it.
    #[error("the revocation list names another issuer")]
    OtherIssuer,
    /// Changes to another list than this, or older ones.
    #[error("the changes do not belong to this revocation list")]
    OtherBase,
    /// The issuer's certificate does not allow its key to sign lists.
    #[error("the issuer's certificate does not allow signing revocation lists")]
    KeyUsage,
    /// The issuer's key cannot be used.
    #[error("the issuer's key cannot be used: {0}")]
    IssuerKey(#[from] KeyError),
    /// The issuer did not sign these bytes.
    #[error("the revocation list was not signed by its issuer's key")]
    BadSignature,
    /// The key did not sign the list that was to be made.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<Malformed> for CrlError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for CrlError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::Unsupported(format!("the signature algorithm {what}")),
        }
    }
}

impl From<BadSignature> for CrlError {
    fn from(_: BadSignature) -> Self {
        Self::BadSignature
    }
}

impl Crl {
    /// Reads a whole list; for one of changes see [`DeltaCrl`].
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        let Parsed { list, .. } = Self::parse(der)?;
        match list.extensions.base {
            // Whoever took it for a whole list would find almost nothing revoked.
            Some(_) => Err(CrlError::Unsupported("changes to another list".to_owned())),
            None => Ok(list),
        }
    }

    fn parse(der: &[u8]) -> Result<Parsed, CrlError> {
        const WHAT: &str = "the outer structure";
        if der.len() > MAX_CRL {
            return Err(CrlError::Malformed("more than 16 MiB"));
        }
        let mut outer = Reader::der(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        let tbs = outer.read(tag::SEQUENCE, "tbsCertList")?;
        let algorithm = SignatureAlgorithm::read(&outer.any("signatureAlgorithm")?, None)?;
        let signature = outer.any("signatureValue")?.bit_string("signatureValue")?;
        outer.finish(WHAT)?;

        let mut fields = tbs.inside()?;
        fields.optional(tag::INTEGER)?; // version
        if SignatureAlgorithm::read(&fields.any("signature")?, None)? != algorithm {
            return Err(CrlError::Malformed("two different signature algorithms"));
        }
        let issuer = Name::read(&fields.any("issuer")?, der)?;
        let this_update = x509_time(&fields.any("thisUpdate")?)?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(x509_time(&fields.any("nextUpdate")?)?),
            _ => None,
        };
        let (entries, removed) = match fields.optional(tag::SEQUENCE)? {
            Some(list) => read_entries(list.inside()?)?,
            None => Default::default(),
        };
        let extensions = match fields.optional(tag::constructed(0))? {
            Some(field) => CrlExtensions::read(&field.inside()?.any("crlExtensions")?)?,
            None => CrlExtensions::default(),
        };
        fields.finish("something behind the extensions")?;
        let (tbs, signature) = (span(der, tbs.bytes), span(der, signature));
        let (der, delta) = (der.to_vec(), None);
        let list =
            Self { der, tbs, algorithm, signature, issuer, this_update, next_update, entries, extensions, delta };
        Ok(Parsed { list, removed })
    }

    /// Reads the first list of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CrlError> {
        let der = pem::decode_all(LABEL, pem).next().flatten().ok_or(CrlError::Malformed("no PEM block"))?;
        Self::from_der(&der)
    }

    /// The list as one PEM block.
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, &self.der)
    }

    /// The bytes as received; of one that was brought up to date those of the whole list.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The changes that are in it.
    pub fn delta(&self) -> Option<&DeltaCrl> {
        self.delta.as_deref()
    }

    /// Where the list says that the changes to it lie (freshestCRL, RFC 5280 §5.2.6): addresses that its issuer chose.
    pub fn changes_urls(&self) -> impl Iterator<Item = &str> {
        self.extensions.freshest_points.iter().filter_map(|name| extensions::uri(name)).take(extensions::MAX_URLS)
    }

    /// Who issued it, for people.
    pub fn issuer(&self) -> String {
        self.issuer.to_string()
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next one is due at the latest, if it says so.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// Whether it was due to be replaced before `at`.
    pub fn is_stale_at(&self, at: Timestamp) -> bool {
        self.next_update.is_some_and(|next| next < at)
    }

    /// Which part of all that its issuer revoked it has, where it has not all (RFC 5280 §5.2.5): the same bytes for the next list of the
    /// part. One part takes back nothing that another one says.
    pub fn part(&self) -> Option<&[u8]> {
        self.extensions.part.as_deref()
    }

    /// Whether a certificate of this issuer that is not on the list is not revoked: the list is about certificates of its kind
    /// and of its distribution point, about all reasons, and was made before it forgot the certificate, which lists may do
    /// once it has expired.
    pub fn speaks_about(&self, certificate: &Certificate) -> bool {
        let remembers = self.this_update <= certificate.not_after()
            || self.extensions.expired_since.is_some_and(|since| since <= certificate.not_after());
        remembers && self.covers(certificate)
    }

    /// The same without regard to when the list was made.
    pub(crate) fn covers(&self, certificate: &Certificate) -> bool {
        !self.extensions.scope.only_some_reasons && self.extensions.scope.covers(certificate)
    }

    /// How it was signed.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether the certificate with this serial number, as [`Certificate::serial_hex`] gives it, is on the list.
    pub fn is_revoked(&self, serial_hex: &str) -> Option<Revocation> {
        self.revocations().find(|(serial, _)| serial == serial_hex).map(|(_, revocation)| revocation)
    }

    /// The same for a certificate at hand, without a search from the start.
    pub fn revocation_of(&self, certificate: &Certificate) -> Option<Revocation> {
        let serial = serial_number(certificate.serial());
        let found = self.entries.binary_search_by(|entry| entry.serial.as_slice().cmp(serial)).ok()?;
        self.entries.get(found).map(|entry| entry.revocation)
    }

    /// Every entry: serial number in hexadecimal, and since when and why.
    pub fn revocations(&self) -> impl Iterator<Item = (String, Revocation)> {
        self.entries.iter().map(|entry| (hex::encode(&entry.serial), entry.revocation))
    }

    /// Whether `issuer` is whom the list names, may sign lists, and signed these bytes, and those of the changes that are in it.
    pub fn verify(&self, issuer: &Certificate) -> Result<(), CrlError> {
        if !self.issuer.matches(issuer.subject_name()) {
            return Err(CrlError::OtherIssuer);
        }
        if !issuer.allows(KeyUsage::CRL_SIGN) {
            return Err(CrlError::KeyUsage);
        }
        let (signed, signature) = (&self.der[self.tbs.clone()], &self.der[self.signature.clone()]);
        issuer.public_key()?.verify_with(self.algorithm, signed, signature)?;
        self.delta.as_deref().map_or(Ok(()), |delta| delta.verify(issuer))
    }

    /// Makes a list of these revocations, signed by the key of `issuer`. `number` must grow from list to list; `changes` is where
    /// the changes to it lie.
    pub(crate) fn create(
        issuer: &Certificate,
        signer: &dyn Signer,
        revocations: &[(String, Revocation)],
        number: u32,
        times: (Timestamp, Timestamp),
        changes: Option<&str>,
    ) -> Result<Self, CrlError> {
        let entries = revocations.iter().map(|(serial, one)| write_entry(serial, one.since, one.reason.code()));
        let mut more = vec![extensions::write(&oid::CRL_NUMBER, false, &writer::number(number))];
        more.extend(changes.map(|url| template::distribution_point(&oid::FRESHEST_CRL, url)));
        Self::from_der(&sign(issuer, signer, entries.collect::<Result<_, _>>()?, &more, times)?)
    }
}

/// A list of a part: with this issuing distribution point.
#[cfg(test)]
pub(crate) fn part(
    issuer: &Certificate,
    signer: &dyn Signer,
    revocations: &[(String, Revocation)],
    times: (Timestamp, Timestamp),
    point: &[Vec<u8>],
) -> Result<Crl, CrlError> {
    let entries = revocations.iter().map(|(serial, one)| write_entry(serial, one.since, one.reason.code()));
    let more = [extensions::write(&oid::ISSUING_DISTRIBUTION_POINT, true, &writer::sequence(point))];
    Crl::from_der(&sign(issuer, signer, entries.collect::<Result<_, _>>()?, &more, times)?)
}

/// A list with these entries and extensions.
fn sign(
    issuer: &Certificate,
    signer: &dyn Signer,
    entries: Vec<Vec<u8>>,
    more: &[Vec<u8>],
    (this_update, next_update): (Timestamp, Timestamp),
) -> Result<Vec<u8>, CrlError> {
    let algorithm = algorithm::write_suite(signer.suite());
    let mut fields = vec![
        writer::number(1), // v2
        algorithm.clone(),
        issuer.raw_subject().to_vec(),
        writer::time(this_update),
        writer::time(next_update),
    ];
    if !entries.is_empty() {
        fields.push(writer::sequence(&entries)); // an empty list is left out (§5.1.2.6)
    }
    let extensions = [&[template::authority_key(&issuer.public_key()?)], more].concat();
    fields.push(writer::explicit(0, &writer::sequence(&extensions)));
    let tbs = writer::sequence(&fields);
    let signature = signer.sign(&tbs)?;
    Ok(writer::sequence(&[tbs, algorithm, writer::bit_string(&signature)]))
}

/// Entries, and serial numbers of those that take a revocation back.
type Entries = (Vec<Entry>, Vec<Vec<u8>>);

fn read_entries(mut list: Reader<'_>) -> Result<Entries, CrlError> {
    let (mut entries, mut removed) = (Vec::new(), Vec::new());
    while let Some(entry) = list.next()? {
        let mut fields = entry.inside()?;
        let serial = serial_number(fields.read(tag::INTEGER, "userCertificate")?.content).to_vec();
        let since = x509_time(&fields.any("revocationDate")?)?;
        let mut reason = Some(RevocationReason::Unspecified);
        if let Some(list) = fields.optional(tag::SEQUENCE)? {
            reason = read_reason(&list)?;
        }
        match reason {
            Some(reason) => entries.push(Entry { serial, revocation: Revocation { since, reason } }),
            None => removed.push(serial),
        }
    }
    entries.sort_by(|a, b| a.serial.cmp(&b.serial));
    Ok((entries, removed))
}

/// The reason among an entry's extensions; `None`: the entry takes a revocation back (removeFromCRL).
fn read_reason(list: &Element<'_>) -> Result<Option<RevocationReason>, CrlError> {
    let mut reason = Some(RevocationReason::Unspecified);
    for extension in list.inside()?.all(MAX_EXTENSIONS, "more than 64 extensions of an entry")? {
        let extension = Extension::read(&extension)?;
        if extension.oid == Some(oid::REASON_CODE) {
            reason = RevocationReason::from_code(
                Reader::der(&extension.value).single(tag::ENUMERATED, "reasonCode")?.number("reasonCode")?,
            );
        } else if extension.critical {
            // §5.3: such a list must not be used to tell the status of any certificate. certificateIssuer is among these.
            return Err(CrlError::Unsupported("a critical extension of an entry".to_owned()));
        }
    }
    Ok(reason)
}

impl CrlExtensions {
    /// Refuses lists that say something else than a reader takes them to.
    fn read(list: &Element<'_>) -> Result<Self, CrlError> {
        let mut extensions = Self::default();
        for extension in list.inside()?.all(MAX_EXTENSIONS, "more than 64 extensions")? {
            let extension = Extension::read(&extension)?;
            match extension.oid {
                Some(oid::ISSUING_DISTRIBUTION_POINT) => {
                    extensions.scope = Scope::read(&extension.value)?;
                    extensions.part = (extensions.scope != Scope::default()).then(|| extension.value.to_vec());
                }
                Some(oid::CRL_NUMBER) => extensions.number = Some(read_number(&extension.value)?),
                Some(oid::DELTA_CRL_INDICATOR) => extensions.base = Some(read_number(&extension.value)?),
                // What cannot be read is as if it were not there: the whole list says all that it says without.
                Some(oid::FRESHEST_CRL) => {
                    extensions.freshest_points = extensions::read_points(&extension.value).unwrap_or_default();
                }
                Some(oid::EXPIRED_CERTS_ON_CRL) => {
                    extensions.expired_since =
                        Some(x509_time(&Reader::der(&extension.value).any("expiredCertsOnCRL")?)?);
                }
                _ if extension.critical => {
                    return Err(CrlError::Unsupported("an unknown critical extension".to_owned()));
                }
                _ => {}
            }
        }
        Ok(extensions)
    }
}

/// CRLNumber and BaseCRLNumber: the magnitude.
fn read_number(value: &[u8]) -> Result<Vec<u8>, Malformed> {
    const WHAT: &str = "the number of a list";
    let number = Reader::der(value).single(tag::INTEGER, WHAT)?.unsigned(WHAT)?;
    if number.len() > MAX_NUMBER { Err(Malformed(WHAT)) } else { Ok(number.to_vec()) }
}

fn write_entry(serial_hex: &str, since: Timestamp, reason: u8) -> Result<Vec<u8>, CrlError> {
    let serial = hex::decode(serial_hex).map_err(|_| CrlError::Malformed("a serial number is hexadecimal"))?;
    let mut fields = vec![writer::unsigned(&serial), writer::time(since)];
    if reason != RevocationReason::Unspecified.code() {
        let code = writer::tlv(tag::ENUMERATED, &[reason]);
        fields.push(writer::sequence(&[extensions::write(&oid::REASON_CODE, false, &code)]));
    }
    Ok(writer::sequence(&fields))
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({}, {}, {} entries)", self.issuer, self.this_update, self.entries.len())
    }
}
