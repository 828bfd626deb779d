//! Tokens behind a PKCS #11 module (OASIS PKCS #11 v2.40 and later), within the driver's process.
//!
//! - [`objects`]: what lies on a token: key pairs, certificates, the seal
//! - [`store`]: keys that are kept for a service
//! - [`each_time`]: keys that want their PIN before each signature
//! - [`mechanisms`]: what a token offers, and what it signs with
//! - [`faults`]: what return values mean

mod each_time;
mod faults;
mod mechanisms;
mod objects;
mod prepare;
mod store;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Limit, Slot, TokenInfo};
use cryptoki::types::AuthPin;

use self::each_time::EachTime;
use self::faults::{fault, library};
use self::mechanisms::{has, mechanism, no_sm2, sm2_offered};
use self::objects::{KeyPair, Objects};
use self::store::Kept;
use crate::driver::device::{Device, MOST_WORKERS, WorkerOnDevice};
use crate::driver::wire::{Algorithm, Answer, Bytes, KeyKind, Listed, Offers, Shown, ShownKey, Work};
use crate::fault::Fault;
use crate::looks::looked_again;
use crate::tries::Tries;
use crate::uri::TokenUri;

/// The variable that names a module where the URI does not.
const MODULE: &str = "ESEAL_PKCS11_MODULE";

/// A token that is there, with a session of ours.
pub(crate) struct Token {
    place: Place,
    session: Session,
    uri: TokenUri,
    /// The private keys, once the PIN was right.
    private: Arc<RwLock<HashMap<Algorithm, Private>>>,
    /// For those of them that want the PIN before each signature, if there are any.
    each_time: Arc<RwLock<Option<EachTime>>>,
    /// What is kept for a service, once it was logged in for that.
    kept: Arc<Kept>,
    is_unlocked: bool,
}

/// A private key, and whether it wants the PIN before each signature.
#[derive(Clone, Copy)]
struct Private {
    handle: ObjectHandle,
    each_time: bool,
}

/// Where a token was found, to see whether it still is.
#[derive(Clone)]
struct Place {
    context: Pkcs11,
    slot: Slot,
    serial: String,
}

/// What fits the URI, ready or not.
pub(crate) fn list(uri: &TokenUri) -> Result<Vec<Listed>, Fault> {
    let context = load(uri)?;
    let library = context
        .get_library_info()
        .map(|info| format!("{} {} {}", info.manufacturer_id(), info.library_description(), info.library_version()));
    let library = library.unwrap_or_default();
    let mut listed = Vec::new();
    for (slot, info) in tokens(&context)? {
        if !fits(uri, slot, &info) {
            continue;
        }
        let sm2 = uri.sm2.map(|numbers| sm2_offered(&context, slot, numbers)).unwrap_or_default();
        let known = [("RSA", MechanismType::RSA_PKCS), ("ECDSA", MechanismType::ECDSA)];
        let offered = known.into_iter().filter(|(_, mechanism)| has(&context, slot, *mechanism)).map(|(name, _)| name);
        listed.push(Listed {
            address: of_token(uri, slot, &info).to_string(),
            label: info.label().to_owned(),
            serial: info.serial_number().to_owned(),
            model: format!("{} {}", info.manufacturer_id(), info.model()),
            initialized: info.token_initialized() && info.user_pin_initialized(),
            sm2: Some(sm2.makes_pairs && sm2.signs),
            tries_left: tries_of(&info),
            library: library.clone(),
            signs: offered.chain(sm2.signs.then_some("SM2")).map(str::to_owned).collect(),
        });
    }
    Ok(listed)
}

impl Token {
    pub(crate) fn open(uri: &TokenUri) -> Result<Self, Fault> {
        let context = load(uri)?;
        let mut fitting = tokens(&context)?;
        fitting.retain(|(slot, info)| info.token_initialized() && fits(uri, *slot, info));
        match fitting.as_slice() {
            [] => Err(Fault::Absent),
            [(slot, info)] => Self::at(context, *slot, info, uri),
            several => {
                Err(Fault::Several(several.iter().map(|(slot, info)| of_token(uri, *slot, info).to_string()).collect()))
            }
        }
    }

