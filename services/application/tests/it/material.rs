//! Files: stored by digest, read by those whom they concern.

use eseal_kernel::Digest;
use eseal_proto::application::v1 as pb;
use eseal_service::Role;
use tonic::Code;

use crate::office::*;

#[tokio::test]
async fn a_file_is_named_by_its_digest_however_often_it_is_stored() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    assert_eq!(put(&mut zhang, DOT).await, Digest::of(DOT).to_string());
    assert_eq!(put(&mut zhang, DOT).await, Digest::of(DOT).to_string());
    let read = get(&mut zhang, &Digest::of(DOT).to_string()).await.expect("read");
    assert_eq!((read.content.as_slice(), read.media_type.as_str()), (DOT, "image/png"));
}

#[tokio::test]
async fn a_drawing_becomes_a_picture() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><circle cx="20" cy="20" r="18" fill="red"/></svg>"#;
    let answer = zhang.put_material(upload(svg.as_bytes(), "image/svg+xml")).await;
    if let Err(status) = &answer
        && status.message().contains("font")
    {
        return println!("skipped: no font with Chinese characters is installed");
    }
    let digest = answer.expect("stored").into_inner().digest;
    let read = get(&mut zhang, &digest).await.expect("read");
    assert_eq!(read.media_type, "image/png");
    eseal_impression::check(&read.content).expect("a picture");
    submit(&mut zhang, form(&digest)).await.expect("filed");
}

#[tokio::test]
async fn what_is_no_file_of_its_kind_is_refused() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    let wrong: [(&str, &[u8], &str); 6] = [
        ("content", b"", "image/png"),
        ("content", b"GIF89a", "image/png"),
        ("content", DOT, "application/pdf"),
        ("content", b"<svg", "image/svg+xml"),
        ("content", b"<?xml version='1.0'?><!DOCTYPE svg><svg/>", "image/svg+xml"),
        ("media_type", DOT, "image/gif"),
    ];
    for (field, content, media_type) in wrong {
        let answer = zhang.put_material(upload(content, media_type)).await;
        if let Err(status) = &answer
            && status.message().contains("font")
        {
            continue; // drawings need a font
        }
        assert_eq!(violation(answer).0, field, "{media_type}");
    }
    let request = pb::PutMaterialRequest { person_id: "孙".to_owned(), ..upload(DOT, "image/png") };
    assert_eq!(violation(zhang.put_material(request).await).0, "person_id");
    let mut large = DOT.to_vec();
    large.resize((10 << 20) + 1, 0);
    assert_eq!(violation(zhang.put_material(upload(&large, "image/png")).await).0, "content");
}

#[tokio::test]
async fn a_file_is_read_by_who_stored_it_and_once_named_by_all_of_the_organization() {
    let office = Office::open().await;
    let (mut zhang, mut qian) = (office.applicant("zhang"), office.applicant("qian"));
    let (mut chen, mut li) = (office.person("chen", Role::Applicant, Some(SUZHOU)), office.reviewer("li"));
    let picture = put(&mut zhang, DOT).await;
    let not_found = (Code::NotFound, "MATERIAL_NOT_FOUND");
    assert_refused(get(&mut qian, &picture).await, not_found.0, not_found.1);
    assert_refused(get(&mut li, &picture).await, not_found.0, not_found.1);
    submit(&mut zhang, form(&picture)).await.expect("filed");
    get(&mut qian, &picture).await.expect("of the same organization");
    get(&mut li, &picture).await.expect("bound to none");
    assert_refused(get(&mut chen, &picture).await, not_found.0, not_found.1);
}

#[tokio::test]
async fn fabrication_reads_the_name_of_a_seal_by_its_digest() {
    let office = Office::open().await;
    office.approved().await;
    let request = pb::GetMaterialRequest { digest: Digest::of("合同专用章".as_bytes()).to_string() };
    let read = office.service("fabrication").get_material(request).await.expect("read").into_inner();
    assert_eq!(read.content, "合同专用章".as_bytes());
    assert!(read.media_type.starts_with("text/plain"), "{}", read.media_type);
}

#[tokio::test]
async fn a_digest_that_is_none_and_one_of_nothing_have_each_their_answer() {
    let office = Office::open().await;
    let mut zhang = office.applicant("zhang");
    assert_eq!(violation(get(&mut zhang, "abc").await).0, "digest");
    let nothing = Digest::of(b"nothing").to_string();
    assert_refused(get(&mut zhang, &nothing).await, Code::NotFound, "MATERIAL_NOT_FOUND");
}

fn upload(content: &[u8], media_type: &str) -> pb::PutMaterialRequest {
    pb::PutMaterialRequest { content: content.to_vec(), media_type: media_type.to_owned(), ..Default::default() }
}
