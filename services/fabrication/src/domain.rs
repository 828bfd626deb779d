//! The rules of fabrication (印章制作).
//!
//! An approved application waits until a run makes its seal. A run passes the gates in order: (a) a maker card of
//! this system proves its key, (b) the seal card holds certificates, (c) they are good and their keys are
//! proved, (d) neither the card nor a certificate is in use by another seal, (e) the seal is signed, stored, and the
//! same when read back. The first gate that fails ends the run, and that refusal is a fact like any other: it is
//! recorded, and then told. A `Rejection` is for misuse of the API alone and records nothing.
//!
//! A maker card counts as long as its claim is held: so a withdrawal between two steps of a run is seen by the next
//! step in the very transaction that takes it.

pub mod claims;
pub mod command;
pub mod event;
pub mod fabrication;
pub mod gate;
pub mod maker_card;
pub mod order;
pub mod rejection;
pub mod run;

pub use fabrication::Fabrication;
pub use maker_card::MakerCard;
