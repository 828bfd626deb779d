//! Keys, certificates, chains and CMS in both suites: SM2/SM3, and P-256 or RSA with SHA-256.
//!
//! Pure: no clock, no file, no network. Times, roots and revocation lists come in with the call; random numbers come from the
//! operating system where a key or a signature is made.
//!
//! - [`suite`], [`signing_key`], [`public_key`]: what signs, and what checks a signature; [`Signer`] is the door to any private key
//! - [`digest_alg`]: digests by the names that documents use, computed in pieces
//! - [`certificate`]: one X.509 certificate as received

mod algorithm;
mod asn1;
pub mod certificate;
pub mod digest_alg;
mod extensions;
mod international;
mod name;
mod oid;
mod pem;
pub mod public_key;
pub mod signing_key;
mod sm2_key;
pub mod suite;

pub use algorithm::SignatureAlgorithm;
pub use certificate::{Certificate, CertificateError};
pub use digest_alg::{DigestAlg, Hasher};
pub use oid::{MAKER_EKU, Oid};
pub use public_key::{BadSignature, KeyError, PublicKey, SignatureForm};
pub use signing_key::SigningKey;
pub use suite::{SignError, Signer, Suite};
