//! The life of a seal, folded from the events of all services: for auditors.
//!
//! Everything here is a function of events as `ReadEvents` gives them. Nothing is read, asked or trusted besides: no
//! table of a service, no clock. Events are read twice, so that memory holds what belongs to the asked seal and one entry
//! for each stream, however long the histories are:
//!
//! 1. a [`Survey`] reads everything: it checks hashes, chains and positions, and learns which applications, seals and keys
//!    belong together
//! 2. a [`Life`] keeps what belongs to the asked one, brings it into order, and tells it line by line, or as the
//!    [`Standing`] at a moment
//!
//! - [`check`]: whether events are what they were
//! - [`survey`]: the first reading
//! - [`life`], [`order`]: the second reading; causes come before effects
//! - [`standing`]: what was so at a moment
//! - [`fact`]: what an event says, typed; kinds of a newer release are told as unknown
//! - [`line`], [`words`]: an event for people, in Chinese and English, and as JSON
//! - [`json_line`]: events out of the lines of `eseal events read --output`

pub mod check;
pub mod fact;
pub mod json_line;
pub mod life;
pub mod line;
pub mod order;
pub mod standing;
pub mod survey;
pub mod words;

#[cfg(test)]
mod testing;

pub use check::{Check, Misfit, Wrong};
pub use fact::Fact;
pub use life::Life;
pub use line::Line;
pub use standing::{Moment, Standing};
pub use survey::{Scope, Subject, Survey};
pub use words::Language;
