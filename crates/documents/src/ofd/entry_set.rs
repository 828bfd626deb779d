//! Sets of entries: one bit each, for a package may have many entries and many signatures that cover them.

/// A set of indexes of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntrySet {
    words: Vec<u64>,
}

impl EntrySet {
    /// Adds an entry; says whether it is new.
    pub fn insert(&mut self, index: usize) -> bool {
        let (word, bit) = (index / 64, 1 << (index % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    /// Whether the entry is in it.
    pub fn contains(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Adds everything that is in `other`.
    pub fn union(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// What of it is not in `other`.
    pub fn without(&self, other: &Self) -> Self {
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        Self { words: self.words.iter().zip(others).map(|(word, other)| word & !other).collect() }
    }

    /// What of it is in `other` too.
    pub fn intersection(&self, other: &Self) -> Self {
        Self { words: self.words.iter().zip(&other.words).map(|(word, other)| word & other).collect() }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The entries in the order of the package.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let in_word = |(at, word): (usize, &u64)| {
            let word = *word;
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| at * 64 + bit)
        };
        self.words.iter().enumerate().filter(|(_, word)| **word != 0).flat_map(in_word)
    }
}

impl Extend<usize> for EntrySet {
    fn extend<T: IntoIterator<Item = usize>>(&mut self, entries: T) {
        for index in entries {
            self.insert(index);
        }
    }
}

impl FromIterator<usize> for EntrySet {
    fn from_iter<T: IntoIterator<Item = usize>>(entries: T) -> Self {
        let mut set = Self::default();
        set.extend(entries);
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_does_what_a_set_does(
            a in prop::collection::btree_set(0_usize..300, 0..40),
            b in prop::collection::btree_set(0_usize..300, 0..40),
        ) {
            let set = |entries: &BTreeSet<usize>| entries.iter().copied().collect::<EntrySet>();
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(x.iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!(x.len(), a.len());
            prop_assert_eq!(x.is_empty(), a.is_empty());
            prop_assert!((0..300).all(|index| x.contains(index) == a.contains(&index)));
            prop_assert!(x.without(&y).iter().eq(a.difference(&b).copied()));
            prop_assert!(x.intersection(&y).iter().eq(a.intersection(&b).copied()));
            let mut both = x.clone();
            both.union(&y);
            prop_assert!(both.iter().eq(a.union(&b).copied()));
            let mut again = x;
            prop_assert!((0..300).all(|index| again.insert(index) != a.contains(&index)));
        }
    }
}
