//! The bureau where seals are registered and used, and the people who come to it.

use std::path::PathBuf;
use std::time::Duration;

use eseal_authentication::{CONFIG_DEFAULT, Config, migrations, projectors, wire};
use eseal_bus::{Bus, Retry};
use eseal_eventstore::{Database, DatabaseConfig, Log, StoredEvent, migrate, rebuild};
use eseal_kernel::{Clock, Id, Timestamp, Uscc};
use eseal_proto::application::v1 as application;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::authentication::v1::trust_service_client::TrustServiceClient;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::config::Sources;
use eseal_service::status::Refused;
use eseal_service::testing::{Teller, TestChannel, TestHouse};
use eseal_service::{Context, Role};
use eseal_testkit::{TestDb, wait_until};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::card::{Authorities, Card};
use crate::workshop::Workshop;

pub use eseal_service::testing::{assert_refused, refusal, violation};

/// The organization of most seals.
pub const LENOVO: &str = "91110000600037341L";
/// Another organization.
pub const SUZHOU: &str = "11320500014150050B";
/// The custodian of most seals.
pub const ZHOU: &str = "zhou";
/// How long a test waits for what must come.
pub const BOUND: Duration = Duration::from_secs(120);
/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const SEAL_FABRICATED: &str = "eseal.fabrication.v1.SealFabricated";

/// The service with everything around it.
pub struct Bureau {
    pub house: TestHouse,
    pub database: Database,
    pub fabrication: Teller,
    pub application: Teller,
    pub workshop: Workshop,
    pub authorities: Authorities,
    /// Where time stamps are asked for; nowhere at first.
    pub time_stamps: Vec<String>,
    beside: Vec<TestHouse>,
    /// Whether the addresses in certificates are asked about revocation, on this machine too.
    pub asks: bool,
    /// Whether somebody must say of a certificate that it is not revoked.
    pub strict: bool,
    /// Whether authorities for development may be trusted, as all of these tests' are.
    pub development: bool,
    /// What is set otherwise than usual; nothing at first.
    pub settings: Box<dyn Fn(Config) -> Config + Send + Sync>,
    folder: TempDir,
    db: TestDb,
}

pub type Registry = RegistryServiceClient<TestChannel>;
pub type Sealing = SealingServiceClient<TestChannel>;
pub type Keys = HostedKeyServiceClient<TestChannel>;
pub type Trust = TrustServiceClient<TestChannel>;

impl Bureau {
    /// A bureau that trusts the holders' and the makers' authority.
    pub async fn open() -> Self {
        let bureau = Self::closed().await;
        bureau.opens().await;
        bureau
    }

    /// A bureau on its first day.
    pub async fn trusting_nobody() -> Self {
        let bureau = Self::closed().await;
        bureau.begin_work().await;
        bureau
    }

    /// A bureau before its first day.
    pub async fn closed() -> Self {
        let (db, folder) = (TestDb::any().await, TempDir::new().expect("a folder"));
        let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
        migrate(&database, migrations).await.expect("migrations");
        let (fabrication, workshop) = (Teller::new("fabrication").await, Workshop::default());
        let application = Teller::new("application").await;
        let house = TestHouse::new(Clock::fixed(now()));
        let authorities = Authorities::new();
        let (time_stamps, beside, asks, strict, development) = (Vec::new(), Vec::new(), false, false, true);
        let settings = Box::new(|config| config);
        Self {
            house,
            database,
            fabrication,
            application,
            workshop,
            authorities,
            time_stamps,
            settings,
            beside,
            asks,
            strict,
            development,
            folder,
            db,
        }
    }

    /// Opens, and trusts the holders' and the makers' authority.
    pub async fn opens(&self) {
        self.begin_work().await;
        self.trusts(pb::TrustPurpose::Holder, self.authorities.holders.certificate().der()).await.expect("trusted");
        self.trusts(pb::TrustPurpose::Maker, self.authorities.makers.certificate().der()).await.expect("trusted");
    }

