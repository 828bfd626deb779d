//! What a client sends, read and checked with cryptography, as the findings that the rules decide on. Pure.

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::cms::{SignedAttributes, SignedData};
use eseal_pki::{Certificate, Suite};
use eseal_seal::{SesSignature, ToSign};

use crate::domain::command::{Signature, Signed, Statement};

/// What a card's proof says; none if it is no statement, or was not signed by the certificate's key.
pub fn statement(statement: &[u8], signature: &[u8], certificate: &Certificate) -> Option<Statement> {
    let key = certificate.public_key().ok()?;
    let said = ChallengeStatement::verified(statement, signature, &key).ok()?;
    Some(Statement {
        audience: said.audience,
        purpose: said.purpose,
        attempt_id: said.attempt_id,
        seal_id: said.seal_id.unwrap_or_default(),
        document_digest: said.document_digest,
        nonce: hex::encode(said.nonce),
        expires_at: said.expires_at,
    })
}

/// What a signature says and by whom: a SES_Signature (OFD) or a detached CMS (PDF). None if it is neither, or its value
/// does not hold. A CMS names a document only to those who know its digest, so the expected one is given.
pub fn signature(der: &[u8], expected: Digest) -> Option<Signature> {
    match SesSignature::from_der(der) {
        Ok(signature) => seal_signature(&signature),
        Err(_) => cms_signature(der, expected),
    }
}

fn seal_signature(signature: &SesSignature) -> Option<Signature> {
    signature.verify_value().ok()?;
    let certificate = signature.certificate().filter(|_| signature.signer_in_list())?;
    let content = Signed {
        document_digest: Digest::try_from(signature.data_hash()).ok()?,
        seal_digest: Some(Digest::of(signature.seal().der())),
        time: Some(signature.time()?),
    };
    Some(Signature { content, certificate: certificate.fingerprint() })
}

fn cms_signature(der: &[u8], expected: Digest) -> Option<Signature> {
    let data = SignedData::from_der(der).ok()?;
    let [signer] = data.signers() else { return None };
    // Without attributes the value would be over the document itself, and with a content inside over something else.
    if !signer.has_signed_attributes() || data.content().is_some() {
        return None;
    }
    let signature = signer.verify(|_| expected.bytes().to_vec()).ok()?;
    let suite = signature.certificate.public_key().ok()?.suite()?;
    if signature.digest != suite.digest() || !signature.names_certificate {
        return None;
    }
    let content = Signed { document_digest: expected, seal_digest: None, time: signature.signing_time };
    Some(Signature { content, certificate: signature.certificate.fingerprint() })
}

/// What a hosted key is asked to sign: TBS_Sign for an OFD, or the signed attributes of a CMS for a PDF. None unless it is
/// exactly one of them and says nothing else, so that the key signs nothing that nobody read.
pub fn to_be_signed(der: &[u8], certificate: &Certificate, expected: Digest) -> Option<Signed> {
    seal_to_be_signed(der).or_else(|| attributes_to_be_signed(der, certificate, expected))
}

fn seal_to_be_signed(der: &[u8]) -> Option<Signed> {
    let to_sign = ToSign::from_der(der).ok()?;
    if to_sign.to_der().ok()? != der {
        return None;
    }
    Some(Signed {
        document_digest: Digest::from_bytes(to_sign.data_hash),
        seal_digest: Some(Digest::of(&to_sign.seal_der)),
        time: Some(to_sign.time),
    })
}

/// Attributes that differ in nothing from those that follow from the certificate and the digest.
fn attributes_to_be_signed(der: &[u8], certificate: &Certificate, expected: Digest) -> Option<Signed> {
    let suite = certificate.public_key().ok()?.suite()?;
    let attributes = SignedAttributes::try_new(certificate, expected.bytes(), suite).ok()?;
    let same = attributes.to_be_signed() == der;
    same.then_some(Signed { document_digest: expected, seal_digest: None, time: None })
}

/// The statement that proves a hosted key to another service: built here from terms that were checked, never taken from a
/// caller.
pub struct Possession {
    /// Whom it is for.
    pub audience: String,
    /// What it is for.
    pub purpose: String,
    /// The run that it belongs to.
    pub attempt_id: String,
    /// The seal to be.
    pub seal_id: String,
    /// Of the service that asks.
    pub nonce: Vec<u8>,
    /// Its last moment.
    pub expires_at: Timestamp,
}

impl Possession {
    /// The bytes to sign; none if a term can't stand in a statement.
    pub fn encode(self) -> Option<Vec<u8>> {
        let statement = ChallengeStatement {
            audience: self.audience,
            purpose: self.purpose,
            attempt_id: self.attempt_id,
            seal_id: Some(self.seal_id),
            document_digest: None,
            nonce: self.nonce,
            expires_at: self.expires_at,
        };
        statement.encode().ok()
    }
}

/// Which of a hosted key's pairs a certificate is for.
pub fn suite_of(certificate: &Certificate) -> Option<Suite> {
    certificate.public_key().ok()?.suite()
}
