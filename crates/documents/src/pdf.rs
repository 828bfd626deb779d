//! PDF documents (ISO 32000): pages, sealing, verification.
//!
//! - [`prepare`] and [`Prepared::finish`]: sealing by an incremental update
//! - [`verify`]: every seal and signature, and what happened to the document after each
//! - [`pages`]: the sizes of the pages
//!
//! **How a seal is bound.** The signature dictionary names the SESeal (GB/T 38540) by the key `ESEAL.SESeal`: a reference
//! to a stream of type `ESEAL.SESeal` whose data are its DER. Both lie inside the signed byte ranges, and the signer's
//! certificate must be in the SESeal's list. Other software sees an ordinary `ETSI.CAdES.detached` signature.
//!
//! **How it is read.** `parse` and `xref` give raw facts, `view` is the document in one of its states: present, or as it
//! was when a signature was made. On it stand `page` and `form`; `signature` says which bytes one covers; `changes`
//! compares two states. Everything is bounded by [`crate::Limits`] and total: any bytes give a report or an error.

mod annotation_changes;
mod appearance;
mod changes;
mod crypt;
mod digest;
mod draft;
mod dss;
mod filter;
mod form;
mod form_changes;
mod lexical;
mod lost;
mod lzw;
mod metadata;
mod object;
mod packed;
mod page;
mod pairing;
mod parse;
mod permission;
mod plain_rsa;
mod recover;
mod same;
mod sealing;
mod section;
mod signature;
mod signed;
mod stream;
mod structure;
mod time;
mod time_stamp;
mod update;
mod value;
mod verify;
mod view;
mod write;
mod xref;

use std::sync::Arc;

pub use sealing::{Prepared, Sealed, SealingRequest, prepare};
pub use verify::{pages, verify};

/// The bytes of a document: read into memory or mapped from a file.
pub type Source = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The entry of a signature dictionary that names the electronic seal, and the type of that stream.
const SEAL_KEY: &str = "ESEAL.SESeal";
