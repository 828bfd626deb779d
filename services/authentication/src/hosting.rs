//! 托管密钥: generates the key pairs, and signs with them.
//!
//! Each pair has a home of its own: encrypted in the database, where its private key is in memory only while it is used; or on a
//! token, which it never leaves. What is stored of a pair on a token is where it is, encrypted like a key.

use std::fmt;
use std::sync::Arc;

use eseal_card::{CardError, HsmKey, KeyKind};
use eseal_eventstore::Row;
use eseal_pki::{CertificateRequest, KeyError, PublicKey, RequestError, SignError, Signer, SigningKey, Subject, Suite};
use zeroize::Zeroizing;

use crate::contents::{ContentError, Contents, Secret, Secrets};
use crate::domain::ids::HostedKeyId;
use crate::domain::registration::Organization;
use crate::pins::{Pin, PinError, Pins};
use crate::vault::{Token, TokenError, Vault};

/// The key pairs of a hosted key, the SM2 one first: for OFD, then for international PDF.
pub const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];

/// The first line of what is stored of a pair on a token. PKCS #8 begins otherwise.
const ON_TOKEN: &str = "eseal-pair-on-token-v1";

/// Keys, their PINs and their signatures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hosting {
    contents: Contents,
    pins: Pins,
    vault: Arc<Vault>,
    /// The names of the tokens in which new pairs are made, in the order of [`SUITES`].
    homes: [Option<Arc<str>>; 2],
}

/// Why keys can't be generated or used.
#[derive(Debug, thiserror::Error)]
pub enum HostingError {
    /// A stored secret can't be stored or read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The PIN can't be hashed or compared.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A key can't be generated or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate request can't be made: a name in it has no place in a certificate.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The token of a pair did not do what was asked.
    #[error("the token {name:?}: {source}")]
    Token {
        /// Its name in the settings.
        name: Arc<str>,
        /// Why.
        source: TokenError,
    },
    /// The token of a pair is not among the settings.
    #[error("a pair is on the token {0:?}, which is not configured")]
    NoToken(String),
    /// A token signed otherwise than its public key says.
    #[error("the token signed with another key than it showed")]
    OtherSignature,
    /// There is no private key of this kind.
    #[error("the hosted key {0} has no private key of this kind")]
    NoKey(HostedKeyId),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
}

impl HostingError {
    /// Whether it may be better later.
    pub const fn is_for_now(&self) -> bool {
        match self {
            Self::Content(error) => error.is_for_now(),
            Self::Token { source, .. } => source.is_for_now(),
            Self::Sign(SignError::Device(_)) => true,
            _ => false,
        }
    }
}

impl From<TokenError> for HostingError {
    fn from(source: TokenError) -> Self {
        Self::Token { name: Arc::from(""), source }
    }
}

/// What a PIN is compared with.
pub struct PinHash(Zeroizing<Vec<u8>>);

/// A pair that signs.
#[derive(Clone)]
pub struct Pair(Home);

#[derive(Clone)]
enum Home {
    /// PKCS #8, wiped when dropped.
    Here(Zeroizing<Vec<u8>>),
    OnToken(Token, HsmKey),
}

impl Pair {
    /// The signature over the message. What the message says is the caller's to know. Blocks.
    ///
    /// # Errors
    /// [`HostingError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, HostingError> {
        match &self.0 {
            Home::Here(pkcs8) => Ok(SigningKey::from_pkcs8_der(pkcs8)?.sign(message)?),
            Home::OnToken(_, key) => {
                let signature = key.sign(message)?;
                // A vendor's library made it: what does not verify is given to nobody.
                let verified = key.public_key().verify(message, &signature);
                verified.map(|()| signature).map_err(|_| HostingError::OtherSignature)
            }
        }
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair(…)")
    }
}

