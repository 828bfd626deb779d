//! Requests for certificates (PKCS #10, RFC 2986): a name and a key, signed with that key.

use std::fmt;
use std::ops::Range;

use crate::algorithm::{self, AlgorithmError, SignatureAlgorithm};
use crate::asn1::{Malformed, Reader, span, tag, writer};
use crate::name::Name;
use crate::pem;
use crate::public_key::{BadSignature, KeyError, PublicKey};
use crate::subject::{InvalidSubject, Subject};
use crate::suite::{SignError, Signer};

/// Bytes of the longest request that is read: 64 KiB.
const MAX_REQUEST: usize = 64 * 1024;
const LABEL: &str = "CERTIFICATE REQUEST";

/// A request for a certificate.
#[derive(Clone)]
pub struct CertificateRequest {
    der: Vec<u8>,
    /// CertificationRequestInfo, header included: what was signed.
    info: Range<usize>,
    subject: Name,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
    signature: Range<usize>,
}

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not the structure of RFC 2986; the text names the part.
    #[error("not a certificate request: {0}")]
    Malformed(&'static str),
    /// The key in it cannot be used.
    #[error("the key of the request cannot be used: {0}")]
    Key(#[from] KeyError),
    /// It was signed with an algorithm that this crate does not know.
    #[error("the signature algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// The name cannot stand in a request.
    #[error(transparent)]
    Subject(#[from] InvalidSubject),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<Malformed> for RequestError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.0)
    }
}

impl From<AlgorithmError> for RequestError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Malformed(error) => error.into(),
            AlgorithmError::Unsupported(what) => Self::UnsupportedAlgorithm(what),
        }
    }
}

impl CertificateRequest {
    /// Asks for a certificate for `public_key`, whose private half `signer` holds.
    pub fn create(subject: &Subject, signer: &dyn Signer, public_key: &PublicKey) -> Result<Self, RequestError> {
        let info = writer::sequence(&[
            writer::number(0),
            subject.to_der()?,
            public_key.to_spki_der(),
            writer::explicit(0, &[]), // no attributes
        ]);
        let signature = signer.sign(&info)?;
        let algorithm = algorithm::write_suite(signer.suite());
        Self::from_der(&writer::sequence(&[info, algorithm, writer::bit_string(&signature)]))
    }

    /// Reads a request; [`CertificateRequest::verify`] says whether whoever asks has the key.
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        const WHAT: &str = "the outer structure";
        if der.len() > MAX_REQUEST {
            return Err(RequestError::Malformed("more than 64 KiB"));
        }
        let mut outer = Reader::der(der).single(tag::SEQUENCE, WHAT)?.inside()?;
        let info = outer.read(tag::SEQUENCE, "certificationRequestInfo")?;
        let algorithm = SignatureAlgorithm::read(&outer.any("signatureAlgorithm")?, None)?;
        let signature = outer.any("signature")?.bit_string("signature")?;
        outer.finish(WHAT)?;

        let mut fields = info.inside()?;
        fields.read(tag::INTEGER, "version")?;
        let subject = Name::read(&fields.any("subject")?, der)?;
        let public_key = PublicKey::from_spki_der(fields.read(tag::SEQUENCE, "subjectPKInfo")?.bytes)?;
        fields.optional(tag::constructed(0))?; // attributes: nothing that a requester wishes decides anything here
        fields.finish("something behind the attributes")?;
        let (info, signature) = (span(der, info.bytes), span(der, signature));
        Ok(Self { info, subject, public_key, algorithm, signature, der: der.to_vec() })
    }

    /// Reads the first request of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RequestError> {
        let der = pem::decode_all(LABEL, pem).next().flatten().ok_or(RequestError::Malformed("no PEM block"))?;
        Self::from_der(&der)
    }

    /// The request as one PEM block.
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, &self.der)
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The name that is asked for, for people.
    pub fn subject(&self) -> String {
        self.subject.to_string()
    }

    /// The key to be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether the request was signed with the private half of its own key: proof of possession.
    pub fn verify(&self) -> Result<(), BadSignature> {
        self.public_key.verify_with(self.algorithm, &self.der[self.info.clone()], &self.der[self.signature.clone()])
    }
}

impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateRequest({}, {:?})", self.subject, self.public_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SigningKey, Suite};

    #[test]
    fn a_request_proves_the_possession_of_its_key() {
        for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
            let key = SigningKey::generate(suite).expect("a key");
            let request =
                CertificateRequest::create(&Subject::named("甲"), &key, &key.public_key()).expect("a request");
            let read = CertificateRequest::from_pem(request.to_pem().as_bytes()).expect("the same request");
            assert_eq!(read.verify(), Ok(()), "{suite}");
            assert_eq!(read.subject(), "CN=甲, C=CN");
            assert_eq!(read.public_key(), &key.public_key());
        }
    }

    #[test]
    fn a_request_for_the_key_of_another_proves_nothing() {
        let own = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
        let others = SigningKey::generate(Suite::Sm2Sm3).expect("a key").public_key();
        let request = CertificateRequest::create(&Subject::named("a"), &own, &others).expect("a request");
        assert_eq!(request.verify(), Err(BadSignature));
    }

    #[test]
    fn names_that_are_empty_huge_or_have_control_characters_are_refused() {
        let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
        for name in [String::new(), "章".repeat(4_000_000), "a\0b".to_owned()] {
            let refused = CertificateRequest::create(&Subject::named(&name), &key, &key.public_key());
            assert!(matches!(refused, Err(RequestError::Subject(InvalidSubject))));
        }
    }
}