    /// Stops everything, as at the end of a process, and starts it anew on the same database and key file.
    pub async fn restart(&mut self) {
        self.stops().await;
        self.begin_work().await;
    }

    /// Stops everything; the database is opened anew.
    pub async fn stops(&mut self) {
        self.house.tasks().finish(BOUND).await.expect("stopped");
        self.database.close().await.expect("closed");
        self.database = Database::connect(&DatabaseConfig::new(self.db.url())).await.expect("a database");
        self.house = TestHouse::new(self.house.clock());
    }

    /// One more process on the same database, beside the one that is there.
    pub async fn begin_work_beside(&mut self) {
        let second = TestHouse::new(self.house.clock());
        self.beside.push(std::mem::replace(&mut self.house, second));
        self.begin_work().await;
    }

    async fn begin_work(&self) {
        self.house.open("authentication", self.wired().await.expect("wired"));
        self.house.open("fabrication", self.workshop.routes());
    }

    /// One more process of the service on the same database, as in a deployment with several replicas.
    pub async fn opens_another(&self, name: &'static str) {
        self.house.open(name, self.wired().await.expect("wired"));
    }

    /// The service with its settings.
    pub async fn wired(&self) -> Result<tonic::service::Routes, eseal_service::StartError> {
        let own = Log::new(self.database.clone(), "authentication");
        let retry = Retry { first: Duration::from_millis(5), longest: Duration::from_millis(20), tries: 1_000 };
        let bus = Bus::local([own, self.fabrication.log(), self.application.log()]).retrying(retry);
        let (clock, tasks) = (self.house.clock(), self.house.tasks());
        let peers = self.house.peers("authentication");
        let context = Context::new("authentication", self.database.clone(), bus, peers, clock, tasks);
        let (max_document_bytes, documents_at_a_time) = (1 << 20, 1);
        let (key_file, expiry_check) = (self.key_file(), Duration::from_millis(20));
        let config: Config = Sources::new(CONFIG_DEFAULT).load().expect("settings");
        let config = Config { key_file, expiry_check, max_document_bytes, documents_at_a_time, ..config };
        let (ask_revocation, revocation_required, private_addresses) = (self.asks, self.strict, self.asks);
        let config = Config { ask_revocation, revocation_required, private_addresses, ..config };
        let config = Config { accept_development_roots: self.development, ..config };
        let config = match self.time_stamps.as_slice() {
            [] => config,
            authorities => Config {
                time_stamp_authorities: authorities.to_vec(),
                time_stamp_trust_file: self.file("tsa-root.pem"),
                time_stamp_crl_files: vec![self.file("tsa-crl.pem")],
                ..config
            },
        };
        wire((self.settings)(config), &context).await
    }

    /// The address of the database.
    pub fn url(&self) -> &str {
        self.db.url()
    }

