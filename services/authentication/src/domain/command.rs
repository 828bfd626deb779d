//! What can be asked of a seal. What needs cryptography was found out before, and is carried as a finding.

use eseal_kernel::{Digest, Timestamp, Uscc};

use super::document::Original;
use super::ids::{ApplicationId, AttemptId, By, SealId, UseId};
use super::policy::{Policy, SecondFactor};
use super::reason::Reason;
use super::registration::Registration;
use super::right::RightAction;
use super::succession::Ordered;
use super::use_request::UseAction;

/// An order to one seal.
#[derive(Debug, Clone)]
pub struct Command {
    /// The seal.
    pub seal: SealId,
    /// The present moment.
    pub now: Timestamp,
    /// What shall happen.
    pub action: Action,
}

/// What shall happen.
#[derive(Debug, Clone)]
pub enum Action {
    /// Take it into the registry.
    Register(Box<Registration>),
    /// Take it into the registry in the place of another one.
    RegisterSuccessor {
        /// As it was made.
        registration: Box<Registration>,
        /// Whether it is in use at once.
        in_use: bool,
        /// What uses of its predecessor need beyond the gates: so do its own.
        policy: Policy,
    },
    /// Do with it what an approved application asked for.
    CarryOut {
        /// The application.
        application: ApplicationId,
        /// What it asked for.
        order: Ordered,
    },
    /// Forbid its use because its card is lost.
    ReportLoss {
        /// Set if a custodian reports it who speaks for nobody else: it must be theirs.
        custodian: Option<By>,
    },
    /// Put it into use.
    Activate,
    /// Forbid its use for now.
    Suspend {
        /// Why.
        cause: SuspensionCause,
        /// Set if a custodian asks and not an administrator: it must be theirs.
        custodian: Option<By>,
    },
    /// Allow its use again.
    Resume,
    /// End it.
    Revoke(RevocationCause),
    /// End it in favour of another one.
    Replace {
        /// The other one.
        successor: SealId,
        /// Its organization; none if it is not registered. Neither ever changes.
        successor_organization: Option<Uscc>,
    },
    /// Say what a use needs beyond the gates.
    SetPolicy {
        /// That.
        policy: Policy,
        /// Whether somebody of an organization asks, who can make it no looser.
        may_only_tighten: bool,
    },
    /// Give a right to use it, change it or take it away.
    Right(RightAction),
    /// Ask for a use of it, or decide about one.
    Use {
        /// The use; a new one for [`UseAction::Request`].
        id: UseId,
        /// Who asks.
        by: UseBy,
        /// What.
        action: UseAction,
    },
    /// Say that its validity has ended, if it has.
    AnnounceExpiry,
    /// Say what of it ends soon, if anything does.
    AnnounceEndings,
    /// Say when its certificates end, if its registration does not.
    DateCertificates(Vec<Timestamp>),
    /// Give all PIN tries back.
    UnlockPin,
    /// Go on with one use.
    Sealing {
        /// The attempt; a new one for [`SealingAction::Begin`].
        attempt: AttemptId,
        /// Who asks.
        by: By,
        /// The step.
        action: SealingAction,
    },
}

impl Action {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register(_) | Self::RegisterSuccessor { .. } => "Register",
            Self::CarryOut { .. } => "CarryOut",
            Self::ReportLoss { .. } => "ReportLoss",
            Self::Activate => "Activate",
            Self::Suspend { .. } => "Suspend",
            Self::Resume => "Resume",
            Self::Revoke(_) => "Revoke",
            Self::Replace { .. } => "Replace",
            Self::SetPolicy { .. } => "SetPolicy",
            Self::Right(action) => action.name(),
            Self::Use { action, .. } => action.name(),
            Self::AnnounceExpiry => "AnnounceExpiry",
            Self::AnnounceEndings => "AnnounceEndings",
            Self::DateCertificates(_) => "DateCertificates",
            Self::UnlockPin => "UnlockPin",
            Self::Sealing { action, .. } => action.name(),
        }
    }
}

/// Who asks for a use of a seal, or decides about one.
#[derive(Debug, Clone)]
pub struct UseBy {
    /// The person.
    pub by: By,
    /// Whether they may because they are a custodian of the seal, and not by their role.
    pub needs_right: bool,
}

