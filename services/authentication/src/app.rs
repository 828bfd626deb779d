//! What this service does, between gRPC and the rules: it finds what a command needs besides its words (certificates,
//! trust, keys, signatures that hold), and hands the order to the writer, which loads, decides, appends and projects, all
//! or nothing.

pub mod batching;
mod dating;
mod findings;
mod hosted;
pub mod keys;
pub mod sealing;
pub mod stamping;
pub mod trusting;
pub mod whole;

use std::ops::RangeInclusive;

use eseal_eventstore::{
    CommandError, Database, Decided, Log, Metadata, Order, Outcome, StoreError, Stored, StreamId, Writer, state_of,
};
use eseal_kernel::{Aggregate, Timestamp};
use eseal_pki::CertificateError;

use crate::codes::{Codes, CodesError};
use crate::contents::{ContentError, Contents};
use crate::domain::command::Action;
use crate::domain::ids::SealId;
use crate::domain::registration::Registration;
use crate::domain::seal::Standing;
use crate::domain::{Command, Rejection, Seal};
use crate::hosting::{Hosting, HostingError};
use crate::inquiry::Inquiry;
use crate::metrics;
use crate::query::{Holding, Query, QueryError};
use crate::trust::{TrustError, TrustReader};

use stamping::Stamping;

/// The service behind its gRPC methods and reactions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The read side.
    pub query: Query,
    /// What lies beside the facts.
    pub contents: Contents,
    /// Whom the system trusts.
    pub trust: TrustReader,
    /// Who is asked about revocation.
    pub inquiry: Inquiry,
    /// Hosted keys.
    pub hosting: Hosting,
    /// Codes of second factors.
    pub codes: Codes,
    /// Who gives time stamps to documents that are sealed here.
    pub stamping: Stamping,
    /// Whether authorities for development may be trusted.
    pub accept_development_roots: bool,
    log: Log,
    database: Database,
    writer: Writer,
}

/// A mistake of ours or of the machine: the caller can do nothing about it.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The read side failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A content failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Trust can't be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A hosted key failed.
    #[error(transparent)]
    Hosting(#[from] HostingError),
    /// A code of a second factor failed.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// The history can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored certificate can't be read.
    #[error("a stored certificate can't be read")]
    Certificate(#[from] CertificateError),
    /// The work did not come to its end: the process is stopping.
    #[error("the process is stopping")]
    Stopping,
}

impl AppError {
    /// Whether it may be better later: a key-encryption key or an HSM was not there.
    pub const fn is_for_now(&self) -> bool {
        match self {
            Self::Hosting(error) => error.is_for_now(),
            Self::Codes(error) => error.is_for_now(),
            Self::Content(error) => error.is_for_now(),
            Self::Query(_) | Self::Trust(_) | Self::Store(_) | Self::Certificate(_) | Self::Stopping => false,
        }
    }
}

/// How the answer that is kept under a request key is made.
pub type Answering = fn(&Decided<Seal>) -> Vec<u8>;

impl App {
    /// The service on this database and its writer.
    pub fn new(
        owner: &'static str,
        database: Database,
        (hosting, codes): (Hosting, Codes),
        (inquiry, stamping): (Inquiry, Stamping),
        writer: Writer,
    ) -> Self {
        let contents = hosting.contents().clone();
        Self {
            query: Query::new(database.clone()),
            trust: TrustReader::new(database.clone(), contents.clone()),
            hosting,
            codes,
            contents,
            inquiry,
            stamping,
            accept_development_roots: false,
            log: Log::new(database.clone(), owner),
            database,
            writer,
        }
    }

    /// Hands an order to the writer.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute<A: Stored>(&self, order: Order<A>) -> Result<Outcome<A>, CommandError<A::Rejection>> {
        self.writer.execute(order).await
    }

    /// Hands an order to go on with a use of a seal to the writer.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn take_step(&self, order: Order<Seal>) -> Result<Outcome<Seal>, CommandError<Rejection>> {
        let outcome = self.execute(order).await?;
        metrics::recorded(outcome.decided.as_ref());
        Ok(outcome)
    }

    /// The order to do this with a seal. Its facts belong to the application that the seal came from, if it came from one.
    pub fn order(seal: SealId, holding: Option<&Holding>, action: Action, metadata: Metadata) -> Order<Seal> {
        let application = holding.map(|holding| holding.application.to_string());
        let correlation_id = metadata.correlation_id.or(application);
        Order::new(seal, Command { seal, now: metadata.now, action }, Metadata { correlation_id, ..metadata })
    }

    /// What takes a made seal into the registry. It is linked with the seal in whose place it was made if that is one of the
    /// same organization, and in use at once if that one was: what was so is read here, before the command, and a state that
    /// changes in between is one that changed a moment later.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn registration(&self, registration: Registration) -> Result<Action, AppError> {
        let Some(predecessor) = registration.predecessor else { return Ok(Action::Register(Box::new(registration))) };
        let (state, _): (Seal, u64) = state_of(&self.database, &predecessor.to_string()).await?;
        let organization = &registration.organization.uscc;
        let entry = state.entry().filter(|entry| entry.registration.organization.uscc == *organization);
        let Some(entry) = entry else {
            tracing::warn!(%predecessor, "a seal was made in the place of one that its organization does not have");
            let registration = Box::new(Registration { predecessor: None, ..registration });
            return Ok(Action::Register(registration));
        };
        let (in_use, policy) = (entry.standing.hands_on_its_use(), entry.policy);
        Ok(Action::RegisterSuccessor { registration: Box::new(registration), in_use, policy })
    }

    /// What puts the seal `successor` in the place of another one.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn replacement(&self, successor: SealId) -> Result<Action, AppError> {
        let successor_organization = self.query.holding(successor).await?.map(|holding| holding.organization);
        Ok(Action::Replace { successor, successor_organization })
    }

    /// The state that a seal had within a time, and the one that it has now; none before it was registered. Of several within the
    /// time it is the one in which it could be used: who sealed then did it while that was so.
    ///
    /// # Errors
    /// [`AppError`].
    pub async fn states(
        &self,
        seal: SealId,
        time: &RangeInclusive<Timestamp>,
    ) -> Result<(Option<Standing>, Option<Standing>), AppError> {
        let stream = StreamId::try_new(Seal::KIND, &seal.to_string())?;
        let (mut then, mut is_over, mut state, mut version) = (None, false, Seal::default(), 0);
        let standing = |state: &Seal| state.entry().map(|entry| entry.standing);
        let usable_or_last = |then: Option<Standing>, next| if then == Some(Standing::Active) { then } else { next };
        // Page by page: a seal has events without end, and strangers add to them.
        loop {
            let page = self.log.read_stream(&stream, version).await?;
            let Some(last) = page.last().map(|stored| stored.stream_version) else { break };
            for stored in page {
                if stored.occurred_at > *time.start() && !is_over {
                    then = usable_or_last(then, standing(&state));
                    is_over = stored.occurred_at > *time.end();
                }
                state = state.evolve(&stored.fact::<Seal>()?);
            }
            version = last;
        }
        let now = standing(&state);
        Ok((if is_over { then } else { usable_or_last(then, now) }, now))
    }
}
