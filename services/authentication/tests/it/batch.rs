//! 批量签章: many documents in one act, with a card and with a hosted key.

use eseal_kernel::{Digest, merkle::Merkle};
use eseal_pki::batch::{document as leaf, list};
use eseal_pki::{Certificate, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::card::{self, Card};
use crate::hosted::{Hosted, PIN, hosted};
use crate::signing::*;

/// Documents and their places under one digest, as an honest client makes it.
pub struct Many {
    digests: Vec<Digest>,
    tree: Merkle,
}

impl Many {
    pub fn of(count: u32) -> Self {
        let digests: Vec<_> = (0..count).map(|i| Digest::of(&i.to_be_bytes())).collect();
        let leaves = digests.iter().map(|digest| leaf(digest, [numbers(&place())])).collect();
        Self { digests, tree: Merkle::over(leaves).expect("a tree") }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.digests.len()).expect("few")
    }

    pub fn listed(&self, index: u32) -> pb::ListedDocument {
        let path = self.tree.path(index as usize).iter().map(|digest| digest.bytes().to_vec()).collect();
        let document_digest = self.digests[index as usize].to_string();
        pb::ListedDocument { index, document_digest, places: vec![place()], path }
    }

    /// The document with the card's signature for an OFD.
    pub fn sealed(&self, card: &Card, index: u32, bureau: &Bureau) -> pb::BatchSealed {
        let signature = card.ofd_signature(self.digests[index as usize], bureau.now());
        pb::BatchSealed { document: Some(self.listed(index)), signature }
    }
}

/// An act with a card that gate d let through.
struct Act {
    bureau: Bureau,
    card: Card,
    many: Many,
    attempt: String,
}

impl Act {
    /// Over so many OFDs.
    async fn of(documents: u32) -> Self {
        let bureau = Bureau::open().await;
        let card = bureau.active().await;
        let many = Many::of(documents);
        let attempt = given(&bureau, &card, &many, &[Suite::Sm2Sm3]).await.expect("authorized");
        Self { bureau, card, many, attempt }
    }

    fn sealed(&self, index: u32) -> pb::BatchSealed {
        self.many.sealed(&self.card, index, &self.bureau)
    }

    async fn completes(&self, documents: Vec<pb::BatchSealed>, last: bool) -> Result<Vec<pb::BatchEnd>, Status> {
        complete_some(&self.bureau, &self.card.seal_id, &self.attempt, documents, last).await
    }

    async fn log(&self) -> Vec<pb::BatchDocument> {
        log(&self.bureau, &self.card.seal_id, &self.attempt).await.expect("a log")
    }
}

fn numbers(place: &seal_pb::Place) -> (u32, i64, i64, i64, i64) {
    (place.page, place.x_um, place.y_um, place.width_um, place.height_um)
}

#[tokio::test]
async fn many_documents_are_sealed_with_one_pin_and_few_events() {
    let act = Act::of(300).await;
    for range in [0..200, 200..300] {
        let documents = range.map(|index| act.sealed(index)).collect();
        let ends = act.completes(documents, false).await.expect("sealed");
        assert!(ends.iter().all(|end| end.reason.is_empty()), "{ends:?}");
    }
    let expected = ["SealRegistered", "SealActivated", "SealingBegun", "PinAccepted", "BatchAuthorized"];
    let then = ["DocumentsSealed", "DocumentsSealed", "BatchEnded"];
    assert_eq!(act.bureau.kinds(&act.card.seal_id).await, [expected.as_slice(), &then].concat());
    let shown = attempts(&act.bureau, &act.card.seal_id).await.remove(0);
    assert_eq!((shown.state(), shown.documents, shown.documents_sealed), (pb::AttemptState::Completed, 300, 300));
}

#[tokio::test]
async fn each_document_of_an_act_is_in_the_log_like_a_single_one() {
    let act = Act::of(3).await;
    let documents = vec![act.sealed(2), act.sealed(0)];
    let signature = Digest::of(&documents[1].signature);
    act.completes(documents, true).await.expect("sealed");
    let log = act.log().await;
    let first = pb::BatchDocument {
        index: 0,
        document_digest: act.many.digests[0].to_string(),
        signature_digest: signature.to_string(),
        places: vec![place()],
        ended_at: Some(moment::from_micros(act.bureau.now().micros())),
        reason: String::new(),
    };
    assert_eq!((log.len(), log[0].clone(), log[1].index), (2, first, 2));
    act.bureau.rebuilds().await;
    assert_eq!(act.log().await, log);
}

