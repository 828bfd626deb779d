//! What is told ahead of the end of a seal's validity and of its certificates.

use eseal_proto::authentication::v1 as pb;
use eseal_testkit::wait_until;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, UpdateStatement};

use crate::bureau::*;
use crate::card::Card;

/// Each certificate of a card, and the seal itself, in the order in which they are told.
const CERTIFICATES: usize = 2;

#[tokio::test]
async fn the_end_of_certificates_and_of_the_validity_is_told_30_7_and_1_days_ahead() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    // Certificates are good for 365 days, the seal for 1,000.
    let mut told = Vec::new();
    for (days, expected) in [(336, 30), (22, 7), (6, 1), (2, 0)] {
        bureau.later(DAY * days);
        told.extend([expected; CERTIFICATES]);
        assert_eq!(warnings(&bureau, &card, told.len()).await.days(), told);
    }
    for (days, expected) in [(605, 30), (23, 7), (6, 1)] {
        bureau.later(DAY * days);
        told.push(expected);
        assert_eq!(warnings(&bureau, &card, told.len()).await.days(), told);
    }
    let all = warnings(&bureau, &card, told.len()).await;
    assert_eq!(all.0.iter().filter(|warning| warning.certificate_digest.is_empty()).count(), 3);
}

#[tokio::test]
async fn a_service_that_was_away_tells_the_nearest_moment_only_and_once_with_another_replica_beside_it() {
    let mut bureau = Bureau::open().await;
    let card = bureau.active().await;
    bureau.later(DAY * 359); // both the 30 and the 7 days ahead of the certificates' end have gone by
    bureau.restart().await;
    bureau.begin_work_beside().await;
    assert_eq!(warnings(&bureau, &card, CERTIFICATES).await.days(), [7, 7]);
    bureau.later(DAY * 5);
    assert_eq!(warnings(&bureau, &card, CERTIFICATES * 2).await.days(), [7, 7, 1, 1]);
    // What was told is not due any more, so that the checks that follow tell nothing: the next that is told is the end.
    bureau.later(DAY * 2);
    assert_eq!(warnings(&bureau, &card, CERTIFICATES * 3).await.days(), [7, 7, 1, 1, 0, 0]);
}

#[tokio::test]
async fn nothing_more_is_told_of_a_seal_once_its_successor_has_taken_its_place() {
    let bureau = Bureau::open().await;
    let (old, new) = (bureau.active().await, bureau.registered().await);
    bureau.later(DAY * 336);
    warnings(&bureau, &old, CERTIFICATES).await;
    warnings(&bureau, &new, CERTIFICATES).await;
    replace(&mut bureau.admin(), &old.seal_id, &new.seal_id).await.expect("replaced");
    bureau.later(DAY * 22);
    // Those of the old one would be told in the same check, before: it was due first.
    warnings(&bureau, &new, CERTIFICATES * 2).await;
    assert_eq!(warnings(&bureau, &old, CERTIFICATES).await.days(), [30, 30]);
}

