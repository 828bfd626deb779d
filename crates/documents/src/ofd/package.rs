//! An OFD document as a zip package: safe names, bounded reading.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::names::{entry_name, folded, other_name, resolve};
use crate::{DocumentError, Format, Limit, Limits, NameProblem, Source};

/// Room for one entry in a zip's central directory, whose fixed part is 46 bytes and whose names rarely have 100.
const DIRECTORY_BYTES_PER_ENTRY: u64 = 512;

/// XML files are read to be understood, followed and digested. Up to this size they are kept for that...
const KEPT_BYTES_EACH: usize = 256 << 10;
/// ...as long as all of them together are no more than this.
const KEPT_BYTES: usize = 4 << 20;

/// A zip package whose entries have safe and unambiguous names.
pub struct Package {
    bytes: Bytes,
    zip: Zip,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    by_folded: HashMap<String, usize>,
    limits: Limits,
    kept: RefCell<Kept>,
}

/// A reader of the package. Copies share the directory, so every thread has one of its own.
pub type Zip = ZipArchive<Cursor<Bytes>>;

/// The bytes of the document.
#[derive(Clone)]
pub struct Bytes(Source);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// The contents of small files that were read already.
#[derive(Default)]
struct Kept {
    contents: HashMap<usize, Arc<[u8]>>,
    bytes: usize,
}

/// One entry, in the order of the zip's directory.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its path without a leading slash.
    pub name: String,
    /// Its bytes after decompression, as declared; reading never yields more.
    pub size: u64,
    /// The checksum that the zip states.
    pub crc32: u32,
    /// Whether it is a directory, which has no content.
    pub is_directory: bool,
}

/// Why something in the package could not be read.
#[derive(Debug)]
pub enum Fault {
    /// It is damaged or not as it should be: a finding about it, not an error.
    Damaged(String),
    /// The document as a whole cannot be used.
    Fatal(DocumentError),
}

impl Package {
    /// Reads the directory of a package and checks every name in it.
    ///
    /// Bytes before and after the zip itself are tolerated, as zip programs do.
    pub fn open(source: &Source, limits: &Limits) -> Result<Self, DocumentError> {
        let bytes = Bytes(Source::clone(source));
        let length = bytes.as_ref().len() as u64;
        Limit::Bytes.check(length, limits.max_bytes)?;
        let zip = directory(&bytes, limits)?;
        Limit::Entries.check(zip.len() as u64, limits.max_entries)?;
        if zip.has_duplicate_names() {
            return Err(malformed("two entries of the package have the same name"));
        }
        let (entries, others) = entries_of(&zip, limits)?;
        let declared = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        if declared > Limits::RATIO_FLOOR && declared > length.saturating_mul(limits.max_ratio) {
            return Err(DocumentError::TooLarge { limit: Limit::Ratio, max: limits.max_ratio });
        }
        let (mut by_name, by_folded) = indexes(&entries)?;
        for (name, index) in others {
            // Whatever has this name in so many words comes first.
            if !by_folded.contains_key(&folded(&name)) {
                by_name.entry(name).or_insert(index);
            }
        }
        Ok(Self { bytes, zip, entries, by_name, by_folded, limits: limits.clone(), kept: RefCell::default() })
    }

    /// The entries in the order of the zip's directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The files among the entries with their indexes.
    pub fn files(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_directory)
    }

    /// The name of an entry; empty for one that is not there.
    pub fn name_of(&self, index: usize) -> &str {
        self.entries.get(index).map_or("", |entry| &entry.name)
    }

    /// The limits that the package was opened with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The whole document.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// A reader of the zip, to copy entries as they are or for another thread.
    pub fn zip(&self) -> Zip {
        self.zip.clone()
    }

    /// The index of the file `name`; where none has exactly this name, of the one that differs in case only.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).or_else(|| self.by_folded.get(&folded(name))).copied()
    }

    /// The entry that `location` means in a file of `folder`, or its name where there is none. Some producers forget
    /// the leading slash of an absolute location, so where nothing is found the root is tried.
    pub fn locate(&self, folder: &str, location: &str) -> Option<String> {
        let relative = resolve(folder, location)?;
        let present = |name: &str| self.find(name).and_then(|index| self.entries.get(index));
        let found = present(&relative).or_else(|| present(&resolve("", location)?));
        Some(found.map_or(relative, |entry| entry.name.clone()))
    }

    /// The decompressed bytes of an entry, refused beyond `max`.
    pub fn read(&self, index: usize, limit: Limit, max: u64) -> Result<Arc<[u8]>, Fault> {
        if let Some(content) = self.kept(index) {
            return Ok(content);
        }
        let size = self.entries.get(index).map_or(0, |entry| entry.size);
        limit.check(size, max).map_err(Fault::Fatal)?;
        let mut content = Vec::new();
        stream(&mut self.zip(), index, &mut |piece| content.extend_from_slice(piece))?;
        let content = Arc::<[u8]>::from(content);
        let mut kept = self.kept.borrow_mut();
        if content.len() <= KEPT_BYTES_EACH && kept.bytes + content.len() <= KEPT_BYTES {
            kept.bytes += content.len();
            kept.contents.insert(index, Arc::clone(&content));
        }
        Ok(content)
    }

    /// The content of a small file that was read already.
    pub fn kept(&self, index: usize) -> Option<Arc<[u8]>> {
        self.kept.borrow().contents.get(&index).cloned()
    }

    /// The bytes of the XML file `name`; a missing or damaged one makes the document unusable.
    pub fn read_xml(&self, name: &str) -> Result<Arc<[u8]>, DocumentError> {
        let index = self.find(name).ok_or_else(|| malformed(format!("{name} is missing")))?;
        self.read(index, Limit::XmlBytes, self.limits.max_xml_bytes).map_err(|error| error.in_file(name))
    }
}

