//! Facts of acts over many documents.

use eseal_eventstore::Encoded;
use eseal_proto::authentication::v1 as pb;

use super::sealing::event;
use super::{Read, Unreadable, at, at_to_wire, digests, json, parsed, stored, texts, words, words_rights};
use crate::domain::Event;
use crate::domain::event::{RefusedInBatch, SealedInBatch, Step};
use crate::domain::reason::Reason;

const AUTHORIZED: &str = "eseal.authentication.v1.BatchAuthorized";
const HOSTED_SIGNATURES_MADE: &str = "eseal.authentication.v1.HostedSignaturesMade";
const SEALED: &str = "eseal.authentication.v1.DocumentsSealed";
const REFUSED: &str = "eseal.authentication.v1.DocumentsRefused";
const ENDED: &str = "eseal.authentication.v1.BatchEnded";

/// Steps of an act. Those of a single document are [`super::sealing::encode`]'s: of one it is the end that says nothing.
pub(super) fn encode(seal_id: String, attempt_id: String, step: &Step) -> Encoded {
    match step {
        Step::BatchAuthorized { root, documents, certificates, complete_before, card_uses, admitted } => {
            let message = pb::BatchAuthorized {
                seal_id,
                attempt_id,
                root: root.to_string(),
                documents: *documents,
                certificate_digests: texts(certificates),
                complete_before: at_to_wire(*complete_before),
                card_uses: *card_uses,
                admitted: admitted.iter().map(words_rights::admitted_to_wire).collect(),
            };
            stored(AUTHORIZED, &message)
        }
        Step::HostedSignaturesMade { signatures } => {
            let signature = |(index, signed): &(u32, eseal_kernel::Digest)| pb::HostedBatchSignature {
                index: *index,
                signed_digest: signed.to_string(),
            };
            let signatures = signatures.iter().map(signature).collect();
            stored(HOSTED_SIGNATURES_MADE, &pb::HostedSignaturesMade { seal_id, attempt_id, signatures })
        }
        Step::DocumentsSealed { documents } => {
            let documents = documents.iter().map(sealed_to_wire).collect();
            stored(SEALED, &pb::DocumentsSealed { seal_id, attempt_id, documents })
        }
        Step::DocumentsRefused { documents } => {
            let documents = documents.iter().map(refused_to_wire).collect();
            stored(REFUSED, &pb::DocumentsRefused { seal_id, attempt_id, documents })
        }
        Step::BatchEnded { sealed } => {
            stored(ENDED, &pb::BatchEnded { seal_id, attempt_id, documents_sealed: *sealed })
        }
        Step::Begun { .. }
        | Step::Refused { .. }
        | Step::PinTried { .. }
        | Step::PinAccepted { .. }
        | Step::PinRefused { .. }
        | Step::PinLocked
        | Step::Authorized { .. }
        | Step::HostedSigned { .. }
        | Step::ListSigned { .. }
        | Step::Completed { .. } => super::sealing::encode(seal_id, attempt_id, step),
    }
}

pub(super) fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Read<Event> {
    let event = match (kind, schema_version) {
        (AUTHORIZED, 1) => json(payload).and_then(authorized),
        (HOSTED_SIGNATURES_MADE, 1) => json(payload).and_then(hosted_signatures_made),
        (SEALED, 1) => json(payload).and_then(sealed),
        (REFUSED, 1) => json(payload).and_then(refused),
        (ENDED, 1) => json(payload).and_then(ended),
        _ => return None,
    };
    Some(event)
}

fn sealed_to_wire(document: &SealedInBatch) -> pb::SealedInBatch {
    pb::SealedInBatch {
        index: document.index,
        document_digest: document.document_digest.to_string(),
        signature_digest: document.signature_digest.to_string(),
        places: document.places.iter().map(words::place_to_wire).collect(),
    }
}

fn refused_to_wire(document: &RefusedInBatch) -> pb::RefusedInBatch {
    pb::RefusedInBatch {
        index: document.index,
        document_digest: document.document_digest.to_string(),
        reason: document.reason.code().to_owned(),
    }
}

fn authorized(message: pb::BatchAuthorized) -> Result<Event, Unreadable> {
    let step = Step::BatchAuthorized {
        root: parsed(&message.root, "root")?,
        documents: message.documents,
        certificates: digests(&message.certificate_digests, "certificateDigests")?,
        complete_before: at(message.complete_before.as_ref(), "completeBefore")?,
        card_uses: message.card_uses,
        admitted: message.admitted.iter().map(words_rights::admitted).collect::<Result<_, _>>()?,
    };
    event(&message.seal_id, &message.attempt_id, step)
}

fn hosted_signatures_made(message: pb::HostedSignaturesMade) -> Result<Event, Unreadable> {
    let signature = |made: &pb::HostedBatchSignature| Ok((made.index, parsed(&made.signed_digest, "signedDigest")?));
    let signatures = message.signatures.iter().map(signature).collect::<Result<_, Unreadable>>()?;
    event(&message.seal_id, &message.attempt_id, Step::HostedSignaturesMade { signatures })
}

fn sealed(message: pb::DocumentsSealed) -> Result<Event, Unreadable> {
    let document = |sealed: &pb::SealedInBatch| {
        Ok(SealedInBatch {
            index: sealed.index,
            document_digest: parsed(&sealed.document_digest, "documentDigest")?,
            signature_digest: parsed(&sealed.signature_digest, "signatureDigest")?,
            places: sealed.places.iter().map(words::place).collect(),
        })
    };
    let documents = message.documents.iter().map(document).collect::<Result<_, Unreadable>>()?;
    event(&message.seal_id, &message.attempt_id, Step::DocumentsSealed { documents })
}

fn refused(message: pb::DocumentsRefused) -> Result<Event, Unreadable> {
    let document = |refused: &pb::RefusedInBatch| {
        Ok(RefusedInBatch {
            index: refused.index,
            document_digest: parsed(&refused.document_digest, "documentDigest")?,
            reason: Reason::from_code(&refused.reason).ok_or(Unreadable::Field("reason"))?,
        })
    };
    let documents = message.documents.iter().map(document).collect::<Result<_, Unreadable>>()?;
    event(&message.seal_id, &message.attempt_id, Step::DocumentsRefused { documents })
}

fn ended(message: pb::BatchEnded) -> Result<Event, Unreadable> {
    event(&message.seal_id, &message.attempt_id, Step::BatchEnded { sealed: message.documents_sealed })
}
