//! The built-in issuer over gRPC. An enterprise brings its own OIDC issuer instead.

use std::time::Duration;

use eseal_proto::access::v1 as access;
use eseal_proto::identity::v1::identity_service_server::{IdentityService, IdentityServiceServer};
use eseal_proto::identity::v1::{SignInRequest, SignInResponse};
use eseal_service::status::{self, field_violation, generic_for_now, internal, refused, refused_for_now};
use eseal_service::token::{Issued, TokenIssuer};
use eseal_service::{Language, Reason};
use tonic::{Code, Request, Response, Status};

use crate::password::Password;
use crate::sign_in::{NotIn, SignIn};

/// The name is unknown or the password wrong: which of the two is not told.
pub const SIGN_IN_REFUSED: Reason =
    Reason::new("SIGN_IN_REFUSED", "用户名或密码不正确", "The name or the password is wrong");
/// Too many wrong tries for this name: `RetryInfo` tells how long to wait.
pub const SIGN_IN_DELAYED: Reason =
    Reason::new("SIGN_IN_DELAYED", "密码错误次数过多,请稍后再试", "Too many wrong passwords: try again later");

/// The reasons of this service.
pub const REASONS: &[Reason] = &[SIGN_IN_REFUSED, SIGN_IN_DELAYED];

/// Signs people in.
pub struct Identity {
    sign_in: SignIn,
    issuer: TokenIssuer,
}

impl Identity {
    /// The gRPC service.
    pub fn service(sign_in: SignIn, issuer: TokenIssuer) -> IdentityServiceServer<Self> {
        // A name and a password are no more than this.
        IdentityServiceServer::new(Self { sign_in, issuer }).max_decoding_message_size(16 << 10)
    }
}

#[tonic::async_trait]
impl IdentityService for Identity {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let language = Language::of(&request);
        let SignInRequest { name, password } = request.into_inner();
        let password = Password::try_new(password).map_err(|error| field_violation("password", error))?;
        let user = self.sign_in.check(&name, password).await.map_err(|why| not_in(&why, language))?;
        let grant = user.grant().map_err(|error| internal(&error))?;
        let Issued { token, expires_at } = self.issuer.issue(&grant).map_err(|error| internal(&error))?;
        tracing::info!(person = grant.person_id, "signed in");
        Ok(Response::new(SignInResponse {
            token,
            expires_at: Some(eseal_proto::moment::from_micros(expires_at.micros())),
            person_id: grant.person_id,
            roles: grant.roles.into_iter().map(|role| access::Role::from(role).into()).collect(),
            uscc: grant.organization.map(|uscc| uscc.to_string()).unwrap_or_default(),
        }))
    }
}

fn not_in(why: &NotIn, language: Language) -> Status {
    match why {
        NotIn::Wrong => refused(Code::Unauthenticated, &SIGN_IN_REFUSED, language, &[]),
        NotIn::Wait(time) => refused_for_now(Code::ResourceExhausted, &SIGN_IN_DELAYED, language, *time),
        NotIn::Busy => generic_for_now(Code::ResourceExhausted, &status::OVERLOADED, Duration::from_secs(1)),
        NotIn::Failed => status::generic(Code::Internal, &status::INTERNAL),
    }
}
