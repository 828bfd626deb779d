//! Lists: newest first, in pages, by state and organization.

use std::time::Duration;

use eseal_proto::application::v1 as pb;
use eseal_service::Role;

use crate::office::*;

#[tokio::test]
async fn the_newest_application_comes_first_and_pages_lead_to_the_oldest() {
    let office = Office::open().await;
    let mut filed = Vec::new();
    for _ in 0..5 {
        filed.push(office.filed().await);
        office.later(Duration::from_secs(1));
    }
    filed.reverse();
    let mut li = office.reviewer("li");
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            list(&mut li, pb::ListApplicationsRequest { page_size: 2, page_token: token, ..Default::default() }).await;
        assert!(page.applications.len() <= 2);
        seen.extend(page.applications.into_iter().map(|application| application.application_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, filed);
}

#[tokio::test]
async fn applications_of_the_same_moment_are_listed_once_each() {
    let office = Office::open().await;
    for _ in 0..3 {
        office.filed().await;
    }
    let mut li = office.reviewer("li");
    let first = list(&mut li, pb::ListApplicationsRequest { page_size: 2, ..Default::default() }).await;
    let rest = pb::ListApplicationsRequest { page_token: first.next_page_token.clone(), ..Default::default() };
    let second = list(&mut li, rest).await;
    let mut ids: Vec<_> = first.applications.iter().chain(&second.applications).map(|a| &a.application_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), second.next_page_token.as_str()), (3, ""));
}

#[tokio::test]
async fn a_list_is_narrowed_by_state_and_organization() {
    let office = Office::open().await;
    let (_, approved) = (office.filed().await, office.approved().await);
    let mut li = office.reviewer("li");
    let state = pb::ApplicationState::Approved.into();
    let found = list(&mut li, pb::ListApplicationsRequest { state, ..Default::default() }).await.applications;
    assert_eq!(found.iter().map(|a| &a.application_id).collect::<Vec<_>>(), [&approved]);
    let uscc = SUZHOU.to_owned();
    assert!(list(&mut li, pb::ListApplicationsRequest { uscc, ..Default::default() }).await.applications.is_empty());
}

#[tokio::test]
async fn people_bound_to_an_organization_list_its_applications_only() {
    let office = Office::open().await;
    office.filed().await;
    let mut qian = office.applicant("qian");
    assert_eq!(list(&mut qian, pb::ListApplicationsRequest::default()).await.applications.len(), 1);
    let mut chen = office.person("chen", Role::Applicant, Some(SUZHOU));
    assert!(list(&mut chen, pb::ListApplicationsRequest::default()).await.applications.is_empty());
}

#[tokio::test]
async fn a_list_shows_names_of_seals_but_no_contact_data() {
    let office = Office::open().await;
    office.filed().await;
    let listed = list(&mut office.reviewer("li"), pb::ListApplicationsRequest::default()).await.applications;
    let form = listed[0].form.as_ref().expect("a form");
    assert_eq!((form.seal_name.as_str(), listed[0].contacts.len()), ("合同专用章", 0));
}

#[tokio::test]
async fn a_page_token_that_is_none_of_ours_and_an_unknown_state_are_field_violations() {
    let office = Office::open().await;
    let mut li = office.reviewer("li");
    let request = pb::ListApplicationsRequest { page_token: "MTph".to_owned(), ..Default::default() };
    assert_eq!(violation(li.list_applications(request).await).0, "page_token");
    let request = pb::ListApplicationsRequest { state: 99, ..Default::default() };
    assert_eq!(violation(li.list_applications(request).await).0, "state");
    let request = pb::ListApplicationsRequest { uscc: "1".to_owned(), ..Default::default() };
    assert_eq!(violation(li.list_applications(request).await).0, "uscc");
}

async fn list(client: &mut Client, request: pb::ListApplicationsRequest) -> pb::ListApplicationsResponse {
    client.list_applications(request).await.expect("listed").into_inner()
}
