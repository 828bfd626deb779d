//! A card that lies there: what can be seen of it and done with it without the PIN, and the PIN's own rules.

use std::fmt;
use std::path::Path;

use eseal_pki::{Certificate, PublicKey, SigningKey, Suite};
use serde::{Deserialize, Serialize};

use crate::TRIES;
use crate::error::CardError;
use crate::file::{CardFile, Locked};
use crate::pin::Pin;
use crate::stored::{ADMIN_PLACE, Admin, Contents, KeyPair, PIN_PLACE, binding, key_place};
use crate::tries::Tries;
use crate::unlocked::Unlocked;
use crate::vault::{DataKey, PinBox, random};

/// What a card is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// 制章授权卡: its key signs seals.
    Maker,
    /// 电子印章卡: its keys seal documents, and it holds the seal.
    Holder,
}

/// A soft card, locked. What it shows is read from the file each time, so handles and processes see each other's changes.
#[derive(Clone)]
pub struct SoftCard {
    file: CardFile,
    serial: String,
    kind: CardKind,
}

impl SoftCard {
    /// Makes a card with a fresh key pair of each suite (SM2, P-256). The file is readable by its owner only.
    ///
    /// # Errors
    /// A file lies there already, no or a repeated suite, a suite whose keys are not made in software, or the file cannot
    /// be written.
    pub fn create(path: &Path, kind: CardKind, pin: &Pin, suites: &[Suite]) -> Result<Self, CardError> {
        Self::create_with_admin(path, kind, pin, None, suites)
    }

    /// The same with an administrator, whose PIN gives a locked card a new one: see [`SoftCard::unblock`].
    ///
    /// # Errors
    /// As [`SoftCard::create`].
    pub fn create_with_admin(
        path: &Path,
        kind: CardKind,
        pin: &Pin,
        admin: Option<&Pin>,
        suites: &[Suite],
    ) -> Result<Self, CardError> {
        if suites.is_empty() || (1..suites.len()).any(|i| suites[..i].contains(&suites[i])) {
            return Err(CardError::Suites);
        }
        let mut serial = [0; 8];
        random(&mut serial)?;
        let serial = hex::encode(serial);
        let data_key = DataKey::generate()?;
        let key = |suite: &Suite| new_key(*suite, &data_key, &serial, kind);
        let of_admin = |pin: &Pin| {
            let pin = PinBox::new(pin, &data_key, &binding(&serial, kind, ADMIN_PLACE))?;
            Ok::<_, CardError>(Admin { tries_left: TRIES, pin })
        };
        let contents = Contents {
            admin: admin.map(of_admin).transpose()?,
            pin: PinBox::new(pin, &data_key, &binding(&serial, kind, PIN_PLACE))?,
            keys: suites.iter().map(key).collect::<Result<_, _>>()?,
            serial,
            kind,
            tries_left: TRIES,
            seal: None,
            uses: 0,
        };
        let file = CardFile::at(path);
        file.lock()?.create(&contents)?;
        // A link is only followed to a file that exists.
        Ok(Self { file: CardFile::at(path), serial: contents.serial, kind })
    }

    /// The card in a file.
    ///
    /// # Errors
    /// There is no file, or it is no card of this system.
    pub fn open(path: &Path) -> Result<Self, CardError> {
        let file = CardFile::at(path);
        let contents = file.read()?;
        Ok(Self { file, serial: contents.serial, kind: contents.kind })
    }

    /// The serial number: 16 hexadecimal digits, for ever.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// What the card is for.
    pub fn kind(&self) -> CardKind {
        self.kind
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The suites of its key pairs, in the order in which they were made.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn suites(&self) -> Result<Vec<Suite>, CardError> {
        Ok(self.contents()?.keys.iter().map(|key| key.suite).collect())
    }

    /// The public half of a key pair.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn public_key(&self, suite: Suite) -> Result<Option<PublicKey>, CardError> {
        Ok(self.contents()?.key(suite).map(|key| key.public.clone()))
    }

