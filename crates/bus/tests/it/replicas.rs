//! Two processes of one service on PostgreSQL: one relays and one consumes at a time, and the other takes over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use eseal_testkit::{TestDb, wait_until};

use crate::support::{Copier, Pair, Running, SOON, Service};

fn texts(from: usize, to: usize) -> impl Iterator<Item = (String, String)> {
    (from..to).map(|i| (format!("s{}", i % 7), format!("text {i}")))
}

#[tokio::test]
async fn one_of_two_replicas_consumes_and_the_other_takes_over() {
    let pair = Pair::over_nats().await;
    let database = Arc::new(TestDb::postgres().await);
    let replicas = [Service::start_on("copier", database.clone()).await, Service::start_on("copier", database).await];
    let [first, second] = &replicas;
    let copiers = [first, second].map(|replica| Arc::new(Copier::new(replica.writer.clone())));
    let calls = || copiers.iter().map(|copier| copier.calls.load(Ordering::SeqCst)).collect::<Vec<_>>();
    let copied = async |count: usize| {
        let copied = async || (first.events().await.len() == count).then_some(());
        wait_until(&format!("{count} texts are copied"), SOON, copied).await;
    };

    let running = pair.consume_as(first, &copiers[0]);
    pair.speaker.say_all(texts(0, 40)).await;
    copied(40).await;
    let waiting = pair.consume_as(second, &copiers[1]);
    pair.speaker.say_all(texts(40, 80)).await;
    copied(80).await;
    assert_eq!(calls(), [80, 0], "the second one waits");

    // As when its process is killed: the connection that holds the lease goes with it.
    running.task.abort();
    pair.speaker.say_all(texts(80, 120)).await;
    copied(120).await;
    assert_eq!(calls(), [80, 40]);
    assert_eq!(second.texts().await, pair.speaker.texts().await);
    waiting.stop().await;
}

#[tokio::test]
async fn one_of_two_replicas_relays_and_the_other_takes_over() {
    let pair = Pair::over_nats().await;
    let nats = pair.nats.as_ref().expect("over NATS");
    nats.relay.stop.cancel();
    let database = Arc::new(TestDb::postgres().await);
    let first = Service::start_on("speaker", database.clone()).await;
    let second = Service::start_on("speaker", database).await;
    let running = Running::relay(&nats.speaker, &first);
    // Both take commands.
    first.say_all(texts(0, 30)).await;
    pair.until_published(30).await;
    let waiting = Running::relay(&nats.speaker, &second);
    second.say_all(texts(30, 60)).await;
    pair.until_published(60).await;
    running.task.abort();
    second.say_all(texts(60, 90)).await;
    pair.until_published(90).await;
    let lease = second.database.lease("relay").await.expect("asked");
    assert!(lease.is_none(), "the second relay holds it");
    waiting.stop().await;
}
