//! 动态口令: the authenticators of a hosted key, one for each custodian of its seals. Their secrets are in no fact and no state.

use std::collections::BTreeMap;

use super::hosted_key::HostedKeyRejection;
use super::ids::{AuthenticatorId, PersonId};

/// The most persons who have one for a hosted key at a time.
pub const MAX_AUTHENTICATORS: usize = 1_000;

/// The authenticators in use, by person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authenticators(BTreeMap<PersonId, AuthenticatorId>);

/// What shall become of a person's authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthenticatorAction {
    /// Take it into use; a code of it was found right.
    Enrol(AuthenticatorId),
    /// Take the one in use out of use.
    Remove {
        /// Who asks.
        by: PersonId,
    },
}

/// What became of a person's authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticatorFact {
    /// It is in use.
    Enrolled(AuthenticatorId),
    /// It is out of use, for good.
    Removed(AuthenticatorId),
}

impl AuthenticatorAction {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Enrol(_) => "EnrolAuthenticator",
            Self::Remove { .. } => "RemoveAuthenticator",
        }
    }
}

impl Authenticators {
    pub(super) fn evolve(&mut self, person: &PersonId, fact: AuthenticatorFact) {
        match fact {
            AuthenticatorFact::Enrolled(id) => self.0.insert(person.clone(), id),
            AuthenticatorFact::Removed(_) => self.0.remove(person),
        };
    }

    pub(super) fn decide(
        &self,
        person: &PersonId,
        action: &AuthenticatorAction,
    ) -> Result<Vec<AuthenticatorFact>, HostedKeyRejection> {
        match (action, self.0.get(person)) {
            (AuthenticatorAction::Enrol(id), Some(own)) if id == own => Ok(vec![]),
            (AuthenticatorAction::Enrol(_), Some(_)) => Err(HostedKeyRejection::AuthenticatorInUse),
            (AuthenticatorAction::Enrol(_), None) if self.0.len() >= MAX_AUTHENTICATORS => {
                Err(HostedKeyRejection::TooManyAuthenticators)
            }
            (AuthenticatorAction::Enrol(id), None) => Ok(vec![AuthenticatorFact::Enrolled(*id)]),
            // Else whoever has the session of an administrator who is also a custodian has both factors.
            (AuthenticatorAction::Remove { by }, _) if by == person => Err(HostedKeyRejection::OwnAuthenticator),
            (AuthenticatorAction::Remove { .. }, None) => Err(HostedKeyRejection::AuthenticatorNotFound),
            (AuthenticatorAction::Remove { .. }, Some(id)) => Ok(vec![AuthenticatorFact::Removed(*id)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use eseal_kernel::Id;

    use super::*;

    #[test]
    fn a_person_has_one_authenticator_at_a_time() {
        let mut own = Authenticators::default();
        assert_eq!(own.decide(&person("zhou"), &enrol(1)), Ok(vec![AuthenticatorFact::Enrolled(id(1))]));
        own.evolve(&person("zhou"), AuthenticatorFact::Enrolled(id(1)));
        assert_eq!(own.decide(&person("zhou"), &enrol(1)), Ok(vec![]), "a repeat");
        assert_eq!(own.decide(&person("zhou"), &enrol(2)), Err(HostedKeyRejection::AuthenticatorInUse));
        assert_eq!(own.decide(&person("wu"), &enrol(2)), Ok(vec![AuthenticatorFact::Enrolled(id(2))]));
    }

    #[test]
    fn one_that_was_removed_makes_room_for_another() {
        let mut own = Authenticators::default();
        assert_eq!(own.decide(&person("zhou"), &remove("gao")), Err(HostedKeyRejection::AuthenticatorNotFound));
        own.evolve(&person("zhou"), AuthenticatorFact::Enrolled(id(1)));
        assert_eq!(own.decide(&person("zhou"), &remove("gao")), Ok(vec![AuthenticatorFact::Removed(id(1))]));
        own.evolve(&person("zhou"), AuthenticatorFact::Removed(id(1)));
        assert_eq!(own.decide(&person("zhou"), &enrol(2)), Ok(vec![AuthenticatorFact::Enrolled(id(2))]));
    }

    #[test]
    fn nobody_removes_their_own() {
        let mut own = Authenticators::default();
        own.evolve(&person("zhou"), AuthenticatorFact::Enrolled(id(1)));
        assert_eq!(own.decide(&person("zhou"), &remove("zhou")), Err(HostedKeyRejection::OwnAuthenticator));
    }

    #[test]
    fn a_hosted_key_has_a_bounded_number_of_them() {
        let mut own = Authenticators::default();
        for number in 0..MAX_AUTHENTICATORS {
            own.evolve(&person(&number.to_string()), AuthenticatorFact::Enrolled(id(1)));
        }
        assert_eq!(own.decide(&person("zhou"), &enrol(1)), Err(HostedKeyRejection::TooManyAuthenticators));
    }

    fn person(name: &str) -> PersonId {
        name.parse().expect("a short name")
    }

    fn id(number: u8) -> AuthenticatorId {
        AuthenticatorId(Id::from_bytes([number; 16]))
    }

    fn enrol(number: u8) -> AuthenticatorAction {
        AuthenticatorAction::Enrol(id(number))
    }

    fn remove(by: &str) -> AuthenticatorAction {
        AuthenticatorAction::Remove { by: person(by) }
    }
}
