//! The answer about certificates, and whether it is genuine.

use std::fmt;
use std::ops::Range;

use eseal_kernel::Timestamp;

use super::request::read_nonce;
use super::{CertId, MAX_EXTENSIONS, MAX_RESPONSE, MAX_STATEMENTS, NoAnswer, OcspError, OcspRequest};
use crate::algorithm::SignatureAlgorithm;
use crate::asn1::{Element, Malformed, Reader, span, tag, x509_time};
use crate::certificate::Certificate;
use crate::chain::MAX_POOL;
use crate::crl::{Revocation, RevocationReason};
use crate::digest_alg::DigestAlg;
use crate::extensions::Extension;
use crate::name::Name;
use crate::oid;

/// A successful answer (RFC 6960 §4.2.1). [`OcspResponse::verify`] says whether it is genuine; until then it says nothing.
#[derive(Clone)]
pub struct OcspResponse {
    /// OCSPResponse, or BasicOCSPResponse where it came as one.
    der: Vec<u8>,
    /// BasicOCSPResponse.
    basic: Vec<u8>,
    /// ResponseData within it.
    tbs: Range<usize>,
    algorithm: SignatureAlgorithm,
    signature: Range<usize>,
    responder: ResponderId,
    produced_at: Timestamp,
    statements: Vec<OcspStatement>,
    nonce: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
}

/// SingleResponse: what is said of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspStatement {
    /// Which certificate.
    pub id: CertId,
    /// What is said of it.
    pub status: CertificateStatus,
    /// When this was known to be so.
    pub this_update: Timestamp,
    /// When something newer is to be had at the latest, if it says so.
    pub next_update: Option<Timestamp>,
    /// Back to which moment expired certificates are remembered (archiveCutoff, RFC 6960 §4.4.4).
    pub archive_cutoff: Option<Timestamp>,
}

/// CertStatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// Not revoked, as far as is known.
    Good,
    /// Revoked.
    Revoked(Revocation),
    /// The responder does not know it.
    Unknown,
}

#[derive(Debug, Clone)]
enum ResponderId {
    Name(Name),
    /// SHA-1 of the key's bits.
    Key(Vec<u8>),
}

/// Who signed an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responder {
    /// The issuer's certificate, or that of whom it made its responder.
    pub certificate: Certificate,
    /// Whether it is somebody other than the issuer.
    pub delegated: bool,
    /// Whether the issuer says that this certificate's own revocation need not be asked for (RFC 6960 §4.2.2.2.1).
    pub no_check: bool,
}

