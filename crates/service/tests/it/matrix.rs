//! Who may call what, as a full matrix: every RPC × every role × every state of a token, and every RPC × every
//! service. The handler behind the layer is a stand-in that tells whom it was called by.

use std::convert::Infallible;
use std::time::Duration;

use eseal_kernel::{Clock, Timestamp};
use eseal_service::access::{AccessLayer, Rule, rules};
use eseal_service::mesh::Origin;
use eseal_service::token::{Grant, TokenIssuer};
use eseal_service::{Caller, Role};
use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};

const SERVICES: [&str; 5] = ["application", "fabrication", "authentication", "verification", "gateway"];
const HOUR: Duration = Duration::from_secs(3_600);

/// The state of the token that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Good,
    Missing,
    Expired,
    WrongAudience,
    WrongIssuer,
    Unsigned,
}

impl Token {
    const BAD: [Self; 5] = [Self::Missing, Self::Expired, Self::WrongAudience, Self::WrongIssuer, Self::Unsigned];
}

struct Door {
    access: AccessLayer,
    clock: Clock,
    key: Vec<u8>,
}

impl Door {
    fn new() -> Self {
        let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
        let key = TokenIssuer::generate_key().expect("a key").to_vec();
        let issuer = TokenIssuer::try_new("https://issuer.test", &key, HOUR, clock.clone()).expect("an issuer");
        Self { access: AccessLayer::try_new(issuer.verifier()).expect("rules"), clock, key }
    }

    fn token(&self, state: Token, role: Role) -> Option<String> {
        let good = |issuer: &str, clock: Clock| {
            let issuer = TokenIssuer::try_new(issuer, &self.key, HOUR, clock).expect("an issuer");
            let grant = Grant { person_id: "p1".to_owned(), roles: vec![role], organization: None };
            issuer.issue(&grant).expect("a token").token
        };
        let issuer = "https://issuer.test";
        match state {
            Token::Missing => None,
            Token::Good => Some(good(issuer, self.clock.clone())),
            Token::Expired => Some(good(issuer, Clock::fixed(self.clock.now().minus(HOUR * 2)))),
            Token::WrongIssuer => Some(good("https://else.test", self.clock.clone())),
            Token::WrongAudience => Some(self.for_another_audience(role)),
            Token::Unsigned => Some(unsigned(&good(issuer, self.clock.clone()))),
        }
    }

    /// Good in all but `aud`, and with the right signature.
    fn for_another_audience(&self, role: Role) -> String {
        let now = self.clock.now().seconds();
        let issuer = TokenIssuer::try_new("https://issuer.test", &self.key, HOUR, self.clock.clone()).expect("issuer");
        let sample = issuer.issue(&Grant { person_id: "p1".to_owned(), roles: vec![role], organization: None });
        let header = jsonwebtoken::decode_header(sample.expect("a token").token).expect("a header");
        let claims = serde_json::json!({
            "iss": "https://issuer.test", "sub": "p1", "aud": "else", "iat": now, "exp": now + 60, "roles": [role.name()],
        });
        let key = jsonwebtoken::EncodingKey::from_ec_der(&self.key);
        jsonwebtoken::encode(&header, &claims, &key).expect("a token")
    }

    /// Who the handler was called by, or the refusal.
    async fn call(&self, rpc: &str, origin: Origin, token: Option<&str>) -> Result<String, Status> {
        let handler = service_fn(|request: Request<Body>| async move {
            assert!(!request.headers().contains_key("authorization"), "no handler sees a token");
            let caller: &Caller = request.extensions().get().expect("a caller");
            let told = Response::builder().header("caller", caller.actor().to_string());
            Ok::<_, Infallible>(told.body(Body::empty()).expect("a response"))
        });
        let mut request = Request::builder().uri(format!("http://eseal.test/{rpc}")).extension(origin);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = self.access.layer(handler).oneshot(request).await.expect("infallible");
        match Status::from_header_map(response.headers()) {
            Some(status) => Err(status),
            None => Ok(response.headers()["caller"].to_str().expect("text").to_owned()),
        }
    }
}

/// The same header and claims as `alg: none` with no signature.
fn unsigned(token: &str) -> String {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).expect("claims");
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{claims}.")
}

fn all() -> Vec<Rule> {
    let rules = rules().expect("rules");
    assert!(rules.len() > 40, "only {} RPCs", rules.len());
    rules
}

#[tokio::test]
async fn a_good_token_lets_in_exactly_the_roles_of_the_rule() {
    let door = Door::new();
    for rule in all() {
        for role in Role::ALL {
            let token = door.token(Token::Good, role);
            let called = door.call(&rule.rpc, Origin::Outside, token.as_deref()).await;
            if rule.roles.contains(&role) {
                assert_eq!(called.expect(&rule.rpc), format!("{role}:p1"), "{}", rule.rpc);
            } else if rule.public {
                assert_eq!(called.expect(&rule.rpc), "anonymous:anonymous", "{}", rule.rpc);
            } else {
                assert_eq!(called.expect_err(&rule.rpc).code(), Code::PermissionDenied, "{} {role}", rule.rpc);
            }
        }
    }
}

#[tokio::test]
async fn no_token_and_every_bad_token_let_in_nobody_but_where_it_is_public() {
    let door = Door::new();
    for rule in all() {
        for role in Role::ALL {
            for state in Token::BAD {
                let token = door.token(state, role);
                let called = door.call(&rule.rpc, Origin::Outside, token.as_deref()).await;
                if rule.public {
                    assert_eq!(called.expect(&rule.rpc), "anonymous:anonymous", "{} {state:?}", rule.rpc);
                } else {
                    assert_eq!(called.expect_err(&rule.rpc).code(), Code::Unauthenticated, "{} {state:?}", rule.rpc);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_service_is_let_in_where_the_rule_names_it() {
    let door = Door::new();
    for rule in all() {
        for service in SERVICES {
            let called = door.call(&rule.rpc, Origin::Service(service.to_owned()), None).await;
            if rule.public || rule.services.iter().any(|name| name == service) {
                assert_eq!(called.expect(&rule.rpc), format!("service:{service}"), "{}", rule.rpc);
            } else {
                assert_eq!(called.expect_err(&rule.rpc).code(), Code::PermissionDenied, "{} {service}", rule.rpc);
            }
        }
    }
}

#[tokio::test]
async fn a_service_does_not_become_a_person_by_a_token() {
    let door = Door::new();
    let token = door.token(Token::Good, Role::Applicant);
    let rpc = "eseal.application.v1.ApplicationService/SubmitApplication";
    let called = door.call(rpc, Origin::Service("fabrication".to_owned()), token.as_deref()).await;
    assert_eq!(called.expect_err("refused").code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_rpc_that_no_proto_names_is_refused_to_everybody() {
    let door = Door::new();
    let token = door.token(Token::Good, Role::Admin);
    for rpc in
        ["", "eseal.application.v1.ApplicationService", "eseal.application.v1.ApplicationService/Submit", "a/b/c"]
    {
        for origin in [Origin::Outside, Origin::Service("fabrication".to_owned())] {
            let called = door.call(rpc, origin, token.as_deref()).await;
            assert_eq!(called.expect_err(rpc).code(), Code::Unimplemented, "{rpc}");
        }
    }
}

#[tokio::test]
async fn health_and_reflection_are_public() {
    let door = Door::new();
    for rpc in ["grpc.health.v1.Health/Check", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] {
        assert!(door.call(rpc, Origin::Outside, None).await.is_ok(), "{rpc}");
    }
}
