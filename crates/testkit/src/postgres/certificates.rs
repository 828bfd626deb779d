//! TLS of the server: an authority of its own, made anew in each folder.

use std::io;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::program::{Owner, write_private};

/// The authority's certificate: what clients are to trust.
pub(super) const CA: &str = "ca.crt";
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";

/// Which setting of the server names which file.
pub(super) const SETTINGS: [(&str, &str); 2] = [("ssl_cert_file", CERTIFICATE), ("ssl_key_file", KEY)];

/// Writes the files, unless they are there.
pub(super) fn write(folder: &Path, owner: Option<Owner>) -> io::Result<()> {
    if folder.join(KEY).exists() {
        return Ok(());
    }
    let (ca, certificate, key) = make().map_err(io::Error::other)?;
    std::fs::write(folder.join(CA), ca)?;
    std::fs::write(folder.join(CERTIFICATE), certificate)?;
    write_private(&folder.join(KEY), key.as_bytes(), owner)
}

/// The authority's certificate, the server's, and the server's key.
fn make() -> Result<(String, String, String), rcgen::Error> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.distinguished_name.push(DnType::CommonName, "PostgreSQL for tests: authority");
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "PostgreSQL for tests");
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?;
    Ok((ca.pem(), certificate.pem(), key.serialize_pem()))
}
