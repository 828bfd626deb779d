//! 批量签章 under approval: each document of an act needs an approved use, and an act is let through as a whole or not at all.

use eseal_kernel::Digest;
use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use tonic::Status;

use crate::batch::{Many, complete_some, hosted_begun, hosted_shown, showing_list, with_pin};
use crate::bureau::*;
use crate::card::Card;
use crate::hosted::{PIN, hosted};
use crate::rights::{APPROVED, set_policy};
use crate::uses::{approve, asking, assert_denied, get, uses};

#[tokio::test]
async fn an_act_over_approved_documents_spends_a_use_of_each_and_the_next_act_finds_none() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = approved(&bureau, &card.seal_id, 3, 1).await;
    let attempt = acts(&bureau, &card, 3).await.expect("authorized");
    let many = Many::of(3);
    let documents = (0..3).map(|index| many.sealed(&card, index, &bureau)).collect();
    let ends = complete_some(&bureau, &card.seal_id, &attempt, documents, true).await.expect("sealed");
    assert!(ends.iter().all(|end| end.reason.is_empty()), "{ends:?}");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![1, 1, 1]));
    assert_denied(acts(&bureau, &card, 3).await, "USE_SPENT");
    bureau.rebuilds().await;
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![1, 1, 1]));
}

#[tokio::test]
async fn one_document_that_nobody_approved_refuses_the_act_and_spends_nothing() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = approved(&bureau, &card.seal_id, 3, 1).await;
    assert_denied(acts(&bureau, &card, 4).await, "USE_NOT_REQUESTED");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Approved, vec![0, 0, 0]));
    // The same where nothing is said of one of them, or one is named twice.
    let unsaid = originals(2);
    let twice = vec![original(0), original(0), original(1)];
    for said in [unsaid, twice] {
        assert!(acts_with(&bureau, &card, 3, said).await.is_err());
        assert_eq!(used(&bureau, &id).await, (pb::UseState::Approved, vec![0, 0, 0]));
    }
    acts(&bureau, &card, 3).await.expect("the approved ones");
}

#[tokio::test]
async fn a_document_is_sealed_in_as_many_acts_as_it_was_approved_for() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = approved(&bureau, &card.seal_id, 2, 2).await;
    acts(&bureau, &card, 2).await.expect("authorized");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Approved, vec![1, 1]));
    // By itself, and then in an act with the other one.
    acts(&bureau, &card, 1).await.expect("authorized");
    assert_denied(acts(&bureau, &card, 2).await, "USE_SPENT");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Approved, vec![2, 1]), "and the other one has its use still");
    acts_with(&bureau, &card, 1, vec![original(1)]).await.expect("authorized");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![2, 2]));
}

#[tokio::test]
async fn acts_at_the_same_moment_are_let_through_as_often_as_was_approved() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = approved(&bureau, &card.seal_id, 5, 3).await;
    let ended = futures::future::join_all((0..20).map(|_| acts(&bureau, &card, 5))).await;
    let (through, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!((through.len(), refused.len()), (3, 17));
    for one in refused {
        assert_denied(one, "USE_SPENT");
    }
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![3; 5]));
}

#[tokio::test]
async fn an_act_whose_answer_was_lost_counts_once_when_it_is_asked_for_again_by_a_service_that_was_started_anew() {
    let mut bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = approved(&bureau, &card.seal_id, 3, 1).await;
    let many = Many::of(3);
    let begun = with_pin(&bureau, &card, 3).await;
    let list = showing_list(&card, &begun, &many, &[Suite::Sm2Sm3]);
    let shown = pb::AuthorizeBatchRequest { originals: originals(3), ..list };
    let first = bureau.zhou().authorize_batch(shown.clone()).await.expect("authorized").into_inner();
    bureau.restart().await;
    let again = bureau.zhou().authorize_batch(shown).await.expect("a repeat").into_inner();
    assert_eq!(first, again);
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![1, 1, 1]));
    // Half of it before another stop, the rest after it: nothing is counted for that.
    let seal = |index| many.sealed(&card, index, &bureau);
    let (early, late) = (vec![seal(0)], vec![seal(1), seal(2)]);
    complete_some(&bureau, &card.seal_id, &begun.attempt_id, early, false).await.expect("sealed");
    bureau.restart().await;
    complete_some(&bureau, &card.seal_id, &begun.attempt_id, late, true).await.expect("sealed");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![1, 1, 1]));
    let authorized = bureau.kinds(&card.seal_id).await.into_iter().filter(|kind| kind == "BatchAuthorized").count();
    assert_eq!(authorized, 1);
}

