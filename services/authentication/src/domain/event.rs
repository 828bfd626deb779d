//! What can have happened to a seal.

use eseal_kernel::{Digest, Timestamp};

use super::command::{Place, RevocationCause, SuspensionCause};
use super::ids::{ApplicationId, AttemptId, PersonId, SealId};
use super::reason::Reason;
use super::registration::Registration;

/// A fact about one seal.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The seal. One that was never registered has facts too: the uses of it that were refused.
    pub seal: SealId,
    /// What happened.
    pub fact: Fact,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It was taken into the registry.
    Registered(Box<Registration>),
    /// It may be used.
    Activated(ApplicationId),
    /// It may not be used for now.
    Suspended(ApplicationId, SuspensionCause),
    /// It may be used again.
    Resumed(ApplicationId),
    /// It has ended.
    Revoked(ApplicationId, RevocationCause),
    /// It has ended, and this seal takes its place.
    Replaced(ApplicationId, SealId),
    /// Its validity has ended.
    Expired(ApplicationId),
    /// An administrator gave all tries back.
    PinUnlocked,
    /// A step of one use.
    Sealing(AttemptId, Step),
}

/// A step of one use of a seal.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Gate a is passed.
    Begun {
        /// The custodian.
        by: PersonId,
        /// What the card's proof must carry.
        nonce: String,
        /// Until when it can.
        challenge_expires_at: Timestamp,
        /// When it began: the time to write into the document.
        sealing_time: Timestamp,
    },
    /// A gate refused; the attempt is over.
    Refused {
        /// Why.
        reason: Reason,
        /// The person who tried.
        by: PersonId,
    },
    /// A hosted key's PIN is about to be looked at; the try counts as wrong until it is found right.
    PinTried {
        /// Tries left if it is wrong.
        tries_left: u8,
    },
    /// The PIN is right; all tries are back.
    PinAccepted,
    /// The PIN is wrong; the attempt goes on.
    PinRefused {
        /// Tries left.
        tries_left: u8,
    },
    /// The last try was wrong.
    PinLocked,
    /// Gate d is passed.
    Authorized {
        /// Digest that the signature shall cover.
        document_digest: Digest,
        /// SHA-256 of the certificate whose key shall sign.
        certificate: Digest,
        /// Where the impression shall stand.
        places: Vec<Place>,
        /// When the attempt ends by itself.
        complete_before: Timestamp,
    },
    /// The service signed with a hosted key; it signs nothing else in this attempt.
    HostedSigned {
        /// SHA-256 of what was signed.
        signed: Digest,
    },
    /// 签章成功.
    Completed {
        /// Digest that the signature covers.
        document_digest: Digest,
        /// SHA-256 of the signature.
        signature_digest: Digest,
    },
}
