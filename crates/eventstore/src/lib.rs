//! Facts in a database: load, the writer, read, inbox, dead letters.

mod bulk;
mod database;
mod dead_letters;
mod error;
mod event;
mod log;
mod migration;
mod names;
mod order;
mod progress;
mod rebuild;
mod stored;
mod chain;
mod load;
mod writer;

pub use chain::{ChainError, verify_chain, verify_log};
pub use database::{Database, DatabaseConfig};
pub use dead_letters::{DeadLetter, DeadLetterCount, DeadLetters};
pub use error::{CommandError, DecodeError, StoreError};
pub use event::StoredEvent;
pub use load::state_of;
pub use log::Log;
pub use migration::{Migrations, migrate, migrations, refuse_if_pending};
pub use names::{Actor, Metadata, StreamId};
pub use order::{Decided, Delivery, Order, Outcome, RequestKey};
pub use progress::Progress;
pub use rebuild::{Projector, rebuild};
pub use stored::{Encoded, Recorded, Row, Stored};
pub use writer::{Writer, WriterSettings};
