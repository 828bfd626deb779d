//! A token that keeps keys for a service: an AES key that wraps other keys, and any number of key pairs. None of them leaves it.
//!
//! Unlike a card it has no owner who types a PIN: the service has it, opens the token when it is first needed, and opens it again
//! after its driver crashed, hung or was ended. The PIN is tried only while the token does not say that tries were used up, and
//! never again once it was wrong: a service that restarts must not lock its token.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eseal_pki::{PublicKey, SignError, Signer, Suite};
use zeroize::Zeroizing;

use crate::address::CardAddress;
use crate::driver::Drivers;
use crate::driver::process::Driver;
use crate::driver::wire::{Algorithm, Answer, Bytes, KeyKind, Offers, Request, Secret, SecretBytes, Work};
use crate::error::{CardError, DriverError};
use crate::sm2_numbers::Sm2Input;
use crate::tries::Tries;

/// A token that could not be opened is let alone for so long, so that those who wait for it don't each wait for its driver.
const PAUSE: Duration = Duration::from_secs(3);
const FEW_TRIES: &str =
    "tries of its PIN were used up, and the rest is kept for people: see to the PIN and unlock it once";
const NONCE: usize = 12;
const TAG: usize = 16;

/// A token that keeps keys for a service. Cheap to clone; many may use it at once. Its calls block.
#[derive(Clone)]
pub struct Hsm(Arc<Inner>);

struct Inner {
    address: String,
    sm2: Sm2Input,
    pin: Zeroizing<String>,
    drivers: Drivers,
    state: Mutex<State>,
}

enum State {
    /// Never opened, or its driver is gone.
    Closed,
    Open(Arc<Driver>, Offers),
    /// It could not be opened a moment ago.
    Failed(Instant, String),
    /// The PIN is wrong, or must not be tried.
    Refused(String),
}

/// A key pair on it.
#[derive(Clone)]
pub struct HsmKey {
    hsm: Hsm,
    id: Vec<u8>,
    public: PublicKey,
    suite: Suite,
}

impl Hsm {
    /// The token of an address, which names the AES key by `object` or `id`. Nothing is opened yet.
    ///
    /// # Errors
    /// It is no token behind a PKCS #11 module.
    pub fn new(address: &CardAddress, pin: Zeroizing<String>, drivers: Drivers) -> Result<Self, CardError> {
        match address {
            CardAddress::Token(_) => {}
            CardAddress::File(_) | CardAddress::Skf(_) => {
                return Err(CardError::NotOffered("to keep keys for a service: PKCS #11 tokens do".to_owned()));
            }
        }
        let (state, sm2) = (Mutex::new(State::Closed), address.sm2_input());
        Ok(Self(Arc::new(Inner { address: address.to_string(), sm2, pin, drivers, state })))
    }

