//! The rules of verification (文档验证) that need a memory: only failures are recorded, each once, and for ever.
//!
//! What makes a document fail is no rule of this service: `eseal_documents` finds and judges it.

pub mod failure;

pub use failure::{Event, FailedItem, Failure, Item, Record, Rejection};
