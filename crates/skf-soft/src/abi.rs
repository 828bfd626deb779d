//! The functions of GM/T 0016, as C sees them.
#![expect(unsafe_code, reason = "functions that C calls with pointers")]

use std::ffi::{c_char, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eseal_pki::PublicKey;

use crate::desk::{APPLICATION, CONTAINER, Desk, FILE, Sar, Tried};
use crate::pointers::{bytes, give, give_bytes, give_names, padded, right, text};
use crate::types::{DevInfo, EccPublicKey, EccSignature, FileAttribute};

type Handle = *mut c_void;
type Text = *const c_char;

const OK: u32 = 0;
const SGD_SM3: u32 = 1;
const SGD_SM2_1: u32 = 0x0002_0200;
const ADMIN: u32 = 0;
const USER: u32 = 1;
/// The identity that Z is made with when nothing else is agreed (GM/T 0009 §10).
const IDENTITY: &[u8] = b"1234567812345678";

/// What is open. One for the process, as the standard's handles are.
static DESK: Mutex<Option<Desk>> = Mutex::new(None);

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumDev(_present: i32, list: *mut c_char, size: *mut u32) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe { give_names(&Desk::devices(), list, size) })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ConnectDev(name: Text, device: *mut Handle) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        text(name).and_then(|name| with(|desk| desk.connect(&name))).and_then(|handle| give(device, raw(handle)))
    })
}

