//! What can have happened to a seal.

use eseal_kernel::{Digest, Timestamp};

use super::command::{Place, RevocationCause, SuspensionCause};
use super::denial::Denial;
use super::ids::{ApplicationId, AttemptId, PersonId, SealId, UseId};
use super::policy::{Policy, SecondFactor};
use super::reason::Reason;
use super::registration::Registration;
use super::right::RightFact;
use super::seal_use::Admitted;
use super::succession::CarriedOut;
use super::use_request::UseFact;
use super::warning::Warning;

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
    /// What a use needs beyond the gates was set.
    PolicySet(ApplicationId, Policy),
    /// Its validity, or one of its certificates, ends soon.
    Expiring(ApplicationId, Warning),
    /// When its certificates end, in the order of the registration, which did not say so.
    CertificatesDated(ApplicationId, Vec<Timestamp>),
    /// What this application asked for was done with it.
    CarriedOut(ApplicationId, CarriedOut),
    /// Something happened to a person's right to use it.
    Right(PersonId, RightFact),
    /// Something happened to a requested use of it.
    Use(UseId, UseFact),
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
        /// More about [`Reason::NotAuthorized`].
        detail: Option<Denial>,
        /// The person who tried.
        by: PersonId,
    },
    /// A hosted key's PIN is about to be looked at; the try counts as wrong until it is found right.
    PinTried {
        /// Tries left if it is wrong.
        tries_left: u8,
    },
    /// The PIN is right, and so is the code where the policy asks for one; all tries are back.
    PinAccepted {
        /// What the code came from; none where none is asked for.
        code: SecondFactor,
    },
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
        /// How often the card was used, where it counts; 0 where it does not.
        card_uses: u64,
        /// The document as it was before sealing; none if nothing was said of it.
        admitted: Option<Box<Admitted>>,
    },
    /// The service signed with a hosted key; it signs nothing else in this attempt but a list of the same document's files.
    HostedSigned {
        /// SHA-256 of what was signed.
        signed: Digest,
    },
    /// The service signed the list of the files of the sealed document with the hosted key; it signs no other list in this
    /// attempt.
    ListSigned {
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
    /// Gate d is passed for a list of documents, to be sealed in one act.
    BatchAuthorized {
        /// Stands for all documents and their places.
        root: Digest,
        /// How many there are.
        documents: u32,
        /// SHA-256 of the certificates whose keys shall sign.
        certificates: Vec<Digest>,
        /// When the act ends by itself.
        complete_before: Timestamp,
        /// How often the card was used, where it counts; 0 where it does not.
        card_uses: u64,
        /// The documents as they were before sealing, in the order of the list; none if nothing was said of them.
        admitted: Vec<Admitted>,
    },
    /// The service signed with a hosted key for documents of an act; it signs for none of them again.
    HostedSignaturesMade {
        /// The place of each in the list, with the SHA-256 of what was signed.
        signatures: Vec<(u32, Digest)>,
    },
    /// 签章成功, for documents of an act.
    DocumentsSealed {
        /// They.
        documents: Vec<SealedInBatch>,
    },
    /// Gate e refused documents of an act, which goes on.
    DocumentsRefused {
        /// They.
        documents: Vec<RefusedInBatch>,
    },
    /// All documents of an act are sealed, or its client has no more.
    BatchEnded {
        /// How many are sealed.
        sealed: u32,
    },
}

/// A document that was sealed in an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedInBatch {
    /// Its place in the list.
    pub index: u32,
    /// Digest that the signature covers.
    pub document_digest: Digest,
    /// SHA-256 of the signature.
    pub signature_digest: Digest,
    /// Where the impression stands.
    pub places: Vec<Place>,
}

/// A document that was refused in an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedInBatch {
    /// The place in the list that was named.
    pub index: u32,
    /// The digest that was named.
    pub document_digest: Digest,
    /// Why.
    pub reason: Reason,
}
