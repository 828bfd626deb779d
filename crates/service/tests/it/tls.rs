//! Services in processes of their own: mTLS, lists of callers, and certificates that change while calls go on.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eseal_devpki::{DevPki, Request};
use eseal_kernel::Clock;
use eseal_proto::event::v1::ReadEventsResponse;
use eseal_proto::event::v1::event_log_service_client::EventLogServiceClient;
use eseal_service::access::{AccessLayer, Allow};
use eseal_service::client::Bearer;
use eseal_service::client::Peers;
use eseal_service::server::{Limits, Server};
use eseal_service::tasks::Tasks;
use eseal_service::tls::{Clients, Tls, TlsConfig};
use eseal_service::token::{Grant, TokenIssuer};
use eseal_service::{Language, Onward, Peer, Role};
use eseal_testkit::{Port, wait_until};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::{Code, Status};

use crate::stand_in::{StandIn, ask, told};

pub const BOUND: Duration = Duration::from_secs(120);
const HOUR: Duration = Duration::from_secs(3_600);
const EVENTS: &str = "eseal.event.v1.EventLogService";

/// A CA, and a service `stand-in` behind TLS that lets these certificates call its event log.
pub struct Street {
    pub folder: TempDir,
    pub pki: DevPki,
    pub tasks: Tasks,
    pub address: SocketAddr,
    pub stand_in: StandIn,
    pub tls: Tls,
    issuer: TokenIssuer,
}

impl Street {
    pub async fn new(allowed: &[&str]) -> Self {
        Self::with(allowed, Limits::default(), Clients::Certified).await
    }

    pub async fn with(allowed: &[&str], limits: Limits, clients: Clients) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["stand-in", "verification", "fabrication", "gateway", "cli", "probe"];
        let pki = DevPki::create(folder.path(), &names, Clock::System).expect("a CA");
        let key = TokenIssuer::generate_key().expect("a key");
        let issuer = TokenIssuer::try_new("https://issuer.test", &key, HOUR, Clock::System).expect("an issuer");
        let allowed = allowed.iter().map(|name| format!("{name}.eseal")).collect();
        let allow = Allow::try_from(BTreeMap::from([(EVENTS.to_owned(), allowed)])).expect("a list");
        let access = AccessLayer::try_new(issuer.verifier()).expect("rules");
        let access = if clients == Clients::Certified { access.allowing(allow) } else { access };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (tasks, stand_in) = (Tasks::new(), StandIn::default());
        let address = listener.local_addr().expect("an address");
        let tls = load(&folder, "stand-in");
        let server = Server::new(stand_in.routes(), access, limits);
        tasks.spawn("server", server.serve_tls(listener, tls.clone(), clients, tasks.stopping()));
        Self { folder, pki, tasks, address, stand_in, tls, issuer }
    }

    /// The certificate of `name`, as its process has it.
    pub fn tls(&self, name: &str) -> Tls {
        load(&self.folder, name)
    }

    /// The stand-in, as a process with this certificate reaches it.
    pub fn peer(&self, tls: Tls) -> Peer {
        peers(tls, self.address).peer("stand-in")
    }

    fn token(&self, role: Role) -> String {
        let grant = Grant { person_id: "p1".to_owned(), roles: vec![role], organization: None };
        self.issuer.issue(&grant).expect("a token").token
    }
}

fn peers(tls: Tls, address: SocketAddr) -> Peers {
    let addresses = HashMap::from([("stand-in".to_owned(), format!("https://{address}"))]);
    Peers::remote("verification", tls, addresses).expect("an address")
}

pub fn config(folder: &TempDir, name: &str) -> TlsConfig {
    let file = |file: &str| -> PathBuf { folder.path().join(name).join(file) };
    TlsConfig { cert_file: file("tls.crt"), key_file: file("tls.key"), ca_file: file("ca.crt") }
}

fn load(folder: &TempDir, name: &str) -> Tls {
    Tls::load(&config(folder, name), Clock::System).expect("the files of a development CA")
}

/// Asks the stand-in who called it.
pub async fn asked(peer: &Peer) -> Result<String, Status> {
    read(peer, "caller").await.map(told)
}

