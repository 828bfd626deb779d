//! What lies behind the pointers of C.
#![expect(unsafe_code, reason = "pointers of C are followed")]

use std::ffi::{CStr, c_char};
use std::slice;

use crate::desk::Sar;

/// The most bytes that are taken at once.
const MOST: usize = 16 << 20;

/// 32 bytes on the right of 64.
pub(crate) fn right(number: &[u8]) -> [u8; 64] {
    let mut place = [0; 64];
    if let Some(half) = place.last_chunk_mut::<32>() {
        half.copy_from_slice(number.first_chunk().unwrap_or(&[0; 32]));
    }
    place
}

pub(crate) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    for (place, byte) in field.iter_mut().take(N - 1).zip(text.bytes()) {
        *place = byte;
    }
    field
}

pub(crate) unsafe fn text(text: *const c_char) -> Result<String, Sar> {
    if text.is_null() {
        return Err(Sar::InvalidParam);
    }
    // SAFETY: the caller's: it ends in NUL.
    unsafe { CStr::from_ptr(text) }.to_str().map(str::to_owned).map_err(|_| Sar::InvalidParam)
}

pub(crate) unsafe fn bytes(data: *const u8, size: u32) -> Result<Vec<u8>, Sar> {
    let size = size as usize;
    if data.is_null() || size > MOST {
        return Err(Sar::InvalidParam);
    }
    // SAFETY: the caller's: so many bytes are there.
    Ok(unsafe { slice::from_raw_parts(data, size) }.to_vec())
}

pub(crate) unsafe fn give<T>(place: *mut T, value: T) -> Result<(), Sar> {
    if place.is_null() {
        return Err(Sar::InvalidParam);
    }
    // SAFETY: the caller's: the place is theirs and large enough; it may lie anywhere.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// The size where no place is given, else as much as was asked for.
pub(crate) unsafe fn give_bytes(bytes: &[u8], out: *mut u8, size: *mut u32) -> Result<(), Sar> {
    let length = u32::try_from(bytes.len()).map_err(|_| Sar::Fail)?;
    if size.is_null() {
        return Err(Sar::InvalidParam);
    }
    // SAFETY: the caller's: `out`, where it is given, has room for the size that is told.
    unsafe {
        let room = size.read_unaligned();
        size.write_unaligned(length);
        if out.is_null() {
            return Ok(());
        }
        if room < length {
            return Err(Sar::BufferTooSmall);
        }
        slice::from_raw_parts_mut(out, bytes.len()).copy_from_slice(bytes);
    }
    Ok(())
}

pub(crate) unsafe fn give_names(names: &[String], out: *mut c_char, size: *mut u32) -> Result<(), Sar> {
    let mut list: Vec<u8> = names.iter().flat_map(|name| name.bytes().chain([0])).collect();
    list.push(0);
    // SAFETY: the caller's.
    unsafe { give_bytes(&list, out.cast(), size) }
}
