//! An authority as texts.

use eseal_kernel::Timestamp;
use zeroize::Zeroizing;

use super::{Addresses, CaError, DevelopmentCa};
use crate::certificate::Certificate;
use crate::crl::Crl;
use crate::pem;
use crate::public_key::KeyError;
use crate::signing_key::SigningKey;

const KEY_LABEL: &str = "PRIVATE KEY";

/// Everything that an authority consists of, as three PEM texts.
pub struct CaFiles {
    /// PKCS #8, not encrypted.
    pub key: Zeroizing<String>,
    /// Its certificate, and behind it those above up to the root. That it lists [`crate::MAKER_EKU`] makes it a maker authority.
    pub certificate: String,
    /// The revocation list.
    pub crl: String,
}

impl DevelopmentCa {
    /// The authority as texts to be stored: the key in a place that only its owner can read.
    ///
    /// # Errors
    /// As [`DevelopmentCa::crl`].
    pub fn to_files(&self, now: Timestamp) -> Result<CaFiles, CaError> {
        let certificates = std::iter::once(&self.certificate).chain(&self.above);
        Ok(CaFiles {
            key: Zeroizing::new(pem::encode(KEY_LABEL, &self.key.to_pkcs8_der())),
            certificate: certificates.map(Certificate::to_pem).collect(),
            crl: self.crl(now)?.to_pem(),
        })
    }

    /// The authority that was stored as these texts; it names no addresses.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn from_files(files: &CaFiles) -> Result<Self, CaError> {
        let pkcs8 = pem::decode_all(KEY_LABEL, files.key.as_bytes()).next().flatten();
        let key = SigningKey::from_pkcs8_der(&pkcs8.ok_or(KeyError::Malformed("no PEM block PRIVATE KEY"))?)?;
        let mut above = Certificate::many_from_pem(files.certificate.as_bytes())?;
        let certificate = above.remove(0);
        if certificate.public_key()? != key.public_key() {
            return Err(CaError::OtherKey);
        }
        let crl = Crl::from_pem(files.crl.as_bytes())?;
        crl.verify(&certificate)?;
        let revocations = crl.revocations().collect();
        let (addresses, released) = (Addresses::default(), Vec::new());
        Ok(Self { key, certificate, above, addresses, revocations, released })
    }
}
