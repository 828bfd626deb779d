//! A card that a service keeps unlocked, such as its own maker card: opened when the service starts, and opened again after its
//! driver crashed, hung or was ended, or after the device was taken away and came back.
//!
//! Nobody stands beside it who could type a PIN, so the service has it, and tries are spent with care: only while most are left, and
//! never again once it was wrong. A card that can't be opened is let alone for a moment.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eseal_pki::{Certificate, Suite};

use crate::address::CardAddress;
use crate::card::Card;
use crate::driver::Drivers;
use crate::error::{CardError, DriverError};
use crate::opened::Key;
use crate::pin::Pin;
use crate::soft_card::CardKind;
use crate::tries::Tries;

/// The PIN is tried only while so many tries are left: a process that is started again and again with a wrong one must not lock
/// the card.
const FEWEST_TRIES: u8 = 3;
/// A card that could not be opened again is let alone for so long, so that those who wait for it don't each wait for its driver.
const PAUSE: Duration = Duration::from_secs(3);

/// A card that is kept unlocked. Cheap to clone; many may sign with it at once. Its calls block.
#[derive(Clone)]
pub struct KeptCard(Arc<Inner>);

struct Inner {
    address: CardAddress,
    drivers: Drivers,
    pin: Pin,
    wanted: (CardKind, Suite),
    serial: String,
    certificate: Certificate,
    state: Mutex<State>,
}

enum State {
    /// With a number, by which those who saw it fail know it again.
    Open(Key, u64),
    /// Its driver or device is gone.
    Gone(u64),
    /// It could not be opened again a moment ago.
    Failed(Instant, String, u64),
    /// The PIN is wrong, or must not be tried.
    Refused(String),
}

/// A card that was just unlocked.
struct Fresh {
    serial: String,
    certificate: Certificate,
    key: Key,
}

impl KeptCard {
    /// Unlocks a card of this kind and keeps its key of this suite.
    ///
    /// # Errors
    /// [`CardError`] of opening and unlocking it; [`CardError::OtherKind`] and [`CardError::FewTries`], where the PIN is not tried;
    /// [`CardError::NoKey`] where it has no key of the suite with a certificate.
    pub fn open(
        address: &CardAddress,
        pin: Pin,
        wanted: (CardKind, Suite),
        drivers: Drivers,
    ) -> Result<Self, CardError> {
        let Fresh { serial, certificate, key } = opened(address, &pin, wanted, &drivers, |_| Ok(true))?;
        let (address, state) = (address.clone(), Mutex::new(State::Open(key, 0)));
        Ok(Self(Arc::new(Inner { address, drivers, pin, wanted, serial, certificate, state })))
    }

    /// Its serial.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// The certificate of the key.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// Signs; once more where the driver or the device was gone, on the card opened anew.
    ///
    /// # Errors
    /// The key does not sign, or the card can't be opened again: at most one attempt for each call, none within a moment of
    /// one that failed, and none at all after a wrong PIN.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        let (key, number) = self.key()?;
        let failed = match key.signed(message) {
            Err(error) if error.is_gone() => error,
            other => return other,
        };
        self.close(number);
        // One that hung would hang again, and whoever asked has waited long enough.
        if matches!(failed, CardError::Driver(DriverError::Hung(_))) {
            return Err(failed);
        }
        let (key, number) = self.key()?;
        key.signed(message).inspect_err(|error| {
            if error.is_gone() {
                self.close(number);
            }
        })
    }

    fn key(&self) -> Result<(Key, u64), CardError> {
        let mut state = self.state();
        let number = match &*state {
            State::Open(key, number) => return Ok((key.clone(), *number)),
            State::Refused(why) => return Err(DriverError::NotStarted(why.clone()).into()),
            State::Failed(when, why, _) if when.elapsed() < PAUSE => {
                return Err(DriverError::NotStarted(why.clone()).into());
            }
            State::Failed(.., number) | State::Gone(number) => *number + 1,
        };
        match self.opened_again() {
            Ok(key) => {
                *state = State::Open(key.clone(), number);
                Ok((key, number))
            }
            Err(error) => {
                *state = match &error {
                    CardError::PinIncorrect { .. } | CardError::PinLocked => State::Refused(error.to_string()),
                    // Few tries among them: looking costs none, and people may bring them back.
                    other => State::Failed(Instant::now(), other.to_string(), number),
                };
                Err(error)
            }
        }
    }

    /// The same card and the same key as at first, or an error. Another card is noticed before its PIN is tried, which is not the
    /// one that we have.
    fn opened_again(&self) -> Result<Key, CardError> {
        let kept = &self.0;
        let is_ours = |certificate: &Certificate| certificate.der() == kept.certificate.der();
        let is_same = |card: &Card| {
            // Some tokens show certificates only to who is logged in.
            let shown = card.certificate(kept.wanted.1)?;
            Ok(card.serial() == kept.serial && shown.as_ref().is_none_or(is_ours))
        };
        let fresh = opened(&kept.address, &kept.pin, kept.wanted, &kept.drivers, is_same)?;
        if fresh.serial == kept.serial && is_ours(&fresh.certificate) {
            Ok(fresh.key)
        } else {
            Err(exchanged(&kept.address))
        }
    }

    /// Forgets this key, unless somebody else was faster.
    fn close(&self, gone: u64) {
        let mut state = self.state();
        if matches!(&*state, State::Open(_, number) if *number == gone) {
            *state = State::Gone(gone);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opened(
    address: &CardAddress,
    pin: &Pin,
    (kind, suite): (CardKind, Suite),
    drivers: &Drivers,
    is_meant: impl FnOnce(&Card) -> Result<bool, CardError>,
) -> Result<Fresh, CardError> {
    let card = Card::open_by(address, drivers)?;
    if !is_meant(&card)? {
        return Err(exchanged(address));
    }
    if card.kind() != kind {
        return Err(CardError::OtherKind(kind));
    }
    match card.tries_left()? {
        left if left.is_locked() => return Err(CardError::PinLocked),
        left @ Tries::Exactly(number) if number < FEWEST_TRIES => return Err(CardError::FewTries(left)),
        // Tokens that don't count for us say no more than this (PKCS #11).
        left @ Tries::Fewer => return Err(CardError::FewTries(left)),
        Tries::Exactly(_) | Tries::Untold => {}
    }
    let unlocked = card.unlock(pin)?;
    let key = unlocked.signer(suite).ok_or(CardError::NoKey(suite))?;
    let certificate = card.certificate(suite)?.ok_or(CardError::NoKey(suite))?;
    Ok(Fresh { serial: card.serial().to_owned(), certificate, key })
}

fn exchanged(address: &CardAddress) -> CardError {
    CardError::Exchanged(PathBuf::from(address.to_string()))
}

impl fmt::Debug for KeptCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCard").field("serial", &self.0.serial).finish_non_exhaustive()
    }
}
