//! A card behind a driver. What the driver says is checked: it is a vendor's code.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eseal_pki::{Certificate, MAKER_EKU, PublicKey, SignError, Signer, Suite};

use crate::MAX_CERTIFICATE;
use crate::address::CardAddress;
use crate::card::NewCard;
use crate::driver::Drivers;
use crate::driver::process::Driver;
use crate::driver::wire::{Algorithm, Answer, Bytes, Initialize, KeyKind, Listed, Request, Secret, Shown, Work};
use crate::error::{CardError, DriverError};
use crate::looks::looked_again;
use crate::pin::Pin;
use crate::sm2_numbers::Sm2Input;
use crate::soft_card::CardKind;
use crate::stored::is_for;
use crate::tries::Tries;

/// Key pairs that a card has at most: one of each kind.
const MAX_KEYS: usize = 4;
/// What a key signs to show that it is there. No document and no challenge begins like this.
const SELF_TEST: &[u8] = b"eseal-card-self-test-v1\n";

/// A token or device, locked.
#[derive(Clone)]
pub(crate) struct DeviceCard(Arc<Inner>);

struct Inner {
    address: String,
    sm2: Sm2Input,
    drivers: Drivers,
    driver: Arc<Driver>,
    serial: String,
    seen: Mutex<Seen>,
    /// Whether the driver has unlocked it: the next who does gets one of its own, since a login counts for a whole process.
    is_taken: AtomicBool,
}

/// What was on it when it was looked at.
#[derive(Clone)]
struct Seen {
    kind: CardKind,
    keys: Vec<SeenKey>,
    has_seal: Option<bool>,
}

#[derive(Clone)]
struct SeenKey {
    suite: Suite,
    public: PublicKey,
    certificate: Option<Certificate>,
}

/// A token or device whose PIN was right.
pub(crate) struct UnlockedDevice {
    card: DeviceCard,
    driver: Arc<Driver>,
    keys: Vec<DeviceKey>,
}

/// A private key on it.
#[derive(Clone)]
pub(crate) struct DeviceKey {
    driver: Arc<Driver>,
    public: PublicKey,
    suite: Suite,
    sm2: Sm2Input,
}

impl DeviceCard {
    pub(crate) fn open(address: &CardAddress, drivers: &Drivers) -> Result<Self, CardError> {
        let driver = opened(&address.to_string(), drivers)?;
        Self::looked_at(address, drivers, driver)
    }

    pub(crate) fn list(address: &CardAddress, drivers: &Drivers) -> Result<Vec<Listed>, CardError> {
        let address = address.to_string();
        let driver = drivers.start(&address)?;
        match driver.ask(&Request::List { address })? {
            Answer::Listed(listed) => Ok(listed),
            _ => Err(driver.garbled()),
        }
    }

    pub(crate) fn initialize(address: &CardAddress, new: &NewCard, drivers: &Drivers) -> Result<Self, CardError> {
        let driver = drivers.start(&address.to_string())?;
        let (admin, pin) = (secret(&new.admin), secret(&new.pin));
        let wanted = Initialize { address: address.to_string(), label: new.label.clone(), kind: new.kind, admin, pin };
        done(&driver, &Request::Initialize(Box::new(wanted)))?;
        Self::looked_at(address, drivers, driver)
    }

    fn looked_at(address: &CardAddress, drivers: &Drivers, driver: Driver) -> Result<Self, CardError> {
        let shown = show(&driver)?;
        let (serial, seen) = (serial(&shown.serial)?, Seen::checked(shown)?);
        let (driver, drivers) = (Arc::new(driver), drivers.clone());
        let (seen, is_taken) = (Mutex::new(seen), AtomicBool::new(false));
        let (address, sm2) = (address.to_string(), address.sm2_input());
        Ok(Self(Arc::new(Inner { address, sm2, drivers, driver, serial, seen, is_taken })))
    }

    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    pub(crate) fn serial(&self) -> &str {
        &self.0.serial
    }

    pub(crate) fn kind(&self) -> CardKind {
        self.seen().kind
    }

    pub(crate) fn suites(&self) -> Vec<Suite> {
        self.seen().keys.iter().map(|key| key.suite).collect()
    }

    pub(crate) fn public_key(&self, suite: Suite) -> Option<PublicKey> {
        self.seen().key(suite).map(|key| key.public.clone())
    }

