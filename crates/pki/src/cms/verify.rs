//! Checks one signature: that it is over this content, and that this certificate's key made it. Trust is another question.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal_kernel::Timestamp;

use crate::algorithm::{SignatureAlgorithm, read_digest};
use crate::asn1::{Element, Malformed, Reader, tag};
use crate::certificate::Certificate;
use crate::cms::read::{Attributes, SignerInfo};
use crate::cms::{CmsError, read::Encapsulated};
use crate::digest_alg::{DigestAlg, Hasher};
use crate::oid;
use crate::public_key::{PublicKey, SignatureForm};
use crate::signature_value;
use crate::tsp::TimeStampInfo;

/// A signature that holds: over the content that was shown, by the key of `certificate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CmsSignature {
    /// The signer's.
    pub certificate: Certificate,
    /// When the signer says to have signed: self-asserted.
    pub signing_time: Option<Timestamp>,
    /// When a time stamp says that the content existed; only where the structure is one ([`ContentForm::TimeStamp`]).
    pub time_stamp: Option<Timestamp>,
    /// The digest that binds the content. See [`DigestAlg::is_weak`].
    pub digest: DigestAlg,
    /// By which the signature value holds.
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
    /// ```
    /// # fn check(signer: &eseal_pki::cms::SignerInfo, content: &[u8]) -> Result<(), eseal_pki::CmsError> {
    /// let signature = signer.verify(|mut hasher| {
    ///     hasher.update(content);
    ///     hasher.finish()
    /// })?;
    /// # Ok(())
    /// # }
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
        let binding = Binding::find(&self.encapsulated, self.digest_alg()?, &mut hash)?;
        if let Some(attributes) = &self.attributes {
            self.check_digest(attributes, &mut hash)?; // which it takes no key for
        }
        let key = certificate.public_key()?;
        let (signature, form) = self.signature_value()?;
        let (algorithm, names_certificate) = match &self.attributes {
            Some(attributes) => {
                let algorithm = self.check_attributes(attributes, &key, &signature)?;
                (algorithm, names(attributes, certificate)?)
            }
            None => (self.check_content(&key, &signature, &mut hash)?, false),
        };
        Ok(CmsSignature {
            certificate: certificate.clone(),
            signing_time: self.signing_time(),
            time_stamp: binding.time_stamp,
            digest: binding.digest,
            algorithm,
            content: binding.form,
            form,
            names_certificate,
        })
    }

    /// The signature value as keys take it: SM2 as DER, also where it came as r‖s.
    fn signature_value(&self) -> Result<(Cow<'_, [u8]>, SignatureForm), CmsError> {
        let sm2 = self.algorithm()? == SignatureAlgorithm::Sm2Sm3;
        if sm2 && self.signature.len() == 64 && signature_value::to_fixed(&self.signature, 32).is_err() {
            return Ok((signature_value::to_der(&self.signature).into(), SignatureForm::Raw));
        }
        Ok((self.signature.as_slice().into(), SignatureForm::Der))
    }

    /// Whether the messageDigest of the attributes is that of the content (RFC 5652 §5.4).
    fn check_digest(&self, attributes: &Attributes, hash: &mut impl FnMut(Hasher) -> Vec<u8>) -> Result<(), CmsError> {
        let digest = self.digest_alg()?;
        let inside = self.encapsulated.content.as_deref();
        let found = inside.map_or_else(|| hash(digest.hasher()), |inside| digest.digest(inside));
        if attributes.message_digest()? == found { Ok(()) } else { Err(CmsError::ContentChanged) }
    }

    /// The signature over the attributes. Gives the algorithm by which it holds.
    fn check_attributes(
        &self,
        attributes: &Attributes,
        key: &PublicKey,
        signature: &[u8],
    ) -> Result<SignatureAlgorithm, CmsError> {
        let digest = self.digest_alg()?;
        let named = self.algorithm()?;
        // RFC 8419 §3.1 permits no other; one that does it all the same nobody should call good without a word.
        if named == SignatureAlgorithm::Ed448 && digest != DigestAlg::Shake256 {
            return Err(CmsError::UnsupportedAlgorithm(format!("{named} over {digest}")));
        }
        // Where the signature algorithm names another digest than the digest algorithm, producers disagree on which one counts.
        // And some name RSA for a key of another kind: the key says which it is.
        let candidates = [named, named.with_digest(digest), key.algorithm().with_digest(digest)];
        let holds = |algorithm: &SignatureAlgorithm| key.verify_with(*algorithm, &attributes.signed, signature).is_ok();
        candidates.into_iter().find(holds).ok_or(CmsError::BadSignature)
    }

    /// The signature over the content itself, with the signer's Z in front of it where the key is SM2.
    fn check_content(
        &self,
        key: &PublicKey,
        signature: &[u8],
        hash: &mut impl FnMut(Hasher) -> Vec<u8>,
    ) -> Result<SignatureAlgorithm, CmsError> {
        let algorithm = self.algorithm()?;
        if let Some(inside) = &self.encapsulated.content {
            key.verify_with(algorithm, inside, signature)?;
        } else {
            let hasher = key.message_hasher(algorithm);
            let hasher = hasher.ok_or_else(|| CmsError::UnsupportedAlgorithm(algorithm.to_string()))?;
            key.verify_prehash_with(algorithm, &hash(hasher), signature)?;
        }
        Ok(algorithm)
    }
}

/// How the content that was shown hangs together with the structure.
struct Binding {
    form: ContentForm,
    digest: DigestAlg,
    time_stamp: Option<Timestamp>,
}

impl Binding {
    /// Finds it, or says that the structure is about another content.
    fn find(
        encapsulated: &Encapsulated,
        digest: DigestAlg,
        hash: &mut impl FnMut(Hasher) -> Vec<u8>,
    ) -> Result<Self, CmsError> {
        let bound = |form, digest| Ok(Self { form, digest, time_stamp: None });
        let Some(inside) = encapsulated.content.as_deref() else { return bound(ContentForm::Detached, digest) };
        if encapsulated.content_type == Some(oid::TST_INFO) {
            let stamp = TimeStampInfo::read(inside)?;
            if hash(stamp.digest.hasher()) != stamp.imprint {
                return Err(CmsError::ContentChanged);
            }
            return Ok(Self { form: ContentForm::TimeStamp, digest: stamp.digest, time_stamp: Some(stamp.time) });
        }
        let shown = hash(digest.hasher());
        if digest.digest(inside) == shown {
            return bound(ContentForm::Attached, digest);
        }
        let base64: Vec<u8> = inside.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if inside == shown || STANDARD.decode(base64).is_ok_and(|decoded| decoded == shown) {
            return bound(ContentForm::Digest, digest);
        }
        // adbe.pkcs7.sha1 (ISO 32000-1 §12.8.3.3.1): SHA-1 of the document inside, whatever digest the signer then uses.
        if inside.len() == DigestAlg::Sha1.output_len() && hash(DigestAlg::Sha1.hasher()) == inside {
            return bound(ContentForm::Digest, DigestAlg::Sha1);
        }
        Err(CmsError::ContentChanged)
    }
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
