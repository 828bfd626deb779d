//! With a hosted key and a maker card of its own, the service makes seals without anybody touching them.

use std::time::Duration;

use eseal_eventstore::{Database, DatabaseConfig, rebuild};
use eseal_fabrication::{Config, SealVersion, projectors};
use eseal_kernel::Digest;
use eseal_proto::fabrication::v1 as pb;
use eseal_seal::{Seal, Version};
use eseal_service::Role;
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use crate::cards::Card;
use crate::workshop::*;

pub const KINDS: [&str; 6] =
    ["FabricationQueued", "RunBegun", "MakerCardProved", "SealCardAccepted", "SealSigned", "SealFabricated"];

#[tokio::test]
async fn an_approved_application_becomes_a_genuine_seal_by_itself() {
    let workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "SealFabricated").await;
    assert_eq!(workshop.kinds(&application).await, KINDS);
    let made: pb::SealFabricated = workshop.said(&application, "SealFabricated").await;
    let request = pb::GetSealRequest { digest: made.seal_digest };
    let der = workshop.service("authentication").get_seal(request).await.expect("given").into_inner().seal;
    let seal = Seal::from_der(&der).expect("a seal");
    seal.verify_value().expect("genuine");
    assert_eq!((seal.info().es_id.as_str(), seal.info().name.as_str()), (made.seal_id.as_str(), SEAL_NAME));
    assert_eq!(made.card_serial, made.particulars.expect("particulars").hosted_key_id);
    for event in workshop.events_of(&application).await.iter().skip(1) {
        assert_eq!(event.actor.to_string(), "service:fabrication");
        assert!(event.causation_id.is_some());
    }
}

#[tokio::test]
async fn a_seal_on_a_hosted_key_is_of_the_generation_that_the_settings_name() {
    let mut workshop = Workshop::with_own_card().await;
    workshop.stops().await;
    let config = Config { seal_version: SealVersion::V5, ..workshop.config() };
    workshop.starts_with(config).await.expect("started");
    workshop.issues_own_card().await;
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "SealFabricated").await;
    let made: pb::SealFabricated = workshop.said(&application, "SealFabricated").await;
    let request = pb::GetSealRequest { digest: made.seal_digest };
    let der = workshop.service("authentication").get_seal(request).await.expect("given").into_inner().seal;
    let seal = Seal::from_der(&der).expect("a seal");
    seal.verify_value().expect("genuine");
    assert_eq!(seal.version(), Version::V5);
}

#[tokio::test]
async fn many_hosted_fabrications_go_on_side_by_side() {
    let workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    let mut applications = Vec::new();
    for _ in 0..5 {
        applications.push(workshop.approved_hosted().await);
    }
    for application in applications {
        workshop.until(&application, "SealFabricated").await;
        assert_eq!(workshop.kinds(&application).await, KINDS);
    }
}

#[tokio::test]
async fn without_a_maker_card_of_its_own_the_service_refuses_at_gate_a() {
    let workshop = Workshop::open().await;
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "FabricationRefused").await;
    assert_eq!(workshop.refusal(&application).await, ("a".to_owned(), "MAKER_CARD_ABSENT".to_owned()));
}

#[tokio::test]
async fn its_own_maker_card_must_be_issued_like_any_other_and_then_a_maker_begins_again() {
    let workshop = Workshop::with_own_card().await;
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "FabricationRefused").await;
    assert_eq!(workshop.refusal(&application).await, ("a".to_owned(), "MAKER_CARD_REJECTED".to_owned()));
    let issued = workshop.issues_own_card().await;
    begin(workshop.maker("zhang"), &application, "").await.expect("begun");
    workshop.until(&application, "SealFabricated").await;

    withdraw(&mut workshop.maker_cards(Role::Admin), &issued.card_serial).await.expect("withdrawn");
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "FabricationRefused").await;
    assert_eq!(workshop.refusal(&application).await, ("a".to_owned(), "MAKER_CARD_REJECTED".to_owned()));
}

#[tokio::test]
async fn a_hosted_key_that_is_unknown_or_of_another_organization_is_no_certificate() {
    let workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    let (unknown, others) = (request_id(), request_id());
    workshop.standins.host(SUZHOU, Card::holder(&others, SUZHOU));
    for key in [unknown, others] {
        let application = request_id();
        workshop.approves(&application, hosted(&key)).await;
        workshop.until(&application, "FabricationRefused").await;
        assert_eq!(workshop.refusal(&application).await, ("b".to_owned(), "CERTIFICATE_INVALID".to_owned()));
    }
}

#[tokio::test]
async fn a_hosted_key_carries_one_seal() {
    let workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    let (first, key) = (workshop.approved_hosted().await, request_id());
    workshop.until(&first, "SealFabricated").await;
    workshop.standins.host(LENOVO, Card::holder(&key, LENOVO));
    let (second, third) = (request_id(), request_id());
    workshop.approves(&second, hosted(&key)).await;
    workshop.until(&second, "SealFabricated").await;
    workshop.approves(&third, hosted(&key)).await;
    workshop.until(&third, "FabricationRefused").await;
    assert_eq!(workshop.refusal(&third).await, ("d".to_owned(), "CARD_IN_USE".to_owned()));
}

