//! What a card signs to prove that it is there: a statement that the client builds itself, never bytes from a server.
//!
//! A card signs documents with the same key. Were it to sign whatever a server sends, the server could have a document signed
//! as a "challenge". So the statement is text with a first line of its own, both sides build and read it by the rules below,
//! and whoever signs it decodes it first.
//!
//! ```text
//! eseal-challenge-v1
//! audience=authentication.eseal
//! purpose=seal
//! attempt=0198c5c2-7c3a-7bb1-9a55-0d3c3f1d0a11
//! seal=0198c5c0-1f0e-7e42-8d10-5a0e5f1c2b3d
//! document=66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0
//! nonce=6f1d0c…
//! expires=2026-01-31T08:02:00.000000Z
//! ```
//!
//! Every line ends with LF, in this order, each exactly once. A value that is absent (a seal before it is made, no document)
//! leaves its line empty behind the `=`. One statement has one encoding only.

use std::fmt::Write as _;

use eseal_kernel::{Digest, Timestamp};

use crate::public_key::{BadSignature, PublicKey};

/// The first line: the domain in which the signature counts.
pub const CHALLENGE_DOMAIN: &str = "eseal-challenge-v1";
/// Bytes of the longest statement that is read.
const MAX_STATEMENT: usize = 4096;
/// Bytes of the longest text in it.
const MAX_TEXT: usize = 200;
/// Bytes of a nonce: fewer could be guessed or repeat.
const NONCE: std::ops::RangeInclusive<usize> = 16..=64;

/// A statement to be signed with the key of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeStatement {
    /// The service that asks, such as `authentication.eseal`: a signature for one is worth nothing to another.
    pub audience: String,
    /// What it is signed for: a word of the caller's, such as `seal` or `fabricate`.
    pub purpose: String,
    /// The attempt or run that it belongs to.
    pub attempt_id: String,
    /// The seal, once there is one.
    pub seal_id: Option<String>,
    /// The digest of the document that is about to be sealed.
    pub document_digest: Option<Digest>,
    /// 16 to 64 random bytes of the service.
    pub nonce: Vec<u8>,
    /// After this moment it counts no more.
    pub expires_at: Timestamp,
}

