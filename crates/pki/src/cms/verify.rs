//! Checks one signature: that it is over this content, and that this certificate's key made it. Trust is another question.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal_kernel::Timestamp;

use crate::algorithm::{SignatureAlgorithm, read_digest};
use crate::asn1::{Element, Malformed, Reader, tag};
use crate::certificate::Certificate;
use crate::cms::read::{Attributes, SignerInfo};
use crate::cms::time_stamp::TimeStampInfo;
use crate::cms::{CmsError, read::Encapsulated};
use crate::digest_alg::{DigestAlg, Hasher};
use crate::oid;
use crate::public_key::{BadSignature, PublicKey, SignatureForm};
use crate::signature_value;

/// A signature that holds: over the content that was shown, by the key of `certificate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CmsSignature {
    /// The signer's.
    pub certificate: Certificate,
    /// When the signer says to have signed: self-asserted.
    pub signing_time: Option<Timestamp>,
    /// When a time stamp says that the content existed; only where the structure is one ([`ContentForm::TimeStamp`]).
    pub time_stamp: Option<Timestamp>,
    /// The digest of the content. See [`DigestAlg::is_weak`].
    pub digest: DigestAlg,
    /// How the signature value was computed.
    pub algorithm: SignatureAlgorithm,
    /// How the content is bound to the structure.
    pub content: ContentForm,
    /// [`SignatureForm::Raw`]: an SM2 value that is not DER, worth a note.
    pub form: SignatureForm,
    /// Whether the signature itself says which certificate is its signer's (ESS signing-certificate), as CAdES asks for.
    pub names_certificate: bool,
}

/// How the content is bound to a CMS structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentForm {
    /// It lies outside, and the signature or messageDigest is over it.
    Detached,
    /// It lies inside as a whole.
    Attached,
    /// Its digest lies inside as the content (`adbe.pkcs7.sha1`, `GM.sm2cms.detached`), in binary or as Base64.
    Digest,
    /// A time stamp about it lies inside.
    TimeStamp,
}

impl SignerInfo {
    /// Checks the signature over a content that `hash` feeds to the hashers it is given, once or several times.
    ///
    /// ```ignore
    /// let signature = signer.verify(|mut hasher| { hasher.update(content); hasher.finish() })?;
    /// ```
    ///
    /// A hasher is handed out instead of the name of an algorithm because SM2 signatures without attributes put the signer's Z
    /// in front of the content.
    pub fn verify(&self, hash: impl FnMut(Hasher) -> Vec<u8>) -> Result<CmsSignature, CmsError> {
        let certificate = self.certificate.as_ref().ok_or(CmsError::NoCertificate)?;
        self.verify_with(certificate, hash)
    }

    /// The same with a certificate that was found elsewhere.
    pub fn verify_with(
        &self,
        certificate: &Certificate,
        mut hash: impl FnMut(Hasher) -> Vec<u8>,
    ) -> Result<CmsSignature, CmsError> {
        let digest = self.digest_alg()?;
        let algorithm = self.algorithm()?;
        let key = certificate.public_key()?;
        let (content, time_stamp) = bind_content(&self.encapsulated, digest, &mut hash)?;
        let inside = self.encapsulated.content.as_deref();
        let (signature, form) = self.signature_value(algorithm);

        let mut names_certificate = false;
        match &self.attributes {
            Some(attributes) => {
                let found = inside.map_or_else(|| hash(digest.hasher()), |inside| digest.digest(inside));
                if attributes.message_digest()? != found {
                    return Err(CmsError::ContentChanged);
                }
                verify_attributes(&key, algorithm, digest, &attributes.signed, &signature)?;
                names_certificate = names(attributes, certificate)?;
            }
            None => match inside {
                Some(inside) => key.verify_with(algorithm, inside, &signature)?,
                None => {
                    let hasher = key.message_hasher(algorithm);
                    let hasher = hasher.ok_or_else(|| CmsError::UnsupportedAlgorithm(algorithm.to_string()))?;
                    key.verify_prehash_with(algorithm, &hash(hasher), &signature)?;
                }
            },
        }
        Ok(CmsSignature {
            certificate: certificate.clone(),
            signing_time: self.signing_time(),
            time_stamp,
            digest,
            algorithm,
            content,
            form,
            names_certificate,
        })
    }

