//! Who may call what, as a full matrix: every RPC × every role × every state of a token, from outside and through a door; and
//! every RPC × every service, certificate and list. Once with fixed keys and once with those of an OpenID provider. The
//! handler behind the layer is a stand-in that tells whom it was called by.

use std::collections::BTreeMap;
use std::convert::Infallible;

use eseal_service::access::{AccessLayer, Allow, Rule, rules};
use eseal_service::connections::PeerCertificate;
use eseal_service::mesh::Origin;
use eseal_service::token::TokenVerifier;
use eseal_service::{Caller, Role};
use http::{Request, Response};
use serde_json::json;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::issuer::{Issuer, Key, NOW, claims, clock, verifier};

const SERVICES: [&str; 5] = ["application", "fabrication", "authentication", "verification", "gateway"];

/// The state of the token that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Good,
    Missing,
    Expired,
    WrongAudience,
    WrongIssuer,
    WrongKey,
    Unsigned,
}

impl Token {
    const BAD: [Self; 6] =
        [Self::Missing, Self::Expired, Self::WrongAudience, Self::WrongIssuer, Self::WrongKey, Self::Unsigned];
}

/// Where a request comes from.
#[derive(Debug, Clone)]
enum From {
    Link(Origin),
    /// A client certificate with these DNS names.
    Certificate(Vec<&'static str>),
}

impl From {
    fn outside() -> Self {
        Self::Link(Origin::Outside)
    }

    fn service(name: &str) -> Self {
        Self::Link(Origin::Service(name.to_owned()))
    }
}

struct Door {
    access: AccessLayer,
    issuer: String,
    key: Key,
    other_key: Key,
    /// The provider, if there is one.
    _provider: Option<Issuer>,
}

impl Door {
    /// With keys that are fixed, as the standalone has them.
    fn fixed() -> Self {
        let (key, issuer) = (Key::new("k1"), "https://issuer.test");
        let people = TokenVerifier::new(issuer, [("k1".to_owned(), key.point())], clock());
        Self::of(issuer, key, people, None)
    }

    /// With keys that a provider publishes.
    async fn published() -> Self {
        let key = Key::new("k1");
        let provider = Issuer::new(&[&key]).await;
        let mut config = provider.config();
        config.unbound_roles = Role::ALL.to_vec();
        // One look at the provider for all unknown keys.
        config.pace.cooldown = std::time::Duration::from_secs(3_600);
        let people = verifier(&config);
        Self::of(&provider.name(), key, people, Some(provider))
    }

    fn of(issuer: &str, key: Key, people: TokenVerifier, provider: Option<Issuer>) -> Self {
        let access = AccessLayer::try_new(people).expect("rules");
        Self { access, issuer: issuer.to_owned(), key, other_key: Key::new("k1"), _provider: provider }
    }

    /// The same for these certificates only, on every gRPC service that there is.
    fn allowing(mut self, certificates: &[&str]) -> Self {
        let names: Vec<String> = certificates.iter().map(|name| (*name).to_owned()).collect();
        let services = all().into_iter().map(|rule| rule.rpc.split('/').next().expect("a service").to_owned());
        let lists: BTreeMap<_, _> = services.map(|service| (service, names.clone())).collect();
        self.access = self.access.allowing(Allow::try_from(lists).expect("lists"));
        self
    }

    fn token(&self, state: Token, role: Role) -> Option<String> {
        let with = |key: &Key, changed: serde_json::Value| {
            let mut claims = claims(&self.issuer, &changed);
            claims["roles"] = json!([role.name()]);
            Some(key.sign(&claims))
        };
        match state {
            Token::Missing => None,
            Token::Good => with(&self.key, json!({})),
            Token::Expired => with(&self.key, json!({ "iat": NOW - 7_200, "exp": NOW - 3_600 })),
            Token::WrongIssuer => with(&self.key, json!({ "iss": "https://else.test" })),
            Token::WrongAudience => with(&self.key, json!({ "aud": "else" })),
            Token::WrongKey => with(&self.other_key, json!({})),
            Token::Unsigned => with(&self.key, json!({})).as_deref().map(unsigned),
        }
    }

