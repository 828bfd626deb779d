//! A revocation list that was taken in. The list itself is in no fact; which one counts follows from its time.

use std::convert::Infallible;

use eseal_kernel::{Aggregate, Claims, Digest, Timestamp};

/// A revocation list as its facts say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Crl {
    /// Never taken in.
    #[default]
    Absent,
    /// Taken in.
    Imported,
}

/// A revocation list whose signature was found to be that of a trusted CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// SHA-256 of the list, which names it.
    pub digest: Digest,
    /// SHA-256 of its issuer's certificate.
    pub issuer: Digest,
    /// When it was issued.
    pub this_update: Timestamp,
}

/// The order to take a list in.
#[derive(Debug, Clone, Copy)]
pub struct Import(pub List);

/// The fact that a list was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported(pub List);

impl Aggregate for Crl {
    const KIND: &'static str = "crl";
    type Command = Import;
    type Event = Imported;
    type Rejection = Infallible;

    fn evolve(self, _event: &Imported) -> Self {
        Self::Imported
    }

    fn decide(&self, command: &Import, _claims: &Claims) -> Result<Vec<Imported>, Infallible> {
        match self {
            Self::Absent => Ok(vec![Imported(command.0)]),
            Self::Imported => Ok(vec![]),
        }
    }
}

#[cfg(test)]
mod tests {
    use eseal_kernel::Scenario;

    use super::*;

    #[test]
    fn taking_a_list_in_twice_records_one_fact() {
        let list = List { digest: Digest::of(b"list"), issuer: Digest::of(b"ca"), this_update: Timestamp::UNIX_EPOCH };
        assert_eq!(Scenario::<Crl>::given([]).when(&Import(list)), Ok(vec![Imported(list)]));
        assert_eq!(Scenario::<Crl>::given([Imported(list)]).when(&Import(list)), Ok(vec![]));
    }
}
