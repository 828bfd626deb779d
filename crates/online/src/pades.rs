//! What makes a PDF seal last: PAdES B-T, B-LT and B-LTA (ETSI EN 319 142-1), with what authorities and issuers give.
//!
//! [`Pades::begin`] asks for everything that does not depend on a document, so that a proof that is missing is known before
//! anything is sealed, and a batch asks for it once. Then, for each document: [`Pades::token`] over the value of the seal's
//! signature, and [`Pades::complete`] behind the sealed file.

use std::fmt;
use std::io;
use std::sync::Arc;

use eseal_documents::pdf::{self, Completed, ValidationData};
use eseal_documents::{DocumentError, Limits, Source};
use eseal_kernel::Timestamp;
use eseal_pki::chain::{self, ChainError, TrustStore};
use eseal_pki::{Certificate, Crl, DigestAlg, Evidence, OcspResponse, TimeStampToken, TspError};
use tokio::task::{JoinError, spawn_blocking};

use crate::error::OnlineError;
use crate::revocation::RevocationClient;
use crate::time_stamps::TimeStampClient;

/// The digest of what is stamped: of everything that signs here internationally, none asks for more.
const DIGEST: DigestAlg = DigestAlg::Sha256;

/// A baseline level (ETSI EN 319 142-1 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// B-B: the signature.
    #[default]
    Basic,
    /// B-T: with a time stamp over it, which proves when it was there.
    Stamped,
    /// B-LT: with certificates and proofs of their status, so that nobody needs to be asked later.
    LongTerm,
    /// B-LTA: with a time stamp over all that, which can be renewed before algorithms grow weak.
    Archival,
}

impl Level {
    /// `B-B`, `B-T`, `B-LT` or `B-LTA`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "B-B",
            Self::Stamped => "B-T",
            Self::LongTerm => "B-LT",
            Self::Archival => "B-LTA",
        }
    }
}

/// Where the proofs of B-LT come from.
pub struct Proofs<'a> {
    /// The certificate of the key that will sign.
    pub signer: &'a Certificate,
    /// Certificates to build chains of.
    pub pool: &'a [Certificate],
    /// Roots that the signer's chain leads to.
    pub holder_roots: &'a TrustStore,
    /// Roots that the authority's chain leads to.
    pub tsa_roots: &'a TrustStore,
    /// Revocation lists that are at hand. Those of an issuer are looked at before anybody is asked.
    pub known: &'a Evidence,
    /// Who asks about the others; none: nobody is asked.
    pub revocation: Option<&'a RevocationClient>,
    /// The present moment.
    pub now: Timestamp,
}

/// A level above B-B, ready for any number of documents sealed with one key.
pub struct Pades {
    level: Level,
    /// Of stamps over signatures.
    digest: DigestAlg,
    stamps: TimeStampClient,
    room: usize,
    /// What goes into the document from B-LT on.
    data: Arc<Evidence>,
}