    /// The certificate of a key pair.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn certificate(&self, suite: Suite) -> Result<Option<Certificate>, CardError> {
        Ok(self.contents()?.key(suite).and_then(|key| key.certificate.clone()))
    }

    /// All certificates, in the order of [`SoftCard::suites`].
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn certificates(&self) -> Result<Vec<Certificate>, CardError> {
        Ok(self.contents()?.keys.into_iter().filter_map(|key| key.certificate).collect())
    }

    /// Whether a seal is on the card.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn has_seal(&self) -> Result<bool, CardError> {
        Ok(self.contents()?.seal.is_some())
    }

    /// How many PINs may still be tried; 0: locked. Show it before asking for a PIN.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged.
    pub fn tries_left(&self) -> Result<u8, CardError> {
        Ok(self.contents()?.tries_left)
    }

    /// Tries a PIN. One try is taken off on disk before anything is computed with it, and all are given back when it was
    /// right: whoever cuts the power in between has used one up. Never call it twice for one input of a person.
    ///
    /// # Errors
    /// [`CardError::PinIncorrect`] with the tries left; [`CardError::PinLocked`] when that was the last one, or when none
    /// was left; a card that was taken away, exchanged or damaged.
    pub fn unlock(&self, pin: &Pin) -> Result<Unlocked, CardError> {
        self.unlock_by(|contents| contents.pin.open(pin, &contents.binding(PIN_PLACE)))
    }

    /// Counts one more use for a seal and gives the count, once it is on disk. Whoever keeps the last count of a card sees when
    /// another file with its keys is used: of two copies, the one that is used later counts what was counted before.
    ///
    /// # Errors
    /// The card was taken away, exchanged or damaged, or cannot be changed.
    pub fn count_use(&self) -> Result<u64, CardError> {
        let file = self.lock()?;
        let mut contents = self.contents()?;
        contents.uses = contents.uses.checked_add(1).ok_or(CardError::Damaged("its count of uses is at its end"))?;
        file.replace(&contents)?;
        Ok(contents.uses)
    }

    fn unlock_by(
        &self,
        try_pin: impl FnOnce(&Contents) -> Result<Option<DataKey>, CardError>,
    ) -> Result<Unlocked, CardError> {
        let file = self.lock()?;
        let mut contents = self.contents()?;
        let Some(left) = contents.tries_left.checked_sub(1) else { return Err(CardError::PinLocked) };
        contents.tries_left = left;
        file.replace(&contents)?;
        match try_pin(&contents)? {
            None if left == 0 => Err(CardError::PinLocked),
            None => Err(CardError::PinIncorrect { tries_left: Tries::Exactly(left) }),
            Some(data_key) => {
                contents.tries_left = TRIES;
                file.replace(&contents)?;
                Unlocked::new(self.clone(), data_key, &contents)
            }
        }
    }

    /// What is on the card now; an error where another card lies in its place.
    pub(crate) fn contents(&self) -> Result<Contents, CardError> {
        let contents = self.file.read()?;
        if contents.serial != self.serial || contents.kind != self.kind {
            return Err(CardError::Exchanged(self.path().to_path_buf()));
        }
        Ok(contents)
    }

    /// The right to change this card. Where there is none, no lock is left in its place either.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, CardError> {
        self.contents()?;
        self.file.lock()
    }
}

impl fmt::Debug for SoftCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftCard").field("serial", &self.serial).field("kind", &self.kind).finish_non_exhaustive()
    }
}

