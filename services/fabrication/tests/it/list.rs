//! A maker's queue, and 制章日志.

use std::time::Duration;

use eseal_proto::fabrication::v1 as pb;

use crate::cards::Card;
use crate::workshop::*;

#[tokio::test]
async fn the_queue_begins_with_the_newest_and_is_read_in_pages() {
    let workshop = Workshop::open().await;
    let mut queued = Vec::new();
    for _ in 0..5 {
        queued.push(workshop.approved().await);
        workshop.later(Duration::from_secs(1));
    }
    queued.reverse();
    let mut zhang = workshop.maker("zhang");
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListFabricationsRequest { page_size: 2, page_token, ..Default::default() };
        let page = zhang.list_fabrications(request).await.expect("listed").into_inner();
        assert!(page.fabrications.len() <= 2);
        seen.extend(page.fabrications.into_iter().map(|fabrication| fabrication.application_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, queued);
}

#[tokio::test]
async fn the_queue_is_narrowed_by_state() {
    let workshop = Workshop::open().await;
    let (waiting, running) = (workshop.approved().await, workshop.approved().await);
    begin(workshop.maker("zhang"), &running, "M1").await.expect("begun");
    for (state, application) in [(pb::FabricationState::Waiting, waiting), (pb::FabricationState::Running, running)] {
        let request = pb::ListFabricationsRequest { state: state.into(), ..Default::default() };
        let listed = workshop.maker("zhang").list_fabrications(request).await.expect("listed").into_inner();
        let found: Vec<_> = listed.fabrications.into_iter().map(|found| found.application_id).collect();
        assert_eq!(found, [application]);
    }
}

#[tokio::test]
async fn every_run_is_in_the_log_good_or_bad() {
    let workshop = Workshop::open().await;
    let (maker, application) = (workshop.issued("M1").await, workshop.approved().await);
    let mut zhang = workshop.maker("zhang");
    begin(zhang.clone(), &application, "").await.expect_err("no maker card");
    workshop.later(Duration::from_secs(1));
    let mut run = begin(zhang.clone(), &application, "M1").await.expect("begun");
    workshop.later(Duration::from_secs(1));
    run.makes(&maker, &Card::holder("S1", LENOVO)).await.expect("made");
    workshop.approved().await;
    let request = pb::ListRunsRequest { application_id: application, ..Default::default() };
    let runs = zhang.list_runs(request).await.expect("listed").into_inner().runs;
    let [good, bad] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!((bad.gate.as_str(), bad.reason.as_str(), bad.made), ("a", "MAKER_CARD_ABSENT", false));
    assert_eq!((good.gate.as_str(), good.reason.as_str(), good.made), ("", "", true));
    assert_eq!((good.run_id.as_str(), good.maker_id.as_str()), (run.run_id.as_str(), "zhang"));
    let took = good.ended_at.as_ref().expect("an end").seconds - good.begun_at.as_ref().expect("a begin").seconds;
    assert_eq!(took, 1);
}

#[tokio::test]
async fn a_page_token_that_is_none_of_ours_and_an_unknown_state_are_field_violations() {
    let workshop = Workshop::open().await;
    let mut zhang = workshop.maker("zhang");
    let request = pb::ListFabricationsRequest { page_token: "MTph".to_owned(), ..Default::default() };
    assert_eq!(violation(zhang.list_fabrications(request).await), "page_token");
    let request = pb::ListFabricationsRequest { state: 99, ..Default::default() };
    assert_eq!(violation(zhang.list_fabrications(request).await), "state");
    let request = pb::ListRunsRequest { application_id: "1".to_owned(), ..Default::default() };
    assert_eq!(violation(zhang.list_runs(request).await), "application_id");
}
