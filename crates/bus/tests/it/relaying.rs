//! From the store into the stream.

use eseal_bus::{BusError, setup_streams};
use eseal_testkit::{NatsOptions, TestNats, wait_until};

use crate::support::{Pair, Running, SOON, Service, connect, raw_stream};

fn texts(from: usize, to: usize) -> impl Iterator<Item = (String, String)> {
    (from..to).map(|i| (format!("s{}", i % 7), format!("text {i}")))
}

#[tokio::test]
async fn two_relays_at_a_time_do_not_mix_the_order() {
    let pair = Pair::over_nats().await;
    let nats = pair.nats.as_ref().expect("over NATS");
    // On SQLite every lease is granted, so that nothing but the fence keeps the second one off.
    let second = connect(&nats.server, "speaker").await;
    let second = Running::relay(&second, &pair.speaker);
    for turn in 0..10 {
        pair.speaker.say_all(texts(turn * 60, turn * 60 + 60)).await;
    }
    pair.until_published(600).await;
    assert_eq!(pair.published().await, pair.speaker.events().await, "each event once and in order");
    second.stop().await;
}

#[tokio::test]
async fn a_relay_goes_on_where_a_killed_one_was() {
    let pair = Pair::over_nats().await;
    let nats = pair.nats.as_ref().expect("over NATS");
    nats.relay.task.abort();
    for turn in 0..20 {
        pair.speaker.say_all(texts(turn * 50, turn * 50 + 50)).await;
        let relay = Running::relay(&nats.speaker, &pair.speaker);
        // Anywhere: before the first publication, between publication and acknowledgement, after the last.
        tokio::time::sleep(pair.moment * u32::try_from(turn % 7).expect("small")).await;
        relay.task.abort();
    }
    let relay = Running::relay(&nats.speaker, &pair.speaker);
    pair.until_published(1_000).await;
    assert_eq!(pair.published().await, pair.speaker.events().await);
    relay.stop().await;
}

#[tokio::test]
async fn a_foreign_message_in_the_stream_is_passed_by() {
    let pair = Pair::over_nats().await;
    pair.speaker.say_all(texts(0, 10)).await;
    pair.until_published(10).await;
    let server = &pair.nats.as_ref().expect("over NATS").server;
    let client = async_nats::connect(server.url()).await.expect("connected");
    client.publish("eseal.speaker.v1.said", "{}".into()).await.expect("sent");
    client.flush().await.expect("sent");
    pair.until_published(11).await;
    pair.speaker.say_all(texts(10, 20)).await;
    pair.until_published(21).await;
    let stream = raw_stream(server).await;
    let last = stream.get_raw_message(21).await.expect("a message");
    assert_eq!(last.headers.get("Eseal-Position").map(|value| value.as_str()), Some("20"));
}

#[tokio::test]
async fn a_stream_with_more_than_the_database_stops_the_relay() {
    let pair = Pair::over_nats().await;
    pair.speaker.say_all(texts(0, 10)).await;
    pair.until_published(10).await;
    // As after a restore from a backup that was made before the tenth event.
    let restored = Service::start("speaker").await;
    let nats = pair.nats.as_ref().expect("over NATS");
    let ended = Running::relay(&nats.speaker, &restored).task.await.expect("no panic");
    assert!(matches!(ended, Err(BusError::StreamAhead { position: 10, head: 0, .. })), "{ended:?}");
    restored.say_all(texts(0, 12)).await;
    let ended = Running::relay(&nats.speaker, &restored).task.await.expect("no panic");
    assert!(matches!(ended, Err(BusError::Diverged { position: 10, .. })), "{ended:?}");
    assert_eq!(pair.published().await, pair.speaker.events().await, "nothing is overwritten");
}

#[tokio::test]
async fn a_server_without_jetstream_is_an_error() {
    let server = TestNats::start_with(NatsOptions { without_jetstream: true, ..NatsOptions::default() }).await;
    let (speaker, nats) = (Service::start("speaker").await, connect(&server, "speaker").await);
    assert!(matches!(setup_streams(&nats, &["speaker"], 1).await, Err(BusError::NoJetStream)));
    let ended = Running::relay(&nats, &speaker).task.await.expect("no panic");
    assert!(matches!(ended, Err(BusError::NoJetStream)), "{ended:?}");
    assert!(!nats.answers());
}

#[tokio::test]
async fn a_server_that_takes_smaller_messages_than_events_may_be_is_an_error_that_names_both() {
    // The last setting counts.
    let config = "max_payload: 1MB\n".to_owned();
    let server = TestNats::start_with(NatsOptions { config, ..NatsOptions::default() }).await;
    let (speaker, nats) = (Service::start("speaker").await, connect(&server, "speaker").await);
    let refused = setup_streams(&nats, &["speaker"], 1).await.expect_err("too small");
    let BusError::SmallMessages { needed, actual } = refused else { panic!("{refused:?}") };
    assert_eq!((needed, actual), ((1 << 20) + (64 << 10), 1 << 20));
    let ended = Running::relay(&nats, &speaker).task.await.expect("no panic");
    assert!(matches!(ended, Err(BusError::SmallMessages { .. })), "{ended:?}");
}

#[tokio::test]
async fn a_relay_waits_for_its_stream() {
    let server = TestNats::start().await;
    let (speaker, nats) = (Service::start("speaker").await, connect(&server, "speaker").await);
    speaker.say("a", "1").await;
    let relay = Running::relay(&nats, &speaker);
    wait_until("the relay is connected", SOON, async || nats.answers().then_some(())).await;
    setup_streams(&nats, &["speaker"], 1).await.expect("a stream");
    setup_streams(&nats, &["speaker"], 1).await.expect("the same stream");
    let published = async || (raw_stream(&server).await.cached_info().state.messages == 1).then_some(());
    wait_until("the event is published", SOON, published).await;
    relay.stop().await;
}

#[tokio::test]
async fn nobody_may_delete_what_was_published() {
    let pair = Pair::over_nats().await;
    pair.speaker.say_all(texts(0, 3)).await;
    pair.until_published(3).await;
    let stream = raw_stream(&pair.nats.as_ref().expect("over NATS").server).await;
    assert!(stream.delete_message(2).await.is_err());
    assert!(stream.purge().await.is_err());
    let config = &stream.cached_info().config;
    assert!(config.deny_delete && config.deny_purge && !config.allow_rollup);
    assert_eq!(stream.get_info().await.expect("there").state.messages, 3);
}