    fn at(context: Pkcs11, slot: Slot, info: &TokenInfo, uri: &TokenUri) -> Result<Self, Fault> {
        let session = context.open_rw_session(slot).map_err(fault)?;
        let place = Place { context, slot, serial: info.serial_number().to_owned() };
        let (private, each_time, kept) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { place, session, uri: uri.clone(), private, each_time, kept, is_unlocked: false })
    }

    fn objects(&self) -> Objects<'_> {
        Objects { session: &self.session, uri: &self.uri }
    }

    /// Tries a PIN; the tries are read again when it was wrong.
    fn log_in(&self, user: UserType, pin: &str) -> Result<(), Fault> {
        let tries = |info: &TokenInfo| match user {
            UserType::So => admin_tries_of(info),
            _ => tries_of(info),
        };
        let (incorrect, locked): (fn(Tries) -> Fault, _) = match user {
            UserType::So => (Fault::AdminPinIncorrect, Fault::AdminPinLocked),
            _ => (Fault::PinIncorrect, Fault::PinLocked),
        };
        if tries(&self.place.info()?).is_locked() {
            return Err(locked); // and nothing was tried
        }
        match self.session.login(user, Some(&AuthPin::from(pin.to_owned()))) {
            Ok(()) => Ok(()),
            // The PIN was wrong, whatever can be read now.
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                match self.place.info().map_or(Tries::Untold, |it| tries(&it)) {
                    left if left.is_locked() => Err(locked),
                    left => Err(incorrect(left)),
                }
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(locked),
            Err(error) => Err(self.place.explained(fault(error))),
        }
    }

    fn has(&self, mechanism: MechanismType) -> bool {
        has(&self.place.context, self.place.slot, mechanism)
    }

    /// Whether key pairs of this kind can be made here, to sign with.
    fn makes(&self, key: KeyKind) -> Result<(), Fault> {
        let is_offered = match key {
            KeyKind::Sm2 => self.sm2()?,
            KeyKind::P256 => self.has(MechanismType::ECC_KEY_PAIR_GEN),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => self.has(MechanismType::RSA_PKCS_KEY_PAIR_GEN),
        };
        if is_offered { Ok(()) } else { Err(Fault::NotOffered(format!("{} key pairs", key.suite()))) }
    }

    fn sm2(&self) -> Result<bool, Fault> {
        let offered = sm2_offered(&self.place.context, self.place.slot, self.uri.sm2.ok_or_else(no_sm2)?);
        Ok(offered.makes_pairs && offered.signs)
    }

    /// Finds the private halves, which only who is logged in can see. SM2 keys that the URI has no numbers for can't be asked to
    /// sign: the token is used without them.
    fn find_private(&self) -> Result<Vec<Algorithm>, Fault> {
        let mut found = HashMap::new();
        let is_usable = |key: &KeyPair| key.algorithm != Algorithm::Sm2 || self.uri.sm2.is_some();
        for key in self.objects().key_pairs()?.into_iter().filter(is_usable) {
            if let Some(handle) = self.objects().private(&key)? {
                let each_time = self.objects().wants_pin_each_time(handle)?;
                found.insert(key.algorithm, Private { handle, each_time });
            }
        }
        let mut algorithms: Vec<_> = found.keys().copied().collect();
        algorithms.sort_unstable();
        *self.private.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(algorithms)
    }
}

impl Device for Token {
    fn show(&mut self) -> Result<Shown, Fault> {
        self.place.info()?;
        let objects = self.objects();
        let pairs = objects.key_pairs().map_err(|fault| self.place.explained(fault))?;
        let keys = pairs.into_iter().map(|key| ShownKey {
            algorithm: key.algorithm,
            public: Bytes(key.public.to_spki_der()),
            certificate: key.certificate.map(Bytes),
        });
        let has_seal = if self.is_unlocked { Some(objects.seal()?.is_some()) } else { None };
        Ok(Shown { serial: self.place.serial.clone(), kind: objects.kind()?, keys: keys.collect(), has_seal })
    }

    fn tries(&mut self) -> Result<Tries, Fault> {
        Ok(tries_of(&self.place.info()?))
    }

    fn admin_tries(&mut self) -> Result<Tries, Fault> {
        Ok(admin_tries_of(&self.place.info()?))
    }

    fn unlock(&mut self, pin: &str) -> Result<Vec<Algorithm>, Fault> {
        if !self.place.info()?.user_pin_initialized() {
            return Err(Fault::NotInitialized);
        }
        self.log_in(UserType::User, pin)?;
        self.is_unlocked = true;
        let found = self.find_private()?;
        let wanted = self.private.read().unwrap_or_else(PoisonError::into_inner).values().any(|key| key.each_time);
        let module = module(&self.uri)?;
        let each_time = wanted.then(|| EachTime::new(&module, pin)).transpose()?;
        *self.each_time.write().unwrap_or_else(PoisonError::into_inner) = each_time;
        Ok(found)
    }

