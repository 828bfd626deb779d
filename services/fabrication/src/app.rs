//! What this service does, between gRPC and the rules: it finds what a step needs besides its words (the run's state, the
//! outcome of cryptographic checks, other services' word), and gives the command for the writer. The steps of a run are
//! in `steps`.

mod steps;

use eseal_eventstore::{CommandError, Database, Metadata, Order, Outcome, Row, StoreError, Stored, Writer, state_of};
use eseal_kernel::{Clock, Id, Timestamp};
use eseal_seal::Version;
use tonic::Status;

use crate::contents::{ContentError, Contents};
use crate::domain::command::Command;
use crate::domain::event::Challenge;
use crate::domain::order::{Custody, Order as SealOrder};
use crate::domain::rejection::CardRejection;
use crate::domain::run::CHALLENGE_LIFETIME;
use crate::domain::{Fabrication, MakerCard};
use crate::effects::{OwnMaker, Peers};
use crate::query::Query;

/// In whose name hosted fabrication runs. No person may have this id.
pub const OWN_MAKER_ID: &str = "fabrication";

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
    /// The generation of the seals that are made.
    pub seal_version: Version,
    clock: Clock,
    database: Database,
    writer: Writer,
}

/// A command with what goes with it.
#[derive(Debug)]
pub struct Prepared {
    /// The command.
    pub command: Command,
    /// Written in its transaction.
    pub rows: Vec<Row>,
    /// The version of the fabrication on which a step was prepared. It is decided on that one only: what was found out
    /// for one stage of a run must not be held against another.
    pub version: Option<u64>,
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
    /// The read side failed.
    #[error("the database failed")]
    Query(#[from] sea_orm::DbErr),
    /// What the run needs is not there any more.
    #[error("the {0} of this run is not stored")]
    Missing(&'static str),
    /// The use of a maker card could not be counted.
    #[error(transparent)]
    Count(#[from] CommandError<CardRejection>),
    /// The operating system gives no random numbers.
    #[error("no random numbers")]
    Random,
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
        (own_maker, seal_version): (Option<OwnMaker>, Version),
        clock: Clock,
    ) -> Self {
        Self { query: Query::new(database.clone()), contents, peers, own_maker, seal_version, clock, database, writer }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The fabrication for an application, and its version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fabrication(&self, application: Id) -> Result<(Fabrication, u64), StoreError> {
        state_of(&self.database, &application.to_string()).await
    }

    /// A maker card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn maker_card_of(&self, card_serial: &str) -> Result<MakerCard, StoreError> {
        Ok(state_of(&self.database, card_serial).await?.0)
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
        let order = Order::new(application, prepared.command, metadata).with_rows(prepared.rows);
        match prepared.version {
            Some(version) => order.expecting(version),
            None => order,
        }
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
        Ok(Prepared { command, rows: Vec::new(), version: None })
    }
}

/// Whether the keys of an order are with the authentication service.
pub fn is_hosted(order: &SealOrder) -> bool {
    matches!(order.custody, Custody::HostedKey(_))
}

/// A challenge given now.
fn fresh_challenge(now: Timestamp) -> Result<Challenge, AppError> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|_| AppError::Random)?;
    Ok(Challenge { nonce: hex::encode(nonce), expires_at: now.plus(CHALLENGE_LIFETIME) })
}
