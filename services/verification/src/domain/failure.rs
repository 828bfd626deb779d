//! One failed verification of one document.

use eseal_kernel::{Aggregate, Claims, Digest, Id};

/// A failed verification, once it is recorded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing is recorded yet.
    #[default]
    Absent,
    /// Recorded; it never changes.
    Recorded {
        /// SHA-256 of the document.
        document: Digest,
        /// What failed.
        items: Vec<FailedItem>,
    },
}

/// An item of a seal that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedItem {
    /// Which seal of the document, from 1.
    pub seal: u32,
    /// Which item of it.
    pub item: Item,
    /// Why: a code such as `CONTENT_ALTERED`.
    pub reason: String,
}

/// The three items of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Whether the signer is trusted.
    Signer,
    /// Whether the content is what was sealed.
    Content,
    /// Whether the seal is genuine.
    Impression,
}

/// Records a failed verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id to be.
    pub failure: Id,
    /// SHA-256 of the document.
    pub document: Digest,
    /// What failed; something did.
    pub items: Vec<FailedItem>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A document did not verify.
    VerificationFailed {
        /// Which failure.
        failure: Id,
        /// SHA-256 of the document.
        document: Digest,
        /// What failed.
        items: Vec<FailedItem>,
    },
}

/// Why a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Only failures are recorded.
    #[error("nothing failed, so there is nothing to record")]
    NothingFailed,
    /// Its id is taken by another one.
    #[error("there is another failure with this id")]
    AlreadyExists,
}

impl Aggregate for Failure {
    const KIND: &'static str = "failure";
    type Command = Record;
    type Event = Event;
    type Rejection = Rejection;

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::VerificationFailed { document, items, .. } => {
                Self::Recorded { document: *document, items: items.clone() }
            }
        }
    }

    fn decide(&self, command: &Record, _claims: &Claims) -> Result<Vec<Event>, Rejection> {
        let Record { failure, document, items } = command.clone();
        match self {
            _ if items.is_empty() => Err(Rejection::NothingFailed),
            Self::Absent => Ok(vec![Event::VerificationFailed { failure, document, items }]),
            Self::Recorded { document: recorded, items: before } if *recorded == document && *before == items => {
                Ok(Vec::new())
            }
            Self::Recorded { .. } => Err(Rejection::AlreadyExists),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eseal_kernel::Scenario;

    #[test]
    fn a_failure_is_recorded_once() {
        assert_eq!(Scenario::<Failure>::given([]).when(&record(b"a")), Ok(vec![failed(b"a")]));
        assert_eq!(Scenario::<Failure>::given([failed(b"a")]).when(&record(b"a")), Ok(vec![]));
    }

    #[test]
    fn the_id_of_a_failure_is_not_taken_twice() {
        assert_eq!(Scenario::<Failure>::given([failed(b"a")]).when(&record(b"b")), Err(Rejection::AlreadyExists));
    }

    #[test]
    fn a_verification_in_which_nothing_failed_is_not_recorded() {
        let nothing = Record { items: Vec::new(), ..record(b"a") };
        assert_eq!(Scenario::<Failure>::given([]).when(&nothing), Err(Rejection::NothingFailed));
        assert_eq!(Scenario::<Failure>::given([failed(b"a")]).when(&nothing), Err(Rejection::NothingFailed));
    }

    fn id() -> Id {
        "0198c0de-0000-7000-8000-000000000001".parse().expect("an id")
    }

    fn items() -> Vec<FailedItem> {
        vec![FailedItem { seal: 1, item: Item::Content, reason: "CONTENT_ALTERED".to_owned() }]
    }

    fn record(document: &[u8]) -> Record {
        Record { failure: id(), document: Digest::of(document), items: items() }
    }

    fn failed(document: &[u8]) -> Event {
        Event::VerificationFailed { failure: id(), document: Digest::of(document), items: items() }
    }
}
