//! Histories: each service has its own, so the request itself says whose is meant.

use std::collections::BTreeMap;

use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::event::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use eseal_proto::event::v1::{
    OpenReplayRequest, OpenReplayResponse, ReadEventsRequest, ReadEventsResponse, TailEventsRequest, TailEventsResponse,
};
use eseal_service::MAX_MESSAGE;
use eseal_service::client::Peers;
use eseal_service::status::field_violation;
use tonic::transport::Channel;
use tonic::{Extensions, Request, Response, Status, Streaming};

/// Owners that have no history: they hold no facts.
const WITHOUT_HISTORY: [&str; 1] = ["identity"];

/// Asks the owner.
#[derive(Debug, Clone)]
pub struct EventLogs(BTreeMap<String, Channel>);

impl EventLogs {
    /// The histories of these owners.
    pub fn new(peers: &Peers, owners: &[&'static str]) -> Self {
        let owners = owners.iter().filter(|name| !WITHOUT_HISTORY.contains(name));
        Self(owners.map(|owner| ((*owner).to_owned(), peers.channel(owner))).collect())
    }

    /// The gRPC service over them.
    pub fn service(self) -> EventLogServiceServer<Self> {
        EventLogServiceServer::new(self)
    }

    fn client(&self, owner: &str) -> Result<EventLogServiceClient<Channel>, Status> {
        let channel = self.0.get(owner).cloned().ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(String::as_str).collect();
            field_violation("owner", format!("no history of this owner is here; there are: {}", known.join(", ")))
        })?;
        Ok(EventLogServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE))
    }
}

/// The same request to somebody else: with its headers (token, language, deadline, trace), and nothing of its connection.
fn onward<M>(request: Request<M>) -> Request<M> {
    let (metadata, _, message) = request.into_parts();
    Request::from_parts(metadata, Extensions::default(), message)
}

#[tonic::async_trait]
impl EventLogService for EventLogs {
    async fn read_events(&self, request: Request<ReadEventsRequest>) -> Result<Response<ReadEventsResponse>, Status> {
        let mut owner = self.client(&request.get_ref().owner)?;
        owner.read_events(onward(request)).await
    }

    async fn open_replay(&self, request: Request<OpenReplayRequest>) -> Result<Response<OpenReplayResponse>, Status> {
        let mut owner = self.client(&request.get_ref().owner)?;
        owner.open_replay(onward(request)).await
    }

    type TailEventsStream = Streaming<TailEventsResponse>;

    async fn tail_events(
        &self,
        request: Request<TailEventsRequest>,
    ) -> Result<Response<Self::TailEventsStream>, Status> {
        let mut owner = self.client(&request.get_ref().owner)?;
        owner.tail_events(onward(request)).await
    }
}