#[tokio::test]
async fn both_kinds_of_document_are_sealed_in_one_act_each_with_its_key() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let many = Many::of(2);
    let both = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];
    let attempt = given(&bureau, &card, &many, &both).await.expect("authorized");
    let pdf = pb::BatchSealed { document: Some(many.listed(1)), signature: card.pdf_signature(many.digests[1]) };
    let documents = vec![many.sealed(&card, 0, &bureau), pdf];
    let ends = complete_some(&bureau, &card.seal_id, &attempt, documents, false).await.expect("sealed");
    assert!(ends.iter().all(|end| end.reason.is_empty()), "{ends:?}");
}

#[tokio::test]
async fn a_key_that_did_not_answer_seals_nothing() {
    let act = Act::of(1).await;
    let pdf =
        pb::BatchSealed { document: Some(act.many.listed(0)), signature: act.card.pdf_signature(act.many.digests[0]) };
    let ends = act.completes(vec![pdf], false).await.expect("answered");
    assert_eq!(ends[0].reason, "SIGNING_FAILED");
}

#[tokio::test]
async fn what_is_wrong_with_one_document_is_told_of_it_and_the_others_are_sealed() {
    let act = Act::of(6).await;
    let good = |index| act.sealed(index);
    let other_digest = {
        let signature = act.card.ofd_signature(act.many.digests[1], act.bureau.now());
        pb::BatchSealed { signature, ..good(0) }
    };
    let other_place = {
        let mut sealed = good(1);
        sealed.document.as_mut().expect("one").places[0].x_um += 1;
        sealed
    };
    let foreign = {
        let mut sealed = good(2);
        sealed.document.as_mut().expect("one").document_digest = Digest::of(b"foreign").to_string();
        pb::BatchSealed { signature: act.card.ofd_signature(Digest::of(b"foreign"), act.bureau.now()), ..sealed }
    };
    let other_index = {
        let mut sealed = good(3);
        sealed.document.as_mut().expect("one").index = 9;
        sealed
    };
    let unsealed = pb::BatchSealed { signature: Vec::new(), ..good(4) };
    let documents = vec![other_digest, other_place, foreign, other_index, unsealed, good(5)];
    let ends = act.completes(documents, false).await.expect("answered");
    let told: Vec<_> = ends.iter().map(|end| end.reason.as_str()).collect();
    let (failed, unlisted) = ("SIGNING_FAILED", "DOCUMENT_NOT_LISTED");
    assert_eq!(told, [failed, unlisted, unlisted, unlisted, failed, ""]);
    let kinds = act.bureau.kinds(&act.card.seal_id).await;
    assert_eq!(kinds[kinds.len() - 2..], ["DocumentsSealed", "DocumentsRefused"]);
    let log = act.log().await;
    let reasons: Vec<_> = log.iter().map(|document| (document.index, document.reason.as_str())).collect();
    assert_eq!(reasons, [(0, failed), (4, failed), (5, "")]);
    // What failed may be tried again as long as the act is open.
    let ends = act.completes(vec![good(0)], true).await.expect("answered");
    assert_eq!(ends[0].reason, "");
}

#[tokio::test]
async fn a_document_is_sealed_once_and_the_log_keeps_the_first() {
    let act = Act::of(2).await;
    let first = vec![act.sealed(0)];
    act.completes(first, false).await.expect("sealed");
    let before = act.log().await;
    let again = vec![act.sealed(0)];
    let ends = act.completes(again, false).await.expect("answered");
    assert_eq!(ends[0].reason, "DOCUMENT_ALREADY_SEALED");
    assert_eq!(act.log().await, before);
}

