//! What is recorded, and who may read it.

use std::time::Duration;

use eseal_kernel::Digest;
use eseal_proto::moment;
use eseal_proto::verification::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::desk::*;
use crate::sealed::{NAME, World, now};

#[tokio::test]
async fn a_failure_is_recorded_with_what_failed() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let tampered = world.tampered_pdf();
    let report = desk.verifies(&tampered).await;
    let reason = report.seals[0].content.clone().expect("an item").reason;
    let [failure] = desk.failures().await.try_into().expect("one failure");
    assert_eq!(failure.document_digest, Digest::of(&tampered).to_string());
    assert_eq!((failure.verdict(), failure.at), (pb::Verdict::Invalid, Some(moment::from_micros(now().micros()))));
    assert_eq!(failure.items, [pb::FailedItem { seal: 1, item: "content".to_owned(), reason }]);
    let [event] = desk.events().await.try_into().expect("one event");
    assert_eq!((event.kind.as_str(), event.subject), ("eseal.verification.v1.VerificationFailed", failure.failure_id));
    assert_eq!(event.actor.to_string(), "anonymous:anonymous");
}

#[tokio::test]
async fn each_verification_that_fails_is_recorded_once() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    let tampered = world.tampered_pdf();
    desk.verifies(&tampered).await;
    assert_eq!(desk.events().await.len(), 1);
    desk.verifies(&tampered).await;
    assert_eq!(desk.events().await.len(), 2);
}

#[tokio::test]
async fn failures_are_listed_in_pages_newest_first() {
    let world = World::new();
    let (desk, tampered) = (Desk::in_world(&world).await, world.tampered_pdf());
    for _ in 0..3 {
        desk.verifies(&tampered).await;
        desk.later(Duration::from_secs(1));
    }
    let all: Vec<String> = desk.failures().await.into_iter().map(|failure| failure.failure_id).collect();
    let mut auditor = desk.auditor();
    let first = pb::ListFailuresRequest { page_size: 2, page_token: String::new() };
    let first = auditor.list_failures(first).await.expect("a page").into_inner();
    let second = pb::ListFailuresRequest { page_size: 2, page_token: first.next_page_token.clone() };
    let second = auditor.list_failures(second).await.expect("a page").into_inner();
    let paged = first.failures.iter().chain(&second.failures);
    assert_eq!(paged.map(|failure| failure.failure_id.clone()).collect::<Vec<_>>(), all);
    assert!(
        first.failures[0].at.as_ref().and_then(moment::micros)
            > second.failures[0].at.as_ref().and_then(moment::micros)
    );
    assert_eq!((all.len(), second.next_page_token.as_str()), (3, ""));
    let foreign = pb::ListFailuresRequest { page_size: 2, page_token: "MTph".to_owned() };
    assert_eq!(violation(auditor.list_failures(foreign).await), "page_token");
}

#[tokio::test]
async fn the_table_of_failures_can_be_rebuilt() {
    let world = World::new();
    let desk = Desk::in_world(&world).await;
    desk.verifies(&world.tampered_pdf()).await;
    let before = desk.failures().await;
    desk.rebuilds().await;
    assert_eq!(desk.failures().await, before);
}

#[tokio::test]
async fn no_event_holds_the_name_on_the_seal_or_in_the_certificate() {
    let world = World::new();
    let desk = Desk::in_world(&World::new()).await;
    desk.verifies(&world.sealed_ofd()).await;
    desk.verifies(&world.tampered_pdf()).await;
    let events = desk.events().await;
    assert_eq!(events.len(), 2);
    for event in events {
        let text = format!("{}\n{}", event.envelope_text(), String::from_utf8(event.payload).expect("JSON"));
        assert!(!text.contains(NAME), "{text}");
    }
}

#[tokio::test]
async fn only_auditors_and_admins_read_the_failures() {
    let desk = Desk::alone().await;
    let request = pb::ListFailuresRequest::default;
    desk.auditor().list_failures(request()).await.expect("an auditor");
    desk.person(Role::Admin).list_failures(request()).await.expect("an admin");
    let maker = desk.person(Role::Maker).list_failures(request()).await;
    assert_refused(maker, Code::PermissionDenied, "ROLE_MISSING");
    assert_refused(desk.anybody().list_failures(request()).await, Code::Unauthenticated, "TOKEN_MISSING");
}

#[tokio::test]
async fn an_auditor_of_one_organization_does_not_read_whose_documents_failed() {
    let desk = Desk::alone().await;
    let mut bound = desk.auditor_of("11320500014150050B");
    let refused = bound.list_failures(pb::ListFailuresRequest::default()).await;
    assert_refused(refused, Code::PermissionDenied, "OTHER_ORGANIZATION");
}
