//! Facts in a database: load, the writer, read, inbox, dead letters.
//!
//! A service keeps its aggregates as streams of events in a database of its own, SQLite or PostgreSQL. The events are the
//! truth: every read table can be thrown away and folded again from them ([`rebuild`]), and the stored event, byte for
//! byte, is what is published. This crate knows no domain, no wire and no bus.
//!
//! # The way of a command
//!
//! ```text
//! Order ──► Writer::execute ──► queue ──► one transaction for all that wait ──► one commit ──► Outcome
//!                                         1  lock head
//!                                         2  look up deliveries, requests, claims, streams: in bulk
//!                                         3  Aggregate::decide each, in memory; the later see the earlier
//!                                         4  write events, read-table rows, claims, answers, inbox: in bulk
//! ```
//!
//! - An [`Order`] is one command for one aggregate, with what belongs to it: the [`RequestKey`] that makes a repeat get the
//!   first answer, the version that the caller expects, the [`Delivery`] that it reacts to.
//! - [`Stored`] is what a service says about an aggregate: how its events become bytes and rows. It is pure.
//! - The [`Writer`] is one task per service. Its rate is not the disk's sync rate but nearly the database's insert rate,
//!   because it commits for everybody who waits. What that takes is told in `writer.rs`.
//! - [`Log`] reads: pages, a stream, or a tail that goes on for ever. [`state_of`] folds one aggregate.
//!
//! # What always holds
//!
//! - **Positions are dense, and commit order is position order.** The position comes from a row that the transaction
//!   locks (`head`), never from a sequence. So a reader at a position misses nothing, and a hole means a deletion.
//! - **A caller is answered after the commit**, and reads its own writes.
//! - **No commit after an error.** A transaction that met one is rolled back, and its orders go one by one.
//! - **A fact is never changed.** Triggers refuse it, and a chain of hashes ([`verify_chain`]) tells when somebody with the
//!   rights of the database's owner did it all the same. The format of the hash is in `docs/event-envelope.md`.
//! - **Several replicas may write.** The lock on `head` makes them take turns; what one keeps in memory is compared with
//!   `head` before it is used.
//! - **A delivery has its effect once** ([`Progress`], [`DeadLetters`]): the inbox row, the effect and the cursor are one
//!   transaction.
//!
//! # The rooms
//!
//! | file | what is in it |
//! |---|---|
//! | `stored.rs`, `order.rs`, `names.rs` | what a service hands in |
//! | `event.rs`, `chain.rs`, `trace.rs`, `received.rs` | the stored event, its envelope and its hash, its trace; the same from elsewhere |
//! | `writer.rs`, `writer/` | the writer, from the queue to the commit |
//! | `metrics.rs` | what is counted |
//! | `load.rs`, `log.rs`, `rebuild.rs` | from rows back to events, states and tables |
//! | `progress.rs`, `dead_letters.rs` | what a consumer has settled, and what it could not |
//! | `lease.rs` | work that one replica does at a time |
//! | `database.rs`, `database/`, `migration.rs`, `grant.rs`, `bulk.rs` | the engines, and the only places that tell them apart |

mod bulk;
mod chain;
mod database;
mod dead_letters;
mod error;
mod event;
mod grant;
mod lease;
mod load;
mod log;
pub mod metrics;
mod migration;
mod names;
mod order;
mod progress;
mod rebuild;
mod received;
mod stored;
pub mod trace;
mod writer;

pub use chain::{ChainError, verify_chain, verify_log};
pub use database::{Bounded, Database, DatabaseConfig, Pool, Reader, Transaction};
pub use dead_letters::{DeadLetter, DeadLetterCount, DeadLetters};
pub use error::{CommandError, DecodeError, StoreError};
pub use event::StoredEvent;
pub use grant::grant;
pub use lease::Lease;
pub use load::state_of;
pub use log::Log;
pub use migration::{Migrations, contract, migrate, migrations, refuse_if_pending};
pub use names::{Actor, Metadata, StreamId};
pub use order::{Decided, Delivery, Order, Outcome, RequestKey};
pub use progress::Progress;
pub use rebuild::{Projector, rebuild, rebuild_telling};
pub use received::{EventParts, ReceivedError};
pub use stored::{Encoded, Recorded, Row, Stored};
pub use writer::{Writer, WriterSettings};
