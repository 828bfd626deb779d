//! PDF documents (ISO 32000): pages, sealing, verification.
//!
//! - [`prepare`] and [`Prepared::finish`]: sealing by an incremental update, with a [`UsableSeal`]
//! - [`Prepared::complete`], [`add_validation_data`], [`prepare_time_stamp`]: PAdES B-T, B-LT, B-LTA
//! - [`verify`]: every seal and signature, and what happened to the document after each
//! - [`pages`]: the sizes of the pages; [`find_text`]: where a keyword stands on them
//!
//! **How a seal is bound.** The signature dictionary names the SESeal (GB/T 38540) by the key `ESEAL.SESeal`: a reference
//! to a stream of type `ESEAL.SESeal` whose data are its DER. Both lie inside the signed byte ranges, and the signer's
//! certificate must be in the SESeal's list. Other software sees an ordinary `ETSI.CAdES.detached` signature.
//! In the Chinese form, `GM.sm2seal`, the value of the signature is a SES_Signature, which has the SESeal inside.
//!
//! **How it is written.** `signing` makes the value, `draft` the update that holds it: `field` says into which field it goes,
//! `widgets` and `appearance` what is seen of it, `catalog` what the document says of itself, and `update` puts it behind the
//! document, encrypted where the document is (`crypt`).
//!
//! **How it is read.** `parse` and `xref` give raw facts, `view` is the document in one of its states: present, or as it
//! was when a signature was made. On it stand `page` and `form`; `signature` says which bytes one covers; `changes`
//! compares two states. Everything is bounded by [`crate::Limits`] and total: any bytes give a report or an error.

mod annotation_changes;
mod appearance;
mod catalog;
mod changes;
mod cipher;
mod collections;
mod compact;
mod completed;
mod content;
mod crypt;
mod digest;
mod draft;
mod drawn;
mod dss;
mod field;
mod field_looks;
mod field_places;
mod filter;
mod form;
mod form_changes;
mod lexical;
mod looks;
mod lost;
mod lzw;
mod metadata;
mod object;
mod outline;
mod packed;
mod page;
mod pairing;
mod parse;
mod password;
mod permission;
mod picture;
mod plain_rsa;
mod programs;
mod reach;
mod recover;
mod request;
mod same;
mod sealing;
mod section;
mod seed;
mod signature;
mod signed;
mod signing;
mod stamping;
mod stream;
mod structure;
mod text;
mod time;
mod time_stamp;
mod update;
mod usable;
mod validation;
mod value;
mod veil;
mod verify;
mod view;
mod widgets;
mod write;
mod xref;

use std::sync::Arc;

pub use crate::token::time_stamp_room;
pub use completed::Completed;
pub use field_places::field_places;
pub use request::{Permitted, SealForm, SealingOptions, SealingRequest};
pub use sealing::{Prepared, Sealed, prepare, prepare_reading};
pub use stamping::{PreparedTimeStamp, prepare_time_stamp};
pub use text::{find_text, find_text_with};
pub use usable::UsableSeal;
pub use validation::{ValidationData, add_validation_data};
pub use verify::{pages, pages_with, verify, verify_with};
pub(crate) use verify::{seals_with, verify_knowing};

/// The bytes of a document: read into memory or mapped from a file.
pub type Source = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The entry of a signature dictionary that names the electronic seal, and the type of that stream.
const SEAL_KEY: &str = "ESEAL.SESeal";
