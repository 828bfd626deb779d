//! A time stamp as it is kept, and whether it holds.

use std::fmt;

use eseal_kernel::Timestamp;

use super::{MAX_TOKEN, TimeStampInfo, TimeStampResponse, TspError};
use crate::algorithm::SignatureAlgorithm;
use crate::asn1::{Reader, tag};
use crate::certificate::Certificate;
use crate::chain::{self, Chain, TrustStore};
use crate::cms::{CmsError, SignedData, SignerInfo};
use crate::digest_alg::{DigestAlg, Hasher};
use crate::evidence::Evidence;
use crate::oid;

/// A TimeStampToken: a signed [`TimeStampInfo`], kept as received.
#[derive(Clone)]
pub struct TimeStampToken {
    der: Vec<u8>,
    data: SignedData,
    info: TimeStampInfo,
}

/// A time stamp whose signature holds. Whether its authority is to be trusted is another question:
/// [`VerifiedTimeStamp::chain`].
#[derive(Debug, Clone)]
pub struct VerifiedTimeStamp {
    /// The authority's certificate.
    pub certificate: Certificate,
    /// When the bytes existed, says the authority.
    pub time: Timestamp,
    /// The latest moment that this time can stand for.
    pub latest: Timestamp,
    /// By which the signature value holds.
    pub algorithm: SignatureAlgorithm,
    /// The weaker of the digests that bind the bytes to the stamp and the stamp to its signature.
    pub digest: DigestAlg,
    certificates: Vec<Certificate>,
}

impl TimeStampToken {
    /// Reads a token. Zero bytes behind it, with which PDF fills up the space for one, are passed over.
    ///
    /// # Errors
    /// [`TspError::TooLarge`], [`TspError::Malformed`], [`TspError::UnsupportedAlgorithm`], [`TspError::Cms`].
    pub fn from_der(der: &[u8]) -> Result<Self, TspError> {
        // The zeros count for nothing: some producers leave megabytes of room.
        let filled = der.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if filled > MAX_TOKEN {
            return Err(TspError::TooLarge);
        }
        let data = SignedData::from_der(der)?;
        let content = data.content().filter(|_| data.is_time_stamp());
        let info = TimeStampInfo::read(content.ok_or(TspError::Malformed("its content is no time stamp"))?)?;
        let mut outer = Reader::ber(der);
        let der = outer.read(tag::SEQUENCE, "contentInfo")?.bytes.to_vec();
        Ok(Self { der, data, info })
    }

    /// Reads a token, or the whole answer of an authority with one in it: producers of OFD keep either.
    ///
    /// # Errors
    /// As [`TimeStampToken::from_der`]; [`TspError::Refused`].
    pub fn from_token_or_response(der: &[u8]) -> Result<Self, TspError> {
        let not_a_token = match Self::from_der(der) {
            Ok(token) => return Ok(token),
            Err(error) => error,
        };
        match TimeStampResponse::from_der(der) {
            Ok(TimeStampResponse::Granted(token)) => Self::from_der(&token),
            Ok(TimeStampResponse::Refused { failure, text }) => Err(TspError::Refused { failure, text }),
            Err(_) => Err(not_a_token),
        }
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What it states.
    pub fn info(&self) -> &TimeStampInfo {
        &self.info
    }

    /// The certificates that came along.
    pub fn certificates(&self) -> &[Certificate] {
        self.data.certificates()
    }

    /// Everything about certificates that came along, in all the places that there are for it.
    pub fn evidence(&self) -> Evidence {
        self.data.evidence()
    }

    /// Whether it is about the bytes that `hash` feeds to the hasher it is given.
    ///
    /// # Errors
    /// [`TspError::OtherContent`].
    pub fn check_imprint(&self, hash: impl FnOnce(Hasher) -> Vec<u8>) -> Result<(), TspError> {
        if hash(self.info.digest.hasher()) == self.info.imprint { Ok(()) } else { Err(TspError::OtherContent) }
    }

    /// Whether it is about these bytes.
    ///
    /// # Errors
    /// [`TspError::OtherContent`].
    pub fn is_about(&self, content: &[u8]) -> Result<(), TspError> {
        self.check_imprint(|mut hasher| {
            hasher.update(content);
            hasher.finish()
        })
    }

    /// Checks the signature over the statement (RFC 3161 §2.4.2): one signer, who is named by the signed ESS attribute, is an
    /// authority for time stamps by a critical extKeyUsage, and was valid at the stated time. The authority's certificate is
    /// taken from the token or from `pool`. Not the imprint: [`TimeStampToken::check_imprint`]; not trust:
    /// [`VerifiedTimeStamp::chain`].
    ///
    /// # Errors
    /// [`TspError`]: the first thing that is wrong.
    pub fn verify(&self, pool: &[Certificate]) -> Result<VerifiedTimeStamp, TspError> {
        if self.info.unknown_critical {
            return Err(TspError::UnknownCritical);
        }
        let [signer] = self.data.signers() else { return Err(TspError::Signers(self.data.signers().len())) };
        let certificate = signer.certificate().cloned().or_else(|| signer.certificate_among(pool));
        let certificate = certificate.ok_or(CmsError::NoCertificate)?;
        check_content_type(signer)?;
        let signature = signer.verify_with(&certificate, |_| self.info.imprint.clone())?;
        if !signature.names_certificate {
            return Err(TspError::NoAttribute("signingCertificate"));
        }
        if !certificate.is_reserved_for(&oid::KP_TIME_STAMPING) || !certificate.allows_signing() {
            return Err(TspError::NotForTimeStamping(certificate.subject()));
        }
        if self.info.authority.as_ref().is_some_and(|name| !name.matches(certificate.subject_name())) {
            return Err(TspError::OtherAuthority);
        }
        let digests = [Some(self.info.digest), signer.digest_alg().ok(), signature.algorithm.digest()];
        let weakest = digests.into_iter().flatten().find(|digest| digest.is_weak());
        Ok(VerifiedTimeStamp {
            time: self.info.time,
            latest: self.info.latest(),
            algorithm: signature.algorithm,
            digest: weakest.unwrap_or(self.info.digest),
            certificates: self.certificates().iter().chain(pool).take(chain::MAX_POOL).cloned().collect(),
            certificate,
        })
    }
}

/// The signed attribute contentType says that it is a time stamp (RFC 5652 §11.1): else a signature over another kind of
/// content could be passed off as one.
fn check_content_type(signer: &SignerInfo) -> Result<(), TspError> {
    const MISSING: TspError = TspError::NoAttribute("contentType");
    let attributes = signer.attributes.as_ref().ok_or(MISSING)?;
    let value = attributes.value(&oid::CONTENT_TYPE).ok_or(MISSING)?;
    let named = Reader::ber(value).read(tag::OID, "contentType")?.oid();
    if named == Some(oid::TST_INFO) { Ok(()) } else { Err(MISSING) }
}

impl VerifiedTimeStamp {
    /// The chain from the authority to one of `roots`, all of which was valid at the stated time.
    ///
    /// # Errors
    /// [`TspError::Untrusted`].
    pub fn chain(&self, roots: &TrustStore) -> Result<Chain, TspError> {
        let chain = chain::build(&self.certificate, &self.certificates, roots)?;
        chain.check_authorities(&oid::KP_TIME_STAMPING)?;
        chain.valid_at(self.time)?;
        Ok(chain)
    }
}

impl fmt::Debug for TimeStampToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeStampToken({}, {} {})", self.info.time, self.info.digest, hex::encode(&self.info.imprint))
    }
}
