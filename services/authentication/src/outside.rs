//! Systems of others that secrets are sent to: their addresses, and the files that say who we are.

use std::io::Read as _;
use std::path::Path;

use eseal_service::private_file::is_private;
use reqwest::{Certificate, Url};
use zeroize::Zeroizing;

/// Bytes of the longest file with a token or certificates.
const MAX_FILE: u64 = 256 << 10;

/// An address that secrets may be sent to.
///
/// # Errors
/// Why it is none, for people.
pub fn address(url: &str) -> Result<Url, String> {
    let address: Url = url.parse().map_err(|_| "url: it is no address".to_owned())?;
    let is_here = address.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
    let is_plain = !address.username().is_empty() || address.query().is_some() || address.fragment().is_some();
    match address.scheme() {
        _ if is_plain => Err("url: it has a user, a query or a fragment".to_owned()),
        "https" => Ok(address),
        "http" if is_here => Ok(address),
        _ => Err("url: https:// is needed, but for one on this machine".to_owned()),
    }
}

/// The bytes of a file; of one with a secret only where nobody else can read it.
///
/// # Errors
/// Why it can't be used, for people.
pub fn file(path: &Path, is_secret: bool) -> Result<Zeroizing<Vec<u8>>, String> {
    let unreadable = |error: std::io::Error| unusable(path, error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if is_secret && !is_private(&metadata) {
        return Err(format!("{} can be read by others than its owner: set its mode to 0600", path.display()));
    }
    if metadata.len() > MAX_FILE {
        return Err(format!("{} is too long", path.display()));
    }
    // Room for a key behind a certificate as well, so that nothing is left behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize * 2));
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// The authorities in a file, PEM.
///
/// # Errors
/// Why it can't be used, for people.
pub fn roots(path: &Path) -> Result<Vec<Certificate>, String> {
    Certificate::from_pem_bundle(&file(path, false)?).map_err(|error| unusable(path, error))
}

/// A file that can't be used, for people.
pub fn unusable(path: &Path, error: impl std::error::Error) -> String {
    format!("{} can't be used: {}", path.display(), chain(&error))
}

/// An error with what caused it.
pub fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain(cause)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_sent_in_the_clear_over_a_network() {
        for url in ["https://kms.example/v1", "http://127.0.0.1:7500/v1/", "http://localhost/", "http://[::1]:1"] {
            assert!(address(url).is_ok(), "{url}");
        }
        for url in ["http://kms.example", "ftp://kms.example", "kms", "https://a:b@kms.example", "https://kms/?a=b"] {
            assert!(address(url).is_err(), "{url}");
        }
    }
}
