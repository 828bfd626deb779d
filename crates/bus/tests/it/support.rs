//! A service that says things and a service that copies them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eseal_bus::{
    Bus, BusError, Consumer, Nats, NatsConfig, Outcome, Page, ReadOwner, Received, Retry, Wanted, consume, relay,
    setup_consumers, setup_streams,
};
use eseal_eventstore::{
    Actor, CommandError, Database, DatabaseConfig, DeadLetter, DeadLetters, DecodeError, Delivery, Encoded, Log,
    Metadata, Order, Progress, Recorded, Row, StoreError, Stored, StoredEvent, StreamId, Writer, WriterSettings,
    migrate,
};
use eseal_kernel::{Aggregate, Claims, Timestamp};
use eseal_testkit::{TestDb, TestNats, wait_until};
use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for the slowest machine; nothing waits that long in vain unless it fails.
pub const SOON: Duration = Duration::from_secs(120);

/// A list of texts; `refused` is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(pub String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused")]
pub struct Refused;

impl Aggregate for Texts {
    const KIND: &'static str = "texts";
    type Command = String;
    type Event = Said;
    type Rejection = Refused;

    fn evolve(mut self, event: &Said) -> Self {
        self.0.push(event.0.clone());
        self
    }

    fn decide(&self, text: &String, _claims: &Claims) -> Result<Vec<Said>, Refused> {
        if text == "refused" { Err(Refused) } else { Ok(vec![Said(text.clone())]) }
    }
}

impl Stored for Texts {
    const TABLES: &'static [&'static str] = &[];

    fn encode(event: &Said) -> Encoded {
        Encoded { kind: "eseal.test.v1.Said", schema_version: 1, payload: event.0.clone().into_bytes() }
    }

    fn decode(kind: &str, _schema_version: u32, payload: &[u8]) -> Result<Said, DecodeError> {
        String::from_utf8(payload.to_vec()).map(Said).map_err(|error| DecodeError::malformed(kind, error))
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(_recorded: &Recorded<'_>, _event: &Said, _state: &Self) -> Vec<Row> {
        Vec::new()
    }
}

/// A service with its database and its writer.
pub struct Service {
    pub database: Database,
    pub writer: Writer,
    pub log: Log,
    pub stop: CancellationToken,
    _db: Arc<TestDb>,
}

impl Service {
    pub async fn start(owner: &'static str) -> Self {
        Self::start_on(owner, Arc::new(TestDb::sqlite())).await
    }

    /// Another process of the same service would be started the same way on the same database.
    pub async fn start_on(owner: &'static str, db: Arc<TestDb>) -> Self {
        let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("connected");
        migrate(&database, Vec::new).await.expect("migrated");
        let stop = CancellationToken::new();
        let (writer, _task) = Writer::start(database.clone(), WriterSettings::new(owner), stop.clone());
        let log = Log::new(database.clone(), owner);
        Self { database, writer, log, stop, _db: db }
    }

    pub async fn say(&self, id: &str, text: impl Into<String>) {
        self.writer.execute(Order::<Texts>::new(id, text.into(), meta())).await.expect("said");
    }

    /// Says many things of many streams in one go.
    pub async fn say_all(&self, texts: impl IntoIterator<Item = (String, String)>) {
        let orders = texts.into_iter().map(|(id, text)| self.writer.execute(Order::<Texts>::new(id, text, meta())));
        for said in futures::future::join_all(orders).await {
            said.expect("said");
        }
    }

    /// How this service answers those who ask it for its events.
    pub fn answers(&self) -> ReadOwner {
        let log = self.log.clone();
        Arc::new(move |owner, after, limit| {
            let log = log.clone();
            async move {
                assert_eq!(owner, log.owner());
                let read = async { Ok::<_, StoreError>((log.head().await?, log.read(after, limit).await?)) };
                let (head, events) = read.await.map_err(|error| error.to_string())?;
                Ok(Page { head: events.last().map_or(head, |last| head.max(last.position)), events })
            }
            .boxed()
        })
    }

    /// All that was said, by stream.
    pub async fn texts(&self) -> BTreeMap<String, Vec<String>> {
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.events().await {
            texts.entry(event.stream_id.id().to_owned()).or_default().push(text(&event));
        }
        texts
    }

