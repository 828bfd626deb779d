//! What may be relied upon (EN 319 102-1), with what the service authentication knows of revocation.

use std::sync::{Arc, Mutex};

use eseal_proto::verification::v1 as pb;

use crate::authority::StandIn;
use crate::desk::{Desk, knowing};
use crate::sealed::{World, now};

/// Indication and sub-indication of the first seal now.
fn status(report: &pb::Report) -> (String, String) {
    let status = report.seals[0].status_now.clone().expect("a status");
    (status.indication, status.sub_indication)
}

fn lists(world: &World, at: eseal_kernel::Timestamp) -> Vec<Vec<u8>> {
    [&world.holders, &world.makers].map(|ca| ca.crl(at).expect("a list").der().to_vec()).to_vec()
}

#[tokio::test]
async fn a_seal_passes_in_full_once_authentication_has_the_lists_of_its_issuers() {
    let world = World::new();
    let without = Desk::in_world(&world).await.verifies(&world.sealed_ofd()).await;
    assert_eq!(status(&without), ("INDETERMINATE".to_owned(), "TRY_LATER".to_owned()));
    let desk = Desk::beside(StandIn { lists: lists(&world, now()), ..knowing(&world) }).await;
    for document in [world.sealed_ofd(), world.sealed_pdf()] {
        assert_eq!(status(&desk.verifies(&document).await), ("TOTAL-PASSED".to_owned(), String::new()));
    }
}

#[tokio::test]
async fn a_list_that_the_service_has_is_not_sent_again_and_an_old_one_is_forgotten() {
    let world = World::new();
    let asked = Arc::<Mutex<Vec<Vec<String>>>>::default();
    let authority = StandIn { lists: lists(&world, now()), asked_for_lists: Arc::clone(&asked), ..knowing(&world) };
    let desk = Desk::beside(authority).await;
    desk.verifies(&world.sealed_ofd()).await;
    desk.verifies(&world.sealed_ofd()).await;
    let sizes: Vec<_> = asked.lock().expect("a lock").iter().map(Vec::len).collect();
    // Two answers bring the two lists, and the second document needs one that says that nothing is new.
    assert_eq!(sizes, [0, 1, 2]);
}

#[tokio::test]
async fn a_document_without_a_seal_asks_for_no_list() {
    let world = World::new();
    let asked = Arc::<Mutex<Vec<Vec<String>>>>::default();
    let desk = Desk::beside(StandIn { asked_for_lists: Arc::clone(&asked), ..knowing(&world) }).await;
    desk.verifies(include_bytes!("../../../../tests/documents/contract.ofd")).await;
    assert!(asked.lock().expect("a lock").is_empty());
}