/// A step of one use of a seal.
#[derive(Debug, Clone)]
pub enum SealingAction {
    /// Gate a.
    Begin {
        /// Fresh randomness.
        nonce: String,
        /// How many documents will be sealed in one act; 0 for one without a list.
        documents: u32,
    },
    /// Gate b failed.
    CardAbsent,
    /// Gate c: how the card answered.
    CardPin {
        /// Whether the PIN was right.
        correct: bool,
    },
    /// Gate c of a hosted key, before its PIN is looked at.
    TryPin {
        /// Whether a code came with it.
        with_code: bool,
    },
    /// Gate c of a hosted key that was tried by an earlier sending of the same request.
    AwaitPin,
    /// Gate c of a hosted key whose PIN and code were right, while others are asked what gate d needs.
    AcceptPin {
        /// Of which kind the code was.
        code: SecondFactor,
    },
    /// Gate d.
    Authorize(Box<CardUse>),
    /// Gates c and d of a hosted key, after its PIN was looked at.
    AuthorizeHosted {
        /// Whether the PIN was right.
        pin_correct: bool,
        /// The code that was right as well; none where none was asked for. What was accepted before counts instead.
        code: SecondFactor,
        /// What shall be sealed.
        subject: Box<Use>,
    },
    /// Gate e of a hosted key: the service is about to give a signature away.
    SignHosted {
        /// SHA-256 of what it signs.
        signed: Digest,
        /// What that says; none if it can't be read.
        content: Option<Signed>,
    },
    /// The service is about to give away the signature of a hosted key over the list of the files of what it sealed.
    SignList {
        /// SHA-256 of what it signs.
        signed: Digest,
    },
    /// Gate e.
    Complete {
        /// SHA-256 of the signature.
        signature_digest: Digest,
        /// What it says and by whom; none if it can't be read or its value does not hold.
        signature: Option<Signature>,
    },
    /// Gate e failed at the client.
    SigningFailed,
    /// Gate d for many documents in one act.
    AuthorizeBatch(Box<BatchCardUse>),
    /// Gates c and d of a hosted key for many documents, after its PIN was looked at.
    AuthorizeHostedBatch {
        /// Whether the PIN was right.
        pin_correct: bool,
        /// The code that was right as well; none where none was asked for.
        code: SecondFactor,
        /// What shall be sealed.
        subject: Box<BatchUse>,
    },
    /// Gate e of a hosted key for some of them: the service is about to give signatures away.
    SignHostedBatch {
        /// They.
        documents: Vec<BatchSigning>,
    },
    /// Gate e for some of them.
    CompleteBatch {
        /// They.
        documents: Vec<BatchCompletion>,
        /// Whether nothing more comes.
        last: bool,
    },
}

impl SealingAction {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "BeginSealing",
            Self::CardAbsent => "ReportCardAbsent",
            Self::CardPin { .. } => "ReportPin",
            Self::TryPin { .. } => "TryPin",
            Self::AwaitPin => "AwaitPin",
            Self::AcceptPin { .. } => "AcceptPin",
            Self::Authorize(_) => "Authorize",
            Self::AuthorizeHosted { .. } => "AuthorizeHosted",
            Self::SignHosted { .. } => "SignHosted",
            Self::SignList { .. } => "SignList",
            Self::Complete { .. } => "Complete",
            Self::SigningFailed => "ReportSigningFailed",
            Self::AuthorizeBatch(_) => "AuthorizeBatch",
            Self::AuthorizeHostedBatch { .. } => "AuthorizeHostedBatch",
            Self::SignHostedBatch { .. } => "SignHostedBatch",
            Self::CompleteBatch { .. } => "CompleteBatch",
        }
    }
}

/// What shall be sealed with which key.
#[derive(Debug, Clone)]
pub struct Use {
    /// Digest that the signature will cover.
    pub document_digest: Digest,
    /// SHA-256 of the certificate whose key will sign.
    pub certificate: Digest,
    /// Why trust refuses that certificate, if it does.
    pub certificate_fault: Option<Reason>,
    /// Where the impression will stand.
    pub places: Vec<Place>,
    /// The document as it was before sealing.
    pub original: Original,
}

/// What was read from a card, and its proof.
#[derive(Debug, Clone)]
pub struct CardUse {
    /// What shall be sealed.
    pub subject: Use,
    /// The card.
    pub card_serial: String,
    /// SHA-256 of the SESeal on it.
    pub seal_digest: Digest,
    /// What the card signed; none if it is no `eseal-challenge-v1` or the signature is not the certificate's.
    pub proof: Option<Statement>,
    /// How often the card was used, this time included; 0 where it does not count.
    pub card_uses: u64,
    /// Names a stranger's try, so that the custodian's attempt goes on.
    pub otherwise: AttemptId,
}