#[tokio::test]
async fn an_act_of_a_hosted_key_that_was_killed_before_it_signed_gives_its_uses_to_the_one_that_is_begun_again() {
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    set_policy(&mut bureau.admin(), &hosted.seal_id, APPROVED).await.expect("set");
    let id = approved(&bureau, &hosted.seal_id, 2, 1).await;
    let many = Many::of(2);
    let acts = async |bureau: &Bureau| {
        let attempt = hosted_begun(bureau, &hosted, &many).await?;
        let shown = hosted_shown(&hosted, &many, &attempt, PIN);
        let shown = pb::AuthorizeHostedBatchRequest { originals: originals(2), ..shown };
        bureau.zhou().authorize_hosted_batch(shown).await.map(|_| attempt)
    };
    acts(&bureau).await.expect("authorized");
    assert_denied(acts(&bureau).await, "USE_SPENT");
    bureau.restart().await;
    bureau.later(DAY); // the first act has run out, and nothing was signed in it
    acts(&bureau).await.expect("begun again");
    assert_eq!(used(&bureau, &id).await, (pb::UseState::Spent, vec![1, 1]));
    assert_denied(acts(&bureau).await, "USE_SPENT");
}

/// A seal in use whose uses are approved first.
async fn approving(bureau: &Bureau) -> Card {
    let card = bureau.active().await;
    set_policy(&mut bureau.admin(), &card.seal_id, APPROVED).await.expect("set");
    card
}

/// A request for so many documents, each so often, that Li approved.
async fn approved(bureau: &Bureau, seal_id: &str, documents: u32, often: u32) -> String {
    let documents = (0..documents).map(|index| format!("sha256:{}", file(index))).collect();
    let asked = pb::RequestUseRequest { documents, uses: often, ..asking(seal_id) };
    let requested = uses(bureau, ZHOU, Role::Custodian).request_use(asked).await.expect("requested");
    let id = requested.into_inner().use_id;
    approve(&mut uses(bureau, "li", Role::Reviewer), &id).await.expect("approved");
    id
}

/// How a request stands, and how often each of its documents was sealed.
async fn used(bureau: &Bureau, id: &str) -> (pb::UseState, Vec<u32>) {
    let shown = get(&mut uses(bureau, ZHOU, Role::Custodian), id).await.expect("shown");
    (shown.state(), shown.documents.iter().map(|document| document.used).collect())
}

/// An act over the first so many documents, with what an honest client says of them.
async fn acts(bureau: &Bureau, card: &Card, documents: u32) -> Result<String, Status> {
    acts_with(bureau, card, documents, originals(documents)).await
}

async fn acts_with(
    bureau: &Bureau,
    card: &Card,
    documents: u32,
    originals: Vec<pb::OriginalDocument>,
) -> Result<String, Status> {
    let begun = with_pin(bureau, card, documents).await;
    let list = showing_list(card, &begun, &Many::of(documents), &[Suite::Sm2Sm3]);
    bureau.zhou().authorize_batch(pb::AuthorizeBatchRequest { originals, ..list }).await?;
    Ok(begun.attempt_id)
}

fn originals(documents: u32) -> Vec<pb::OriginalDocument> {
    (0..documents).map(original).collect()
}

fn original(index: u32) -> pb::OriginalDocument {
    let digests = vec![format!("sha256:{}", file(index))];
    pb::OriginalDocument { digests, format: pb::DocumentFormat::Ofd.into() }
}

/// The digest of a file as it is before sealing.
fn file(index: u32) -> Digest {
    Digest::of(format!("file {index}").as_bytes())
}
