//! Persons are forgotten; the history stays as it is.

use eseal_eventstore::{Progress, verify_log};
use eseal_kernel::Digest;
use eseal_proto::application::v1 as pb;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::Role;
use eseal_service::testing::Teller;
use eseal_testkit::wait_until;
use tonic::Code;

use crate::office::*;

#[tokio::test]
async fn an_erased_person_is_gone_from_whatever_is_shown() {
    let office = Office::open().await;
    let application = personal(&office).await;
    assert_eq!(erase(&office, "sun").await.erased, 3, "contact data, the seal's name and its picture");

    let shown = office.shown(&application).await;
    assert_eq!(shown.contacts.iter().map(|contact| contact.person_id.as_str()).collect::<Vec<_>>(), ["zhang"]);
    assert_eq!(shown.form.expect("a form").seal_name, "");
    for digest in [Digest::of(DOT), Digest::of("孙保管".as_bytes())] {
        let request = pb::GetMaterialRequest { digest: digest.to_string() };
        let read = office.service("fabrication").get_material(request).await;
        assert_refused(read, Code::NotFound, "MATERIAL_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_words_of_a_return_go_with_its_applicant() {
    let office = Office::open().await;
    let application = office.returned().await;
    erase(&office, "zhang").await;
    let returned = office.shown(&application).await.returned.expect("a reason");
    assert_eq!((returned.code.as_str(), returned.text.as_str()), ("MATERIAL_INCOMPLETE", ""));
}

#[tokio::test]
async fn erasing_changes_no_event_and_no_hash() {
    let office = Office::open().await;
    personal(&office).await;
    office.returned().await;
    let before = office.events().await;
    erase(&office, "sun").await;
    erase(&office, "zhang").await;
    let after = office.events().await;
    assert_eq!(after[..before.len()], before[..]);
    assert!(after.iter().all(|event| event.verify_hash()));
    verify_log(after.iter()).expect("an unbroken history");
    assert_eq!(after.last().expect("an event").kind, "eseal.application.v1.PersonErased");
    assert_eq!(after.last().expect("an event").stream_id.as_str(), "person-zhang");
}

#[tokio::test]
async fn after_erasing_the_read_tables_can_be_rebuilt_and_applications_go_on() {
    let office = Office::open().await;
    let application = office.returned().await;
    erase(&office, "zhang").await;
    erase(&office, "sun").await;
    let before = office.shown(&application).await;
    office.rebuilds().await;
    assert_eq!(office.shown(&application).await, before);
    resubmit(&mut office.applicant("zhang"), &application).await.expect("filed again");
    approve(&mut office.reviewer("li"), &application).await.expect("approved");
    assert!(office.shown(&application).await.contacts.is_empty());
}

#[tokio::test]
async fn no_event_holds_personal_data() {
    let office = Office::open().await;
    personal(&office).await;
    let application = office.returned().await;
    let mut zhang = office.applicant("zhang");
    let form = form(&put(&mut zhang, DOT).await);
    revise(&mut zhang, &application, form, contacts()).await.expect("revised");
    erase(&office, "sun").await;
    let mut personal: Vec<String> = vec!["张经办缺少营业执照".to_owned()];
    for contact in contacts() {
        personal.extend([contact.name, contact.phone, contact.email, contact.document_number]);
    }
    for event in office.events().await {
        let text = format!("{}\n{}", event.envelope_text(), String::from_utf8(event.payload).expect("JSON"));
        for secret in &personal {
            assert!(!text.contains(secret), "{} holds {secret}", event.kind);
        }
    }
}

#[tokio::test]
async fn what_is_said_of_a_person_after_an_erasure_can_be_erased_too() {
    let office = Office::open().await;
    office.filed().await;
    assert_eq!(erase(&office, "sun").await.erased, 1);
    assert_eq!(erase(&office, "sun").await.erased, 0);
    office.filed().await;
    assert_eq!(erase(&office, "sun").await.erased, 1);
}

#[tokio::test]
async fn the_same_erasure_twice_is_one_fact_with_one_answer() {
    let office = Office::open().await;
    office.filed().await;
    let mut admin = office.person("admin", Role::Admin, None);
    let request = pb::ErasePersonRequest { request_id: request_id(), person_id: "sun".to_owned() };
    let first = admin.erase_person(request.clone()).await.expect("erased").into_inner();
    assert_eq!(admin.erase_person(request).await.expect("a repeat").into_inner(), first);
    let erasures = office.events().await.into_iter().filter(|event| event.kind.ends_with("PersonErased"));
    assert_eq!(erasures.count(), 1);
}

#[tokio::test]
async fn a_late_repeat_erases_nothing_that_was_entered_since() {
    let office = Office::open().await;
    let mut admin = office.person("admin", Role::Admin, None);
    let request = pb::ErasePersonRequest { request_id: request_id(), person_id: "sun".to_owned() };
    admin.erase_person(request.clone()).await.expect("erased");
    // The effect of the first erasure is over once this is noted as done.
    wait_until("the erasure is settled", BOUND, async || {
        let progress = Progress::of(&office.database, "application", "application").await.expect("progress");
        (progress.cursor == office.events().await.len() as u64).then_some(())
    })
    .await;
    let application = office.filed().await;
    admin.erase_person(request).await.expect("a repeat");
    assert_eq!(office.shown(&application).await.contacts, contacts());
}

#[tokio::test]
async fn a_person_whose_erasure_is_on_record_is_erased_even_if_the_process_died_before_it_was_done() {
    let office = Office::open().await;
    let application = office.filed().await;
    let died = Teller::over(office.database.clone(), "application");
    let erased = pb::PersonErased { person_id: "sun".to_owned() };
    died.tells("sun", "eseal.application.v1.PersonErased", &erased).await;
    wait_until("Sun is forgotten", BOUND, async || {
        (office.shown(&application).await.contacts.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_none_is_a_field_violation() {
    let office = Office::open().await;
    let mut admin = office.person("admin", Role::Admin, None);
    let request = pb::ErasePersonRequest { request_id: request_id(), person_id: "孙保管".to_owned() };
    assert_eq!(violation(admin.erase_person(request).await).0, "person_id");
}

/// Files an application for Sun's personal seal.
async fn personal(office: &Office) -> String {
    let mut zhang = office.applicant("zhang");
    let picture = pb::PutMaterialRequest {
        content: DOT.to_vec(),
        media_type: "image/png".to_owned(),
        person_id: "sun".to_owned(),
        ..Default::default()
    };
    let digest = zhang.put_material(picture).await.expect("stored").into_inner().digest;
    let seal_type = seal_pb::SealType::Personal.into();
    let form = pb::ApplicationForm { seal_type, seal_name: "孙保管".to_owned(), ..form(&digest) };
    submit(&mut zhang, form).await.expect("filed").application_id
}

async fn erase(office: &Office, person: &str) -> pb::ErasePersonResponse {
    let request = pb::ErasePersonRequest { request_id: request_id(), person_id: person.to_owned() };
    office.person("admin", Role::Admin, None).erase_person(request).await.expect("erased").into_inner()
}
