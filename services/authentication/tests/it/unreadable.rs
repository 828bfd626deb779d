//! What is stored and can't be read is found before a PIN is tried: nobody pays a try for a fault of ours.

use eseal_proto::authentication::v1 as pb;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Query;
use tonic::Code;

use crate::batch::{Many, hosted_given};
use crate::bureau::*;
use crate::hosted::{Hosted, PIN, authorization, hosted};
use crate::rotation::damage;
use crate::signing::begin;
use crate::whole::{OFD, order, pieces, seal};

/// Neither a document, nor an act over many, nor a whole document is sealed; and nothing is counted.
async fn seals_nothing_and_counts_nothing(bureau: &Bureau, hosted: &Hosted) {
    let attempt = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id;
    // The right PIN and a wrong one: neither is looked at.
    for pin in [PIN, "314159"] {
        let request = authorization(hosted, &attempt, &hosted.sm2, pin);
        let failed = bureau.zhou().authorize_hosted_sealing(request).await.expect_err("a fault of ours");
        assert_eq!(failed.code(), Code::Internal, "{failed}");
    }
    let failed = hosted_given(bureau, hosted, &Many::of(2), PIN).await.expect_err("a fault of ours");
    assert_eq!(failed.code(), Code::Internal, "{failed}");
    let kinds = bureau.kinds(&hosted.seal_id).await;
    assert!(!kinds.iter().any(|kind| kind == "PinTried"), "{kinds:?}");
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5);
}

#[tokio::test]
async fn a_stored_certificate_that_is_none_costs_no_try() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    damage(&bureau, "certificate", "der").await;
    seals_nothing_and_counts_nothing(&bureau, &hosted).await;
}

#[tokio::test]
async fn a_stored_key_that_does_not_open_costs_no_try_and_the_other_pair_goes_on() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    damage(&bureau, "hosted_key_secret", "sm2_key").await;
    seals_nothing_and_counts_nothing(&bureau, &hosted).await;
    let sent = pieces(order(&hosted.seal_id, PIN), OFD);
    seal(&bureau, sent).await.map(drop).expect_err("a fault of ours");
    let attempt = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id;
    let other = authorization(&hosted, &attempt, &hosted.p256, PIN);
    bureau.zhou().authorize_hosted_sealing(other).await.expect("the other pair is whole");
}

#[tokio::test]
async fn a_certificate_that_is_not_stored_is_refused_at_gate_d_as_before() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let attempt = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id;
    let request = authorization(&hosted, &attempt, &hosted.sm2, PIN);
    let unknown = pb::AuthorizeHostedSealingRequest { certificate_digest: "00".repeat(32), ..request };
    assert_gate(bureau.zhou().authorize_hosted_sealing(unknown).await, "d", "CERTIFICATE_UNTRUSTED");
}

#[tokio::test]
async fn a_revocation_list_that_is_gone_costs_no_try_and_the_same_request_goes_on_once_it_is_back() {
    let bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let attempt = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun").attempt_id;
    bureau.imports_crl().await;
    let select = Query::select().columns(["digest", "der"]).from("crl_content").take();
    let row = bureau.database.reader().query_one(&select).await.expect("read").expect("a list");
    let (digest, der): (String, Vec<u8>) =
        (row.try_get("", "digest").expect("it"), row.try_get("", "der").expect("it"));
    let away = bureau.database.begin().await.expect("begun");
    away.execute(&Query::delete().from_table("crl_content").take()).await.expect("deleted");
    away.commit().await.expect("committed");

    let request = authorization(&hosted, &attempt, &hosted.sm2, PIN);
    let failed = bureau.zhou().authorize_hosted_sealing(request.clone()).await.expect_err("a fault of ours");
    assert_eq!(failed.code(), Code::Internal, "{failed}");
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5);

    let back = bureau.database.begin().await.expect("begun");
    let mut insert = Query::insert().into_table("crl_content").columns(["digest", "der"]).take();
    back.execute(insert.values_panic([digest.into(), der.into()])).await.expect("inserted");
    back.commit().await.expect("committed");
    bureau.zhou().authorize_hosted_sealing(request).await.expect("it goes on");
    let kinds = bureau.kinds(&hosted.seal_id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "PinTried").count(), 1, "{kinds:?}");
}
