//! Cards as a maker's workstation sees them, and the authorities that certify them.

use std::sync::LazyLock;
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp, Uscc};
use eseal_pki::{Certificate, ChallengeStatement, DevelopmentCa, Purpose, Signer as _, SigningKey, Subject, Suite};
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;

use crate::workshop::now;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Who certifies holders.
pub static HOLDERS: LazyLock<DevelopmentCa> = LazyLock::new(|| authority("holders", Purpose::Holder));
/// Who certifies makers.
pub static MAKERS: LazyLock<DevelopmentCa> = LazyLock::new(|| authority("makers", Purpose::Maker));

fn authority(name: &str, purpose: Purpose) -> DevelopmentCa {
    DevelopmentCa::create(Suite::Sm2Sm3, name, purpose, now()).expect("an authority")
}

/// A connected card.
pub struct Card {
    pub serial: String,
    pub keys: Vec<(SigningKey, Certificate)>,
}

impl Card {
    /// A maker card.
    pub fn maker(serial: &str) -> Self {
        let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
        let certificate =
            MAKERS.issue(&key.public_key(), &Subject::named("maker"), YEAR, now()).expect("a certificate");
        Self { serial: serial.to_owned(), keys: vec![(key, certificate)] }
    }

    /// A seal card of an organization: an SM2 key and a P-256 key.
    pub fn holder(serial: &str, uscc: &str) -> Self {
        let uscc: Uscc = uscc.parse().expect("a code");
        let subject = Subject::of_organization("seal", uscc, "某公司");
        let key = |suite| {
            let key = SigningKey::generate(suite).expect("a key");
            let certificate = HOLDERS.issue(&key.public_key(), &subject, YEAR, now()).expect("a certificate");
            (key, certificate)
        };
        Self { serial: serial.to_owned(), keys: vec![key(Suite::Sm2Sm3), key(Suite::EcdsaP256Sha256)] }
    }

    pub fn certificate(&self) -> &Certificate {
        &self.keys[0].1
    }

    pub fn digests(&self) -> Vec<Digest> {
        self.keys.iter().map(|(_, certificate)| certificate.fingerprint()).collect()
    }

    /// The signature of its first key.
    pub fn signs(&self, message: &[u8]) -> Vec<u8> {
        self.keys[0].0.sign(message).expect("a signature")
    }

    /// The proof of its first key.
    pub fn proves(&self, terms: &seal_pb::ChallengeTerms) -> seal_pb::SignedStatement {
        self.proofs(terms).remove(0)
    }

    /// The proofs of all its keys.
    pub fn proofs(&self, terms: &seal_pb::ChallengeTerms) -> Vec<seal_pb::SignedStatement> {
        let statement = statement(terms).encode().expect("a statement");
        let proof = |(key, certificate): &(SigningKey, Certificate)| seal_pb::SignedStatement {
            signature: key.sign(&statement).expect("a signature"),
            statement: statement.clone(),
            certificate: certificate.der().to_vec(),
        };
        self.keys.iter().map(proof).collect()
    }
}

fn statement(terms: &seal_pb::ChallengeTerms) -> ChallengeStatement {
    let expires_at = terms.expires_at.as_ref().and_then(moment::micros).expect("a moment");
    ChallengeStatement {
        audience: terms.audience.clone(),
        purpose: terms.purpose.clone(),
        attempt_id: terms.attempt_id.clone(),
        seal_id: Some(terms.seal_id.clone()),
        document_digest: None,
        nonce: hex::decode(&terms.nonce).expect("a nonce"),
        expires_at: Timestamp::from_micros(expires_at),
    }
}
