//! Who gives time stamps and proofs of revocation to documents that are sealed here; nobody unless the settings name somebody.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use eseal_documents::Format;
use eseal_kernel::Timestamp;
use eseal_online::pades::{Level, Pades, PadesError, Proofs};
use eseal_online::{Addresses, OnlineError, RevocationClient, TimeStampClient, TimeStampSettings};
use eseal_pki::{Certificate, CertificateError, Crl, CrlError, DigestAlg, Evidence, TrustStore};
use tokio::task::{JoinError, spawn_blocking};

use crate::config::Config;
use crate::trust::Trust;

/// The most bytes of a file with certificates, and of one with a revocation list.
const MAX_ROOTS: u64 = 4 << 20;
const MAX_LIST: u64 = 16 << 20;

/// The authorities of the settings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stamping {
    settings: Arc<Settings>,
}

#[derive(Debug)]
struct Settings {
    authorities: Vec<String>,
    trust_file: PathBuf,
    crl_files: Vec<PathBuf>,
    timeout: Duration,
    ask_revocation: bool,
    addresses: Addresses,
}

/// Why a document gets no time stamp or no proofs.
#[derive(Debug, thiserror::Error)]
pub enum StampingError {
    /// The settings name no authority.
    #[error("no time stamping authority is configured")]
    Off,
    /// No time stamp or proof came.
    #[error(transparent)]
    Pades(#[from] PadesError),
    /// No client can be made.
    #[error(transparent)]
    Online(#[from] OnlineError),
    /// A file of the settings can't be read.
    #[error("the file {} of the settings can't be read", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the settings has no certificates.
    #[error("the file {} of the settings has no certificates that can be used", .path.display())]
    Roots {
        /// Which.
        path: PathBuf,
        /// Why.
        source: CertificateError,
    },
    /// A file of the settings has no revocation list.
    #[error("the file {} of the settings has no revocation list that can be used", .path.display())]
    List {
        /// Which.
        path: PathBuf,
        /// Why.
        source: CrlError,
    },
    /// The work ended without a result.
    #[error("the work ended early")]
    Ended(#[from] JoinError),
}

/// What the files of the settings hold at the moment.
struct Files {
    roots: Option<TrustStore>,
    lists: Vec<Crl>,
}

impl Stamping {
    /// The authorities that the settings name. Files are read whenever they are needed, for lists are renewed; here too, so
    /// that a mistake is told at the start.
    ///
    /// # Errors
    /// [`StampingError`].
    pub async fn try_new(config: &Config) -> Result<Self, StampingError> {
        let settings = Settings {
            authorities: config.time_stamp_authorities.clone(),
            trust_file: config.time_stamp_trust_file.clone(),
            crl_files: config.time_stamp_crl_files.clone(),
            timeout: config.time_stamp_timeout,
            ask_revocation: config.ask_revocation,
            addresses: if config.private_addresses { Addresses::Any } else { Addresses::Public },
        };
        let stamping = Self { settings: Arc::new(settings) };
        if !stamping.is_off() {
            stamping.client().await?;
        }
        Ok(stamping)
    }

    /// Whether there is no authority.
    pub fn is_off(&self) -> bool {
        self.settings.authorities.is_empty()
    }

    /// What makes documents of this format and signer reach a level; nothing for B-B.
    ///
    /// # Errors
    /// [`StampingError`].
    pub async fn pades(
        &self,
        level: Level,
        format: Format,
        signer: &Certificate,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<Option<Pades>, StampingError> {
        if level == Level::Basic {
            return Ok(None);
        }
        let (client, files) = self.client().await?;
        if format == Format::Ofd {
            return Ok(Some(Pades::begin_ofd(client).await?));
        }
        let revocation = || RevocationClient::try_new(self.settings.timeout, self.settings.addresses);
        let revocation = self.settings.ask_revocation.then(revocation).transpose()?;
        let mut known = Evidence { crls: trust.crls().to_vec(), ..Evidence::default() };
        known.extend(Evidence { crls: files.lists, ..Evidence::default() });
        let proofs = Proofs {
            signer,
            pool: trust.holders().roots(),
            holder_roots: trust.holders(),
            tsa_roots: &files.roots.unwrap_or_default(),
            known: &known,
            revocation: revocation.as_ref(),
            now,
        };
        Ok(Some(Pades::begin(level, client, &proofs).await?))
    }

    /// A token over the signature of a list of files; none where there is no authority.
    ///
    /// # Errors
    /// [`StampingError`].
    pub async fn over_list(&self, signature: &[u8]) -> Result<Option<Vec<u8>>, StampingError> {
        if self.is_off() {
            return Ok(None);
        }
        let (client, _) = self.client().await?;
        let token = client.stamp(DigestAlg::Sm3, &DigestAlg::Sm3.digest(signature)).await?;
        Ok(Some(token.der().to_vec()))
    }

    async fn client(&self) -> Result<(TimeStampClient, Files), StampingError> {
        if self.is_off() {
            return Err(StampingError::Off);
        }
        let settings = Arc::clone(&self.settings);
        let files = spawn_blocking(move || Files::read(&settings)).await??;
        let settings = TimeStampSettings {
            authorities: self.settings.authorities.clone(),
            roots: files.roots.clone(),
            timeout: self.settings.timeout,
            ..TimeStampSettings::default()
        };
        Ok((TimeStampClient::try_new(settings)?, files))
    }
}

impl Files {
    fn read(settings: &Settings) -> Result<Self, StampingError> {
        let mut roots = None;
        if !settings.trust_file.as_os_str().is_empty() {
            let path = &settings.trust_file;
            let certificates = Certificate::many_from_pem(&read(path, MAX_ROOTS)?);
            let certificates = certificates.map_err(|source| StampingError::Roots { path: path.clone(), source })?;
            roots = Some(TrustStore::new(certificates));
        }
        let list = |path: &PathBuf| {
            let bytes = read(path, MAX_LIST)?;
            let list = if bytes.starts_with(b"-----") { Crl::from_pem(&bytes) } else { Crl::from_der(&bytes) };
            list.map_err(|source| StampingError::List { path: path.clone(), source })
        };
        let lists = settings.crl_files.iter().map(list).collect::<Result<_, _>>()?;
        Ok(Self { roots, lists })
    }
}

fn read(path: &Path, max: u64) -> Result<Vec<u8>, StampingError> {
    let failed = |source| StampingError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    io::Read::read_to_end(&mut io::Read::take(file, max + 1), &mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max { Err(failed(io::ErrorKind::FileTooLarge.into())) } else { Ok(bytes) }
}
