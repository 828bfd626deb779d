//! The service's own maker card, for fabrication without a workstation.

use std::path::Path;

use eseal_card::{CardAddress, CardError, CardKind, Drivers, InvalidPin, KeptCard, Pin};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, SignError, Suite};
use eseal_proto::seal::v1 as seal;
use eseal_service::private_file::{SecretFileError, secret};

/// An unlocked maker card, opened again when its driver is gone. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OwnMaker(KeptCard);

/// Why the service's own maker card can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MakerKeyError {
    /// The card can't be opened or unlocked, is a holder's, or has no SM2 key with a certificate.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The PIN file can't be used.
    #[error("the PIN file: {0}")]
    PinFile(#[from] SecretFileError),
    /// The PIN file holds no PIN.
    #[error("the PIN file: {0}")]
    Pin(#[from] InvalidPin),
    /// The system does not tell where this program is, which drives the card.
    #[error("the card's driver can't be started: {0}")]
    Driver(std::io::Error),
}

impl OwnMaker {
    /// Unlocks the card with the PIN in a file. Blocks.
    ///
    /// # Errors
    /// [`MakerKeyError`].
    pub fn open(card: &CardAddress, pin_file: &Path) -> Result<Self, MakerKeyError> {
        let pin = Pin::try_new(std::mem::take(&mut *secret(pin_file)?))?;
        let drivers = Drivers::this_program().map_err(MakerKeyError::Driver)?;
        Ok(Self(KeptCard::open(card, pin, (CardKind::Maker, Suite::Sm2Sm3), drivers)?))
    }

    /// The card's serial.
    pub fn serial(&self) -> &str {
        self.0.serial()
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        self.0.certificate()
    }

    /// Signs what was decoded and checked. Blocks.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        self.0.sign(message)
    }

    /// The proof of its key for `statement`. Blocks.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn prove(&self, statement: &ChallengeStatement) -> Result<seal::SignedStatement, CardError> {
        let invalid = |error: &dyn std::fmt::Display| CardError::Signing(SignError::Device(error.to_string()));
        let statement = statement.encode().map_err(|error| invalid(&error))?;
        let signature = self.sign(&statement)?;
        Ok(seal::SignedStatement { statement, signature, certificate: self.certificate().der().to_vec() })
    }
}
