//! A whole document in this service: in a file without a name, which is gone with the request whatever happens; laid out
//! and written on threads that may take long.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use eseal_documents::ofd::{self, PreparedList};
use eseal_documents::pdf::{Permitted, SealForm};
use eseal_documents::sealing::{self, Options, Prepared, Request, Sealed, UsableSeal};
use eseal_documents::{DocumentError, Format, Limits, Placement, Reason, SealingOption, Source};
use eseal_kernel::{Digest, Timestamp};
use eseal_online::pades::{Level, Pades};
use eseal_pki::{Certificate, Suite};
use memmap2::Mmap;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::stamping::StampingError;

/// A document that was received.
#[derive(Debug)]
pub struct Received {
    /// Its bytes.
    pub file: File,
    /// SHA-256 of them.
    pub digest: Digest,
    /// SM3 of them.
    pub sm3: Digest,
}

/// A document that can be sealed.
pub struct Sound {
    source: Source,
    format: Format,
}

/// What it is to be sealed with, and where.
#[derive(Debug)]
pub struct Order {
    /// The seal.
    pub seal: UsableSeal,
    /// Where, and how.
    pub manner: Arc<Manner>,
    /// Bytes to keep free for a time stamp token.
    pub time_stamp_room: usize,
    /// The sealing time.
    pub time: Timestamp,
    /// The certificate of the key that will sign.
    pub signer: Certificate,
}

/// How a document is to be sealed, and where.
#[derive(Debug)]
pub struct Manner {
    /// Where the impressions go.
    pub placement: Placement,
    /// Why, for people.
    pub reason: Option<String>,
    /// Whether it is the last seal.
    pub locked: bool,
    /// Makes it a certification of a PDF.
    pub certifies: Option<Permitted>,
    /// The form of the signature in a PDF.
    pub form: SealForm,
    /// An empty signature field of a PDF.
    pub field: Option<String>,
    /// Of an encrypted PDF.
    pub password: Password,
    /// What a PDF shall reach.
    pub level: Level,
    /// Whether an OFD gets a list of its files.
    pub list_files: bool,
    /// Whether a seal of GM/T 0031-2025 is used too.
    pub accept_v5: bool,
}

/// The password of a document: never shown.
pub struct Password(Zeroizing<String>);

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
    /// What others prove did not come.
    #[error(transparent)]
    Stamping(#[from] StampingError),
    /// The work ended without a result.
    #[error("the work ended early")]
    Ended(#[from] tokio::task::JoinError),
}

impl Password {
    /// What the client sent.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Manner {
    /// The suite of the key that seals documents of this format.
    pub const fn suite(&self, format: Format) -> Suite {
        sealing::suite_for(format, self.form)
    }

    /// Refuses what documents of this format do not have.
    ///
    /// # Errors
    /// [`DocumentError::OptionUnfit`].
    pub fn must_fit(&self, format: Format) -> Result<(), DocumentError> {
        let stamped = usize::from(self.level >= Level::Stamped);
        self.options(stamped).must_fit(format)?;
        let unfit = match format {
            Format::Pdf => self.list_files.then_some(SealingOption::ListOfFiles),
            Format::Ofd => (self.level > Level::Stamped).then_some(SealingOption::LongTerm),
        };
        unfit.map_or(Ok(()), |option| Err(DocumentError::OptionUnfit { format, option }))
    }

    fn options(&self, time_stamp_room: usize) -> Options<'_> {
        Options {
            locked: self.locked,
            certifies: self.certifies,
            form: self.form,
            field: self.field.as_deref(),
            password: &self.password.0,
            time_stamp_room,
            accept_v5: self.accept_v5,
        }
    }
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
    /// A document whose earlier seals hold, and that has what is asked for.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub async fn looked_at(self, manner: Arc<Manner>) -> Result<Sound, NotSealed> {
        spawn_blocking(move || {
            let source = mapped(&self.file).map_err(NotSealed::File)?;
            let format = sealing::format_of(&source)?;
            manner.must_fit(format)?;
            match sealing::broken_seal(&source, &manner.password.0, &Limits::default(), &mut |_| {})? {
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
                seal: &order.seal,
                placement: &order.manner.placement,
                time: order.time,
                signer: &order.signer,
                chain: &[],
                reason: order.manner.reason.as_deref(),
                options: order.manner.options(order.time_stamp_room),
            };
            sealing::prepare(&source, &request, &Limits::default(), &mut |_| {})
        });
        Ok(prepared.await??)
    }
}

/// The sealed document in a file of its own, with a time stamp token over the signature where there is one.
///
/// # Errors
/// [`NotSealed`].
pub async fn written(
    prepared: Prepared,
    signature: Vec<u8>,
    token: Option<Vec<u8>>,
) -> Result<(File, Sealed), NotSealed> {
    spawn_blocking(move || {
        let mut file = tempfile::tempfile().map_err(NotSealed::unwritable)?;
        let sealed = prepared.finish_stamped(&mut file, &signature, token.as_deref(), &mut |_| {});
        Ok((file, sealed.map_err(unwritten)?))
    })
    .await?
}

/// Puts behind a sealed PDF what else its level asks for.
///
/// # Errors
/// [`NotSealed`].
pub async fn completed(file: &File, pades: &Pades, manner: &Manner) -> Result<(), NotSealed> {
    let append = |bytes: &[u8]| {
        let mut file = file;
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)
    };
    let done = pades.complete(|| mapped(file), append, &manner.password.0).await;
    done.map_err(|error| StampingError::Pades(error).into())
}

/// The list of the files of a sealed OFD, without its signature.
///
/// # Errors
/// [`NotSealed`].
pub async fn list_of(file: &File, time: Timestamp) -> Result<PreparedList, NotSealed> {
    let source = mapped(file).map_err(NotSealed::File)?;
    Ok(spawn_blocking(move || ofd::prepare_list(source, time, &Limits::default())).await??)
}

/// The OFD with the list, in another file.
///
/// # Errors
/// [`NotSealed`].
pub async fn with_list(
    list: PreparedList,
    signer: Certificate,
    signature: Vec<u8>,
    token: Option<Vec<u8>>,
) -> Result<File, NotSealed> {
    spawn_blocking(move || {
        let mut file = tempfile::tempfile().map_err(NotSealed::unwritable)?;
        let done = list.finish(&mut file, &signer, &signature, token.as_deref(), &mut |_| {});
        done.map_err(unwritten)?;
        Ok(file)
    })
    .await?
}

/// A file at its beginning, with its size.
///
/// # Errors
/// [`NotSealed`].
pub fn at_its_beginning(mut file: File) -> Result<(File, u64), NotSealed> {
    file.rewind().map_err(NotSealed::File)?;
    let size = file.metadata().map_err(NotSealed::File)?.len();
    Ok((file, size))
}

fn unwritten(error: DocumentError) -> NotSealed {
    match error {
        DocumentError::Write(error) => NotSealed::unwritable(error),
        other => NotSealed::Document(other),
    }
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
