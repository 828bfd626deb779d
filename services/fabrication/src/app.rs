//! What this service does, between gRPC and the rules: it finds what a step needs besides its words (the run's state, the
//! outcome of cryptographic checks, other services' word), and gives the command for the writer.

use eseal_eventstore::{CommandError, Database, Metadata, Order, Outcome, Row, StoreError, Stored, Writer, state_of};
use eseal_kernel::{Clock, Digest, Id, Timestamp};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, Suite};
use eseal_proto::authentication::v1::TrustPurpose;
use eseal_proto::seal::v1 as seal_pb;
use eseal_seal::{CertificateList, Picture, Seal, SealError, SealInfo};
use eseal_service::Onward;
use tonic::Status;

use crate::contents::{ContentError, Contents};
use crate::domain::command::{Command, ShownCertificate, Step};
use crate::domain::event::Challenge;
use crate::domain::fabrication::Fabrication;
use crate::domain::order::{Custody, Order as SealOrder};
use crate::domain::run::{CHALLENGE_LIFETIME, Run, Stage};
use crate::effects::{OwnMaker, Peers};
use crate::query::Query;

/// Whom the proofs of cards are for.
pub const AUDIENCE: &str = "eseal.fabrication";
/// What a maker card proves its key for.
pub const MAKE_SEAL: &str = "make-seal";
/// What a seal card proves its keys for.
pub const HOLD_SEAL: &str = "hold-seal";
/// In whose name hosted fabrication runs.
pub const OWN_MAKER_ID: &str = "fabrication";
/// The most certificates of a seal card that are looked at.
const MOST_CERTIFICATES: usize = 4;

/// The service behind its gRPC methods, reactions and effects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The read side.
    pub query: Query,
    /// Encrypted contents.
    pub contents: Contents,
    /// Other services.
    pub peers: Peers,
    /// The service's own maker card, if it has one.
    pub own_maker: Option<OwnMaker>,
    clock: Clock,
    database: Database,
    writer: Writer,
}

/// A command with the rows that go with it.
#[derive(Debug)]
pub struct Prepared {
    /// The command.
    pub command: Command,
    /// Written in its transaction.
    pub rows: Vec<Row>,
}

