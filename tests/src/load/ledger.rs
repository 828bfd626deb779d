//! What the clients of a load were told: the side of the story that the stores are held against.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A command of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rpc {
    /// `HostedKeyService/CreateHostedKey`
    CreateHostedKey,
    /// `HostedKeyService/CertifyHostedKey`
    CertifyHostedKey,
    /// `ApplicationService/SubmitApplication`
    SubmitApplication,
    /// `ApplicationService/ReturnApplication`
    ReturnApplication,
    /// `ApplicationService/ResubmitApplication`
    ResubmitApplication,
    /// `ApplicationService/ApproveApplication`
    ApproveApplication,
    /// `RegistryService/ActivateSeal`
    ActivateSeal,
    /// `RegistryService/SuspendSeal`
    SuspendSeal,
    /// `RegistryService/ResumeSeal`
    ResumeSeal,
    /// `RegistryService/RevokeSeal`
    RevokeSeal,
    /// `SealingService/BeginSealing`
    BeginSealing,
    /// `SealingService/AuthorizeHostedSealing`
    AuthorizeHostedSealing,
    /// `SealingService/SignHosted`
    SignHosted,
    /// `SealingService/CompleteSealing`
    CompleteSealing,
}

/// A fact that a command leaves, and the field of its payload that says of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trace {
    /// The service that has it.
    pub owner: &'static str,
    /// Its kind, without the package.
    pub kind: &'static str,
    /// The field of the payload that holds the subject of the entry.
    pub field: &'static str,
}

impl Rpc {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::CreateHostedKey,
        Self::CertifyHostedKey,
        Self::SubmitApplication,
        Self::ReturnApplication,
        Self::ResubmitApplication,
        Self::ApproveApplication,
        Self::ActivateSeal,
        Self::SuspendSeal,
        Self::ResumeSeal,
        Self::RevokeSeal,
        Self::BeginSealing,
        Self::AuthorizeHostedSealing,
        Self::SignHosted,
        Self::CompleteSealing,
    ];

    /// The fact that the command leaves, once for each time that it is carried out.
    pub const fn trace(self) -> Trace {
        let (owner, kind, field) = match self {
            Self::CreateHostedKey => ("authentication", "HostedKeyCreated", "hostedKeyId"),
            Self::CertifyHostedKey => ("authentication", "HostedKeyCertified", "hostedKeyId"),
            Self::SubmitApplication => ("application", "Submitted", "applicationId"),
            Self::ReturnApplication => ("application", "Returned", "applicationId"),
            Self::ResubmitApplication => ("application", "Resubmitted", "applicationId"),
            Self::ApproveApplication => ("application", "Approved", "applicationId"),
            Self::ActivateSeal => ("authentication", "SealActivated", "sealId"),
            Self::SuspendSeal => ("authentication", "SealSuspended", "sealId"),
            Self::ResumeSeal => ("authentication", "SealResumed", "sealId"),
            Self::RevokeSeal => ("authentication", "SealRevoked", "sealId"),
            Self::BeginSealing => ("authentication", "SealingBegun", "attemptId"),
            Self::AuthorizeHostedSealing => ("authentication", "SealingAuthorized", "attemptId"),
            Self::SignHosted => ("authentication", "HostedSignatureMade", "attemptId"),
            Self::CompleteSealing => ("authentication", "SealingCompleted", "attemptId"),
        };
        Trace { owner, kind, field }
    }

    /// The fact that a gate leaves when it refuses a use for any other reason; a refusal before the gates leaves nothing.
    pub const fn refused_use(self) -> Option<Trace> {
        match self {
            Self::BeginSealing | Self::AuthorizeHostedSealing | Self::SignHosted | Self::CompleteSealing => {
                Some(Trace { owner: "authentication", kind: "SealingRefused", field: "attemptId" })
            }
            _ => None,
        }
    }

    /// The fact that a refusal for this reason must leave.
    pub fn refusal_trace(self, reason: &str) -> Option<Trace> {
        let kind = match (self, reason) {
            (Self::AuthorizeHostedSealing, "PIN_INCORRECT") => "PinRefused",
            (Self::AuthorizeHostedSealing, "SEAL_SUSPENDED") => "SealingRefused",
            _ => return None,
        };
        Some(Trace { owner: "authentication", kind, field: "attemptId" })
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was carried out: so it must be in the store, once.
    Acknowledged,
    /// It was not: nothing of it may be in the store but the refusal.
    Refused(String),
    /// Nobody said. It may be in the store, at most once.
    Open(String),
}

/// One command, however many times it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was asked.
    pub rpc: Rpc,
    /// The id of the caller.
    pub caller: &'static str,
    /// The id of the request, the same each time.
    pub request_id: String,
    /// What it was about: of an application, a key, a seal or an attempt, as [`Trace::field`] says. Empty where the id was
    /// in an answer that never came.
    pub subject: String,
    /// What came of it.
    pub verdict: Verdict,
    /// How many times it was sent.
    pub sent: u32,
}

/// Everything that the clients were told, in the order in which they were.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The commands.
    pub entries: Vec<Entry>,
}

impl Ledger {
    /// How many commands were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == Verdict::Acknowledged).count()
    }

    /// How many were sent more than once.
    pub fn repeated(&self) -> usize {
        self.entries.iter().filter(|entry| entry.sent > 1).count()
    }

    /// The commands of which nobody said what became of them.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.verdict, Verdict::Open(_)))
    }

    /// The refusals that no life brings about by itself, with how often each was given.
    pub fn unexpected_refusals(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for entry in &self.entries {
            if let Verdict::Refused(reason) = &entry.verdict
                && entry.rpc.refusal_trace(reason).is_none()
            {
                *counted.entry(format!("{:?} {reason}", entry.rpc)).or_default() += 1;
            }
        }
        counted
    }

    /// This and then the other.
    pub fn append(&mut self, mut later: Self) {
        self.entries.append(&mut later.entries);
    }
}

/// A ledger that many workers write at a time, with figures that can be looked at meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Writing {
    entries: Arc<Mutex<Vec<Entry>>>,
    figures: Arc<Figures>,
}

/// What a running load has come to.
#[derive(Debug, Default)]
pub struct Figures {
    /// Commands acknowledged.
    pub acknowledged: AtomicU64,
    /// Whole lives lived.
    pub lives: AtomicU64,
    /// Tries that had no good answer.
    pub failed_tries: AtomicU64,
}

impl Writing {
    /// The figures.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// One more command that is over.
    pub fn write(&self, entry: Entry) {
        if entry.verdict == Verdict::Acknowledged {
            self.figures.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// What was written.
    pub fn finish(self) -> Ledger {
        let entries = std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner));
        Ledger { entries }
    }
}
