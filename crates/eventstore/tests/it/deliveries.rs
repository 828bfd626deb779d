//! What others' events lead to: once each, whatever is delivered again, and in whatever order.

use eseal_eventstore::{CommandError, DeadLetterCount, DeadLetters, Progress, StreamId};
use eseal_testkit::TestDb;

use crate::support::{Command, Store, add, delivery, now, on_every_engine, order, request};

on_every_engine!(
    a_delivery_has_its_effect_once,
    a_delivery_in_the_same_batch_has_its_effect_once,
    the_cursor_moves_only_over_what_is_settled,
    a_fact_that_asks_for_nothing_moves_the_cursor,
    a_rejected_reaction_settles_nothing,
    a_repeated_request_settles_its_delivery_all_the_same,
    of_a_parked_and_a_settled_delivery_in_one_batch_no_letter_stays,
    a_parked_delivery_moves_the_cursor_and_waits_for_its_replay,
    a_settled_delivery_is_not_parked,
    consumers_and_owners_have_cursors_of_their_own,
);

async fn progress(store: &Store) -> (u64, Vec<u64>) {
    let progress = Progress::of(&store.database, "test", "other").await.expect("read");
    (progress.cursor, progress.ahead.into_iter().map(|(position, _)| position).collect())
}

async fn a_delivery_has_its_effect_once(db: TestDb) {
    let store = Store::open(db).await;
    let first = delivery(1);
    let outcome = store.execute(add("a", 5).delivered(first.clone())).await.expect("recorded");
    assert!(!outcome.repeated && first.is_settled());
    let store = Store::open(store.close().await).await;
    let again = delivery(1);
    let outcome = store.execute(add("a", 5).delivered(again.clone())).await.expect("settled before");
    assert!(outcome.repeated && outcome.decided.is_none() && again.is_settled());
    assert_eq!(store.table("lockers", &["total"]).await, ["5"]);
}

async fn a_delivery_in_the_same_batch_has_its_effect_once(db: TestDb) {
    let store = Store::open(db).await;
    let outcomes = store.together((0..5).map(|_| add("a", 5).delivered(delivery(1)))).await;
    assert_eq!(outcomes.into_iter().filter(|outcome| !outcome.as_ref().expect("settled").repeated).count(), 1);
    assert_eq!(store.table("lockers", &["total"]).await, ["5"]);
}

async fn the_cursor_moves_only_over_what_is_settled(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 1).delivered(delivery(3))).await.expect("recorded");
    assert_eq!(progress(&store).await, (0, vec![3]));
    store.execute(add("a", 1).delivered(delivery(1))).await.expect("recorded");
    assert_eq!(progress(&store).await, (1, vec![3]));
    store.together([5, 2].map(|position| add("a", 1).delivered(delivery(position)))).await;
    assert_eq!(progress(&store).await, (3, vec![5]));
    store.execute(add("a", 1).delivered(delivery(4))).await.expect("recorded");
    assert_eq!(progress(&store).await, (5, vec![]));
}

async fn a_fact_that_asks_for_nothing_moves_the_cursor(db: TestDb) {
    let store = Store::open(db).await;
    let deliveries: Vec<_> = (1..=2_500).map(delivery).collect();
    let settled = futures::future::join_all(deliveries.iter().map(|delivery| store.acknowledge(delivery))).await;
    assert!(settled.iter().all(Result::is_ok) && deliveries.iter().all(eseal_eventstore::Delivery::is_settled));
    assert_eq!(progress(&store).await, (2_500, vec![]));
    store.acknowledge(&delivery(7)).await.expect("settled before");
    assert_eq!(store.events().await.len(), 0);
    assert_eq!(progress(&store).await, (2_500, vec![]));
}

async fn a_rejected_reaction_settles_nothing(db: TestDb) {
    let store = Store::open(db).await;
    let refused = delivery(1);
    let outcome = store.execute(add("a", -1).delivered(refused.clone())).await;
    assert!(matches!(outcome, Err(CommandError::Rejected(_))) && !refused.is_settled());
    assert_eq!(progress(&store).await, (0, vec![]));
}

