//! Pulling the messages of a durable.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::{Client, Subject};
use eseal_eventstore::StoredEvent;
use futures::stream::{BoxStream, StreamExt as _};

use super::names::{durable_name, stream_name};
use super::{Malformed, Nats, message};
use crate::Consumer;

/// The most messages that the server sends unasked.
const BATCH: usize = 250;
/// How long a request stays open.
const REQUEST: Duration = Duration::from_secs(30);
/// How often the server says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The pauses before the durable is looked for again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The durable of one consumer.
#[derive(Debug, Clone)]
pub(crate) struct Pulling {
    pub(crate) nats: Nats,
    pub(crate) consumer: Consumer,
}

/// What comes from a durable.
pub(crate) enum Arrival {
    /// The durable was found. So many of its messages were delivered before and are not settled: they come again only
    /// when they are overdue.
    Opened { unsettled: usize },
    /// A message.
    Message(Box<Pulled>),
}

/// A message that was pulled.
pub(crate) struct Pulled {
    /// Where it was published.
    pub(crate) subject: String,
    /// Its place in the stream.
    pub(crate) sequence: u64,
    /// How many messages wait behind it.
    pub(crate) pending: u64,
    /// The event, or why it is none.
    pub(crate) event: Result<StoredEvent, Malformed>,
    pub(crate) receipt: Receipt,
}

/// By which the server learns what became of a message.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    client: Client,
    reply: Subject,
}

impl Receipt {
    /// The message is settled. Until the server confirms it, it may send it again, which changes nothing; whether it
    /// confirmed.
    pub(crate) async fn settled(self) -> bool {
        self.tell(AckKind::Ack).await
    }

    /// The message is not to be delivered again, although it was not settled.
    pub(crate) async fn refused(self) -> bool {
        self.tell(AckKind::Term).await
    }

    /// The message is still in hand.
    pub(crate) async fn in_hand(&self) {
        // At worst it comes again.
        let _ = self.client.publish(self.reply.clone(), AckKind::Progress.into()).await;
    }

    async fn tell(self, kind: AckKind) -> bool {
        self.client.request(self.reply, kind.into()).await.is_ok()
    }
}

impl Pulling {
    /// The messages as they come, for ever: after an error the durable is looked for again, after a growing pause.
    pub(crate) fn arrivals(&self) -> BoxStream<'static, Arrival> {
        let link = Link { pulling: self.clone(), open: None, pause: FIRST_PAUSE };
        futures::stream::unfold(link, |mut link| async move { Some((link.next().await, link)) }).boxed()
    }

    async fn open(&self) -> Result<(Messages, usize), String> {
        let Consumer { name, owner } = self.consumer;
        let (durable, stream) = (durable_name(name, owner), stream_name(owner));
        let found = self.nats.context().get_consumer_from_stream(&durable, &stream).await;
        let consumer: PullConsumer = found.map_err(|error| format!("no durable {durable}: {error}"))?;
        let unsettled = consumer.cached_info().num_ack_pending;
        let messages = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .expires(REQUEST)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| error.to_string())?;
        let client = self.nats.client().clone();
        let pulled = messages.map(move |message| {
            let message = message.map_err(|error| error.to_string())?;
            let (sequence, pending) = message.info().map_or((0, 0), |info| (info.stream_sequence, info.pending));
            let event = message::decode(owner, &message.subject, message.headers.as_ref(), &message.payload);
            let reply = message.reply.clone().ok_or("a message without a reply subject")?;
            let receipt = Receipt { client: client.clone(), reply };
            Ok(Pulled { subject: message.subject.to_string(), sequence, pending, event, receipt })
        });
        Ok((pulled.boxed(), unsettled))
    }
}

type Messages = BoxStream<'static, Result<Pulled, String>>;

/// The durable as long as it answers.
struct Link {
    pulling: Pulling,
    open: Option<Messages>,
    pause: Duration,
}

impl Link {
    async fn next(&mut self) -> Arrival {
        loop {
            let why = match &mut self.open {
                None => match self.pulling.open().await {
                    Ok((open, unsettled)) => {
                        self.open = Some(open);
                        return Arrival::Opened { unsettled };
                    }
                    Err(why) => why,
                },
                Some(open) => match open.next().await {
                    Some(Ok(pulled)) => {
                        self.pause = FIRST_PAUSE;
                        return Arrival::Message(Box::new(pulled));
                    }
                    Some(Err(why)) => why,
                    None => "the messages ended".to_owned(),
                },
            };
            let Consumer { name, owner } = self.pulling.consumer;
            tracing::warn!(consumer = name, owner, why, "messages can't be pulled");
            self.open = None;
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}
