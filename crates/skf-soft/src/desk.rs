//! What the functions do, without pointers: handles are numbers.

use std::collections::HashMap;
use std::path::PathBuf;

use eseal_card::{CardError, Pin, SoftCard, TRIES, Tries, Unlocked};
use eseal_pki::{Certificate, Hasher, PublicKey, Suite};

/// The folder of the devices.
const FOLDER: &str = "ESEAL_SKF_SOFT_DIR";
pub(crate) const APPLICATION: &str = "ESEAL";
pub(crate) const CONTAINER: &str = "eseal";
/// The one file that there is room for.
pub(crate) const FILE: &str = "eseal.esl";
const SUITE: Suite = Suite::Sm2Sm3;

/// The codes of the standard that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Sar {
    Fail = 0x0A00_0001,
    NotSupported = 0x0A00_0003,
    FileErr = 0x0A00_0004,
    InvalidHandle = 0x0A00_0005,
    InvalidParam = 0x0A00_0006,
    InDataLen = 0x0A00_0010,
    InData = 0x0A00_0011,
    KeyNotFound = 0x0A00_001B,
    CertNotFound = 0x0A00_001C,
    BufferTooSmall = 0x0A00_0020,
    DeviceRemoved = 0x0A00_0023,
    PinIncorrect = 0x0A00_0024,
    PinLocked = 0x0A00_0025,
    PinLength = 0x0A00_0027,
    UserTypeInvalid = 0x0A00_002A,
    NotLoggedIn = 0x0A00_002D,
    ApplicationNotExists = 0x0A00_002E,
    FileExists = 0x0A00_002F,
    NoRoom = 0x0A00_0030,
    FileNotExist = 0x0A00_0031,
}

/// A wrong PIN with what is left, or another code.
pub(crate) type Tried = Result<(), (Sar, u32)>;

/// Everything that is open.
#[derive(Default)]
pub(crate) struct Desk {
    things: HashMap<usize, Thing>,
    last: usize,
}

enum Thing {
    Device(SoftCard),
    Application { card: SoftCard, unlocked: Option<Unlocked> },
    Container { application: usize },
    Hash(Hasher),
}

impl Desk {
    /// The devices that are there.
    pub(crate) fn devices() -> Vec<String> {
        let Some(folder) = std::env::var_os(FOLDER) else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.path().file_name()?.to_str()?.strip_suffix(".card").map(str::to_owned))
            .collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn is_present(name: &str) -> bool {
        place(name).is_ok_and(|path| SoftCard::open(&path).is_ok())
    }

    pub(crate) fn connect(&mut self, name: &str) -> Result<usize, Sar> {
        let card = SoftCard::open(&place(name)?).map_err(|error| of(&error))?;
        Ok(self.put(Thing::Device(card)))
    }

    /// The serial number and the label of a device.
    pub(crate) fn info(&self, device: usize) -> Result<(String, String), Sar> {
        let card = self.device(device)?;
        card.tries_left().map_err(|error| of(&error))?; // it is still there
        let label = card.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((card.serial().to_owned(), label))
    }

    pub(crate) fn device(&self, handle: usize) -> Result<&SoftCard, Sar> {
        match self.things.get(&handle) {
            Some(Thing::Device(card)) => Ok(card),
            _ => Err(Sar::InvalidHandle),
        }
    }

    pub(crate) fn open_application(&mut self, device: usize, name: &str) -> Result<usize, Sar> {
        let card = self.device(device)?.clone();
        if name != APPLICATION {
            return Err(Sar::ApplicationNotExists);
        }
        Ok(self.put(Thing::Application { card, unlocked: None }))
    }

    /// (most, left) of the user's or the administrator's PIN.
    pub(crate) fn tries(&self, application: usize, is_admin: bool) -> Result<(u32, u32), Sar> {
        let (card, _) = self.application(application)?;
        let left = match is_admin {
            true => card.admin_tries_left().map_err(|error| of(&error))?.unwrap_or(0),
            false => card.tries_left().map_err(|error| of(&error))?,
        };
        Ok((TRIES.into(), left.into()))
    }

    pub(crate) fn verify_pin(&mut self, application: usize, pin: &str) -> Tried {
        let (card, _) = self.application(application).map_err(|sar| (sar, 0))?;
        let unlocked = card.unlock(&checked(pin)?).map_err(tried)?;
        if let Some(Thing::Application { unlocked: place, .. }) = self.things.get_mut(&application) {
            *place = Some(unlocked);
        }
        Ok(())
    }

