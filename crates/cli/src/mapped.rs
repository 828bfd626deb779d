//! Files as memory: large ones are paged in by the operating system, so that the size of a document is not the memory of this
//! program.

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::unix::fs::FileExt as _;
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

/// Bytes of a file that is read: all that work side by side in a process wait for each other where a file is mapped.
const SMALL: usize = 256 << 10;

/// The file's content, wherever it was read to.
///
/// # Errors
/// It can't be read or mapped.
pub fn file(file: &File) -> io::Result<Source> {
    if let Some(bytes) = small(file)? {
        return Ok(Arc::new(bytes));
    }
    #[expect(unsafe_code, reason = "mapping a file has no safe form")]
    // SAFETY: the map is only read. Somebody who shortens the file while this program runs makes it end with SIGBUS,
    // and somebody who changes it gets a document that does not verify; neither is memory of ours.
    let map = unsafe { memmap2::Mmap::map(file)? };
    Ok(Arc::new(map))
}

/// All of it, if it is small. Nothing at all can't be mapped.
fn small(file: &File) -> io::Result<Option<Vec<u8>>> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if length > SMALL {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}