#[tokio::test]
async fn of_seals_that_an_earlier_release_registered_the_ends_of_certificates_are_told_too_once_on_two_replicas() {
    let mut bureau = Bureau::open().await;
    let (old, ended, new) = (bureau.active().await, bureau.active().await, bureau.active().await);
    revoke(&mut bureau.admin(), &ended.seal_id).await.expect("revoked");
    bureau.stops().await;
    for card in [&old, &ended] {
        registered_by_an_earlier_release(&bureau, card).await;
    }
    // As the migration leaves the rows of all seals.
    change(&bureau, Query::update().table("seal").value("certificates_dated", false).take()).await;
    bureau.later(DAY * 359);
    bureau.restart().await;
    bureau.begin_work_beside().await;
    assert_eq!(warnings(&bureau, &old, CERTIFICATES).await.days(), [7, 7]);
    assert_eq!(warnings(&bureau, &new, CERTIFICATES).await.days(), [7, 7]);
    let dated = async |card: &Card| {
        let kinds = bureau.kinds(&card.seal_id).await;
        kinds.iter().filter(|kind| *kind == "SealCertificatesDated").count()
    };
    assert_eq!((dated(&old).await, dated(&new).await, dated(&ended).await), (1, 0, 0));
    let behind =
        Query::select().column("seal_id").from("seal").and_where(Expr::col("certificates_dated").eq(false)).take();
    let left = async || {
        let rows = bureau.database.reader().query_all(&behind).await.expect("rows");
        let left: Vec<String> = rows.iter().map(|row| row.try_get("", "seal_id").expect("an id")).collect();
        (left == [ended.seal_id.clone()]).then_some(())
    };
    wait_until("every seal in use is looked at, and no more at the next start", BOUND, left).await;
    bureau.rebuilds().await;
    left().await.expect("a rebuild says the same");
    bureau.later(DAY * 5);
    assert_eq!(warnings(&bureau, &old, CERTIFICATES * 2).await.days(), [7, 7, 1, 1]);
}

/// Has the facts of a seal, and its row, be as they were before certificates were looked at.
async fn registered_by_an_earlier_release(bureau: &Bureau, card: &Card) {
    let stream = format!("seal-{}", card.seal_id);
    let events = bureau.events().await.into_iter();
    let mut of_it =
        events.filter(|event| event.stream_id.as_str() == stream && event.kind.ends_with(".SealRegistered"));
    let event = of_it.next().expect("registered");
    let mut fact: serde_json::Value = serde_json::from_slice(&event.payload).expect("JSON");
    fact.as_object_mut().expect("an object").remove("certificatesValidTo").expect("this release says it");
    // What no program may do; the writer reads facts as they are, and audits would tell.
    let (off, on) = match bureau.database.backend() {
        sea_orm::DbBackend::Sqlite => ("DROP TRIGGER IF EXISTS events_are_never_changed", "SELECT 1"),
        _ => (
            "ALTER TABLE events DISABLE TRIGGER events_are_never_changed",
            "ALTER TABLE events ENABLE TRIGGER events_are_never_changed",
        ),
    };
    let id = Expr::col("event_id").eq(event.event_id.to_string());
    let payload = serde_json::to_vec(&fact).expect("JSON");
    let update = Query::update().table("events").value("payload", payload).and_where(id).take();
    let transaction = bureau.database.begin().await.expect("begun");
    transaction.execute_unprepared(off).await.expect("off");
    transaction.execute(&update).await.expect("changed");
    transaction.execute_unprepared(on).await.expect("as before");
    transaction.commit().await.expect("committed");
    let of_it = Expr::col("seal_id").eq(card.seal_id.clone());
    change(bureau, Query::update().table("seal").value("warn_at", None::<i64>).and_where(of_it).take()).await;
}

async fn change(bureau: &Bureau, update: UpdateStatement) {
    let transaction = bureau.database.begin().await.expect("begun");
    transaction.execute(&update).await.expect("changed");
    transaction.commit().await.expect("committed");
}

struct Warnings(Vec<pb::SealExpiring>);

impl Warnings {
    fn days(&self) -> Vec<u32> {
        self.0.iter().map(|warning| warning.days).collect()
    }
}

/// Waits until so many warnings of a seal were told.
async fn warnings(bureau: &Bureau, card: &Card, count: usize) -> Warnings {
    let stream = format!("seal-{}", card.seal_id);
    let told = async || {
        let events = bureau.events().await.into_iter();
        let of_it = events.filter(|event| event.stream_id.as_str() == stream && event.kind.ends_with(".SealExpiring"));
        let warnings: Vec<_> =
            of_it.map(|event| serde_json::from_slice::<pb::SealExpiring>(&event.payload).expect("JSON")).collect();
        (warnings.len() >= count).then_some(Warnings(warnings))
    };
    wait_until("the warnings are told", BOUND, told).await
}
