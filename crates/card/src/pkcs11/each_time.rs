//! Keys that want their PIN before each signature (CKA_ALWAYS_AUTHENTICATE, PKCS #11 v2.40 §4.9 and §5.6): between C_SignInit and
//! C_Sign the user logs in once more, for this operation alone (CKU_CONTEXT_SPECIFIC).
//!
//! The PIN was typed when the card was unlocked, and is kept in the driver's process as long as that is, wiped after. It was right
//! then; once a token does not take it any more it is forgotten, so that no second try is spent without the user.
//!
//! The binding has no C_Sign by itself: its call begins with C_SignInit. So C_Sign is called here as the module gives it; this and
//! [`crate::skf`] are where this crate is `unsafe`.

use std::path::Path;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use cryptoki::context::Function;
use cryptoki::error::{Error, Rv, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use cryptoki_sys::{CK_BYTE, CK_FUNCTION_LIST, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use zeroize::Zeroizing;

use super::faults::fault;
use crate::fault::Fault;
use crate::tries::Tries;

/// Bytes of the longest signature: RSA of 16384 bits.
const LONGEST: usize = 2048;

type Sign = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) -> CK_RV;

/// Signs with such keys.
pub(super) struct EachTime {
    sign: Sign,
    pin: Mutex<Option<Zeroizing<String>>>,
    /// Keeps the function loaded.
    _module: cryptoki_sys::Pkcs11,
}

impl EachTime {
    /// With the PIN that was right a moment ago.
    #[expect(unsafe_code, reason = "a function of the module is looked up that the binding does not give")]
    pub(super) fn new(module: &Path, pin: &str) -> Result<Self, Fault> {
        let unusable = |why: &dyn std::fmt::Display| Fault::Library(format!("{}: {why}", module.display()));
        // SAFETY: the module is loaded already, so that this runs no initializer; the list is the module's own and stays as long
        // as it is loaded (PKCS #11 v2.40 §5.4).
        let (module, sign) = unsafe {
            let module = cryptoki_sys::Pkcs11::new(module).map_err(|error| unusable(&error))?;
            let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
            let code = module.C_GetFunctionList(&raw mut list);
            let sign = if code == cryptoki_sys::CKR_OK { list.as_ref().and_then(|list| list.C_Sign) } else { None };
            (module, sign.ok_or_else(not_offered)?)
        };
        Ok(Self { sign, pin: Mutex::new(Some(Zeroizing::new(pin.to_owned()))), _module: module })
    }

    /// The PIN is another one from now on.
    pub(super) fn changed_to(&self, pin: &str) {
        *self.pin.lock().unwrap_or_else(PoisonError::into_inner) = Some(Zeroizing::new(pin.to_owned()));
    }

    /// One signature with one login.
    pub(super) fn sign(
        &self,
        session: &Session,
        mechanism: &Mechanism<'_>,
        key: ObjectHandle,
        input: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        // One login after the other, so that a PIN that is wrong by now is tried once.
        let mut pin = self.pin.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pin.as_ref().ok_or(Fault::PinIncorrect(Tries::Untold))?;
        let given = AuthPin::from(kept.as_str().to_owned());
        session.sign_init(mechanism, key).map_err(fault)?;
        if let Err(error) = session.login(UserType::ContextSpecific, Some(&given)) {
            // C_Sign ends the operation, with whatever error.
            let _ = self.finish(session, input);
            return Err(match error {
                Error::Pkcs11(RvError::PinIncorrect, _) => {
                    *pin = None;
                    Fault::PinIncorrect(Tries::Untold)
                }
                Error::Pkcs11(RvError::PinLocked, _) => {
                    *pin = None;
                    Fault::PinLocked
                }
                Error::Pkcs11(RvError::UserTypeInvalid | RvError::FunctionNotSupported, _) => not_offered(),
                error => fault(error),
            });
        }
        drop(pin);
        self.finish(session, input)
    }

    #[expect(unsafe_code, reason = "a function of the module is called")]
    fn finish(&self, session: &Session, input: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut input = input.to_vec();
        let mut signature = vec![0; LONGEST];
        let length = |bytes: &[u8]| CK_ULONG::try_from(bytes.len()).map_err(|_| Fault::Full);
        let (input_length, mut written) = (length(&input)?, length(&signature)?);
        // SAFETY: the function is the module's C_Sign; both buffers are ours, as long as is told, and outlive the call; a session is
        // used by one thread at a time.
        let code = unsafe {
            (self.sign)(session.handle(), input.as_mut_ptr(), input_length, signature.as_mut_ptr(), &raw mut written)
        };
        Rv::from(code).into_result(Function::Sign).map_err(fault)?;
        signature.truncate(usize::try_from(written).unwrap_or(LONGEST));
        Ok(signature)
    }
}

fn not_offered() -> Fault {
    Fault::NotOffered("keys that want the PIN before each signature (CKA_ALWAYS_AUTHENTICATE)".to_owned())
}
