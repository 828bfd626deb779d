//! Filing an application, and everything that a form can have wrong.

use eseal_proto::application::v1 as pb;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::Role;
use tonic::Code;

use crate::office::*;

/// Makes a good form a bad one.
type Spoil = Box<dyn Fn(&mut pb::ApplicationForm)>;

#[tokio::test]
async fn an_application_is_under_review_and_shown_as_it_was_filed() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let mut form = form(&put(&mut zhang, DOT).await);
    form.attachments = vec![pb::Attachment { kind: "licence".to_owned(), digest: put(&mut zhang, DOT).await }];
    let filed = submit(&mut zhang, form.clone()).await.expect("filed");

    let shown = show(&mut zhang, &filed.application_id).await.expect("shown");
    assert_eq!(shown.form, Some(form));
    assert_eq!(shown.state(), pb::ApplicationState::UnderReview);
    assert_eq!((shown.applicant_id.as_str(), shown.approvals_needed), ("zhang", 1));
    assert_eq!((shown.etag.as_str(), filed.etag.as_str()), ("1", "1"));
    assert_eq!(shown.contacts, contacts());
    assert_eq!(shown.submitted_at, Some(moment::from_micros(now().micros())));
    assert_eq!(office.kinds(&filed.application_id).await, ["Submitted"]);
}

#[tokio::test]
async fn an_impression_is_drawn_from_the_organizations_name() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let drawn = pb::ImpressionShape::Round.into();
    let impression = Some(pb::Impression { material_digest: String::new(), drawn, width_mm: 42, height_mm: 42 });
    let filed = submit(&mut zhang, pb::ApplicationForm { impression, ..form("") }).await;
    if let Err(status) = &filed
        && status.message().contains("font")
    {
        return println!("skipped: no font with Chinese characters is installed");
    }
    let shown = show(&mut zhang, &filed.expect("filed").application_id).await.expect("shown");
    let impression = shown.form.expect("a form").impression.expect("an impression");
    assert_eq!(impression.drawn(), pb::ImpressionShape::Round);
    let picture = get(&mut zhang, &impression.material_digest).await.expect("stored");
    assert_eq!(picture.media_type, "image/png");
    assert!(eseal_impression::check(&picture.content).expect("a picture").has_alpha);
}

#[tokio::test]
async fn a_mistyped_code_is_refused_with_the_character_that_would_fit() {
    let office = Office::open().await;
    let mut zhang = office.person("zhang", Role::Applicant, None);
    let mut form = form(&put(&mut zhang, DOT).await);
    form.organization.as_mut().expect("an organization").uscc = "91110000600037341M".to_owned();
    let (field, text) = violation(submit(&mut zhang, form).await);
    assert_eq!(field, "form.organization.uscc");
    assert!(text.contains("should be L"), "{text}");
}

#[tokio::test]
async fn each_field_that_is_not_acceptable_is_named() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let picture = put(&mut zhang, DOT).await;
    let wrong: Vec<(&str, Spoil)> = vec![
        ("form.kind", Box::new(|form| form.kind = 0)),
        ("form.kind", Box::new(|form| form.kind = 99)),
        ("form.seal_type", Box::new(|form| form.seal_type = 0)),
        ("form.seal_name", Box::new(|form| form.seal_name = String::new())),
        ("form.seal_name", Box::new(|form| form.seal_name = "章\u{0}".to_owned())),
        ("form.seal_name", Box::new(|form| form.seal_name = "章".repeat(67))),
        ("form.seal_name", Box::new(|form| form.seal_name = "章".repeat(10_000_000 / 3))),
        ("form.organization.uscc", Box::new(|form| form.organization = None)),
        ("form.organization.name_zh", Box::new(|form| organization(form).name_zh = "a\nb".to_owned())),
        ("form.organization.name_en", Box::new(|form| organization(form).name_en = "x".repeat(201))),
        ("form.impression", Box::new(|form| form.impression = None)),
        ("form.impression", Box::new(|form| impression(form).drawn = 1)),
        ("form.impression", Box::new(|form| impression(form).material_digest = String::new())),
        ("form.impression.material_digest", Box::new(|form| impression(form).material_digest = "AB".to_owned())),
        ("form.impression.width_mm", Box::new(|form| impression(form).width_mm = 0)),
        ("form.impression.width_mm", Box::new(|form| impression(form).height_mm = 1_000)),
        ("form.custody", Box::new(|form| form.custody = 0)),
        ("form.hosted_key_id", Box::new(|form| form.custody = seal_pb::Custody::HostedKey.into())),
        ("form.hosted_key_id", Box::new(|form| form.hosted_key_id = request_id())),
        ("form.custodian_id", Box::new(|form| form.custodian_id = String::new())),
        ("form.custodian_id", Box::new(|form| form.custodian_id = "孙保管".to_owned())),
        ("form.valid_from", Box::new(|form| form.valid_from = None)),
        ("form.valid_to", Box::new(|form| form.valid_to = form.valid_from)),
        ("form.valid_to", Box::new(|form| form.valid_to.as_mut().expect("a moment").seconds += 400_000_000)),
        ("form.existing_seal_id", Box::new(|form| form.kind = pb::ApplicationKind::Renew.into())),
        ("form.existing_seal_id", Box::new(|form| form.existing_seal_id = request_id())),
        ("form.attachments", Box::new(|form| form.attachments = vec![pb::Attachment::default(); 21])),
        ("form.attachments[0].kind", Box::new(|form| form.attachments = vec![pb::Attachment::default()])),
    ];
    for (field, spoil) in wrong {
        let mut form = form(&picture);
        spoil(&mut form);
        assert_eq!(violation(submit(&mut zhang, form).await).0, field);
    }
    assert!(office.events().await.is_empty(), "nothing was recorded");
}