/// Which documents shall be sealed in one act, with which keys.
#[derive(Debug, Clone)]
pub struct BatchUse {
    /// Stands for all documents and their places.
    pub root: Digest,
    /// How many there are.
    pub documents: u32,
    /// Stands for root and number: what a proof names as the document.
    pub list: Digest,
    /// SHA-256 of each certificate whose key will sign, and why trust refuses it, if it does.
    pub certificates: Vec<(Digest, Option<Reason>)>,
    /// The documents as they were before sealing, in the order of the list; none if nothing is said of them.
    pub originals: Vec<Original>,
}

/// What was read from a card, and its proofs for a list of documents.
#[derive(Debug, Clone)]
pub struct BatchCardUse {
    /// What shall be sealed; as many certificates as proofs.
    pub subject: BatchUse,
    /// The card.
    pub card_serial: String,
    /// SHA-256 of the SESeal on it.
    pub seal_digest: Digest,
    /// What each key of the card signed; none if it is no `eseal-challenge-v1` or the signature is not the certificate's.
    pub proofs: Vec<Option<Statement>>,
    /// How often the card was used, this time included; 0 where it does not count.
    pub card_uses: u64,
    /// Names a stranger's try, so that the custodian's attempt goes on.
    pub otherwise: AttemptId,
}

/// A document of an act that a hosted key shall sign for.
#[derive(Debug, Clone)]
pub struct BatchSigning {
    /// Its place in the list.
    pub index: u32,
    /// Whether it stands there, with these places.
    pub is_listed: bool,
    /// Digest that the signature will cover.
    pub document_digest: Digest,
    /// SHA-256 of the certificate whose key shall sign.
    pub certificate: Digest,
    /// SHA-256 of what is to be signed.
    pub signed: Digest,
    /// What that says; none if it can't be read.
    pub content: Option<Signed>,
}

/// A document of an act with its signature.
#[derive(Debug, Clone)]
pub struct BatchCompletion {
    /// Its place in the list.
    pub index: u32,
    /// Whether it stands there, with these places.
    pub is_listed: bool,
    /// Digest that the signature covers.
    pub document_digest: Digest,
    /// Where the impression stands.
    pub places: Vec<Place>,
    /// SHA-256 of the signature.
    pub signature_digest: Digest,
    /// What it says and by whom; none if there is none, it can't be read or its value does not hold.
    pub signature: Option<Signature>,
}

/// What an `eseal-challenge-v1` statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whom it is for.
    pub audience: String,
    /// What it is for.
    pub purpose: String,
    /// The attempt.
    pub attempt_id: String,
    /// The seal.
    pub seal_id: String,
    /// The document.
    pub document_digest: Option<Digest>,
    /// The attempt's nonce.
    pub nonce: String,
    /// Its last moment.
    pub expires_at: Timestamp,
}

/// What a structure to be signed, or signed, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Digest that it covers.
    pub document_digest: Digest,
    /// SHA-256 of the SESeal inside, where the structure carries one (OFD).
    pub seal_digest: Option<Digest>,
    /// The time of sealing inside, where it carries one.
    pub time: Option<Timestamp>,
}

/// A signature whose value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What it says.
    pub content: Signed,
    /// SHA-256 of the signer's certificate.
    pub certificate: Digest,
}

/// Where an impression stands on a page, in micrometres from the page's upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Page number, from 1.
    pub page: u32,
    /// Left edge.
    pub x: i64,
    /// Upper edge.
    pub y: i64,
    /// Width.
    pub width: i64,
    /// Height.
    pub height: i64,
}

macro_rules! causes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The one with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|cause| cause.code() == code)
            }
        }
    };
}

pub(super) use causes;

causes! {
    /// Why a seal was suspended.
    SuspensionCause {
        /// Its card was lost.
        CardLost = "CARD_LOST",
        /// Somebody else may have its key or PIN.
        KeyCompromised = "KEY_COMPROMISED",
        /// Its owner wants it.
        OrganizationOrder = "ORGANIZATION_ORDER",
        /// Anything else.
        Other = "OTHER",
    }
}

causes! {
    /// Why a seal was revoked.
    RevocationCause {
        /// Its card was lost.
        CardLost = "CARD_LOST",
        /// Somebody else may have its key or PIN.
        KeyCompromised = "KEY_COMPROMISED",
        /// Its owner is no more.
        OrganizationDissolved = "ORGANIZATION_DISSOLVED",
        /// Its owner has another name.
        OrganizationRenamed = "ORGANIZATION_RENAMED",
        /// Nobody needs it.
        NoLongerUsed = "NO_LONGER_USED",
        /// Anything else.
        Other = "OTHER",
    }
}
