//! 用印申请: who requests and approves uses of a seal, and what gate d makes of that.

use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{DigestAlg, Suite};
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::use_service_client::UseServiceClient;
use eseal_proto::moment;
use eseal_service::Role;
use eseal_service::testing::TestChannel;
use eseal_testkit::wait_until;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::card::Card;
use crate::rights::{APPROVED, set_policy};
use crate::signing::*;

pub type Uses = UseServiceClient<TestChannel>;

const WORDS: &str = "与乙公司的采购合同";
const WHY: &str = "金额与审批单不符";

#[tokio::test]
async fn a_use_that_somebody_else_approved_is_made_once() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    assert_denied(sealed(&bureau, &card, original()).await, "USE_NOT_REQUESTED");
    let id = request(&mut zhou(&bureau), &card.seal_id).await.expect("requested");
    assert_denied(sealed(&bureau, &card, original()).await, "USE_NOT_APPROVED");
    approve(&mut li(&bureau), &id).await.expect("approved");
    assert_denied(sealed(&bureau, &card, other()).await, "USE_NOT_REQUESTED");
    sealed(&bureau, &card, original()).await.expect("sealed");
    assert_denied(sealed(&bureau, &card, original()).await, "USE_SPENT");
    let shown = get(&mut zhou(&bureau), &id).await.expect("shown");
    assert_eq!((shown.state(), shown.documents[0].used), (pb::UseState::Spent, 1));
    let log = attempts(&bureau, &card.seal_id).await;
    let done = log.iter().find(|attempt| attempt.state() == pb::AttemptState::Completed).expect("in the log");
    let admitted = done.admitted.clone().expect("on record");
    assert_eq!((admitted.original, admitted.use_id), (Some(original()), id));
}

#[tokio::test]
async fn nobody_approves_their_own_request_and_no_stranger_requests_or_approves() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let both = [Role::Custodian, Role::Reviewer];
    let organization = LENOVO.parse().expect("a code");
    let zhou = bureau.house.person("authentication", ZHOU, &both, Some(&organization));
    let mut zhou = UseServiceClient::new(zhou);
    let id = request(&mut zhou, &card.seal_id).await.expect("requested");
    assert_refused(approve(&mut zhou, &id).await, Code::PermissionDenied, "OWN_REQUEST");
    assert_refused(decline(&mut zhou, &id).await, Code::PermissionDenied, "OWN_REQUEST");
    let mut wu = uses(&bureau, "wu", Role::Custodian);
    assert_refused(request(&mut wu, &card.seal_id).await, Code::PermissionDenied, "NOT_CUSTODIAN");
    assert_refused(approve(&mut wu, &id).await, Code::PermissionDenied, "NOT_CUSTODIAN");
    request(&mut uses(&bureau, "chen", Role::Applicant), &card.seal_id)
        .await
        .expect("an applicant of the organization");
    let mut auditor = uses(&bureau, "audit", Role::Auditor);
    assert_refused(approve(&mut auditor, &id).await, Code::PermissionDenied, "ROLE_MISSING");
}

#[tokio::test]
async fn a_request_is_declined_with_a_reason_or_taken_back_and_then_it_is_over() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let declined = request(&mut zhou(&bureau), &card.seal_id).await.expect("requested");
    decline(&mut li(&bureau), &declined).await.expect("declined");
    assert_denied(sealed(&bureau, &card, original()).await, "USE_DECLINED");
    let shown = get(&mut zhou(&bureau), &declined).await.expect("shown");
    assert_eq!((shown.state(), shown.decided_by.as_str()), (pb::UseState::Declined, "li"));
    assert_eq!((shown.reason_code.as_str(), shown.reason.as_str()), ("DOCUMENT_UNFIT", WHY));
    assert_eq!((shown.purpose_code.as_str(), shown.purpose.as_str()), ("CONTRACT", WORDS));
    let taken_back = request(&mut zhou(&bureau), &card.seal_id).await.expect("requested");
    assert_refused(take_back(&mut li(&bureau), &taken_back).await, Code::PermissionDenied, "ROLE_MISSING");
    let mut chen = uses(&bureau, "chen", Role::Applicant);
    assert_refused(take_back(&mut chen, &taken_back).await, Code::PermissionDenied, "NOT_REQUESTER");
    take_back(&mut zhou(&bureau), &taken_back).await.expect("taken back");
    assert_refused(approve(&mut li(&bureau), &taken_back).await, Code::FailedPrecondition, "USE_NOT_OPEN");
}