#[tokio::test]
async fn contacts_are_bounded_and_name_each_person_once() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let form = form(&put(&mut zhang, DOT).await);
    let mut submit = async |contacts: Vec<pb::Contact>| {
        let form = Some(form.clone());
        zhang.submit_application(pb::SubmitApplicationRequest { request_id: request_id(), form, contacts }).await
    };
    let [sun, _] = contacts().try_into().expect("two");
    let nameless = pb::Contact { name: String::new(), ..sun.clone() };
    assert_eq!(violation(submit(vec![sun.clone(), sun.clone()]).await).0, "contacts[1].person_id");
    assert_eq!(violation(submit(vec![nameless]).await).0, "contacts[0].name");
    assert_eq!(violation(submit(vec![sun; 21]).await).0, "contacts");
}

#[tokio::test]
async fn a_picture_that_is_not_stored_can_not_be_asked_for() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let digest = eseal_kernel::Digest::of(b"nothing").to_string();
    let (code, refused) = refusal(submit(&mut zhang, form(&digest)).await);
    assert_eq!((code, refused.reason.as_str()), (Code::FailedPrecondition, "MATERIAL_NOT_FOUND"));
    assert_eq!(refused.metadata["digest"], digest);
}

#[tokio::test]
async fn an_attachment_that_is_not_stored_can_not_be_named() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let mut form = form(&put(&mut zhang, DOT).await);
    let digest = eseal_kernel::Digest::of(b"nothing").to_string();
    form.attachments = vec![pb::Attachment { kind: "mandate".to_owned(), digest }];
    assert_refused(submit(&mut zhang, form).await, Code::FailedPrecondition, "MATERIAL_NOT_FOUND");
}

#[tokio::test]
async fn a_picture_twenty_thousand_pixels_wide_is_refused() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let wide = put(&mut zhang, include_bytes!("files/wide.png")).await;
    let (field, text) = violation(submit(&mut zhang, form(&wide)).await);
    assert_eq!(field, "form.impression");
    assert!(text.contains("20000"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_picture_can_not_be_an_impression() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let request = pb::PutMaterialRequest {
        content: b"%PDF-1.7".to_vec(),
        media_type: "application/pdf".to_owned(),
        ..Default::default()
    };
    let pdf = zhang.put_material(request).await.expect("stored").into_inner().digest;
    assert_eq!(violation(submit(&mut zhang, form(&pdf)).await).0, "form.impression");
    let cut = put(&mut zhang, &DOT[..100]).await;
    assert_eq!(violation(submit(&mut zhang, form(&cut)).await).0, "form.impression");
}

#[tokio::test]
async fn the_picture_of_a_personal_seal_must_be_stored_as_being_about_its_custodian() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let untold = put(&mut zhang, DOT).await;
    let seal_type = seal_pb::SealType::Personal.into();
    let personal = pb::ApplicationForm { seal_type, seal_name: "孙保管".to_owned(), ..form(&untold) };
    assert_eq!(violation(submit(&mut zhang, personal.clone()).await).0, "form.impression.material_digest");
    let about_sun = pb::PutMaterialRequest {
        content: DOT.to_vec(),
        media_type: "image/png".to_owned(),
        person_id: "sun".to_owned(),
        ..Default::default()
    };
    zhang.put_material(about_sun).await.expect("stored");
    submit(&mut zhang, personal).await.expect("filed");
}

#[tokio::test]
async fn a_validity_that_has_passed_can_not_be_asked_for() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let mut form = form(&put(&mut zhang, DOT).await);
    form.valid_from = Some(moment::from_micros(0));
    form.valid_to = Some(moment::from_micros(1));
    assert_refused(submit(&mut zhang, form).await, Code::InvalidArgument, "VALIDITY_PASSED");
}

#[tokio::test]
async fn a_seal_with_a_hosted_key_and_a_renewal_can_be_applied_for() {
    let office = Office::open().await;
    let seal = office.sealed().await;
    let mut zhang = office.applicant("zhang");
    let mut form = form(&put(&mut zhang, DOT).await);
    form.custody = seal_pb::Custody::HostedKey.into();
    form.hosted_key_id = request_id();
    form.kind = pb::ApplicationKind::Renew.into();
    form.existing_seal_id = seal;
    let filed = submit(&mut zhang, form.clone()).await.expect("filed");
    assert_eq!(show(&mut zhang, &filed.application_id).await.expect("shown").form, Some(form));
}

fn organization(form: &mut pb::ApplicationForm) -> &mut seal_pb::Organization {
    form.organization.as_mut().expect("an organization")
}

fn impression(form: &mut pb::ApplicationForm) -> &mut pb::Impression {
    form.impression.as_mut().expect("an impression")
}
