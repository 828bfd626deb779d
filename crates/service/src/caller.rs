//! Who is calling, as handlers see it. Only the access layer puts a [`Caller`] into a request.

use std::fmt;
use std::str::FromStr;

use eseal_eventstore::{Actor, Metadata};
use eseal_kernel::{Timestamp, Uscc};
use eseal_proto::access::v1 as pb;
use tonic::{Code, Request, Status};

use crate::status::{self, generic};
use crate::trace;

/// What a person may do (`domain.md`); a token names one or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 经办人: files applications for an organization.
    Applicant,
    /// 审批人: approves or returns applications.
    Reviewer,
    /// 制章人: makes seals.
    Maker,
    /// 保管人: uses seals.
    Custodian,
    /// 审计: reads every history, changes nothing.
    Auditor,
    /// Runs the system.
    Admin,
    /// Another system that subscribes to events.
    Integrator,
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such role: expected one of applicant, reviewer, maker, custodian, auditor, admin, integrator")]
pub struct UnknownRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] =
        [Self::Applicant, Self::Reviewer, Self::Maker, Self::Custodian, Self::Auditor, Self::Admin, Self::Integrator];

    /// The role in tokens, events and configuration, such as `reviewer`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applicant => "applicant",
            Self::Reviewer => "reviewer",
            Self::Maker => "maker",
            Self::Custodian => "custodian",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Integrator => "integrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

impl From<Role> for pb::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Applicant => Self::Applicant,
            Role::Reviewer => Self::Reviewer,
            Role::Maker => Self::Maker,
            Role::Custodian => Self::Custodian,
            Role::Auditor => Self::Auditor,
            Role::Admin => Self::Admin,
            Role::Integrator => Self::Integrator,
        }
    }
}

impl TryFrom<pb::Role> for Role {
    type Error = UnknownRole;

    fn try_from(role: pb::Role) -> Result<Self, UnknownRole> {
        match role {
            pb::Role::Unspecified => Err(UnknownRole),
            pb::Role::Applicant => Ok(Self::Applicant),
            pb::Role::Reviewer => Ok(Self::Reviewer),
            pb::Role::Maker => Ok(Self::Maker),
            pb::Role::Custodian => Ok(Self::Custodian),
            pb::Role::Auditor => Ok(Self::Auditor),
            pb::Role::Admin => Ok(Self::Admin),
            pb::Role::Integrator => Ok(Self::Integrator),
        }
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Caller {
    /// A person with a verified token.
    Person(Person),
    /// A service of eseal, by name, as the transport vouches for.
    Service(String),
    /// Anybody: only where an RPC is public.
    #[default]
    Anonymous,
}

/// A person with a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Internal id: never a name.
    pub id: String,
    /// All roles that the token names.
    pub roles: Vec<Role>,
    /// The role that lets this person call this RPC: the first that the RPC's rule lists.
    pub acting_as: Role,
    /// The organization that the person is bound to and sees nothing beyond. None for reviewers, makers and others
    /// who work for the system.
    pub organization: Option<Uscc>,
}

impl Caller {
    /// Who sent the request.
    pub fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// The person, where only people make sense.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for anybody, `PERMISSION_DENIED` for a service.
    pub fn person(&self) -> Result<&Person, Status> {
        match self {
            Self::Person(person) => Ok(person),
            Self::Service(_) => Err(generic(Code::PermissionDenied, &status::CALLER_NOT_ALLOWED)),
            Self::Anonymous => Err(generic(Code::Unauthenticated, &status::TOKEN_MISSING)),
        }
    }

    /// The internal id: of the person, or the service's name; `anonymous` for anybody.
    pub fn id(&self) -> &str {
        match self {
            Self::Person(person) => &person.id,
            Self::Service(name) => name,
            Self::Anonymous => "anonymous",
        }
    }