/// Why a document does not reach its level.
#[derive(Debug, thiserror::Error)]
pub enum PadesError {
    /// The authority gave no time stamp.
    #[error(transparent)]
    TimeStamp(#[from] OnlineError),
    /// The authority is not one that can be relied upon.
    #[error("the time stamping authority cannot be relied upon: {0}")]
    Authority(#[source] TspError),
    /// The chain of a certificate is not complete.
    #[error("the proofs for the certificate of {subject} are not complete")]
    Chain {
        /// Whose.
        subject: String,
        /// Why.
        source: ChainError,
    },
    /// Nobody says whether a certificate is revoked.
    #[error("nothing proves that the certificate of {subject} is not revoked{}", .tried.iter().map(|error| format!("; {error}")).collect::<String>())]
    Unproved {
        /// Whose.
        subject: String,
        /// What was tried.
        tried: Vec<OnlineError>,
    },
    /// The document does not take it.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The file of the document failed.
    #[error("the file of the document failed")]
    File(#[from] io::Error),
    /// The work ended without a result.
    #[error("the work ended early")]
    Ended(#[from] JoinError),
}

impl Pades {
    /// Asks the authority for a first time stamp, which says how large its stamps are, and from B-LT on for the proofs.
    ///
    /// # Errors
    /// [`PadesError`].
    pub async fn begin(level: Level, stamps: TimeStampClient, proofs: &Proofs<'_>) -> Result<Self, PadesError> {
        let first = stamps.stamp(DIGEST, &DIGEST.digest(b"")).await?;
        let room = pdf::time_stamp_room(first.der())?;
        let mut data = Evidence::default();
        if level >= Level::LongTerm {
            data = proofs.of_signer().await?;
            data.extend(proofs.of_authority(&first).await?);
        }
        Ok(Self { level, digest: DIGEST, stamps, room, data: Arc::new(data) })
    }

    /// The same for OFDs: stamps over SM3 digests (GB/T 20520), and no level above B-T.
    ///
    /// # Errors
    /// [`PadesError::TimeStamp`].
    pub async fn begin_ofd(stamps: TimeStampClient) -> Result<Self, PadesError> {
        let digest = DigestAlg::Sm3;
        let first = stamps.stamp(digest, &digest.digest(b"")).await?;
        let room = pdf::time_stamp_room(first.der())?;
        Ok(Self { level: Level::Stamped, digest, stamps, room, data: Arc::default() })
    }

    /// Bytes to keep free for a token.
    pub const fn room(&self) -> usize {
        self.room
    }

    /// A token over the value of a signature.
    ///
    /// # Errors
    /// [`PadesError::TimeStamp`].
    pub async fn token(&self, signature: &[u8]) -> Result<Vec<u8>, PadesError> {
        Ok(self.stamps.stamp(self.digest, &self.digest.digest(signature)).await?.der().to_vec())
    }

    /// Puts behind a sealed document, of which `open` gives the bytes and `append` adds some, what else the level asks for.
    ///
    /// # Errors
    /// [`PadesError`]; then the file has a document of a lower level, or an incomplete one.
    pub async fn complete(
        &self,
        open: impl Fn() -> io::Result<Source>,
        mut append: impl FnMut(&[u8]) -> io::Result<()>,
        password: &str,
    ) -> Result<(), PadesError> {
        if self.level >= Level::LongTerm {
            append(self.with_data(open()?, password.to_owned()).await?.update())?;
        }
        if self.level >= Level::Archival {
            let stamped = self.with_time_stamp(open()?, password.to_owned()).await?;
            append(stamped.update())?;
        }
        Ok(())
    }

    async fn with_data(&self, document: Source, password: String) -> Result<Completed, PadesError> {
        let data = Arc::clone(&self.data);
        let add = move || {
            let certificates: Vec<&[u8]> = data.certificates.iter().map(Certificate::der).collect();
            let crls: Vec<&[u8]> = data.crls.iter().map(Crl::der).collect();
            let ocsps: Vec<&[u8]> = data.ocsps.iter().map(OcspResponse::der).collect();
            let data = ValidationData { certificates: &certificates, crls: &crls, ocsps: &ocsps };
            pdf::add_validation_data(document, &data, &password, &Limits::default())
        };
        Ok(spawn_blocking(add).await??)
    }

    async fn with_time_stamp(&self, document: Source, password: String) -> Result<Completed, PadesError> {
        let room = self.room;
        let prepare =
            move || pdf::prepare_time_stamp(document, DIGEST, room, &password, &Limits::default(), &mut |_| {});
        let prepared = spawn_blocking(prepare).await??;
        let token = self.stamps.stamp(DIGEST, prepared.imprint()).await?;
        Ok(prepared.complete(token.der())?)
    }
}

/// Never the proofs themselves.
impl fmt::Debug for Pades {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pades").field("level", &self.level).field("room", &self.room).finish_non_exhaustive()
    }
}

impl Proofs<'_> {
    async fn of_signer(&self) -> Result<Evidence, PadesError> {
        let found = chain::build(self.signer, self.pool, self.holder_roots);
        let of = |source| PadesError::Chain { subject: self.signer.subject(), source };
        self.about(found.map_err(of)?.certificates()).await
    }

    async fn of_authority(&self, token: &TimeStampToken) -> Result<Evidence, PadesError> {
        let stamp = token.verify(self.pool).map_err(PadesError::Authority)?;
        let chain = stamp.chain(self.tsa_roots).map_err(PadesError::Authority)?;
        self.about(chain.certificates()).await
    }

    /// The certificates of a chain, and for each but the last a proof that it is not revoked.
    async fn about(&self, chain: &[Certificate]) -> Result<Evidence, PadesError> {
        let mut data = Evidence { certificates: chain.to_vec(), ..Evidence::default() };
        for pair in chain.windows(2) {
            let [certificate, issuer] = pair else { continue };
            let at_hand = self.known.crls.iter().find(|list| {
                !list.is_stale_at(self.now) && list.verify(issuer).is_ok() && list.speaks_about(certificate)
            });
            if let Some(list) = at_hand {
                data.extend(Evidence { crls: vec![list.clone()], ..Evidence::default() });
                continue;
            }
            let unproved = |tried| PadesError::Unproved { subject: certificate.subject(), tried };
            let Some(client) = self.revocation else { return Err(unproved(Vec::new())) };
            let gathered = client.gather(pair).await;
            if !gathered.failed.is_empty() {
                return Err(unproved(gathered.failed));
            }
            data.extend(gathered.evidence);
        }
        Ok(data)
    }
}