#[tokio::test]
async fn people_take_no_step_of_a_hosted_fabrication() {
    let workshop = Workshop::with_own_card().await;
    workshop.standins.set_authentication_away(true);
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "RunBegun").await;
    let begun: pb::RunBegun = workshop.said(&application, "RunBegun").await;
    let (maker, run_id, seal_id) = (workshop.maker("zhang"), begun.run_id, begun.seal_id);
    let mut run = Run { maker, application, run_id, seal_id, terms: Default::default() };
    assert_refused(run.reports_failure().await, Code::PermissionDenied, "OTHER_MAKER");
}

#[tokio::test]
async fn a_run_that_was_begun_by_a_clock_far_ahead_is_begun_anew_once_the_clock_is_right() {
    let mut workshop = Workshop::with_own_card_in_a_file().await;
    workshop.issues_own_card().await;
    let right = workshop.clock.now();
    workshop.later(Duration::from_secs(45 * 60));
    workshop.standins.set_authentication_away(true);
    let application = workshop.approved_hosted().await;
    workshop.until(&application, "RunBegun").await;
    // Stopped meanwhile, so that no step that waits for the others outlasts the clock it was begun by.
    workshop.stops().await;
    workshop.clock.set(right);
    workshop.standins.set_authentication_away(false);
    workshop.starts().await;
    workshop.until(&application, "SealFabricated").await;
    let (before, given_up) = (&KINDS[..2], ["FabricationRefused"]);
    assert_eq!(workshop.kinds(&application).await, [before, &given_up, &KINDS[1..]].concat());
}

#[tokio::test]
async fn a_process_that_is_killed_after_any_event_goes_on_where_it_was() {
    let mut whole = Workshop::with_own_card_in_a_file().await;
    whole.issues_own_card().await;
    let application = whole.approved_hosted().await;
    whole.until(&application, "SealFabricated").await;
    whole.stops().await;
    let finished = std::fs::read(whole.database_file()).expect("a database");
    for (killed_after, kind) in KINDS.iter().enumerate().take(5) {
        std::fs::write(whole.database_file(), &finished).expect("written");
        let position = killed_after + 2; // the first event is that of the maker card
        forget_all_after(&whole, position).await;
        whole.starts().await;
        whole.until(&application, "SealFabricated").await;
        assert_eq!(whole.kinds(&application).await, KINDS, "killed after {kind}");
        let made: pb::SealFabricated = whole.said(&application, "SealFabricated").await;
        let request = pb::GetSealRequest { digest: made.seal_digest.clone() };
        let seal = whole.service("authentication").get_seal(request).await.expect("given").into_inner().seal;
        assert_eq!(Digest::of(&seal).to_string(), made.seal_digest);
        Seal::from_der(&seal).expect("a seal").verify_value().expect("genuine");
        whole.stops().await;
    }
}

#[tokio::test]
async fn a_process_that_is_stopped_and_started_all_the_time_makes_the_seal() {
    let mut workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    let application = workshop.approved_hosted().await;
    for events in 1..6 {
        eseal_testkit::wait_until("the next event is there", BOUND, async || {
            (workshop.kinds(&application).await.len() >= events).then_some(())
        })
        .await;
        workshop.stops().await;
        workshop.starts().await;
    }
    workshop.until(&application, "SealFabricated").await;
    assert_eq!(workshop.kinds(&application).await, KINDS);
}

#[tokio::test]
async fn two_processes_on_one_database_make_each_seal_once() {
    let mut workshop = Workshop::with_own_card().await;
    workshop.issues_own_card().await;
    workshop.starts_a_replica().await;
    let mut applications = Vec::new();
    for _ in 0..3 {
        applications.push(workshop.approved_hosted().await);
    }
    for application in applications {
        workshop.until(&application, "SealFabricated").await;
        assert_eq!(workshop.kinds(&application).await, KINDS);
    }
    assert!(workshop.dead_letters("hosted_fabrication", "fabrication").await.is_empty());
    assert!(workshop.dead_letters("fabrication", "application").await.is_empty());
}

/// The database as it was right after the commit of the event at `position`: each step of a hosted fabrication settles
/// the event before it in its own transaction.
pub async fn forget_all_after(workshop: &Workshop, position: usize) {
    let url = format!("sqlite:{}", workshop.database_file().display());
    let database = Database::connect(&DatabaseConfig::new(url)).await.expect("a database");
    let tx = database.begin().await.expect("a transaction");
    let hosted = "consumer = 'hosted_fabrication'";
    for sql in [
        "DROP TRIGGER events_are_never_deleted".to_owned(),
        format!("DELETE FROM events WHERE position > {position}"),
        format!("UPDATE head SET position = {position}"),
        format!("DELETE FROM inbox WHERE {hosted} AND position >= {position}"),
        format!("UPDATE cursors SET position = {} WHERE {hosted}", position - 1),
        "DELETE FROM content WHERE kind = 'seal'".to_owned(),
    ] {
        // SealSigned and its SESeal were one transaction.
        if sql.starts_with("DELETE FROM content") && position >= 6 {
            continue;
        }
        tx.execute_unprepared(&sql).await.expect(&sql);
    }
    tx.commit().await.expect("committed");
    rebuild(&database, &projectors()).await.expect("rebuilt");
    database.close().await.expect("closed");
}
