//! What a card must say to prove a key, and whether it said so. Pure.

use eseal_pki::Certificate;
use eseal_pki::challenge::ChallengeStatement;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;

use crate::domain::event::Challenge;
use crate::domain::run::{Run, Stage};

/// Whom the proofs of cards are for.
pub const AUDIENCE: &str = "eseal.fabrication";
/// What a maker card proves its key for.
pub const MAKE_SEAL: &str = "make-seal";
/// What a seal card proves its keys for.
pub const HOLD_SEAL: &str = "hold-seal";

/// What a maker card's statement must say, while it is awaited.
pub fn maker_terms(run: &Run) -> Option<seal_pb::ChallengeTerms> {
    match &run.stage {
        Stage::MakerCard(challenge) => Some(terms(run, MAKE_SEAL, challenge)),
        Stage::SealCard { .. } | Stage::Signing { .. } | Stage::Storing { .. } => None,
    }
}

/// What a seal card's statements must say, while they are awaited.
pub fn seal_card_terms(run: &Run) -> Option<seal_pb::ChallengeTerms> {
    match &run.stage {
        Stage::SealCard { challenge, .. } => Some(terms(run, HOLD_SEAL, challenge)),
        Stage::MakerCard(_) | Stage::Signing { .. } | Stage::Storing { .. } => None,
    }
}

fn terms(run: &Run, purpose: &str, challenge: &Challenge) -> seal_pb::ChallengeTerms {
    seal_pb::ChallengeTerms {
        audience: AUDIENCE.to_owned(),
        purpose: purpose.to_owned(),
        attempt_id: run.run_id.to_string(),
        seal_id: run.seal_id.to_string(),
        nonce: challenge.nonce.clone(),
        expires_at: Some(moment::from_micros(challenge.expires_at.micros())),
    }
}

/// The nonce that a proof answers, if the key of `certificate` signed it and it says what the terms say.
pub fn proved(
    proof: &seal_pb::SignedStatement,
    certificate: &Certificate,
    terms: &seal_pb::ChallengeTerms,
) -> Option<String> {
    let key = certificate.public_key().ok()?;
    let said = ChallengeStatement::verified(&proof.statement, &proof.signature, &key).ok()?;
    let fits = said.audience == terms.audience
        && said.purpose == terms.purpose
        && said.attempt_id == terms.attempt_id
        && said.seal_id.as_deref() == Some(terms.seal_id.as_str())
        && said.document_digest.is_none()
        && Some(said.expires_at.micros()) == terms.expires_at.as_ref().and_then(moment::micros);
    fits.then(|| hex::encode(said.nonce))
}
