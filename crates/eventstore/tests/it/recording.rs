//! Facts are recorded once, in order, without a hole, and together with what follows from them.

use std::sync::Arc;

use eseal_eventstore::{CommandError, Metadata, Order, Row, StoreError, verify_log};
use eseal_testkit::TestDb;
use futures::StreamExt as _;

use crate::support::note::Note;
use crate::support::{Command, Rejection, SOON, Store, add, meta, on_every_engine, order};

on_every_engine!(
    positions_are_dense_under_32_callers,
    a_tailing_reader_misses_nothing_and_sees_positions_in_order,
    what_was_answered_can_be_read,
    a_later_order_of_a_batch_sees_the_earlier_ones,
    a_rejection_concerns_its_caller_alone,
    a_command_that_changes_nothing_records_nothing,
    several_kinds_share_a_writer,
    metadata_are_recorded_with_each_event,
    the_correlation_defaults_to_that_of_the_streams_first_event,
    side_rows_are_written_only_with_a_fact,
    rows_of_foreign_tables_are_refused,
    text_that_does_not_fit_in_a_line_is_refused,
    a_behind_etag_is_a_conflict_with_both_versions,
);

async fn positions_are_dense_under_32_callers(db: TestDb) {
    let store = Arc::new(Store::open(db).await);
    let callers = (0..32).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0..12 {
                let id = format!("{}", (caller + turn) % 7); // callers meet on the same streams
                store.execute(add(&id, 1)).await.expect("recorded");
            }
        })
    });
    for caller in futures::future::join_all(callers).await {
        caller.expect("no panic");
    }
    let events = store.events().await;
    assert_eq!(events.len(), 32 * 12);
    assert_eq!(verify_log(&events), Ok(32 * 12));
    assert_eq!(store.log.head().await.expect("head"), 32 * 12);
}

async fn a_tailing_reader_misses_nothing_and_sees_positions_in_order(db: TestDb) {
    let store = Arc::new(Store::open(db).await);
    let tail = store.log.tail(0).take(32 * 8).map(|event| event.expect("read").position).collect::<Vec<_>>();
    let tail = tokio::spawn(tail);
    let callers = (0..32).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..8 {
                store.execute(add(&format!("{caller}"), 1)).await.expect("recorded");
            }
        })
    });
    futures::future::join_all(callers).await;
    let seen = tokio::time::timeout(SOON, tail).await.expect("in time").expect("no panic");
    assert_eq!(seen, (1..=32 * 8).collect::<Vec<u64>>());
}

async fn what_was_answered_can_be_read(db: TestDb) {
    let store = Store::open(db).await;
    for turn in 1..=20 {
        let outcome = store.execute(add("a", 1)).await.expect("recorded");
        let decided = outcome.decided.expect("decided");
        assert_eq!((decided.version, decided.state.total), (turn, i64::try_from(turn).expect("small")));
        assert_eq!(store.log.head().await.expect("head"), turn);
        assert_eq!(store.table("lockers", &["id", "total", "version"]).await, [format!("a|{turn}|{turn}")]);
    }
}

async fn a_later_order_of_a_batch_sees_the_earlier_ones(db: TestDb) {
    let store = Store::open(db).await;
    let outcomes = store.together((0..50).map(|_| add("a", 2))).await;
    for (turn, outcome) in (1..).zip(outcomes) {
        let decided = outcome.expect("recorded").decided.expect("decided");
        assert_eq!((decided.version, decided.state.total), (turn, i64::try_from(turn).expect("small") * 2));
    }
    assert_eq!(store.table("lockers", &["total"]).await, ["100"]);
    assert_eq!(store.table("additions", &["number"]).await.len(), 50);
}

async fn a_rejection_concerns_its_caller_alone(db: TestDb) {
    let store = Store::open(db).await;
    let outcomes = store.together([add("a", 1), add("a", -1), add("b", -1), add("a", 1)]).await;
    let rejected = |i: usize| matches!(outcomes[i], Err(CommandError::Rejected(Rejection::Negative)));
    assert_eq!([0, 1, 2, 3].map(rejected), [false, true, true, false]);
    assert_eq!(store.table("lockers", &["id", "total"]).await, ["a|2"]);
    assert_eq!(store.events().await.len(), 2);
}

async fn a_command_that_changes_nothing_records_nothing(db: TestDb) {
    let store = Store::open(db).await;
    let outcome = store.execute(add("a", 0)).await.expect("accepted");
    let decided = outcome.decided.expect("decided");
    assert_eq!((decided.events.len(), decided.version), (0, 0));
    assert!(!outcome.repeated);
    assert_eq!(store.events().await.len(), 0);
}

