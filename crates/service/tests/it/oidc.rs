//! People of an outside issuer, whom a stand-in plays over HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eseal_service::Role;
use eseal_service::oidc::{Oidc, OidcError, Pace, Signed};
use eseal_service::tasks::Tasks;
use eseal_service::token::TokenError;
use eseal_testkit::{Port, wait_until};
use serde_json::{Value, json};

use crate::issuer::{Issuer, Key, claims, clock, config, verified, verifier};

const BOUND: Duration = Duration::from_secs(120);

fn good(issuer: &Issuer, key: &Key) -> String {
    key.sign(&claims(&issuer.name(), &json!({})))
}

#[tokio::test]
async fn a_token_of_every_algorithm_is_opened_by_its_published_key() {
    for signed in [Signed::ES256, Signed::ES384, Signed::RS256, Signed::RS512, Signed::PS256, Signed::EdDSA] {
        let key = Key::of("k1", signed);
        let issuer = Issuer::new(&[&key]).await;
        let mut config = issuer.config();
        config.algorithms = vec![signed];
        let grant = verified(&config, &good(&issuer, &key)).await.expect("a grant");
        assert_eq!((grant.person_id.as_str(), grant.roles), ("p1", vec![Role::Auditor]), "{signed:?}");
        // The same key, published and fitting, but its algorithm is not pinned.
        config.algorithms = vec![if signed == Signed::ES256 { Signed::EdDSA } else { Signed::ES256 }];
        assert_eq!(verified(&config, &good(&issuer, &key)).await, Err(TokenError::Algorithm), "{signed:?}");
    }
}

#[tokio::test]
async fn keys_are_fetched_once_for_many_tokens() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let (verifier, token) = (verifier(&issuer.config()), good(&issuer, &key));
    let all = (0..100).map(|_| verifier.verify(&token));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_by_the_first_token_and_an_old_one_is_trusted_while_it_is_published() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::new(&[&old]).await;
    let verifier = verifier(&issuer.config());
    assert!(verifier.verify(&good(&issuer, &old)).await.is_ok());
    issuer.publish(&[&old, &new]);
    for key in [&new, &old, &new] {
        assert!(verifier.verify(&good(&issuer, key)).await.is_ok());
    }
    assert_eq!(issuer.asked(), 2);
    issuer.publish(&[&new]);
    // Somebody's unknown key brings the news.
    assert_eq!(verifier.verify(&good(&issuer, &Key::new("else"))).await, Err(TokenError::UnknownKey));
    assert_eq!(verifier.verify(&good(&issuer, &old)).await, Err(TokenError::UnknownKey));
    assert!(verifier.verify(&good(&issuer, &new)).await.is_ok());
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once_and_keeps_nobody_out() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let mut config = issuer.config();
    config.pace.cooldown = Duration::from_secs(3_600);
    let (verifier, token) = (verifier(&config), good(&issuer, &key));
    assert!(verifier.verify(&token).await.is_ok());
    let flood: Vec<String> = (0..500).map(|i| replaced_kid(&token, &format!("k{i}x"))).collect();
    let all = flood.iter().map(|token| verifier.verify(token));
    for refused in futures::future::join_all(all).await {
        let told = matches!(refused, Err(TokenError::UnknownKey | TokenError::KeysUnavailable));
        assert!(told, "{refused:?}");
    }
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn while_unknown_keys_wait_for_a_slow_issuer_known_ones_do_not() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let (verifier, token) = (verifier(&issuer.config()), good(&issuer, &key));
    assert!(verifier.verify(&token).await.is_ok());
    issuer.set(|script| script.delay = BOUND * 2);
    let (unknown, waiting) = (replaced_kid(&token, "k2"), verifier.clone());
    let waits = tokio::spawn(async move { waiting.verify(&unknown).await });
    let asked = async || (issuer.asked() == 2).then_some(());
    wait_until("the issuer is asked", BOUND, asked).await;
    let known = tokio::time::timeout(Duration::from_secs(1), verifier.verify(&token)).await;
    assert!(known.expect("at once").is_ok());
    waits.abort();
}