    pub fn key_file(&self) -> PathBuf {
        self.file("authentication.key")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn registry(&self, id: &str, role: Role, organization: Option<&str>) -> Registry {
        RegistryServiceClient::new(self.person(id, role, organization))
    }

    pub fn sealing(&self, id: &str, role: Role, organization: Option<&str>) -> Sealing {
        SealingServiceClient::new(self.person(id, role, organization))
    }

    pub fn keys(&self, id: &str, role: Role, organization: Option<&str>) -> Keys {
        HostedKeyServiceClient::new(self.person(id, role, organization))
    }

    pub fn trust(&self, id: &str, role: Role) -> Trust {
        TrustServiceClient::new(self.person(id, role, None))
    }

    /// The custodian of most seals, at the sealing of documents.
    pub fn zhou(&self) -> Sealing {
        self.sealing(ZHOU, Role::Custodian, Some(LENOVO))
    }

    /// An administrator of the registry.
    pub fn admin(&self) -> Registry {
        self.registry("gao", Role::Admin, None)
    }

    pub fn person(&self, id: &str, role: Role, organization: Option<&str>) -> TestChannel {
        let organization: Option<Uscc> = organization.map(|code| code.parse().expect("a code"));
        self.house.person("authentication", id, &[role], organization.as_ref())
    }

    pub fn service(&self, name: &'static str) -> Channel {
        self.house.service("authentication", name)
    }

    pub fn now(&self) -> Timestamp {
        self.house.clock().now()
    }

    /// Moves the time on.
    pub fn later(&self, by: Duration) {
        let clock = self.house.clock();
        clock.set(clock.now().plus(by));
    }

    pub async fn trusts(&self, purpose: pb::TrustPurpose, certificate: &[u8]) -> Result<String, Status> {
        let (request_id, purpose, certificate) = (request_id(), purpose.into(), certificate.to_vec());
        let request = pb::AddTrustAnchorRequest { request_id, purpose, certificate };
        Ok(self.trust("gao", Role::Admin).add_trust_anchor(request).await?.into_inner().fingerprint)
    }

    /// Takes in the holders' authority's present revocation list.
    pub async fn imports_crl(&self) {
        let list = self.authorities.holders.crl(self.now()).expect("a list");
        let request = pb::ImportCrlRequest { request_id: request_id(), crl: list.der().to_vec() };
        self.trust("gao", Role::Admin).import_crl(request).await.expect("imported");
    }

    /// Registers the seal of a new card of Lenovo in the custody of Zhou.
    pub async fn registered(&self) -> Card {
        let card = Card::made(&self.authorities, LENOVO);
        self.registers(&card).await;
        card
    }

    /// The same, and puts it into use.
    pub async fn active(&self) -> Card {
        let card = self.registered().await;
        activate(&mut self.admin(), &card.seal_id).await.expect("activated");
        card
    }

    pub async fn registers(&self, card: &Card) {
        self.tells_of(&fabricated(card), &card.seal).await;
        self.shows(&card.seal_id).await;
    }

    /// Has fabrication tell of a made seal, and give it.
    pub async fn tells_of(&self, made: &fabrication::SealFabricated, seal: &[u8]) {
        self.workshop.put(seal);
        self.fabrication.tells(&made.application_id, SEAL_FABRICATED, made).await;
    }

    /// Waits until the seal is registered.
    pub async fn shows(&self, seal_id: &str) -> pb::RegisteredSeal {
        let seal = async || show(&mut self.admin(), seal_id).await.ok();
        wait_until("the seal is registered", BOUND, seal).await
    }

    /// Every event of the service.
    pub async fn events(&self) -> Vec<StoredEvent> {
        let log = Log::new(self.database.clone(), "authentication");
        log.read(0, 1_000).await.expect("events")
    }

    /// The kinds of the events of one seal, without their package.
    pub async fn kinds(&self, seal_id: &str) -> Vec<String> {
        let stream = format!("seal-{seal_id}");
        let events = self.events().await.into_iter().filter(|event| event.stream_id.as_str() == stream);
        events.map(|event| event.kind.rsplit('.').next().unwrap_or_default().to_owned()).collect()
    }

    /// Throws the read tables away and folds them again.
    pub async fn rebuilds(&self) {
        rebuild(&self.database, &projectors()).await.expect("rebuilt");
    }
}

impl Drop for Bureau {
    fn drop(&mut self) {
        self.beside.iter().chain([&self.house]).for_each(|house| house.tasks().stop());
    }
}

pub fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().expect("a moment")
}

pub fn request_id() -> String {
    Id::random(now()).to_string()
}

/// What fabrication tells of the seal of a card of Lenovo in the custody of Zhou.
pub fn fabricated(card: &Card) -> fabrication::SealFabricated {
    let certificates = [&card.sm2.1, &card.p256.1];
    fabrication::SealFabricated {
        application_id: request_id(),
        run_id: request_id(),
        seal_id: card.seal_id.clone(),
        seal_digest: card.seal_digest(),
        card_serial: card.serial.clone(),
        certificate_digests: certificates.map(|certificate| certificate.fingerprint().to_string()).to_vec(),
        applicant_id: "zhang".to_owned(),
        particulars: Some(particulars()),
    }
}

