//! Pure decisions over past facts.

use std::collections::BTreeMap;
use std::fmt;

/// A thing with a history: its state is what its events say, and a command decides what is added to them.
///
/// `evolve` is total: a stored fact is never refused. `decide` reads no clock and draws no random number; the
/// command carries time and ids. No events for a repeat, a [`Aggregate::Rejection`] for misuse.
pub trait Aggregate: Default + Clone + Send + Sync + 'static {
    /// The first part of its stream's name, such as `application`; the stream is `<KIND>-<id>`.
    const KIND: &'static str;
    /// What can be asked of it.
    type Command: fmt::Debug + Send + Sync + 'static;
    /// What can have happened to it.
    type Event: fmt::Debug + Clone + PartialEq + Send + Sync + 'static;
    /// Why a command was refused without leaving a fact.
    type Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// The state after one more fact.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;

    /// The facts that follow from `command`; none when it changes nothing. `claims` answers for the keys
    /// that [`Aggregate::looks_at`] named.
    fn decide(&self, command: &Self::Command, claims: &Claims) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The claims whose holders `decide` must know for this command.
    fn looks_at(_command: &Self::Command) -> Vec<ClaimKey> {
        Vec::new()
    }

    /// The claims that an event takes or gives back. Claims follow from events alone, so they can be rebuilt.
    fn claims_of(_event: &Self::Event) -> Vec<ClaimChange> {
        Vec::new()
    }
}

/// A key that one stream of a service can hold at a time, such as `card:8A03` or `organization:9111…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey(String);

impl ClaimKey {
    /// The key `<kind>:<value>`.
    pub fn new(kind: &str, value: impl fmt::Display) -> Self {
        Self(format!("{kind}:{value}"))
    }

    /// The key as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClaimKey {
    fn from(stored: String) -> Self {
        Self(stored)
    }
}

impl fmt::Debug for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an event does to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// From now on held by the event's stream. Taking what another stream holds is a mistake of `decide`.
    Taken(ClaimKey),
    /// Free again, if the event's stream held it.
    Released(ClaimKey),
}

/// Who holds the keys that a command looks at: the stream's name, as of the commands decided before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims(BTreeMap<ClaimKey, String>);

impl Claims {
    /// The stream that holds `key` now, if any does.
    pub fn holder(&self, key: &ClaimKey) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl FromIterator<(ClaimKey, String)> for Claims {
    fn from_iter<T: IntoIterator<Item = (ClaimKey, String)>>(holders: T) -> Self {
        Self(holders.into_iter().collect())
    }
}
