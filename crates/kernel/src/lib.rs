//! Words that all services share: ids, codes, time, aggregates.
//!
//! Nothing in here does I/O, reads a clock by itself (see [`Clock`]) or knows a wire format.
//!
//! - [`time`]: [`Timestamp`] in microseconds, and the [`Clock`] it is read from
//! - [`ids`]: [`Id`], the UUIDv7 that names aggregates, events and people
//! - [`uscc`]: [`Uscc`], the code of an organization with its check character
//! - [`digest`]: [`Digest`], 32 bytes that name a content
//! - [`merkle`]: a list of contents under one digest, and the proof that one is in it
//! - [`envelope`]: [`Envelope`], the text that an event's hash is taken over
//! - [`text`]: bounded text without control characters
//! - [`aggregate`]: [`Aggregate`], a pure decision over past facts, and the claims it makes
//! - [`scenario`]: given facts, when a command, then facts: how rules are tested

pub mod aggregate;
pub mod digest;
pub mod envelope;
pub mod ids;
pub mod merkle;
pub mod scenario;
pub mod text;
pub mod time;
pub mod uscc;

pub use aggregate::{Aggregate, ClaimChange, ClaimKey, Claims};
pub use digest::Digest;
pub use envelope::Envelope;
pub use ids::Id;
pub use scenario::Scenario;
pub use text::Text;
pub use time::{Clock, Timestamp};
pub use uscc::Uscc;
