//! Files as memory that the operating system pages in: the size of a document is not the memory of this program.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::Path;
use std::sync::Arc;

use eseal_documents::pdf::Source;

/// A document that can be read more than once: the file itself, or a copy of what a pipe gives, of at most `max` bytes.
///
/// # Errors
/// It can't be read, is a folder, or has more bytes.
pub fn open(path: &Path, max: u64) -> io::Result<File> {
    let file = File::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut copy = tempfile::tempfile()?;
    if io::copy(&mut io::Read::take(file, max + 1), &mut copy)? > max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    copy.rewind()?;
    Ok(copy)
}

/// The file's content.
///
/// # Errors
/// It can't be mapped.
pub fn file(file: &File) -> io::Result<Source> {
    if file.metadata()?.len() == 0 {
        return Ok(Arc::new(Vec::new())); // nothing can't be mapped
    }
    #[expect(unsafe_code, reason = "mapping a file has no safe form")]
    // SAFETY: the map is only read. Somebody who shortens the file while this program runs makes it end with SIGBUS,
    // and somebody who changes it gets a document that does not verify; neither is memory of ours.
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Arc::new(map))
}