#[tokio::test]
async fn the_same_request_twice_is_recorded_once_and_answered_alike() {
    let act = Act::of(2).await;
    let documents = vec![act.sealed(0)];
    let seal_id = act.card.seal_id.clone();
    let request = pb::CompleteBatchRequest {
        request_id: request_id(),
        seal_id,
        attempt_id: act.attempt.clone(),
        documents,
        last: true,
    };
    let first = act.bureau.zhou().complete_batch(request.clone()).await.expect("sealed").into_inner();
    let second = act.bureau.zhou().complete_batch(request).await.expect("a repeat").into_inner();
    assert_eq!(first, second);
    let kinds = act.bureau.kinds(&act.card.seal_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "DocumentsSealed").count(), 1);
}

#[tokio::test]
async fn gate_d_refuses_a_proof_that_is_not_for_this_list() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let many = Many::of(3);
    for wrong in 0..4 {
        let begun = with_pin(&bureau, &card, 3).await;
        let mut shown = showing_list(&card, &begun, &many, &[Suite::Sm2Sm3]);
        match wrong {
            0 => shown.documents = 2,
            1 => shown.root = Digest::of(b"another").to_string(),
            2 => {
                shown.proofs =
                    vec![card.proof(Suite::Sm2Sm3, begun.challenge.as_ref().expect("terms"), many.tree.root())]
            }
            _ => {
                let single = seal_pb::ChallengeTerms {
                    purpose: "seal-document".to_owned(),
                    ..begun.challenge.clone().expect("terms")
                };
                shown.proofs = vec![card.proof(Suite::Sm2Sm3, &single, list(&many.tree.root(), 3))];
            }
        }
        assert_gate(bureau.zhou().authorize_batch(shown).await, "d", "CHALLENGE_INVALID");
    }
}

#[tokio::test]
async fn the_proof_for_a_list_seals_no_single_document_that_has_its_digest() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let many = Many::of(2);
    let begun = with_pin(&bureau, &card, 2).await;
    let digest = list(&many.tree.root(), 2);
    let shown = pb::AuthorizeSealingRequest {
        document_digest: digest.to_string(),
        proof: Some(card.proof(Suite::Sm2Sm3, begun.challenge.as_ref().expect("terms"), digest)),
        ..showing(&card, &begun, Suite::Sm2Sm3)
    };
    assert_gate(authorize(&mut bureau.zhou(), shown).await, "d", "CHALLENGE_INVALID");
}

#[tokio::test]
async fn a_locked_pin_and_a_stranger_get_no_act() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let many = Many::of(2);
    let begun = with_pin(&bureau, &card, 2).await;
    let mut wu = bureau.sealing("wu", Role::Custodian, Some(LENOVO));
    let refused = wu.authorize_batch(showing_list(&card, &begun, &many, &[Suite::Sm2Sm3])).await;
    assert_gate(refused, "d", "NOT_AUTHORIZED");
    let other = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun");
    for _ in 0..5 {
        let _ = pin(&mut bureau.zhou(), &card.seal_id, &other.attempt_id, false).await;
    }
    let refused = bureau.zhou().authorize_batch(showing_list(&card, &begun, &many, &[Suite::Sm2Sm3])).await;
    assert_gate(refused, "c", "PIN_LOCKED");
}

#[tokio::test]
async fn a_seal_that_is_suspended_in_the_middle_seals_no_further_document() {
    let act = Act::of(2).await;
    let first = vec![act.sealed(0)];
    act.completes(first, false).await.expect("sealed");
    suspend(&mut act.bureau.admin(), &act.card.seal_id).await.expect("suspended");
    let second = vec![act.sealed(1)];
    let refused = act.completes(second, false).await;
    assert_gate(refused, "d", "SEAL_SUSPENDED");
    let shown = attempts(&act.bureau, &act.card.seal_id).await.remove(0);
    assert_eq!((shown.state(), shown.reason.as_str()), (pb::AttemptState::Refused, "SEAL_SUSPENDED"));
    assert_eq!(shown.documents_sealed, 1);
}