    /// Who the handler was called by, or the refusal.
    async fn call(&self, rpc: &str, from: From, token: Option<&str>) -> Result<String, Status> {
        let handler = service_fn(|request: Request<Body>| async move {
            assert!(!request.headers().contains_key("authorization"), "no handler sees a token");
            let caller: &Caller = request.extensions().get().expect("a caller");
            let told = Response::builder().header("caller", caller.actor().to_string());
            Ok::<_, Infallible>(told.body(Body::empty()).expect("a response"))
        });
        let mut request = Request::builder().uri(format!("http://eseal.test/{rpc}"));
        request = match from {
            From::Link(origin) => request.extension(origin),
            From::Certificate(names) => {
                let names = names.into_iter().map(str::to_owned).collect();
                request.extension(PeerCertificate { names })
            }
        };
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

    /// Every RPC × every role × every state of a token, as it must be for people.
    async fn holds_for_people(&self, from: From) {
        let signed = |role| (role, self.token(Token::Good, role), Token::BAD.map(|bad| (bad, self.token(bad, role))));
        let tokens = Role::ALL.map(signed);
        for rule in all() {
            for (role, good, bad) in &tokens {
                let called = self.call(&rule.rpc, from.clone(), good.as_deref()).await;
                if rule.roles.contains(role) {
                    assert_eq!(called.expect(&rule.rpc), format!("{role}:p1"), "{}", rule.rpc);
                } else if rule.public {
                    assert_eq!(called.expect(&rule.rpc), "anonymous:anonymous", "{}", rule.rpc);
                } else {
                    assert_eq!(called.expect_err(&rule.rpc).code(), Code::PermissionDenied, "{} {role}", rule.rpc);
                }
                for (state, token) in bad {
                    let called = self.call(&rule.rpc, from.clone(), token.as_deref()).await;
                    if rule.public {
                        assert_eq!(called.expect(&rule.rpc), "anonymous:anonymous", "{} {state:?}", rule.rpc);
                    } else {
                        assert_eq!(
                            called.expect_err(&rule.rpc).code(),
                            Code::Unauthenticated,
                            "{} {state:?}",
                            rule.rpc
                        );
                    }
                }
            }
        }
    }

    /// Nobody gets anywhere, whatever token they have; not even where it is public.
    async fn refuses_all(&self, from: From) {
        let tokens = Role::ALL.map(|role| self.token(Token::Good, role));
        for rule in all() {
            for token in &tokens {
                let refused = self.call(&rule.rpc, from.clone(), token.as_deref()).await.expect_err(&rule.rpc);
                assert_eq!(refused.code(), Code::PermissionDenied, "{} {from:?}", rule.rpc);
            }
            let refused = self.call(&rule.rpc, from.clone(), None).await.expect_err(&rule.rpc);
            assert_eq!(refused.code(), Code::PermissionDenied, "{} {from:?}", rule.rpc);
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
async fn people_are_let_in_by_the_roles_of_the_rule_with_fixed_keys() {
    Door::fixed().holds_for_people(From::outside()).await;
}

#[tokio::test]
async fn people_are_let_in_by_the_roles_of_the_rule_with_published_keys() {
    Door::published().await.holds_for_people(From::outside()).await;
}

#[tokio::test]
async fn people_are_let_in_by_the_roles_of_the_rule_through_a_door_on_the_list() {
    let gateway = || From::Certificate(vec!["gateway.eseal", "localhost"]);
    Door::fixed().allowing(&["gateway.eseal"]).holds_for_people(gateway()).await;
    Door::published().await.allowing(&["gateway.eseal"]).holds_for_people(gateway()).await;
}

#[tokio::test]
async fn a_door_or_a_service_that_is_not_on_the_list_is_refused_whatever_the_token() {
    let door = Door::fixed().allowing(&["gateway.eseal"]);
    for names in [&["cli.eseal"][..], &["fabrication.eseal"], &["probe.eseal"], &["gateway"], &["gateway.example"], &[]]
    {
        door.refuses_all(From::Certificate(names.to_vec())).await;
    }
}

#[tokio::test]
async fn a_certificate_of_several_names_and_a_connection_without_one_are_refused() {
    let door = Door::published().await.allowing(&["gateway.eseal", "fabrication.eseal"]);
    door.refuses_all(From::Certificate(vec!["gateway.eseal", "fabrication.eseal"])).await;
    door.refuses_all(From::outside()).await;
}

#[tokio::test]
async fn a_service_is_let_in_where_the_rule_names_it() {
    let (linked, listed) = (Door::fixed(), SERVICES.map(|name| format!("{name}.eseal")));
    let certified = Door::fixed().allowing(&listed.each_ref().map(String::as_str));
    for rule in all() {
        for service in SERVICES {
            let expected = rule.public || rule.services.iter().any(|name| name == service);
            let called = linked.call(&rule.rpc, From::service(service), None).await;
            match called {
                Ok(caller) => assert!(expected && caller == format!("service:{service}"), "{} {caller}", rule.rpc),
                Err(refusal) => {
                    assert!(!expected && refusal.code() == Code::PermissionDenied, "{} {service}", rule.rpc)
                }
            }
            if service == "gateway" {
                continue; // by certificate it is a door: see above
            }
            let certificate: &'static str = format!("{service}.eseal").leak();
            let called = certified.call(&rule.rpc, From::Certificate(vec![certificate]), None).await;
            match called {
                Ok(caller) => assert!(expected && caller == format!("service:{service}"), "{} {caller}", rule.rpc),
                Err(refusal) => {
                    assert!(!expected && refusal.code() == Code::PermissionDenied, "{} {service}", rule.rpc)
                }
            }
        }
    }
}

#[tokio::test]
async fn a_service_does_not_become_a_person_by_a_token() {
    let door = Door::fixed().allowing(&["fabrication.eseal"]);
    let rpc = "eseal.application.v1.ApplicationService/SubmitApplication";
    let token = door.token(Token::Good, Role::Applicant);
    for from in [From::service("fabrication"), From::Certificate(vec!["fabrication.eseal"])] {
        let called = door.call(rpc, from, token.as_deref()).await;
        assert_eq!(called.expect_err("refused").code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn an_rpc_that_no_proto_names_is_refused_to_everybody() {
    let door = Door::fixed();
    let token = door.token(Token::Good, Role::Admin);
    for rpc in
        ["", "eseal.application.v1.ApplicationService", "eseal.application.v1.ApplicationService/Submit", "a/b/c"]
    {
        for from in [From::outside(), From::service("fabrication")] {
            let called = door.call(rpc, from, token.as_deref()).await;
            assert_eq!(called.expect_err(rpc).code(), Code::Unimplemented, "{rpc}");
        }
    }
}

#[tokio::test]
async fn health_and_reflection_need_no_token_and_between_processes_a_certificate_on_the_list() {
    let (open, listed) = (Door::fixed(), Door::fixed().allowing(&["gateway.eseal"]));
    let (health, reflection) =
        ("grpc.health.v1.Health/Check", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    for rpc in [health, reflection] {
        assert!(open.call(rpc, From::outside(), None).await.is_ok(), "{rpc}");
        for from in [From::outside(), From::Certificate(vec!["gateway.eseal"])] {
            let refused = listed.call(rpc, from, None).await.expect_err(rpc);
            assert_eq!(refused.code(), Code::PermissionDenied, "{rpc}");
        }
    }
    let probe = || From::Certificate(vec!["probe.eseal"]);
    assert!(listed.call(health, probe(), None).await.is_ok());
    assert!(listed.call(reflection, probe(), None).await.is_err());
}
