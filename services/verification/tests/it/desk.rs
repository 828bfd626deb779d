//! The desk where documents are verified, and the people who come to it.

use eseal_bus::Bus;
use eseal_eventstore::{Database, DatabaseConfig, Log, StoredEvent, migrate, rebuild};
use eseal_kernel::Clock;
use eseal_proto::verification::v1 as pb;
use eseal_proto::verification::v1::verification_service_client::VerificationServiceClient;
use eseal_service::config::Sources;
use eseal_service::testing::{TestChannel, TestHouse};
use eseal_service::{Context, MAX_MESSAGE, Role};
use eseal_testkit::TestDb;
use eseal_verification::{CONFIG_DEFAULT, Config, migrations, projectors, wire};
use tonic::Status;

use crate::authority::StandIn;
use crate::sealed::{World, now};

pub use eseal_service::testing::{assert_refused, refusal};

/// The service with what is around it.
pub struct Desk {
    house: TestHouse,
    database: Database,
    _db: TestDb,
}

pub type Client = VerificationServiceClient<TestChannel>;

impl Desk {
    /// A desk that trusts nobody: authentication does not answer.
    pub async fn alone() -> Self {
        Self::with(|config| config).await
    }

    /// A desk with this authentication.
    pub async fn beside(authentication: StandIn) -> Self {
        let desk = Self::alone().await;
        desk.house.open("authentication", authentication.routes());
        desk
    }

    /// A desk whose authentication trusts the roots of a world and knows no seal.
    pub async fn in_world(world: &World) -> Self {
        Self::beside(knowing(world)).await
    }

    pub async fn with(settings: impl FnOnce(Config) -> Config) -> Self {
        let db = TestDb::any().await;
        let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
        migrate(&database, migrations).await.expect("migrations");
        let house = TestHouse::new(Clock::fixed(now()));
        let bus = Bus::local([Log::new(database.clone(), "verification")]);
        let peers = house.peers("verification");
        let context = Context::new("verification", database.clone(), bus, peers, house.clock(), house.tasks());
        let config = settings(Sources::new(CONFIG_DEFAULT).load().expect("settings"));
        house.open("verification", wire(config, &context).await.expect("wired"));
        Self { house, database, _db: db }
    }

    pub fn anybody(&self) -> Client {
        client(self.house.anybody("verification"))
    }

    pub fn auditor(&self) -> Client {
        self.person(Role::Auditor)
    }

    pub fn person(&self, role: Role) -> Client {
        client(self.house.person("verification", "somebody", &[role], None))
    }

    /// An auditor who is bound to an organization.
    pub fn auditor_of(&self, uscc: &str) -> Client {
        let uscc = uscc.parse().expect("a code");
        client(self.house.person("verification", "somebody", &[Role::Auditor], Some(&uscc)))
    }

    /// Moves the time on.
    pub fn later(&self, by: std::time::Duration) {
        let clock = self.house.clock();
        clock.set(clock.now().plus(by));
    }

    /// Anybody has a document verified.
    pub async fn verifies(&self, document: &[u8]) -> pb::Report {
        verify(&mut self.anybody(), pieces(document)).await.expect("a report")
    }

    /// Every event of the service.
    pub async fn events(&self) -> Vec<StoredEvent> {
        Log::new(self.database.clone(), "verification").read(0, 1_000).await.expect("events")
    }

    pub async fn failures(&self) -> Vec<pb::Failure> {
        let request = pb::ListFailuresRequest::default();
        self.auditor().list_failures(request).await.expect("listed").into_inner().failures
    }

    /// Throws the read table away and folds it again.
    pub async fn rebuilds(&self) {
        rebuild(&self.database, &projectors()).await.expect("rebuilt");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.house.tasks().stop();
    }
}

/// An authentication that trusts the roots of a world.
pub fn knowing(world: &World) -> StandIn {
    StandIn {
        holders: vec![world.holders.certificate().clone()],
        makers: vec![world.makers.certificate().clone()],
        ..StandIn::default()
    }
}

/// A document in pieces.
pub fn pieces(document: &[u8]) -> Vec<pb::VerifyDocumentRequest> {
    pieces_of(document, 10_000)
}

pub fn pieces_of(document: &[u8], size: usize) -> Vec<pb::VerifyDocumentRequest> {
    let piece = |chunk: &[u8]| pb::VerifyDocumentRequest { chunk: chunk.to_vec(), ..Default::default() };
    document.chunks(size).map(piece).collect()
}

pub async fn verify(client: &mut Client, pieces: Vec<pb::VerifyDocumentRequest>) -> Result<pb::Report, Status> {
    let answer = client.verify_document(tokio_stream::iter(pieces)).await?;
    Ok(answer.into_inner().report.expect("a report"))
}

/// The first field that was not acceptable.
#[track_caller]
pub fn violation<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    eseal_service::testing::violation(answer).0
}

/// Result and reason of the three items of a seal.
pub fn items(seal: &pb::SealReport) -> [(pb::Result, String); 3] {
    [&seal.signer, &seal.content, &seal.impression].map(|item| {
        let item = item.as_ref().expect("an item");
        (item.result(), item.reason.clone())
    })
}

fn client(channel: TestChannel) -> Client {
    VerificationServiceClient::new(channel).max_encoding_message_size(MAX_MESSAGE)
}
