//! The headers in front of the entries of a zip. Its directory is what counts, but programs exist that read from front
//! to back, and a package made to mislead shows them another document.

use super::names::{entry_name, folded};
use super::package::{Entry, Package};

/// PKWARE APPNOTE 4.3.7: the signature, and the bytes in front of the name.
const SIGNATURE: &[u8; 4] = b"PK\x03\x04";
const FIXED: usize = 30;
/// APPNOTE 4.4.4 bit 3: sizes and checksum follow the data, and are zero here.
const SIZES_FOLLOW: u16 = 1 << 3;
/// APPNOTE 4.4.8: the size is in a ZIP64 field.
const IN_ZIP64: u32 = u32::MAX;

/// A header in front of an entry, as it lies in the file.
struct Header<'a> {
    flags: u16,
    crc32: u32,
    size: u32,
    name: &'a [u8],
}

impl<'a> Header<'a> {
    /// The header at the start of `bytes`, if there is one.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let fixed: &[u8; FIXED] = bytes.first_chunk().filter(|fixed| fixed.starts_with(SIGNATURE))?;
        let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let name = bytes.get(FIXED..FIXED + usize::from(short(26)))?;
        Some(Self { flags: short(6), crc32: long(14), size: long(22), name })
    }

    /// Whether it says the same as the directory, as far as it decides what a reader sees.
    fn agrees_with(&self, entry: &Entry) -> bool {
        let sizes_follow = self.flags & SIZES_FOLLOW != 0;
        entry_name(self.name).is_ok_and(|name| name == entry.name)
            && (self.crc32 == entry.crc32 || sizes_follow && self.crc32 == 0)
            && (u64::from(self.size) == entry.size || self.size == IN_ZIP64 || sizes_follow && self.size == 0)
    }
}

/// The names of files that programs which read a zip from front to back would see otherwise: those whose headers
/// disagree, that overlap, or of which an older content lies in the package that the directory does not name.
pub fn ambiguous_entries(package: &Package) -> Vec<String> {
    let mut zip = package.zip();
    let overlap = !matches!(zip.has_overlapping_entries(), Ok(false));
    let mut ambiguous = Vec::new();
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for (index, entry) in package.entries().iter().enumerate() {
        let header = zip.by_index_raw(index).ok().and_then(|file| {
            spans.push((file.header_start(), file.data_start()? + file.compressed_size()));
            Header::read(from(package.bytes(), file.header_start()))
        });
        let agrees = header.is_some_and(|header| header.agrees_with(entry));
        if !entry.is_directory && (overlap || !agrees) {
            ambiguous.push(entry.name.clone());
        }
    }
    spans.sort_unstable();
    ambiguous.extend(shadows(package, &spans, zip.central_directory_start()));
    ambiguous
}

/// Entries of the directory that another header, between the entries, has too. Such headers are left over where a
/// program replaced a file; those of files that are gone for good mislead nobody about the ones that are there.
fn shadows(package: &Package, spans: &[(u64, u64)], end: u64) -> Vec<String> {
    let ends = spans.iter().map(|(start, _)| *start).chain([end]);
    let starts = std::iter::once(0).chain(spans.iter().map(|(_, end)| *end));
    let mut shadows = Vec::new();
    for gap in starts.zip(ends).filter(|(start, end)| start < end) {
        let rest = from(package.bytes(), gap.0);
        let gap = &rest[..usize::try_from(gap.1 - gap.0).map_or(rest.len(), |length| length.min(rest.len()))];
        for at in memchr::memmem::find_iter(gap, SIGNATURE) {
            let name = Header::read(&gap[at..]).and_then(|header| entry_name(header.name).ok());
            let entry = name.and_then(|name| package.find(&folded(&name)));
            shadows.extend(entry.map(|index| package.name_of(index).to_owned()));
        }
    }
    shadows
}

fn from(bytes: &[u8], start: u64) -> &[u8] {
    usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default()
}