/// Why a command could not be prepared. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Another service could not be asked.
    #[error("another service could not be asked: {}", .0.code())]
    Peer(Box<Status>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A content failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// What the run needs is not there any more.
    #[error("the {0} of this run is not stored")]
    Missing(&'static str),
    /// The operating system gives no random numbers.
    #[error("no random numbers")]
    Random,
    /// The electronic seal can't be built.
    #[error("the electronic seal can't be built")]
    Seal(#[from] SealError),
}

impl From<Status> for AppError {
    fn from(status: Status) -> Self {
        Self::Peer(Box::new(status))
    }
}

/// Who takes a step of which run.
#[derive(Debug, Clone)]
pub struct RunStep {
    /// The application.
    pub application: Id,
    /// The run.
    pub run: Id,
    /// The maker.
    pub maker_id: String,
}

impl App {
    /// The service on this database and its writer.
    pub fn new(
        database: Database,
        writer: Writer,
        contents: Contents,
        peers: Peers,
        own_maker: Option<OwnMaker>,
        clock: Clock,
    ) -> Self {
        Self { query: Query::new(database.clone()), contents, peers, own_maker, clock, database, writer }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The state of the fabrication for an application.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fabrication(&self, application: Id) -> Result<Fabrication, StoreError> {
        Ok(state_of::<Fabrication>(&self.database, &application.to_string()).await?.0)
    }

    /// Hands an order to the writer.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute<A: Stored>(&self, order: Order<A>) -> Result<Outcome<A>, CommandError<A::Rejection>> {
        self.writer.execute(order).await
    }

    /// The order of a prepared command.
    pub fn order(application: Id, prepared: Prepared, metadata: Metadata) -> Order<Fabrication> {
        Order::new(application, prepared.command, metadata).with_rows(prepared.rows)
    }

    /// Begins a run: for a hosted key with the service's own card, whoever asks.
    ///
    /// # Errors
    /// [`AppError::Random`].
    pub fn begin(
        &self,
        application: Id,
        hosted: bool,
        maker_id: &str,
        card_serial: Option<String>,
    ) -> Result<Prepared, AppError> {
        let now = self.now();
        let (maker_id, maker_card_serial) = if hosted {
            (OWN_MAKER_ID, self.own_maker.as_ref().map(|maker| maker.serial().to_owned()))
        } else {
            (maker_id, card_serial)
        };
        let command = Command::BeginRun {
            application_id: application,
            run_id: Id::random(now),
            seal_id: Id::random(now),
            maker_id: maker_id.to_owned(),
            maker_card_serial,
            challenge: fresh_challenge(now)?,
            now,
        };
        Ok(Prepared { command, rows: Vec::new() })
    }

    /// Gate a: what the maker card showed.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn maker_card(&self, step: &RunStep, proof: &seal_pb::SignedStatement) -> Result<Prepared, AppError> {
        let now = self.now();
        let state = self.fabrication(step.application).await?;
        let run = running(&state, step).map(|(_, run)| run);
        let proved = run.and_then(|run| proved(proof, &maker_terms(run)?));
        let certificate = Certificate::from_der(&proof.certificate).ok();
        let rows = certificate.iter().map(|c| self.contents.row(c.der(), now)).collect::<Result<_, _>>()?;
        let certificate = certificate.map_or_else(nothing, |c| c.fingerprint());
        let challenge = fresh_challenge(now)?;
        Ok(step.prepared(now, Step::PresentMakerCard { certificate, proved, challenge }, rows))
    }

    /// Gates b, c and d: what the seal card showed.
    ///
    /// # Errors
    /// [`AppError`]. A service that can't be reached is one, and never a refusal.
    pub async fn seal_card(
        &self,
        onward: &Onward,
        step: &RunStep,
        card_serial: &str,
        proofs: &[seal_pb::SignedStatement],
    ) -> Result<Prepared, AppError> {
        let now = self.now();
        let state = self.fabrication(step.application).await?;
        let (mut shown, mut certificates, mut rows, mut seal_info) = (Vec::new(), Vec::new(), Vec::new(), nothing());
        if let Some((order, run)) = running(&state, step) {
            for proof in proofs.iter().take(MOST_CERTIFICATES) {
                let (seen, certificate) = self.shown(onward, order, run, proof, certificates.is_empty()).await?;
                shown.push(seen);
                certificates.extend(certificate);
            }
            if !shown.is_empty() && shown.iter().all(|c| c.good && c.proved.is_some()) {
                let der = self.seal_info(onward, order, run, &certificates, now).await?;
                seal_info = Digest::of(&der);
                rows.push(self.contents.row(&der, now)?);
            }
        }
        let command = Step::PresentSealCard {
            maker_certificate: maker_certificate(&state),
            card_serial: card_serial.to_owned(),
            certificates: shown,
            seal_info,
        };
        Ok(step.prepared(now, command, rows))
    }

    /// Gate e: the maker's signature over what it was given.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn signature(&self, step: &RunStep, signature: &[u8]) -> Result<Prepared, AppError> {
        let now = self.now();
        let state = self.fabrication(step.application).await?;
        let seal = match running(&state, step).map(|(_, run)| &run.stage) {
            Some(Stage::Signing { maker_certificate, card }) => {
                self.assembled(*maker_certificate, card.seal_info, signature).await?
            }
            // Signed before: the writer answers with the first seal, whatever this signature gives.
            Some(Stage::Storing { maker_certificate, card, .. }) => {
                self.assembled(*maker_certificate, card.seal_info, signature).await?
            }
            Some(Stage::MakerCard(_) | Stage::SealCard { .. }) | None => None,
        };
        let rows = seal.iter().map(|der| self.contents.row(der, now)).collect::<Result<_, _>>()?;
        let seal = seal.map(|der| Digest::of(&der));
        Ok(step.prepared(now, Step::SignSeal { maker_certificate: maker_certificate(&state), seal }, rows))
    }

    /// Gate e: what was read back.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn confirmation(&self, step: &RunStep, read_back: &[u8]) -> Result<Prepared, AppError> {
        let state = self.fabrication(step.application).await?;
        // Read back and verified, not only compared: a made seal is one that its readers will accept.
        let genuine = Seal::from_der(read_back).is_ok_and(|seal| seal.verify_value().is_ok());
        let read_back = if genuine { Digest::of(read_back) } else { nothing() };
        let command = Step::ConfirmSeal { maker_certificate: maker_certificate(&state), read_back };
        Ok(step.prepared(self.now(), command, Vec::new()))
    }

    /// The station could not go on.
    pub fn failure(&self, step: &RunStep) -> Prepared {
        step.prepared(self.now(), Step::ReportFailure, Vec::new())
    }

    /// What a seal card showed for one of its keys, checked as far as it can be before the rules are asked.
    async fn shown(
        &self,
        onward: &Onward,
        order: &SealOrder,
        run: &Run,
        proof: &seal_pb::SignedStatement,
        first: bool,
    ) -> Result<(ShownCertificate, Option<Certificate>), AppError> {
        let Ok(certificate) = Certificate::from_der(&proof.certificate) else {
            let unreadable =
                ShownCertificate { certificate: Digest::of(&proof.certificate), good: false, proved: None };
            return Ok((unreadable, None));
        };
        let suite = certificate.public_key().ok().and_then(|key| key.suite());
        // An OFD is sealed with SM2: without such a key first, the seal could seal no OFD.
        let fits = if first { suite == Some(Suite::Sm2Sm3) } else { suite.is_some() };
        let owner = Some(&order.organization.uscc);
        let good = fits && self.peers.is_good(onward, &certificate, TrustPurpose::Holder, owner).await?;
        let proved = seal_card_terms(run).and_then(|terms| proved(proof, &terms));
        Ok((ShownCertificate { certificate: certificate.fingerprint(), good, proved }, Some(certificate)))
    }

    /// DER of the SES_SealInfo that the maker is to sign (GB/T 38540-2020).
    async fn seal_info(
        &self,
        onward: &Onward,
        order: &SealOrder,
        run: &Run,
        certificates: &[Certificate],
        now: Timestamp,
    ) -> Result<Vec<u8>, AppError> {
        let name = self.peers.material(onward, order.seal_name).await?;
        let info = SealInfo {
            vid: "ESEAL".to_owned(),
            es_id: run.seal_id.to_string(),
            seal_type: order.seal_type.number(),
            name: String::from_utf8_lossy(&name).into_owned(),
            certificates: CertificateList::of(certificates.iter()),
            created: now.whole_seconds(),
            valid_from: order.valid_from.whole_seconds(),
            valid_to: order.valid_to.whole_seconds(),
            picture: Picture {
                kind: "png".to_owned(),
                data: self.peers.material(onward, order.impression).await?,
                width_mm: order.width_mm,
                height_mm: order.height_mm,
            },
            extensions: Vec::new(),
        };
        Ok(info.to_der()?)
    }

    /// The SESeal with this signature; nothing if it does not hold.
    async fn assembled(&self, maker: Digest, info: Digest, signature: &[u8]) -> Result<Option<Vec<u8>>, AppError> {
        let info = self.contents.get(info).await?.ok_or(AppError::Missing("SES_SealInfo"))?;
        let maker = self.contents.get(maker).await?.ok_or(AppError::Missing("maker certificate"))?;
        let maker = Certificate::from_der(&maker).map_err(|_| AppError::Missing("maker certificate"))?;
        let Ok(der) = Seal::assemble(&info, &maker, signature) else { return Ok(None) };
        let genuine = Seal::from_der(&der).is_ok_and(|seal| seal.verify_value().is_ok());
        Ok(genuine.then_some(der))
    }
}

