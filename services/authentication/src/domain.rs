//! The rules of 签章认证 in prose.
//!
//! **A seal** ([`seal`]) is registered when it was made, then activated; it can be suspended and resumed, and it ends
//! for ever by being revoked or replaced. *Expired* is no state: it follows from the end of the validity, and an
//! expired seal can still be revoked or replaced.
//!
//! **A policy** ([`policy`]) says what a use of a seal needs beyond its gates. People of an organization make it stricter
//! and never looser.
//!
//! **A right** ([`right`]) to use a seal has terms: from when, until when, for which documents, for how many. The person
//! whom the application names has it without limits; administrators give it to others, change it and take it away. Gate d
//! counts a document against the right; what a hosted key then did not sign is given back once the attempt is over. What a
//! card may have signed is not: nobody but its holder knows.
//!
//! **A requested use** ([`use_request`], [`seal_use`]) names documents as they are before sealing, and is approved by
//! somebody else. Where the policy asks for it, gate d lets through what was approved, and spends it in the same fact.
//!
//! **A use of a seal** ([`sealing`]) is an attempt that passes gates in this order. A gate that refuses leaves a fact,
//! [`event::Step::Refused`], and the attempt is over.
//!
//! - a: the seal is registered in this system;
//! - b: its card is connected (the client says if it is not);
//! - c: the PIN is right: the card says so, or for a hosted key the service finds it. Five wrong ones in a row, over
//!   all attempts, lock the seal's card for sealing until an administrator unlocks it. A hosted key's try is counted
//!   before it is looked at, so that guessing in parallel gains nothing. Where the policy asks for a code beside the PIN of a
//!   hosted key, the two are one secret: one try for both, and nobody is told which of them was wrong;
//! - d: card, certificate, SESeal and person are the registered ones, the seal is active and inside its validity, the
//!   certificate is good, and the card's proof answers this attempt's challenge for this document;
//! - e: the signature that came out is over what gate d let through.
//!
//! **Many documents in one act** ([`batching`]): gates a to d are passed once, for a list that is named by one digest, and
//! the PIN is asked for once; gate e is passed by each document of the list. One that is refused ends nothing. An act lasts
//! a tenth of a second longer for each document, of which it has ten thousand at most.
//!
//! An attempt lasts ten minutes, its challenge two, and a seal has at most a hundred open attempts. Only its custodian
//! can use a seal or say anything of an attempt. A stranger who tries to is refused with a fact under an attempt of
//! their own where gates a and d ask, and refused without a trace elsewhere; the custodian's attempts go on.
//!
//! **Successors** ([`succession`]): a seal that is made in the place of another one is in use as soon as it is registered,
//! if that one was (or was suspended for what a new card mends), and that one is replaced by it. An approved application
//! to end a seal revokes it. Both are facts that follow from facts; nobody does it by hand. **Warnings** ([`warning`])
//! are told ahead of the end of a seal's validity and of its certificates.
//!
//! **A copied card** ([`copies`]) is refused at gate d by its count of uses, and its seal suspended.
//!
//! **A hosted key** ([`hosted_key`]) is generated for an organization and a custodian and then certified. Each custodian of its
//! seals may have one authenticator for it ([`authenticator`]).
//! **Trust** is a set of CA certificates by purpose ([`trust_anchor`]) and revocation lists ([`crl`]).

pub mod attempt;
pub mod authenticator;
pub mod batch;
pub mod batching;
pub mod command;
pub mod copies;
mod counting;
pub mod crl;
pub mod denial;
pub mod document;
pub mod event;
pub mod hosted_key;
pub mod ids;
pub mod policy;
pub mod reason;
pub mod registration;
pub mod rejection;
pub mod right;
pub mod seal;
pub mod seal_use;
pub mod sealing;
pub mod succession;
pub mod trust_anchor;
pub mod use_request;
pub mod warning;

pub use command::Command;
pub use event::Event;
pub use rejection::Rejection;
pub use seal::Seal;

#[cfg(test)]
mod accepted_tests;
#[cfg(test)]
mod batching_tests;
#[cfg(test)]
mod code_tests;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod seal_tests;
#[cfg(test)]
mod sealing_tests;