    /// The signature value as keys take it: SM2 as DER, also where it came as r‖s.
    fn signature_value(&self, algorithm: SignatureAlgorithm) -> (Cow<'_, [u8]>, SignatureForm) {
        if algorithm == SignatureAlgorithm::Sm2Sm3 && self.signature.len() == 64 {
            return (signature_value::to_der(&self.signature).into(), SignatureForm::Raw);
        }
        (self.signature.as_slice().into(), SignatureForm::Der)
    }
}

/// Whether the content that was shown is the one that the structure is about.
fn bind_content(
    encapsulated: &Encapsulated,
    digest: DigestAlg,
    hash: &mut impl FnMut(Hasher) -> Vec<u8>,
) -> Result<(ContentForm, Option<Timestamp>), CmsError> {
    let Some(inside) = encapsulated.content.as_deref() else { return Ok((ContentForm::Detached, None)) };
    if encapsulated.content_type == Some(oid::TST_INFO) {
        let stamp = TimeStampInfo::read(inside)?;
        let holds = hash(stamp.digest.hasher()) == stamp.imprint;
        return if holds { Ok((ContentForm::TimeStamp, Some(stamp.time))) } else { Err(CmsError::ContentChanged) };
    }
    let shown = hash(digest.hasher());
    if digest.digest(inside) == shown {
        return Ok((ContentForm::Attached, None));
    }
    let decoded = STANDARD.decode(inside.trim_ascii()).unwrap_or_default();
    if inside == shown || decoded == shown {
        return Ok((ContentForm::Digest, None));
    }
    // adbe.pkcs7.sha1 (ISO 32000-1 §12.8.3.3.1): SHA-1 of the document inside, whatever digest the signer then uses.
    if inside.len() == DigestAlg::Sha1.output_len() && hash(DigestAlg::Sha1.hasher()) == inside {
        return Ok((ContentForm::Digest, None));
    }
    Err(CmsError::ContentChanged)
}

/// The signature over the attributes. Where the signature algorithm names another digest than the signer's digest algorithm,
/// producers and verifiers disagree on which one counts; either is accepted.
fn verify_attributes(
    key: &PublicKey,
    algorithm: SignatureAlgorithm,
    digest: DigestAlg,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    let by_digest = match algorithm {
        SignatureAlgorithm::Ecdsa(_) => SignatureAlgorithm::Ecdsa(digest),
        SignatureAlgorithm::RsaPkcs1(_) => SignatureAlgorithm::RsaPkcs1(digest),
        other => other,
    };
    key.verify_with(algorithm, signed, signature).or_else(|error| {
        if by_digest == algorithm { Err(error) } else { key.verify_with(by_digest, signed, signature) }
    })
}

/// Whether the attributes name this certificate as the signer's; an error when they name another (RFC 5035 §5.4).
fn names(attributes: &Attributes, certificate: &Certificate) -> Result<bool, CmsError> {
    for (oid, default) in
        [(oid::SIGNING_CERTIFICATE_V2, DigestAlg::Sha256), (oid::SIGNING_CERTIFICATE, DigestAlg::Sha1)]
    {
        if !attributes.has(&oid) {
            continue;
        }
        const WHAT: &str = "the attribute signingCertificate";
        let value = attributes.value(&oid).ok_or(CmsError::Malformed(WHAT))?;
        let ids = Reader::ber(value).any(WHAT)?.inside()?.any(WHAT)?;
        let mut first = ids.inside()?.any(WHAT)?.inside()?; // the first one is the signer's
        let digest = match first.optional(tag::SEQUENCE)? {
            Some(algorithm) => read_digest(&algorithm)?,
            None => default,
        };
        let hash = hash_value(&first.any(WHAT)?)?;
        if hash != digest.digest(certificate.der()) {
            return Err(CmsError::OtherCertificate);
        }
        return Ok(true);
    }
    Ok(false)
}

fn hash_value<'a>(element: &Element<'a>) -> Result<Cow<'a, [u8]>, Malformed> {
    element.octets("the attribute signingCertificate")
}
