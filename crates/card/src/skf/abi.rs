//! Types, numbers and error codes of GM/T 0016.
//!
//! The standard's ULONG has 32 bits and its structures are packed. What is read of DEVINFO lies in front of its first number, so
//! that vendors who align their structures are read alike.

use crate::fault::Fault;

/// SGD_SM2_1: SM2 for signatures (GM/T 0006).
pub(super) const SGD_SM2_1: u32 = 0x0002_0200;
/// What SKF_GetContainerType says of a container with SM2 keys.
pub(super) const CONTAINER_ECC: u32 = 2;
/// SECURE_USER_ACCOUNT and SECURE_ANYONE_ACCOUNT: who may read and write a file.
pub(super) const SECURE_USER: u32 = 0x10;
/// The major version of DEVINFO's layout that [`DevInfo`] follows.
pub(super) const DEVINFO_MAJOR: u8 = 1;
/// DEV_PRESENT_STATE.
pub(super) const DEV_PRESENT: u32 = 1;
/// TRUE: the key pair and certificate that sign, not those that encrypt.
pub(super) const SIGNING: i32 = 1;

/// DEVINFO. Longer than any vendor's form of it: libraries have written fields of later editions of the standard.
#[repr(C)]
pub(super) struct DevInfo {
    pub(super) version: [u8; 2],
    pub(super) manufacturer: [u8; 64],
    pub(super) issuer: [u8; 64],
    pub(super) label: [u8; 32],
    pub(super) serial: [u8; 32],
    pub(super) rest: [u8; 318],
}

/// ECCPUBLICKEYBLOB. Coordinates of 256 bits are on the right of their 64 bytes.
#[repr(C)]
pub(super) struct EccPublicKey {
    pub(super) bits: u32,
    pub(super) x: [u8; 64],
    pub(super) y: [u8; 64],
}

/// ECCSIGNATUREBLOB; the numbers lie as in [`EccPublicKey`].
#[repr(C)]
pub(super) struct EccSignature {
    pub(super) r: [u8; 64],
    pub(super) s: [u8; 64],
}

/// FILEATTRIBUTE.
#[repr(C)]
pub(super) struct FileAttribute {
    pub(super) name: [u8; 32],
    pub(super) size: u32,
    pub(super) read_rights: u32,
    pub(super) write_rights: u32,
}

/// A number that a library writes. Some vendors' ULONG has 64 bits on Linux: what is too much goes into `spare`.
#[repr(C, align(8))]
#[derive(Default)]
pub(super) struct Written {
    pub(super) value: u32,
    pub(super) spare: u32,
}

impl Written {
    /// Where a library writes: at both halves, if it likes.
    pub(super) const fn place(&mut self) -> *mut u32 {
        (&raw mut *self).cast()
    }
}

/// The 32 bytes on the right; `None` where something stands on the left of them.
pub(super) fn right(number: &[u8; 64]) -> Option<[u8; 32]> {
    let (left, right) = number.split_at(32);
    if left.iter().all(|byte| *byte == 0) { right.try_into().ok() } else { None }
}

/// What a code other than SAR_OK means. Wrong PINs are told by whoever tried one, who knows the tries left.
pub(super) fn fault(call: &'static str, code: u32) -> Fault {
    match code {
        0x0A00_0003 => Fault::NotOffered(call.to_owned()),
        0x0A00_0023 => Fault::Removed,
        0x0A00_002D => Fault::LoggedOut,
        0x0A00_0025 => Fault::PinLocked,
        0x0A00_0026 | 0x0A00_0027 => Fault::PinRefused,
        0x0A00_0029 | 0x0A00_002E => Fault::NotInitialized,
        0x0A00_001B => Fault::NoKey,
        0x0A00_0030 => Fault::Full,
        _ => Fault::Refused { call: call.to_owned(), code: name(code) },
    }
}

/// SAR_PIN_INCORRECT.
pub(super) const PIN_INCORRECT: u32 = 0x0A00_0024;
/// SAR_PIN_LOCKED.
pub(super) const PIN_LOCKED: u32 = 0x0A00_0025;
/// SAR_CERTNOTFOUNDERR.
pub(super) const NO_CERTIFICATE: u32 = 0x0A00_001C;

/// The code and, where the standard has one, its name.
pub(super) fn name(code: u32) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == code);
    known.map_or_else(|| format!("{code:#010X}"), |(_, name)| format!("{code:#010X} {name}"))
}

