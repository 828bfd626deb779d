//! What the return values of PKCS #11 mean (v2.40 §5.1).

use std::path::Path;

use cryptoki::error::{Error, RvError};

use crate::fault::Fault;

/// A call that failed. Wrong PINs are told by whoever tried one, who knows whose it was.
pub(super) fn fault(error: Error) -> Fault {
    let Error::Pkcs11(value, function) = error else { return of_binding(&error) };
    let call = format!("C_{function:?}");
    match value {
        RvError::PinLocked => Fault::PinLocked,
        RvError::PinInvalid | RvError::PinLenRange | RvError::PinTooWeak | RvError::PinExpired => Fault::PinRefused,
        RvError::UserPinNotInitialized => Fault::NotInitialized,
        RvError::DeviceRemoved
        | RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::SlotIdInvalid
        | RvError::SessionHandleInvalid
        | RvError::SessionClosed => Fault::Removed,
        RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::CurveNotSupported
        | RvError::DomainParamsInvalid
        | RvError::KeySizeRange
        | RvError::KeyTypeInconsistent
        | RvError::FunctionNotSupported => Fault::NotOffered(format!("what {call} was asked for")),
        RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid => Fault::NoKey,
        RvError::DeviceMemory => Fault::Full,
        RvError::TokenWriteProtected | RvError::SessionReadOnly => Fault::ReadOnly,
        other => Fault::Refused { call, code: format!("{other:?}") },
    }
}

fn of_binding(error: &Error) -> Fault {
    match error {
        Error::NullFunctionPointer | Error::NotSupported => Fault::NotOffered("a function that is needed".to_owned()),
        other => Fault::Lied(other.to_string()),
    }
}

/// A module that can't be used at all.
pub(super) fn library(module: &Path, error: &Error) -> Fault {
    Fault::Library(format!("{}: {error}", module.display()))
}
