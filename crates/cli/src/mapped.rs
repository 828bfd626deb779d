//! Files as memory that the operating system pages in: the size of a document is not the memory of this program.

use std::fs::File;
use std::io;
use std::sync::Arc;

use eseal_documents::pdf::Source;

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
