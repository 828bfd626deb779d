//! The TLS certificates of a development system: a small CA in a folder, and certificates by name.
//!
//! **For development and tests only.** The CA's key lies unprotected beside what it signs, there is no revocation, and
//! whoever can read the folder can be any service. A production system has a CA of its own (cert-manager, Vault, an
//! enterprise PKI) that issues certificates of the same form: the DNS name `<name>.eseal`, the subject
//! `CN=<name>.eseal,O=eseal`, for servers and clients alike.
//!
//! ```text
//! pki/ca.crt  pki/ca.key
//! pki/application/tls.crt  pki/application/tls.key  pki/application/ca.crt
//! pki/gateway/…
//! ```

mod error;
mod files;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_kernel::{Clock, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use zeroize::Zeroizing;

pub use error::DevPkiError;

/// Who has a certificate in a development system, unless other names are asked for.
pub const NAMES: [&str; 10] = [
    "application",
    "fabrication",
    "authentication",
    "verification",
    "gateway",
    "nats",
    "postgres",
    "setup",
    "integrator",
    "probe",
];

/// How long certificates are good.
pub const LIFETIME: Duration = Duration::from_secs(365 * 86_400);
/// How long the CA is good.
const CA_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Clocks of other machines may be behind ours.
const BACKDATED: Duration = Duration::from_secs(3_600);
/// The end of every name: `application.eseal`.
const DOMAIN: &str = "eseal";

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its private key in PKCS#8 form.
    pub key: Zeroizing<String>,
}

/// What a certificate is to say besides its name.
#[derive(Debug, Clone)]
pub struct Request {
    /// DNS names and addresses besides `<name>.eseal`, `<name>`, `localhost` and the two loopback addresses.
    pub extra: Vec<String>,
    /// How long it is good.
    pub lifetime: Duration,
}

impl Default for Request {
    fn default() -> Self {
        Self { extra: Vec::new(), lifetime: LIFETIME }
    }
}

/// A CA of a development system. Its certificates are all of one form, so that a folder is as good as memory.
#[derive(Debug)]
pub struct DevPki {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    clock: Clock,
}

impl DevPki {
    /// A new CA, in memory.
    ///
    /// # Errors
    /// [`DevPkiError::Cryptography`] without random numbers.
    pub fn try_new(clock: Clock) -> Result<Self, DevPkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let params = authority(clock.now());
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate, clock })
    }

    /// Makes the CA of `folder`, with a certificate for each of `names`.
    ///
    /// # Errors
    /// [`DevPkiError::Exists`] if there is one in it; [`DevPkiError::Name`]; [`DevPkiError::File`].
    pub fn create(folder: &Path, names: &[&str], clock: Clock) -> Result<Self, DevPkiError> {
        if files::ca_key(folder).exists() {
            return Err(DevPkiError::Exists(folder.to_owned()));
        }
        names.iter().try_for_each(|name| check(name))?;
        let pki = Self::try_new(clock)?;
        files::write(&files::ca_certificate(folder), pki.certificate.as_bytes(), files::Mode::Open)?;
        let key = Zeroizing::new(pki.issuer.key().serialize_pem());
        // The key comes last: a folder with it has all of its CA.
        files::write(&files::ca_key(folder), key.as_bytes(), files::Mode::Private)?;
        for name in names {
            pki.store(folder, name, &Request::default())?;
        }
        Ok(pki)
    }

    /// The CA in `folder`.
    ///
    /// # Errors
    /// [`DevPkiError::Missing`], [`DevPkiError::File`], [`DevPkiError::Cryptography`].
    pub fn open(folder: &Path, clock: Clock) -> Result<Self, DevPkiError> {
        let certificate = files::read(&files::ca_certificate(folder))?.to_string();
        let key = KeyPair::from_pem(&files::read(&files::ca_key(folder))?)?;
        // An issuer is known by its name and key alone, and both are always the same.
        Ok(Self { issuer: Issuer::new(authority(clock.now()), key), certificate, clock })
    }

    /// The CA's certificate, as PEM.
    pub fn ca_certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for `<name>.eseal`, with a new key.
    ///
    /// # Errors
    /// [`DevPkiError::Name`], [`DevPkiError::Cryptography`].
    pub fn issue(&self, name: &str, request: &Request) -> Result<Pair, DevPkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let params = leaf(name, request, self.clock.now())?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Pair { certificate, key: Zeroizing::new(key.serialize_pem()) })
    }

    /// Issues a certificate and puts it into `folder/<name>`, over one that is there: a rotation. Each file is replaced as
    /// a whole, the key first.
    ///
    /// # Errors
    /// [`DevPkiError`].
    pub fn store(&self, folder: &Path, name: &str, request: &Request) -> Result<PathBuf, DevPkiError> {
        let Pair { certificate, key } = self.issue(name, request)?;
        let own = folder.join(name);
        files::write(&own.join("ca.crt"), self.certificate.as_bytes(), files::Mode::Open)?;
        files::write(&own.join("tls.key"), key.as_bytes(), files::Mode::Private)?;
        files::write(&own.join("tls.crt"), certificate.as_bytes(), files::Mode::Open)?;
        Ok(own)
    }
}

fn authority(now: Timestamp) -> CertificateParams {
    let mut params = valid(now, CA_LIFETIME);
    params.distinguished_name = subject("eseal development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(name: &str, request: &Request, now: Timestamp) -> Result<CertificateParams, DevPkiError> {
    check(name)?;
    let mut params = valid(now, request.lifetime);
    params.distinguished_name = subject(&format!("{name}.{DOMAIN}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let own = [format!("{name}.{DOMAIN}"), name.to_owned()];
    let machine = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let names = own.iter().chain(&machine).chain(&request.extra);
    params.subject_alt_names = names.map(|name| alternative(name)).collect::<Result<_, _>>()?;
    Ok(params)
}

fn valid(now: Timestamp, lifetime: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    let seconds = u64::try_from(now.seconds()).unwrap_or_default();
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = now - BACKDATED;
    params.not_after = now + lifetime;
    params
}

/// NATS knows its users by this, as `CN=<name>.eseal,O=eseal`: rcgen writes the attributes in this order.
fn subject(common_name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, DOMAIN);
    subject.push(DnType::CommonName, common_name);
    subject
}

fn alternative(name: &str) -> Result<SanType, DevPkiError> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into().map_err(|_| DevPkiError::Name(name.to_owned()))?)),
    }
}

/// A name is one label of a DNS name (RFC 1035 §2.3.1): it is also the name of a folder.
fn check(name: &str) -> Result<(), DevPkiError> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = name.chars().all(|c| letter(c) || c == '-');
    if inner && name.starts_with(letter) && name.ends_with(letter) && name.len() <= 50 {
        Ok(())
    } else {
        Err(DevPkiError::Name(name.to_owned()))
    }
}