    pub(crate) fn change_pin(&self, application: usize, old: &str, new: &str) -> Tried {
        let (card, _) = self.application(application).map_err(|sar| (sar, 0))?;
        let new = checked(new)?;
        card.unlock(&checked(old)?).and_then(|unlocked| unlocked.change_pin(&new)).map_err(tried)
    }

    pub(crate) fn unblock(&self, application: usize, admin: &str, new: &str) -> Tried {
        let (card, _) = self.application(application).map_err(|sar| (sar, 0))?;
        let new = checked(new)?;
        card.unblock(&checked(admin)?, &new).map_err(tried)
    }

    pub(crate) fn lock(&mut self, application: usize) -> Result<(), Sar> {
        match self.things.get_mut(&application) {
            Some(Thing::Application { unlocked, .. }) => *unlocked = None,
            _ => return Err(Sar::InvalidHandle),
        }
        Ok(())
    }

    pub(crate) fn has_file(&self, application: usize) -> Result<bool, Sar> {
        self.application(application)?.0.has_seal().map_err(|error| of(&error))
    }

    pub(crate) fn create_file(&self, application: usize, name: &str, size: usize) -> Result<(), Sar> {
        let unlocked = self.unlocked(application)?;
        match (name == FILE, self.has_file(application)?) {
            (false, _) => Err(Sar::NoRoom),
            (true, true) => Err(Sar::FileExists),
            (true, false) if size > eseal_card::MAX_SEAL => Err(Sar::NoRoom),
            (true, false) => unlocked.store_seal(&vec![0; size]).map_err(|error| of(&error)),
        }
    }

    pub(crate) fn delete_file(&self, application: usize, name: &str) -> Result<(), Sar> {
        let unlocked = self.unlocked(application)?;
        match name == FILE && self.has_file(application)? {
            true => unlocked.remove_seal().map_err(|error| of(&error)),
            false => Err(Sar::FileNotExist),
        }
    }

    pub(crate) fn read_file(&self, application: usize, name: &str) -> Result<Vec<u8>, Sar> {
        let content = self.unlocked(application)?.read_seal().map_err(|error| of(&error))?;
        content.filter(|_| name == FILE).ok_or(Sar::FileNotExist)
    }

    /// A file has the size that it was made with.
    pub(crate) fn write_file(&self, application: usize, name: &str, at: usize, bytes: &[u8]) -> Result<(), Sar> {
        let mut content = self.read_file(application, name)?;
        let end = at.checked_add(bytes.len()).ok_or(Sar::FileErr)?;
        content.get_mut(at..end).ok_or(Sar::FileErr)?.copy_from_slice(bytes);
        self.unlocked(application)?.store_seal(&content).map_err(|error| of(&error))
    }

    /// Whether the container is there: with the key.
    pub(crate) fn has_container(&self, application: usize) -> Result<bool, Sar> {
        Ok(key(self.application(application)?.0)?.is_some())
    }

    pub(crate) fn open_container(&mut self, application: usize, name: &str, is_new: bool) -> Result<usize, Sar> {
        let is_there = self.has_container(application)?;
        match (name == CONTAINER, is_new) {
            (false, true) => return Err(Sar::NoRoom),
            (false, false) => return Err(Sar::KeyNotFound),
            (true, true) => drop(self.unlocked(application)?),
            (true, false) if !is_there => return Err(Sar::KeyNotFound),
            (true, false) => {}
        }
        Ok(self.put(Thing::Container { application }))
    }

    pub(crate) fn generate(&mut self, container: usize) -> Result<PublicKey, Sar> {
        let application = self.of_container(container)?;
        match self.things.get_mut(&application) {
            Some(Thing::Application { unlocked: Some(unlocked), .. }) => {
                unlocked.generate(SUITE).map_err(|error| of(&error))?;
            }
            _ => return Err(Sar::NotLoggedIn),
        }
        self.public_key(container)
    }

    pub(crate) fn public_key(&self, container: usize) -> Result<PublicKey, Sar> {
        key(self.application(self.of_container(container)?)?.0)?.ok_or(Sar::KeyNotFound)
    }

    pub(crate) fn certificate(&self, container: usize) -> Result<Vec<u8>, Sar> {
        let (card, _) = self.application(self.of_container(container)?)?;
        let certificate = card.certificate(SUITE).map_err(|error| of(&error))?;
        certificate.map(|certificate| certificate.der().to_vec()).ok_or(Sar::CertNotFound)
    }

    pub(crate) fn import(&self, container: usize, certificate: &[u8]) -> Result<(), Sar> {
        let unlocked = self.unlocked(self.of_container(container)?)?;
        let certificate = Certificate::from_der(certificate).map_err(|_| Sar::InData)?;
        unlocked.import_certificate(SUITE, &certificate).map_err(|error| of(&error))
    }

