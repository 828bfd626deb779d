//! A stand-in service: the RPCs of the event log, with handlers that do what a test asks for by the name of the
//! owner.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use eseal_proto::event::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use eseal_proto::event::v1::{
    Event, OpenReplayRequest, OpenReplayResponse, ReadEventsRequest, ReadEventsResponse, TailEventsRequest,
    TailEventsResponse,
};
use eseal_service::deadline::Deadline;
use eseal_service::status::{self, generic};
use eseal_service::{Caller, MAX_MESSAGE, trace};
use futures::Stream;
use tokio::sync::Notify;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};

/// Counts its calls, and holds those that ask to be held.
#[derive(Debug, Clone, Default)]
pub struct StandIn {
    pub calls: Arc<AtomicU32>,
    pub release: Arc<Notify>,
}

impl StandIn {
    pub fn routes(&self) -> Routes {
        Routes::new(EventLogServiceServer::new(self.clone()).max_decoding_message_size(MAX_MESSAGE))
    }
}

#[tonic::async_trait]
impl EventLogService for StandIn {
    async fn read_events(&self, request: Request<ReadEventsRequest>) -> Result<Response<ReadEventsResponse>, Status> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let told = match request.get_ref().owner.as_str() {
            "panic" => panic!("on purpose"),
            "never" => std::future::pending().await,
            "held" => {
                self.release.notified().await;
                "released".to_owned()
            }
            "second" if call < 2 => return Err(generic(Code::Unavailable, &status::OVERLOADED)),
            "unavailable" => return Err(generic(Code::Unavailable, &status::OVERLOADED)),
            "conflict" => return Err(generic(Code::Aborted, &status::VERSION_CONFLICT)),
            "large" => "x".repeat(8 << 20),
            "caller" => Caller::of(&request).actor().to_string(),
            "trace" => trace::of(&request).unwrap_or_default(),
            "time" => Deadline::of(&request).remaining().as_millis().to_string(),
            other => other.len().to_string(),
        };
        let event = Event { subject: told, ..Default::default() };
        Ok(Response::new(ReadEventsResponse { events: vec![event], head_position: 1 }))
    }

    async fn open_replay(&self, _: Request<OpenReplayRequest>) -> Result<Response<OpenReplayResponse>, Status> {
        Ok(Response::new(OpenReplayResponse { head_position: 1 }))
    }

    type TailEventsStream = Pin<Box<dyn Stream<Item = Result<TailEventsResponse, Status>> + Send>>;

    async fn tail_events(&self, _: Request<TailEventsRequest>) -> Result<Response<Self::TailEventsStream>, Status> {
        Ok(Response::new(Box::pin(futures::stream::pending())))
    }
}

/// The request that makes the stand-in do this.
pub fn ask(what: &str) -> ReadEventsRequest {
    ReadEventsRequest { owner: what.to_owned(), ..Default::default() }
}

/// What the stand-in told.
pub fn told(answer: ReadEventsResponse) -> String {
    answer.events.into_iter().next().expect("an event").subject
}
