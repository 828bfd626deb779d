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