#[tokio::test]
async fn an_act_ends_by_itself_after_its_time_which_grows_with_its_documents() {
    let act = Act::of(600).await;
    act.bureau.later(DAY / 131); // eleven minutes: a single attempt would be over
    let documents = vec![act.sealed(0)];
    let open = act.completes(documents, false).await.expect("open");
    assert_eq!(open[0].reason, "");
    act.bureau.later(DAY / 1_440);
    let documents = vec![act.sealed(1)];
    let late = act.completes(documents, false).await;
    assert_refused(late, Code::FailedPrecondition, "ATTEMPT_NOT_OPEN");
    assert_eq!(attempts(&act.bureau, &act.card.seal_id).await.remove(0).state(), pb::AttemptState::Expired);
}

#[tokio::test]
async fn requests_beyond_the_bounds_are_field_violations() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let many = Many::of(201);
    let begin = pb::BeginSealingRequest { request_id: request_id(), seal_id: card.seal_id.clone(), documents: 10_001 };
    assert_eq!(violation(bureau.zhou().begin_sealing(begin).await).0, "documents");
    let attempt = given(&bureau, &card, &many, &[Suite::Sm2Sm3]).await.expect("authorized");
    let unsealed = |index| pb::BatchSealed { document: Some(many.listed(index)), signature: vec![] };
    let crowded = {
        let document = pb::ListedDocument { places: vec![place(); 10_001], ..many.listed(0) };
        pb::BatchSealed { document: Some(document), signature: vec![] }
    };
    let half = |index| {
        let document = pb::ListedDocument { places: vec![place(); 5_001], ..many.listed(index) };
        pb::BatchSealed { document: Some(document), signature: vec![] }
    };
    let deep = {
        let document = pb::ListedDocument { path: vec![vec![0; 32]; 15], ..many.listed(0) };
        pb::BatchSealed { document: Some(document), signature: vec![] }
    };
    for (documents, field) in [
        ((0..201).map(unsealed).collect(), "documents"),
        (vec![unsealed(0), unsealed(0)], "documents"),
        (vec![crowded], "documents[0].document.places"),
        (vec![half(0), half(1)], "documents"),
        (vec![deep], "documents[0].document.path"),
        (vec![pb::BatchSealed::default()], "documents[0].document"),
    ] {
        let refused = complete_some(&bureau, &card.seal_id, &attempt, documents, false).await;
        assert_eq!(violation(refused).0, field);
    }
}

#[tokio::test]
async fn a_hosted_key_signs_for_the_documents_of_a_list_and_nothing_else() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let many = Many::of(4);
    let attempt = hosted_given(&bureau, &hosted, &many, PIN).await.expect("authorized");
    let ofd = to_sign(&bureau, &hosted, &many, 0, &hosted.sm2);
    let pdf = to_sign(&bureau, &hosted, &many, 1, &hosted.p256);
    let foreign = pb::BatchToSign {
        to_be_signed: card::ofd_to_sign(&hosted.seal, Digest::of(b"foreign"), bureau.now()),
        ..to_sign(&bureau, &hosted, &many, 2, &hosted.sm2)
    };
    let blind =
        pb::BatchToSign { to_be_signed: b"anything".to_vec(), ..to_sign(&bureau, &hosted, &many, 3, &hosted.sm2) };
    let given = sign_some(&bureau, &hosted, &attempt, vec![ofd, pdf, foreign, blind]).await.expect("answered");
    let told: Vec<_> = given.iter().map(|given| (given.index, given.reason.as_str())).collect();
    assert_eq!(told, [(0, ""), (1, ""), (2, "SIGNING_FAILED"), (3, "SIGNING_FAILED")]);
    assert!(given[2].signature.is_empty() && given[3].signature.is_empty());
    let message = card::ofd_to_sign(&hosted.seal, many.digests[0], bureau.now());
    hosted.sm2.public_key().expect("a key").verify(&message, &given[0].signature).expect("of the SM2 key");
    let signature =
        eseal_seal::SesSignature::assemble(&message, &hosted.sm2, &given[0].signature).expect("a structure");
    let sealed = pb::BatchSealed { document: Some(many.listed(0)), signature };
    let ends = complete_some(&bureau, &hosted.seal_id, &attempt, vec![sealed], true).await.expect("sealed");
    assert_eq!(ends[0].reason, "");
}