async fn read(peer: &Peer, what: &str) -> Result<ReadEventsResponse, Status> {
    let onward = Onward::within(BOUND, None);
    peer.call(&onward, ask(what), |channel, request| async move {
        EventLogServiceClient::new(channel).read_events(request).await
    })
    .await
}

#[tokio::test]
async fn a_service_is_known_by_its_certificate() {
    let street = Street::new(&["verification"]).await;
    let caller = asked(&street.peer(street.tls("verification"))).await.expect("an answer");
    assert_eq!(caller, "service:verification");
}

#[tokio::test]
async fn a_certificate_that_is_not_on_the_list_is_refused_although_the_rule_names_the_service() {
    let street = Street::new(&["gateway"]).await;
    for name in ["verification", "cli", "probe"] {
        let refusal = asked(&street.peer(street.tls(name))).await.expect_err("refused");
        assert_eq!(refusal.code(), Code::PermissionDenied, "{name}");
    }
}

#[tokio::test]
async fn a_door_on_the_list_is_nobody_without_a_token() {
    let street = Street::new(&["gateway"]).await;
    let refusal = asked(&street.peer(street.tls("gateway"))).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn people_come_through_a_door_with_their_tokens_and_never_through_a_service() {
    let street = Street::new(&["gateway", "verification"]).await;
    for (name, expected) in [("gateway", "auditor:p1"), ("verification", "service:verification")] {
        let bearer = Bearer::try_new(&street.token(Role::Auditor), Language::En).expect("a token");
        let channel = peers(street.tls(name), street.address).channel("stand-in");
        let mut client = EventLogServiceClient::with_interceptor(channel, bearer);
        let answer = client.read_events(ask("caller")).await.expect("an answer");
        assert_eq!(told(answer.into_inner()), expected);
    }
}

#[tokio::test]
async fn a_certificate_of_another_ca_does_not_get_as_far_as_a_request() {
    let street = Street::new(&["verification"]).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    DevPki::create(elsewhere.path(), &["verification"], Clock::System).expect("a CA");
    // It trusts the server, so that it is the server who refuses.
    std::fs::copy(street.folder.path().join("ca.crt"), elsewhere.path().join("verification/ca.crt")).expect("copied");
    let refusal = asked(&street.peer(load(&elsewhere, "verification"))).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Unavailable);
    assert_eq!(street.stand_in.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_talks_to_the_service_that_it_means_and_to_nobody_else() {
    let street = Street::new(&["verification"]).await;
    // The right address, the right CA, the wrong name: what answers there is `stand-in`.
    let addresses = HashMap::from([("authentication".to_owned(), format!("https://{}", street.address))]);
    let peers = Peers::remote("verification", street.tls("verification"), addresses).expect("an address");
    let refusal = asked(&peers.peer("authentication")).await.expect_err("refused");
    assert_eq!((refusal.code(), street.stand_in.calls.load(Ordering::SeqCst)), (Code::Unavailable, 0));
    // And one without an address is not available, whatever others have.
    let refusal = asked(&peers.peer("fabrication")).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_peer_is_reached_at_the_next_address_when_the_first_is_dead() {
    let street = Street::new(&["verification"]).await;
    let dead = Port::free().expect("a port");
    let addresses = format!("https://{}, https://{}", dead.address(), street.address);
    let addresses = HashMap::from([("stand-in".to_owned(), addresses)]);
    let peers = Peers::remote("verification", street.tls("verification"), addresses).expect("addresses");
    assert!(asked(&peers.peer("stand-in")).await.is_ok());
}

#[tokio::test]
async fn a_door_for_people_asks_for_no_certificate() {
    let street = Street::with(&[], Limits::default(), Clients::Anybody).await;
    let bearer = Bearer::try_new(&street.token(Role::Auditor), Language::En).expect("a token");
    let channel = peers(street.tls("cli"), street.address).channel("stand-in");
    let mut client = EventLogServiceClient::with_interceptor(channel, bearer);
    assert_eq!(told(client.read_events(ask("caller")).await.expect("an answer").into_inner()), "auditor:p1");
}

/// A CA takes the place of another one while both sides work: first both trust both, then each gets a new certificate,
/// then nobody trusts the old one. Calls go on all the time, over old connections and new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_the_ca_itself_are_replaced_under_way_and_no_call_fails() {
    let limits = Limits { connection_age: Duration::from_millis(150), ..Limits::default() };
    let street = Street::with(&["verification"], limits, Clients::Certified).await;
    let client = street.tls("verification");
    let (peer, ended) = (street.peer(client.clone()), Arc::new(AtomicBool::new(false)));
    let calls = tokio::spawn({
        let ended = ended.clone();
        async move {
            let mut calls = 0_u32;
            while !ended.load(Ordering::SeqCst) {
                asked(&peer).await.expect("no call fails");
                calls += 1;
            }
            calls
        }
    });
    let next = tempfile::tempdir().expect("a folder");
    let new_ca = DevPki::create(next.path(), &[], Clock::System).expect("a CA");
    let both = format!("{}{}", street.pki.ca_certificate(), new_ca.ca_certificate());
    let sides = [("stand-in", &street.tls), ("verification", &client)];
    let reload = async |step: &str| {
        for (_, tls) in sides {
            assert!(tls.reload().expect(step), "{step}");
        }
        // Long enough for every connection of before to be replaced.
        let before = street.stand_in.calls.load(Ordering::SeqCst);
        let more = async || (street.stand_in.calls.load(Ordering::SeqCst) > before + 50).then_some(());
        wait_until("calls go on", BOUND, more).await;
    };
    let ca_file = |name: &str| street.folder.path().join(name).join("ca.crt");
    for (name, _) in sides {
        std::fs::write(ca_file(name), &both).expect("written");
    }
    reload("both are trusted").await;
    for (name, _) in sides {
        let pair = new_ca.issue(name, &Request::default()).expect("a certificate");
        let own = config(&street.folder, name);
        std::fs::write(own.key_file, pair.key.as_bytes()).expect("written");
        std::fs::write(own.cert_file, pair.certificate).expect("written");
    }
    reload("both have new certificates").await;
    for (name, _) in sides {
        std::fs::write(ca_file(name), new_ca.ca_certificate()).expect("written");
    }
    reload("the old CA is gone").await;
    // Who still comes with the old one is not known any more.
    let late = street.pki.store(street.folder.path(), "cli", &Request::default());
    std::fs::write(late.expect("stored").join("ca.crt"), &both).expect("written");
    let refusal = asked(&street.peer(street.tls("cli"))).await.expect_err("refused");
    assert_eq!(refusal.code(), Code::Unavailable);
    ended.store(true, Ordering::SeqCst);
    assert!(calls.await.expect("no call failed") > 150);
}

#[tokio::test]
async fn the_watcher_sees_the_swapped_link_of_a_mounted_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let pki = DevPki::create(folder.path(), &["a"], Clock::System).expect("a CA");
    // As Kubernetes mounts a secret: tls.crt -> ..data/tls.crt, ..data -> a folder, replaced by a rename.
    let mount = folder.path().join("mount");
    std::fs::create_dir(&mount).expect("made");
    let point_at = |target: &str| {
        std::os::unix::fs::symlink(folder.path().join(target), mount.join("..new")).expect("a link");
        std::fs::rename(mount.join("..new"), mount.join("..data")).expect("swapped");
    };
    point_at("a");
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        std::os::unix::fs::symlink(format!("..data/{file}"), mount.join(file)).expect("a link");
    }
    let file = |name: &str| mount.join(name);
    let config = TlsConfig { cert_file: file("tls.crt"), key_file: file("tls.key"), ca_file: file("ca.crt") };
    let tls = Tls::load(&config, Clock::System).expect("loaded");
    let before = tls.not_after();
    let tasks = Tasks::new();
    tasks.spawn("watch", tls.clone().watch(tasks.stopping()));
    std::fs::rename(folder.path().join("a"), folder.path().join("before")).expect("kept");
    point_at("before");
    let shorter = Request { lifetime: HOUR, ..Request::default() };
    pki.store(folder.path(), "a", &shorter).expect("stored");
    point_at("a");
    let seen = async || (tls.not_after() != before).then_some(());
    wait_until("the new certificate is in use", BOUND, seen).await;
    tasks.finish(BOUND).await.expect("stopped");
}
