use std::time::Duration;

use super::claims::LEEWAY;
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eseal_kernel::Timestamp;
use futures::FutureExt as _;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.test";
const HOUR: Duration = Duration::from_secs(3_600);

struct Bench {
    clock: Clock,
    issuer: TokenIssuer,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
        Self { issuer: issuer(ISSUER, &clock), clock }
    }

    fn token(&self) -> String {
        self.issuer.issue(&grant()).expect("issued").token
    }

    fn verify(&self, token: &str) -> Result<Grant, TokenError> {
        self.issuer.verifier().verify(token).now_or_never().expect("fixed keys are at hand")
    }

    /// A token signed with our key, with these claims.
    fn signed(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.issuer.key_id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.issuer.key).expect("signed")
    }

    /// Good claims, with these in the place of their own.
    fn claims(&self, changed: &Value) -> Value {
        let now = self.clock.now().seconds();
        let mut claims = json!({
            "iss": ISSUER, "sub": "p1", "aud": "eseal", "iat": now, "nbf": now, "exp": now + 60, "roles": ["reviewer"],
        });
        for (name, value) in changed.as_object().expect("an object") {
            if value.is_null() {
                claims.as_object_mut().expect("an object").remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    fn verify_claims(&self, changed: &Value) -> Result<Grant, TokenError> {
        self.verify(&self.signed(&self.claims(changed)))
    }
}

fn issuer(name: &str, clock: &Clock) -> TokenIssuer {
    let key = TokenIssuer::generate_key().expect("a key");
    TokenIssuer::try_new(name, &key, HOUR, clock.clone()).expect("an issuer")
}

fn grant() -> Grant {
    let organization = Some("91110000600037341L".parse().expect("a code"));
    Grant { person_id: "p1".to_owned(), roles: vec![Role::Reviewer, Role::Admin], organization }
}

/// A token with this header over good claims, and this signature.
fn assembled(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

#[test]
fn a_token_that_was_taken_before_still_expires_and_still_needs_its_own_signature() {
    let bench = Bench::new();
    let token = bench.token();
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    assert_eq!((bench.verify(&token), bench.verify(&token)), (Ok(grant()), Ok(grant())));
    let other = bench.signed(&bench.claims(&json!({})));
    let (_, of_another) = other.rsplit_once('.').expect("a signature");
    assert_ne!(signature, of_another);
    assert_eq!(bench.verify(&format!("{signed}.{of_another}")), Err(TokenError::Signature));
    bench.clock.set(bench.clock.now().plus(9 * HOUR));
    assert_eq!(bench.verify(&token), Err(TokenError::Expired));
}

#[test]
fn a_token_gives_back_what_was_granted() {
    let bench = Bench::new();
    assert_eq!(bench.verify(&bench.token()), Ok(grant()));
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let bench = Bench::new();
    for alg in ["none", "None", "NONE"] {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": bench.issuer.key_id });
        let token = assembled(&header, &bench.claims(&json!({})), |_| Vec::new());
        assert_eq!(bench.verify(&token), Err(TokenError::Malformed), "{alg}");
    }
}

#[test]
fn a_token_that_takes_our_public_key_for_a_shared_secret_is_refused() {
    let bench = Bench::new();
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": bench.issuer.key_id });
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &bench.issuer.point);
    let token = assembled(&header, &bench.claims(&json!({})), |message| {
        aws_lc_rs::hmac::sign(&secret, message).as_ref().to_vec()
    });
    assert_eq!(bench.verify(&token), Err(TokenError::Algorithm));
}

#[test]
fn every_algorithm_but_the_pinned_one_is_refused() {
    let bench = Bench::new();
    for alg in ["HS384", "HS512", "RS256", "PS256", "ES384", "EdDSA"] {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": bench.issuer.key_id });
        let token = assembled(&header, &bench.claims(&json!({})), |_| vec![0; 64]);
        assert_eq!(bench.verify(&token), Err(TokenError::Algorithm), "{alg}");
    }
}

#[test]
fn a_key_that_comes_with_the_token_is_not_used() {
    let bench = Bench::new();
    let own = issuer(ISSUER, &bench.clock);
    let (x, y) = own.point[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let header = json!({
        "alg": "ES256", "kid": bench.issuer.key_id, "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y },
    });
    let token = assembled(&header, &bench.claims(&json!({})), |message| {
        let signature = jsonwebtoken::crypto::sign(message, &own.key, Algorithm::ES256).expect("signed");
        URL_SAFE_NO_PAD.decode(signature).expect("base64")
    });
    assert_eq!(bench.verify(&token), Err(TokenError::Signature));
}

#[test]
fn a_key_that_is_not_trusted_is_refused() {
    let bench = Bench::new();
    let other = issuer(ISSUER, &bench.clock);
    assert_eq!(bench.verify(&other.issue(&grant()).expect("issued").token), Err(TokenError::UnknownKey));
    let header = json!({ "alg": "ES256" });
    let nameless = assembled(&header, &bench.claims(&json!({})), |_| vec![0; 64]);
    assert_eq!(bench.verify(&nameless), Err(TokenError::UnknownKey));
}

#[test]
fn a_changed_token_is_refused() {
    let bench = Bench::new();
    let token = bench.token();
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, _) = signed.split_once('.').expect("three parts");
    let claims = URL_SAFE_NO_PAD.encode(bench.claims(&json!({ "roles": ["admin"] })).to_string());
    assert_eq!(bench.verify(&format!("{header}.{claims}.{signature}")), Err(TokenError::Signature));
}

#[test]
fn an_expired_token_is_refused_from_its_last_moment_on() {
    let bench = Bench::new();
    let token = bench.token();
    let end = bench.clock.now().plus(HOUR).plus(LEEWAY);
    bench.clock.set(end.minus(Duration::from_micros(1)));
    assert!(bench.verify(&token).is_ok());
    bench.clock.set(end);
    assert_eq!(bench.verify(&token), Err(TokenError::Expired));
}

#[test]
fn a_token_whose_time_has_not_come_is_refused() {
    let bench = Bench::new();
    let later = bench.clock.now().seconds() + 31;
    assert_eq!(bench.verify_claims(&json!({ "nbf": later })), Err(TokenError::NotYetValid));
    assert_eq!(bench.verify_claims(&json!({ "iat": later, "nbf": null })), Err(TokenError::NotYetValid));
    assert!(bench.verify_claims(&json!({ "nbf": null })).is_ok());
}

#[test]
fn another_issuer_or_audience_is_refused() {
    let bench = Bench::new();
    assert_eq!(bench.verify_claims(&json!({ "iss": "https://else.test" })), Err(TokenError::Issuer));
    assert_eq!(bench.verify_claims(&json!({ "aud": "else" })), Err(TokenError::Audience));
    assert_eq!(bench.verify_claims(&json!({ "aud": ["else", "ESEAL"] })), Err(TokenError::Audience));
    assert!(bench.verify_claims(&json!({ "aud": ["else", "eseal"] })).is_ok());
}

#[test]
fn a_token_that_lacks_a_claim_is_refused() {
    let bench = Bench::new();
    for claim in ["iss", "sub", "aud", "exp", "iat"] {
        assert_eq!(bench.verify_claims(&json!({ claim: null })), Err(TokenError::Claim(claim)), "{claim}");
    }
}

#[test]
fn a_subject_that_no_event_could_name_is_refused() {
    let bench = Bench::new();
    for subject in ["", "p\n1", "p".repeat(129).as_str()] {
        assert_eq!(bench.verify_claims(&json!({ "sub": subject })), Err(TokenError::Claim("sub")), "{subject}");
    }
    assert_eq!(bench.verify_claims(&json!({ "org": "91110000600037341X" })), Err(TokenError::Claim("organization")));
}

#[test]
fn a_token_that_is_not_for_access_is_refused() {
    let bench = Bench::new();
    let with_header = |changed: &dyn Fn(&mut Header)| {
        let mut header = Header { kid: Some(bench.issuer.key_id.clone()), ..Header::new(Algorithm::ES256) };
        changed(&mut header);
        let claims = bench.claims(&json!({}));
        bench.verify(&jsonwebtoken::encode(&header, &claims, &bench.issuer.key).expect("signed"))
    };
    for good in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        assert!(with_header(&|header| header.typ = Some(good.to_owned())).is_ok(), "{good}");
    }
    assert!(with_header(&|header| header.typ = None).is_ok());
    for kind in ["logout+jwt", "dpop+jwt", "secevent+jwt", ""] {
        assert_eq!(with_header(&|header| header.typ = Some(kind.to_owned())), Err(TokenError::Kind), "{kind}");
    }
    assert_eq!(with_header(&|header| header.crit = Some(vec!["b64".to_owned()])), Err(TokenError::Kind));
    for kind in ["ID", "Refresh", "Offline"] {
        assert_eq!(bench.verify_claims(&json!({ "typ": kind })), Err(TokenError::Kind), "{kind}");
    }
    assert!(bench.verify_claims(&json!({ "typ": "Bearer" })).is_ok());
}

#[test]
fn a_moment_may_have_a_fraction_and_none_is_beyond_reckoning() {
    let bench = Bench::new();
    let now = bench.clock.now().seconds();
    assert!(bench.verify_claims(&json!({ "exp": format!("{now}.75").parse::<f64>().expect("a number") })).is_ok());
    assert!(bench.verify_claims(&json!({ "exp": 1e300 })).is_ok());
    assert_eq!(bench.verify_claims(&json!({ "exp": -1e300 })), Err(TokenError::Expired));
    assert_eq!(bench.verify_claims(&json!({ "nbf": i64::MAX })), Err(TokenError::NotYetValid));
    for wrong in [json!("soon"), json!(true)] {
        assert_eq!(bench.verify_claims(&json!({ "exp": wrong })), Err(TokenError::Claim("exp")), "{wrong}");
    }
}

#[test]
fn roles_of_other_systems_are_left_out() {
    let bench = Bench::new();
    let granted = bench.verify_claims(&json!({ "roles": ["root", "auditor", "Admin"] })).expect("a grant");
    assert_eq!(granted.roles, [Role::Auditor]);
}

#[test]
fn bytes_that_are_no_token_are_refused() {
    let bench = Bench::new();
    let long = "a".repeat(TOKEN_MAX + 1);
    for token in ["", ".", "..", "a.b.c", "a.b.c.d", long.as_str()] {
        assert_eq!(bench.verify(token), Err(TokenError::Malformed), "{}", &token[..token.len().min(9)]);
    }
}

#[test]
fn bytes_that_are_no_key_make_no_issuer() {
    let made = TokenIssuer::try_new(ISSUER, b"no key", HOUR, Clock::default());
    assert_eq!(made.err(), Some(IssuerError::Key));
}