pub(crate) fn new_key(suite: Suite, data_key: &DataKey, serial: &str, kind: CardKind) -> Result<KeyPair, CardError> {
    let key = SigningKey::generate(suite)?;
    let private = data_key.seal(&key.to_pkcs8_der(), &binding(serial, kind, &key_place(suite)))?;
    Ok(KeyPair { suite, public: key.public_key(), private, certificate: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_try_is_gone_from_disk_before_the_pin_is_tried() {
        let (_directory, card) = card();
        let other = SoftCard::open(card.path()).expect("a card");
        let result = card.unlock_by(|_| {
            assert_eq!(other.tries_left().expect("readable"), TRIES - 1);
            Err(CardError::System("be killed here"))
        });
        assert!(result.is_err());
        assert_eq!(card.tries_left().expect("readable"), TRIES - 1, "and it stays gone");
    }

    #[test]
    fn a_process_that_panics_while_it_tries_a_pin_has_used_up_a_try() {
        let (_directory, card) = card();
        let handle = card.clone();
        let panicked = std::thread::spawn(move || handle.unlock_by(|_| panic!("on purpose")).map(|_| ())).join();
        assert!(panicked.is_err());
        assert_eq!(card.tries_left().expect("readable"), TRIES - 1);
        assert!(card.unlock(&pin()).is_ok(), "the lock did not stay behind");
    }

    #[test]
    fn uses_are_counted_on_disk_and_a_copy_counts_them_again() {
        let (directory, card) = card();
        assert_eq!(card.count_use().expect("counted"), 1);
        let copy = directory.path().join("copy");
        std::fs::copy(card.path(), &copy).expect("copied");
        assert_eq!(card.count_use().expect("counted"), 2);
        assert_eq!(SoftCard::open(card.path()).and_then(|card| card.count_use()).expect("counted"), 3);
        assert_eq!(SoftCard::open(&copy).and_then(|copy| copy.count_use()).expect("counted"), 2);
        // What else is done to the card leaves the count alone.
        let unlocked = card.unlock(&pin()).expect("right");
        unlocked.store_seal(b"seal").and_then(|()| unlocked.change_pin(&pin())).expect("written");
        assert_eq!(card.count_use().expect("counted"), 4);
    }

    #[test]
    fn a_card_that_counts_is_of_a_version_that_earlier_releases_refuse() {
        let (_directory, card) = card();
        let version = |card: &SoftCard| {
            let json = std::fs::read(card.path()).expect("readable");
            serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")["version"].as_u64()
        };
        assert_eq!(version(&card), Some(1));
        card.count_use().expect("counted");
        assert_eq!(version(&card), Some(3));
    }

    #[test]
    fn a_locked_card_tries_no_pin() {
        let (_directory, card) = card();
        for _ in 0..TRIES {
            assert!(card.unlock_by(|_| Ok(None)).is_err());
        }
        let result = card.unlock_by(|_| panic!("a PIN was tried"));
        assert!(matches!(result, Err(CardError::PinLocked)), "{result:?}");
    }

    #[test]
    fn a_public_key_that_was_exchanged_on_disk_is_found_when_the_card_is_unlocked() {
        let (_directory, card) = card();
        let mut contents = card.contents().expect("readable");
        contents.keys[0].public = SigningKey::generate(Suite::Sm2Sm3).expect("a key").public_key();
        card.lock().and_then(|file| file.replace(&contents)).expect("written");
        let result = card.unlock(&pin());
        assert!(matches!(result, Err(CardError::Damaged(_))), "{result:?}");
    }

    #[test]
    fn a_private_key_or_seal_of_another_card_does_not_decrypt() {
        let ((_one, card), (_two, foreign)) = (card(), card());
        let mut contents = card.contents().expect("readable");
        contents.keys[0].private = foreign.contents().expect("readable").keys[0].private.clone();
        card.lock().and_then(|file| file.replace(&contents)).expect("written");
        let result = card.unlock(&pin());
        assert!(matches!(result, Err(CardError::Damaged(_))), "{result:?}");
    }

    fn card() -> (tempfile::TempDir, SoftCard) {
        let directory = tempfile::tempdir().expect("a directory");
        let card = SoftCard::create(&directory.path().join("card"), CardKind::Holder, &pin(), &[Suite::Sm2Sm3]);
        (directory, card.expect("a card"))
    }

    fn pin() -> Pin {
        Pin::try_new("314159".to_owned()).expect("a PIN")
    }
}
