//! 托管密钥: two key pairs that the service keeps for a custodian. The keys are in no fact and no state.

use eseal_kernel::{Aggregate, Claims, Digest, Uscc};

use super::authenticator::{AuthenticatorAction, AuthenticatorFact, Authenticators};
use super::ids::{By, HostedKeyId, PersonId};

/// A hosted key as its facts say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HostedKey {
    /// Never created.
    #[default]
    Absent,
    /// Generated; usable once it is certified.
    Created {
        /// Whose it is.
        owner: Owner,
        /// SHA-256 of its certificates, the SM2 one first; none until it is certified.
        certificates: Vec<Digest>,
        /// The authenticators of its seals' custodians.
        authenticators: Authenticators,
    },
}

/// Whose a hosted key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The organization that its certificates must name.
    pub uscc: Uscc,
    /// The person who has the PIN.
    pub custodian: PersonId,
}

impl Owner {
    /// Whether this person is the custodian, and not of another organization by now.
    pub fn is(&self, by: &By) -> bool {
        by.person == self.custodian && by.organization.as_ref().is_none_or(|own| *own == self.uscc)
    }
}

/// An order to one hosted key.
#[derive(Debug, Clone)]
pub struct HostedKeyCommand {
    /// The key.
    pub key: HostedKeyId,
    /// What shall happen.
    pub action: HostedKeyAction,
}

/// What shall happen.
#[derive(Debug, Clone)]
pub enum HostedKeyAction {
    /// Note that it was generated.
    Create(Owner),
    /// Take in its certificates, which were found to be for its keys and of its organization.
    Certify {
        /// SHA-256 of each, the SM2 one first.
        certificates: Vec<Digest>,
        /// Set if a custodian asks and not an administrator: it must be theirs.
        custodian: Option<By>,
    },
    /// Do this with the authenticator of a person, who was found to be a custodian of one of its seals where that matters.
    Authenticator(PersonId, AuthenticatorAction),
}

impl HostedKeyAction {
    /// What it is called in spans and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateHostedKey",
            Self::Certify { .. } => "CertifyHostedKey",
            Self::Authenticator(_, action) => action.name(),
        }
    }
}

/// A fact about one hosted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedKeyEvent {
    /// The key.
    pub key: HostedKeyId,
    /// What happened.
    pub fact: HostedKeyFact,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostedKeyFact {
    /// Its key pairs were generated.
    Created(Owner),
    /// They were certified: SHA-256 of each certificate, the SM2 one first.
    Certified(Vec<Digest>),
    /// Something became of the authenticator of this person.
    Authenticator(PersonId, AuthenticatorFact),
}

/// Misuse of a hosted key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostedKeyRejection {
    /// There is no such key.
    #[error("the hosted key does not exist")]
    NotFound,
    /// Created before, for another owner.
    #[error("the hosted key belongs to another owner")]
    CreatedOtherwise,
    /// The person is not its custodian.
    #[error("only the hosted key's custodian may do this")]
    NotCustodian,
    /// The person has another authenticator for it.
    #[error("the person has an authenticator for the hosted key already")]
    AuthenticatorInUse,
    /// The person has none.
    #[error("the person has no authenticator for the hosted key")]
    AuthenticatorNotFound,
    /// Who removes it is whose it is.
    #[error("nobody removes their own authenticator")]
    OwnAuthenticator,
    /// As many persons have one as may have.
    #[error("the hosted key has too many authenticators")]
    TooManyAuthenticators,
}

impl Aggregate for HostedKey {
    const KIND: &'static str = "hosted_key";
    type Command = HostedKeyCommand;
    type Event = HostedKeyEvent;
    type Rejection = HostedKeyRejection;

    fn evolve(mut self, event: &HostedKeyEvent) -> Self {
        match (&event.fact, &mut self) {
            (HostedKeyFact::Created(owner), _) => {
                let authenticators = Authenticators::default();
                self = Self::Created { owner: owner.clone(), certificates: vec![], authenticators };
            }
            (HostedKeyFact::Certified(new), Self::Created { certificates, .. }) => certificates.clone_from(new),
            (HostedKeyFact::Authenticator(person, fact), Self::Created { authenticators, .. }) => {
                authenticators.evolve(person, *fact);
            }
            (HostedKeyFact::Certified(_) | HostedKeyFact::Authenticator(..), Self::Absent) => {}
        }
        self
    }

    fn decide(&self, command: &HostedKeyCommand, _claims: &Claims) -> Result<Vec<HostedKeyEvent>, HostedKeyRejection> {
        let facts = match &command.action {
            HostedKeyAction::Create(owner) => self.create(owner),
            HostedKeyAction::Certify { certificates, custodian } => self.certify(certificates, custodian.as_ref()),
            HostedKeyAction::Authenticator(person, action) => self.change_authenticator(person, action),
        }?;
        Ok(facts.into_iter().map(|fact| HostedKeyEvent { key: command.key, fact }).collect())
    }
}

