//! The headers in front of the entries of a zip. Its directory is what counts, but programs exist that read from front
//! to back, and a package made to mislead shows them another document.

use super::names::{entry_name, folded};
use super::package::{Entry, Package};

/// PKWARE APPNOTE 4.3.7: the signature, and the bytes in front of the name.
const SIGNATURE: &[u8; 4] = b"PK\x03\x04";
const FIXED: usize = 30;
/// APPNOTE 4.3.12: the same of an entry in the directory.
const CENTRAL_SIGNATURE: &[u8; 4] = b"PK\x01\x02";
const CENTRAL_FIXED: usize = 46;
/// APPNOTE 4.4.4 bit 3: sizes and checksum follow the data, and are zero here.
const SIZES_FOLLOW: u16 = 1 << 3;
/// APPNOTE 4.4.8: the size is in a ZIP64 field.
const IN_ZIP64: u32 = u32::MAX;
/// APPNOTE 4.6.9: the name in UTF-8, behind a version and the checksum of the name that it replaces.
const UNICODE_PATH: u16 = 0x7075;

/// A header in front of an entry, as it lies in the file.
struct Header<'a> {
    flags: u16,
    crc32: u32,
    size: u32,
    name: &'a [u8],
    extra: &'a [u8],
}

impl<'a> Header<'a> {
    /// The header at the start of `bytes`, if there is one.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let fixed: &[u8; FIXED] = bytes.first_chunk().filter(|fixed| fixed.starts_with(SIGNATURE))?;
        let (name, extra) = names(&bytes[FIXED..], short(fixed, 26), short(fixed, 28))?;
        Some(Self { flags: short(fixed, 6), crc32: long(fixed, 14), size: long(fixed, 22), name, extra })
    }

    /// Whether it says the same as the directory, as far as it decides what a reader sees.
    fn agrees_with(&self, package: &Package, entry: &Entry) -> bool {
        let sizes_follow = self.flags & SIZES_FOLLOW != 0;
        (is_named(self.name, entry) || self.replaces_name(package, entry))
            && (self.crc32 == entry.crc32 || sizes_follow && self.crc32 == 0)
            && (u64::from(self.size) == entry.size || self.size == IN_ZIP64 || sizes_follow && self.size == 0)
    }

    /// Whether its name is one for readers that know no better, and the right one stands beside it.
    fn replaces_name(&self, package: &Package, entry: &Entry) -> bool {
        unicode_path(self.name, self.extra).is_some_and(|name| is_named(name, entry)) && is_free(package, self.name)
    }
}

/// Whether the name in the directory is that of the entry, or one of no other file: where a UTF-8 name stands beside it, not every
/// reader takes that.
fn directory_agrees(package: &Package, entry: &Entry, start: u64) -> bool {
    let bytes = from(package.bytes(), start);
    let fixed = bytes.first_chunk().filter(|fixed: &&[u8; CENTRAL_FIXED]| fixed.starts_with(CENTRAL_SIGNATURE));
    let name = fixed.and_then(|fixed| names(&bytes[CENTRAL_FIXED..], short(fixed, 28), short(fixed, 30)));
    name.is_some_and(|(name, _)| is_named(name, entry) || is_free(package, name))
}

fn is_named(raw: &[u8], entry: &Entry) -> bool {
    entry_name(raw).is_ok_and(|name| name == entry.name)
}

/// Whether no file has this name.
fn is_free(package: &Package, raw: &[u8]) -> bool {
    entry_name(raw).is_ok_and(|name| package.find(&name).is_none())
}

/// The name in UTF-8 that an extra field gives in the place of `name`.
fn unicode_path<'a>(name: &[u8], mut extra: &'a [u8]) -> Option<&'a [u8]> {
    while let Some((head, rest)) = extra.split_first_chunk::<4>() {
        let field = rest.get(..usize::from(short(head, 2)))?;
        if short(head, 0) == UNICODE_PATH {
            let (head, path) = field.split_first_chunk::<5>()?;
            let mut crc = flate2::Crc::new();
            crc.update(name);
            return (long(head, 1) == crc.sum()).then_some(path);
        }
        extra = &rest[field.len()..];
    }
    None
}

/// The name and the extra fields that `bytes` begin with.
fn names(bytes: &[u8], name: u16, extra: u16) -> Option<(&[u8], &[u8])> {
    let (name, rest) = bytes.split_at_checked(name.into())?;
    Some((name, rest.get(..extra.into()).unwrap_or(rest)))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The names of files that programs which read a zip from front to back would see otherwise: those whose headers
/// disagree, that overlap, or of which an older content lies in the package that the directory does not name.
pub fn ambiguous_entries(package: &Package) -> Vec<String> {
    let mut zip = package.zip();
    let overlap = !matches!(zip.has_overlapping_entries(), Ok(false));
    let mut ambiguous = Vec::new();
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for (index, entry) in package.entries().iter().enumerate() {
        let agrees = zip.by_index_raw(index).ok().and_then(|file| {
            spans.push((file.header_start(), file.data_start()? + file.compressed_size()));
            let header = Header::read(from(package.bytes(), file.header_start()))?;
            Some(header.agrees_with(package, entry) && directory_agrees(package, entry, file.central_header_start()))
        });
        let agrees = agrees.unwrap_or(false);
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
            let Some(header) = Header::read(&gap[at..]) else { continue };
            let names = [Some(header.name), unicode_path(header.name, header.extra)].into_iter().flatten();
            let names = names.filter_map(|name| entry_name(name).ok());
            let entry = names.filter_map(|name| package.find(&folded(&name))).next();
            shadows.extend(entry.map(|index| package.name_of(index).to_owned()));
        }
    }
    shadows
}

fn from(bytes: &[u8], start: u64) -> &[u8] {
    usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default()
}
