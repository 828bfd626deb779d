//! Devices behind a vendor's SKF library (GM/T 0016, GB/T 35291), within the driver's process.
//!
//! - [`abi`]: the standard's types and error codes
//! - [`library`]: the library's functions, `unsafe`
//!
//! A device signs digests: what it is handed is e = SM3(Z ‖ M), computed by the other process with the public key that the
//! device shows. Each wrong PIN is gone for good from the device's own count, so that exactly one call of SKF_VerifyPIN follows
//! each input of a person, and none where the device says that it is locked.

mod abi;
mod library;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eseal_pki::PublicKey;

use self::library::{Handle, Library, User};
use crate::address::SkfAddress;
use crate::driver::device::{Device, WorkerOnDevice, keeps_no_keys};
use crate::driver::wire::{Algorithm, Answer, Bytes, KeyKind, Listed, Shown, ShownKey, Work};
use crate::fault::Fault;
use crate::tries::Tries;

/// The container that is made for a key of ours.
const CONTAINER: &str = "eseal";
/// The file in which the seal lies.
const SEAL: &str = "eseal.esl";

/// A device that is connected.
pub(crate) struct SkfDevice(Arc<Mutex<Connected>>);

/// A device takes one call after the other: handles of one connection are not for many threads.
struct Connected {
    library: Library,
    name: String,
    serial: String,
    device: Handle,
    application: Option<Handle>,
    container: Option<Handle>,
    is_unlocked: bool,
}

/// The devices that are there, or the one that is named.
pub(crate) fn list(address: &SkfAddress) -> Result<Vec<Listed>, Fault> {
    let library = Library::load(&address.library)?;
    let mut listed = Vec::new();
    for name in library.devices()? {
        if address.device.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let device = library.connect(&name)?;
        let info = library.info(device)?;
        let applications = library.applications(device)?;
        let tries_left = match applications.first() {
            Some(application) => {
                let application = library.open_application(device, application)?;
                let tries = library.tries(application, User::User);
                library.close_application(application);
                tries?
            }
            None => Tries::Untold,
        };
        library.disconnect(device);
        listed.push(Listed {
            address: named(&address.library, &name),
            label: info.label,
            serial: info.serial,
            model: info.manufacturer,
            initialized: !applications.is_empty(),
            sm2: None,
            tries_left,
            library: address.library.display().to_string(),
            signs: vec!["SM2".to_owned()], // the standard has no question for it
        });
    }
    Ok(listed)
}

fn named(library: &Path, device: &str) -> String {
    format!("skf:{}#{device}", library.display())
}

impl SkfDevice {
    pub(crate) fn open(address: &SkfAddress) -> Result<Self, Fault> {
        let library = Library::load(&address.library)?;
        let mut names = library.devices()?;
        names.retain(|name| address.device.as_ref().is_none_or(|wanted| wanted == name));
        let name = match names.as_slice() {
            [] => return Err(Fault::Absent),
            [name] => name.clone(),
            several => return Err(Fault::Several(several.iter().map(|name| named(&address.library, name)).collect())),
        };
        let device = library.connect(&name)?;
        let serial = library.info(device)?.serial;
        let (application, container, is_unlocked) = (None, None, false);
        let mut connected = Connected { library, name, serial, device, application, container, is_unlocked };
        connected.open_application()?;
        Ok(Self(Arc::new(Mutex::new(connected))))
    }

    fn connected(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected {
    /// Opens the application, and the container with the SM2 key that signs, if there is one.
    fn open_application(&mut self) -> Result<(), Fault> {
        let names = self.library.applications(self.device)?;
        // A device of a CA has one. Where there are more, the first with a key is meant.
        for name in &names {
            let application = self.library.open_application(self.device, name)?;
            self.application = Some(application);
            self.container = self.signing_container(application)?;
            if self.container.is_some() || names.len() == 1 {
                return Ok(());
            }
            self.library.close_application(application);
            self.application = None;
        }
        match names.first() {
            None => Err(Fault::NotInitialized),
            Some(first) => {
                self.application = Some(self.library.open_application(self.device, first)?);
                Ok(())
            }
        }
    }

    /// The container whose SM2 key is meant: the only one, else the only one with a certificate, else ours.
    fn signing_container(&self, application: Handle) -> Result<Option<Handle>, Fault> {
        let mut found = Vec::new();
        for name in self.library.containers(application)? {
            let container = self.library.open_container(application, &name)?;
            let has_key = self.library.is_ecc(container)? && self.library.public_key(container).is_ok();
            match has_key {
                true => found.push((name, container)),
                false => self.library.close_container(container),
            }
        }
        let certified =
            |(_, container): &&(String, Handle)| self.library.certificate(*container).is_ok_and(|it| it.is_some());
        let mut with_certificate = found.iter().filter(certified);
        let chosen = match (found.as_slice(), with_certificate.next(), with_certificate.next()) {
            ([], ..) => return Ok(None),
            ([only], ..) | (_, Some(only), None) => Some(only.1),
            _ => found.iter().find(|(name, _)| name == CONTAINER).map(|(_, container)| *container),
        };
        chosen.map(Some).ok_or_else(|| Fault::Several(found.into_iter().map(|(name, _)| name).collect()))
    }

    fn application(&self) -> Result<Handle, Fault> {
        self.application.ok_or(Fault::NotInitialized)
    }

    /// A call that failed on a device that is gone failed for that.
    fn explained<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| match fault {
            Fault::Refused { .. } | Fault::NoKey if !self.is_there() => Fault::Removed,
            other => other,
        })
    }

    fn is_there(&self) -> bool {
        self.library.is_present(&self.name)
            && self.library.info(self.device).is_ok_and(|info| info.serial == self.serial)
    }

