//! A key is held by one stream at a time.

use eseal_eventstore::{CommandError, StoreError, WriterSettings};
use eseal_testkit::TestDb;

use crate::support::{Command, Locker, Rejection, Store, add, connect, on_every_engine, order, start};

on_every_engine!(
    of_many_in_a_batch_one_gets_the_card,
    of_two_replicas_one_gets_the_card,
    a_card_given_back_can_be_taken_in_the_same_batch,
    the_holder_is_known_after_a_restart,
    what_decide_should_have_refused_fails_alone,
    giving_back_what_another_holds_changes_nothing,
);

fn take(id: &str) -> eseal_eventstore::Order<Locker> {
    order(id, Command::Take("c1".to_owned()))
}

fn give_back(id: &str) -> eseal_eventstore::Order<Locker> {
    order(id, Command::GiveBack("c1".to_owned()))
}

fn grab(id: &str) -> eseal_eventstore::Order<Locker> {
    order(id, Command::Grab("c1".to_owned()))
}

async fn of_many_in_a_batch_one_gets_the_card(db: TestDb) {
    let store = Store::open(db).await;
    let outcomes = store.together((0..32).map(|id| take(&id.to_string()))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = |outcome| matches!(outcome, Err(CommandError::Rejected(Rejection::InUse(by))) if by == "locker-0");
    assert_eq!(outcomes.into_iter().filter(|outcome| refused(outcome.clone())).count(), 31);
    assert_eq!(store.table("claims", &["key", "stream_id"]).await, ["card:c1|locker-0"]);
}

async fn of_two_replicas_one_gets_the_card(db: TestDb) {
    let store = Store::open(db).await;
    let database = connect(&store.db).await;
    let (replica, stop, task) = start(&database, WriterSettings::new("replica"));
    for turn in 0..10 {
        let card = Command::Take(format!("card {turn}"));
        let (mine, other) = (order("mine", card.clone()), order("other", card));
        let (mine, other) = futures::join!(store.execute(mine), replica.execute(other));
        assert_ne!(mine.is_ok(), other.is_ok(), "{mine:?} {other:?}");
    }
    stop.cancel();
    task.await.expect("no panic").expect("ended well");
    assert_eq!(store.table("claims", &["key"]).await.len(), 10);
}

async fn a_card_given_back_can_be_taken_in_the_same_batch(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(take("a")).await.expect("recorded");
    let outcomes = store.together([take("b"), give_back("a"), take("b"), take("a"), give_back("b"), take("c")]).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, true, false, true, true]);
    assert_eq!(store.table("claims", &["key", "stream_id"]).await, ["card:c1|locker-c"]);
}

async fn the_holder_is_known_after_a_restart(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(take("a")).await.expect("recorded");
    let store = Store::open(store.close().await).await;
    assert!(matches!(store.execute(take("b")).await, Err(CommandError::Rejected(Rejection::InUse(_)))));
    assert_eq!(store.execute(take("a")).await.expect("a repeat").decided.expect("decided").events, []);
}

async fn what_decide_should_have_refused_fails_alone(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(take("a")).await.expect("recorded");
    // Nobody of this batch looks at the card, so that only the table can tell.
    let outcomes = store.together([add("x", 1), grab("b"), add("y", 1)]).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(matches!(outcomes[1], Err(CommandError::Store(StoreError::ClaimHeld { .. }))));
    // And here an earlier order of the batch looked.
    let outcomes = store.together([take("a"), grab("b"), add("x", 1)]).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(store.table("claims", &["stream_id"]).await, ["locker-a"]);
    assert_eq!(store.table("lockers", &["id"]).await, ["a", "x", "y"]);
}

async fn giving_back_what_another_holds_changes_nothing(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(take("a")).await.expect("recorded");
    store.execute(give_back("b")).await.expect("nothing to give back");
    assert_eq!(store.table("claims", &["stream_id"]).await, ["locker-a"]);
}
