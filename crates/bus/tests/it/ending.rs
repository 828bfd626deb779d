//! How a consumer ends.

use std::sync::Arc;

use eseal_bus::{BusError, Consumer, Outcome, consume};
use eseal_testkit::wait_until;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::support::{COPIER, Pair, SOON, on_both_buses};

on_both_buses! { a_writer_that_stops_first_is_an_error, a_running_handler_is_waited_for }

#[tokio::test]
async fn an_owner_without_a_log_is_an_error() {
    let pair = Pair::local().await;
    let consumer = Consumer { name: "copier", owner: "nobody" };
    let (writer, database) = (pair.copies.writer.clone(), pair.copies.database.clone());
    let (handler, stop) = (async |_, _| Outcome::Done, CancellationToken::new());
    let ended = consume(&pair.bus, consumer, |_| true, writer, database, handler, stop);
    assert!(matches!(ended.await, Err(BusError::UnknownOwner("nobody"))));
}

async fn a_writer_that_stops_first_is_an_error(pair: Pair) {
    pair.copier.feels(|_| Some(Outcome::Done));
    let running = pair.consume();
    pair.copies.stop.cancel();
    pair.speaker.say("a", "1").await;
    assert!(matches!(running.task.await.expect("no panic"), Err(BusError::WriterStopped)));
}

async fn a_running_handler_is_waited_for(pair: Pair) {
    pair.speaker.say("a", "1").await;
    let (called, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let stop = CancellationToken::new();
    let task = {
        let (bus, stop, called, go) = (pair.bus.clone(), stop.clone(), called.clone(), go.clone());
        let (writer, database, copier) =
            (pair.copies.writer.clone(), pair.copies.database.clone(), pair.copier.clone());
        tokio::spawn(async move {
            let handler = async |received, delivery| {
                called.add_permits(1);
                let _go = go.acquire().await;
                copier.handle(received, delivery).await
            };
            consume(&bus, COPIER, |_| true, writer, database, handler, stop).await
        })
    };
    wait_until("the handler runs", SOON, async || (called.available_permits() > 0).then_some(())).await;
    stop.cancel();
    go.add_permits(1);
    task.await.expect("no panic").expect("ended well");
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    assert_eq!(pair.cursor().await, 1);
}