#[tokio::test]
async fn a_hosted_key_signs_for_a_document_once_and_a_repeat_gets_the_same_signature() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let many = Many::of(2);
    let attempt_id = hosted_given(&bureau, &hosted, &many, PIN).await.expect("authorized");
    let documents = vec![to_sign(&bureau, &hosted, &many, 0, &hosted.sm2)];
    let seal_id = hosted.seal_id.clone();
    let request = pb::SignHostedBatchRequest { request_id: request_id(), seal_id, attempt_id, documents };
    let first = bureau.zhou().sign_hosted_batch(request.clone()).await.expect("signed").into_inner();
    let repeat = bureau.zhou().sign_hosted_batch(request.clone()).await.expect("a repeat").into_inner();
    assert_eq!(first, repeat);
    let anew = pb::SignHostedBatchRequest { request_id: request_id(), ..request };
    let again = bureau.zhou().sign_hosted_batch(anew).await.expect("answered").into_inner().signatures.remove(0);
    assert_eq!((again.reason.as_str(), again.signature.len()), ("DOCUMENT_ALREADY_SEALED", 0));
}

#[tokio::test]
async fn wrong_hosted_pins_are_counted_for_an_act_as_for_a_document() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let many = Many::of(2);
    for left in ["4", "3", "2", "1"] {
        let refused = assert_gate(hosted_given(&bureau, &hosted, &many, "314159").await, "c", "PIN_INCORRECT");
        assert_eq!(refused.metadata.get("tries_left").map(String::as_str), Some(left));
    }
    assert_gate(hosted_given(&bureau, &hosted, &many, "314159").await, "c", "PIN_LOCKED");
    assert_gate(hosted_given(&bureau, &hosted, &many, PIN).await, "c", "PIN_LOCKED");
}

#[tokio::test]
async fn an_act_of_another_organization_is_not_found() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    let attempt = given(&bureau, &card, &Many::of(2), &[Suite::Sm2Sm3]).await.expect("authorized");
    let request = pb::ListBatchDocumentsRequest {
        seal_id: card.seal_id.clone(),
        attempt_id: attempt,
        ..pb::ListBatchDocumentsRequest::default()
    };
    let mut foreign = bureau.sealing("chen", Role::Auditor, Some(SUZHOU));
    let refused = foreign.list_batch_documents(request.clone()).await;
    assert_refused(refused, Code::NotFound, "ATTEMPT_NOT_FOUND");
    let mut stranger = bureau.sealing("wu", Role::Custodian, Some(LENOVO));
    assert_refused(stranger.list_batch_documents(request).await, Code::NotFound, "ATTEMPT_NOT_FOUND");
}

/// An attempt for so many documents in which the PIN was right.
pub async fn with_pin(bureau: &Bureau, card: &Card, documents: u32) -> pb::BeginSealingResponse {
    let request = pb::BeginSealingRequest { request_id: request_id(), seal_id: card.seal_id.clone(), documents };
    let begun = bureau.zhou().begin_sealing(request).await.expect("begun").into_inner();
    pin(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, true).await.expect("right");
    begun
}

/// What an honest client shows at gate d.
pub fn showing_list(
    card: &Card,
    begun: &pb::BeginSealingResponse,
    many: &Many,
    suites: &[Suite],
) -> pb::AuthorizeBatchRequest {
    let digest = list(&many.tree.root(), many.count());
    let terms = begun.challenge.as_ref().expect("terms");
    pb::AuthorizeBatchRequest {
        request_id: request_id(),
        seal_id: card.seal_id.clone(),
        attempt_id: begun.attempt_id.clone(),
        card_serial: card.serial.clone(),
        seal_digest: card.seal_digest(),
        root: many.tree.root().to_string(),
        documents: many.count(),
        proofs: suites.iter().map(|suite| card.proof(*suite, terms, digest)).collect(),
        card_uses: 0,
        originals: vec![],
    }
}

/// An act that gate d let through.
async fn given(bureau: &Bureau, card: &Card, many: &Many, suites: &[Suite]) -> Result<String, Status> {
    let begun = with_pin(bureau, card, many.count()).await;
    bureau.zhou().authorize_batch(showing_list(card, &begun, many, suites)).await?;
    Ok(begun.attempt_id)
}

