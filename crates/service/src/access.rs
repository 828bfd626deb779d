//! Who may call what. The rules are the option `access` beside each RPC in the proto; this layer is the one place that
//! holds them, for all routes of a process.
//!
//! An RPC without a rule is refused, and so is one that no proto of ours names. Health and reflection are public.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use eseal_proto::access::v1 as pb;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::mesh::Origin;
use crate::status::{self, generic};
use crate::token::{Grant, TokenError, TokenVerifier};
use crate::{Caller, Person, Role};

/// Services of gRPC itself that anybody may call: probes and tools need them before they have a token.
const PUBLIC: [&str; 3] =
    ["grpc.health.v1.Health/", "grpc.reflection.v1.ServerReflection/", "grpc.reflection.v1alpha.ServerReflection/"];

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

struct Access {
    rules: HashMap<String, Rule>,
    people: TokenVerifier,
}

impl AccessLayer {
    /// The layer that knows people by tokens which `people` accepts.
    ///
    /// # Errors
    /// [`RulesError`] for a mistake in the proto.
    pub fn try_new(people: TokenVerifier) -> Result<Self, RulesError> {
        let rules = rules()?.into_iter().map(|rule| (rule.rpc.clone(), rule)).collect();
        Ok(Self(Arc::new(Access { rules, people })))
    }
}

impl Access {
    /// Who is calling, if they may. `origin` is what the transport vouches for.
    fn admit(&self, path: &str, origin: &Origin, headers: &HeaderMap) -> Result<Caller, Status> {
        let rpc = path.strip_prefix('/').unwrap_or(path);
        let public = PUBLIC.iter().any(|service| rpc.starts_with(service));
        let rule = match self.rules.get(rpc) {
            Some(rule) => rule,
            None if public => return Ok(Caller::Anonymous),
            None => return Err(generic(Code::Unimplemented, &status::RPC_UNKNOWN)),
        };
        match origin {
            Origin::Service(name) => service(rule, name),
            Origin::Outside => self.person(rule, headers),
        }
    }

    fn person(&self, rule: &Rule, headers: &HeaderMap) -> Result<Caller, Status> {
        let grant = bearer(headers).map(|token| self.people.verify(token));
        match grant {
            Some(Ok(grant)) => person(rule, grant),
            // Who signs in again still sends the token that has expired.
            _ if rule.public => Ok(Caller::Anonymous),
            None => Err(generic(Code::Unauthenticated, &status::TOKEN_MISSING)),
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
    S: Service<Request<Body>, Response = Response<Body>>,
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
        let origin = request.extensions().get().cloned().unwrap_or_default();
        match self.access.admit(request.uri().path(), &origin, request.headers()) {
            Ok(caller) => {
                // Handlers know a caller by nothing else, and a token has no business behind this line.
                request.headers_mut().remove(AUTHORIZATION);
                request.extensions_mut().insert(caller);
                Box::pin(self.inner.call(request))
            }
            Err(refusal) => Box::pin(async move { Ok(refusal.into_http()) }),
        }
    }
}

#[cfg(test)]
mod tests;
