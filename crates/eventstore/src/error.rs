//! What can go wrong, by type: between the store and its database, and between a caller and a command.

use std::error::Error;

use eseal_kernel::ClaimKey;
use eseal_kernel::text::InvalidText;
use sea_orm::DbErr;

/// The store could not do what it was asked. Nothing of the order that met it was recorded, except perhaps when it is
/// [`StoreError::InDoubt`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database refused a statement or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// The connection broke during the commit, so that it is open whether the order was recorded. A repeat with the same
    /// request id tells.
    #[error("the database failed during the commit: {0}")]
    InDoubt(DbErr),
    /// The database's address is of no engine that the store runs on.
    #[error("the database address is not usable: {0}")]
    Address(&'static str),
    /// The database's file could not be made.
    #[error("the database file could not be created: {0}")]
    File(String),
    /// The database lacks migrations that this program needs; `migrate` applies them.
    #[error("the database lacks these migrations, run `migrate` first: {}", .0.join(", "))]
    PendingMigrations(Vec<String>),
    /// A newer release closed the database to programs that do not know these migrations; see [`crate::contract`].
    #[error("the database belongs to a newer release, which closed it to this one by: {}", .0.join(", "))]
    NewerDatabase(Vec<String>),
    /// No role of PostgreSQL has such a name: lower-case letters, digits and `_` are allowed.
    #[error("{0:?} is no name of a role")]
    Role(String),
    /// A text is not fit to be recorded; envelopes have one field a line, so control characters are refused.
    #[error("{field} is not fit to be recorded: {why}")]
    Unfit {
        /// Which field of the order or of the event.
        field: &'static str,
        /// Why it was refused.
        why: InvalidText,
    },
    /// An event's payload is larger than the bus can carry.
    #[error("the payload of a {kind} has {actual} bytes; at most {max} are allowed")]
    PayloadTooLarge {
        /// The kind of the event.
        kind: &'static str,
        /// The most bytes allowed.
        max: usize,
        /// The bytes given.
        actual: usize,
    },
    /// A schema version that is not between 1 and 2³¹ - 1.
    #[error("{schema_version} is no schema version of a {kind}")]
    SchemaVersion {
        /// The kind of the event.
        kind: &'static str,
        /// The version given.
        schema_version: u32,
    },
    /// A projection or a caller named a table that it may not write.
    #[error("a row of the table {table} {why}")]
    Table {
        /// The table named.
        table: &'static str,
        /// The rule that it broke.
        why: &'static str,
    },
    /// `decide` took a claim that another stream holds. It should have looked, and refused.
    #[error("the claim {key:?} is held by another stream")]
    ClaimHeld {
        /// The key that was taken.
        key: ClaimKey,
    },
    /// Another writer appended to the same stream at the same time.
    #[error("another writer appended at the same time")]
    Concurrent,
    /// Two kinds of aggregates share the name of a kind.
    #[error("the stream {stream} belongs to another kind of aggregate")]
    KindShared {
        /// The stream that was asked for.
        stream: String,
    },
    /// A rebuild met a stream that none of its projectors knows.
    #[error("no projector for the streams of {kind}")]
    NoProjector {
        /// The kind of the stream.
        kind: String,
    },
    /// The aggregate's code panicked while it decided.
    #[error("the command on {stream} panicked")]
    Panicked {
        /// The stream that was asked for.
        stream: String,
    },
    /// A stored event can't be read by this program.
    #[error("the event at position {position} can't be read")]
    Unreadable {
        /// Where it lies.
        position: u64,
        /// Why.
        source: DecodeError,
    },
    /// A stored column does not hold what the store writes there: the database was changed by other hands.
    #[error("the column {column} at position {position} does not hold what the store writes there")]
    Damaged {
        /// Where the row lies; 0 for rows that have no position.
        position: u64,
        /// The column.
        column: &'static str,
    },
}

/// A stored event is of no kind and version that the codec knows, or its payload does not fit its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The codec knows no such kind, or not in this version of its schema.
    #[error("unknown kind {kind} in version {schema_version}")]
    UnknownKind {
        /// The kind as stored.
        kind: String,
        /// The version as stored.
        schema_version: u32,
    },
    /// The payload does not say what an event of this kind says.
    #[error("malformed {kind}: {why}")]
    Malformed {
        /// The kind as stored.
        kind: String,
        /// What is wrong with it.
        why: String,
    },
}

impl DecodeError {
    /// The codec knows no such kind, or not in this version.
    pub fn unknown(kind: &str, schema_version: u32) -> Self {
        Self::UnknownKind { kind: kind.to_owned(), schema_version }
    }

    /// The payload does not fit its kind.
    pub fn malformed(kind: &str, why: impl std::fmt::Display) -> Self {
        Self::Malformed { kind: kind.to_owned(), why: why.to_string() }
    }
}

/// Why a command left no fact.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError<R: Error + 'static> {
    /// The aggregate refused it. It concerns this caller alone.
    #[error(transparent)]
    Rejected(R),
    /// The request id was used before by the same caller for the same RPC, with another content.
    #[error("the request id was used before for another request")]
    RequestIdReused,
    /// The stream is not at the version that the caller expects.
    #[error("expected version {expected}, but the present version is {actual}")]
    Conflict {
        /// The version that the caller knew.
        expected: u64,
        /// The version that there is.
        actual: u64,
    },
    /// Too many orders wait already. Try again later.
    #[error("too many commands are waiting")]
    Busy,
    /// The writer takes no more orders: the service stops.
    #[error("the service is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