pub async fn hosted_given(bureau: &Bureau, hosted: &Hosted, many: &Many, pin: &str) -> Result<String, Status> {
    hosted_given_with(bureau, hosted, many, pin, "").await
}

/// The same with a code.
pub async fn hosted_given_with(
    bureau: &Bureau,
    hosted: &Hosted,
    many: &Many,
    pin: &str,
    code: &str,
) -> Result<String, Status> {
    let attempt_id = hosted_begun(bureau, hosted, many).await?;
    let request = hosted_shown(hosted, many, &attempt_id, pin);
    let request = pb::AuthorizeHostedBatchRequest { code: code.to_owned(), ..request };
    bureau.zhou().authorize_hosted_batch(request).await?;
    Ok(attempt_id)
}

/// An attempt for these documents with a hosted key.
pub async fn hosted_begun(bureau: &Bureau, hosted: &Hosted, many: &Many) -> Result<String, Status> {
    let (seal_id, documents) = (hosted.seal_id.clone(), many.count());
    let begin = pb::BeginSealingRequest { request_id: request_id(), seal_id, documents };
    Ok(bureau.zhou().begin_sealing(begin).await?.into_inner().attempt_id)
}

/// What gate d is shown for them.
pub fn hosted_shown(hosted: &Hosted, many: &Many, attempt_id: &str, pin: &str) -> pb::AuthorizeHostedBatchRequest {
    pb::AuthorizeHostedBatchRequest {
        request_id: request_id(),
        seal_id: hosted.seal_id.clone(),
        attempt_id: attempt_id.to_owned(),
        pin: pin.to_owned(),
        code: String::new(),
        root: many.tree.root().to_string(),
        documents: many.count(),
        certificate_digests: [&hosted.sm2, &hosted.p256].map(|by| by.fingerprint().to_string()).to_vec(),
        originals: vec![],
    }
}

pub fn to_sign(bureau: &Bureau, hosted: &Hosted, many: &Many, index: u32, by: &Certificate) -> pb::BatchToSign {
    let digest = many.digests[index as usize];
    let to_be_signed = match by.public_key().expect("a key").suite() {
        Some(Suite::Sm2Sm3) => card::ofd_to_sign(&hosted.seal, digest, bureau.now()),
        _ => card::pdf_attributes(by, digest).to_be_signed().to_vec(),
    };
    pb::BatchToSign {
        document: Some(many.listed(index)),
        to_be_signed,
        certificate_digest: by.fingerprint().to_string(),
    }
}

pub async fn sign_some(
    bureau: &Bureau,
    hosted: &Hosted,
    attempt_id: &str,
    documents: Vec<pb::BatchToSign>,
) -> Result<Vec<pb::BatchSignature>, Status> {
    let (seal_id, attempt_id) = (hosted.seal_id.clone(), attempt_id.to_owned());
    let request = pb::SignHostedBatchRequest { request_id: request_id(), seal_id, attempt_id, documents };
    Ok(bureau.zhou().sign_hosted_batch(request).await?.into_inner().signatures)
}

pub async fn complete_some(
    bureau: &Bureau,
    seal_id: &str,
    attempt_id: &str,
    documents: Vec<pb::BatchSealed>,
    last: bool,
) -> Result<Vec<pb::BatchEnd>, Status> {
    let (seal_id, attempt_id) = (seal_id.to_owned(), attempt_id.to_owned());
    let request = pb::CompleteBatchRequest { request_id: request_id(), seal_id, attempt_id, documents, last };
    Ok(bureau.zhou().complete_batch(request).await?.into_inner().ends)
}

/// The documents of an act as an auditor sees them.
async fn log(bureau: &Bureau, seal_id: &str, attempt_id: &str) -> Result<Vec<pb::BatchDocument>, Status> {
    let request = pb::ListBatchDocumentsRequest {
        seal_id: seal_id.to_owned(),
        attempt_id: attempt_id.to_owned(),
        ..pb::ListBatchDocumentsRequest::default()
    };
    let mut auditor = bureau.sealing("audit", Role::Auditor, None);
    Ok(auditor.list_batch_documents(request).await?.into_inner().documents)
}
