//! The histories of services over gRPC, given and asked for: the same bytes as stored and published.

use std::pin::Pin;
use std::time::Duration;

use eseal_bus::Page;
use eseal_eventstore::{EventParts, Log, StoredEvent};
use eseal_kernel::Digest;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::event::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use eseal_proto::event::v1::{
    Event, OpenReplayRequest, OpenReplayResponse, ReadEventsRequest, ReadEventsResponse, TailEventsRequest,
    TailEventsResponse,
};
use futures::{Stream, StreamExt as _};
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::status::{field_violation, internal};
use crate::{Caller, MAX_MESSAGE, Onward, Peer};

/// The events of a page where the caller names no number.
const USUAL_LIMIT: u32 = 500;
/// The most events of a page.
const LARGEST_LIMIT: u32 = 1_000;
/// The time for a page of another owner's.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// A page ends before it is larger than this, but has one event at least.
const PAGE_BYTES: usize = MAX_MESSAGE / 2;

/// Reads the logs of the owners in this process.
#[derive(Debug, Clone)]
pub struct EventLog {
    logs: Vec<Log>,
    stopping: CancellationToken,
}

impl EventLog {
    /// The gRPC service over these logs. Tails end when `stopping` is cancelled.
    pub fn service(logs: Vec<Log>, stopping: CancellationToken) -> EventLogServiceServer<Self> {
        EventLogServiceServer::new(Self { logs, stopping })
    }

    /// The log of an owner, for a caller who may see all organizations: a history can't be cut by them.
    fn log<T>(&self, owner: &str, request: &Request<T>) -> Result<&Log, Status> {
        Caller::of(request).may_see_all()?;
        self.logs.iter().find(|log| log.owner() == owner).ok_or_else(|| {
            let known: Vec<_> = self.logs.iter().map(Log::owner).collect();
            field_violation("owner", format!("no history of this owner is here; there are: {}", known.join(", ")))
        })
    }
}

#[tonic::async_trait]
impl EventLogService for EventLog {
    async fn read_events(&self, request: Request<ReadEventsRequest>) -> Result<Response<ReadEventsResponse>, Status> {
        let log = self.log(&request.get_ref().owner, &request)?;
        let ReadEventsRequest { after_position, limit, .. } = request.into_inner();
        let limit = if limit == 0 { USUAL_LIMIT } else { limit.min(LARGEST_LIMIT) };
        // The head first: a page is never ahead of it.
        let head_position = log.head().await.map_err(|error| internal(&error))?;
        let stored = log.read(after_position, u64::from(limit)).await.map_err(|error| internal(&error))?;
        let mut events: Vec<Event> = Vec::with_capacity(stored.len());
        let mut bytes = 0;
        for event in stored {
            let event = on_the_wire(log.owner(), event);
            bytes += event.encoded_len();
            if bytes > PAGE_BYTES && !events.is_empty() {
                break;
            }
            events.push(event);
        }
        let last = events.last().map_or(0, |event| event.position);
        Ok(Response::new(ReadEventsResponse { events, head_position: head_position.max(last) }))
    }

    async fn open_replay(&self, request: Request<OpenReplayRequest>) -> Result<Response<OpenReplayResponse>, Status> {
        let log = self.log(&request.get_ref().owner, &request)?;
        let head_position = log.head().await.map_err(|error| internal(&error))?;
        Ok(Response::new(OpenReplayResponse { head_position }))
    }

    type TailEventsStream = Pin<Box<dyn Stream<Item = Result<TailEventsResponse, Status>> + Send>>;

    async fn tail_events(
        &self,
        request: Request<TailEventsRequest>,
    ) -> Result<Response<Self::TailEventsStream>, Status> {
        let log = self.log(&request.get_ref().owner, &request)?.clone();
        let TailEventsRequest { after_position, .. } = request.into_inner();
        let name = log.owner();
        let events = log.tail(after_position).map(move |event| {
            let event = event.map_err(|error| internal(&error))?;
            Ok(TailEventsResponse { event: Some(on_the_wire(name, event)) })
        });
        Ok(Response::new(Box::pin(events.take_until(self.stopping.clone().cancelled_owned()))))
    }
}

/// A page of another owner's history, asked of its service.
///
/// # Errors
/// Why not, for logs: it does not answer, or an event does not fit its hash.
pub async fn read_from(peer: &Peer, owner: &str, after: u64, limit: u64) -> Result<Page, String> {
    let limit = u32::try_from(limit).unwrap_or(LARGEST_LIMIT);
    let request = ReadEventsRequest { owner: owner.to_owned(), after_position: after, limit };
    let page = peer
        .call(&Onward::within(READ_WITHIN, None), request, |channel, request| async move {
            EventLogServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE).read_events(request).await
        })
        .await
        .map_err(|status| status.to_string())?;
    let events = page.events.into_iter().map(received).collect::<Result<_, _>>()?;
    Ok(Page { events, head: page.head_position })
}

/// The event that a message carries, if it is the one that its owner stored.
fn received(event: Event) -> Result<StoredEvent, String> {
    let position = event.position;
    let parts = EventParts {
        position,
        event_id: &event.event_id,
        stream_id: &event.stream_id,
        stream_version: event.stream_version,
        kind: &event.r#type,
        schema_version: event.schema_version,
        occurred_at: &event.occurred_at,
        actor: &event.actor,
        subject: &event.subject,
        correlation_id: &event.correlation_id,
        causation_id: &event.causation_id,
        payload: event.payload,
        prev_hash: &event.prev_hash,
        hash: &event.hash,
        traceparent: &event.traceparent,
    };
    StoredEvent::try_from(parts).map_err(|error| format!("position {position}: {error}"))
}

/// The event as messages carry it.
pub(crate) fn on_the_wire(owner: &str, event: StoredEvent) -> Event {
    Event {
        owner: owner.to_owned(),
        position: event.position,
        event_id: event.event_id.to_string(),
        stream_id: event.stream_id.to_string(),
        stream_version: event.stream_version,
        r#type: event.kind,
        schema_version: event.schema_version,
        occurred_at: event.occurred_at.to_string(),
        actor: event.actor.to_string(),
        subject: event.subject,
        correlation_id: event.correlation_id,
        causation_id: event.causation_id.map(|id| id.to_string()).unwrap_or_default(),
        payload: event.payload,
        prev_hash: event.prev_hash.as_ref().map(Digest::to_string).unwrap_or_default(),
        hash: event.hash.to_string(),
        traceparent: event.traceparent.unwrap_or_default(),
    }
}