impl RunStep {
    fn prepared(&self, now: Timestamp, step: Step, rows: Vec<Row>) -> Prepared {
        let command = Command::Step { run_id: self.run, maker_id: self.maker_id.clone(), now, step };
        Prepared { command, rows }
    }
}

/// Whether the keys of an order are with the authentication service.
pub fn is_hosted(order: &SealOrder) -> bool {
    matches!(order.custody, Custody::HostedKey(_))
}

/// What a maker card's statement must say, while it is awaited.
pub fn maker_terms(run: &Run) -> Option<seal_pb::ChallengeTerms> {
    match &run.stage {
        Stage::MakerCard(challenge) => Some(terms(run, MAKE_SEAL, challenge)),
        Stage::SealCard { .. } | Stage::Signing { .. } | Stage::Storing { .. } => None,
    }
}

/// What a seal card's statements must say, while they are awaited.
pub fn seal_card_terms(run: &Run) -> Option<seal_pb::ChallengeTerms> {
    match &run.stage {
        Stage::SealCard { challenge, .. } => Some(terms(run, HOLD_SEAL, challenge)),
        Stage::MakerCard(_) | Stage::Signing { .. } | Stage::Storing { .. } => None,
    }
}

fn terms(run: &Run, purpose: &str, challenge: &Challenge) -> seal_pb::ChallengeTerms {
    seal_pb::ChallengeTerms {
        audience: AUDIENCE.to_owned(),
        purpose: purpose.to_owned(),
        attempt_id: run.run_id.to_string(),
        seal_id: run.seal_id.to_string(),
        nonce: challenge.nonce.clone(),
        expires_at: Some(eseal_proto::moment::from_micros(challenge.expires_at.micros())),
    }
}

