//! Everything that follows from events can be thrown away.

use eseal_eventstore::{Order, Projector, Row, StoreError, rebuild};
use eseal_testkit::TestDb;

use crate::support::note::Note;
use crate::support::{Command, Locker, Store, add, meta, on_every_engine, order};

on_every_engine!(
    a_rebuilt_table_is_the_same,
    a_rebuild_leaves_what_no_event_can_give_back,
    a_failed_rebuild_changes_nothing,
    a_forgotten_projector_is_named,
);

async fn tables(store: &Store) -> Vec<Vec<String>> {
    vec![
        store.table("lockers", &["id", "total", "cards", "version"]).await,
        store.table("additions", &["id", "number", "amount", "\"by\""]).await,
        store.table("notes", &["id", "text"]).await,
        store.table("claims", &["key", "stream_id"]).await,
    ]
}

async fn store_with_a_past(db: TestDb) -> Store {
    let store = Store::open(db).await;
    for turn in 0..4 {
        store.together((0..300).map(|i| add(&(i % 9).to_string(), i + turn))).await;
    }
    for (id, serial) in [("1", "x"), ("2", "y"), ("3", "z")] {
        store.execute(order(id, Command::Take(serial.to_owned()))).await.expect("recorded");
    }
    store.execute(order("2", Command::GiveBack("y".to_owned()))).await.expect("recorded");
    store.execute(order("1", Command::Take("y".to_owned()))).await.expect("recorded");
    let note = |text: &str| store.writer.execute(Order::<Note>::new("n", text.to_owned(), meta()));
    note("first").await.expect("recorded");
    note("second").await.expect("recorded");
    store
}

fn projectors() -> [Projector; 2] {
    [Projector::of::<Locker>(), Projector::of::<Note>()]
}

async fn a_rebuilt_table_is_the_same(db: TestDb) {
    let store = store_with_a_past(db).await;
    let before = tables(&store).await;
    assert!(before.iter().all(|table| !table.is_empty()));
    store.tamper("UPDATE lockers SET cards = 'lost'; DELETE FROM additions; DELETE FROM claims").await.expect("broken");
    store.tamper("INSERT INTO claims (key, stream_id) VALUES ('card:stray', 'locker-1')").await.expect("broken");
    assert_ne!(tables(&store).await, before);
    let folded = rebuild(&store.database, &projectors()).await.expect("rebuilt");
    assert_eq!(folded, store.log.head().await.expect("head"));
    assert_eq!(tables(&store).await, before);
    store.execute(add("1", 1)).await.expect("the writer goes on");
}

async fn a_rebuild_leaves_what_no_event_can_give_back(db: TestDb) {
    let store = store_with_a_past(db).await;
    let person = Row { table: "persons", key: &["id"], values: vec![("id", "7".into()), ("name", "李".into())] };
    store.execute(add("1", 1).with_rows(vec![person])).await.expect("recorded");
    rebuild(&store.database, &projectors()).await.expect("rebuilt");
    assert_eq!(store.table("persons", &["id", "name"]).await, ["7|李"]);
}

async fn a_failed_rebuild_changes_nothing(db: TestDb) {
    let store = store_with_a_past(db).await;
    store.execute(order("z", Command::Unreadable)).await.expect("recorded");
    let before = tables(&store).await;
    let failed = rebuild(&store.database, &projectors()).await;
    assert!(matches!(failed, Err(StoreError::Unreadable { .. })), "{failed:?}");
    assert_eq!(tables(&store).await, before);
}

async fn a_forgotten_projector_is_named(db: TestDb) {
    let store = store_with_a_past(db).await;
    let failed = rebuild(&store.database, &[Projector::of::<Locker>()]).await;
    assert!(matches!(failed, Err(StoreError::NoProjector { kind }) if kind == "note"));
}
