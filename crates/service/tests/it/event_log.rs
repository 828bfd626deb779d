//! Histories over gRPC, from a real store.

use std::convert::Infallible;
use std::time::Duration;

use eseal_eventstore::{
    Actor, Database, DatabaseConfig, DecodeError, Encoded, Log, Metadata, Order, Recorded, Row, Stored, StreamId,
    Writer, WriterSettings, migrate,
};
use eseal_kernel::{Aggregate, Claims, Clock, Digest, Timestamp, Uscc};
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_proto::event::v1::{Event, OpenReplayRequest, ReadEventsRequest, TailEventsRequest};
use eseal_service::Role;
use eseal_service::event_log::EventLog;
use eseal_service::status::refusal_of;
use eseal_service::testing::TestHouse;
use eseal_testkit::TestDb;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::service::Routes;
use tonic::transport::Channel;

const BOUND: Duration = Duration::from_secs(120);

/// The simplest thing with a history: notes of some length.
#[derive(Debug, Default, Clone)]
struct Notes;

#[derive(Debug, Clone, PartialEq)]
struct Noted(usize);

impl Aggregate for Notes {
    const KIND: &'static str = "notes";
    type Command = Noted;
    type Event = Noted;
    type Rejection = Never;

    fn evolve(self, _: &Noted) -> Self {
        self
    }

    fn decide(&self, command: &Noted, _: &Claims) -> Result<Vec<Noted>, Never> {
        Ok(vec![command.clone()])
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("never")]
struct Never(Infallible);

impl Stored for Notes {
    const TABLES: &'static [&'static str] = &[];

    fn encode(event: &Noted) -> Encoded {
        Encoded {
            kind: "eseal.test.v1.Noted",
            schema_version: 1,
            payload: format!("\"{}\"", "x".repeat(event.0)).into_bytes(),
        }
    }

    fn decode(_: &str, _: u32, payload: &[u8]) -> Result<Noted, DecodeError> {
        Ok(Noted(payload.len() - 2))
    }

    fn subject(stream: &StreamId, _: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(_: &Recorded<'_>, _: &Noted, _: &Self) -> Vec<Row> {
        Vec::new()
    }
}

/// A history that can be written to, and read over gRPC by the service `verification`.
struct Bench {
    _db: TestDb,
    writer: Writer,
    log: Log,
    house: TestHouse,
    client: EventLogServiceClient<Channel>,
}

impl Bench {
    async fn new() -> Self {
        let db = TestDb::sqlite();
        let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
        migrate(&database, Vec::new).await.expect("tables");
        let (writer, _) = Writer::start(database.clone(), WriterSettings::new("notes"), CancellationToken::new());
        let (log, house) = (Log::new(database, "notes"), TestHouse::new(Clock::default()));
        let service = EventLog::service(vec![log.clone()], house.tasks().stopping());
        house.open("notes", Routes::new(service));
        let channel = house.service("notes", "verification");
        let client = EventLogServiceClient::new(channel).max_decoding_message_size(eseal_service::MAX_MESSAGE);
        Self { _db: db, writer, log, house, client }
    }

    async fn note(&self, stream: &str, length: usize) {
        let metadata = Metadata::new(Timestamp::from_seconds(7), Actor::new("p1", "auditor"));
        self.writer.execute(Order::<Notes>::new(stream, Noted(length), metadata)).await.expect("noted");
    }