    fn workers(&mut self) -> Result<Vec<WorkerOnDevice>, Fault> {
        // They share one login (PKCS #11 v2.40 §5.6).
        let most = match self.place.info()?.max_session_count() {
            Limit::Max(most) => usize::try_from(most.saturating_sub(1)).unwrap_or(MOST_WORKERS).clamp(1, MOST_WORKERS),
            Limit::Unavailable | Limit::Infinite => MOST_WORKERS,
        };
        let mut workers: Vec<WorkerOnDevice> = Vec::new();
        for _ in 0..most {
            let session = match self.place.context.open_rw_session(self.place.slot) {
                Ok(session) => session,
                Err(Error::Pkcs11(RvError::SessionCount, _)) if !workers.is_empty() => break,
                Err(error) => return Err(fault(error)),
            };
            let (place, private, kept) = (self.place.clone(), Arc::clone(&self.private), Arc::clone(&self.kept));
            let each_time = Arc::clone(&self.each_time);
            let sm2 = self.uri.sm2;
            workers.push(Box::new(move |work| {
                let done = match work {
                    Work::Sign { key, input } => {
                        let found = private.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
                        let (found, mechanism) = (found.ok_or(Fault::NoKey)?, mechanism(key, sm2)?);
                        let each_time = each_time.read().unwrap_or_else(PoisonError::into_inner);
                        let signed = match each_time.as_ref().filter(|_| found.each_time) {
                            Some(each_time) => each_time.sign(&session, &mechanism, found.handle, &input.0),
                            None => session.sign(&mechanism, found.handle, &input.0).map_err(fault),
                        };
                        signed.map(|signature| Answer::Signed(Bytes(signature)))
                    }
                    kept_for => kept.work(&session, kept_for, sm2),
                };
                done.map_err(|fault| logged_out(&session, place.explained(fault)))
            }));
        }
        Ok(workers)
    }

    fn generate(&mut self, key: KeyKind) -> Result<(), Fault> {
        if self.objects().key_pairs()?.iter().any(|there| there.algorithm == key.suite().into()) {
            return Err(Fault::KeyExists);
        }
        self.makes(key)?;
        self.objects().generate(key)?;
        self.find_private().map(drop)
    }

    fn import(&mut self, key: Algorithm, certificate: &[u8]) -> Result<(), Fault> {
        self.objects().import(key, certificate).map_err(|fault| self.place.explained(fault))
    }

    fn store_seal(&mut self, seal: &[u8]) -> Result<(), Fault> {
        self.objects().store_seal(seal).map_err(|fault| self.place.explained(fault))
    }

    fn read_seal(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        self.place.info()?; // some modules answer from memory when the token is gone
        self.objects().seal().map_err(|fault| self.place.explained(fault))
    }

    fn change_pin(&mut self, old: &str, new: &str) -> Result<(), Fault> {
        if tries_of(&self.place.info()?).is_locked() {
            return Err(Fault::PinLocked);
        }
        let [given, wanted] = [old, new].map(|pin| AuthPin::from(pin.to_owned()));
        match self.session.set_pin(&given, &wanted) {
            Ok(()) => {
                let each_time = self.each_time.read().unwrap_or_else(PoisonError::into_inner);
                each_time.iter().for_each(|each_time| each_time.changed_to(new));
                Ok(())
            }
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                match self.place.info().map_or(Tries::Untold, |it| tries_of(&it)) {
                    left if left.is_locked() => Err(Fault::PinLocked),
                    left => Err(Fault::PinIncorrect(left)),
                }
            }
            Err(error) => Err(self.place.explained(fault(error))),
        }
    }

    fn open_store(&mut self, pin: &str) -> Result<Offers, Fault> {
        if !self.place.info()?.user_pin_initialized() {
            return Err(Fault::NotInitialized);
        }
        self.log_in(UserType::User, pin)?;
        self.is_unlocked = true;
        self.find_kept().map_err(|fault| self.place.explained(fault))
    }

    fn generate_for(&mut self, id: &[u8], key: KeyKind) -> Result<Vec<u8>, Fault> {
        self.make_kept(id, key).map_err(|fault| self.place.explained(fault))
    }

    fn unblock(&mut self, admin: &str, new: &str) -> Result<(), Fault> {
        self.log_in(UserType::So, admin)?;
        let given = self.session.init_pin(&AuthPin::from(new.to_owned())).map_err(fault);
        let left = self.session.logout().map_err(fault);
        given.and(left)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // The session closes itself; one that is gone can't be logged out of.
        if self.is_unlocked {
            let _ = self.session.logout();
        }
    }
}

