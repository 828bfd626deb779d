//! What a driver must be able to do, whichever standard its library follows.

use super::wire::{Algorithm, KeyKind, Shown};
use crate::fault::Fault;
use crate::tries::Tries;

/// A device that is connected, within the driver's process.
pub(crate) trait Device {
    /// What can be seen without the PIN.
    fn show(&mut self) -> Result<Shown, Fault>;

    /// The tries that the PIN has left.
    fn tries(&mut self) -> Result<Tries, Fault>;

    /// Tries the PIN, once. Gives the keys that can sign now.
    fn unlock(&mut self, pin: &str) -> Result<Vec<Algorithm>, Fault>;

    /// Those who sign side by side: as many as the device has sessions for, at least one.
    fn signers(&mut self) -> Result<Vec<SignerOnDevice>, Fault>;

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
}

/// Signs what [`eseal_pki::PublicKey::device_input`] made; gives the device's own form.
pub(crate) type SignerOnDevice = Box<dyn FnMut(Algorithm, &[u8]) -> Result<Vec<u8>, Fault> + Send>;
