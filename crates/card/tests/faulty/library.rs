//! An SKF library that misbehaves as the variable `FAULT` says. Built by the tests with `rustc`, loaded like a vendor's.
#![allow(non_snake_case, unsafe_code, missing_docs)]

use std::ffi::{c_char, c_void};

type H = *mut c_void;

/// The base point of the curve (GB/T 32918.5): a public key that is one, of a private key that nobody here uses.
const X: [u8; 32] = [
    0x32, 0xc4, 0xae, 0x2c, 0x1f, 0x19, 0x81, 0x19, 0x5f, 0x99, 0x04, 0x46, 0x6a, 0x39, 0xc9, 0x94, 0x8f, 0xe3, 0x0b, 0xbf,
    0xf2, 0x66, 0x0b, 0xe1, 0x71, 0x5a, 0x45, 0x89, 0x33, 0x4c, 0x74, 0xc7,
];
const Y: [u8; 32] = [
    0xbc, 0x37, 0x36, 0xa2, 0xf4, 0xf6, 0x77, 0x9c, 0x59, 0xbd, 0xce, 0xe3, 0x6b, 0x69, 0x21, 0x53, 0xd0, 0xa9, 0x87, 0x7c,
    0xc6, 0x2a, 0x47, 0x40, 0x02, 0xdf, 0x32, 0xe5, 0x21, 0x39, 0xf0, 0xa0,
];

/// Misbehaves, if now is the time to.
fn fault(at: &str) {
    let wanted = std::env::var("FAULT").unwrap_or_default();
    match wanted.strip_suffix(at) {
        Some("abort-in-") => std::process::abort(),
        Some("segv-in-") => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
        Some("exit-in-") => std::process::exit(0),
        Some("print-in-") => println!("{}", "a library that talks ".repeat(1000)),
        Some("hang-in-") => loop {
            std::thread::park();
        },
        _ => {}
    }
}

fn is(wanted: &str) -> bool {
    std::env::var("FAULT").is_ok_and(|fault| fault == wanted)
}

unsafe fn names(list: *mut c_char, size: *mut u32, name: &[u8]) -> u32 {
    unsafe {
        if !list.is_null() {
            std::ptr::copy_nonoverlapping(name.as_ptr().cast(), list, name.len());
        }
        *size = name.len() as u32;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumDev(_: i32, list: *mut c_char, size: *mut u32) -> u32 {
    fault("enum");
    if is("endless-list") {
        unsafe { *size = u32::MAX };
        return 0;
    }
    if is("list-without-end") {
        return unsafe { names(list, size, b"device") };
    }
    unsafe { names(list, size, b"device\0\0") }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ConnectDev(_: *const c_char, device: *mut H) -> u32 {
    fault("connect");
    if !is("null-handle") {
        unsafe { *device = std::ptr::without_provenance_mut(1) };
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetDevState(_: *const c_char, state: *mut u32) -> u32 {
    unsafe { *state = u32::from(!is("pulled-in-sign") || !SIGNED.load(std::sync::atomic::Ordering::SeqCst)) };
    0
}

static SIGNED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetDevInfo(_: H, info: *mut u8) -> u32 {
    let serial: &[u8] = if is("no-serial") { b"" } else { b"F00D" };
    let version: [u8; 2] = match std::env::var("FAULT").as_deref() {
        Ok("edition-2") => [2, 0],
        Ok("edition-1") => [1, 7],
        Ok("edition-0") => [0, 3],
        _ => [0, 0],
    };
    unsafe {
        std::ptr::copy_nonoverlapping(version.as_ptr(), info, version.len());
        std::ptr::copy_nonoverlapping(serial.as_ptr(), info.add(162), serial.len());
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumApplication(_: H, list: *mut c_char, size: *mut u32) -> u32 {
    unsafe { names(list, size, b"APP\0\0") }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_OpenApplication(_: H, _: *const c_char, application: *mut H) -> u32 {
    unsafe { *application = std::ptr::without_provenance_mut(2) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetPINInfo(_: H, _: u32, most: *mut u32, left: *mut u32, default: *mut i32) -> u32 {
    unsafe {
        *most = 10;
        *left = if is("locked") { 0 } else { 7 };
        *default = 0;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_VerifyPIN(_: H, _: u32, _: *const c_char, left: *mut u32) -> u32 {
    fault("pin");
    if is("locked") {
        std::process::abort(); // nobody tries a PIN of a card that says it is locked
    }
    unsafe { *left = 6 };
    if is("wrong-pin") { 0x0A00_0024 } else { 0 }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumContainer(_: H, list: *mut c_char, size: *mut u32) -> u32 {
    unsafe { names(list, size, b"key\0\0") }
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_OpenContainer(_: H, _: *const c_char, container: *mut H) -> u32 {
    unsafe { *container = std::ptr::without_provenance_mut(3) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_GetContainerType(_: H, kind: *mut u32) -> u32 {
    unsafe { *kind = 2 };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ExportPublicKey(_: H, _: i32, out: *mut u8, size: *mut u32) -> u32 {
    let mut blob = [0_u8; 132];
    blob[..4].copy_from_slice(&256_u32.to_ne_bytes());
    blob[36..68].copy_from_slice(&X);
    blob[100..132].copy_from_slice(&Y);
    if is("no-point") {
        blob[131] ^= 1;
    }
    if is("long-number") {
        blob[4] = 1;
    }
    unsafe {
        std::ptr::copy_nonoverlapping(blob.as_ptr(), out, blob.len());
        *size = 132;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ExportCertificate(_: H, _: i32, out: *mut u8, size: *mut u32) -> u32 {
    if is("huge-certificate") {
        unsafe { *size = 1 << 30 };
        return 0;
    }
    let Some(path) = std::env::var_os("CERTIFICATE") else { return 0x0A00_001C };
    let der = std::fs::read(path).expect("a certificate");
    unsafe {
        if !out.is_null() {
            std::ptr::copy_nonoverlapping(der.as_ptr(), out, der.len());
        }
        *size = der.len() as u32;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_ECCSignData(_: H, _: *const u8, _: u32, signature: *mut u8) -> u32 {
    fault("sign");
    if is("pulled-in-sign") {
        SIGNED.store(true, std::sync::atomic::Ordering::SeqCst);
        return 0x0A00_0001;
    }
    unsafe {
        *signature.add(63) = 1;
        *signature.add(127) = 1;
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "system" fn SKF_EnumFiles(_: H, list: *mut c_char, size: *mut u32) -> u32 {
    unsafe { names(list, size, b"\0\0") }
}

macro_rules! failing {
    ($($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        pub extern "system" fn $name() -> u32 { 0x0A00_0001 }
    )* };
}

failing! {
    SKF_DisConnectDev SKF_CloseApplication SKF_ChangePIN SKF_UnblockPIN SKF_ClearSecureState SKF_CreateFile SKF_DeleteFile
    SKF_GetFileInfo SKF_ReadFile SKF_WriteFile SKF_CreateContainer SKF_CloseContainer SKF_GenECCKeyPair SKF_ImportCertificate
}
