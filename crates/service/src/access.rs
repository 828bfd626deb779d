//! Who may call what. The rules are the option `access` beside each RPC in the proto; this layer is the one place that
//! holds them, for all routes of a process.
//!
//! An RPC without a rule is refused, and so is one that no proto of ours names. Health and reflection are public. Between
//! processes a list of certificates comes first: see [`AccessLayer::allowing`].

mod allow;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use eseal_proto::access::v1 as pb;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::connections::PeerCertificate;
use crate::mesh::Origin;
use crate::status::{self, generic, generic_for_now};
use crate::token::{Grant, TokenError, TokenVerifier};
use crate::{Caller, Person, Role};

pub use allow::{Allow, AllowError};

/// Services of gRPC itself that need no token: probes and tools call them before they have one.
const PUBLIC: [&str; 3] =
    ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// The callers of one RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Such as `eseal.application.v1.ApplicationService/SubmitApplication`.
    pub rpc: String,
    /// People with one of these roles.
    pub roles: Vec<Role>,
    /// Services of eseal, by name.
    pub services: Vec<String>,
    /// Anybody, with or without a token.
    pub public: bool,
}

/// Why the rules can't be read: a mistake in the proto.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The compiled proto can't be read, or has no option `access`.
    #[error("the compiled proto can't be read: {0}")]
    Descriptor(String),
    /// The rule of this RPC names no role that there is.
    #[error("the access rule of {0} names an unknown role")]
    Role(String),
}

/// Every RPC of the proto with its rule, in the order of the files: for the layer, the documentation and the matrix
/// of tests.
///
/// # Errors
/// [`RulesError`] for a mistake in the proto.
pub fn rules() -> Result<Vec<Rule>, RulesError> {
    let broken = |error: &dyn std::fmt::Display| RulesError::Descriptor(error.to_string());
    let pool = DescriptorPool::decode(eseal_proto::FILE_DESCRIPTOR_SET).map_err(|error| broken(&error))?;
    let option = pool.get_extension_by_name("eseal.access.v1.access").ok_or_else(|| broken(&"no option `access`"))?;
    let rule = |method: MethodDescriptor| {
        let rpc = format!("{}/{}", method.parent_service().full_name(), method.name());
        let options = method.options();
        let value = options.get_extension(&option);
        let message = value.as_message().ok_or_else(|| broken(&"the option `access` is no message"))?;
        let access: pb::Access = message.transcode_to().map_err(|error| broken(&error))?;
        let roles: Result<Vec<Role>, _> = access.roles().map(Role::try_from).collect();
        let roles = roles.map_err(|_| RulesError::Role(rpc.clone()))?;
        Ok(Rule { rpc, roles, services: access.services, public: access.public })
    };
    let services: Vec<_> = pool.services().collect();
    services.iter().flat_map(|service| service.methods()).map(rule).collect()
}

/// Decides for every request who is calling and whether they may, and puts the [`Caller`] into it.
#[derive(Clone)]
pub struct AccessLayer(Arc<Access>);

#[derive(Clone)]
struct Access {
    rules: HashMap<String, Rule>,
    /// Every service that a rule names: whoever has its certificate acts as it, and as nobody else.
    services: BTreeSet<String>,
    people: TokenVerifier,
    allow: Option<Allow>,
}

impl AccessLayer {
    /// The layer that knows people by tokens which `people` accepts.
    ///
    /// # Errors
    /// [`RulesError`] for a mistake in the proto.
    pub fn try_new(people: TokenVerifier) -> Result<Self, RulesError> {
        let rules = rules()?;
        let services = rules.iter().flat_map(|rule| rule.services.iter().cloned()).collect();
        let rules = rules.into_iter().map(|rule| (rule.rpc.clone(), rule)).collect();
        Ok(Self(Arc::new(Access { rules, services, people, allow: None })))
    }

    /// The same between processes: only these certificates are let in, each to its gRPC services. A certificate of a
    /// service that the rules name acts as that service; any other one is a door, whose callers are people with tokens.
    #[must_use]
    pub fn allowing(self, allow: Allow) -> Self {
        Self(Arc::new(Access { allow: Some(allow), ..Arc::unwrap_or_clone(self.0) }))
    }
}

