//! Keys, certificates, chains and CMS in both suites: SM2/SM3, and P-256, P-384 or RSA with SHA-2.
//!
//! Pure: no clock, no file, no network. Times, roots and revocation lists come in with the call; random numbers come from the
//! operating system where a key or a signature is made.
//!
//! - [`suite`], [`signing_key`], [`public_key`]: what signs, and what checks a signature; [`Signer`] is the door to any
//!   private key
//! - [`digest_alg`]: digests by the names that documents use, computed in pieces
//! - [`certificate`]: one X.509 certificate as received
//! - [`chain`]: from a signer's certificate to a trusted root; [`crl`], [`ocsp`]: what was revoked; [`evidence`]: these gathered
//! - [`cms`]: signatures in PDF and in OFD's Type=Sign; [`tsp`]: time stamps
//! - [`challenge`]: what a card signs to prove that it is there; [`batch`]: a list of documents under one digest
//! - [`csr`], [`ca`]: asking for a certificate, and the small authority of development that grants it

mod algorithm;
mod asn1;
pub mod batch;
mod brainpool;
pub mod ca;
pub mod certificate;
pub mod chain;
pub mod challenge;
pub mod cms;
pub mod crl;
pub mod csr;
mod device;
pub mod digest_alg;
pub mod evidence;
mod extensions;
mod general_name;
mod international;
mod name;
mod name_constraints;
pub mod ocsp;
mod oid;
mod pem;
pub mod public_key;
mod rsa;
mod signature_value;
pub mod signing_key;
mod sm2_key;
mod subject;
pub mod suite;
mod template;
pub mod tsp;

pub use algorithm::SignatureAlgorithm;
pub use ca::DevelopmentCa;
pub use certificate::{Certificate, CertificateError};
pub use chain::{Chain, ChainError, PolicyDemand, Purpose, TrustStore};
pub use challenge::ChallengeStatement;
pub use cms::{CmsError, CmsSignature, SignedAttributes, SignedData};
pub use crl::{Crl, CrlError, DeltaCrl, Revocation, RevocationReason};
pub use csr::{CertificateRequest, RequestError};
pub use digest_alg::{DigestAlg, Hasher};
pub use evidence::Evidence;
pub use ocsp::{OcspError, OcspRequest, OcspResponse};
pub use oid::{InvalidOid, MAKER_EKU, Oid};
pub use public_key::{BadSignature, KeyError, PublicKey, SignatureForm};
pub use signing_key::{RsaBits, SigningKey, collect_randomness};
pub use subject::{InvalidSubject, Subject};
pub use suite::{SignError, Signer, Suite};
pub use tsp::{TimeStampRequest, TimeStampToken, TspError};