#[unsafe(no_mangle)]
pub extern "system" fn SKF_DisConnectDev(device: Handle) -> u32 {
    code(with(|desk| desk.close(number(device))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetDevState(name: Text, state: *mut u32) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe { text(name).and_then(|name| give(state, u32::from(Desk::is_present(&name)))) })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetDevInfo(device: Handle, info: *mut DevInfo) -> u32 {
    let told = with(|desk| desk.info(number(device))).map(|(serial, label)| DevInfo {
        version: [1, 0],
        manufacturer: padded("eseal"),
        issuer: padded("eseal"),
        label: padded(&label),
        serial: padded(&serial),
        hardware: [1, 0],
        firmware: [1, 0],
        symmetric: 0,
        asymmetric: SGD_SM2_1,
        hash: SGD_SM3,
        authentication: 0,
        total: 8 << 20,
        free: 8 << 20,
        longest_ecc: 32,
        longest: 4096,
        reserved: [0; 64],
    });
    // SAFETY: the caller's, as the standard asks.
    code(told.and_then(|told| unsafe { give(info, told) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumApplication(device: Handle, list: *mut c_char, size: *mut u32) -> u32 {
    let there = with(|desk| desk.info(number(device)));
    // SAFETY: the caller's, as the standard asks.
    code(there.and_then(|_| unsafe { give_names(&[APPLICATION.to_owned()], list, size) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_OpenApplication(device: Handle, name: Text, application: *mut Handle) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        text(name)
            .and_then(|name| with(|desk| desk.open_application(number(device), &name)))
            .and_then(|handle| give(application, raw(handle)))
    })
}

#[unsafe(no_mangle)]
pub extern "system" fn SKF_CloseApplication(application: Handle) -> u32 {
    code(with(|desk| desk.close(number(application))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetPINInfo(
    application: Handle,
    kind: u32,
    most: *mut u32,
    left: *mut u32,
    is_default: *mut i32,
) -> u32 {
    let told = of_user(kind).and_then(|is_admin| with(|desk| desk.tries(number(application), is_admin)));
    // SAFETY: the caller's, as the standard asks.
    code(told.and_then(|(of, are)| unsafe { give(most, of).and(give(left, are)).and(give(is_default, 0)) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_VerifyPIN(application: Handle, kind: u32, pin: Text, left: *mut u32) -> u32 {
    let tried = match of_user(kind) {
        // SAFETY: the caller's, as the standard asks.
        Ok(false) => match unsafe { text(pin) } {
            Ok(pin) => of_try(|desk| desk.verify_pin(number(application), &pin)),
            Err(sar) => Err((sar, 0)),
        },
        Ok(true) => Err((Sar::NotSupported, 0)), // an administrator can do no more than unblock
        Err(sar) => Err((sar, 0)),
    };
    // SAFETY: the caller's, as the standard asks.
    unsafe { answer_try(tried, left) }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ChangePIN(
    application: Handle,
    kind: u32,
    old: Text,
    new: Text,
    left: *mut u32,
) -> u32 {
    if kind != USER {
        return Sar::NotSupported as u32;
    }
    // SAFETY: the caller's, as the standard asks.
    unsafe {
        match (text(old), text(new)) {
            (Ok(old), Ok(new)) => answer_try(of_try(|desk| desk.change_pin(number(application), &old, &new)), left),
            _ => Sar::InvalidParam as u32,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_UnblockPIN(application: Handle, admin: Text, new: Text, left: *mut u32) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    unsafe {
        match (text(admin), text(new)) {
            (Ok(admin), Ok(new)) => answer_try(of_try(|desk| desk.unblock(number(application), &admin, &new)), left),
            _ => Sar::InvalidParam as u32,
        }
    }
}

#[unsafe(no_mangle)]
pub extern "system" fn SKF_ClearSecureState(application: Handle) -> u32 {
    code(with(|desk| desk.lock(number(application))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumFiles(application: Handle, list: *mut c_char, size: *mut u32) -> u32 {
    let has = with(|desk| desk.has_file(number(application)));
    // SAFETY: the caller's, as the standard asks.
    code(has.and_then(|has| unsafe { give_names(&if has { vec![FILE.to_owned()] } else { Vec::new() }, list, size) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_CreateFile(
    application: Handle,
    name: Text,
    size: u32,
    _read: u32,
    _write: u32,
) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(
        unsafe { text(name) }.and_then(|name| with(|desk| desk.create_file(number(application), &name, size as usize))),
    )
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_DeleteFile(application: Handle, name: Text) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe { text(name) }.and_then(|name| with(|desk| desk.delete_file(number(application), &name))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetFileInfo(application: Handle, name: Text, info: *mut FileAttribute) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        text(name)
            .and_then(|name| {
                with(|desk| desk.read_file(number(application), &name)).map(|content| (name, content.len()))
            })
            .and_then(|(name, size)| {
                let size = u32::try_from(size).map_err(|_| Sar::FileErr)?;
                give(info, FileAttribute { name: padded(&name), size, read_rights: 0x10, write_rights: 0x10 })
            })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ReadFile(
    application: Handle,
    name: Text,
    at: u32,
    wanted: u32,
    out: *mut u8,
    size: *mut u32,
) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        text(name).and_then(|name| with(|desk| desk.read_file(number(application), &name))).and_then(|content| {
            let rest = content.get(at as usize..).ok_or(Sar::FileErr)?;
            let part = rest.get(..(wanted as usize).min(rest.len())).unwrap_or_default();
            give_bytes(part, out, size)
        })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_WriteFile(
    application: Handle,
    name: Text,
    at: u32,
    data: *const u8,
    size: u32,
) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        text(name).and_then(|name| {
            let data = bytes(data, size)?;
            with(|desk| desk.write_file(number(application), &name, at as usize, &data))
        })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumContainer(application: Handle, list: *mut c_char, size: *mut u32) -> u32 {
    let has = with(|desk| desk.has_container(number(application)));
    // SAFETY: the caller's, as the standard asks.
    code(
        has.and_then(|has| unsafe {
            give_names(&if has { vec![CONTAINER.to_owned()] } else { Vec::new() }, list, size)
        }),
    )
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_CreateContainer(application: Handle, name: Text, container: *mut Handle) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    unsafe { container_at(application, name, true, container) }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_OpenContainer(application: Handle, name: Text, container: *mut Handle) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    unsafe { container_at(application, name, false, container) }
}

#[unsafe(no_mangle)]
pub extern "system" fn SKF_CloseContainer(container: Handle) -> u32 {
    code(with(|desk| desk.close(number(container))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetContainerType(container: Handle, kind: *mut u32) -> u32 {
    let has_key = with(|desk| desk.public_key(number(container)));
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        match has_key {
            Ok(_) => give(kind, 2),
            Err(Sar::KeyNotFound) => give(kind, 0),
            Err(sar) => Err(sar),
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GenECCKeyPair(container: Handle, algorithm: u32, key: *mut EccPublicKey) -> u32 {
    if algorithm != SGD_SM2_1 {
        return Sar::NotSupported as u32;
    }
    let made = with(|desk| desk.generate(number(container))).and_then(|key| blob(&key));
    // SAFETY: the caller's, as the standard asks.
    code(made.and_then(|made| unsafe { give(key, made) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ImportCertificate(
    container: Handle,
    signing: i32,
    data: *const u8,
    size: u32,
) -> u32 {
    if signing == 0 {
        return Sar::NotSupported as u32;
    }
    // SAFETY: the caller's, as the standard asks.
    code(unsafe { bytes(data, size) }.and_then(|data| with(|desk| desk.import(number(container), &data))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ExportCertificate(
    container: Handle,
    signing: i32,
    out: *mut u8,
    size: *mut u32,
) -> u32 {
    if signing == 0 {
        return Sar::CertNotFound as u32;
    }
    // SAFETY: the caller's, as the standard asks.
    code(with(|desk| desk.certificate(number(container))).and_then(|der| unsafe { give_bytes(&der, out, size) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ExportPublicKey(
    container: Handle,
    signing: i32,
    out: *mut u8,
    size: *mut u32,
) -> u32 {
    if signing == 0 {
        return Sar::KeyNotFound as u32;
    }
    let told = with(|desk| desk.public_key(number(container))).and_then(|key| blob(&key)).map(|blob| {
        let mut bytes = blob.bits.to_ne_bytes().to_vec();
        bytes.extend(blob.x);
        bytes.extend(blob.y);
        bytes
    });
    // SAFETY: the caller's, as the standard asks.
    code(told.and_then(|told| unsafe { give_bytes(&told, out, size) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ECCSignData(
    container: Handle,
    data: *const u8,
    size: u32,
    signature: *mut EccSignature,
) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    let signed = unsafe { bytes(data, size) }.and_then(|digest| with(|desk| desk.sign(number(container), &digest)));
    let made = signed.map(|raw| {
        let (r, s) = raw.split_at(32);
        EccSignature { r: right(r), s: right(s) }
    });
    // SAFETY: the caller's, as the standard asks.
    code(made.and_then(|made| unsafe { give(signature, made) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_DigestInit(
    device: Handle,
    algorithm: u32,
    key: *const EccPublicKey,
    identity: *const u8,
    identity_size: u32,
    hash: *mut Handle,
) -> u32 {
    if algorithm != SGD_SM3 {
        return Sar::NotSupported as u32;
    }
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        let key = match key.as_ref() {
            // Z with another identity would be another signature than anybody here verifies.
            Some(key) if bytes(identity, identity_size).as_deref() == Ok(IDENTITY) => {
                let (x, y) = (key.x.last_chunk::<32>(), key.y.last_chunk::<32>());
                match x.zip(y).map(|(x, y)| PublicKey::from_device_sm2(x, y)) {
                    Some(Ok(key)) => Some(key),
                    _ => return Sar::InData as u32,
                }
            }
            Some(_) => return Sar::InvalidParam as u32,
            None => None,
        };
        with(|desk| desk.hash(number(device), key.as_ref())).and_then(|handle| give(hash, raw(handle)))
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_DigestUpdate(hash: Handle, data: *const u8, size: u32) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe { bytes(data, size) }.and_then(|data| with(|desk| desk.update(number(hash), &data))))
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_DigestFinal(hash: Handle, out: *mut u8, size: *mut u32) -> u32 {
    // SAFETY: the caller's, as the standard asks.
    code(unsafe {
        match out.is_null() {
            true => give(size, 32),
            false => with(|desk| desk.digest(number(hash))).and_then(|digest| give_bytes(&digest, out, size)),
        }
    })
}

#[unsafe(no_mangle)]
pub extern "system" fn SKF_CloseHandle(handle: Handle) -> u32 {
    code(with(|desk| desk.close(number(handle))))
}

unsafe fn container_at(application: Handle, name: Text, is_new: bool, container: *mut Handle) -> u32 {
    // SAFETY: the caller's.
    code(unsafe {
        text(name)
            .and_then(|name| with(|desk| desk.open_container(number(application), &name, is_new)))
            .and_then(|handle| give(container, raw(handle)))
    })
}

fn desk() -> MutexGuard<'static, Option<Desk>> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<T>(act: impl FnOnce(&mut Desk) -> Result<T, Sar>) -> Result<T, Sar> {
    act(desk().get_or_insert_default())
}

fn of_try(act: impl FnOnce(&mut Desk) -> Tried) -> Tried {
    act(desk().get_or_insert_default())
}

fn code(result: Result<(), Sar>) -> u32 {
    result.map_or_else(|sar| sar as u32, |()| OK)
}

unsafe fn answer_try(tried: Tried, left: *mut u32) -> u32 {
    match tried {
        Ok(()) => OK,
        Err((sar, are)) => {
            // SAFETY: the caller's.
            let _ = unsafe { give(left, are) };
            sar as u32
        }
    }
}

fn of_user(kind: u32) -> Result<bool, Sar> {
    match kind {
        ADMIN => Ok(true),
        USER => Ok(false),
        _ => Err(Sar::UserTypeInvalid),
    }
}

fn number(handle: Handle) -> usize {
    handle.addr()
}

fn raw(number: usize) -> Handle {
    std::ptr::without_provenance_mut(number)
}

fn blob(key: &PublicKey) -> Result<EccPublicKey, Sar> {
    let (x, y) = key.device_sm2_point().ok_or(Sar::KeyNotFound)?;
    Ok(EccPublicKey { bits: 256, x: right(&x), y: right(&y) })
}