impl Access {
    /// What the transport vouches for.
    fn origin(&self, request: &Request<Body>) -> Origin {
        let (link, certificate) = (request.extensions().get::<Origin>(), request.extensions().get::<PeerCertificate>());
        match (link, certificate) {
            (Some(origin), _) => origin.clone(),
            (None, Some(certificate)) => allow::origin_of(&certificate.names, &self.services),
            (None, None) => Origin::Outside,
        }
    }

    /// Who is calling, if they may. `origin` is what the transport vouches for.
    async fn admit(&self, path: &str, origin: &Origin, headers: &HeaderMap) -> Result<Caller, Status> {
        let rpc = path.strip_prefix('/').unwrap_or(path);
        let public = PUBLIC.iter().any(|service| rpc.strip_prefix(service).is_some_and(|rest| rest.starts_with('/')));
        let rule = self.rules.get(rpc);
        if rule.is_none() && !public {
            return Err(generic(Code::Unimplemented, &status::RPC_UNKNOWN));
        }
        if self.allow.as_ref().is_some_and(|allow| !allow.lets_in(rpc, origin)) {
            tracing::warn!(rpc, caller = ?origin, "this certificate may not call this");
            return Err(generic(Code::PermissionDenied, &status::CALLER_NOT_ALLOWED));
        }
        match (rule, origin) {
            (None, _) => Ok(Caller::Anonymous),
            (Some(rule), Origin::Service(name)) => service(rule, name),
            (Some(rule), Origin::Door(_) | Origin::Outside) => self.person(rule, headers).await,
        }
    }

    async fn person(&self, rule: &Rule, headers: &HeaderMap) -> Result<Caller, Status> {
        let grant = match bearer(headers) {
            Some(token) => Some(self.people.verify(token).await),
            None => None,
        };
        match grant {
            Some(Ok(grant)) => person(rule, grant),
            // Who signs in again still sends the token that has expired.
            _ if rule.public => Ok(Caller::Anonymous),
            None => Err(generic(Code::Unauthenticated, &status::TOKEN_MISSING)),
            Some(Err(TokenError::KeysUnavailable)) => {
                Err(generic_for_now(Code::Unavailable, &status::ISSUER_UNAVAILABLE, Duration::from_secs(5)))
            }
            Some(Err(error)) => {
                tracing::info!(%error, "token refused");
                let expired = error == TokenError::Expired;
                let reason = if expired { &status::TOKEN_EXPIRED } else { &status::TOKEN_INVALID };
                Err(generic(Code::Unauthenticated, reason))
            }
        }
    }
}

fn service(rule: &Rule, name: &str) -> Result<Caller, Status> {
    if rule.public || rule.services.iter().any(|allowed| allowed == name) {
        Ok(Caller::Service(name.to_owned()))
    } else {
        Err(generic(Code::PermissionDenied, &status::CALLER_NOT_ALLOWED))
    }
}

fn person(rule: &Rule, grant: Grant) -> Result<Caller, Status> {
    let Grant { person_id, roles, organization } = grant;
    let acting_as = rule.roles.iter().find(|role| roles.contains(role)).copied();
    match acting_as {
        Some(acting_as) => Ok(Caller::Person(Person { id: person_id, roles, acting_as, organization })),
        None if rule.public => Ok(Caller::Anonymous),
        None if rule.roles.is_empty() => Err(generic(Code::PermissionDenied, &status::CALLER_NOT_ALLOWED)),
        None => Err(generic(Code::PermissionDenied, &status::ROLE_MISSING)),
    }
}

/// The one bearer token of the request (RFC 6750 §2.1). Two headers are as good as none: nobody may choose which one
/// is looked at.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl<S> Layer<S> for AccessLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, access: self.0.clone() }
    }
}

/// See [`AccessLayer`].
#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let access = self.access.clone();
        // The clone that was asked whether it is ready is the one that is called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let origin = access.origin(&request);
            match access.admit(request.uri().path(), &origin, request.headers()).await {
                Ok(caller) => {
                    // Handlers know a caller by nothing else, and a token has no business behind this line.
                    request.headers_mut().remove(AUTHORIZATION);
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(refusal) => Ok(refusal.into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests;
