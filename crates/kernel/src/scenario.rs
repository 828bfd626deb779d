//! Given facts, when a command, then facts.

use crate::{Aggregate, ClaimKey, Claims};

/// A rule's test: the past of one aggregate, and who holds which claims.
///
/// ```ignore
/// let facts = Scenario::<Application>::given([submitted()]).when(&approve("li"));
/// assert_eq!(facts, Ok(vec![approved("li")]));
/// ```
#[derive(Debug, Clone)]
pub struct Scenario<A: Aggregate> {
    state: A,
    claims: Vec<(ClaimKey, String)>,
}

impl<A: Aggregate> Scenario<A> {
    /// The aggregate after `facts`.
    pub fn given(facts: impl IntoIterator<Item = A::Event>) -> Self {
        Self { state: facts.into_iter().fold(A::default(), |state, fact| state.evolve(&fact)), claims: Vec::new() }
    }

    /// And `stream` holds `key`.
    #[must_use]
    pub fn and_held(mut self, key: ClaimKey, stream: &str) -> Self {
        self.claims.push((key, stream.to_owned()));
        self
    }

    /// What `command` adds, or why it is refused. As in the store, only claims that the command looks at are seen.
    pub fn when(&self, command: &A::Command) -> Result<Vec<A::Event>, A::Rejection> {
        let looked_at = A::looks_at(command);
        let seen: Claims = self.claims.iter().filter(|(key, _)| looked_at.contains(key)).cloned().collect();
        self.state.decide(command, &seen)
    }

    /// The state that the facts lead to.
    pub fn state(&self) -> &A {
        &self.state
    }
}