/// Feeds the decompressed bytes of an entry to `sink`, piece by piece.
pub fn stream(zip: &mut Zip, index: usize, sink: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
    let mut file = zip.by_index(index).map_err(fault)?;
    let mut buffer = [0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => sink(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(ZipError::Io(error))),
        }
    }
}

/// Bytes that are decompressed at once; they stay in the processor's cache until they are digested.
const PIECE: usize = 32 << 10;

/// Reads the directory. `zip` takes the whole of it into memory, and an entry there takes up to ten times its bytes: a
/// first reading makes sure that it is not too large.
fn directory(bytes: &Bytes, limits: &Limits) -> Result<Zip, DocumentError> {
    let budget = limits.max_entries.saturating_mul(DIRECTORY_BYTES_PER_ENTRY).saturating_add(1 << 20);
    if bytes.as_ref().len() as u64 > budget {
        let metered = Metered { input: Cursor::new(bytes.clone()), budget };
        ZipArchive::new(metered).map_err(|error| refused(error, limits))?;
    }
    ZipArchive::new(Cursor::new(bytes.clone())).map_err(|error| refused(error, limits))
}

/// APPNOTE 4.4.4 bit 11: names are UTF-8.
const NAMES_ARE_UTF8: u16 = 1 << 11;

/// The entries, and the indexes of files that may have another name besides.
type Listing = (Vec<Entry>, Vec<(String, usize)>);

fn entries_of(zip: &Zip, limits: &Limits) -> Result<Listing, DocumentError> {
    let (mut entries, mut others) = (Vec::with_capacity(zip.len()), Vec::new());
    for index in 0..zip.len() {
        let file = zip.by_index_data(index).map_err(|error| refused(error, limits))?;
        if file.encrypted() {
            return Err(DocumentError::Encrypted);
        }
        let name = entry_name(file.name_raw()).map_err(|(name, problem)| DocumentError::EntryName { name, problem })?;
        Limit::EntryBytes.check(file.size(), limits.max_entry_bytes)?;
        let is_directory = name.ends_with('/');
        let is_unsaid = !is_directory && file.flags().as_u16() & NAMES_ARE_UTF8 == 0;
        others.extend(is_unsaid.then(|| other_name(file.name_raw())).flatten().map(|name| (name, index)));
        entries.push(Entry { name, size: file.size(), crc32: file.crc32(), is_directory });
    }
    Ok((entries, others))
}

type Index = HashMap<String, usize>;

/// Indexes of the files by name and by name without case; each must be unique.
fn indexes(entries: &[Entry]) -> Result<(Index, Index), DocumentError> {
    let mut by_name = Index::with_capacity(entries.len());
    let mut by_folded = Index::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.is_directory) {
        by_name.insert(entry.name.clone(), index);
        if by_folded.insert(folded(&entry.name), index).is_some() {
            let (name, problem) = (entry.name.clone(), NameProblem::Repeated);
            return Err(DocumentError::EntryName { name, problem });
        }
    }
    Ok((by_name, by_folded))
}

/// Yields no more bytes than its budget.
struct Metered<R> {
    input: R,
    budget: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the directory of the package is too large")]
struct OverBudget;

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.budget = self.budget.checked_sub(n as u64).ok_or_else(|| io::Error::other(OverBudget))?;
        Ok(n)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.input.seek(position)
    }
}

impl Fault {
    /// As an error of the document whose file `name` it is.
    pub fn in_file(self, name: &str) -> DocumentError {
        match self {
            Self::Damaged(what) => malformed(format!("{name}: {what}")),
            Self::Fatal(error) => error,
        }
    }
}

/// Where a part is examined for itself, only a failing medium is fatal.
impl From<DocumentError> for Fault {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Read(_) => Self::Fatal(error),
            error => Self::Damaged(error.to_string()),
        }
    }
}

/// An OFD document that is not as it should be.
pub fn malformed(what: impl Into<String>) -> DocumentError {
    DocumentError::Malformed { format: Format::Ofd, what: what.into() }
}

/// Errors of decompression and checksums, as opposed to errors of the medium.
fn is_data_error(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof | Other)
}

fn refused(error: ZipError, limits: &Limits) -> DocumentError {
    match error {
        ZipError::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<OverBudget>()) => {
            DocumentError::TooLarge { limit: Limit::Entries, max: limits.max_entries }
        }
        ZipError::Io(error) if !is_data_error(&error) => DocumentError::Read(error),
        error => malformed(format!("the zip package cannot be read: {error}")),
    }
}

fn fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(error) if !is_data_error(&error) => Fault::Fatal(DocumentError::Read(error)),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Fault::Fatal(DocumentError::Encrypted),
        error => Fault::Damaged(error.to_string()),
    }
}