impl Hosting {
    /// Keys among `contents`; new pairs in the tokens of these names, in the order of [`SUITES`], and here where there is none.
    ///
    /// # Errors
    /// The setting that names a home that is none, and why. A token that can't be reached just now is no reason not to start.
    pub async fn try_new(
        contents: Contents,
        vault: &Arc<Vault>,
        homes: [&str; 2],
    ) -> Result<Self, (&'static str, String)> {
        for (setting, name, suite) in [("sm2_pairs_in", homes[0], SUITES[0]), ("p256_pairs_in", homes[1], SUITES[1])] {
            if name.is_empty() {
                continue;
            }
            let none = || (setting, format!("{name:?} is no PKCS #11 token among [keys]"));
            let token = vault.token(name).ok_or_else(none)?;
            match token.run(|hsm| Ok::<_, TokenError>(hsm.offers()?)).await {
                Ok(offers) => {
                    let offered = if suite == Suite::Sm2Sm3 { offers.sm2 } else { offers.p256 };
                    if !offered {
                        return Err((setting, format!("the token {name:?} does not offer {suite} key pairs")));
                    }
                }
                Err(error) if error.is_for_now() => {
                    tracing::warn!(%error, name, "the home of new key pairs can't be looked at now");
                }
                Err(error) => return Err((setting, error.to_string())),
            }
        }
        let homes = homes.map(|name| (!name.is_empty()).then(|| Arc::from(name)));
        Ok(Self { contents, pins: Pins::default(), vault: Arc::clone(vault), homes })
    }

    /// Who hashes.
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// What lies beside the facts.
    pub const fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Generates the key pairs for an organization: the row that holds them, encrypted, with the PIN's hash.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn generate(&self, id: HostedKeyId, owner: &Organization, pin: Pin) -> Result<Row, HostingError> {
        let pin_hash = self.pins.hash(pin).await?;
        let subject = Subject::of_organization(&owner.name_zh, owner.uscc.clone(), &owner.name_zh);
        // On tokens first: one that is not there leaves nothing behind on another one.
        let (sm2_key, sm2_request) = self.make_pair(id, 0, subject.clone()).await?;
        let (p256_key, p256_request) = self.make_pair(id, 1, subject).await?;
        let secrets = Secrets {
            sm2_key: &sm2_key,
            p256_key: &p256_key,
            pin_hash: &pin_hash,
            sm2_request: sm2_request.der(),
            p256_request: p256_request.der(),
        };
        Ok(self.contents.secrets_row(id, &secrets).await?)
    }

    /// A pair in its home: what is stored of it, and its request for a certificate.
    async fn make_pair(
        &self,
        id: HostedKeyId,
        place: usize,
        subject: Subject,
    ) -> Result<(Zeroizing<Vec<u8>>, CertificateRequest), HostingError> {
        let suite = SUITES[place];
        let Some(name) = self.homes[place].clone() else {
            return blocking(move || {
                let key = SigningKey::generate(suite)?;
                let request = CertificateRequest::create(&subject, &key, &key.public_key())?;
                Ok((key.to_pkcs8_der(), request))
            })
            .await;
        };
        let token = self.token(&name)?;
        let (cka_id, kind) = (cka_id(id, suite), if suite == Suite::Sm2Sm3 { KeyKind::Sm2 } else { KeyKind::P256 });
        let made = token.run(move |hsm| {
            let key = hsm.generate(&cka_id, kind).map_err(TokenError::from)?;
            let request = CertificateRequest::create(&subject, &key, key.public_key())?;
            request.verify().map_err(|_| HostingError::OtherSignature)?;
            Ok::<_, HostingError>((key, request))
        });
        let (key, request) = made.await.map_err(|error| of_token(&name, error))?;
        let spki = hex::encode(key.public_key().to_spki_der());
        let stored = format!("{ON_TOKEN}\n{name}\n{}\n{spki}\n", hex::encode(cka_id));
        Ok((Zeroizing::new(stored.into_bytes()), request))
    }

    /// What the PIN of a hosted key is compared with; none if there is no such key.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn pin_hash(&self, id: HostedKeyId) -> Result<Option<PinHash>, HostingError> {
        Ok(self.contents.secret(id, Secret::PinHash).await?.map(PinHash))
    }

    /// Whether the PIN is right. Count the try first.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn is_right(&self, pin: Pin, hash: PinHash) -> Result<bool, HostingError> {
        Ok(self.pins.is_right(pin, hash.0).await?)
    }

    /// The signature of the pair of this suite over the message. What the message says is the caller's to know.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn sign(&self, id: HostedKeyId, suite: Suite, message: Vec<u8>) -> Result<Vec<u8>, HostingError> {
        let pair = self.key_pair(id, suite).await?;
        match &pair.0 {
            Home::Here(_) => blocking(move || pair.sign(&message)).await,
            Home::OnToken(token, _) => token.clone().run(move |_| pair.sign(&message)).await,
        }
    }

    /// The pair of this suite, for one piece of work that signs often.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn key_pair(&self, id: HostedKeyId, suite: Suite) -> Result<Pair, HostingError> {
        let secret = match suite {
            Suite::Sm2Sm3 => Secret::Sm2Key,
            Suite::EcdsaP256Sha256 => Secret::P256Key,
            Suite::EcdsaP384Sha384 | Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => {
                return Err(HostingError::NoKey(id));
            }
        };
        let stored = self.contents.secret(id, secret).await?.ok_or(HostingError::NoKey(id))?;
        let Some((name, cka_id, public)) = on_token(&stored) else { return Ok(Pair(Home::Here(stored))) };
        let token = self.token(name)?;
        let key = token.hsm().key(&cka_id, PublicKey::from_spki_der(&public)?, suite);
        Ok(Pair(Home::OnToken(token, key)))
    }

    fn token(&self, name: &str) -> Result<Token, HostingError> {
        self.vault.token(name).cloned().ok_or_else(|| HostingError::NoToken(name.to_owned()))
    }
}