async fn a_repeated_request_settles_its_delivery_all_the_same(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 5).request(request("r", "5"))).await.expect("recorded");
    let late = delivery(1);
    let outcome = store.execute(add("a", 5).request(request("r", "5")).delivered(late.clone())).await;
    assert!(outcome.expect("answered").repeated && late.is_settled());
    assert_eq!(progress(&store).await, (1, vec![]));
    assert_eq!(store.table("lockers", &["total"]).await, ["5"]);
}

async fn of_a_parked_and_a_settled_delivery_in_one_batch_no_letter_stays(db: TestDb) {
    let store = Store::open(db).await;
    let stream = StreamId::try_new("thing", "7").expect("fit");
    let parked = store.writer.park(delivery(1), stream, "too early".to_owned(), 1, now());
    let (parked, outcome) = futures::join!(parked, store.execute(add("a", 5).delivered(delivery(1))));
    parked.expect("parked");
    assert!(!outcome.expect("recorded").repeated);
    assert_eq!(DeadLetters::new(store.database.clone()).counts().await.expect("counted"), []);
    assert!(store.execute(add("a", 5).delivered(delivery(1))).await.expect("settled").repeated);
}

async fn a_parked_delivery_moves_the_cursor_and_waits_for_its_replay(db: TestDb) {
    let store = Store::open(db).await;
    let letters = DeadLetters::new(store.database.clone());
    let stream = StreamId::try_new("thing", "7").expect("fit");
    let park = |tries| store.writer.park(delivery(1), stream.clone(), "no such thing".to_owned(), tries, now());
    park(3).await.expect("parked");
    assert_eq!(progress(&store).await, (1, vec![]));
    let listed = letters.list("test", "other", 0, 10).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].position, listed[0].tries, listed[0].replay), (1, 3, false));
    assert_eq!((&listed[0].stream_id, listed[0].reason.as_str()), (&stream, "no such thing"));
    assert!(letters.streams("test", "other").await.expect("read").contains(&stream));
    let count = DeadLetterCount { consumer: "test".to_owned(), owner: "other".to_owned(), letters: 1 };
    assert_eq!(letters.counts().await.expect("counted"), [count]);

    let asked_again = async || letters.streams_to_replay("test", "other").await.expect("read").len();
    assert_eq!(asked_again().await, 0);
    assert_eq!(letters.replay("test").await.expect("asked"), 1);
    assert_eq!(asked_again().await, 1);
    park(4).await.expect("parked again");
    assert_eq!(asked_again().await, 0);
    letters.replay("test").await.expect("asked");
    assert_eq!(letters.give_up("test", "other", &stream).await.expect("given up"), 1);
    assert_eq!(asked_again().await, 0);

    let outcome = store.execute(add("a", 5).delivered(delivery(1))).await.expect("recorded at last");
    assert!(!outcome.repeated);
    assert_eq!(letters.list("test", "other", 0, 10).await.expect("listed"), []);
    assert!(store.execute(add("a", 5).delivered(delivery(1))).await.expect("settled").repeated);
    assert_eq!(store.table("lockers", &["total"]).await, ["5"]);
}

async fn a_settled_delivery_is_not_parked(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(order("a", Command::Add(5)).delivered(delivery(1))).await.expect("recorded");
    let stream = StreamId::try_new("thing", "7").expect("fit");
    store.writer.park(delivery(1), stream, "too late".to_owned(), 1, now()).await.expect("nothing to do");
    assert_eq!(DeadLetters::new(store.database.clone()).counts().await.expect("counted"), []);
}

async fn consumers_and_owners_have_cursors_of_their_own(db: TestDb) {
    let store = Store::open(db).await;
    let mut others = delivery(1);
    others.consumer = "second".to_owned();
    let mut owners = delivery(2);
    owners.owner = "third".to_owned();
    for delivery in [delivery(1), others, owners] {
        assert!(!store.execute(add("a", 1).delivered(delivery)).await.expect("recorded").repeated);
    }
    let cursors = store.table("cursors", &["consumer", "owner", "position"]).await;
    assert_eq!(cursors, ["second|other|1", "test|other|1"]);
}