    pub(crate) fn certificate(&self, suite: Suite) -> Option<Certificate> {
        self.seen().key(suite).and_then(|key| key.certificate.clone())
    }

    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        self.seen().keys.into_iter().filter_map(|key| key.certificate).collect()
    }

    pub(crate) fn has_seal(&self) -> Option<bool> {
        self.seen().has_seal
    }

    pub(crate) fn tries_left(&self) -> Result<Tries, CardError> {
        self.tries(&Request::Tries)
    }

    pub(crate) fn admin_tries_left(&self) -> Result<Tries, CardError> {
        self.tries(&Request::AdminTries)
    }

    fn tries(&self, request: &Request) -> Result<Tries, CardError> {
        match self.0.driver.ask(request)? {
            Answer::Tries(tries) => Ok(tries),
            _ => Err(self.0.driver.garbled()),
        }
    }

    pub(crate) fn unlock(&self, pin: &Pin) -> Result<UnlockedDevice, CardError> {
        let is_first = !self.0.is_taken.swap(true, Ordering::AcqRel);
        let unlocked = if is_first {
            unlocked_by(Arc::clone(&self.0.driver), pin)
        } else {
            // It was there. With these answers no PIN was tried.
            let is_for_now = |error: &CardError| {
                matches!(error, CardError::Absent(_) | CardError::Removed | CardError::NotInitialized)
            };
            looked_again(
                || unlocked_by(Arc::new(self.another_driver()?), pin),
                |told| told.as_ref().is_err_and(is_for_now),
            )
        };
        if unlocked.is_err() && is_first {
            self.0.is_taken.store(false, Ordering::Release);
        }
        let (driver, algorithms) = unlocked?;
        let mut unlocked = UnlockedDevice { card: self.clone(), driver, keys: Vec::new() };
        unlocked.look_again()?;
        unlocked.keys.retain(|key| algorithms.contains(&key.suite.into()));
        unlocked.keys.iter().try_for_each(DeviceKey::show_itself)?;
        Ok(unlocked)
    }

    fn another_driver(&self) -> Result<Driver, CardError> {
        let another = opened(&self.0.address, &self.0.drivers)?;
        if serial(&show(&another)?.serial)? == self.0.serial { Ok(another) } else { Err(CardError::Removed) }
    }

    pub(crate) fn change_pin(&self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        done(&self.0.driver, &Request::ChangePin { old: secret(old), new: secret(new) })
    }

    pub(crate) fn unblock(&self, admin: &Pin, new: &Pin) -> Result<(), CardError> {
        done(&self.0.driver, &Request::Unblock { admin: secret(admin), new: secret(new) })
    }

    fn seen(&self) -> Seen {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl UnlockedDevice {
    pub(crate) fn signer(&self, suite: Suite) -> Option<DeviceKey> {
        let key = self.keys.iter().find(|key| key.suite.with_digest(suite.digest()) == Some(suite))?;
        Some(DeviceKey { suite, ..key.clone() })
    }

    pub(crate) fn generate(&mut self, key: KeyKind) -> Result<(), CardError> {
        done(&self.driver, &Request::Generate { key })?;
        self.look_again()?;
        let made = self.signer(key.suite()).ok_or(CardError::NoKey(key.suite()))?;
        made.show_itself()
    }

    pub(crate) fn import_certificate(&self, suite: Suite, certificate: &Certificate) -> Result<(), CardError> {
        let certificate = Bytes(certificate.der().to_vec());
        done(&self.driver, &Request::Import { key: suite.into(), certificate })?;
        self.look().map(drop)
    }

    pub(crate) fn store_seal(&self, seal: &[u8]) -> Result<(), CardError> {
        done(&self.driver, &Request::StoreSeal { seal: Bytes(seal.to_vec()) })?;
        self.look().map(drop)
    }

    pub(crate) fn read_seal(&self) -> Result<Option<Vec<u8>>, CardError> {
        match self.driver.ask(&Request::ReadSeal)? {
            Answer::Seal(seal) => Ok(seal.map(|seal| seal.0)),
            _ => Err(self.driver.garbled()),
        }
    }

    fn look_again(&mut self) -> Result<(), CardError> {
        let seen = self.look()?;
        let (driver, sm2) = (&self.driver, self.card.0.sm2);
        let of = |key: SeenKey| DeviceKey { driver: Arc::clone(driver), public: key.public, suite: key.suite, sm2 };
        self.keys = seen.keys.into_iter().map(of).collect();
        Ok(())
    }

    /// What is on the card now; also for who looks at it locked.
    fn look(&self) -> Result<Seen, CardError> {
        let shown = show(&self.driver)?;
        if serial(&shown.serial)? != self.card.0.serial {
            return Err(CardError::Removed);
        }
        let seen = Seen::checked(shown)?;
        *self.card.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen.clone();
        Ok(seen)
    }
}

impl DeviceKey {
    pub(crate) const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// A device whose key is not the one that it shows would make signatures that nobody can verify: found before anything
    /// is sealed.
    fn show_itself(&self) -> Result<(), CardError> {
        let mut message = SELF_TEST.to_vec();
        let mut nonce = [0; 16];
        crate::vault::random(&mut nonce)?;
        message.extend(nonce);
        let signature = self.signature(&message)?;
        let verified = self.public.verify(&message, &signature);
        verified
            .map_err(|_| lied(format!("its {} key signs otherwise than the public key says that it shows", self.suite)))
    }

    pub(crate) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, CardError> {
        let input = self.sm2.of(&self.public, self.suite, message).ok_or(CardError::NoKey(self.suite))?;
        let key = Algorithm::from(self.suite);
        match self.driver.work(&Work::Sign { key, input: Bytes(input) })? {
            Answer::Signed(raw) => self
                .public
                .device_signature(&raw.0)
                .map_err(|_| lied(format!("a {} signature of {} bytes", self.suite, raw.0.len()))),
            _ => Err(self.driver.garbled()),
        }
    }
}

impl Signer for DeviceKey {
    fn suite(&self) -> Suite {
        self.suite
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature(message).map_err(Into::into)
    }
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceKey({})", self.suite)
    }
}

