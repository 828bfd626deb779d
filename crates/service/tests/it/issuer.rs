//! A stand-in for an OpenID provider: a small HTTP server of the test's own that does what a test tells it to, and counts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RsaKeyPair,
};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eseal_kernel::{Clock, Timestamp};
use eseal_service::oidc::{Oidc, OidcConfig, Pace, Signed};
use eseal_service::token::{Grant, TokenError, TokenVerifier};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// When all tokens here are issued.
pub const NOW: i64 = 1_800_000_000;

/// What the stand-in does and has done.
#[derive(Debug, Default)]
pub struct Script {
    /// Another issuer than itself in its description.
    pub describes: Option<String>,
    /// Another address of its keys.
    pub keys_at: Option<String>,
    /// What it publishes.
    pub keys: Vec<Value>,
    /// Its answer to the question for keys, if it is not that.
    pub instead: Option<Response<Body>>,
    pub cache_control: Option<String>,
    pub delay: Duration,
    pub asked_for_description: u32,
    pub asked_for_keys: u32,
}

/// A provider that runs.
pub struct Issuer {
    pub address: SocketAddr,
    pub script: Arc<Mutex<Script>>,
    _stop: DropGuard,
}

impl Issuer {
    pub async fn new(keys: &[&Key]) -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"), keys).await
    }

    pub async fn at(address: SocketAddr, keys: &[&Key]) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = Script { keys: keys.iter().map(|key| key.jwk.clone()).collect(), ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let routes = Router::new()
            .route("/realm/.well-known/openid-configuration", get(describe))
            .route("/realm/keys", get(keys_of))
            .with_state((address, script.clone()));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(stopped).await });
        Self { address, script, _stop: stop.drop_guard() }
    }

    pub fn name(&self) -> String {
        format!("http://{}/realm", self.address)
    }

    pub fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().expect("no panic"));
    }

    pub fn publish(&self, keys: &[&Key]) {
        self.set(|script| script.keys = keys.iter().map(|key| key.jwk.clone()).collect());
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> u32 {
        self.script.lock().expect("no panic").asked_for_keys
    }

    pub fn config(&self) -> OidcConfig {
        config(&self.name())
    }
}

async fn describe(State((address, script)): State<(SocketAddr, Arc<Mutex<Script>>)>) -> String {
    let mut script = script.lock().expect("no panic");
    script.asked_for_description += 1;
    let issuer = script.describes.clone().unwrap_or(format!("http://{address}/realm"));
    let keys_at = script.keys_at.clone().unwrap_or(format!("http://{address}/realm/keys"));
    json!({ "issuer": issuer, "jwks_uri": keys_at }).to_string()
}

async fn keys_of(State((_, script)): State<(SocketAddr, Arc<Mutex<Script>>)>) -> Response<Body> {
    let (answer, delay) = {
        let mut script = script.lock().expect("no panic");
        script.asked_for_keys += 1;
        let mut answer = Response::new(Body::from(json!({ "keys": script.keys }).to_string()));
        if let Some(value) = &script.cache_control {
            answer.headers_mut().insert("cache-control", value.parse().expect("a value"));
        }
        (script.instead.take().unwrap_or(answer), script.delay)
    };
    tokio::time::sleep(delay).await;
    answer
}

/// Settings for the issuer of this name, with a pace for tests.
pub fn config(issuer: &str) -> OidcConfig {
    let text = format!("issuer = \"{issuer}\"\nalgorithms = [\"ES256\"]");
    let mut config: OidcConfig = toml::from_str(&text).expect("settings");
    // Unknown keys may be asked for at once; nothing is fetched in the background meanwhile.
    config.pace = Pace { cooldown: Duration::ZERO, ..Pace::default() };
    config
}

/// A verifier by these settings, at the time of all tokens here.
pub fn verifier(config: &OidcConfig) -> TokenVerifier {
    Oidc::try_new(config).expect("settings").verifier(clock())
}

pub fn clock() -> Clock {
    Clock::fixed(Timestamp::from_seconds(NOW))
}

pub async fn verified(config: &OidcConfig, token: &str) -> Result<Grant, TokenError> {
    verifier(config).verify(token).await
}

/// A key of the issuer.
pub struct Key {
    pub algorithm: Algorithm,
    pub jwk: Value,
    signing: EncodingKey,
    kid: String,
}

impl Key {
    pub fn new(kid: &str) -> Self {
        Self::of(kid, Signed::ES256)
    }

    pub fn of(kid: &str, signed: Signed) -> Self {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let ec = |curve: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": curve, "x": part(x), "y": part(y), "kid": kid, "use": "sig" })
        };
        let random = aws_lc_rs::rand::SystemRandom::new();
        let (algorithm, jwk, signing) = match signed {
            Signed::ES256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).expect("a key");
                (Algorithm::ES256, ec("P-256", pair.public_key().as_ref()), EncodingKey::from_ec_der(der.as_ref()))
            }
            Signed::ES384 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).expect("a key");
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der.as_ref()).expect("a key");
                (Algorithm::ES384, ec("P-384", pair.public_key().as_ref()), EncodingKey::from_ec_der(der.as_ref()))
            }
            Signed::EdDSA => {
                let der = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
                let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
                let x = part(pair.public_key().as_ref());
                let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA" });
                (Algorithm::EdDSA, jwk, EncodingKey::from_ed_der(der.as_ref()))
            }
            Signed::RS256 => Self::rsa(kid, Algorithm::RS256),
            Signed::RS384 => Self::rsa(kid, Algorithm::RS384),
            Signed::RS512 => Self::rsa(kid, Algorithm::RS512),
            Signed::PS256 => Self::rsa(kid, Algorithm::PS256),
            Signed::PS384 => Self::rsa(kid, Algorithm::PS384),
            Signed::PS512 => Self::rsa(kid, Algorithm::PS512),
        };
        Self { algorithm, jwk, signing, kid: kid.to_owned() }
    }

    fn rsa(kid: &str, algorithm: Algorithm) -> (Algorithm, Value, EncodingKey) {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = key.as_der().expect("a key");
        let pair = RsaKeyPair::from_pkcs8(der.as_ref()).expect("a key");
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode([1, 0, 1]));
        let jwk = json!({ "kty": "RSA", "n": n, "e": e, "kid": kid, "use": "sig" });
        (algorithm, jwk, EncodingKey::from_rsa_der(&pkcs1(der.as_ref())))
    }

    /// The uncompressed point of a key on P-256.
    pub fn point(&self) -> Vec<u8> {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(self.jwk[name].as_str().expect("a text")).expect("base64");
        [vec![4], part("x"), part("y")].concat()
    }

    /// The claims in a token that this key signs.
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.signing).expect("a token")
    }
}

/// The RSAPrivateKey inside of a PKCS#8 key of RSA with 2048 bits: what follows the fixed header (RFC 5958 §2).
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    pkcs8[26..].to_vec()
}

/// Good claims of `issuer`, with these in the place of their own; null = without.
pub fn claims(issuer: &str, changed: &Value) -> Value {
    let mut claims = json!({
        "iss": issuer, "sub": "p1", "aud": "eseal", "iat": NOW, "exp": NOW + 600, "roles": ["auditor"],
    });
    for (name, value) in changed.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    claims
}
