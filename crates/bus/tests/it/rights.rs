//! Who may do what in NATS, by client certificates.

use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull, push};
use async_nats::{Client, ConnectOptions, jetstream};
use eseal_bus::{
    Bus, BusError, Nats, NatsConfig, NatsUser, StartAt, authorization, setup_consumers, setup_durable, setup_streams,
};
use eseal_testkit::{NatsOptions, NatsTls, TestCertificate, TestCertificates, TestNats, wait_until};
use futures::StreamExt as _;
use tokio::sync::mpsc;

use crate::support::{COPIER, Pair, RETRY, Running, SOON};

/// How long an answer is waited for that must not come.
const NEVER: Duration = Duration::from_millis(800);

/// A server that knows its users by their certificates.
pub struct Guarded {
    pub server: TestNats,
    pub certificates: TestCertificates,
}

impl Guarded {
    pub async fn start() -> Self {
        let certificates = TestCertificates::new();
        let TestCertificate { ca_file, cert_file, key_file } = certificates.issue("nats.eseal");
        let users = [
            NatsUser::Setup,
            NatsUser::Service { name: "speaker", consumers: vec![] },
            NatsUser::Service { name: "copier", consumers: vec![("copier", "speaker")] },
            NatsUser::Integrator { name: "integrator", owners: vec!["speaker"] },
        ];
        let tls = Some(NatsTls { ca_file, cert_file, key_file });
        let options = NatsOptions { tls, config: authorization(&users), ..NatsOptions::default() };
        Self { server: TestNats::start_with(options).await, certificates }
    }

    pub async fn nats(&self, user: &'static str) -> Nats {
        let TestCertificate { ca_file, cert_file, key_file } = self.certificates.issue(&format!("{user}.eseal"));
        let servers = vec![self.server.url()];
        let config =
            NatsConfig { servers, ca_file: Some(ca_file), cert_file: Some(cert_file), key_file: Some(key_file) };
        Nats::connect(&config, user).await.expect("a connection")
    }

    /// A client that does as it likes, and what the server says to it.
    pub async fn client(&self, user: &str) -> (Client, mpsc::UnboundedReceiver<String>) {
        let TestCertificate { ca_file, cert_file, key_file } = self.certificates.issue(&format!("{user}.eseal"));
        let (tell, told) = mpsc::unbounded_channel();
        let options = ConnectOptions::new()
            .add_root_certificates(ca_file)
            .add_client_certificate(cert_file, key_file)
            .require_tls(true)
            .custom_inbox_prefix(format!("_INBOX.{user}"))
            .request_timeout(Some(NEVER))
            .event_callback(move |event| {
                let tell = tell.clone();
                async move { drop(tell.send(event.to_string())) }
            });
        (options.connect(self.server.url()).await.expect("connected"), told)
    }

    pub async fn set_up(&self) -> Nats {
        let setup = self.nats("setup").await;
        setup_streams(&setup, &["speaker", "copier"], 1).await.expect("streams");
        setup_consumers(&setup, &[COPIER]).await.expect("a durable");
        setup
    }
}

/// Whether the server has refused something with these words.
async fn refused(told: &mut mpsc::UnboundedReceiver<String>, words: &str) {
    let heard = async {
        while let Some(said) = told.recv().await {
            if said.to_lowercase().contains(&words.to_lowercase()) {
                return true;
            }
        }
        false
    };
    let heard = tokio::time::timeout(SOON, heard).await;
    assert_eq!(heard, Ok(true), "the server has refused {words}");
}

#[tokio::test]
async fn services_with_their_certificates_carry_events_from_one_to_the_other() {
    let guarded = Guarded::start().await;
    let _setup = guarded.set_up().await;
    let pair = Pair::local().await;
    let relay = Running::relay(&guarded.nats("speaker").await, &pair.speaker);
    let bus = Bus::nats(guarded.nats("copier").await, pair.copies.log.clone(), pair.speaker.answers());
    let pair = Pair { bus: bus.retrying(RETRY).asking_after(SOON), ..pair };
    let running = pair.consume();
    pair.speaker.say_all((0..50).map(|i| (format!("s{}", i % 3), format!("text {i}")))).await;
    pair.until_cursor(50).await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    running.stop().await;
    relay.stop().await;
}

#[tokio::test]
async fn another_service_can_not_publish_our_events() {
    let guarded = Guarded::start().await;
    let _setup = guarded.set_up().await;
    for user in ["copier", "integrator", "setup"] {
        let (client, mut told) = guarded.client(user).await;
        let context = jetstream::new(client);
        let published = context.publish("eseal.speaker.v1.said", "{}".into()).await.expect("sent");
        let answered = tokio::time::timeout(NEVER, published.into_future()).await;
        assert!(!matches!(answered, Ok(Ok(_))), "{user} has published");
        refused(&mut told, "eseal.speaker.v1.said").await;
    }
    let (client, _told) = guarded.client("speaker").await;
    let context = jetstream::new(client);
    let published = context.publish("eseal.speaker.v1.said", "{}".into()).await.expect("sent");
    assert_eq!(published.await.expect("its own stream takes it").sequence, 1);
}

