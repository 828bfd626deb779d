//! A card of whichever kind whose PIN was right.

use std::fmt;

use eseal_pki::{Certificate, PublicKey, SignError, Signer, Suite};

use crate::card::Card;
use crate::device_card::{DeviceKey, UnlockedDevice};
use crate::driver::wire::KeyKind;
use crate::error::CardError;
use crate::stored::is_for;
use crate::unlocked::{CardKey, Unlocked};
use crate::{MAX_CERTIFICATE, MAX_SEAL};

/// An unlocked card. Stays unlocked until it and its keys are dropped, as a token stays logged in.
pub struct Opened {
    card: Card,
    kept: Kept,
}

enum Kept {
    Soft(Unlocked),
    Device(UnlockedDevice),
}

/// A private key of an unlocked card: signs, and is never given out. Many may sign with one at once.
#[derive(Debug, Clone)]
pub struct Key(KeptKey);

#[derive(Debug, Clone)]
enum KeptKey {
    Soft(CardKey),
    Device(DeviceKey),
}

impl Opened {
    pub(crate) const fn soft(card: Card, unlocked: Unlocked) -> Self {
        Self { card, kept: Kept::Soft(unlocked) }
    }

    pub(crate) const fn device(card: Card, unlocked: UnlockedDevice) -> Self {
        Self { card, kept: Kept::Device(unlocked) }
    }

    /// The card, for what needs no PIN.
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// The private key of a suite. An RSA key signs in each suite of RSA.
    pub fn signer(&self, suite: Suite) -> Option<Key> {
        match &self.kept {
            Kept::Soft(unlocked) => unlocked.signer(suite).map(|key| Key(KeptKey::Soft(key))),
            Kept::Device(unlocked) => unlocked.signer(suite).map(|key| Key(KeptKey::Device(key))),
        }
    }

    /// The public half of a key pair.
    pub fn public_key(&self, suite: Suite) -> Option<PublicKey> {
        self.signer(suite).map(|key| key.public_key())
    }

    /// Makes a key pair on the card. Its private half never leaves a device.
    ///
    /// # Errors
    /// The card has one of that kind already, or makes none of that kind.
    pub fn generate(&mut self, key: KeyKind) -> Result<(), CardError> {
        match &mut self.kept {
            Kept::Soft(unlocked) => match key.rsa_bits() {
                None => unlocked.generate(key.suite()),
                Some(_) => Err(CardError::NotOffered("RSA keys".to_owned())),
            },
            Kept::Device(unlocked) => unlocked.generate(key),
        }
    }

    /// Puts the certificate of a key pair onto the card, in place of an earlier one.
    ///
    /// # Errors
    /// The card has no such key, the certificate is for another one or too large, or the card can't be written.
    pub fn import_certificate(&self, suite: Suite, certificate: &Certificate) -> Result<(), CardError> {
        let public = self.public_key(suite).ok_or(CardError::NoKey(suite))?;
        if !is_for(certificate, &public) {
            return Err(CardError::OtherKey(suite));
        }
        let actual = certificate.der().len();
        if actual > MAX_CERTIFICATE {
            return Err(CardError::CertificateTooLarge { max: MAX_CERTIFICATE, actual });
        }
        match &self.kept {
            Kept::Soft(unlocked) => unlocked.import_certificate(suite, certificate),
            Kept::Device(unlocked) => unlocked.import_certificate(suite, certificate),
        }
    }

    /// Puts a seal onto the card, in place of an earlier one. Only who has the PIN can read it.
    ///
    /// # Errors
    /// The seal is larger than [`MAX_SEAL`] or than the card, or the card can't be written.
    pub fn store_seal(&self, seal: &[u8]) -> Result<(), CardError> {
        if seal.len() > MAX_SEAL {
            return Err(CardError::SealTooLarge { max: MAX_SEAL, actual: seal.len() });
        }
        match &self.kept {
            Kept::Soft(unlocked) => unlocked.store_seal(seal),
            Kept::Device(unlocked) => unlocked.store_seal(seal),
        }
    }

    /// The seal on the card, as it was stored.
    ///
    /// # Errors
    /// The card was changed, taken away or exchanged.
    pub fn read_seal(&self) -> Result<Option<Vec<u8>>, CardError> {
        match &self.kept {
            Kept::Soft(unlocked) => unlocked.read_seal(),
            Kept::Device(unlocked) => unlocked.read_seal(),
        }
    }
}

impl Key {
    /// Signs, and says what went wrong by type.
    pub(crate) fn signed(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        match &self.0 {
            KeptKey::Soft(key) => key.sign(message).map_err(CardError::Signing),
            KeptKey::Device(key) => key.signature(message),
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            KeptKey::Soft(key) => key.public_key(),
            KeptKey::Device(key) => key.public_key().clone(),
        }
    }
}

impl Signer for Key {
    fn suite(&self) -> Suite {
        match &self.0 {
            KeptKey::Soft(key) => key.suite(),
            KeptKey::Device(key) => key.suite(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.0 {
            KeptKey::Soft(key) => key.sign(message),
            KeptKey::Device(key) => key.sign(message),
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("card", &self.card).finish_non_exhaustive()
    }
}