/// What was asked for.
pub fn particulars() -> application::Particulars {
    application::Particulars {
        kind: application::ApplicationKind::New.into(),
        organization: Some(organization()),
        seal_type: seal_pb::SealType::Contract.into(),
        custody: seal_pb::Custody::SealCard.into(),
        custodian_id: ZHOU.to_owned(),
        valid_from: Some(moment::from_micros(now().micros())),
        valid_to: Some(moment::from_micros(now().plus(DAY * 1_000).micros())),
        ..Default::default()
    }
}

pub fn organization() -> seal_pb::Organization {
    let (name_zh, name_en) = ("联想（北京）有限公司".to_owned(), "Lenovo (Beijing) Limited".to_owned());
    seal_pb::Organization { uscc: LENOVO.to_owned(), name_zh, name_en }
}

pub async fn activate(registry: &mut Registry, seal_id: &str) -> Result<String, Status> {
    let request = pb::ActivateSealRequest { request_id: request_id(), seal_id: seal_id.to_owned() };
    Ok(registry.activate_seal(request).await?.into_inner().etag)
}

pub async fn suspend(registry: &mut Registry, seal_id: &str) -> Result<String, Status> {
    let (seal_id, reason_code) = (seal_id.to_owned(), "CARD_LOST".to_owned());
    let request = pb::SuspendSealRequest { request_id: request_id(), seal_id, reason_code };
    Ok(registry.suspend_seal(request).await?.into_inner().etag)
}

pub async fn report_loss(registry: &mut Registry, seal_id: &str) -> Result<String, Status> {
    let request = pb::ReportLossRequest { request_id: request_id(), seal_id: seal_id.to_owned() };
    Ok(registry.report_loss(request).await?.into_inner().etag)
}

pub async fn resume(registry: &mut Registry, seal_id: &str) -> Result<String, Status> {
    let request = pb::ResumeSealRequest { request_id: request_id(), seal_id: seal_id.to_owned() };
    Ok(registry.resume_seal(request).await?.into_inner().etag)
}

pub async fn revoke(registry: &mut Registry, seal_id: &str) -> Result<String, Status> {
    let (seal_id, reason_code) = (seal_id.to_owned(), "NO_LONGER_USED".to_owned());
    let request = pb::RevokeSealRequest { request_id: request_id(), seal_id, reason_code };
    Ok(registry.revoke_seal(request).await?.into_inner().etag)
}

pub async fn replace(registry: &mut Registry, seal_id: &str, successor: &str) -> Result<String, Status> {
    let (seal_id, successor_seal_id) = (seal_id.to_owned(), successor.to_owned());
    let request = pb::ReplaceSealRequest { request_id: request_id(), seal_id, successor_seal_id };
    Ok(registry.replace_seal(request).await?.into_inner().etag)
}

pub async fn unlock(registry: &mut Registry, seal_id: &str) -> Result<String, Status> {
    let request = pb::UnlockSealRequest { request_id: request_id(), seal_id: seal_id.to_owned() };
    Ok(registry.unlock_seal(request).await?.into_inner().etag)
}

pub async fn show(registry: &mut Registry, seal_id: &str) -> Result<pb::RegisteredSeal, Status> {
    let request = pb::GetSealRequest { seal_id: seal_id.to_owned() };
    Ok(registry.get_seal(request).await?.into_inner().seal.expect("a seal"))
}

/// A gate refused, for this reason.
#[track_caller]
pub fn assert_gate<T: std::fmt::Debug>(answer: Result<T, Status>, gate: &str, reason: &str) -> Refused {
    let (code, refused) = refusal(answer);
    assert_eq!((code, refused.reason.as_str()), (Code::FailedPrecondition, reason), "{}", refused.message);
    assert_eq!(refused.metadata.get("gate").map(String::as_str), Some(gate));
    refused
}