#[tokio::test]
async fn keys_are_fetched_again_in_the_background_before_they_end() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    issuer.set(|script| script.cache_control = Some("public, max-age=0".to_owned()));
    let mut config = issuer.config();
    config.pace = Pace { shortest: Duration::from_millis(20), ..Pace::default() };
    let (oidc, tasks) = (Oidc::try_new(&config).expect("settings"), Tasks::new());
    tasks.spawn("people", oidc.clone().keep_fresh(tasks.stopping()));
    let often = async || (issuer.asked() >= 5).then_some(());
    wait_until("the keys were fetched often", BOUND, often).await;
    assert!(oidc.has_keys());
    // Nobody asks again for what is fresh.
    issuer.set(|script| script.cache_control = Some("max-age=3600".to_owned()));
    let settled = async || {
        let before = issuer.asked();
        tokio::time::sleep(Duration::from_millis(200)).await;
        (issuer.asked() == before).then_some(())
    };
    wait_until("the keys are fresh", BOUND, settled).await;
    assert_eq!(issuer.script.lock().expect("no panic").asked_for_description, 1);
    assert!(oidc.verifier(clock()).verify(&good(&issuer, &key)).await.is_ok());
    tasks.finish(BOUND).await.expect("stopped");
}

#[tokio::test]
async fn an_issuer_that_is_not_there_yet_makes_tokens_unavailable_until_it_is() {
    let port = Port::free().expect("a port");
    let (address, key) = (port.address(), Key::new("k1"));
    let verifier = verifier(&config(&format!("http://{address}/realm")));
    let token = key.sign(&claims(&format!("http://{address}/realm"), &json!({})));
    assert_eq!(verifier.verify(&token).await, Err(TokenError::KeysUnavailable));
    let _issuer = Issuer::at(address, &[&key]).await;
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn the_last_keys_are_kept_while_the_issuer_is_away_and_no_longer_than_the_bound() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let mut config = issuer.config();
    config.keep_keys = Duration::from_secs(5);
    let (verifier, token) = (verifier(&config), good(&issuer, &key));
    assert!(verifier.verify(&token).await.is_ok());
    issuer.set(|script| script.keys_at = Some("http://127.0.0.1:1/gone".to_owned()));
    issuer.set(|script| script.instead = Some(Response::builder().status(503).body(Body::empty()).expect("an answer")));
    assert_eq!(verifier.verify(&replaced_kid(&token, "k2")).await, Err(TokenError::UnknownKey), "keys are kept");
    assert!(verifier.verify(&token).await.is_ok());
    let over = async || (verifier.verify(&token).await == Err(TokenError::KeysUnavailable)).then_some(());
    wait_until("the keys are too old to be trusted", BOUND, over).await;
}

#[tokio::test]
async fn what_an_issuer_should_not_answer_gives_no_keys() {
    let key = Key::new("k1");
    let huge = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300 << 10));
    let redirect = Response::builder().status(302).header("location", "/realm/keys").body(Body::empty());
    let answers = [
        Response::new(Body::from(huge)),
        Response::new(Body::from("<html>sign in</html>")),
        Response::new(Body::from("[]")),
        Response::new(Body::from("{\"keys\":{}}")),
        Response::builder().status(500).body(Body::from(json!({ "keys": [key.jwk] }).to_string())).expect("an answer"),
        redirect.expect("an answer"),
    ];
    for answer in answers {
        let issuer = Issuer::new(&[&key]).await;
        let what = format!("{answer:?}");
        issuer.set(|script| script.instead = Some(answer));
        assert_eq!(verified(&issuer.config(), &good(&issuer, &key)).await, Err(TokenError::KeysUnavailable), "{what}");
    }
}

