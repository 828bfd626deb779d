//! Three servers that keep three copies: one of them may die.

use async_nats::jetstream::stream::ClusterInfo;
use eseal_bus::{Bus, Nats, NatsConfig, setup_consumers, setup_streams};
use eseal_testkit::{NatsOptions, Port, TestNats, wait_until};

use crate::support::{COPIER, OverNats, Pair, RETRY, Running, SOON};

const REPLICAS: usize = 3;

/// Servers that know each other, and the ports by which they do.
async fn cluster() -> (Vec<TestNats>, Vec<Port>) {
    let ports: Vec<_> = (0..REPLICAS).map(|_| Port::free().expect("a free port")).collect();
    let routes: Vec<_> = ports.iter().map(|port| format!("nats-route://{}", port.address())).collect();
    let mut servers = Vec::new();
    for (number, port) in ports.iter().enumerate() {
        let config = format!(
            "server_name: n{number}\ncluster {{ name: eseal, listen: \"{}\", routes: {routes:?} }}\n",
            port.address()
        );
        servers.push(TestNats::start_with(NatsOptions { config, ..NatsOptions::default() }).await);
    }
    (servers, ports)
}

async fn connect(servers: &[TestNats], service: &'static str) -> Nats {
    let config = NatsConfig { servers: servers.iter().map(TestNats::url).collect(), ..NatsConfig::default() };
    Nats::connect(&config, service).await.expect("a connection")
}

/// How the copies of the speaker's stream stand, as this server knows; nothing while it does not answer.
async fn copies(asked: &TestNats) -> Option<ClusterInfo> {
    let client = async_nats::connect(asked.url()).await.ok()?;
    async_nats::jetstream::new(client).get_stream("ESEAL_SPEAKER").await.ok()?.cached_info().cluster.clone()
}

/// Which of the servers leads the stream.
async fn leader(asked: &TestNats) -> Option<usize> {
    copies(asked).await?.leader?.strip_prefix('n')?.parse().ok()
}

#[tokio::test]
async fn a_cluster_whose_leader_dies_under_load_loses_and_doubles_nothing() {
    let (mut servers, _ports) = cluster().await;
    let (speaker, copier) = (connect(&servers, "speaker").await, connect(&servers, "copier").await);
    // The servers elect who leads them first.
    wait_until("the cluster keeps streams", SOON * 2, async || {
        setup_streams(&speaker, &["speaker"], REPLICAS).await.ok()
    })
    .await;
    setup_consumers(&speaker, &[COPIER]).await.expect("a durable");
    let pair = Pair::local().await;
    let relay = Running::relay(&speaker, &pair.speaker);
    let bus = Bus::nats(copier.clone(), pair.copies.log.clone(), pair.speaker.answers());
    // What is lost on the way would be asked for after this only: it must not be needed.
    let bus = bus.retrying(RETRY).asking_after(SOON * 10);
    let pair = Pair { bus, ..pair };
    let running = pair.consume();

    let say = async |from: usize, to: usize| {
        let texts = (from..to).map(|i| (format!("s{}", i % 7), format!("text {i}")));
        pair.speaker.say_all(texts).await;
    };
    say(0, 200).await;
    pair.until_cursor(100).await;
    let first = wait_until("the stream has a leader", SOON, async || leader(&servers[0]).await).await;
    servers[first].kill();
    say(200, 500).await;
    pair.until_cursor(500).await;
    let survivor = (first + 1) % REPLICAS;
    let second = wait_until("another one leads", SOON, async || {
        leader(&servers[survivor]).await.filter(|leads| *leads != first)
    });
    let second = second.await;
    // The dead one comes back and catches up before the next one dies: two of three must be there.
    servers[first].start_again().await;
    wait_until("all copies are current", SOON * 2, async || {
        let replicas = copies(&servers[second]).await?.replicas;
        (replicas.len() == REPLICAS - 1 && replicas.iter().all(|copy| copy.current && !copy.offline)).then_some(())
    })
    .await;
    servers[second].kill();
    say(500, 700).await;
    pair.until_cursor(700).await;
    wait_until("another one leads", SOON, async || leader(&servers[first]).await.filter(|leads| *leads != second))
        .await;
    assert_eq!(pair.copies.texts().await, pair.speaker.texts().await);
    running.stop().await;

    let server = servers.swap_remove(first);
    let nats = Some(OverNats { server, speaker, copier, relay });
    let pair = Pair { nats, ..pair };
    pair.until_published(700).await;
    assert_eq!(pair.published().await, pair.speaker.events().await, "each event once and in order");
}
