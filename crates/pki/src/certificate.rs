//! X.509 certificates: read once, kept as received.

mod error;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use eseal_kernel::{Digest, Timestamp, Uscc};

use crate::algorithm::{AlgorithmError, SignatureAlgorithm};
use crate::asn1::{Malformed, Reader, span, tag, x509_time};
use crate::extensions::{Extensions, KeyUsage, MAX_URLS, uri};
use crate::name::Name;
use crate::oid::{self, Oid};
use crate::pem;
use crate::public_key::{KeyError, PublicKey};

pub use error::CertificateError;

/// Bytes of the longest certificate that is read: 64 KiB.
pub const MAX_CERTIFICATE: usize = 64 * 1024;
/// Certificates that are taken from one PEM file.
const MAX_PEM: usize = 1000;

/// An X.509 certificate (RFC 5280). Cheap to clone.
///
/// Reading accepts what real certificates hold: names in any encoding, algorithms that this crate does not know (they are an
/// error where they are used), parameters of SM2 signatures absent or NULL.
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    fingerprint: Digest,
    /// TBSCertificate, header included: what the issuer signed.
    tbs: Range<usize>,
    /// Contents of the serial number's INTEGER.
    serial: Range<usize>,
    algorithm: Result<SignatureAlgorithm, AlgorithmError>,
    signature: Range<usize>,
    issuer: Name,
    subject: Name,
    not_before: Timestamp,
    not_after: Timestamp,
    spki: Range<usize>,
    public_key: OnceLock<Result<PublicKey, KeyError>>,
    /// The fingerprint of a certificate whose key was found to have signed this one. Both are bytes that never change, so what
    /// was found once holds for ever; it is kept here, and so can't be taken for a finding about other bytes.
    issued_by: OnceLock<Digest>,
    extensions: Extensions,
}

