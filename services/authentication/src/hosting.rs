//! 托管密钥: generates the key pairs, and signs with them. A private key is in memory only while it is used.

use eseal_eventstore::Row;
use eseal_pki::{CertificateRequest, KeyError, RequestError, SignError, Signer as _, SigningKey, Subject, Suite};

use zeroize::Zeroizing;

use crate::contents::{ContentError, Contents, Secret, Secrets};
use crate::domain::ids::HostedKeyId;
use crate::domain::registration::Organization;
use crate::pins::{Pin, PinError, Pins};

/// The key pairs of a hosted key, the SM2 one first: for OFD, then for international PDF.
pub const SUITES: [Suite; 2] = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];

/// Keys, their PINs and their signatures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hosting {
    contents: Contents,
    pins: Pins,
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
    /// There is no private key of this kind.
    #[error("the hosted key {0} has no private key of this kind")]
    NoKey(HostedKeyId),
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
}

/// What a PIN is compared with.
pub struct PinHash(Zeroizing<Vec<u8>>);

impl Hosting {
    /// Keys among `contents`.
    pub fn new(contents: Contents) -> Self {
        Self { contents, pins: Pins::default() }
    }

    /// Generates the key pairs for an organization: the row that holds them, encrypted, with the PIN's hash.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn generate(&self, id: HostedKeyId, owner: &Organization, pin: Pin) -> Result<Row, HostingError> {
        let pin_hash = self.pins.hash(pin).await?;
        let subject = Subject::of_organization(&owner.name_zh, owner.uscc.clone(), &owner.name_zh);
        let contents = self.contents.clone();
        blocking(move || {
            let [(sm2, sm2_request), (p256, p256_request)] =
                [key_pair(Suite::Sm2Sm3, &subject)?, key_pair(Suite::EcdsaP256Sha256, &subject)?];
            let secrets = Secrets {
                sm2_key: &sm2.to_pkcs8_der(),
                p256_key: &p256.to_pkcs8_der(),
                pin_hash: &pin_hash,
                sm2_request: sm2_request.der(),
                p256_request: p256_request.der(),
            };
            Ok(contents.secrets_row(id, &secrets)?)
        })
        .await
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

    /// The signature of the key of this suite over the message. What the message says is the caller's to know.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn sign(&self, id: HostedKeyId, suite: Suite, message: Vec<u8>) -> Result<Vec<u8>, HostingError> {
        let pkcs8 = self.private_key(id, suite).await?;
        blocking(move || Ok(SigningKey::from_pkcs8_der(&pkcs8)?.sign(&message)?)).await
    }

    /// PKCS #8 of the key of this suite, for one piece of work that signs often. Wiped when dropped.
    ///
    /// # Errors
    /// [`HostingError`].
    pub async fn private_key(&self, id: HostedKeyId, suite: Suite) -> Result<Zeroizing<Vec<u8>>, HostingError> {
        let secret = match suite {
            Suite::Sm2Sm3 => Secret::Sm2Key,
            Suite::EcdsaP256Sha256 => Secret::P256Key,
            Suite::EcdsaP384Sha384 | Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => {
                return Err(HostingError::NoKey(id));
            }
        };
        self.contents.secret(id, secret).await?.ok_or(HostingError::NoKey(id))
    }
}

fn key_pair(suite: Suite, subject: &Subject) -> Result<(SigningKey, CertificateRequest), HostingError> {
    let key = SigningKey::generate(suite)?;
    let request = CertificateRequest::create(subject, &key, &key.public_key())?;
    Ok((key, request))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HostingError> + Send + 'static,
) -> Result<T, HostingError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(HostingError::Stopping))
}
