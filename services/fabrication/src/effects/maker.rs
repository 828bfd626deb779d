//! The service's own maker card, for fabrication without a workstation.

use std::path::Path;
use std::sync::Arc;

use eseal_card::{Card, CardAddress, CardError, CardKind, InvalidPin, Key, Pin, Tries};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, SignError, Signer as _, Suite};
use eseal_proto::seal::v1 as seal;

use crate::secret_file::{self, SecretFileError};

/// The service tries its PIN only while so many tries are left: a process that is started again and again with a wrong
/// one must not lock the card.
const FEWEST_TRIES: u8 = 3;

/// An unlocked maker card. Cheap to clone.
#[derive(Clone)]
pub struct OwnMaker(Arc<Parts>);

struct Parts {
    serial: String,
    certificate: Certificate,
    key: Key,
}

/// Why the service's own maker card can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MakerKeyError {
    /// The card can't be opened.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The PIN file can't be used.
    #[error("the PIN file: {0}")]
    PinFile(#[from] SecretFileError),
    /// The PIN file holds no PIN.
    #[error("the PIN file: {0}")]
    Pin(#[from] InvalidPin),
    /// It is a holder's card.
    #[error("it is no maker card")]
    NotAMakerCard,
    /// Wrong PINs were tried.
    #[error(
        "tries of its PIN were used up ({0} left), and the rest is kept for people: see to the PIN and unlock it once"
    )]
    FewTries(Tries),
    /// The card has no SM2 key with a certificate.
    #[error("the card has no SM2 key with a certificate")]
    NoKey,
}

impl std::fmt::Debug for OwnMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnMaker").field(&self.0.serial).finish()
    }
}

impl OwnMaker {
    /// Unlocks the card with the PIN in a file. Blocks.
    ///
    /// # Errors
    /// [`MakerKeyError`].
    pub fn open(card: &CardAddress, pin_file: &Path) -> Result<Self, MakerKeyError> {
        let card = Card::open(card)?;
        if card.kind() != CardKind::Maker {
            return Err(MakerKeyError::NotAMakerCard);
        }
        let pin = Pin::try_new(std::mem::take(&mut *secret_file::read(pin_file)?))?;
        match card.tries_left()? {
            left if left.is_locked() => return Err(CardError::PinLocked.into()),
            left @ Tries::Exactly(number) if number < FEWEST_TRIES => return Err(MakerKeyError::FewTries(left)),
            // Tokens that don't count for us say no more than this (PKCS #11).
            left @ Tries::Fewer => return Err(MakerKeyError::FewTries(left)),
            Tries::Exactly(_) | Tries::Untold => {}
        }
        let unlocked = card.unlock(&pin)?;
        let key = unlocked.signer(Suite::Sm2Sm3).ok_or(MakerKeyError::NoKey)?;
        let certificate = card.certificate(Suite::Sm2Sm3)?.ok_or(MakerKeyError::NoKey)?;
        Ok(Self(Arc::new(Parts { serial: card.serial().to_owned(), certificate, key })))
    }

    /// The card's serial.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// Signs what was decoded and checked. Blocks.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.key.sign(message)
    }

    /// The proof of its key for `statement`. Blocks.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn prove(&self, statement: &ChallengeStatement) -> Result<seal::SignedStatement, SignError> {
        let statement = statement.encode().map_err(|invalid| SignError::Device(invalid.to_string()))?;
        let signature = self.sign(&statement)?;
        Ok(seal::SignedStatement { statement, signature, certificate: self.0.certificate.der().to_vec() })
    }
}
