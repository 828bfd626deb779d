//! Answers questions about certificates.

use std::time::Duration;

use eseal_kernel::Timestamp;

use super::{CertId, CertificateStatus, NoAnswer, OcspError, OcspRequest};
use crate::algorithm;
use crate::asn1::{tag, writer};
use crate::certificate::Certificate;
use crate::crl::RevocationReason;
use crate::extensions;
use crate::oid;
use crate::suite::Signer;

/// A responder: the issuer itself, or somebody whom it made its responder. It has no clock and no list; both come with each
/// request.
pub struct OcspResponder<'a> {
    signer: &'a dyn Signer,
    certificate: &'a Certificate,
    issuer: &'a Certificate,
}

impl<'a> OcspResponder<'a> {
    /// A responder for the certificates of `issuer`. `certificate` is that of the signer: the issuer's own, or one that the
    /// issuer issued for this.
    ///
    /// # Errors
    /// [`OcspError::NotAuthorized`].
    pub fn try_new(
        signer: &'a dyn Signer,
        certificate: &'a Certificate,
        issuer: &'a Certificate,
    ) -> Result<Self, OcspError> {
        let delegated = certificate.has_eku(&oid::KP_OCSP_SIGNING) && certificate.verify_issued_by(issuer).is_ok();
        if certificate != issuer && !delegated {
            return Err(OcspError::NotAuthorized(certificate.subject()));
        }
        Ok(Self { signer, certificate, issuer })
    }

    /// Answers a request as received. `status` is asked for the serial numbers of the issuer's certificates, as
    /// [`Certificate::serial_hex`] has them; others are unknown. The answer may be relied upon for `validity`.
    ///
    /// # Errors
    /// [`OcspError::Sign`]. What is wrong with the request is in the answer.
    pub fn respond(
        &self,
        request: &[u8],
        status: impl Fn(&str) -> CertificateStatus,
        now: Timestamp,
        validity: Duration,
    ) -> Result<Vec<u8>, OcspError> {
        let request = match OcspRequest::from_der(request) {
            Ok(request) if request.ids.is_empty() => return Ok(no_answer(NoAnswer::MalformedRequest)),
            Ok(request) => request,
            Err(_) => return Ok(no_answer(NoAnswer::MalformedRequest)),
        };
        let statements: Vec<_> = request
            .ids
            .iter()
            .map(|id| {
                let known = id.is_of_issuer(self.issuer);
                let status = if known { status(&id.serial_hex()) } else { CertificateStatus::Unknown };
                statement(id, status, now, now.plus(validity))
            })
            .collect();
        let key = key_hash(self.certificate)?;
        let mut fields = vec![
            writer::explicit(2, &writer::octet_string(&key)),
            writer::generalized_time(now),
            writer::sequence(&statements),
        ];
        if let Some(nonce) = &request.nonce {
            let extension = extensions::write(&oid::OCSP_NONCE, false, nonce);
            fields.push(writer::explicit(1, &writer::sequence(&[extension])));
        }
        self.sign(&writer::sequence(&fields))
    }

    fn sign(&self, tbs: &[u8]) -> Result<Vec<u8>, OcspError> {
        let signature = self.signer.sign(tbs)?;
        self.certificate.public_key()?.verify(tbs, &signature)?;
        let mut parts = vec![tbs.to_vec(), algorithm::write_suite(self.signer.suite()), writer::bit_string(&signature)];
        if self.certificate != self.issuer {
            parts.push(writer::explicit(0, &writer::sequence(&[self.certificate.der()])));
        }
        let basic = writer::octet_string(&writer::sequence(&parts));
        let bytes = writer::sequence(&[writer::oid(&oid::OCSP_BASIC), basic]);
        Ok(writer::sequence(&[writer::tlv(tag::ENUMERATED, &[0]), writer::explicit(0, &bytes)]))
    }
}

/// SHA-1 of the key's bits (RFC 6960 §4.2.1), by which the responder names itself.
fn key_hash(certificate: &Certificate) -> Result<Vec<u8>, OcspError> {
    Ok(certificate.public_key()?.identifier().to_vec())
}

fn no_answer(why: NoAnswer) -> Vec<u8> {
    writer::sequence(&[writer::tlv(tag::ENUMERATED, &[why.code()])])
}

fn statement(id: &CertId, status: CertificateStatus, this_update: Timestamp, next_update: Timestamp) -> Vec<u8> {
    let status = match status {
        CertificateStatus::Good => writer::tlv(tag::context(0), &[]),
        CertificateStatus::Unknown => writer::tlv(tag::context(2), &[]),
        CertificateStatus::Revoked(revocation) => {
            let mut fields = writer::generalized_time(revocation.since);
            if revocation.reason != RevocationReason::Unspecified {
                let code = writer::tlv(tag::ENUMERATED, &[revocation.reason.code()]);
                fields.extend(writer::explicit(0, &code));
            }
            writer::tlv(tag::constructed(1), &fields)
        }
    };
    let this_update = writer::generalized_time(this_update);
    let next_update = writer::explicit(0, &writer::generalized_time(next_update));
    writer::sequence(&[id.der(), &status, &this_update, &next_update])
}
