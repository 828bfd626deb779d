//! Documents that the service seals as a whole, with a hosted key. That they are genuine is for the stories to show, which
//! have a verifier; here it is what is taken, refused, recorded and given again.

use std::sync::Arc;

use eseal_documents::{Limits, Outcome, Source, verify};
use eseal_pki::DigestAlg;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::seal_document_request::Part;
use eseal_proto::authentication::v1::seal_document_response::Part as Answer;
use eseal_service::Role;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::hosted::{PIN, hosted};
use crate::rights::{APPROVED, set_policy};
use crate::signing::*;
use crate::uses::{approve, asking, assert_denied, uses};

pub const OFD: &[u8] = include_bytes!("../../../../tests/documents/contract.ofd");

#[tokio::test]
async fn a_document_is_sealed_through_the_gates_of_every_hosted_seal() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let (told, document) = seal(&bureau, pieces(order(&hosted.seal_id, PIN), OFD)).await.expect("sealed");
    assert_eq!((told.format.as_str(), told.size, told.places.len()), ("OFD", document.len() as u64, 1));
    let source: Source = Arc::new(document);
    let report = verify(&source, &Limits::default(), &mut |_| {}).expect("a document");
    assert_eq!(report.seals.len(), 1);
    assert_eq!(report.seals[0].content, Outcome::Passed);
    let kinds = bureau.kinds(&hosted.seal_id).await;
    let then =
        ["SealingBegun", "PinTried", "PinAccepted", "SealingAuthorized", "HostedSignatureMade", "SealingCompleted"];
    assert_eq!(kinds[2..], then);
    let attempt = attempts(&bureau, &hosted.seal_id).await.remove(0);
    assert_eq!((attempt.state(), &attempt.attempt_id), (pb::AttemptState::Completed, &told.attempt_id));
    assert_eq!(attempt.places, told.places);
}

#[tokio::test]
async fn the_same_order_again_gives_the_same_document_and_records_nothing() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let order = order(&hosted.seal_id, PIN);
    let first = seal(&bureau, pieces(order.clone(), OFD)).await.expect("sealed");
    let before = bureau.events().await.len();
    // The PIN is no part of the request: a repeat is no second guess.
    let again = seal(&bureau, pieces(pb::SealDocumentOrder { pin: "314159".to_owned(), ..order.clone() }, OFD)).await;
    assert!(again.expect("a repeat") == first, "another document");
    assert_eq!(bureau.events().await.len(), before);
    let mut other = OFD.to_vec();
    other.push(0);
    let size = other.len() as u64;
    let reused = seal(&bureau, pieces(pb::SealDocumentOrder { size, ..order }, &other)).await;
    assert_refused(reused.map(|_| ()), Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn the_gates_refuse_as_they_refuse_a_client() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let wrong = seal(&bureau, pieces(order(&hosted.seal_id, "314159"), OFD)).await.map(|_| ());
    assert_gate(wrong, "c", "PIN_INCORRECT");
    let unknown = pb::SealDocumentOrder { seal_id: request_id(), ..order(&hosted.seal_id, PIN) };
    assert_gate(seal(&bureau, pieces(unknown, OFD)).await.map(|_| ()), "a", "SEAL_NOT_REGISTERED");
    suspend(&mut bureau.admin(), &hosted.seal_id).await.expect("suspended");
    assert_gate(seal(&bureau, pieces(order(&hosted.seal_id, PIN), OFD)).await.map(|_| ()), "d", "SEAL_SUSPENDED");
    let card = bureau.active().await;
    let of_card = pb::SealDocumentOrder { seal_id: card.seal_id.clone(), ..order(&hosted.seal_id, PIN) };
    let refused = seal(&bureau, pieces(of_card, OFD)).await.map(|_| ());
    assert_refused(refused, Code::FailedPrecondition, "CUSTODY_UNFIT");
}

#[tokio::test]
async fn the_service_finds_out_by_itself_whether_a_document_is_the_approved_one() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    set_policy(&mut bureau.admin(), &hosted.seal_id, APPROVED).await.expect("set");
    let sealed = async |document: &[u8]| {
        let size = document.len() as u64;
        let order = pb::SealDocumentOrder { size, ..order(&hosted.seal_id, PIN) };
        seal(&bureau, pieces(order, document)).await.map(|(_, document)| document)
    };
    assert_denied(sealed(OFD).await.map(drop), "USE_NOT_REQUESTED");
    let (mut custodian, mut supervisor) = (uses(&bureau, ZHOU, Role::Custodian), uses(&bureau, "li", Role::Reviewer));
    for digest in [DigestAlg::Sha256, DigestAlg::Sm3] {
        let name = if digest == DigestAlg::Sm3 { "sm3" } else { "sha256" };
        let documents = vec![format!("{name}:{}", hex::encode(digest.digest(OFD)))];
        let asked = pb::RequestUseRequest { documents, ..asking(&hosted.seal_id) };
        let id = custodian.request_use(asked).await.expect("requested").into_inner().use_id;
        approve(&mut supervisor, &id).await.expect("approved");
        let document = sealed(OFD).await.expect("sealed");
        assert_denied(sealed(&document).await.map(drop), "USE_NOT_REQUESTED");
        assert_denied(sealed(OFD).await.map(drop), "USE_SPENT");
    }
}