impl Seen {
    fn checked(shown: Shown) -> Result<Self, CardError> {
        if shown.keys.len() > MAX_KEYS {
            return Err(lied(format!("it has {} key pairs", shown.keys.len())));
        }
        let mut keys: Vec<SeenKey> = Vec::with_capacity(shown.keys.len());
        for key in shown.keys {
            let public = PublicKey::from_spki_der(&key.public.0)?;
            let suite = public.suite().filter(|suite| Algorithm::from(*suite) == key.algorithm);
            let suite = suite.filter(|suite| keys.iter().all(|there| there.suite != *suite));
            let suite = suite.ok_or_else(|| lied("a public key is not what it is said to be".to_owned()))?;
            let certificate = match key.certificate {
                Some(der) if der.0.len() > MAX_CERTIFICATE => {
                    return Err(CardError::CertificateTooLarge { max: MAX_CERTIFICATE, actual: der.0.len() });
                }
                Some(der) => Some(Certificate::from_der(&der.0)?),
                None => None,
            };
            if certificate.as_ref().is_some_and(|certificate| !is_for(certificate, &public)) {
                return Err(CardError::OtherKey(suite));
            }
            keys.push(SeenKey { suite, public, certificate });
        }
        let of_a_maker = |key: &SeenKey| key.certificate.as_ref().is_some_and(|by| by.has_eku(&MAKER_EKU));
        let by_certificate = if keys.iter().any(of_a_maker) { CardKind::Maker } else { CardKind::Holder };
        Ok(Self { kind: shown.kind.unwrap_or(by_certificate), keys, has_seal: shown.has_seal })
    }

    fn key(&self, suite: Suite) -> Option<&SeenKey> {
        self.keys.iter().find(|key| key.suite.with_digest(suite.digest()) == Some(suite))
    }
}

fn opened(address: &str, drivers: &Drivers) -> Result<Driver, CardError> {
    let driver = drivers.start(address)?;
    done(&driver, &Request::Open { address: address.to_owned() })?;
    Ok(driver)
}

fn unlocked_by(driver: Arc<Driver>, pin: &Pin) -> Result<(Arc<Driver>, Vec<Algorithm>), CardError> {
    match driver.ask(&Request::Unlock { pin: secret(pin) })? {
        Answer::Unlocked(algorithms) => Ok((driver, algorithms)),
        _ => Err(driver.garbled()),
    }
}

fn show(driver: &Driver) -> Result<Shown, CardError> {
    match driver.ask(&Request::Show)? {
        Answer::Shown(shown) => Ok(*shown),
        _ => Err(driver.garbled()),
    }
}

fn done(driver: &Driver, request: &Request) -> Result<(), CardError> {
    match driver.ask(request)? {
        Answer::Done => Ok(()),
        _ => Err(driver.garbled()),
    }
}

/// The serial number in the form that services take; in hexadecimal where it has other characters.
fn serial(shown: &str) -> Result<String, CardError> {
    let trimmed = shown.trim_matches([' ', '\0']);
    let is_plain = trimmed.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let serial = if is_plain { trimmed.to_owned() } else { hex::encode(trimmed) };
    if (1..=64).contains(&serial.len()) {
        Ok(serial)
    } else {
        Err(lied("its serial number is empty or too long".to_owned()))
    }
}

fn secret(pin: &Pin) -> Secret {
    Secret::new(pin.as_str())
}

fn lied(what: String) -> CardError {
    DriverError::Lied(what).into()
}
