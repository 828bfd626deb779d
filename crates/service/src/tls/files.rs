//! The three files, read and judged one by one, so that an error names the one that is wrong.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use eseal_kernel::Timestamp;
use eseal_pki::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::TlsConfig;

/// The most bytes of one file.
const MAX: u64 = 1 << 20;

/// Why TLS can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("the TLS file {} can't be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("the TLS file {} can't be used: {why}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never what is in it.
        why: String,
    },
    /// The key is not that of the certificate.
    #[error("the key in {} is not that of the certificate in {}", .key.display(), .certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The certificate's time is over, or has not come.
    #[error("the certificate in {} is good from {not_before} to {not_after} only", .path.display())]
    OutOfTime {
        /// The file.
        path: PathBuf,
        /// From when it is good.
        not_before: Timestamp,
        /// Until when.
        not_after: Timestamp,
    },
    /// The library refuses its own settings.
    #[error("the library for TLS failed")]
    Library(#[source] rustls::Error),
}

impl TlsError {
    fn unusable(path: &Path, why: impl ToString) -> Self {
        Self::Unusable { path: path.to_owned(), why: why.to_string() }
    }

    pub(super) fn trust(config: &TlsConfig, error: &rustls::server::VerifierBuilderError) -> Self {
        Self::unusable(&config.ca_file, error)
    }
}

/// The bytes of the three files, to tell whether they have changed.
#[derive(PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    ca: Vec<u8>,
}

impl Contents {
    pub(super) fn read(config: &TlsConfig) -> Result<Self, TlsError> {
        let key = Zeroizing::new(read(&config.key_file)?);
        Ok(Self { certificate: read(&config.cert_file)?, key, ca: read(&config.ca_file)? })
    }

    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn ca(&self) -> &[u8] {
        &self.ca
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(MAX + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX { Err(TlsError::unusable(path, "it is larger than 1 MiB")) } else { Ok(content) }
}

/// The certificates of a file, at least one.
pub(crate) fn chain(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = read.map_err(|error| TlsError::unusable(path, error))?;
    if certificates.is_empty() {
        return Err(TlsError::unusable(path, "there is no certificate (CERTIFICATE) in it"));
    }
    Ok(certificates)
}

pub(crate) fn key(path: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    // What the reader says might show a part of the key.
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| TlsError::unusable(path, "there is no private key (PRIVATE KEY) in it"))
}

pub(crate) fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path, pem)? {
        roots.add(certificate).map_err(|error| TlsError::unusable(path, error))?;
    }
    Ok(roots)
}

/// From when to when the first certificate is good, if that is now.
pub(super) fn validity(
    path: &Path,
    chain: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), TlsError> {
    let first = chain.first().map(AsRef::as_ref).unwrap_or_default();
    let certificate = Certificate::from_der(first).map_err(|error| TlsError::unusable(path, error))?;
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if now < not_before || not_after < now {
        return Err(TlsError::OutOfTime { path: path.to_owned(), not_before, not_after });
    }
    Ok((not_before, not_after))
}

/// Which of the two files is at fault when certificate and key don't make a pair.
pub(super) fn unusable(config: &TlsConfig, error: &rustls::Error) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { key: config.key_file.clone(), certificate: config.cert_file.clone() }
        }
        rustls::Error::InvalidCertificate(_) => TlsError::unusable(&config.cert_file, error),
        _ => TlsError::unusable(&config.key_file, "the private key is of no kind that is known"),
    }
}
