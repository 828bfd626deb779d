//! What holds for any orders in any order.

use std::collections::{BTreeMap, BTreeSet};

use eseal_eventstore::{Encoded, Projector, Stored, WriterSettings, rebuild, state_of, verify_log};
use eseal_testkit::TestDb;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::locker::Event;
use crate::support::{Command, Locker, Store, order, request};

/// One request: its number is its id, so that the same number is the same request.
#[derive(Debug, Clone)]
struct Asked {
    request: u8,
    locker: u8,
    amount: i64,
}

impl Asked {
    fn order(&self) -> eseal_eventstore::Order<Locker> {
        let content = format!("{} {}", self.locker, self.amount);
        order(&self.locker.to_string(), Command::Add(self.amount)).request(request(&self.request.to_string(), &content))
    }
}

/// Requests in any order, with duplicates, cut into bursts that arrive together.
fn bursts() -> impl Strategy<Value = Vec<Vec<Asked>>> {
    let asked = (0_u8..40).prop_map(|request| {
        // What is asked follows from the number: a repeat is a repeat.
        Asked { request, locker: request % 3, amount: i64::from(request) % 5 - 1 }
    });
    proptest::collection::vec(proptest::collection::vec(asked, 1..30), 1..6)
}

/// The totals and the versions when each request is carried out once, in sequence.
fn in_sequence(bursts: &[Vec<Asked>]) -> BTreeMap<u8, (i64, u64)> {
    let mut done = BTreeSet::new();
    let mut lockers = BTreeMap::new();
    for asked in bursts.iter().flatten() {
        if asked.amount > 0 && done.insert(asked.request) {
            let (total, version) = lockers.entry(asked.locker).or_insert((0, 0));
            *total += asked.amount;
            *version += 1;
        }
    }
    lockers
}

#[test]
fn any_interleaving_with_duplicates_ends_as_the_requests_in_sequence() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cases = (bursts(), 1_usize..40, 1_usize..4);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&cases, |(bursts, max_batch, cache_streams)| {
        runtime.block_on(async {
            // A cache that is too small, so that streams are folded again and again.
            let settings = WriterSettings { max_batch, cache_streams, ..WriterSettings::new("test") };
            let store = Store::open_with(TestDb::sqlite(), settings).await;
            for burst in &bursts {
                store.together(burst.iter().map(Asked::order)).await;
            }
            let expected = in_sequence(&bursts);
            for (locker, (total, version)) in &expected {
                let (state, actual) = state_of::<Locker>(&store.database, &locker.to_string()).await.expect("read");
                prop_assert_eq!((state.total, actual), (*total, *version));
            }
            let rows = store.table("lockers", &["id", "total", "version"]).await;
            let expected_rows: Vec<String> = expected.iter().map(|(id, (sum, n))| format!("{id}|{sum}|{n}")).collect();
            prop_assert_eq!(&rows, &expected_rows);
            prop_assert!(verify_log(&store.events().await).is_ok());
            rebuild(&store.database, &[Projector::of::<Locker>()]).await.expect("rebuilt");
            prop_assert_eq!(store.table("lockers", &["id", "total", "version"]).await, rows);
            Ok(())
        })
    });
    result.expect("holds");
}

proptest! {
    #[test]
    fn decoding_gives_what_was_encoded(amount in any::<i64>(), serial in "[^\u{0}]{0,40}") {
        for event in [Event::Added(amount), Event::Taken(serial.clone()), Event::GivenBack(serial)] {
            let Encoded { kind, schema_version, payload } = Locker::encode(&event);
            prop_assert_eq!(Locker::decode(kind, schema_version, &payload), Ok(event));
        }
    }
}