/// The CKA_ID of a pair: the id of the hosted key and the number of its suite among [`SUITES`]. So that who looks at the token
/// finds whose it is, and two pairs never have one id.
fn cka_id(id: HostedKeyId, suite: Suite) -> [u8; 17] {
    let mut cka_id = [if suite == Suite::Sm2Sm3 { 1 } else { 2 }; 17];
    cka_id[..16].copy_from_slice(id.0.bytes());
    cka_id
}

/// The token, the CKA_ID and the public half of a pair on a token; none for PKCS #8.
fn on_token(stored: &[u8]) -> Option<(&str, Vec<u8>, Vec<u8>)> {
    let mut lines = std::str::from_utf8(stored).ok()?.lines();
    if lines.next() != Some(ON_TOKEN) {
        return None;
    }
    Some((lines.next()?, hex::decode(lines.next()?).ok()?, hex::decode(lines.next()?).ok()?))
}

fn of_token(name: &Arc<str>, error: HostingError) -> HostingError {
    match error {
        HostingError::Token { source, .. } => HostingError::Token { name: Arc::clone(name), source },
        other => other,
    }
}

impl From<CardError> for HostingError {
    fn from(error: CardError) -> Self {
        TokenError::from(error).into()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HostingError> + Send + 'static,
) -> Result<T, HostingError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(HostingError::Stopping))
}

#[cfg(test)]
mod tests {
    use eseal_kernel::Id;

    use super::*;

    #[test]
    fn what_is_stored_of_a_pair_on_a_token_is_read_again_and_a_key_is_taken_for_none() {
        let stored = format!("{ON_TOKEN}\nhsm-2027\n0102\nff\n");
        assert_eq!(on_token(stored.as_bytes()), Some(("hsm-2027", vec![1, 2], vec![255])));
        let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key").to_pkcs8_der();
        assert_eq!(on_token(&key), None);
    }

    #[test]
    fn the_pairs_of_a_hosted_key_have_ids_of_their_own_that_name_it() {
        let id = HostedKeyId(Id::from_bytes([7; 16]));
        let [sm2, p256] = SUITES.map(|suite| cka_id(id, suite));
        assert_ne!(sm2, p256);
        assert!(sm2.starts_with(&[7; 16]) && p256.starts_with(&[7; 16]));
    }
}