/// GM/T 0016, annex A.
const NAMES: [(u32, &str); 49] = [
    (0x0A00_0001, "SAR_FAIL"),
    (0x0A00_0002, "SAR_UNKNOWNERR"),
    (0x0A00_0003, "SAR_NOTSUPPORTYETERR"),
    (0x0A00_0004, "SAR_FILEERR"),
    (0x0A00_0005, "SAR_INVALIDHANDLEERR"),
    (0x0A00_0006, "SAR_INVALIDPARAMERR"),
    (0x0A00_0007, "SAR_READFILEERR"),
    (0x0A00_0008, "SAR_WRITEFILEERR"),
    (0x0A00_0009, "SAR_NAMELENERR"),
    (0x0A00_000A, "SAR_KEYUSAGEERR"),
    (0x0A00_000B, "SAR_MODULUSLENERR"),
    (0x0A00_000C, "SAR_NOTINITIALIZEERR"),
    (0x0A00_000D, "SAR_OBJERR"),
    (0x0A00_000E, "SAR_MEMORYERR"),
    (0x0A00_000F, "SAR_TIMEOUTERR"),
    (0x0A00_0010, "SAR_INDATALENERR"),
    (0x0A00_0011, "SAR_INDATAERR"),
    (0x0A00_0012, "SAR_GENRANDERR"),
    (0x0A00_0013, "SAR_HASHOBJERR"),
    (0x0A00_0014, "SAR_HASHERR"),
    (0x0A00_0015, "SAR_GENRSAKEYERR"),
    (0x0A00_0016, "SAR_RSAMODULUSLENERR"),
    (0x0A00_0017, "SAR_CSPIMPRTPUBKEYERR"),
    (0x0A00_0018, "SAR_RSAENCERR"),
    (0x0A00_0019, "SAR_RSADECERR"),
    (0x0A00_001A, "SAR_HASHNOTEQUALERR"),
    (0x0A00_001B, "SAR_KEYNOTFOUNTERR"),
    (0x0A00_001C, "SAR_CERTNOTFOUNTERR"),
    (0x0A00_001D, "SAR_NOTEXPORTERR"),
    (0x0A00_001E, "SAR_DECRYPTPADERR"),
    (0x0A00_001F, "SAR_MACLENERR"),
    (0x0A00_0020, "SAR_BUFFER_TOO_SMALL"),
    (0x0A00_0021, "SAR_KEYINFOTYPEERR"),
    (0x0A00_0022, "SAR_NOT_EVENTERR"),
    (0x0A00_0023, "SAR_DEVICE_REMOVED"),
    (0x0A00_0024, "SAR_PIN_INCORRECT"),
    (0x0A00_0025, "SAR_PIN_LOCKED"),
    (0x0A00_0026, "SAR_PIN_INVALID"),
    (0x0A00_0027, "SAR_PIN_LEN_RANGE"),
    (0x0A00_0028, "SAR_USER_ALREADY_LOGGED_IN"),
    (0x0A00_0029, "SAR_USER_PIN_NOT_INITIALIZED"),
    (0x0A00_002A, "SAR_USER_TYPE_INVALID"),
    (0x0A00_002B, "SAR_APPLICATION_NAME_INVALID"),
    (0x0A00_002C, "SAR_APPLICATION_EXISTS"),
    (0x0A00_002D, "SAR_USER_NOT_LOGGED_IN"),
    (0x0A00_002E, "SAR_APPLICATION_NOT_EXISTS"),
    (0x0A00_002F, "SAR_FILE_ALREADY_EXIST"),
    (0x0A00_0030, "SAR_NO_ROOM"),
    (0x0A00_0031, "SAR_FILE_NOT_EXIST"),
];

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    #[test]
    fn structures_lie_as_the_standard_lays_them() {
        assert_eq!(size_of::<EccPublicKey>(), 4 + 64 + 64);
        assert_eq!(size_of::<EccSignature>(), 128);
        assert_eq!(size_of::<FileAttribute>(), 32 + 12);
        assert_eq!(offset_of!(DevInfo, label), 130);
        assert_eq!(offset_of!(DevInfo, serial), 162);
        assert_eq!(size_of::<Written>(), 8);
    }

    #[test]
    fn numbers_are_on_the_right_of_their_places() {
        let mut number = [0; 64];
        number[32] = 7;
        assert_eq!(right(&number).map(|number| number[0]), Some(7));
        number[31] = 1;
        assert_eq!(right(&number), None);
    }

    #[test]
    fn codes_are_told_by_meaning_or_by_name() {
        assert_eq!(fault("SKF_ECCSignData", 0x0A00_0023), Fault::Removed);
        assert_eq!(fault("SKF_VerifyPIN", PIN_LOCKED), Fault::PinLocked);
        assert_eq!(fault("SKF_ECCSignData", 0x0A00_002D), Fault::LoggedOut);
        assert_eq!(name(0x0A00_002D), "0x0A00002D SAR_USER_NOT_LOGGED_IN");
        assert_eq!(name(0x0A00_1234), "0x0A001234");
        assert!(NAMES.is_sorted());
    }
}
