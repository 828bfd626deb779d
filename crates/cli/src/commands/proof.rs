//! What a card signs to prove itself: this program's own statement, built from terms that it has checked. A card signs
//! documents with the same key, so bytes from a server are never signed.

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::{Certificate, Signer};
use eseal_proto::moment;
use eseal_proto::seal::v1 as pb;

use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// What a proof is for, as this program knows it.
#[derive(Debug, Clone, Copy)]
pub struct Purpose<'a> {
    /// The service that it is for.
    pub audience: &'static str,
    /// What for.
    pub purpose: &'static str,
    /// The attempt or run.
    pub attempt: &'a str,
    /// The seal.
    pub seal: &'a str,
    /// The document, where one is sealed.
    pub document: Option<Digest>,
}

/// The statement of `terms`, if they are for this purpose.
///
/// # Errors
/// They are for another one: then nothing is signed.
pub fn statement(
    lang: Lang,
    terms: Option<&pb::ChallengeTerms>,
    of: Purpose<'_>,
) -> Result<ChallengeStatement, Failure> {
    let refused = || Failure::new(Kind::Refused, "NOT_SIGNED_BLINDLY", lang);
    let terms = terms.ok_or_else(refused)?;
    let fits = terms.audience == of.audience
        && terms.purpose == of.purpose
        && terms.attempt_id == of.attempt
        && terms.seal_id == of.seal;
    let expires_at = terms.expires_at.as_ref().and_then(moment::micros).map(Timestamp::from_micros);
    let (true, Some(expires_at), Ok(nonce)) = (fits, expires_at, hex::decode(&terms.nonce)) else {
        return Err(refused());
    };
    Ok(ChallengeStatement {
        audience: of.audience.to_owned(),
        purpose: of.purpose.to_owned(),
        attempt_id: of.attempt.to_owned(),
        seal_id: Some(of.seal.to_owned()),
        document_digest: of.document,
        nonce,
        expires_at,
    })
}

/// The statement, signed.
///
/// # Errors
/// The key does not sign.
pub fn signed(
    lang: Lang,
    statement: &ChallengeStatement,
    key: &dyn Signer,
    certificate: &Certificate,
) -> Result<pb::SignedStatement, Failure> {
    let unusable = |why: String| Failure::new(Kind::Usage, "CARD_UNUSABLE", lang).because(why);
    let statement = statement.encode().map_err(|error| unusable(error.to_string()))?;
    let signature = key.sign(&statement).map_err(|error| unusable(error.to_string()))?;
    Ok(pb::SignedStatement { statement, signature, certificate: certificate.der().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEALING: Purpose<'static> =
        Purpose { audience: "eseal.authentication", purpose: "seal-document", attempt: "a", seal: "s", document: None };

    fn terms() -> pb::ChallengeTerms {
        pb::ChallengeTerms {
            audience: "eseal.authentication".to_owned(),
            purpose: "seal-document".to_owned(),
            attempt_id: "a".to_owned(),
            seal_id: "s".to_owned(),
            nonce: "00".repeat(32),
            expires_at: Some(moment::from_micros(7)),
        }
    }

    #[test]
    fn terms_for_this_purpose_become_a_statement() {
        assert_eq!(statement(Lang::En, Some(&terms()), SEALING).unwrap().attempt_id, "a");
    }

    #[test]
    fn terms_for_anything_else_are_not_signed() {
        let others = [
            pb::ChallengeTerms { audience: "eseal.fabrication".to_owned(), ..terms() },
            pb::ChallengeTerms { purpose: "make-seal".to_owned(), ..terms() },
            pb::ChallengeTerms { attempt_id: "b".to_owned(), ..terms() },
            pb::ChallengeTerms { seal_id: "t".to_owned(), ..terms() },
            pb::ChallengeTerms { nonce: "not hex".to_owned(), ..terms() },
            pb::ChallengeTerms { expires_at: None, ..terms() },
        ];
        for other in others {
            assert_eq!(statement(Lang::En, Some(&other), SEALING).unwrap_err().code, "NOT_SIGNED_BLINDLY");
        }
        assert_eq!(statement(Lang::En, None, SEALING).unwrap_err().code, "NOT_SIGNED_BLINDLY");
    }
}
