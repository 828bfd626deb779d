//! The value of a signature while it is made: what the key signs, and the structure around what it gave.

use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, Suite};
use eseal_seal::{SealError, SesSignature, ToSign};

use super::request::{SealForm, SealingRequest};
use crate::{DocumentError, token};

/// `propertyInfo` of a seal signature must say what is protected (GB/T 38540-2020 §7.1), in ASCII: the entry of the signature
/// dictionary that says so.
const PROTECTED: &str = "/ByteRange";

/// A signature value that lacks what the key gives.
pub(crate) enum Signing {
    Pades { attributes: Box<SignedAttributes>, chain: Vec<Certificate>, time_stamp_room: usize },
    Gm { to_sign: Vec<u8>, signer: Certificate },
}

impl Signing {
    /// What the signer's key signs with.
    ///
    /// # Errors
    /// [`DocumentError::Unsupported`] where key, digest and form do not go together.
    pub(crate) fn suite(request: &SealingRequest<'_>) -> Result<Suite, DocumentError> {
        let unsupported = |what: String| DocumentError::Unsupported { what };
        let of_key = request.signer.public_key().ok().and_then(|key| key.suite());
        let suite = match (request.options.form, of_key) {
            (SealForm::Pades, Some(suite)) if suite != Suite::Sm2Sm3 => suite,
            (SealForm::Pades, _) => {
                return Err(unsupported(
                    "a PDF is sealed with a P-256, P-384 or RSA certificate, or in its Chinese form, and this one is none \
                     of these"
                        .to_owned(),
                ));
            }
            (SealForm::Gm, Some(Suite::Sm2Sm3)) => Suite::Sm2Sm3,
            (SealForm::Gm, _) => {
                return Err(unsupported("the Chinese form of a PDF seal needs an SM2 certificate".to_owned()));
            }
        };
        let Some(digest) = request.options.digest else { return Ok(suite) };
        suite.with_digest(digest).ok_or_else(|| unsupported(format!("{suite} keys do not sign over {digest}")))
    }

    /// Bytes that the value will have at most: its real structure around the longest signature.
    ///
    /// # Errors
    /// As [`Signing::new`].
    pub(crate) fn room(request: &SealingRequest<'_>, suite: Suite) -> Result<usize, DocumentError> {
        let longest = request.signer.public_key().ok().and_then(|key| key.longest_signature());
        let longest = longest.ok_or(DocumentError::SigningFailed)?;
        let digest = vec![0; suite.digest().output_len()];
        let token = Some(request.options.time_stamp_room).filter(|room| *room > 0).map(|room| vec![0; room]);
        let value = Self::new(request, suite, &digest)?.around(&vec![0; longest], token.as_deref())?;
        Ok(value.len())
    }

    /// The value for a document with this digest.
    ///
    /// # Errors
    /// [`DocumentError::Unsupported`], [`DocumentError::SealUnusable`].
    pub(crate) fn new(request: &SealingRequest<'_>, suite: Suite, digest: &[u8]) -> Result<Self, DocumentError> {
        match request.options.form {
            SealForm::Pades => {
                let attributes = SignedAttributes::try_new(request.signer, digest, suite)
                    .map_err(|error| DocumentError::Unsupported { what: error.to_string() })?;
                let time_stamp_room = request.options.time_stamp_room;
                Ok(Self::Pades { attributes: Box::new(attributes), chain: request.chain.to_vec(), time_stamp_room })
            }
            SealForm::Gm if request.options.time_stamp_room > 0 => {
                Err(DocumentError::Unsupported { what: "a time stamp in the Chinese form of a PDF seal".to_owned() })
            }
            SealForm::Gm => {
                let to_sign = ToSign {
                    seal_der: request.seal.seal().der().to_vec(),
                    time: request.time,
                    data_hash: digest.try_into().map_err(|_| DocumentError::SigningFailed)?,
                    property_info: PROTECTED.to_owned(),
                    extensions: Vec::new(),
                };
                Ok(Self::Gm { to_sign: to_sign.to_der().map_err(unusable)?, signer: request.signer.clone() })
            }
        }
    }

    /// What the key signs.
    pub(crate) fn to_sign(&self) -> &[u8] {
        match self {
            Self::Pades { attributes, .. } => attributes.to_be_signed(),
            Self::Gm { to_sign, .. } => to_sign,
        }
    }

    /// The whole value, once the signature and the token are known to hold.
    ///
    /// # Errors
    /// [`DocumentError::SigningFailed`], [`DocumentError::TimeStampRefused`].
    pub(crate) fn finish(&self, signature: &[u8], token: Option<&[u8]>) -> Result<Vec<u8>, DocumentError> {
        let holds = match self {
            Self::Pades { attributes, .. } => attributes.check(signature),
            Self::Gm { to_sign, signer } => {
                let key = signer.public_key().map_err(|_| DocumentError::SigningFailed)?;
                key.verify(to_sign, signature)
            }
        };
        holds.map_err(|_| DocumentError::SigningFailed)?;
        if let Some(token) = token {
            let room = match self {
                Self::Pades { time_stamp_room, .. } => *time_stamp_room,
                Self::Gm { .. } => 0,
            };
            token::must_fit(token, room)?;
            token::must_be_over_value(token, signature)?;
        }
        self.around(signature, token)
    }

    fn around(&self, signature: &[u8], token: Option<&[u8]>) -> Result<Vec<u8>, DocumentError> {
        match self {
            Self::Pades { attributes, chain, .. } => Ok(attributes.finish_with(signature, chain, token)),
            Self::Gm { to_sign, signer } => SesSignature::assemble(to_sign, signer, signature).map_err(unusable),
        }
    }
}

fn unusable(error: SealError) -> DocumentError {
    DocumentError::SealUnusable { what: error.to_string() }
}