    /// What it can do.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn offers(&self) -> Result<Offers, CardError> {
        Ok(self.driver()?.1)
    }

    /// Encrypts with the AES key (AES-GCM). The nonce, the ciphertext, its tag; `bound` must be the same when it is decrypted.
    ///
    /// # Errors
    /// The token has no such key, or can't be used.
    pub fn encrypt(&self, bound: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CardError> {
        let mut nonce = [0; NONCE];
        crate::vault::random(&mut nonce)?;
        let input = SecretBytes(Zeroizing::new(plaintext.to_vec()));
        let (nonce, bound) = (Bytes(nonce.to_vec()), Bytes(bound.to_vec()));
        let answer = self.work(&Work::Encrypt { nonce: nonce.clone(), bound, input }, |offers| offers.secret)?;
        match answer {
            Answer::Encrypted(sealed) if sealed.0.len() == plaintext.len() + TAG => Ok([nonce.0, sealed.0].concat()),
            _ => Err(self.lied("it encrypted to something else than asked")),
        }
    }

    /// Decrypts what [`Hsm::encrypt`] gave.
    ///
    /// # Errors
    /// [`CardError::NotDecrypted`]; the token has no such key, or can't be used.
    pub fn decrypt(&self, bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let Some((nonce, ciphertext)) = sealed.split_first_chunk::<NONCE>() else {
            return Err(CardError::NotDecrypted);
        };
        let Some(length) = ciphertext.len().checked_sub(TAG) else { return Err(CardError::NotDecrypted) };
        let (nonce, bound, input) = (Bytes(nonce.to_vec()), Bytes(bound.to_vec()), Bytes(ciphertext.to_vec()));
        match self.work(&Work::Decrypt { nonce, bound, input }, |offers| offers.secret)? {
            Answer::Decrypted(plaintext) if plaintext.0.len() == length => Ok(plaintext.0),
            _ => Err(self.lied("it decrypted to something else than asked")),
        }
    }

    /// Makes a key pair of this id on it, sensitive and not extractable.
    ///
    /// # Errors
    /// [`CardError::NotOffered`] where the token makes none of this kind, [`CardError::KeyExists`]; it can't be used.
    pub fn generate(&self, id: &[u8], key: KeyKind) -> Result<HsmKey, CardError> {
        let (driver, _) = self.driver()?;
        // Not once more: it may have been made.
        let answer = driver.ask(&Request::GenerateFor { id: Bytes(id.to_vec()), key });
        let answer = answer.inspect_err(|error| self.close_if_gone(&driver, error))?;
        let Answer::Public(public) = answer else { return Err(self.lied("it answers another question")) };
        let public = PublicKey::from_spki_der(&public.0)?;
        if public.suite() != Some(key.suite()) {
            return Err(self.lied("the key pair that it made is of another kind"));
        }
        Ok(self.key(id, public, key.suite()))
    }

    /// The key pair of this id. Whether it is there is found when it signs.
    pub fn key(&self, id: &[u8], public: PublicKey, suite: Suite) -> HsmKey {
        HsmKey { hsm: self.clone(), id: id.to_vec(), public, suite }
    }

    /// Has it done, once more where the driver that was there is gone: a second time adds nothing to what is done here.
    fn work(&self, work: &Work, is_offered: impl Fn(&Offers) -> bool) -> Result<Answer, CardError> {
        let mut is_second = false;
        loop {
            let (driver, offers) = self.driver()?;
            if !is_offered(&offers) {
                let what = "an AES key of this name that encrypts by AES-GCM".to_owned();
                return Err(CardError::NotOffered(what));
            }
            let done = driver.work(work).inspect_err(|error| self.close_if_gone(&driver, error));
            // One that hung would hang again, and whoever asked has waited long enough.
            let may_be_better = matches!(
                &done,
                Err(CardError::Driver(DriverError::Crashed(_)) | CardError::Removed | CardError::LoggedOut)
            );
            if is_second || !may_be_better {
                return done;
            }
            is_second = true;
        }
    }

    fn driver(&self) -> Result<(Arc<Driver>, Offers), CardError> {
        let mut state = self.state();
        match &*state {
            State::Open(driver, offers) => return Ok((Arc::clone(driver), *offers)),
            State::Refused(why) => return Err(DriverError::NotStarted(why.clone()).into()),
            State::Failed(when, why) if when.elapsed() < PAUSE => {
                return Err(DriverError::NotStarted(why.clone()).into());
            }
            State::Failed(..) | State::Closed => {}
        }
        match self.open() {
            Ok((driver, offers)) => {
                let driver = Arc::new(driver);
                *state = State::Open(Arc::clone(&driver), offers);
                Ok((driver, offers))
            }
            Err(error) => {
                *state = match &error {
                    CardError::PinIncorrect { .. } | CardError::PinLocked => State::Refused(error.to_string()),
                    other => State::Failed(Instant::now(), other.to_string()),
                };
                Err(error)
            }
        }
    }

    fn open(&self) -> Result<(Driver, Offers), CardError> {
        let driver = self.0.drivers.start(&self.0.address)?;
        match driver.ask(&Request::Open { address: self.0.address.clone() })? {
            Answer::Done => {}
            _ => return Err(driver.garbled()),
        }
        match driver.ask(&Request::Tries)? {
            Answer::Tries(Tries::Untold) => {}
            Answer::Tries(left) if left.is_locked() => return Err(CardError::PinLocked),
            Answer::Tries(_) => return Err(DriverError::NotStarted(FEW_TRIES.to_owned()).into()),
            _ => return Err(driver.garbled()),
        }
        match driver.ask(&Request::OpenStore { pin: Secret::new(&self.0.pin) })? {
            Answer::Store(offers) => Ok((driver, offers)),
            _ => Err(driver.garbled()),
        }
    }

    /// Forgets a driver that can't go on, unless somebody else was faster.
    fn close_if_gone(&self, gone: &Arc<Driver>, error: &CardError) {
        let mut state = self.state();
        if error.is_gone() && matches!(&*state, State::Open(driver, _) if Arc::ptr_eq(driver, gone)) {
            *state = State::Closed;
        }
    }

    fn lied(&self, what: &str) -> CardError {
        DriverError::Lied(what.to_owned()).into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HsmKey {
    /// The public half.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        let input = self.hsm.0.sm2.of(&self.public, self.suite, message).ok_or(CardError::NoKey(self.suite))?;
        let (id, key) = (Bytes(self.id.clone()), Algorithm::from(self.suite));
        match self.hsm.work(&Work::SignFor { id, key, input: Bytes(input) }, |_| true)? {
            Answer::Signed(raw) => {
                let signature = self.public.device_signature(&raw.0);
                signature.map_err(|_| self.hsm.lied(&format!("a {} signature of {} bytes", self.suite, raw.0.len())))
            }
            _ => Err(self.hsm.lied("it answers another question")),
        }
    }
}

impl Signer for HsmKey {
    fn suite(&self) -> Suite {
        self.suite
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature(message).map_err(Into::into)
    }
}

impl fmt::Debug for Hsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hsm").field(&self.0.address).finish()
    }
}

impl fmt::Debug for HsmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HsmKey({})", self.suite)
    }
}
