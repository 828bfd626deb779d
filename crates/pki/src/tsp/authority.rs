//! Answers requests for time stamps.

use std::time::Duration;

use eseal_kernel::Timestamp;

use super::request::TimeStampRequest;
use super::response::{FailureInfo, TimeStampResponse};
use super::{TimeStampInfo, TspError};
use crate::algorithm;
use crate::asn1::{tag, writer};
use crate::ca::serial;
use crate::certificate::Certificate;
use crate::cms::{attribute, retagged};
use crate::crl::Crl;
use crate::digest_alg::DigestAlg;
use crate::evidence::Evidence;
use crate::oid::{self, Oid};
use crate::public_key::KeyError;
use crate::suite::Signer;

/// By how much the times may be off: they are cut to whole seconds.
const ACCURACY: Duration = Duration::from_secs(1);

/// A time stamping authority: a key with its certificate. It has no clock; the moment comes with each request.
pub struct TimeStampAuthority {
    signer: Box<dyn Signer>,
    certificate: Certificate,
    along: Evidence,
    policy: Oid,
}

impl TimeStampAuthority {
    /// An authority with this key. The certificates and lists of `along` go with each stamp, so that it can be checked without
    /// asking anybody.
    ///
    /// # Errors
    /// [`TspError::NotForTimeStamping`] where the certificate is not reserved for time stamping (RFC 3161 §2.3),
    /// [`TspError::Key`] where it certifies a key of another suite.
    pub fn try_new(
        signer: Box<dyn Signer>,
        certificate: Certificate,
        along: Evidence,
        policy: Oid,
    ) -> Result<Self, TspError> {
        if !certificate.is_reserved_for(&oid::KP_TIME_STAMPING) || !certificate.allows_signing() {
            return Err(TspError::NotForTimeStamping(certificate.subject()));
        }
        if certificate.public_key()?.suite() != Some(signer.suite()) {
            return Err(KeyError::Invalid.into());
        }
        Ok(Self { signer, certificate, along, policy })
    }

    /// The certificate that its stamps are checked with.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Answers a request as received, at the moment `now`. What is wrong with the request is in the answer.
    ///
    /// # Errors
    /// [`TspError::Key`] without random numbers, [`TspError::Sign`].
    pub fn respond(&self, request: &[u8], now: Timestamp) -> Result<TimeStampResponse, TspError> {
        let refused = |failure, text: String| Ok(TimeStampResponse::Refused { failure, text: Some(text) });
        let request = match TimeStampRequest::from_der(request) {
            Ok(request) => request,
            Err(error @ TspError::UnsupportedAlgorithm(_)) => return refused(FailureInfo::BadAlg, error.to_string()),
            Err(error) => return refused(FailureInfo::BadDataFormat, error.to_string()),
        };
        if request.digest.is_weak() {
            return refused(FailureInfo::BadAlg, format!("{} is not accepted", request.digest));
        }
        if request.unknown_extensions {
            return refused(FailureInfo::UnacceptedExtension, "no extension is known".to_owned());
        }
        if request.policy.is_some_and(|policy| policy != self.policy) {
            return refused(FailureInfo::UnacceptedPolicy, format!("the policy is {}", self.policy));
        }
        if now < self.certificate.not_before() || now.whole_seconds() > self.certificate.not_after() {
            return refused(FailureInfo::TimeNotAvailable, "the authority's certificate is not valid now".to_owned());
        }
        Ok(TimeStampResponse::Granted(self.stamp(&request, now)?))
    }

    fn stamp(&self, request: &TimeStampRequest, now: Timestamp) -> Result<Vec<u8>, TspError> {
        let info = TimeStampInfo {
            digest: request.digest,
            imprint: request.imprint.clone(),
            time: now.whole_seconds(),
            accuracy: Some(ACCURACY),
            ordering: false,
            policy: Some(self.policy),
            serial: serial()?.to_vec(),
            nonce: request.nonce.clone(),
            authority: None,
            unknown_critical: false,
        };
        let content = info.to_der(&self.policy);
        let along = if request.certificates { self.sent_along() } else { Vec::new() };
        self.sign(&content, &along)
    }

    /// The fields of SignedData with certificates and revocation lists, each a SET OF.
    fn sent_along(&self) -> Vec<u8> {
        let set = |number, mut values: Vec<&[u8]>| {
            values.sort_unstable();
            values.dedup();
            if values.is_empty() { Vec::new() } else { writer::explicit(number, &writer::concat(&values)) }
        };
        let issuers = self.along.certificates.iter().map(Certificate::der);
        let certificates = set(0, issuers.chain([self.certificate.der()]).collect());
        let lists = set(1, self.along.crls.iter().map(Crl::der).collect());
        [certificates, lists].concat()
    }

    /// SignedData around the statement (RFC 3161 §2.4.2).
    fn sign(&self, content: &[u8], along: &[u8]) -> Result<Vec<u8>, TspError> {
        let suite = self.signer.suite();
        let digest = suite.digest();
        let attributes = writer::set_of(vec![
            attribute(&oid::CONTENT_TYPE, &writer::oid(&oid::TST_INFO)),
            attribute(&oid::MESSAGE_DIGEST, &writer::octet_string(&digest.digest(content))),
            attribute(&oid::SIGNING_CERTIFICATE_V2, &signing_certificate(&self.certificate, digest)),
        ]);
        let signature = self.signer.sign(&attributes)?;
        self.certificate.public_key()?.verify(&attributes, &signature).map_err(|_| KeyError::Invalid)?;
        let signer = writer::sequence(&[
            writer::number(1),
            writer::sequence(&[self.certificate.raw_issuer(), &writer::tlv(tag::INTEGER, self.certificate.serial())]),
            algorithm::write_digest(digest),
            retagged(&attributes),
            algorithm::write_suite(suite),
            writer::octet_string(&signature),
        ]);
        let encapsulated =
            writer::sequence(&[writer::oid(&oid::TST_INFO), writer::explicit(0, &writer::octet_string(content))]);
        let signed_data = writer::sequence(&[
            writer::number(3), // RFC 5652 §5.1: the content is not plain data
            writer::set_of(vec![algorithm::write_digest(digest)]),
            encapsulated,
            along.to_vec(),
            writer::set_of(vec![signer]),
        ]);
        Ok(writer::sequence(&[writer::oid(&oid::PKCS7_SIGNED_DATA), writer::explicit(0, &signed_data)]))
    }
}

/// SigningCertificateV2 (RFC 5035 §3) by the digest of the suite; SHA-256 is the default and therefore left out.
fn signing_certificate(certificate: &Certificate, digest: DigestAlg) -> Vec<u8> {
    let mut id = Vec::new();
    if digest != DigestAlg::Sha256 {
        id.push(algorithm::write_digest(digest));
    }
    id.push(writer::octet_string(&digest.digest(certificate.der())));
    writer::sequence(&[writer::sequence(&[writer::sequence(&id)])])
}