impl HostedKey {
    fn create(&self, owner: &Owner) -> Result<Vec<HostedKeyFact>, HostedKeyRejection> {
        match self {
            Self::Absent => Ok(vec![HostedKeyFact::Created(owner.clone())]),
            Self::Created { owner: earlier, .. } if earlier == owner => Ok(vec![]),
            Self::Created { .. } => Err(HostedKeyRejection::CreatedOtherwise),
        }
    }

    fn certify(
        &self,
        certificates: &[Digest],
        custodian: Option<&By>,
    ) -> Result<Vec<HostedKeyFact>, HostedKeyRejection> {
        match self {
            Self::Absent => Err(HostedKeyRejection::NotFound),
            Self::Created { owner, .. } if custodian.is_some_and(|by| !owner.is(by)) => {
                Err(HostedKeyRejection::NotCustodian)
            }
            Self::Created { certificates: earlier, .. } if earlier == certificates => Ok(vec![]),
            // Renewed certificates replace the earlier ones. A seal that names the earlier ones must be made again.
            Self::Created { .. } => Ok(vec![HostedKeyFact::Certified(certificates.to_vec())]),
        }
    }

    fn change_authenticator(
        &self,
        person: &PersonId,
        action: &AuthenticatorAction,
    ) -> Result<Vec<HostedKeyFact>, HostedKeyRejection> {
        let Self::Created { authenticators, .. } = self else { return Err(HostedKeyRejection::NotFound) };
        let facts = authenticators.decide(person, action)?;
        Ok(facts.into_iter().map(|fact| HostedKeyFact::Authenticator(person.clone(), fact)).collect())
    }
}

#[cfg(test)]
mod tests {
    use eseal_kernel::{Id, Scenario};

    use super::*;

    #[test]
    fn a_generated_key_is_noted_once() {
        let facts = Scenario::<HostedKey>::given([]).when(&create("zhou"));
        assert_eq!(facts, Ok(vec![created("zhou")]));
        assert_eq!(Scenario::<HostedKey>::given([created("zhou")]).when(&create("zhou")), Ok(vec![]));
    }

    #[test]
    fn a_key_never_changes_its_owner() {
        let again = Scenario::<HostedKey>::given([created("zhou")]).when(&create("wu"));
        assert_eq!(again, Err(HostedKeyRejection::CreatedOtherwise));
    }

    #[test]
    fn a_key_that_was_never_created_is_not_certified() {
        assert_eq!(Scenario::<HostedKey>::given([]).when(&certify(1, None)), Err(HostedKeyRejection::NotFound));
    }

    #[test]
    fn certifying_twice_records_one_fact() {
        let facts = Scenario::<HostedKey>::given([created("zhou")]).when(&certify(1, Some("zhou")));
        assert_eq!(facts, Ok(vec![certified(1)]));
        let again = Scenario::<HostedKey>::given([created("zhou"), certified(1)]).when(&certify(1, Some("zhou")));
        assert_eq!(again, Ok(vec![]));
    }

    #[test]
    fn renewed_certificates_replace_the_earlier_ones() {
        let facts = Scenario::<HostedKey>::given([created("zhou"), certified(1)]).when(&certify(2, None));
        assert_eq!(facts, Ok(vec![certified(2)]));
    }

    #[test]
    fn another_custodian_can_not_certify_it() {
        let facts = Scenario::<HostedKey>::given([created("zhou")]).when(&certify(1, Some("wu")));
        assert_eq!(facts, Err(HostedKeyRejection::NotCustodian));
    }

    fn key() -> HostedKeyId {
        HostedKeyId(Id::from_bytes([1; 16]))
    }

    fn owner(custodian: &str) -> Owner {
        let uscc = "91350100M000100Y43".parse().expect("a good code");
        Owner { uscc, custodian: custodian.parse().expect("a short name") }
    }

    fn create(custodian: &str) -> HostedKeyCommand {
        HostedKeyCommand { key: key(), action: HostedKeyAction::Create(owner(custodian)) }
    }

    fn certify(certificate: u8, custodian: Option<&str>) -> HostedKeyCommand {
        let custodian = custodian.map(|name| By { person: name.parse().expect("a short name"), organization: None });
        let certificates = vec![Digest::of(&[certificate])];
        HostedKeyCommand { key: key(), action: HostedKeyAction::Certify { certificates, custodian } }
    }

    fn created(custodian: &str) -> HostedKeyEvent {
        HostedKeyEvent { key: key(), fact: HostedKeyFact::Created(owner(custodian)) }
    }

    fn certified(certificate: u8) -> HostedKeyEvent {
        HostedKeyEvent { key: key(), fact: HostedKeyFact::Certified(vec![Digest::of(&[certificate])]) }
    }
}