    fn tries(&self, user: User) -> Result<Tries, Fault> {
        self.explained(self.library.tries(self.application()?, user))
    }

    fn show(&self) -> Result<Shown, Fault> {
        if !self.is_there() {
            return Err(Fault::Removed);
        }
        let mut keys = Vec::new();
        if let Some(container) = self.container {
            let (x, y) = self.library.public_key(container)?;
            let public = PublicKey::from_device_sm2(&x, &y).map_err(|error| Fault::Lied(error.to_string()))?;
            let certificate = self.library.certificate(container)?.map(Bytes);
            keys.push(ShownKey { algorithm: Algorithm::Sm2, public: Bytes(public.to_spki_der()), certificate });
        }
        let has_seal = self.library.files(self.application()?)?.iter().any(|name| name == SEAL);
        Ok(Shown { serial: self.serial.clone(), kind: None, keys, has_seal: Some(has_seal) })
    }

    fn unlock(&mut self, pin: &str) -> Result<Vec<Algorithm>, Fault> {
        if self.tries(User::User)?.is_locked() {
            return Err(Fault::PinLocked); // and nothing was tried
        }
        self.explained(self.library.verify_pin(self.application()?, User::User, pin))?;
        self.is_unlocked = true;
        Ok(self.container.iter().map(|_| Algorithm::Sm2).collect())
    }

    fn store_seal(&self, seal: &[u8]) -> Result<(), Fault> {
        let application = self.application()?;
        // A file has the size that it was made with.
        if self.library.files(application)?.iter().any(|name| name == SEAL) {
            self.library.delete_file(application, SEAL)?;
        }
        self.library.create_file(application, SEAL, seal.len())?;
        self.library.write_file(application, SEAL, seal)?;
        match self.library.read_file(application, SEAL)? {
            stored if stored == seal => Ok(()),
            _ => Err(Fault::Lied("the seal that was stored is not the one that is read".to_owned())),
        }
    }
}

impl Device for SkfDevice {
    fn show(&mut self) -> Result<Shown, Fault> {
        let connected = self.connected();
        connected.explained(connected.show())
    }

    fn tries(&mut self) -> Result<Tries, Fault> {
        self.connected().tries(User::User)
    }

    fn admin_tries(&mut self) -> Result<Tries, Fault> {
        self.connected().tries(User::Admin)
    }

    fn unlock(&mut self, pin: &str) -> Result<Vec<Algorithm>, Fault> {
        self.connected().unlock(pin)
    }

    fn workers(&mut self) -> Result<Vec<WorkerOnDevice>, Fault> {
        let shared = Arc::clone(&self.0);
        let work = move |work: Work| {
            let connected = shared.lock().unwrap_or_else(PoisonError::into_inner);
            match (work, connected.container) {
                (Work::Sign { key: Algorithm::Sm2, input }, Some(container)) => {
                    let signed = connected.explained(connected.library.sign(container, &input.0))?;
                    Ok(Answer::Signed(Bytes(signed)))
                }
                (Work::Sign { .. }, _) => Err(Fault::NoKey),
                (Work::SignFor { .. } | Work::Encrypt { .. } | Work::Decrypt { .. }, _) => keeps_no_keys(),
            }
        };
        Ok(vec![Box::new(work)])
    }

    fn generate(&mut self, key: KeyKind) -> Result<(), Fault> {
        if key != KeyKind::Sm2 {
            return Err(Fault::NotOffered(format!("{} keys: SKF devices are used for SM2", key.suite())));
        }
        let mut connected = self.connected();
        if connected.container.is_some() {
            return Err(Fault::KeyExists);
        }
        let application = connected.application()?;
        let container = match connected.library.containers(application)?.iter().any(|name| name == CONTAINER) {
            true => connected.library.open_container(application, CONTAINER)?,
            false => connected.explained(connected.library.create_container(application, CONTAINER))?,
        };
        connected.explained(connected.library.generate(container))?;
        connected.container = Some(container);
        Ok(())
    }

    fn import(&mut self, _: Algorithm, certificate: &[u8]) -> Result<(), Fault> {
        let connected = self.connected();
        let container = connected.container.ok_or(Fault::NoKey)?;
        connected.explained(connected.library.import_certificate(container, certificate))
    }

    fn store_seal(&mut self, seal: &[u8]) -> Result<(), Fault> {
        let connected = self.connected();
        connected.explained(connected.store_seal(seal))
    }

    fn read_seal(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let connected = self.connected();
        let application = connected.application()?;
        let files = connected.explained(connected.library.files(application))?;
        let has_seal = files.iter().any(|name| name == SEAL);
        has_seal.then(|| connected.explained(connected.library.read_file(application, SEAL))).transpose()
    }

    fn change_pin(&mut self, old: &str, new: &str) -> Result<(), Fault> {
        let connected = self.connected();
        if connected.tries(User::User)?.is_locked() {
            return Err(Fault::PinLocked);
        }
        connected.explained(connected.library.change_pin(connected.application()?, old, new))
    }

    fn unblock(&mut self, admin: &str, new: &str) -> Result<(), Fault> {
        let connected = self.connected();
        if connected.tries(User::Admin)?.is_locked() {
            return Err(Fault::AdminPinLocked);
        }
        connected.explained(connected.library.unblock_pin(connected.application()?, admin, new))
    }
}

impl Drop for Connected {
    /// A device would stay unlocked for whoever comes next.
    fn drop(&mut self) {
        if let Some(container) = self.container {
            self.library.close_container(container);
        }
        if let Some(application) = self.application {
            if self.is_unlocked {
                self.library.clear_secure_state(application);
            }
            self.library.close_application(application);
        }
        self.library.disconnect(self.device);
    }
}