    pub async fn events(&self) -> Vec<StoredEvent> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let page = self.log.read(events.last().map_or(0, |event| event.position), 1_000).await.expect("read");
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }
}

/// A connection of `service`.
pub async fn connect(server: &TestNats, service: &'static str) -> Nats {
    let config = NatsConfig { servers: vec![server.url()], ..NatsConfig::default() };
    Nats::connect(&config, service).await.expect("a connection")
}

/// The speaker's stream, for those who look past the bus.
pub async fn raw_stream(server: &TestNats) -> async_nats::jetstream::stream::Stream {
    let client = async_nats::connect(server.url()).await.expect("connected");
    async_nats::jetstream::new(client).get_stream("ESEAL_SPEAKER").await.expect("the stream")
}

pub fn meta() -> Metadata {
    Metadata::new(Timestamp::from_seconds(1_800_000_000), Actor::new("copier", "service"))
}

pub fn text(event: &StoredEvent) -> String {
    String::from_utf8(event.payload.clone()).expect("text")
}

/// What the copier does with a text, instead of copying it.
pub type Mood = Arc<dyn Fn(&str) -> Option<Outcome> + Send + Sync>;

/// Copies what is said, once it is in the mood to.
pub struct Copier {
    pub writer: Writer,
    pub mood: Mutex<Mood>,
    pub calls: AtomicUsize,
}

impl Copier {
    pub fn new(writer: Writer) -> Self {
        Self { writer, mood: Mutex::new(Arc::new(|_| None)), calls: AtomicUsize::new(0) }
    }

    pub fn feels(&self, mood: impl Fn(&str) -> Option<Outcome> + Send + Sync + 'static) {
        *self.mood.lock().expect("not poisoned") = Arc::new(mood);
    }

    pub async fn handle(&self, received: Received, delivery: Delivery) -> Outcome {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let text = text(&received.event);
        let mood = self.mood.lock().expect("not poisoned").clone();
        if let Some(outcome) = mood(&text) {
            return outcome;
        }
        let text = if text == "what the copier refuses" { "refused".to_owned() } else { text };
        let meta = received.metadata(meta().now, meta().actor);
        let order = Order::<Texts>::new(received.event.stream_id.id(), text, meta).delivered(delivery);
        match self.writer.execute(order).await {
            Ok(_) => Outcome::Done,
            Err(CommandError::Rejected(why)) => Outcome::Never(why.to_string()),
            Err(error) => Outcome::Later(error.to_string()),
        }
    }
}

/// So that tests don't wait for long.
pub const RETRY: Retry = Retry { first: Duration::from_millis(1), longest: Duration::from_millis(4), tries: 4 };

pub const COPIER: Consumer = Consumer { name: "copier", owner: "speaker" };

/// Makes two tests of each function that takes a [`Pair`]: on the local bus, and over a NATS server of its own.
macro_rules! on_both_buses {
    ($($test:ident),+ $(,)?) => {
        mod local {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Pair::local().await).await;
            })+
        }
        mod nats {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Pair::over_nats().await).await;
            })+
        }
    };
}
pub(crate) use on_both_buses;

/// A speaker, a copier, and the bus between them.
pub struct Pair {
    pub speaker: Service,
    pub copies: Service,
    pub copier: Arc<Copier>,
    pub bus: Bus,
    /// A fraction of the time that a consumer needs until the first event is copied.
    pub moment: Duration,
    /// Which of the speaker's events the copier is called for.
    pub wanted: Wanted,
    pub nats: Option<OverNats>,
}

/// What is between a speaker and a copier in different processes.
pub struct OverNats {
    pub server: TestNats,
    pub speaker: Nats,
    pub copier: Nats,
    pub relay: Running,
}

/// A relay or a copier that runs.
pub struct Running {
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<(), BusError>>,
}

impl Running {
    /// Starts the relay of a service.
    pub fn relay(nats: &Nats, service: &Service) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(relay(nats.clone(), service.log.clone(), service.database.clone(), stop.clone()));
        Self { stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("ended well");
    }
}

