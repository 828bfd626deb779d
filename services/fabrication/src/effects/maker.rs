//! The service's own maker card, for fabrication without a workstation.

use std::path::Path;
use std::sync::Arc;

use eseal_card::{CardError, CardKey, InvalidPin, Pin, SoftCard};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, SignError, Signer as _, Suite};
use eseal_proto::seal::v1 as seal;

/// An unlocked maker card. Cheap to clone.
#[derive(Clone)]
pub struct OwnMaker(Arc<Parts>);

struct Parts {
    serial: String,
    certificate: Certificate,
    key: CardKey,
}

/// Why the service's own maker card can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MakerKeyError {
    /// The card can't be opened.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The PIN file can't be read.
    #[error("the PIN file can't be read: {0}")]
    PinFile(#[from] std::io::Error),
    /// The PIN file holds no PIN.
    #[error("the PIN file: {0}")]
    Pin(#[from] InvalidPin),
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
    pub fn open(card_file: &Path, pin_file: &Path) -> Result<Self, MakerKeyError> {
        let card = SoftCard::open(card_file)?;
        let pin = Pin::try_new(std::fs::read_to_string(pin_file)?.trim().to_owned())?;
        let unlocked = card.unlock(&pin)?;
        let key = unlocked.signer(Suite::Sm2Sm3).ok_or(MakerKeyError::NoKey)?;
        let certificate = card.certificate(Suite::Sm2Sm3)?.ok_or(MakerKeyError::NoKey)?;
        Ok(Self(Arc::new(Parts { serial: card.serial().to_owned(), certificate, key })))
    }

    /// The card's serial.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// Signs what it has decoded and checked. Blocks.
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
