//! The rules of applying for a seal (印章申请). Pure: no clock, no randomness, no I/O, no wire format.
//!
//! An applicant (经办人) files an application for an organization; it is under review from then on. Reviewers
//! (审批人) approve it, step by step where several approvals are asked for, or return it with a reason. A reviewer
//! is never the applicant, and each step is another person's. A returned application may be revised (its
//! organization and kind stay what they were) and filed again; its approvals start anew then. Until the last
//! approval its applicant may withdraw it; after it, as long as no seal is made, its applicant, a reviewer or an admin may
//! cancel it.
//!
//! An approved application never changes again; what became of it is noted beside it: refusals of fabrication, the
//! seal that was made, that seal's state. Notes come from two services, so a seal's state may be heard of before
//! the news that the seal was made.
//!
//! An application to renew, replace or change a seal, or to end it, is about an existing seal of the same organization that
//! has not ended. Until it is withdrawn, cancelled or carried out nobody files another one of its kind for that seal. Its approval
//! is the order: fabrication makes the successor, and the registry ends the existing seal when the successor is
//! registered, or at once where it shall be revoked; nobody does it by hand.
//!
//! - [`application`]: the aggregate, one stream each; [`outcome`]: what became of an approved one; [`cancellation`]: its end
//! - [`particulars`]: what is asked for; [`existing`]: the seal that it is about
//! - [`person`]: who is named in it, and the erasing of a person
//! - [`command`], [`event`], [`rejection`]: what may be asked, what happened, why not

pub mod application;
pub mod cancellation;
pub mod command;
pub mod event;
#[cfg(test)]
mod example;
pub mod existing;
pub mod outcome;
pub mod particulars;
pub mod person;
pub mod rejection;

pub use application::{Application, Filed};
pub use command::Command;
pub use event::Event;
pub use outcome::Outcome;
pub use particulars::Particulars;
pub use person::PersonId;
pub use rejection::Rejection;