#[tokio::test]
async fn an_issuer_that_drips_its_answer_is_given_up() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let drips = futures::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, std::io::Error>(" "), ()))
    });
    issuer.set(|script| script.instead = Some(Response::new(Body::from_stream(drips))));
    let mut config = issuer.config();
    config.pace.request = Duration::from_millis(300);
    let refused = tokio::time::timeout(BOUND, verified(&config, &good(&issuer, &key))).await;
    assert_eq!(refused.expect("within the bound"), Err(TokenError::KeysUnavailable));
}

#[tokio::test]
async fn an_issuer_that_describes_another_one_or_points_elsewhere_is_not_believed() {
    let key = Key::new("k1");
    for (describes, keys_at) in [
        (Some("https://else.test"), None),
        (Some("slash"), None),
        (None, Some("http://issuer.example/keys")),
        (None, Some("file:///etc/passwd")),
        (None, Some("no address")),
    ] {
        let issuer = Issuer::new(&[&key]).await;
        // Even a slash at the end makes it another name (OpenID Connect Discovery §4.3).
        let describes = describes.map(|name| if name == "slash" { issuer.name() + "/" } else { name.to_owned() });
        issuer.set(|script| (script.describes, script.keys_at) = (describes, keys_at.map(str::to_owned)));
        assert_eq!(
            verified(&issuer.config(), &good(&issuer, &key)).await,
            Err(TokenError::KeysUnavailable),
            "{keys_at:?}"
        );
        assert_eq!(issuer.asked(), 0);
    }
}

#[test]
fn an_issuer_over_plain_http_must_be_on_this_machine() {
    for name in
        ["http://issuer.example", "ftp://127.0.0.1", "issuer.example", "https://i.example/?a", "", "http://10.0.0.1"]
    {
        assert!(matches!(Oidc::try_new(&config(name)), Err(OidcError::Issuer(_))), "{name}");
    }
    for name in ["https://issuer.example/realms/x", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost:1"] {
        assert!(Oidc::try_new(&config(name)).is_ok(), "{name}");
    }
    let mut none = config("https://issuer.example");
    none.algorithms.clear();
    assert!(matches!(Oidc::try_new(&none), Err(OidcError::NoAlgorithm)));
}

#[tokio::test]
async fn a_key_that_contradicts_itself_or_is_too_weak_is_left_out() {
    let (ec, rsa) = (Key::new("k1"), Key::of("k1", Signed::RS256));
    let weak = URL_SAFE_NO_PAD.encode([0xFF; 128]);
    let padded = URL_SAFE_NO_PAD.encode([[0; 200].as_slice(), [0xFF; 128].as_slice()].concat());
    for (key, changed) in [
        (&ec, json!({ "use": "enc" })),
        (&ec, json!({ "alg": "RS256" })),
        (&ec, json!({ "alg": "ECDH-ES" })),
        (&ec, json!({ "key_ops": ["sign"] })),
        (&ec, json!({ "crv": "P-384" })),
        (&ec, json!({ "kid": null })),
        (&ec, json!({ "kty": "oct", "k": "c2VjcmV0" })),
        (&rsa, json!({ "n": weak })),
        (&rsa, json!({ "n": padded })),
        (&rsa, json!({ "alg": "PS256" })),
    ] {
        let issuer = Issuer::new(&[key]).await;
        let mut jwk = key.jwk.clone();
        for (name, value) in changed.as_object().expect("an object") {
            jwk[name] = value.clone();
        }
        jwk.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        issuer.set(|script| script.keys = vec![jwk]);
        let mut config = issuer.config();
        config.algorithms = vec![Signed::ES256, Signed::RS256];
        let told = verified(&config, &good(&issuer, key)).await;
        // A PSS key may not be used for the older padding, although its kind could.
        assert!(matches!(told, Err(TokenError::UnknownKey | TokenError::Algorithm)), "{changed}: {told:?}");
    }
}

