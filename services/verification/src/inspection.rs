//! What a document's bytes say: read from a file without a name, on a thread that may take long.

use std::fs::File;
use std::io;
use std::sync::Arc;

use eseal_documents::{DocumentError, DocumentReport, Source, Verifier, detect};
use eseal_kernel::Digest;
use memmap2::Mmap;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

/// A document that was received.
#[derive(Debug)]
pub struct Document {
    /// Its bytes, in a file that nobody else can name and nobody writes to any more.
    pub file: File,
    /// SHA-256 of them.
    pub digest: Digest,
    /// The right to be worked on: given back when the work is done, whether its caller still waits or not.
    #[expect(dead_code, reason = "it is held, and given back when it is dropped")]
    pub permit: OwnedSemaphorePermit,
}

/// Why a document could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// It is no document, or one that can't be used.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The work ended without a result.
    #[error("the verification ended early")]
    Ended(#[source] tokio::task::JoinError),
}

/// Checks every seal and signature of a document, and gives it back: with it goes the right to be worked on.
///
/// # Errors
/// [`InspectionError`]. What is wrong with a seal is in the report.
pub async fn inspect(
    document: Document,
    verifier: Arc<Verifier>,
) -> Result<(DocumentReport, Document), InspectionError> {
    let inspected = spawn_blocking(move || {
        let mut file = &document.file;
        detect(&mut file)?; // what is empty can't be mapped
        let report = verifier.verify(&bytes(file).map_err(DocumentError::Read)?, &mut |_| {});
        report.map(|report| (report, document))
    });
    Ok(inspected.await.map_err(InspectionError::Ended)??)
}

/// The content of a document.
///
/// # Errors
/// It can't be mapped.
pub fn bytes(file: &File) -> io::Result<Source> {
    Ok(Arc::new(mapped(file)?))
}

/// The bytes of a file as memory, without reading it as a whole.
fn mapped(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file has no name, so no other process can change it while it is mapped, and this one only reads it.
    #[allow(unsafe_code)]
    unsafe {
        Mmap::map(file)
    }
}
