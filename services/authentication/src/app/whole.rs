//! A whole document in this service: in a file without a name, which is gone with the request whatever happens; laid out
//! and written on threads that may take long.

use std::fs::File;
use std::io::{self, Seek as _};
use std::sync::Arc;

use eseal_documents::sealing::{self, Extras, Prepared, Request, Sealed};
use eseal_documents::{DocumentError, Format, Limits, Placement, Reason, Source};
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::Certificate;
use memmap2::Mmap;
use tokio::task::spawn_blocking;

/// A document that was received.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub file: File,
    /// SHA-256 of them.
    pub digest: Digest,
}

/// A document that can be sealed.
pub struct Sound {
    source: Source,
    format: Format,
}

/// What it is to be sealed with, and where.
#[derive(Debug)]
pub struct Order {
    /// The SESeal.
    pub structure: Vec<u8>,
    /// Where the impressions go.
    pub placement: Placement,
    /// The sealing time.
    pub time: Timestamp,
    /// The certificate of the key that will sign.
    pub signer: Certificate,
    /// Why, for people.
    pub reason: Option<String>,
}

/// Why a document is not sealed, apart from the gates.
#[derive(Debug, thiserror::Error)]
pub enum NotSealed {
    /// It is no document, or can't be sealed so.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It was changed after an earlier seal.
    #[error("the seal {id} of the document does not hold: {}", reason.code())]
    Broken {
        /// The earlier seal.
        id: String,
        /// Why it does not hold.
        reason: Reason,
    },
    /// No room is left for documents.
    #[error("there is no room left for documents")]
    NoRoom(#[source] io::Error),
    /// A file of this service failed.
    #[error("a temporary file failed")]
    File(#[source] io::Error),
    /// The work ended without a result.
    #[error("the work ended early")]
    Ended(#[from] tokio::task::JoinError),
}

impl NotSealed {
    /// Writing failed.
    pub fn unwritable(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoRoom(error),
            _ => Self::File(error),
        }
    }
}

impl Received {
    /// A document whose earlier seals hold.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub async fn looked_at(self) -> Result<Sound, NotSealed> {
        spawn_blocking(move || {
            let source = mapped(&self.file).map_err(NotSealed::File)?;
            let format = sealing::format_of(&source)?;
            match sealing::broken_seal(&source, &Limits::default(), &mut |_| {})? {
                Some((id, reason)) => Err(NotSealed::Broken { id, reason }),
                None => Ok(Sound { source, format }),
            }
        })
        .await?
    }
}

impl Sound {
    /// What kind of document it is.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Everything but the signature.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub async fn laid_out(&self, order: Order) -> Result<Prepared, NotSealed> {
        let source = self.source.clone();
        let prepared = spawn_blocking(move || {
            let request = Request {
                seal_der: &order.structure,
                placement: &order.placement,
                time: order.time,
                signer: &order.signer,
                chain: &[],
                reason: order.reason.as_deref(),
                extras: Extras::default(),
            };
            sealing::prepare(&source, &request, &Limits::default(), &mut |_| {})
        });
        Ok(prepared.await??)
    }
}

/// The sealed document in a file of its own, at its beginning, with its size.
///
/// # Errors
/// [`NotSealed`].
pub async fn written(prepared: Prepared, signature: Vec<u8>) -> Result<(File, u64, Sealed), NotSealed> {
    spawn_blocking(move || {
        let mut file = tempfile::tempfile().map_err(NotSealed::unwritable)?;
        let sealed = prepared.finish(&mut file, &signature, &mut |_| {}).map_err(|error| match error {
            DocumentError::Write(error) => NotSealed::unwritable(error),
            other => NotSealed::Document(other),
        })?;
        file.rewind().map_err(NotSealed::File)?;
        let size = file.metadata().map_err(NotSealed::File)?.len();
        Ok((file, size, sealed))
    })
    .await?
}

/// The bytes of a file as memory, without reading it as a whole.
fn mapped(file: &File) -> io::Result<Source> {
    if file.metadata()?.len() == 0 {
        return Ok(Arc::new(Vec::new())); // nothing can't be mapped
    }
    // SAFETY: the file has no name, so no other process can change it while it is mapped, and this one only reads it.
    #[allow(unsafe_code)]
    let map = unsafe { Mmap::map(file)? };
    Ok(Arc::new(map))
}