#[tokio::test]
async fn nobody_but_setup_makes_or_deletes_streams_and_durables() {
    let guarded = Guarded::start().await;
    let _setup = guarded.set_up().await;
    for user in ["speaker", "copier", "integrator"] {
        let (client, mut told) = guarded.client(user).await;
        let context = jetstream::new(client);
        assert!(context.create_stream("MINE").await.is_err());
        refused(&mut told, "STREAM.CREATE.MINE").await;
        assert!(context.delete_stream("ESEAL_SPEAKER").await.is_err());
        refused(&mut told, "STREAM.DELETE.ESEAL_SPEAKER").await;
        // A durable that pushes would let its maker write wherever it likes.
        let deliver_subject = "eseal.copier.v1.said".to_owned();
        let push = push::Config { durable_name: Some("mine".to_owned()), deliver_subject, ..push::Config::default() };
        assert!(context.create_consumer_on_stream(push, "ESEAL_SPEAKER").await.is_err());
        refused(&mut told, "CONSUMER.").await;
        assert!(context.delete_consumer_from_stream("copier__from_speaker", "ESEAL_SPEAKER").await.is_err());
        refused(&mut told, "CONSUMER.DELETE").await;
    }
    let (client, mut told) = guarded.client("setup").await;
    assert!(jetstream::new(client).delete_stream("ESEAL_SPEAKER").await.is_err());
    refused(&mut told, "STREAM.DELETE.ESEAL_SPEAKER").await;
}

#[tokio::test]
async fn nobody_reads_but_by_their_own_durables_and_inboxes() {
    let guarded = Guarded::start().await;
    let setup = guarded.set_up().await;
    setup_durable(&setup, "integrator", "speaker", StartAt::Beginning).await.expect("a durable");
    let (client, mut told) = guarded.client("integrator").await;
    for subject in ["eseal.>", "_INBOX.>", "_INBOX.copier.>", "$JS.>", ">"] {
        let _subscriber = client.subscribe(subject).await.expect("sent");
        refused(&mut told, &format!("subscription to \"{subject}\"")).await;
    }
    let context = jetstream::new(client);
    let theirs = context.get_consumer_from_stream::<pull::Config, _, _>("copier__from_speaker", "ESEAL_SPEAKER").await;
    assert!(theirs.is_err());
    let own: PullConsumer =
        context.get_consumer_from_stream("integrator__from_speaker", "ESEAL_SPEAKER").await.expect("its own durable");
    let (speaker, _told) = guarded.client("speaker").await;
    let context = jetstream::new(speaker);
    context.publish("eseal.speaker.v1.said", "{}".into()).await.expect("sent").await.expect("stored");
    let mut messages = own.messages().await.expect("messages");
    let message = tokio::time::timeout(SOON, messages.next()).await.expect("in time").expect("one").expect("whole");
    message.double_ack().await.expect("acknowledged");
}

#[tokio::test]
async fn a_stranger_is_not_let_in() {
    let guarded = Guarded::start().await;
    let stranger = guarded.nats("stranger").await;
    let other = Guarded { certificates: TestCertificates::new(), server: TestNats::start().await };
    let TestCertificate { cert_file, key_file, .. } = other.certificates.issue("setup.eseal");
    let ca_file = Some(guarded.certificates.issue("setup.eseal").ca_file);
    let servers = vec![guarded.server.url()];
    let config = NatsConfig { servers, ca_file, cert_file: Some(cert_file), key_file: Some(key_file) };
    let forger = Nats::connect(&config, "setup").await.expect("it tries");
    let refused = async || guarded.server.log().contains("authentication error").then_some(());
    wait_until("the server has refused the stranger", SOON, refused).await;
    let refused = async || guarded.server.log().contains("TLS handshake error").then_some(());
    wait_until("the server has refused the forger", SOON, refused).await;
    assert!(!stranger.answers() && !forger.answers());
}

#[tokio::test]
async fn a_replay_starts_where_it_is_asked_to() {
    let pair = Pair::over_nats().await;
    pair.speaker.say_all((1..=30).map(|i| ("a".to_owned(), format!("text {i}")))).await;
    pair.until_published(30).await;
    let nats = pair.nats.as_ref().expect("over NATS");
    let context = jetstream::new(async_nats::connect(nats.server.url()).await.expect("connected"));
    let first = async |start: StartAt| {
        setup_durable(&nats.speaker, "integrator", "speaker", start).await.expect("a durable");
        let own: PullConsumer =
            context.get_consumer_from_stream("integrator__from_speaker", "ESEAL_SPEAKER").await.expect("a durable");
        let mut messages = own.messages().await.expect("messages");
        let message = tokio::time::timeout(SOON, messages.next()).await.expect("in time").expect("one").expect("whole");
        let headers = message.headers.clone().expect("headers");
        headers.get("Eseal-Position").expect("a position").as_str().parse::<u64>().expect("a number")
    };
    assert_eq!(first(StartAt::Beginning).await, 1);
    assert_eq!(first(StartAt::Position(17)).await, 17);
    let stream = context.get_stream("ESEAL_SPEAKER").await.expect("the stream");
    let time = stream.get_raw_message(21).await.expect("a message").time;
    let micros = i64::try_from(time.unix_timestamp_nanos() / 1_000).expect("a time");
    let from = first(StartAt::Time(eseal_kernel::Timestamp::from_micros(micros))).await;
    assert!((1..=21).contains(&from), "{from}");
    let bad = setup_durable(&nats.speaker, "a.b", "speaker", StartAt::Beginning).await;
    assert!(matches!(bad, Err(BusError::Config(_))));
}
