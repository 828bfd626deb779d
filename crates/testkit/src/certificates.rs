//! Certificates for tests of TLS, by the makers of those of a development system.

use std::path::{Path, PathBuf};

use eseal_devpki::{DevPki, Request};
use eseal_kernel::Clock;
use tempfile::TempDir;

/// The end of every name in a certificate.
const DOMAIN: &str = ".eseal";

/// An authority of its own for a test; all files are gone when it is dropped.
#[derive(Debug)]
pub struct TestCertificates {
    folder: TempDir,
    authority: DevPki,
}

/// The files of one certificate.
#[derive(Debug, Clone)]
pub struct TestCertificate {
    /// The authority.
    pub ca_file: PathBuf,
    /// The certificate.
    pub cert_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

impl TestCertificates {
    /// A new authority.
    ///
    /// # Panics
    /// Without random numbers or a temporary folder.
    #[allow(clippy::expect_used)]
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { folder, authority: DevPki::try_new(Clock::System).expect("an authority") }
    }

    /// A certificate for `CN=<name>,O=eseal`, where the name ends with `.eseal`, for servers on this machine and clients
    /// alike. The same name again gives a new one in the same files.
    ///
    /// # Panics
    /// When the files can't be written.
    #[allow(clippy::expect_used)]
    pub fn issue(&self, name: &str) -> TestCertificate {
        let stem = name.strip_suffix(DOMAIN).expect("a name that ends with .eseal");
        let folder = self.authority.store(self.folder(), stem, &Request::default()).expect("a certificate");
        let file = |name: &str| folder.join(name);
        TestCertificate { ca_file: file("ca.crt"), cert_file: file("tls.crt"), key_file: file("tls.key") }
    }

    /// Where the files lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Default for TestCertificates {
    fn default() -> Self {
        Self::new()
    }
}