impl Certificate {
    /// Reads one certificate; nothing may follow it.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::TooLarge);
        }
        Ok(Self(Arc::new(Parts::read(der)?)))
    }

    /// Reads the first certificate of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let der = pem::decode_all("CERTIFICATE", pem).next().flatten().ok_or(CertificateError::Pem)?;
        Self::from_der(&der)
    }

    /// Reads all certificates of a PEM file, at least one and at most 1000.
    pub fn many_from_pem(pem: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let mut certificates = Vec::new();
        for der in pem::decode_all("CERTIFICATE", pem) {
            if certificates.len() == MAX_PEM {
                return Err(CertificateError::TooMany);
            }
            certificates.push(Self::from_der(&der.ok_or(CertificateError::Pem)?)?);
        }
        if certificates.is_empty() { Err(CertificateError::Pem) } else { Ok(certificates) }
    }

    /// The certificate as one PEM block.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.0.der)
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of [`Certificate::der`].
    pub fn fingerprint(&self) -> Digest {
        self.0.fingerprint
    }

    /// The serial number in hexadecimal, lower case, without leading zero bytes; unique per issuer.
    pub fn serial_hex(&self) -> String {
        hex::encode(serial_number(self.serial()))
    }

    /// The contents octets of the serial number.
    pub(crate) fn serial(&self) -> &[u8] {
        &self.0.der[self.0.serial.clone()]
    }

    /// The subject for people: `CN=…, O=…, C=CN`.
    pub fn subject(&self) -> String {
        self.0.subject.to_string()
    }

    /// The issuer for people, in the same form.
    pub fn issuer(&self) -> String {
        self.0.issuer.to_string()
    }

    /// The subject's DER, as received.
    pub fn raw_subject(&self) -> &[u8] {
        &self.0.der[self.0.subject.span.clone()]
    }

    /// The issuer's DER, as received.
    pub fn raw_issuer(&self) -> &[u8] {
        &self.0.der[self.0.issuer.span.clone()]
    }

    pub(crate) fn subject_name(&self) -> &Name {
        &self.0.subject
    }

    pub(crate) fn issuer_name(&self) -> &Name {
        &self.0.issuer
    }

    /// The subject's first O.
    pub fn subject_organization(&self) -> Option<String> {
        self.subject_value(&oid::ORGANIZATION)
    }

    /// The subject's organizationIdentifier (2.5.4.97).
    pub fn organization_identifier(&self) -> Option<String> {
        self.subject_value(&oid::ORGANIZATION_IDENTIFIER)
    }

    /// The subject's CN.
    pub fn common_name(&self) -> Option<String> {
        self.subject_value(&oid::COMMON_NAME)
    }

    fn subject_value(&self, oid: &Oid) -> Option<String> {
        self.0.subject.values(oid).next().map(str::to_owned)
    }

    /// Whether the subject is this organization: an O begins with its code, as government seal certificates have it, or the
    /// organizationIdentifier equals it.
    pub fn is_for_organization(&self, organization: &Uscc) -> bool {
        let code = organization.as_str();
        self.0.subject.values(&oid::ORGANIZATION).any(|name| name.starts_with(code))
            || self.0.subject.values(&oid::ORGANIZATION_IDENTIFIER).any(|identifier| identifier == code)
    }

    /// The first moment of validity.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The last moment of validity: the certificate is still valid at it (RFC 5280 §4.1.2.5).
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// The subject's key. A kind of key that is not known is an error here and not when the certificate is read.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        self.0.public_key.get_or_init(|| PublicKey::from_spki_der(&self.0.der[self.0.spki.clone()])).clone()
    }

    /// Whether the key may sign documents: keyUsage has digitalSignature or nonRepudiation, or there is no keyUsage.
    pub fn allows_signing(&self) -> bool {
        self.allows(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION))
    }

    /// Whether keyUsage has one of these, or is absent, which allows everything (RFC 5280 §4.2.1.3).
    pub(crate) fn allows(&self, usages: KeyUsage) -> bool {
        self.0.extensions.key_usage.is_none_or(|allowed| allowed.has_any(usages))
    }

    /// Whether basicConstraints say that it is a CA.
    pub fn is_ca(&self) -> bool {
        self.0.extensions.ca == Some(true)
    }

    /// Whether it was issued by an authority for development, which says so in each of its certificates.
    pub fn is_for_development(&self) -> bool {
        self.0.extensions.development
    }

    /// Whether extKeyUsage lists this usage by name. Absence of the extension, or `anyExtendedKeyUsage`, is not enough.
    pub fn has_eku(&self, usage: &Oid) -> bool {
        self.0.extensions.extended_usages.as_ref().is_some_and(|usages| usages.contains(usage))
    }

    /// Whether extKeyUsage is critical and lists this usage and no other.
    pub(crate) fn is_reserved_for(&self, usage: &Oid) -> bool {
        let extensions = self.extensions();
        extensions.extended_usages_critical
            && extensions.extended_usages.as_deref() == Some(std::slice::from_ref(usage))
    }

    /// Where the certificate says that its issuer answers questions about it (RFC 5280 §4.2.2.1): addresses that whoever made
    /// the certificate chose, so they are worth no more than the chain that it has.
    pub fn ocsp_urls(&self) -> &[String] {
        &self.extensions().ocsp_urls
    }

    /// Where the certificate says that its issuer's certificate lies, likewise.
    pub fn issuer_urls(&self) -> &[String] {
        &self.extensions().issuer_urls
    }

    /// Where the certificate says that its revocation list lies (RFC 5280 §4.2.1.13), likewise.
    pub fn crl_urls(&self) -> impl Iterator<Item = &str> {
        let points = self.extensions().distribution_points.iter();
        points.filter_map(|name| uri(name)).take(MAX_URLS)
    }

    /// Where the certificate says that the changes to that list lie (freshestCRL, RFC 5280 §4.2.1.15), likewise.
    pub fn changes_urls(&self) -> impl Iterator<Item = &str> {
        let points = self.extensions().freshest_points.iter();
        points.filter_map(|name| uri(name)).take(MAX_URLS)
    }

    /// The bits of the public key, which OCSP names issuers by.
    pub(crate) fn key_bits(&self) -> Result<&[u8], Malformed> {
        const WHAT: &str = "a public key";
        let spki = &self.0.der[self.0.spki.clone()];
        let mut parts = Reader::der(spki).single(tag::SEQUENCE, WHAT)?.inside()?;
        parts.any(WHAT)?;
        parts.read(tag::BIT_STRING, WHAT)?.bit_string(WHAT)
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// How its issuer signed it; an error for an algorithm that is not known.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm, CertificateError> {
        self.0.algorithm.clone().map_err(CertificateError::from)
    }

    /// Whether `issuer` is the subject that this certificate names as its issuer, and its key signed the bytes as received.
    ///
    /// Nothing else about the issuer is looked at: see [`crate::chain`]. The first issuer that signed it is remembered, by this
    /// value and its clones.
    pub fn verify_issued_by(&self, issuer: &Self) -> Result<(), CertificateError> {
        if self.0.issued_by.get() == Some(&issuer.0.fingerprint) {
            return Ok(());
        }
        if !self.0.issuer.matches(&issuer.0.subject) {
            return Err(CertificateError::OtherIssuer);
        }
        let algorithm = self.signature_algorithm()?;
        let Parts { der, tbs, signature, .. } = &*self.0;
        issuer.public_key()?.verify_with(algorithm, &der[tbs.clone()], &der[signature.clone()])?;
        let _ = self.0.issued_by.set(issuer.0.fingerprint); // or another issuer was first
        Ok(())
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.0.subject.matches(&self.0.issuer)
    }
}

