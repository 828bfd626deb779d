//! An OFD document as a zip package: safe names, bounded reading.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use super::local_headers::{Listed, agrees};
use super::names::{entry_name, folded, resolve};
use crate::{DocumentError, Format, Limit, Limits, NameProblem};

/// Room for one entry in a zip's central directory, whose fixed part is 46 bytes and whose names rarely have 100.
const DIRECTORY_BYTES_PER_ENTRY: u64 = 512;

/// A zip package whose entries have safe and unambiguous names.
pub struct Package<R> {
    zip: ZipArchive<R>,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    by_folded: HashMap<String, usize>,
    limits: Limits,
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

impl<R: Read + Seek> Package<R> {
    /// Reads the directory of a package and checks every name in it.
    ///
    /// Bytes before and after the zip itself are tolerated, as zip programs do.
    pub fn open(mut input: R, limits: &Limits) -> Result<Self, DocumentError> {
        let bytes = input.seek(SeekFrom::End(0)).map_err(DocumentError::Read)?;
        Limit::Bytes.check(bytes, limits.max_bytes)?;
        // `zip` takes the whole directory into memory, so a first reading makes sure that it is not too large.
        let budget = limits.max_entries.saturating_mul(DIRECTORY_BYTES_PER_ENTRY).saturating_add(1 << 20);
        ZipArchive::new(Metered { input: &mut input, budget }).map_err(|error| refused(error, limits))?;
        let zip = ZipArchive::new(input).map_err(|error| refused(error, limits))?;
        Limit::Entries.check(zip.len() as u64, limits.max_entries)?;
        if zip.has_duplicate_names() {
            return Err(malformed("two entries of the package have the same name"));
        }
        let entries = entries_of(&zip, limits)?;
        let declared = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        if declared > Limits::RATIO_FLOOR && declared > bytes.saturating_mul(limits.max_ratio) {
            return Err(DocumentError::TooLarge { limit: Limit::Ratio, max: limits.max_ratio });
        }
        let (by_name, by_folded) = indexes(&entries)?;
        Ok(Self { zip, entries, by_name, by_folded, limits: limits.clone() })
    }

    /// The entries in the order of the zip's directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The limits that the package was opened with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
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

    /// Feeds the decompressed bytes of an entry to `sink`, piece by piece.
    pub fn stream(&mut self, index: usize, sink: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        let mut file = self.zip.by_index(index).map_err(fault)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => sink(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(ZipError::Io(error))),
            }
        }
    }

    /// The decompressed bytes of an entry, refused beyond `max`.
    pub fn read(&mut self, index: usize, limit: Limit, max: u64) -> Result<Vec<u8>, Fault> {
        let size = self.entries.get(index).map_or(0, |entry| entry.size);
        limit.check(size, max).map_err(Fault::Fatal)?;
        let mut content = Vec::new();
        self.stream(index, &mut |piece| content.extend_from_slice(piece))?;
        Ok(content)
    }

    /// The bytes of the XML file `name`; a missing or damaged one makes the document unusable.
    pub fn read_xml(&mut self, name: &str) -> Result<Vec<u8>, DocumentError> {
        let index = self.find(name).ok_or_else(|| malformed(format!("{name} is missing")))?;
        self.read(index, Limit::XmlBytes, self.limits.max_xml_bytes).map_err(|error| error.in_file(name))
    }

    /// The names of entries that programs which read a zip from front to back would see otherwise, or that overlap.
    pub fn ambiguous_entries(mut self) -> Result<Vec<String>, DocumentError> {
        let overlap = match self.zip.has_overlapping_entries() {
            Err(ZipError::Io(error)) if !is_data_error(&error) => return Err(DocumentError::Read(error)),
            overlap => overlap.unwrap_or(true),
        };
        let starts: Vec<Option<u64>> = (0..self.entries.len())
            .map(|index| self.zip.by_index_data(index).ok().map(|file| file.header_start()))
            .collect();
        let mut input = self.zip.into_inner();
        let mut ambiguous = Vec::new();
        for (entry, header_start) in self.entries.iter().zip(starts).filter(|(entry, _)| !entry.is_directory) {
            let listed =
                |header_start| Listed { header_start, name: &entry.name, crc32: entry.crc32, size: entry.size };
            let agrees = match header_start.map(|start| agrees(&mut input, &listed(start))) {
                Some(Err(error)) if !is_data_error(&error) => return Err(DocumentError::Read(error)),
                Some(agrees) => agrees.unwrap_or(false),
                None => false,
            };
            if overlap || !agrees {
                ambiguous.push(entry.name.clone());
            }
        }
        Ok(ambiguous)
    }

    /// The zip itself, to copy entries as they are.
    pub fn zip(&mut self) -> &mut ZipArchive<R> {
        &mut self.zip
    }
}

fn entries_of<R: Read + Seek>(zip: &ZipArchive<R>, limits: &Limits) -> Result<Vec<Entry>, DocumentError> {
    let mut entries = Vec::with_capacity(zip.len());
    for index in 0..zip.len() {
        let file = zip.by_index_data(index).map_err(|error| refused(error, limits))?;
        if file.encrypted() {
            return Err(DocumentError::Encrypted);
        }
        let name = entry_name(file.name_raw()).map_err(|(name, problem)| DocumentError::EntryName { name, problem })?;
        Limit::EntryBytes.check(file.size(), limits.max_entry_bytes)?;
        let is_directory = name.ends_with('/');
        entries.push(Entry { name, size: file.size(), crc32: file.crc32(), is_directory });
    }
    Ok(entries)
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
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
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