impl Pair {
    /// Both in one process.
    pub async fn local() -> Self {
        let (speaker, copies) = (Service::start("speaker").await, Service::start("copier").await);
        let bus = Bus::local([speaker.log.clone()]).retrying(RETRY);
        let copier = Arc::new(Copier::new(copies.writer.clone()));
        Self { speaker, copies, copier, bus, moment: Duration::from_micros(300), wanted: |_| true, nats: None }
    }

    /// With a NATS server between them, which the speaker's events are relayed to. The copier asks the speaker itself only
    /// for what NATS does not bring, and, as nothing is lost, not for a long time.
    pub async fn over_nats() -> Self {
        let pair = Self::local().await;
        let server = TestNats::start().await;
        let (speaker, copier) = (connect(&server, "speaker").await, connect(&server, "copier").await);
        setup_streams(&speaker, &["speaker"], 1).await.expect("a stream");
        setup_consumers(&speaker, &[COPIER]).await.expect("a durable");
        let relay = Running::relay(&speaker, &pair.speaker);
        let bus = Bus::nats(copier.clone(), pair.copies.log.clone(), pair.speaker.answers());
        let bus = bus.retrying(RETRY).asking_after(SOON);
        let nats = Some(OverNats { server, speaker, copier, relay });
        Self { bus, moment: Duration::from_millis(15), nats, ..pair }
    }

    /// What lies in the speaker's stream, as far as it is the speaker's, in its order.
    pub async fn published(&self) -> Vec<StoredEvent> {
        let events = self.speaker.events().await;
        let stream = raw_stream(&self.nats.as_ref().expect("over NATS").server).await;
        let state = stream.cached_info().state.clone();
        let mut found = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.expect("a message");
            let header = |name: &str| message.headers.get(name).map(ToString::to_string).unwrap_or_default();
            let said = events.iter().find(|event| event.event_id.to_string() == header("ce-id")).expect("one of ours");
            assert_eq!(message.payload, said.payload);
            assert_eq!(header("ce-hash"), said.hash.to_string());
            assert_eq!(header("Eseal-Position"), said.position.to_string());
            found.push(said.clone());
        }
        found
    }

    /// Waits until the speaker's stream has so many messages.
    pub async fn until_published(&self, count: u64) {
        let server = &self.nats.as_ref().expect("over NATS").server;
        let published = async || (raw_stream(server).await.cached_info().state.messages >= count).then_some(());
        wait_until(&format!("{count} messages are published"), SOON, published).await;
    }

    /// Starts the copier.
    pub fn consume(&self) -> Running {
        self.consume_as(&self.copies, &self.copier)
    }

    /// Starts another copier.
    pub fn consume_as(&self, copies: &Service, copier: &Arc<Copier>) -> Running {
        let (bus, stop) = (self.bus.clone(), CancellationToken::new());
        let (writer, database) = (copies.writer.clone(), copies.database.clone());
        let (copier, wanted, until) = (copier.clone(), self.wanted, stop.clone());
        let task = tokio::spawn(async move {
            let handler = |received, delivery| copier.handle(received, delivery);
            consume(&bus, COPIER, wanted, writer, database, handler, until).await
        });
        Running { stop, task }
    }

    pub async fn cursor(&self) -> u64 {
        Progress::of(&self.copies.database, COPIER.name, COPIER.owner).await.expect("read").cursor
    }

    /// Waits until the copier has come to this position.
    pub async fn until_cursor(&self, position: u64) {
        let reached = async || (self.cursor().await >= position).then_some(());
        wait_until(&format!("the cursor is at {position}"), SOON, reached).await;
    }

    pub fn letters(&self) -> DeadLetters {
        DeadLetters::new(self.copies.database.clone())
    }

    pub async fn parked(&self) -> Vec<DeadLetter> {
        self.letters().list(COPIER.name, COPIER.owner, 0, 1_000).await.expect("listed")
    }

    pub async fn until_parked(&self, count: usize) {
        let parked = async || (self.parked().await.len() == count).then_some(());
        wait_until(&format!("{count} letters are parked"), SOON, parked).await;
    }

    /// Waits until everything said is copied.
    pub async fn until_all_is_copied(&self) {
        let said = self.speaker.texts().await;
        wait_until("all is copied", SOON, async || (self.copies.texts().await == said).then_some(())).await;
    }
}