#[tokio::test]
async fn an_approval_ends_with_its_deadline() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let until = Some(moment::from_micros(bureau.now().plus(DAY).micros()));
    let asked = pb::RequestUseRequest { deadline: until, ..asking(&card.seal_id) };
    let id = zhou(&bureau).request_use(asked).await.expect("requested").into_inner().use_id;
    approve(&mut li(&bureau), &id).await.expect("approved");
    bureau.later(DAY + BOUND);
    assert_denied(sealed(&bureau, &card, original()).await, "USE_EXPIRED");
    assert_eq!(get(&mut zhou(&bureau), &id).await.expect("shown").state(), pb::UseState::Expired);
    let late = pb::RequestUseRequest { deadline: until, ..asking(&card.seal_id) };
    assert_refused(zhou(&bureau).request_use(late).await, Code::FailedPrecondition, "BEYOND_POLICY");
    let often = pb::RequestUseRequest { uses: 4, ..asking(&card.seal_id) };
    assert_refused(zhou(&bureau).request_use(often).await, Code::FailedPrecondition, "BEYOND_POLICY");
}

#[tokio::test]
async fn a_hundred_attempts_at_the_same_moment_make_an_approved_use_once() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = request(&mut zhou(&bureau), &card.seal_id).await.expect("requested");
    approve(&mut li(&bureau), &id).await.expect("approved");
    let tries = (0..100).map(|_| sealed(&bureau, &card, original()));
    let ended = futures::future::join_all(tries).await;
    let (done, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 99));
    for one in refused {
        assert_denied(one, "USE_SPENT");
    }
}

#[tokio::test]
async fn requests_are_listed_newest_first_and_come_back_after_a_rebuild() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        bureau.later(BOUND);
        made.insert(0, request(&mut zhou(&bureau), &card.seal_id).await.expect("requested"));
    }
    approve(&mut li(&bureau), &made[1]).await.expect("approved");
    let list =
        async |request: pb::ListUsesRequest| zhou(&bureau).list_uses(request).await.expect("a page").into_inner();
    let first = list(pb::ListUsesRequest { page_size: 2, ..Default::default() }).await;
    let rest = list(pb::ListUsesRequest { page_token: first.next_page_token.clone(), ..Default::default() }).await;
    let listed: Vec<_> = first.uses.iter().chain(&rest.uses).map(|one| one.use_id.clone()).collect();
    assert_eq!(listed, made);
    let approved = pb::ListUsesRequest { state: pb::UseState::Approved.into(), ..Default::default() };
    assert_eq!(list(approved).await.uses.len(), 1);
    let named = |content: &[u8]| pb::ListUsesRequest { document: sha256(content), ..Default::default() };
    assert_eq!((list(named(b"the file")).await.uses.len(), list(named(b"another")).await.uses.len()), (3, 0));
    let before = list(pb::ListUsesRequest::default()).await;
    bureau.rebuilds().await;
    assert_eq!(list(pb::ListUsesRequest::default()).await, before);
}

#[tokio::test]
async fn what_people_write_is_in_no_event_and_is_encrypted_and_can_be_erased() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let id = request(&mut zhou(&bureau), &card.seal_id).await.expect("requested");
    decline(&mut li(&bureau), &id).await.expect("declined");
    let events = bureau.events().await;
    let payloads: Vec<_> = events.iter().map(|event| String::from_utf8_lossy(&event.payload).into_owned()).collect();
    assert!(payloads.iter().any(|payload| payload.contains(&Digest::of(WORDS.as_bytes()).to_string())));
    assert!(!payloads.iter().any(|payload| payload.contains(WORDS) || payload.contains(WHY)));
    let dump = crate::privacy::dump(&bureau).await;
    assert!(crate::privacy::find(&dump, id.as_bytes()), "the dump holds what is stored");
    for words in [WORDS, WHY] {
        assert!(!crate::privacy::find(&dump, words.as_bytes()), "{words}");
    }
    let erased = application::PersonErased { person_id: ZHOU.to_owned() };
    bureau.application.tells("somebody", "eseal.application.v1.PersonErased", &erased).await;
    let gone = async || {
        let shown = get(&mut zhou(&bureau), &id).await.expect("shown");
        (shown.purpose.is_empty() && shown.reason.is_empty()).then_some(shown)
    };
    let shown = wait_until("the texts are erased", Duration::from_secs(60), gone).await;
    assert_eq!((shown.state(), shown.purpose_code.as_str()), (pb::UseState::Declined, "CONTRACT"));
    assert_eq!(bureau.events().await.len(), events.len(), "no event was touched");
}