async fn several_kinds_share_a_writer(db: TestDb) {
    let store = Store::open(db).await;
    let note = store.writer.execute(Order::<Note>::new("a", "hello".to_owned(), meta()));
    let (locker, note) = futures::join!(store.execute(add("a", 1)), note);
    assert_eq!(locker.expect("recorded").decided.expect("decided").version, 1);
    assert_eq!(note.expect("recorded").decided.expect("decided").state, Note("hello".to_owned()));
    let streams: Vec<String> = store.events().await.iter().map(|event| event.stream_id.to_string()).collect();
    assert_eq!(streams, ["locker-a", "note-a"]);
}

async fn metadata_are_recorded_with_each_event(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 1)).await.expect("recorded");
    let cause = store.events().await[0].event_id;
    let meta = Metadata {
        correlation_id: Some("application-7".to_owned()),
        causation_id: Some(cause),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        ..meta()
    };
    store.execute(Order::new("b", Command::AddTwice(1, 2), meta.clone())).await.expect("recorded");
    for event in &store.events().await[1..] {
        assert_eq!((event.occurred_at, &event.actor), (meta.now, &meta.actor));
        assert_eq!(event.correlation_id, "application-7");
        assert_eq!(event.causation_id, Some(cause));
        assert_eq!(event.traceparent, meta.traceparent);
        assert_eq!(event.subject, "b");
        assert_eq!((event.kind.as_str(), event.schema_version), ("eseal.test.v1.Added", 2));
    }
}

async fn the_correlation_defaults_to_that_of_the_streams_first_event(db: TestDb) {
    let store = Store::open(db).await;
    let begun = |correlation: &str| Metadata { correlation_id: Some(correlation.to_owned()), ..meta() };
    store.execute(Order::new("a", Command::Add(1), begun("application-7"))).await.expect("recorded");
    store.execute(Order::new("a", Command::Add(1), begun("application-8"))).await.expect("recorded");
    store.execute(add("a", 1)).await.expect("recorded");
    store.execute(add("b", 1)).await.expect("recorded");
    // The same from the stream itself as from the writer's memory.
    let store = Store::open(store.close().await).await;
    store.execute(add("a", 1)).await.expect("recorded");
    let correlations: Vec<String> = store.events().await.into_iter().map(|event| event.correlation_id).collect();
    assert_eq!(correlations, ["application-7", "application-8", "application-7", "b", "application-7"]);
}

async fn side_rows_are_written_only_with_a_fact(db: TestDb) {
    let store = Store::open(db).await;
    let person =
        |id: &str| Row { table: "persons", key: &["id"], values: vec![("id", id.into()), ("name", "李".into())] };
    let outcomes = store
        .together([
            add("a", 1).with_rows(vec![person("recorded")]),
            add("a", 0).with_rows(vec![person("nothing")]),
            add("a", -1).with_rows(vec![person("rejected")]),
        ])
        .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    assert_eq!(store.table("persons", &["id", "name"]).await, ["recorded|李"]);
}

async fn rows_of_foreign_tables_are_refused(db: TestDb) {
    let store = Store::open(db).await;
    let derived = Row { table: "lockers", key: &["id"], values: vec![("id", "x".into())] };
    let keyless = Row { table: "persons", key: &["id"], values: vec![("name", "x".into())] };
    for refused in
        [order("a", Command::Stray), add("a", 1).with_rows(vec![derived]), add("a", 1).with_rows(vec![keyless])]
    {
        let refused = store.execute(refused).await;
        assert!(matches!(refused, Err(CommandError::Store(StoreError::Table { .. }))), "{refused:?}");
    }
    assert_eq!(store.events().await.len(), 0);
}

async fn text_that_does_not_fit_in_a_line_is_refused(db: TestDb) {
    let store = Store::open(db).await;
    let unfit = |error| matches!(error, Some(CommandError::Store(StoreError::Unfit { .. })));
    assert!(unfit(store.execute(add("a\nb", 1)).await.err()));
    let mut meta = meta();
    meta.actor.id = "li\u{7f}".to_owned();
    assert!(unfit(store.execute(Order::new("a", Command::Add(1), meta.clone())).await.err()));
    for subject in ["two\nlines", "", &"x".repeat(300)] {
        let order = Order::<Note>::new("a", subject.to_owned(), crate::support::meta());
        let refused = store.writer.execute(order).await;
        assert_eq!(refused.is_err(), !subject.is_empty(), "{refused:?}"); // writing nothing changes nothing
    }
    assert_eq!(store.events().await.len(), 0);
}

async fn a_behind_etag_is_a_conflict_with_both_versions(db: TestDb) {
    let store = Store::open(db).await;
    store.execute(add("a", 1).expecting(0)).await.expect("recorded");
    let both = store.together([add("a", 1).expecting(1), add("a", 1).expecting(1)]).await;
    assert!(both[0].is_ok());
    assert!(matches!(both[1], Err(CommandError::Conflict { expected: 1, actual: 2 })));
    assert!(matches!(
        store.execute(add("b", 1).expecting(4)).await,
        Err(CommandError::Conflict { expected: 4, actual: 0 })
    ));
}
