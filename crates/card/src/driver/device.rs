//! What a driver must be able to do, whichever standard its library follows.

use super::wire::{Algorithm, Answer, KeyKind, Offers, Shown, Work};
use crate::fault::Fault;
use crate::tries::Tries;

/// Who works side by side on a device, at most.
pub(crate) const MOST_WORKERS: usize = 8;

/// A device that is connected, within the driver's process.
pub(crate) trait Device {
    /// What can be seen without the PIN.
    fn show(&mut self) -> Result<Shown, Fault>;

    /// The tries that the PIN has left.
    fn tries(&mut self) -> Result<Tries, Fault>;

    /// The tries that the administrator's PIN has left.
    fn admin_tries(&mut self) -> Result<Tries, Fault>;

    /// Tries the PIN, once. Gives the keys that can sign now.
    fn unlock(&mut self, pin: &str) -> Result<Vec<Algorithm>, Fault>;

    /// Those who work side by side: as many as the device has sessions for, at least one, [`MOST_WORKERS`] at most.
    fn workers(&mut self) -> Result<Vec<WorkerOnDevice>, Fault>;

    /// Makes a key pair.
    fn generate(&mut self, key: KeyKind) -> Result<(), Fault>;

    /// Puts the certificate of a key pair onto it.
    fn import(&mut self, key: Algorithm, certificate: &[u8]) -> Result<(), Fault>;

    /// Puts a seal onto it, in place of an earlier one.
    fn store_seal(&mut self, seal: &[u8]) -> Result<(), Fault>;

    /// The seal on it.
    fn read_seal(&mut self) -> Result<Option<Vec<u8>>, Fault>;

    /// Replaces the PIN; trying the old one is a try.
    fn change_pin(&mut self, old: &str, new: &str) -> Result<(), Fault>;

    /// Gives a locked card a new PIN, by the administrator's.
    fn unblock(&mut self, admin: &str, new: &str) -> Result<(), Fault>;

    /// Tries the PIN, once, to keep keys for a service.
    fn open_store(&mut self, _pin: &str) -> Result<Offers, Fault> {
        keeps_no_keys()
    }

    /// Makes a key pair of this id; gives its public half, SubjectPublicKeyInfo.
    fn generate_for(&mut self, _id: &[u8], _key: KeyKind) -> Result<Vec<u8>, Fault> {
        keeps_no_keys()
    }
}

/// One who works on the device, with a session of its own.
pub(crate) type WorkerOnDevice = Box<dyn FnMut(Work) -> Result<Answer, Fault> + Send>;

pub(crate) fn keeps_no_keys<T>() -> Result<T, Fault> {
    Err(Fault::NotOffered("to keep keys for a service".to_owned()))
}
