//! The same request gets the first answer, whenever it comes.

use eseal_eventstore::{CommandError, Order, WriterSettings};
use eseal_testkit::TestDb;

use crate::support::{Command, Locker, Store, add, connect, on_every_engine, order, request, start};

on_every_engine!(
    a_repeat_gets_the_first_answer,
    a_repeat_in_the_same_batch_gets_the_first_answer,
    a_repeat_after_a_restart_gets_the_first_answer,
    a_repeat_with_a_behind_etag_gets_the_first_answer,
    a_repeat_that_would_be_refused_now_gets_the_first_answer_beside_others,
    the_request_id_with_another_content_is_refused,
    callers_and_rpcs_have_request_ids_of_their_own,
    the_answer_of_a_command_that_changed_nothing_is_kept,
    a_rejection_is_not_kept,
    a_repeat_through_another_replica_gets_the_first_answer,
);

/// An order whose answer tells the total that it led to.
fn asked(amount: i64, id: &str, content: &str) -> Order<Locker> {
    add("a", amount).request(request(id, content)).answering(|decided| decided.state.total.to_string().into_bytes())
}

async fn a_repeat_gets_the_first_answer(db: TestDb) {
    let store = Store::open(db).await;
    let first = store.execute(asked(5, "r1", "5")).await.expect("recorded");
    store.execute(asked(1, "r2", "1")).await.expect("recorded");
    let again = store.execute(asked(5, "r1", "5")).await.expect("answered");
    assert_eq!((first.answer.as_slice(), first.repeated), (b"5".as_slice(), false));
    assert_eq!((again.answer.as_slice(), again.repeated), (b"5".as_slice(), true));
    assert!(again.decided.is_none());
    assert_eq!(store.table("lockers", &["total"]).await, ["6"]);
}

async fn a_repeat_in_the_same_batch_gets_the_first_answer(db: TestDb) {
    let store = Store::open(db).await;
    let outcomes = store.together((0..20).map(|_| asked(5, "r1", "5"))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("answered")).collect();
    assert!(outcomes.iter().all(|outcome| outcome.answer == b"5"));
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.repeated).count(), 1);
    assert_eq!(store.events().await.len(), 1);
}

async fn a_repeat_after_a_restart_gets_the_first_answer(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(asked(5, "r1", "5")).await.expect("recorded");
    let store = Store::open(store.close().await).await;
    let again = store.execute(asked(5, "r1", "5")).await.expect("answered");
    assert_eq!((again.answer.as_slice(), again.repeated), (b"5".as_slice(), true));
    assert_eq!(store.events().await.len(), 1);
}

async fn a_repeat_with_a_behind_etag_gets_the_first_answer(db: TestDb) {
    let store = Store::open(db).await;
    for _ in 0..2 {
        let outcome = store.execute(asked(5, "r1", "5").expecting(0)).await.expect("answered");
        assert_eq!(outcome.answer, b"5");
    }
}

async fn a_repeat_that_would_be_refused_now_gets_the_first_answer_beside_others(db: TestDb) {
    let store = Store::open(db).await;
    // Often, since a writer trusts its memory for a moment only, which a slow machine lets pass.
    for round in 0..30 {
        let id = format!("r{round}");
        let once = || asked(1, &id, "1").expecting(round);
        let first = store.execute(once()).await.expect("recorded").answer;
        let outcomes = store.together([once(), add("b", 1)]).await;
        let again = outcomes[0].as_ref().expect("answered, not refused for its etag");
        assert_eq!((&again.answer, again.repeated, outcomes[1].is_ok()), (&first, true, true), "round {round}");
    }
}

async fn the_request_id_with_another_content_is_refused(db: TestDb) {
    let store = Store::open(db).await;
    let together = store.together([asked(5, "r1", "5"), asked(6, "r1", "6")]).await;
    assert!(together[0].is_ok());
    assert!(matches!(together[1], Err(CommandError::RequestIdReused)));
    assert!(matches!(store.execute(asked(6, "r1", "6")).await, Err(CommandError::RequestIdReused)));
    assert_eq!(store.table("lockers", &["total"]).await, ["5"]);
}

async fn callers_and_rpcs_have_request_ids_of_their_own(db: TestDb) {
    let store = Store::open(db).await;
    let mut other_caller = request("r1", "another");
    other_caller.caller = "0192-wang".to_owned();
    let mut other_rpc = request("r1", "another");
    other_rpc.rpc = "eseal.test.v1.Locker/Take".to_owned();
    for key in [request("r1", "5"), other_caller, other_rpc] {
        assert!(!store.execute(add("a", 1).request(key)).await.expect("recorded").repeated);
    }
    assert_eq!(store.events().await.len(), 3);
}

async fn the_answer_of_a_command_that_changed_nothing_is_kept(db: TestDb) {
    let store = Store::open(db).await;
    let first = store.execute(asked(0, "r1", "0")).await.expect("answered");
    store.execute(add("a", 9)).await.expect("recorded");
    let again = store.execute(asked(0, "r1", "0")).await.expect("answered");
    assert_eq!((first.answer, again.answer.as_slice(), again.repeated), (b"0".to_vec(), b"0".as_slice(), true));
}

async fn a_rejection_is_not_kept(db: TestDb) {
    let store = Store::open(db).await;
    let take = || order("a", Command::Take("c1".to_owned())).request(request("r1", "take c1"));
    store.execute(order("b", Command::Take("c1".to_owned()))).await.expect("recorded");
    assert!(matches!(store.execute(take()).await, Err(CommandError::Rejected(_))));
    store.execute(order("b", Command::GiveBack("c1".to_owned()))).await.expect("recorded");
    assert!(!store.execute(take()).await.expect("recorded").repeated);
}

async fn a_repeat_through_another_replica_gets_the_first_answer(db: TestDb) {
    let store = Store::open(db).await;
    let database = connect(&store.db).await;
    let (replica, stop, task) = start(&database, WriterSettings::new("replica"));
    let (mine, other) = futures::join!(store.execute(asked(5, "r1", "5")), replica.execute(asked(5, "r1", "5")));
    let (mine, other) = (mine.expect("answered"), other.expect("answered"));
    assert_eq!((mine.answer.as_slice(), other.answer.as_slice()), (b"5".as_slice(), b"5".as_slice()));
    assert_ne!(mine.repeated, other.repeated);
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    assert_eq!(store.events().await.len(), 1);
}