    async fn read(&mut self, after_position: u64, limit: u32) -> (Vec<Event>, u64) {
        let request = ReadEventsRequest { owner: "notes".to_owned(), after_position, limit };
        let page = self.client.read_events(request).await.expect("a page").into_inner();
        (page.events, page.head_position)
    }
}

fn positions(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn a_page_follows_the_position_and_tells_the_head() {
    let mut bench = Bench::new().await;
    for stream in ["a", "b", "a"] {
        bench.note(stream, 1).await;
    }
    let (page, head) = bench.read(0, 2).await;
    assert_eq!((positions(&page), head), (vec![1, 2], 3));
    let (page, head) = bench.read(2, 0).await;
    assert_eq!((positions(&page), head), (vec![3], 3));
    let (page, head) = bench.read(3, u32::MAX).await;
    assert_eq!((positions(&page), head), (vec![], 3));
}

#[tokio::test]
async fn an_event_goes_out_as_it_is_stored() {
    let mut bench = Bench::new().await;
    bench.note("a", 3).await;
    let stored = bench.log.read(0, 1).await.expect("read").remove(0);
    let event = bench.read(0, 1).await.0.remove(0);
    assert_eq!((event.owner.as_str(), event.payload), ("notes", stored.payload));
    assert_eq!((event.hash, event.prev_hash.as_str()), (stored.hash.to_string(), ""));
    // What went out is enough to compute the hash again.
    let lines = [
        "eseal-event-v1".to_owned(),
        event.event_id,
        event.stream_id,
        event.stream_version.to_string(),
        event.position.to_string(),
        event.r#type,
        event.schema_version.to_string(),
        event.occurred_at,
        event.actor,
        event.subject,
        event.correlation_id,
        event.causation_id,
        Digest::of(b"\"xxx\"").to_string(),
        event.prev_hash,
    ];
    let envelope: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(Digest::of(envelope.as_bytes()), stored.hash);
}

#[tokio::test]
async fn a_page_of_large_events_is_cut_and_the_next_one_goes_on() {
    let mut bench = Bench::new().await;
    for _ in 0..10 {
        bench.note("a", 1_000_000).await;
    }
    let (first, _) = bench.read(0, 10).await;
    assert_eq!(positions(&first), [1, 2, 3, 4, 5, 6, 7, 8]);
    let (rest, _) = bench.read(8, 10).await;
    assert_eq!(positions(&rest), [9, 10]);
}

#[tokio::test]
async fn a_tail_gives_what_was_and_then_what_comes_and_ends_with_the_process() {
    let mut bench = Bench::new().await;
    bench.note("a", 1).await;
    let request = TailEventsRequest { owner: "notes".to_owned(), after_position: 0 };
    let mut tail = bench.client.tail_events(request).await.expect("a tail").into_inner();
    let mut next = async || {
        let answer = tokio::time::timeout(BOUND, tail.next()).await.expect("in time");
        answer.map(|answer| answer.expect("no refusal").event.expect("an event").position)
    };
    assert_eq!(next().await, Some(1));
    bench.note("b", 1).await;
    assert_eq!(next().await, Some(2));
    bench.house.tasks().stop();
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn the_history_of_an_owner_that_is_not_here_is_a_field_violation() {
    let mut bench = Bench::new().await;
    let request = ReadEventsRequest { owner: "nobody".to_owned(), ..Default::default() };
    let refusal = bench.client.read_events(request).await.expect_err("refused");
    let fields = refusal_of(&refusal).expect("ours").fields;
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert!(fields[0].1.contains("there are: notes"), "{fields:?}");
}

#[tokio::test]
async fn a_replay_is_opened_for_an_auditor_alone_and_tells_where_the_history_ends() {
    let bench = Bench::new().await;
    for stream in ["a", "b"] {
        bench.note(stream, 1).await;
    }
    let open = async |role| {
        let mut client = EventLogServiceClient::new(bench.house.person("notes", "p1", &[role], None));
        client.open_replay(OpenReplayRequest { owner: "notes".to_owned() }).await
    };
    assert_eq!(open(Role::Auditor).await.expect("opened").into_inner().head_position, 2);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Auditor) {
        let refusal = open(role).await.expect_err("refused");
        assert_eq!(refusal_of(&refusal).expect("ours").reason, "ROLE_MISSING", "{role}");
    }
}

#[tokio::test]
async fn a_history_can_not_be_cut_so_nobody_of_one_organization_reads_it() {
    let bench = Bench::new().await;
    bench.note("a", 1).await;
    let own: Uscc = "91110000600037341L".parse().expect("a code");
    let owner = || "notes".to_owned();
    for role in [Role::Auditor, Role::Integrator] {
        let channel = || bench.house.person("notes", "p1", &[role], Some(&own));
        let mut client = EventLogServiceClient::new(channel());
        let read = client.read_events(ReadEventsRequest { owner: owner(), ..Default::default() }).await.map(drop);
        let tail = client.tail_events(TailEventsRequest { owner: owner(), ..Default::default() }).await.map(drop);
        for refused in [read, tail] {
            let refusal = refused.expect_err("refused");
            assert_eq!(refusal_of(&refusal).expect("ours").reason, "OTHER_ORGANIZATION", "{role}");
        }
    }
    let mut auditor = EventLogServiceClient::new(bench.house.person("notes", "p1", &[Role::Auditor], Some(&own)));
    let refused = auditor.open_replay(OpenReplayRequest { owner: owner() }).await.expect_err("refused");
    assert_eq!(refusal_of(&refused).expect("ours").reason, "OTHER_ORGANIZATION");
}