#[tokio::test]
async fn a_published_key_is_no_shared_secret_and_no_signature_is_none() {
    let key = Key::of("k1", Signed::RS256);
    let issuer = Issuer::new(&[&key]).await;
    let mut config = issuer.config();
    config.algorithms = vec![Signed::RS256];
    let n = key.jwk["n"].as_str().expect("a modulus");
    for secret in [n.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(n).expect("base64")] {
        let header = jsonwebtoken::Header { kid: Some("k1".to_owned()), ..jsonwebtoken::Header::default() };
        let signing = jsonwebtoken::EncodingKey::from_secret(&secret);
        let token = jsonwebtoken::encode(&header, &claims(&issuer.name(), &json!({})), &signing).expect("a token");
        assert_eq!(verified(&config, &token).await, Err(TokenError::Algorithm));
    }
    let token = good(&issuer, &key);
    let (_, rest) = token.split_once('.').expect("a header");
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": "k1" }).to_string());
    let (body, signature) = rest.split_once('.').expect("three parts");
    for token in [format!("{none}.{body}."), format!("{none}.{body}.{signature}")] {
        assert_eq!(verified(&config, &token).await, Err(TokenError::Malformed));
    }
}

#[tokio::test]
async fn the_claims_are_held_to_the_settings() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let mut config = issuer.config();
    config.clients = vec!["console".to_owned()];
    let verifier = verifier(&config);
    let told = async |changed: Value| verifier.verify(&key.sign(&claims(&issuer.name(), &changed))).await.err();
    let now = crate::issuer::NOW;
    assert_eq!(told(json!({ "azp": "console" })).await, None);
    assert_eq!(told(json!({ "client_id": "console" })).await, None);
    for (changed, expected) in [
        (json!({}), TokenError::Client),
        (json!({ "azp": "else" }), TokenError::Client),
        (json!({ "aud": "else" }), TokenError::Audience),
        (json!({ "iss": "https://else.test" }), TokenError::Issuer),
        (json!({ "exp": now - 31 }), TokenError::Expired),
        (json!({ "nbf": now + 31 }), TokenError::NotYetValid),
        (json!({ "azp": "console", "sub": "" }), TokenError::Claim("sub")),
        (json!({ "azp": "console", "roles": 7 }), TokenError::Claim("roles")),
        (json!({ "azp": "console", "org": ["a", "b"] }), TokenError::Claim("organization")),
    ] {
        assert_eq!(told(changed.clone()).await, Some(expected), "{changed}");
    }
}

#[tokio::test]
async fn roles_and_organization_are_where_the_settings_say() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let mut config = issuer.config();
    config.roles_claim = "realm_access.roles".to_owned();
    config.organization_claim = "https://eseal.example/org".to_owned();
    let keycloak = json!({
        "realm_access": { "roles": ["offline_access", "custodian", "auditor"] },
        "https://eseal.example/org": "91110000600037341L",
        "roles": ["admin"],
    });
    let grant = verified(&config, &key.sign(&claims(&issuer.name(), &keycloak))).await.expect("a grant");
    assert_eq!(grant.roles, [Role::Custodian, Role::Auditor]);
    assert_eq!(grant.organization.expect("an organization").to_string(), "91110000600037341L");
    config.roles_claim = "scope".to_owned();
    let scopes = json!({ "scope": "openid reviewer maker" });
    let grant = verified(&config, &key.sign(&claims(&issuer.name(), &scopes))).await.expect("a grant");
    assert_eq!(grant.roles, [Role::Reviewer, Role::Maker]);
}

#[tokio::test]
async fn who_should_be_bound_to_an_organization_and_is_not_has_no_role() {
    let key = Key::new("k1");
    let issuer = Issuer::new(&[&key]).await;
    let roles = json!({ "roles": ["applicant", "custodian", "reviewer"] });
    let token = key.sign(&claims(&issuer.name(), &roles));
    assert_eq!(verified(&issuer.config(), &token).await.expect("a grant").roles, [Role::Reviewer]);
}

/// The token with another key id in its header.
fn replaced_kid(token: &str, kid: &str) -> String {
    let (_, rest) = token.split_once('.').expect("a header");
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(json!({ "alg": "ES256", "kid": kid }).to_string()))
}
