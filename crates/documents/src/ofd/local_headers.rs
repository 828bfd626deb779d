//! The headers in front of the entries of a zip. Its directory is what counts, but programs exist that read from front
//! to back, and a package made to mislead shows them another document.

use std::io::{self, Read, Seek, SeekFrom};

use super::names::entry_name;

/// PKWARE APPNOTE 4.3.7: the signature, and the bytes in front of the name.
const SIGNATURE: &[u8; 4] = b"PK\x03\x04";
const FIXED: usize = 30;
/// APPNOTE 4.4.4 bit 3: sizes and checksum follow the data, and are zero here.
const SIZES_FOLLOW: u16 = 1 << 3;
/// APPNOTE 4.4.8: the size is in a ZIP64 field.
const IN_ZIP64: u32 = u32::MAX;

/// What the directory says of an entry.
pub struct Listed<'a> {
    /// Where the header in front of the entry starts.
    pub header_start: u64,
    /// Its name.
    pub name: &'a str,
    /// The checksum of its content.
    pub crc32: u32,
    /// Bytes after decompression.
    pub size: u64,
}

/// Whether the header in front of an entry says the same as the directory, as far as it decides what a reader sees.
pub fn agrees(input: &mut (impl Read + Seek), listed: &Listed<'_>) -> io::Result<bool> {
    let mut fixed = [0; FIXED];
    input.seek(SeekFrom::Start(listed.header_start))?;
    input.read_exact(&mut fixed)?;
    let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let mut name = vec![0; usize::from(short(26))];
    input.read_exact(&mut name)?;

    let (crc32, size) = (long(14), long(22));
    let sizes_follow = short(6) & SIZES_FOLLOW != 0;
    let agrees_on_content = (crc32 == listed.crc32 || sizes_follow && crc32 == 0)
        && (u64::from(size) == listed.size || size == IN_ZIP64 || sizes_follow && size == 0);
    Ok(fixed.starts_with(SIGNATURE) && entry_name(&name).is_ok_and(|name| name == listed.name) && agrees_on_content)
}