/// Why a statement cannot be written, or bytes are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a challenge statement of eseal: {0}")]
pub struct InvalidStatement(&'static str);

/// Why a signed statement does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// It cannot be read.
    #[error(transparent)]
    Invalid(#[from] InvalidStatement),
    /// The key did not sign it.
    #[error("the challenge was not signed with this key")]
    BadSignature,
}

impl ChallengeStatement {
    /// The bytes to be signed.
    pub fn encode(&self) -> Result<Vec<u8>, InvalidStatement> {
        let seal = self.seal_id.as_deref();
        let texts = [Some(self.audience.as_str()), Some(&self.purpose), Some(&self.attempt_id), seal];
        if !texts.into_iter().flatten().all(is_text) {
            return Err(InvalidStatement("a text is empty, too long or has characters other than visible ASCII"));
        }
        if !NONCE.contains(&self.nonce.len()) {
            return Err(InvalidStatement("the nonce has not 16 to 64 bytes"));
        }
        let document = self.document_digest.map(|digest| digest.to_string()).unwrap_or_default();
        let mut text = format!("{CHALLENGE_DOMAIN}\n");
        for (name, value) in [
            ("audience", self.audience.as_str()),
            ("purpose", &self.purpose),
            ("attempt", &self.attempt_id),
            ("seal", seal.unwrap_or_default()),
            ("document", &document),
            ("nonce", &hex::encode(&self.nonce)),
            ("expires", &self.expires_at.to_string()),
        ] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}={value}");
        }
        Ok(text.into_bytes())
    }

    /// Reads what [`ChallengeStatement::encode`] wrote, and nothing else: exactly its lines, in its spelling.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidStatement> {
        if bytes.len() > MAX_STATEMENT {
            return Err(InvalidStatement("more than 4096 bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidStatement("no text"))?;
        let mut lines = text.split('\n');
        if lines.next() != Some(CHALLENGE_DOMAIN) {
            return Err(InvalidStatement("another first line"));
        }
        let mut value = |name: &str| {
            let rest = lines.next().and_then(|line| line.strip_prefix(name));
            rest.and_then(|rest| rest.strip_prefix('=')).ok_or(InvalidStatement("a line is missing or out of order"))
        };
        let statement = Self {
            audience: value("audience")?.to_owned(),
            purpose: value("purpose")?.to_owned(),
            attempt_id: value("attempt")?.to_owned(),
            seal_id: Some(value("seal")?).filter(|id| !id.is_empty()).map(str::to_owned),
            document_digest: match value("document")? {
                "" => None,
                digest => Some(digest.parse().map_err(|_| InvalidStatement("the document's digest"))?),
            },
            nonce: hex::decode(value("nonce")?).map_err(|_| InvalidStatement("the nonce"))?,
            expires_at: value("expires")?.parse().map_err(|_| InvalidStatement("the moment of expiry"))?,
        };
        // One statement, one encoding: this finds whatever is left over or spelled differently.
        if statement.encode()? == bytes { Ok(statement) } else { Err(InvalidStatement("another spelling")) }
    }

    /// Reads a signed statement: `signature` must be that of `key` over exactly these bytes. The caller then compares audience,
    /// purpose, attempt, seal, document, nonce and expiry with what it asked for.
    pub fn verified(bytes: &[u8], signature: &[u8], key: &PublicKey) -> Result<Self, AttestationError> {
        let statement = Self::decode(bytes)?;
        key.verify(bytes, signature).map_err(|BadSignature| AttestationError::BadSignature)?;
        Ok(statement)
    }
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Signer as _, SigningKey, Suite};

    fn statement() -> ChallengeStatement {
        ChallengeStatement {
            audience: "authentication.eseal".to_owned(),
            purpose: "seal".to_owned(),
            attempt_id: "attempt-1".to_owned(),
            seal_id: Some("seal-1".to_owned()),
            document_digest: Some(Digest::of(b"document")),
            nonce: vec![7; 16],
            expires_at: Timestamp::from_seconds(1_800_000_120),
        }
    }

    #[test]
    fn the_text_is_the_documented_one() {
        let text = String::from_utf8(statement().encode().expect("a text")).expect("text");
        let expected = format!(
            "eseal-challenge-v1\naudience=authentication.eseal\npurpose=seal\nattempt=attempt-1\nseal=seal-1\n\
             document={}\nnonce=07070707070707070707070707070707\nexpires=2027-01-15T08:02:00.000000Z\n",
            Digest::of(b"document")
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let text = String::from_utf8(statement().encode().expect("a text")).expect("text");
        for other in [
            text.replace('\n', "\r\n"),
            text.replace("v1", "v2"),
            text.replace("purpose=seal\n", ""),
            text.replace("purpose=seal\nattempt=attempt-1", "attempt=attempt-1\npurpose=seal"),
            text.replace("nonce=07", "nonce=0A"),
            text.replace("T08:02:00.000000Z", "T16:02:00.000000+08:00"),
            text.replace("nonce=0707070707", "nonce=07"),
            text.replace("audience=", "audience= "),
            format!("{text}\n"),
            format!("{text}more=1\n"),
            text.trim_end().to_owned(),
            String::new(),
        ] {
            assert!(ChallengeStatement::decode(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_text_with_a_line_break_cannot_add_a_line() {
        for text in ["seal\ndocument=", "", "a b", "章", &"a".repeat(201)] {
            let forged = ChallengeStatement { purpose: text.to_owned(), ..statement() };
            assert!(forged.encode().is_err(), "{text}");
        }
    }

    #[test]
    fn a_statement_counts_when_the_key_signed_exactly_it() {
        for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
            let key = SigningKey::generate(suite).expect("a key");
            let bytes = statement().encode().expect("a text");
            let signature = key.sign(&bytes).expect("a signature");
            assert_eq!(ChallengeStatement::verified(&bytes, &signature, &key.public_key()), Ok(statement()));

            let other =
                ChallengeStatement { attempt_id: "attempt-2".to_owned(), ..statement() }.encode().expect("a text");
            let replayed = ChallengeStatement::verified(&other, &signature, &key.public_key());
            assert_eq!(replayed, Err(AttestationError::BadSignature));
        }
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(
            texts in prop::array::uniform3("[!-~]{1,40}"),
            seal in prop::option::of("[!-~]{1,40}"),
            document in prop::option::of(any::<[u8; 32]>()),
            nonce in prop::collection::vec(any::<u8>(), 16..=64),
            expires in 0..4_000_000_000_000_000_i64,
        ) {
            let [audience, purpose, attempt_id] = texts;
            let statement = ChallengeStatement {
                audience, purpose, attempt_id, nonce,
                seal_id: seal,
                document_digest: document.map(Digest::from_bytes),
                expires_at: Timestamp::from_micros(expires),
            };
            prop_assert_eq!(ChallengeStatement::decode(&statement.encode().expect("valid")), Ok(statement));
        }

        #[test]
        fn what_is_decoded_is_encoded_the_same(bytes in "(?s)eseal-challenge-v1\n.{0,80}") {
            if let Ok(statement) = ChallengeStatement::decode(bytes.as_bytes()) {
                prop_assert_eq!(statement.encode().expect("valid"), bytes.into_bytes());
            }
        }
    }
}