    /// Who the events of this call name: the person in the role acted in, or the service in the role `service`.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Person(person) => Actor::new(&person.id, person.acting_as.name()),
            Self::Service(name) => Actor::new(name, "service"),
            Self::Anonymous => Actor::new("anonymous", "anonymous"),
        }
    }

    /// The caller in request keys: a person and a service never share one.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Person(person) => format!("person:{}", person.id),
            Self::Service(name) => format!("service:{name}"),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// What surrounds the command that the request asks for.
    pub fn metadata<T>(&self, now: Timestamp, request: &Request<T>) -> Metadata {
        let mut metadata = Metadata::new(now, self.actor());
        metadata.traceparent = trace::of(request);
        metadata
    }

    /// Whether this caller may see what belongs to `organization`: services and people who are bound to none may,
    /// others only their own.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` with `OTHER_ORGANIZATION`; the same whether the thing exists or not, if the handler asks
    /// before it answers `NOT_FOUND`.
    pub fn may_see(&self, organization: &Uscc) -> Result<(), Status> {
        match self {
            Self::Person(person) => person.may_see(organization),
            Self::Service(_) => Ok(()),
            Self::Anonymous => self.person().map(drop),
        }
    }

    /// Whether this caller may see and change what is of all organizations, or of none: trust, maker cards, histories.
    /// People who are bound to one may not.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` with `OTHER_ORGANIZATION`.
    pub fn may_see_all(&self) -> Result<(), Status> {
        match self {
            Self::Person(Person { organization: Some(_), .. }) => {
                Err(generic(Code::PermissionDenied, &status::OTHER_ORGANIZATION))
            }
            Self::Person(_) | Self::Service(_) => Ok(()),
            Self::Anonymous => self.person().map(drop),
        }
    }

    /// The one organization that lists must be narrowed to; none for callers who see all.
    pub const fn bound_to(&self) -> Option<&Uscc> {
        match self {
            Self::Person(person) => person.organization.as_ref(),
            Self::Service(_) | Self::Anonymous => None,
        }
    }
}

impl Person {
    /// See [`Caller::may_see`].
    ///
    /// # Errors
    /// `PERMISSION_DENIED` with `OTHER_ORGANIZATION`.
    pub fn may_see(&self, organization: &Uscc) -> Result<(), Status> {
        match &self.organization {
            Some(own) if own != organization => Err(generic(Code::PermissionDenied, &status::OTHER_ORGANIZATION)),
            _ => Ok(()),
        }
    }

    /// Whether the token names this role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uscc(code: &str) -> Uscc {
        code.parse().expect("a code")
    }

    fn person(organization: Option<Uscc>) -> Caller {
        let roles = vec![Role::Applicant, Role::Custodian];
        Caller::Person(Person { id: "p1".to_owned(), roles, acting_as: Role::Custodian, organization })
    }

    #[test]
    fn people_of_an_organization_see_their_own_only() {
        let (own, other) = (uscc("91110000600037341L"), uscc("91350100M000100Y43"));
        let bound = person(Some(own.clone()));
        assert!(bound.may_see(&own).is_ok());
        assert_eq!(bound.may_see(&other).map_err(|status| status.code()), Err(Code::PermissionDenied));
        assert_eq!(bound.may_see_all().map_err(|status| status.code()), Err(Code::PermissionDenied));
        assert_eq!(bound.bound_to(), Some(&own));
    }

    #[test]
    fn people_who_are_bound_to_none_and_services_see_all() {
        let other = uscc("91350100M000100Y43");
        for caller in [person(None), Caller::Service("fabrication".to_owned())] {
            assert!(caller.may_see(&other).is_ok() && caller.may_see_all().is_ok() && caller.bound_to().is_none());
        }
    }

    #[test]
    fn anybody_sees_nothing() {
        let refused = Caller::Anonymous.may_see(&uscc("91350100M000100Y43"));
        assert_eq!(refused.map_err(|status| status.code()), Err(Code::Unauthenticated));
        assert_eq!(Caller::Anonymous.may_see_all().map_err(|status| status.code()), Err(Code::Unauthenticated));
    }

    #[test]
    fn events_name_the_role_acted_in() {
        assert_eq!(person(None).actor(), Actor::new("p1", "custodian"));
        assert_eq!(Caller::Service("fabrication".to_owned()).actor(), Actor::new("fabrication", "service"));
    }

    #[test]
    fn a_person_of_a_services_name_does_not_share_its_request_keys() {
        let mut named = person(None);
        if let Caller::Person(person) = &mut named {
            person.id = "fabrication".to_owned();
        }
        assert_ne!(named.key(), Caller::Service("fabrication".to_owned()).key());
    }

    #[test]
    fn every_role_is_read_back_from_its_name_and_its_number() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(Role::try_from(pb::Role::from(role)), Ok(role));
        }
        assert_eq!(
            ("root".parse::<Role>(), Role::try_from(pb::Role::Unspecified)),
            (Err(UnknownRole), Err(UnknownRole))
        );
    }
}