impl Place {
    /// The token as it is now; [`Fault::Removed`] where another or none is there.
    fn info(&self) -> Result<TokenInfo, Fault> {
        let look = || {
            let is_there = self.context.get_slots_with_token().is_ok_and(|slots| slots.contains(&self.slot));
            if is_there { seen(&self.context, self.slot) } else { Seen::Nothing }
        };
        match looked_again(look, |seen| matches!(seen, Seen::Unreadable)) {
            Seen::Token(info) if info.serial_number() == self.serial => Ok(*info),
            _ => Err(Fault::Removed),
        }
    }

    /// A call that failed on a token that is gone failed for that: modules say it in many ways.
    fn explained(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Refused { .. } | Fault::NoKey | Fault::Absent if self.info().is_err() => Fault::Removed,
            other => other,
        }
    }
}

/// A token that logged out by itself, or was logged out by another program, says so in many ways.
fn logged_out(session: &Session, fault: Fault) -> Fault {
    let is_in = |state| matches!(state, SessionState::RwUser | SessionState::RoUser);
    let is_out = || session.get_session_info().is_ok_and(|info| !is_in(info.session_state()));
    match fault {
        Fault::Refused { .. } | Fault::NoKey if is_out() => Fault::LoggedOut,
        other => other,
    }
}

/// The module that the URI names, or the environment.
fn module(uri: &TokenUri) -> Result<PathBuf, Fault> {
    let of_environment = || std::env::var_os(MODULE).map(Into::into);
    let named = uri.module_path.clone().or_else(of_environment);
    named.ok_or_else(|| Fault::Library(format!("name a module: ?module-path=… in the URI, or {MODULE}")))
}

/// What is in a slot.
enum Seen {
    Token(Box<TokenInfo>),
    Nothing,
    /// Something that can't be read just now.
    Unreadable,
}

fn seen(context: &Pkcs11, slot: Slot) -> Seen {
    match context.get_token_info(slot) {
        Ok(info) => Seen::Token(Box::new(info)),
        Err(error) => match fault(error) {
            Fault::Refused { .. } => Seen::Unreadable,
            _ => Seen::Nothing,
        },
    }
}

fn load(uri: &TokenUri) -> Result<Pkcs11, Fault> {
    let module = module(uri)?;
    let context = Pkcs11::new(&module).map_err(|error| library(&module, &error))?;
    let started = context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    started.map_err(|error| library(&module, &error))?;
    Ok(context)
}

fn tokens(context: &Pkcs11) -> Result<Vec<(Slot, TokenInfo)>, Fault> {
    let slots = context.get_slots_with_token().map_err(fault)?;
    // A token that is pulled or can't be read is not there.
    let seen = slots.into_iter().filter_map(|slot| match seen(context, slot) {
        Seen::Token(info) => Some((slot, *info)),
        Seen::Nothing | Seen::Unreadable => None,
    });
    Ok(seen.collect())
}

fn fits(uri: &TokenUri, slot: Slot, info: &TokenInfo) -> bool {
    let texts = [
        (&uri.token, info.label()),
        (&uri.manufacturer, info.manufacturer_id()),
        (&uri.serial, info.serial_number()),
        (&uri.model, info.model()),
    ];
    let slot_fits = uri.slot_id.is_none_or(|id| id == slot.id());
    slot_fits && texts.iter().all(|(wanted, is)| wanted.as_ref().is_none_or(|wanted| wanted.as_str() == *is))
}

/// The URI of just this token.
fn of_token(uri: &TokenUri, slot: Slot, info: &TokenInfo) -> TokenUri {
    let (module_path, sm2) = (uri.module_path.clone(), uri.sm2);
    if !info.token_initialized() {
        return TokenUri { slot_id: Some(slot.id()), module_path, sm2, ..TokenUri::default() };
    }
    let (token, serial) = (Some(info.label().to_owned()), Some(info.serial_number().to_owned()));
    TokenUri { token, serial, module_path, sm2, ..TokenUri::default() }
}

fn tries_of(info: &TokenInfo) -> Tries {
    told(info.user_pin_locked(), info.user_pin_final_try(), info.user_pin_count_low())
}

fn admin_tries_of(info: &TokenInfo) -> Tries {
    told(info.so_pin_locked(), info.so_pin_final_try(), info.so_pin_count_low())
}

const fn told(is_locked: bool, is_final: bool, is_low: bool) -> Tries {
    match (is_locked, is_final, is_low) {
        (true, ..) => Tries::Exactly(0),
        (_, true, _) => Tries::Exactly(1),
        (.., true) => Tries::Fewer,
        _ => Tries::Untold,
    }
}