#[tokio::test]
async fn a_repeated_request_is_the_same_one() {
    let bureau = Bureau::open().await;
    let card = approving(&bureau).await;
    let asked = asking(&card.seal_id);
    let first = zhou(&bureau).request_use(asked.clone()).await.expect("requested").into_inner();
    let again = zhou(&bureau).request_use(asked).await.expect("repeated").into_inner();
    assert_eq!(first, again);
    assert_eq!(bureau.kinds(&card.seal_id).await.iter().filter(|kind| *kind == "UseRequested").count(), 1);
}

/// A seal in use whose uses are approved first.
async fn approving(bureau: &Bureau) -> Card {
    let card = bureau.active().await;
    set_policy(&mut bureau.admin(), &card.seal_id, APPROVED).await.expect("set");
    card
}

pub fn uses(bureau: &Bureau, id: &str, role: Role) -> Uses {
    UseServiceClient::new(bureau.person(id, role, Some(LENOVO)))
}

fn zhou(bureau: &Bureau) -> Uses {
    uses(bureau, ZHOU, Role::Custodian)
}

/// Who supervises.
fn li(bureau: &Bureau) -> Uses {
    uses(bureau, "li", Role::Reviewer)
}

fn sha256(content: &[u8]) -> String {
    format!("sha256:{}", Digest::of(content))
}

/// The document as it is before sealing, as an honest client says.
pub fn original() -> pb::OriginalDocument {
    let sm3 = format!("sm3:{}", hex::encode(DigestAlg::Sm3.digest(b"the file")));
    pb::OriginalDocument { digests: vec![sha256(b"the file"), sm3], format: pb::DocumentFormat::Ofd.into() }
}

fn other() -> pb::OriginalDocument {
    pb::OriginalDocument { digests: vec![sha256(b"another")], ..original() }
}

pub fn asking(seal_id: &str) -> pb::RequestUseRequest {
    pb::RequestUseRequest {
        request_id: request_id(),
        seal_id: seal_id.to_owned(),
        documents: vec![sha256(b"the file")],
        uses: 1,
        purpose_code: "CONTRACT".to_owned(),
        purpose: WORDS.to_owned(),
        deadline: None,
    }
}

pub async fn request(uses: &mut Uses, seal_id: &str) -> Result<String, Status> {
    Ok(uses.request_use(asking(seal_id)).await?.into_inner().use_id)
}

pub async fn approve(uses: &mut Uses, use_id: &str) -> Result<(), Status> {
    let request = pb::ApproveUseRequest { request_id: request_id(), use_id: use_id.to_owned() };
    uses.approve_use(request).await.map(drop)
}

pub async fn decline(uses: &mut Uses, use_id: &str) -> Result<(), Status> {
    let (reason_code, reason) = ("DOCUMENT_UNFIT".to_owned(), WHY.to_owned());
    let request = pb::DeclineUseRequest { request_id: request_id(), use_id: use_id.to_owned(), reason_code, reason };
    uses.decline_use(request).await.map(drop)
}

pub async fn take_back(uses: &mut Uses, use_id: &str) -> Result<(), Status> {
    let request = pb::WithdrawUseRequest { request_id: request_id(), use_id: use_id.to_owned() };
    uses.withdraw_use(request).await.map(drop)
}

pub async fn get(uses: &mut Uses, use_id: &str) -> Result<pb::SealUse, Status> {
    let request = pb::GetUseRequest { use_id: use_id.to_owned() };
    Ok(uses.get_use(request).await?.into_inner().seal_use.expect("a use"))
}

/// Zhou's client seals a document that was this one.
pub async fn sealed(bureau: &Bureau, card: &Card, original: pb::OriginalDocument) -> Result<(), Status> {
    sealed_by(bureau.zhou(), bureau.now(), card, original).await
}

/// The same at one of several processes of the service.
pub async fn sealed_by(
    mut zhou: Sealing,
    now: Timestamp,
    card: &Card,
    original: pb::OriginalDocument,
) -> Result<(), Status> {
    let begun = begin(&mut zhou, &card.seal_id).await?;
    pin(&mut zhou, &card.seal_id, &begun.attempt_id, true).await?;
    let shown = pb::AuthorizeSealingRequest { original: Some(original), ..showing(card, &begun, Suite::Sm2Sm3) };
    authorize(&mut zhou, shown).await?;
    complete(&mut zhou, &card.seal_id, &begun.attempt_id, card.ofd_signature(document(), now)).await
}

/// Gate d found no right, for this reason.
#[track_caller]
pub fn assert_denied<T: std::fmt::Debug>(answer: Result<T, Status>, detail: &str) {
    let refused = assert_gate(answer, "d", "NOT_AUTHORIZED");
    assert_eq!(refused.metadata.get("detail").map(String::as_str), Some(detail), "{}", refused.message);
}