#[tokio::test]
async fn what_is_no_document_and_what_does_not_fit_is_refused_before_anything_is_recorded() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let before = bureau.events().await.len();
    let sized = |bytes: &[u8]| pb::SealDocumentOrder { size: bytes.len() as u64, ..order(&hosted.seal_id, PIN) };
    let text = b"neither".as_slice();
    let refused = seal(&bureau, pieces(sized(text), text)).await.map(|_| ());
    assert_refused(refused, Code::InvalidArgument, "NOT_A_DOCUMENT");
    let large = vec![0; (1 << 20) + 1];
    assert_eq!(violation(seal(&bureau, pieces(sized(&large), &large)).await.map(|_| ())).0, "piece");
    let cut = seal(&bureau, pieces(order(&hosted.seal_id, PIN), &OFD[..OFD.len() - 1])).await.map(|_| ());
    assert_eq!(violation(cut).0, "order.size");
    let no_order = vec![piece(OFD)];
    assert_eq!(violation(seal(&bureau, no_order).await.map(|_| ())).0, "order");
    let (mut two, second) = (pieces(order(&hosted.seal_id, PIN), OFD), order(&hosted.seal_id, PIN));
    two.push(pb::SealDocumentRequest { part: Some(Part::Order(second)) });
    assert_eq!(violation(seal(&bureau, two).await.map(|_| ())).0, "order");
    let nowhere = pb::SealDocumentOrder { placement: None, ..order(&hosted.seal_id, PIN) };
    assert_eq!(violation(seal(&bureau, pieces(nowhere, OFD)).await.map(|_| ())).0, "order.placement");
    assert_eq!(bureau.events().await.len(), before);
}

#[tokio::test]
async fn more_documents_than_there_is_room_for_are_put_off() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    // Two that begin and wait: the one that comes second finds no room, whichever it is.
    let begin = || {
        let (waiting, held) = tokio::sync::mpsc::channel(1);
        waiting
            .try_send(pb::SealDocumentRequest { part: Some(Part::Order(order(&hosted.seal_id, PIN))) })
            .expect("taken");
        let mut zhou = bureau.zhou();
        let pieces = tokio_stream::wrappers::ReceiverStream::new(held);
        (waiting, async move { zhou.seal_document(pieces).await.map(|_| ()) })
    };
    let ((one_waits, one), (other_waits, other)) = (begin(), begin());
    let (one, other) = (Box::pin(one), Box::pin(other));
    let (refused, left, waits) = match futures::future::select(one, other).await {
        futures::future::Either::Left((refused, left)) => (refused, left, other_waits),
        futures::future::Either::Right((refused, left)) => (refused, left, one_waits),
    };
    assert_refused(refused, Code::ResourceExhausted, "OVERLOADED");
    drop(waits);
    assert_eq!(violation(left.await).0, "order.size");
}

pub fn order(seal_id: &str, pin: &str) -> pb::SealDocumentOrder {
    let spots = vec![pb::PlacementSpot { page: 1, x_um: 45_000, y_um: 112_000 }];
    pb::SealDocumentOrder {
        request_id: request_id(),
        code: String::new(),
        seal_id: seal_id.to_owned(),
        pin: pin.to_owned(),
        placement: Some(pb::Placement { rule: Some(pb::placement::Rule::At(pb::PlacementAt { spots })) }),
        reason: String::new(),
        size: OFD.len() as u64,
        manner: None,
    }
}

fn piece(bytes: &[u8]) -> pb::SealDocumentRequest {
    pb::SealDocumentRequest { part: Some(Part::Piece(bytes.to_vec())) }
}

pub fn pieces(order: pb::SealDocumentOrder, document: &[u8]) -> Vec<pb::SealDocumentRequest> {
    let order = pb::SealDocumentRequest { part: Some(Part::Order(order)) };
    std::iter::once(order).chain(document.chunks(10_000).map(piece)).collect()
}

/// What was told, and the document.
pub async fn seal(
    bureau: &Bureau,
    pieces: Vec<pb::SealDocumentRequest>,
) -> Result<(pb::SealedDocument, Vec<u8>), Status> {
    let mut answer = bureau.zhou().seal_document(tokio_stream::iter(pieces)).await?.into_inner();
    let (mut told, mut document) = (None, Vec::new());
    while let Some(message) = answer.message().await? {
        match message.part.expect("a part") {
            Answer::Sealed(sealed) => told = Some(sealed),
            Answer::Piece(piece) => document.extend(piece),
        }
    }
    Ok((told.expect("told first"), document))
}
