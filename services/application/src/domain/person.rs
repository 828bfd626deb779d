//! A person, as far as this service has a history of them: that what was known of them was erased.

use std::fmt;
use std::str::FromStr;

use eseal_kernel::{Aggregate, Claims};

/// The internal id of a person: 1 to 128 letters, digits and `-_.:|`. It stands in events, so its form leaves no
/// room for a Chinese name or a mail address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(String);

/// Why a text is not a [`PersonId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an internal id of a person: expected 1 to 128 ASCII letters, digits, '-', '_', '.', ':' or '|'")]
pub struct InvalidPersonId;

impl PersonId {
    const MAX_BYTES: usize = 128;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonId {
    type Err = InvalidPersonId;

    fn from_str(text: &str) -> Result<Self, InvalidPersonId> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:|".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX_BYTES || !text.bytes().all(fits) {
            return Err(InvalidPersonId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person whose data may have been erased, any number of times: what is entered after an erasure can be erased
/// by the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// How many times their data were erased.
    pub erasures: u32,
}

/// Erases what is known of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// Whose data.
    pub person: PersonId,
}

/// What was known of a person was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Whose data.
    pub person: PersonId,
}

/// Nothing speaks against erasing a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Never {}

impl Aggregate for Person {
    const KIND: &'static str = "person";
    type Command = Erase;
    type Event = Erased;
    type Rejection = Never;

    fn evolve(self, _event: &Erased) -> Self {
        Self { erasures: self.erasures.saturating_add(1) }
    }

    fn decide(&self, command: &Erase, _claims: &Claims) -> Result<Vec<Erased>, Never> {
        Ok(vec![Erased { person: command.person.clone() }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eseal_kernel::Scenario;

    #[test]
    fn a_name_a_mail_address_and_an_endless_text_are_no_ids() {
        for text in ["", "张三", "zhang@example.com", "zhang san", "a/b", &"x".repeat(129)] {
            assert_eq!(text.parse::<PersonId>(), Err(InvalidPersonId), "{text}");
        }
        assert!("0198c0de-0000-7000-8000-000000000001".parse::<PersonId>().is_ok());
    }

    #[test]
    fn a_person_who_was_erased_can_be_erased_again() {
        let person: PersonId = "zhang".parse().expect("an id");
        let facts =
            Scenario::<Person>::given([Erased { person: person.clone() }]).when(&Erase { person: person.clone() });
        assert_eq!(facts, Ok(vec![Erased { person }]));
    }
}
