//! Certificates for tests of TLS.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;

/// An authority of its own for a test; all files are gone when it is dropped.
#[derive(Debug)]
pub struct TestCertificates {
    folder: TempDir,
    authority: Issuer<'static, KeyPair>,
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
    /// When the files can't be written.
    #[allow(clippy::expect_used)]
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name = name("test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(folder.path().join("ca.crt"), certificate.pem()).expect("a file");
        Self { folder, authority: Issuer::new(params, key) }
    }

    /// A certificate for `CN=<common name>, O=eseal`, for servers on this machine and clients alike. The same name again
    /// gives a new one in the same files.
    ///
    /// # Panics
    /// When the files can't be written.
    #[allow(clippy::expect_used)]
    pub fn issue(&self, common_name: &str) -> TestCertificate {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), common_name.to_owned()];
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = name(common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        let file = |ending: &str| self.folder().join(format!("{common_name}.{ending}"));
        let files =
            TestCertificate { ca_file: self.folder().join("ca.crt"), cert_file: file("crt"), key_file: file("key") };
        fs::write(&files.cert_file, certificate.pem()).expect("a file");
        fs::write(&files.key_file, key.serialize_pem()).expect("a file");
        files
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

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // In this order the subject is `CN=…,O=eseal` where it is written from its end, as NATS does.
    name.push(DnType::OrganizationName, "eseal");
    name.push(DnType::CommonName, common_name);
    name
}