/// The nonce that a proof answers, if its signature holds and it says what the terms say.
fn proved(proof: &seal_pb::SignedStatement, terms: &seal_pb::ChallengeTerms) -> Option<String> {
    let key = Certificate::from_der(&proof.certificate).ok()?.public_key().ok()?;
    let said = ChallengeStatement::verified(&proof.statement, &proof.signature, &key).ok()?;
    let fits = said.audience == terms.audience
        && said.purpose == terms.purpose
        && said.attempt_id == terms.attempt_id
        && said.seal_id.as_deref() == Some(terms.seal_id.as_str())
        && said.document_digest.is_none();
    fits.then(|| hex::encode(said.nonce))
}

/// A challenge given now.
fn fresh_challenge(now: Timestamp) -> Result<Challenge, AppError> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|_| AppError::Random)?;
    Ok(Challenge { nonce: hex::encode(nonce), expires_at: now.plus(CHALLENGE_LIFETIME) })
}

fn running<'a>(state: &'a Fabrication, step: &RunStep) -> Option<(&'a SealOrder, &'a Run)> {
    match state {
        Fabrication::Running { order, run } if run.run_id == step.run => Some((order, run)),
        Fabrication::Absent
        | Fabrication::Waiting { .. }
        | Fabrication::Running { .. }
        | Fabrication::Made { .. }
        | Fabrication::Closed { .. } => None,
    }
}

fn maker_certificate(state: &Fabrication) -> Digest {
    match state {
        Fabrication::Running { run, .. } => run.maker_certificate().unwrap_or_else(nothing),
        Fabrication::Absent | Fabrication::Waiting { .. } | Fabrication::Made { .. } | Fabrication::Closed { .. } => {
            nothing()
        }
    }
}

/// The digest of nothing: no content has it.
fn nothing() -> Digest {
    Digest::of(b"")
}