impl Parts {
    fn read(der: &[u8]) -> Result<Self, CertificateError> {
        const WHAT: &str = "the outer structure";
        let mut outer = Reader::der(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        let tbs = outer.read(tag::SEQUENCE, "tbsCertificate")?;
        let algorithm = outer.read(tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer.read(tag::BIT_STRING, "signatureValue")?.bit_string("signatureValue")?;
        outer.finish(WHAT)?;

        let mut fields = tbs.inside()?;
        fields.optional(tag::constructed(0))?; // version: what is there counts, not what it says
        let serial = fields.read(tag::INTEGER, "serialNumber")?;
        let inner_algorithm = fields.read(tag::SEQUENCE, "signature")?;
        let issuer = Name::read(&fields.any("issuer")?, der)?;
        let mut validity = fields.read(tag::SEQUENCE, "validity")?.inside()?;
        let not_before = x509_time(&validity.any("notBefore")?)?;
        let not_after = x509_time(&validity.any("notAfter")?)?;
        let subject = Name::read(&fields.any("subject")?, der)?;
        let spki = fields.read(tag::SEQUENCE, "subjectPublicKeyInfo")?;
        fields.optional(tag::context(1))?; // issuerUniqueID
        fields.optional(tag::context(2))?; // subjectUniqueID
        let extensions = match fields.optional(tag::constructed(3))? {
            Some(field) => Extensions::read(&field.inside()?.any("extensions")?)?,
            None => Extensions::default(),
        };
        fields.finish("something behind the extensions")?;

        let outer_algorithm = SignatureAlgorithm::read(&algorithm, None);
        // RFC 5280 §4.1.1.2: the algorithm inside what is signed is the one that counts, and both must be the same.
        if outer_algorithm != SignatureAlgorithm::read(&inner_algorithm, None) {
            return Err(CertificateError::Malformed("two different signature algorithms"));
        }
        Ok(Self {
            fingerprint: Digest::of(der),
            tbs: span(der, tbs.bytes),
            serial: span(der, serial.content),
            algorithm: outer_algorithm,
            signature: span(der, signature),
            issuer,
            subject,
            not_before,
            not_after,
            spki: span(der, spki.bytes),
            public_key: OnceLock::new(),
            issued_by: OnceLock::new(),
            extensions,
            der: der.to_vec(),
        })
    }
}

/// The contents octets of a serial number without leading zeros, of which producers write more in one place than in another.
pub(crate) fn serial_number(content: &[u8]) -> &[u8] {
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    &content[zeros.min(content.len().saturating_sub(1))..]
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.subject(), self.fingerprint())
    }
}
