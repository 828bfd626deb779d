//! A command on its way to the writer, and what comes back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eseal_kernel::{Digest, Id, Timestamp};

use crate::names::fit;
use crate::{Metadata, Row, StoreError, Stored};

/// The most bytes of an answer that is kept under a request key.
const ANSWER_MAX: usize = 1 << 20;

/// How the answer that is kept under a request key is made from what was decided.
type Answering<A> = Box<dyn Fn(&Decided<A>) -> Vec<u8> + Send + Sync>;

/// One command for one aggregate, and what else belongs in its transaction.
#[must_use = "an order does nothing until Writer::execute takes it"]
pub struct Order<A: Stored> {
    pub(crate) id: String,
    pub(crate) command: A::Command,
    pub(crate) meta: Metadata,
    pub(crate) request: Option<RequestKey>,
    pub(crate) expected: Option<u64>,
    pub(crate) delivery: Option<Delivery>,
    pub(crate) rows: Vec<Row>,
    pub(crate) answering: Option<Answering<A>>,
}

impl<A: Stored> Order<A> {
    /// The order to decide `command` on the aggregate `id`.
    pub fn new(id: impl fmt::Display, command: A::Command, meta: Metadata) -> Self {
        Self {
            id: id.to_string(),
            command,
            meta,
            request: None,
            expected: None,
            delivery: None,
            rows: Vec::new(),
            answering: None,
        }
    }

    /// Makes a repeat get the first answer: see [`RequestKey`].
    pub fn request(mut self, key: RequestKey) -> Self {
        self.request = Some(key);
        self
    }

    /// Refuses with a conflict unless the stream is at this version (a client's etag). A repeat gets its first
    /// answer all the same.
    pub const fn expecting(mut self, version: u64) -> Self {
        self.expected = Some(version);
        self
    }

    /// The command is the reaction to this delivery: it is settled in the same transaction, and only once.
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(delivery);
        self
    }

    /// Rows that no event can give back (persons, contents): written in the same transaction, and only if the command
    /// recorded something. Their tables are none of [`Stored::TABLES`].
    pub fn with_rows(mut self, rows: Vec<Row>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// The encoded answer that is kept under the request key; without this it is empty. At most 1 MiB, and free of
    /// personal data.
    pub fn answering(mut self, answer: impl Fn(&Decided<A>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.answering = Some(Box::new(answer));
        self
    }

    /// Refuses what could not be recorded, before anything waits for it.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.meta.check()?;
        if let Some(key) = &self.request {
            fit("the caller of the request", &key.caller)?;
            fit("the RPC of the request", &key.rpc)?;
            fit("the request id", &key.request_id)?;
        }
        for row in &self.rows {
            if A::TABLES.contains(&row.table) {
                return Err(StoreError::Table { table: row.table, why: "would not come back after a rebuild" });
            }
            row.check()?;
        }
        Ok(())
    }

    /// The answer to keep for these facts.
    pub(crate) fn answer(&self, decided: &Decided<A>) -> Result<Vec<u8>, StoreError> {
        let answer = self.answering.as_ref().map(|answering| answering(decided)).unwrap_or_default();
        if answer.len() > ANSWER_MAX {
            return Err(StoreError::PayloadTooLarge { kind: "answer", max: ANSWER_MAX, actual: answer.len() });
        }
        Ok(answer)
    }
}

impl<A: Stored> fmt::Debug for Order<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A command may carry what must not be logged; its aggregate names it well enough.
        f.debug_struct("Order").field("kind", &A::KIND).field("id", &self.id).finish_non_exhaustive()
    }
}

/// What makes two requests the same (AIP-155): caller, RPC and the request id that the caller chose.
///
/// The same key with the same content gets the first answer again; with another content it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// Who called: an internal id.
    pub caller: String,
    /// Which RPC, such as `eseal.application.v1.ApplicationService/Approve`.
    pub rpc: String,
    /// What the caller chose to name this request.
    pub request_id: String,
    /// SHA-256 of the request message, not of the command, which carries fresh times and ids.
    pub content: Digest,
}

/// One event on its way to one consumer. Made by the bus; a reaction passes it on in its [`Order`].
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Who receives it, such as `fabrication`.
    pub consumer: String,
    /// Whose event it is, such as `application`.
    pub owner: String,
    /// Its position in the owner's order.
    pub position: u64,
    /// Its id.
    pub event_id: Id,
    settled: Arc<AtomicBool>,
}

impl Delivery {
    /// The event `event_id` at `position` of `owner`, for `consumer`.
    pub fn new(consumer: &str, owner: &str, position: u64, event_id: Id) -> Self {
        let settled = Arc::new(AtomicBool::new(false));
        Self { consumer: consumer.to_owned(), owner: owner.to_owned(), position, event_id, settled }
    }

    /// Whether a transaction that settles it was committed since it was made. Copies share the answer.
    pub fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }
}

/// What a command led to.
#[derive(Debug, Clone)]
pub struct Decided<A: Stored> {
    /// The facts recorded; none when the command changed nothing.
    pub events: Vec<A::Event>,
    /// The aggregate after them.
    pub state: A,
    /// The stream's version after them: the client's next etag.
    pub version: u64,
    /// When: the time of the order.
    pub recorded_at: Timestamp,
}

/// The answer to an order.
#[derive(Debug, Clone)]
pub struct Outcome<A: Stored> {
    /// What is kept under the request key: for a repeat, the first answer.
    pub answer: Vec<u8>,
    /// Whether the request or the delivery was settled before.
    pub repeated: bool,
    /// What was decided; nothing for a repeat.
    pub decided: Option<Decided<A>>,
}
