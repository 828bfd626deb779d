//! Many documents in one act: what the state of an attempt holds of them, which is little, however many they are.

use std::sync::Arc;
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};

use super::seal_use::Spent;

/// The most documents of an act.
pub const MAX_DOCUMENTS: u32 = 10_000;
/// What an act may last for each of its documents, beside what every attempt may. Bounded by [`MAX_DOCUMENTS`].
const EACH: Duration = Duration::from_millis(100);
/// For how much longer its challenge can be answered for each of them: they are digested first.
const EACH_BEFORE: Duration = Duration::from_millis(45);

/// For how much longer an act over so many documents lasts than an attempt for one.
pub fn further_lifetime(documents: u32) -> Duration {
    EACH * documents.min(MAX_DOCUMENTS)
}

/// For how much longer its challenge can be answered. Ends before an attempt does that is not authorized.
pub fn further_challenge_lifetime(documents: u32) -> Duration {
    EACH_BEFORE * documents.min(MAX_DOCUMENTS)
}

/// A list of documents that gate d let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Stands for all documents and their places.
    pub root: Digest,
    /// How many there are.
    pub documents: u32,
    /// SHA-256 of the certificates whose keys shall sign.
    pub certificates: Vec<Digest>,
    /// The last moment.
    pub complete_before: Timestamp,
    /// For which of them the service signed with a hosted key.
    pub signed: Marks,
    /// Which of them are sealed.
    pub sealed: Marks,
    /// The approved uses that were spent for them, one for each, in their order; none where the policy asks for nothing.
    pub spent: Arc<[Spent]>,
}

impl Batch {
    pub(super) fn new(
        root: Digest,
        documents: u32,
        certificates: Vec<Digest>,
        complete_before: Timestamp,
        spent: Vec<Spent>,
    ) -> Self {
        let (signed, sealed, spent) = (Marks::default(), Marks::default(), spent.into());
        Self { root, documents, certificates, complete_before, signed, sealed, spent }
    }

    /// For how many documents the service did not sign, and what was spent for those.
    pub(super) fn not_signed(&self) -> (u32, Vec<Spent>) {
        let unsigned = (0..).zip(self.spent.iter()).filter(|(index, _)| !self.signed.has(*index));
        (self.documents.saturating_sub(self.signed.count()), unsigned.map(|(_, spent)| *spent).collect())
    }
}

/// Which documents of a list something was done with: a bit for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Vec<u64>);

impl Marks {
    /// Whether it was done with this one.
    pub fn has(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// With how many it was done.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|bits| bits.count_ones()).sum()
    }

    /// It was done with these. What no list can have is passed over.
    pub(super) fn mark(&mut self, indexes: impl IntoIterator<Item = u32>) {
        for index in indexes.into_iter().filter(|index| *index < MAX_DOCUMENTS) {
            let (word, bit) = place(index);
            if self.0.len() <= word {
                self.0.resize(word + 1, 0);
            }
            if let Some(bits) = self.0.get_mut(word) {
                *bits |= bit;
            }
        }
    }
}

const fn place(index: u32) -> (usize, u64) {
    ((index / u64::BITS) as usize, 1 << (index % u64::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::{CHALLENGE_LIFETIME, LIFETIME};

    #[test]
    fn a_mark_is_where_it_was_made_and_nowhere_else() {
        let mut marks = Marks::default();
        marks.mark([0, 63, 64, 9_999, 0]);
        let found: Vec<_> = (0..MAX_DOCUMENTS).filter(|index| marks.has(*index)).collect();
        assert_eq!((found, marks.count()), (vec![0, 63, 64, 9_999], 4));
    }

    #[test]
    fn marks_of_any_list_stay_small() {
        let mut marks = Marks::default();
        marks.mark([u32::MAX, MAX_DOCUMENTS]);
        assert_eq!(marks, Marks::default());
        marks.mark(0..MAX_DOCUMENTS);
        assert_eq!((marks.count(), marks.0.len()), (MAX_DOCUMENTS, 157));
    }

    #[test]
    fn the_longest_challenge_ends_before_an_attempt_that_is_not_authorized() {
        assert!(CHALLENGE_LIFETIME + further_challenge_lifetime(u32::MAX) < LIFETIME);
    }
}
