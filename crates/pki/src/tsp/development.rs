//! A time stamping authority for development, demonstrations and tests, which says so in its certificates.

use std::time::Duration;

use eseal_kernel::Timestamp;
use zeroize::Zeroizing;

use super::authority::TimeStampAuthority;
use super::response::TimeStampResponse;
use super::{TimeStampToken, TspError};
use crate::ca::{CaError, DevelopmentCa};
use crate::certificate::Certificate;
use crate::chain::Purpose;
use crate::crl::Crl;
use crate::evidence::Evidence;
use crate::oid::Oid;
use crate::pem;
use crate::public_key::KeyError;
use crate::signing_key::SigningKey;
use crate::suite::Suite;

/// The common name of every development authority's certificate: whoever looks at a stamp sees what it is worth.
pub const DEVELOPMENT_TSA_NAME: &str = "Development time stamps, for tests only";
const ROOT_NAME: &str = "Development time stamps, for tests only: root";
/// Five years.
const VALIDITY: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);
const KEY_LABEL: &str = "PRIVATE KEY";

/// The policy of development stamps: they prove nothing. `2.25.` and the integer value of the UUID
/// 15426e40-21ba-4b44-9696-945e0a0bd8b0 (ITU-T X.667), which was drawn for this purpose.
const POLICY: Oid = Oid::literal("2.25.28258715650243555520395745221935880368");

/// An authority with a root of its own. Its names and its policy say that it is for development; there is no way to give it
/// others.
pub struct DevelopmentTsa {
    authority: TimeStampAuthority,
    root: Certificate,
    list: Crl,
    key: Zeroizing<Vec<u8>>,
}

/// Everything that a development authority consists of, as PEM texts.
pub struct TsaFiles {
    /// PKCS #8, not encrypted.
    pub key: Zeroizing<String>,
    /// The authority's certificate.
    pub certificate: String,
    /// The root to trust for it.
    pub root: String,
    /// What that root had revoked when it certified the authority: nothing, and it will never be able to.
    pub crl: String,
}

impl DevelopmentTsa {
    /// Makes an authority of SM2 or P-256 with a new root, whose key is thrown away.
    ///
    /// # Errors
    /// [`TspError::Key`]: RSA keys are made by tokens only.
    pub fn create(suite: Suite, now: Timestamp) -> Result<Self, TspError> {
        let ca = DevelopmentCa::create(suite, ROOT_NAME, Purpose::Holder, now).map_err(unmade)?;
        Self::under(&ca, now, VALIDITY)
    }

    /// Makes an authority under a root that exists, valid from `now` on for `validity`.
    ///
    /// # Errors
    /// As [`DevelopmentTsa::create`].
    pub fn under(ca: &DevelopmentCa, now: Timestamp, validity: Duration) -> Result<Self, TspError> {
        let suite = ca.certificate().public_key()?.suite().ok_or(KeyError::Invalid)?;
        let key = SigningKey::generate(suite)?;
        let certificate =
            ca.issue_time_stamper(&key.public_key(), DEVELOPMENT_TSA_NAME, validity, now).map_err(unmade)?;
        let list = ca.crl_until(now, certificate.not_after()).map_err(unmade)?;
        Self::try_new(key, certificate, ca.certificate().clone(), list)
    }

    fn try_new(key: SigningKey, certificate: Certificate, root: Certificate, list: Crl) -> Result<Self, TspError> {
        if certificate.public_key()? != key.public_key() {
            return Err(KeyError::Invalid.into());
        }
        if certificate.common_name().as_deref() != Some(DEVELOPMENT_TSA_NAME) {
            // The key of this file would then be somebody's real one, or stamps would look like somebody's real ones.
            return Err(TspError::OtherAuthority);
        }
        let pkcs8 = key.to_pkcs8_der();
        let along = Evidence { certificates: vec![root.clone()], crls: vec![list.clone()], ocsps: Vec::new() };
        let authority = TimeStampAuthority::try_new(Box::new(key), certificate, along, POLICY)?;
        Ok(Self { authority, root, list, key: pkcs8 })
    }

    /// The root to trust for its stamps.
    pub fn root(&self) -> &Certificate {
        &self.root
    }

    /// What it signs with.
    pub fn suite(&self) -> Option<Suite> {
        self.certificate().public_key().ok().and_then(|key| key.suite())
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &Certificate {
        self.authority.certificate()
    }

    /// Answers a request as received.
    ///
    /// # Errors
    /// As [`TimeStampAuthority::respond`].
    pub fn respond(&self, request: &[u8], now: Timestamp) -> Result<TimeStampResponse, TspError> {
        self.authority.respond(request, now)
    }

    /// Stamps these bytes, without a request.
    ///
    /// # Errors
    /// As [`TimeStampAuthority::respond`].
    pub fn stamp(&self, content: &[u8], now: Timestamp) -> Result<TimeStampToken, TspError> {
        let digest = self.suite().ok_or(KeyError::Invalid)?.digest();
        let request = super::TimeStampRequest::about(content, digest)?;
        self.respond(&request.to_der(), now)?.accept(&request)
    }

    /// The authority as texts to be stored: the key in a place that only its owner can read.
    pub fn to_files(&self) -> TsaFiles {
        TsaFiles {
            key: Zeroizing::new(pem::encode(KEY_LABEL, &self.key)),
            certificate: self.certificate().to_pem(),
            root: self.root.to_pem(),
            crl: self.list.to_pem(),
        }
    }

    /// The authority that was stored as these texts.
    ///
    /// # Errors
    /// [`TspError::OtherAuthority`] where the certificate is not one of a development authority; [`TspError::Key`],
    /// [`TspError::Certificate`], [`TspError::NotForTimeStamping`].
    pub fn from_files(files: &TsaFiles) -> Result<Self, TspError> {
        let pkcs8 = pem::decode_all(KEY_LABEL, files.key.as_bytes()).next().flatten();
        let key = SigningKey::from_pkcs8_der(&pkcs8.ok_or(KeyError::Malformed("no PEM block PRIVATE KEY"))?)?;
        let certificate = Certificate::from_pem(files.certificate.as_bytes())?;
        let root = Certificate::from_pem(files.root.as_bytes())?;
        certificate.verify_issued_by(&root)?;
        let list = Crl::from_pem(files.crl.as_bytes()).map_err(|_| TspError::Malformed("the revocation list"))?;
        Self::try_new(key, certificate, root, list)
    }
}

fn unmade(error: CaError) -> TspError {
    match error {
        CaError::Key(error) => error.into(),
        CaError::Sign(error) => error.into(),
        CaError::Certificate(error) => error.into(),
        CaError::Subject(_) | CaError::NoPossession | CaError::Crl(_) | CaError::Ocsp(_) | CaError::OtherKey => {
            KeyError::Invalid.into()
        }
    }
}
