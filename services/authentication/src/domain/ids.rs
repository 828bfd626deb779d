//! Names of seals, attempts, keys and people.

use std::fmt;
use std::str::FromStr;

use eseal_kernel::ids::InvalidId;
use eseal_kernel::text::InvalidText;
use eseal_kernel::{Digest, Id, Text, Uscc};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Id);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// A seal; the esID of its SESeal.
    SealId
}
id! {
    /// One use of a seal.
    AttemptId
}
id! {
    /// The application that a seal came from.
    ApplicationId
}
id! {
    /// The key pairs of one custodian.
    HostedKeyId
}
id! {
    /// A requested use of a seal.
    UseId
}
id! {
    /// An authenticator of a custodian.
    AuthenticatorId
}

impl SealId {
    /// The id of a seal that somebody names, whatever they name. A name that is no id of ours becomes one that no
    /// registered seal has: facts then say nothing of the name, which may be a person's.
    pub fn named(name: &str) -> Self {
        name.parse().unwrap_or_else(|_| Self(Id::derived(&Digest::of(name.as_bytes()))))
    }
}

/// A person by internal id, as tokens name them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(Text<128>);

impl PersonId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PersonId {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Text::try_new(text).map(Self)
    }
}

/// Who asks: a person, and the organization that their token binds them to, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The person.
    pub person: PersonId,
    /// Their organization; a person of the system itself has none.
    pub organization: Option<Uscc>,
}