impl OcspResponse {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`OcspError::NoAnswer`] where the responder says why it has none; [`OcspError`].
    pub fn from_der(der: &[u8]) -> Result<Self, OcspError> {
        const WHAT: &str = "OCSPResponse";
        if der.len() > MAX_RESPONSE {
            return Err(OcspError::TooLarge);
        }
        let mut outer = Reader::ber(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        match outer.read(tag::ENUMERATED, "responseStatus")?.number("responseStatus")? {
            0 => {}
            code => return Err(OcspError::NoAnswer(NoAnswer::of(code))),
        }
        let mut fields = outer.read(tag::constructed(0), "responseBytes")?.inside()?.any("responseBytes")?.inside()?;
        let kind = fields.read(tag::OID, "responseType")?;
        if kind.oid() != Some(oid::OCSP_BASIC) {
            return Err(OcspError::UnsupportedKind(kind.oid().map_or_else(String::new, |oid| oid.to_string())));
        }
        let basic = fields.any("response")?;
        if !basic.is_octet_string() {
            return Err(OcspError::Malformed("response"));
        }
        Ok(Self { der: der.to_vec(), ..Self::read(&basic.octets("response")?)? })
    }

    /// Reads a BasicOCSPResponse, as CAdES keeps it.
    ///
    /// # Errors
    /// As [`OcspResponse::from_der`].
    pub fn from_basic_der(der: &[u8]) -> Result<Self, OcspError> {
        if der.len() > MAX_RESPONSE { Err(OcspError::TooLarge) } else { Self::read(der) }
    }

    fn read(basic: &[u8]) -> Result<Self, OcspError> {
        const WHAT: &str = "BasicOCSPResponse";
        let mut outer = Reader::ber(basic).single(tag::SEQUENCE, WHAT)?.inside()?;
        let tbs = outer.read(tag::SEQUENCE, "tbsResponseData")?;
        let algorithm = SignatureAlgorithm::read(&outer.any("signatureAlgorithm")?, None)?;
        let signature = outer.any("signature")?.bit_string("signature")?;
        let certificates = match outer.optional(tag::constructed(0))? {
            Some(field) => read_certificates(&field.inside()?.any("certs")?)?,
            None => Vec::new(),
        };
        let mut fields = tbs.inside()?;
        fields.optional(tag::constructed(0))?; // version
        let responder = ResponderId::read(&fields.any("responderID")?, basic)?;
        let produced_at = x509_time(&fields.any("producedAt")?)?;
        let list =
            fields.read(tag::SEQUENCE, "responses")?.inside()?.all(MAX_STATEMENTS, "more than 1000 responses")?;
        let statements = list.iter().map(OcspStatement::read).collect::<Result<_, _>>()?;
        let nonce = match fields.optional(tag::constructed(1))? {
            Some(field) => read_nonce(&field.inside()?.any("responseExtensions")?)?,
            None => None,
        };
        let (tbs, signature) = (span(basic, tbs.bytes), span(basic, signature));
        let (der, basic) = (basic.to_vec(), basic.to_vec());
        Ok(Self { der, basic, tbs, algorithm, signature, responder, produced_at, statements, nonce, certificates })
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When it was signed.
    pub fn produced_at(&self) -> Timestamp {
        self.produced_at
    }

    /// What it says.
    pub fn statements(&self) -> &[OcspStatement] {
        &self.statements
    }

    /// What it says about `certificate`, which `issuer` issued.
    pub fn statement_about(&self, certificate: &Certificate, issuer: &Certificate) -> Option<&OcspStatement> {
        self.statements.iter().find(|statement| statement.id.is(certificate, issuer))
    }

    /// The certificates that came along.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How it was signed.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Whether it was made for this request. An answer without a nonce may have been made beforehand, which responders may do
    /// (RFC 6960 §2.5); its times then say how old it is.
    ///
    /// # Errors
    /// [`OcspError::OtherNonce`] where it has another nonce.
    pub fn answers(&self, request: &OcspRequest) -> Result<(), OcspError> {
        match (&self.nonce, &request.nonce) {
            (Some(answered), Some(asked)) if answered != asked => Err(OcspError::OtherNonce),
            _ => Ok(()),
        }
    }

    /// Whether it may speak about certificates of `issuer` (RFC 6960 §4.2.2.2): the issuer signed these bytes, or somebody
    /// whose certificate the issuer issued for signing such answers, and who was valid when it signed.
    ///
    /// # Errors
    /// [`OcspError::NoResponder`], [`OcspError::NotAuthorized`], [`OcspError::Key`], [`OcspError::BadSignature`].
    pub fn verify(&self, issuer: &Certificate) -> Result<Responder, OcspError> {
        let named = std::iter::once(issuer).chain(&self.certificates).filter(|one| self.responder.is(one));
        let mut refused = OcspError::NoResponder(self.responder.to_string());
        for candidate in named {
            match self.verify_by(candidate, issuer) {
                Ok(responder) => return Ok(responder),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn verify_by(&self, candidate: &Certificate, issuer: &Certificate) -> Result<Responder, OcspError> {
        let is_issuer =
            candidate.public_key()? == issuer.public_key()? && candidate.subject_name().matches(issuer.subject_name());
        if !is_issuer {
            let at = self.produced_at.whole_seconds();
            let authorized = candidate.has_eku(&oid::KP_OCSP_SIGNING)
                && candidate.allows_signing()
                && candidate.not_before() <= at
                && at <= candidate.not_after()
                && candidate.verify_issued_by(issuer).is_ok();
            if !authorized {
                return Err(OcspError::NotAuthorized(candidate.subject()));
            }
        }
        let (signed, signature) = (&self.basic[self.tbs.clone()], &self.basic[self.signature.clone()]);
        candidate.public_key()?.verify_with(self.algorithm, signed, signature)?;
        Ok(Responder {
            certificate: candidate.clone(),
            delegated: !is_issuer,
            no_check: candidate.extensions().ocsp_no_check,
        })
    }
}

impl OcspStatement {
    fn read(element: &Element<'_>) -> Result<Self, OcspError> {
        let mut fields = element.inside()?;
        let id = CertId::read(&fields.read(tag::SEQUENCE, "certID")?)?;
        let status = CertificateStatus::read(&fields.any("certStatus")?)?;
        let this_update = x509_time(&fields.any("thisUpdate")?)?;
        let next_update = match fields.optional(tag::constructed(0))? {
            Some(field) => Some(x509_time(&field.inside()?.any("nextUpdate")?)?),
            None => None,
        };
        let mut archive_cutoff = None;
        if let Some(field) = fields.optional(tag::constructed(1))? {
            let list = field.inside()?.any("singleExtensions")?.inside()?;
            for extension in list.all(MAX_EXTENSIONS, "more than 64 extensions")? {
                let extension = Extension::read(&extension)?;
                if extension.oid == Some(oid::OCSP_ARCHIVE_CUTOFF) {
                    archive_cutoff = Some(x509_time(&Reader::ber(&extension.value).any("archiveCutoff")?)?);
                } else if extension.critical {
                    return Err(OcspError::UnknownCritical);
                }
            }
        }
        Ok(Self { id, status, this_update, next_update, archive_cutoff })
    }
}

impl CertificateStatus {
    fn read(element: &Element<'_>) -> Result<Self, OcspError> {
        const GOOD: u8 = tag::context(0);
        const REVOKED: u8 = tag::constructed(1);
        const UNKNOWN: u8 = tag::context(2);
        match element.tag {
            GOOD => Ok(Self::Good),
            UNKNOWN => Ok(Self::Unknown),
            REVOKED => {
                let mut fields = element.inside()?;
                let since = x509_time(&fields.any("revocationTime")?)?;
                let code = match fields.optional(tag::constructed(0))? {
                    Some(field) => field.inside()?.read(tag::ENUMERATED, "reason")?.number("reason")?,
                    None => 0,
                };
                // removeFromCRL has no meaning here; whatever it was meant to say, it is no "good".
                let reason = RevocationReason::from_code(code).unwrap_or(RevocationReason::Unspecified);
                Ok(Self::Revoked(Revocation { since, reason }))
            }
            _ => Err(OcspError::Malformed("certStatus")),
        }
    }
}

impl ResponderId {
    fn read(element: &Element<'_>, whole: &[u8]) -> Result<Self, Malformed> {
        const WHAT: &str = "responderID";
        const BY_NAME: u8 = tag::constructed(1);
        const BY_KEY: u8 = tag::constructed(2);
        let inner = element.inside()?.any(WHAT)?;
        match element.tag {
            BY_NAME => Ok(Self::Name(Name::read(&inner, whole)?)),
            BY_KEY if inner.is_octet_string() => Ok(Self::Key(inner.octets(WHAT)?.into_owned())),
            _ => Err(Malformed(WHAT)),
        }
    }

    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name.matches(certificate.subject_name()),
            // SHA-1 says the standard; responders of SM2 CAs write SM3.
            Self::Key(hash) => certificate.key_bits().is_ok_and(|bits| {
                [DigestAlg::Sha1, DigestAlg::Sm3, DigestAlg::Sha256].iter().any(|alg| alg.digest(bits) == *hash)
            }),
        }
    }
}

impl fmt::Display for ResponderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Key(hash) => write!(f, "with the key {}", hex::encode(hash.get(..20).unwrap_or(hash))),
        }
    }
}

/// Those that cannot be read are left out.
fn read_certificates(list: &Element<'_>) -> Result<Vec<Certificate>, Malformed> {
    let elements = list.inside()?.all(MAX_POOL, "more than 64 certificates")?;
    Ok(elements.iter().filter_map(|element| Certificate::from_der(element.bytes).ok()).collect())
}

impl PartialEq for OcspResponse {
    fn eq(&self, other: &Self) -> bool {
        self.basic == other.basic
    }
}

impl Eq for OcspResponse {}

impl fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OcspResponse({}, {}, {} certificates)", self.responder, self.produced_at, self.statements.len())
    }
}