    /// Signs a digest, as it is: SM3(Z ‖ M) where the caller made no mistake.
    pub(crate) fn sign(&self, container: usize, digest: &[u8]) -> Result<[u8; 64], Sar> {
        let unlocked = self.unlocked(self.of_container(container)?)?;
        unlocked.card().tries_left().map_err(|error| of(&error))?; // a device that was pulled out signs nothing
        let digest = digest.try_into().map_err(|_| Sar::InDataLen)?;
        unlocked.signer(SUITE).ok_or(Sar::KeyNotFound)?.sign_sm2_digest(digest).map_err(|_| Sar::Fail)
    }

    /// SM3, begun with Z where a key is given.
    pub(crate) fn hash(&mut self, device: usize, key: Option<&PublicKey>) -> Result<usize, Sar> {
        self.device(device)?;
        let hasher = match key {
            Some(key) => key.sm2_z_hasher().ok_or(Sar::InvalidParam)?,
            None => SUITE.digest().hasher(),
        };
        Ok(self.put(Thing::Hash(hasher)))
    }

    pub(crate) fn update(&mut self, hash: usize, bytes: &[u8]) -> Result<(), Sar> {
        match self.things.get_mut(&hash) {
            Some(Thing::Hash(hasher)) => hasher.update(bytes),
            _ => return Err(Sar::InvalidHandle),
        }
        Ok(())
    }

    pub(crate) fn digest(&mut self, hash: usize) -> Result<Vec<u8>, Sar> {
        match self.things.remove(&hash) {
            Some(Thing::Hash(hasher)) => Ok(hasher.finish()),
            _ => Err(Sar::InvalidHandle),
        }
    }

    pub(crate) fn close(&mut self, handle: usize) -> Result<(), Sar> {
        self.things.remove(&handle).map(drop).ok_or(Sar::InvalidHandle)
    }

    fn put(&mut self, thing: Thing) -> usize {
        self.last += 1;
        self.things.insert(self.last, thing);
        self.last
    }

    fn application(&self, handle: usize) -> Result<(&SoftCard, Option<&Unlocked>), Sar> {
        match self.things.get(&handle) {
            Some(Thing::Application { card, unlocked }) => Ok((card, unlocked.as_ref())),
            _ => Err(Sar::InvalidHandle),
        }
    }

    fn unlocked(&self, application: usize) -> Result<&Unlocked, Sar> {
        self.application(application)?.1.ok_or(Sar::NotLoggedIn)
    }

    fn of_container(&self, handle: usize) -> Result<usize, Sar> {
        match self.things.get(&handle) {
            Some(Thing::Container { application }) => Ok(*application),
            _ => Err(Sar::InvalidHandle),
        }
    }
}

fn place(name: &str) -> Result<PathBuf, Sar> {
    let folder = std::env::var_os(FOLDER).ok_or(Sar::DeviceRemoved)?;
    if name.is_empty() || name.contains(['/', '\\']) {
        return Err(Sar::InvalidParam);
    }
    Ok(PathBuf::from(folder).join(format!("{name}.card")))
}

fn key(card: &SoftCard) -> Result<Option<PublicKey>, Sar> {
    card.public_key(SUITE).map_err(|error| of(&error))
}

fn checked(pin: &str) -> Result<Pin, (Sar, u32)> {
    Pin::try_new(pin.to_owned()).map_err(|_| (Sar::PinLength, 0))
}

fn tried(error: CardError) -> (Sar, u32) {
    let left = |tries: Tries| tries.number().unwrap_or(0).into();
    match error {
        CardError::PinIncorrect { tries_left } | CardError::AdminPinIncorrect { tries_left } => {
            (Sar::PinIncorrect, left(tries_left))
        }
        CardError::PinLocked | CardError::AdminPinLocked => (Sar::PinLocked, 0),
        other => (of(&other), 0),
    }
}

fn of(error: &CardError) -> Sar {
    match error {
        CardError::Absent(_) | CardError::Exchanged(_) => Sar::DeviceRemoved,
        CardError::NoKey(_) | CardError::NoSuchKey => Sar::KeyNotFound,
        CardError::SealTooLarge { .. } | CardError::CertificateTooLarge { .. } => Sar::NoRoom,
        CardError::OtherKey(_) => Sar::InData,
        CardError::NotOffered(_) => Sar::NotSupported,
        CardError::PinLocked => Sar::PinLocked,
        _ => Sar::Fail,
    }
}
