//! A card whose PIN was right.

use std::fmt;
use std::sync::Arc;

use eseal_pki::{Certificate, PublicKey, SignError, Signer, SigningKey, Suite};

use crate::error::CardError;
use crate::pin::Pin;
use crate::soft_card::{SoftCard, new_key};
use crate::stored::{ADMIN_PLACE, Admin, Contents, PIN_PLACE, SEAL_PLACE, is_for, key_place};
use crate::vault::{DataKey, PinBox};
use crate::{MAX_SEAL, TRIES};

/// An unlocked card. Holds its private keys in memory, wiped when the last clone of each is dropped; stays unlocked whatever
/// happens to the file, as a token stays logged in.
pub struct Unlocked {
    card: SoftCard,
    data_key: DataKey,
    keys: Vec<CardKey>,
}

/// A private key of an unlocked card: signs, and is never given out.
#[derive(Clone)]
pub struct CardKey(Arc<SigningKey>);

impl Unlocked {
    pub(crate) fn new(card: SoftCard, data_key: DataKey, contents: &Contents) -> Result<Self, CardError> {
        let mut keys = Vec::with_capacity(contents.keys.len());
        for pair in &contents.keys {
            let pkcs8 = data_key
                .open(&pair.private, &contents.binding(&key_place(pair.suite)))
                .ok_or(CardError::Damaged("a private key cannot be decrypted"))?;
            let key = SigningKey::from_pkcs8_der(&pkcs8)?;
            // The public half lies in the open, where anybody can write.
            if key.public_key().to_spki_der() != pair.public.to_spki_der() {
                return Err(CardError::Damaged("a public key does not belong to its private key"));
            }
            keys.push(CardKey(Arc::new(key)));
        }
        Ok(Self { card, data_key, keys })
    }

    /// The card, for what needs no PIN.
    pub fn card(&self) -> &SoftCard {
        &self.card
    }

    /// The private key of a suite.
    pub fn signer(&self, suite: Suite) -> Option<CardKey> {
        self.keys.iter().find(|key| key.suite() == suite).cloned()
    }

    /// The public half of a key pair.
    pub fn public_key(&self, suite: Suite) -> Option<PublicKey> {
        self.signer(suite).map(|key| key.public_key())
    }

    /// Makes a key pair of a suite that the card has none of.
    ///
    /// # Errors
    /// There is one already, the suite is one whose keys are not made in software, or the file cannot be changed.
    pub fn generate(&mut self, suite: Suite) -> Result<(), CardError> {
        self.change(|contents| {
            if contents.key(suite).is_some() {
                return Err(CardError::KeyExists);
            }
            contents.keys.push(new_key(suite, &self.data_key, &contents.serial, contents.kind)?);
            Ok(())
        })?;
        self.keys = Self::new(self.card.clone(), self.data_key.clone(), &self.card.contents()?)?.keys;
        Ok(())
    }

    /// Puts the certificate of a key pair onto the card, in place of an earlier one.
    ///
    /// # Errors
    /// The card has no such key, the certificate is for another one, or the file cannot be changed.
    pub fn import_certificate(&self, suite: Suite, certificate: &Certificate) -> Result<(), CardError> {
        let public = self.public_key(suite).ok_or(CardError::NoKey(suite))?;
        if !is_for(certificate, &public) {
            return Err(CardError::OtherKey(suite));
        }
        self.change(|contents| {
            let key = contents.keys.iter_mut().find(|key| key.suite == suite).ok_or(CardError::NoKey(suite))?;
            key.certificate = Some(certificate.clone());
            Ok(())
        })
    }

    /// Puts a seal onto the card, encrypted, in place of an earlier one.
    ///
    /// # Errors
    /// The seal is larger than [`MAX_SEAL`], or the file cannot be changed.
    pub fn store_seal(&self, seal: &[u8]) -> Result<(), CardError> {
        if seal.len() > MAX_SEAL {
            return Err(CardError::SealTooLarge { max: MAX_SEAL, actual: seal.len() });
        }
        self.change(|contents| {
            contents.seal = Some(self.data_key.seal(seal, &contents.binding(SEAL_PLACE))?);
            Ok(())
        })
    }

    /// Takes the seal off the card.
    ///
    /// # Errors
    /// The file cannot be changed.
    pub fn remove_seal(&self) -> Result<(), CardError> {
        self.change(|contents| {
            contents.seal = None;
            Ok(())
        })
    }

    /// The seal on the card, as it was stored.
    ///
    /// # Errors
    /// It was changed on disk, or the card was taken away or exchanged.
    pub fn read_seal(&self) -> Result<Option<Vec<u8>>, CardError> {
        let contents = self.card.contents()?;
        let Some(sealed) = &contents.seal else { return Ok(None) };
        let seal = self.data_key.open(sealed, &contents.binding(SEAL_PLACE));
        seal.map(|seal| Some(seal.to_vec())).ok_or(CardError::Damaged("the seal cannot be decrypted"))
    }

    /// Replaces the PIN; all tries are given back, since the old one was right.
    ///
    /// # Errors
    /// The file cannot be changed.
    pub fn change_pin(&self, pin: &Pin) -> Result<(), CardError> {
        self.change(|contents| {
            contents.pin = PinBox::new(pin, &self.data_key, &contents.binding(PIN_PLACE))?;
            contents.tries_left = TRIES;
            Ok(())
        })
    }

    /// Gives the card an administrator.
    ///
    /// # Errors
    /// It has one by now, or the file cannot be changed.
    pub(crate) fn give_administrator(&self, admin: &Pin) -> Result<(), CardError> {
        self.change(|contents| {
            if contents.admin.is_some() {
                return Err(CardError::AdminExists);
            }
            let pin = PinBox::new(admin, &self.data_key, &contents.binding(ADMIN_PLACE))?;
            contents.admin = Some(Admin { tries_left: TRIES, pin });
            Ok(())
        })
    }

    /// Changes what is on the card now, not what was there when it was unlocked.
    fn change(&self, change: impl FnOnce(&mut Contents) -> Result<(), CardError>) -> Result<(), CardError> {
        let file = self.card.lock()?;
        let mut contents = self.card.contents()?;
        change(&mut contents)?;
        file.replace(&contents)
    }
}

impl CardKey {
    /// What a device with this key would give for e = SM3(Z ‖ M): see [`SigningKey::sign_sm2_digest`].
    ///
    /// # Errors
    /// It is no SM2 key, or there are no random numbers.
    pub fn sign_sm2_digest(&self, e: &[u8; 32]) -> Result<[u8; 64], SignError> {
        self.0.sign_sm2_digest(e)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }
}

impl Signer for CardKey {
    fn suite(&self) -> Suite {
        self.0.suite()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.sign(message)
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked").field("card", &self.card).finish_non_exhaustive()
    }
}

impl fmt::Debug for CardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardKey({})", self.suite())
    }
}
