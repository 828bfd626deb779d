//! The workshop where seals are made, and the people who work there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_bus::{Bus, Retry};
use eseal_card::{CardKind, Pin, SoftCard};
use eseal_eventstore::{Database, DatabaseConfig, DeadLetters, Log, StoredEvent, migrate};
use eseal_fabrication::{CONFIG_DEFAULT, Config, migrations, wire};
use eseal_kernel::{Clock, Id, Timestamp, Uscc};
use eseal_pki::{Subject, Suite};
use eseal_proto::application::v1 as application;
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use eseal_proto::fabrication::v1::maker_card_service_client::MakerCardServiceClient;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::config::Sources;
use eseal_service::testing::{Teller, TestChannel, TestHouse};
use eseal_service::{Context, MAX_MESSAGE, Role, StartError};
use eseal_testkit::{TestDb, wait_until};
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;

use crate::cards::{Card, MAKERS};
use crate::standins::StandIns;

pub use eseal_service::testing::{assert_refused, refusal};

/// The organization whose seals are made.
pub const LENOVO: &str = "91110000600037341L";
/// Another organization.
pub const SUZHOU: &str = "11320500014150050B";
/// The name of the seals. None of this may get into an event.
pub const SEAL_NAME: &str = "孙保管之章";
/// The picture of the seals; what it shows is nobody's business here.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nthe picture of a seal that is about a person";
/// How long a test waits for what must come.
pub const BOUND: Duration = Duration::from_secs(120);

const APPROVED: &str = "eseal.application.v1.Approved";
const PIN: &str = "maker-pin-1";

pub type Fabrications = FabricationServiceClient<TestChannel>;
pub type MakerCards = MakerCardServiceClient<TestChannel>;

/// The service with everything around it.
pub struct Workshop {
    pub standins: StandIns,
    pub application: Teller,
    pub authentication: Teller,
    pub clock: Clock,
    folder: TempDir,
    own_card: Option<SoftCard>,
    db: TestDb,
    running: Option<Running>,
    replicas: Vec<Running>,
}

struct Running {
    house: TestHouse,
    /// Holds the writer as long as anything of the process may need it.
    _context: Context,
    database: Database,
}

fn own_card() -> (TempDir, SoftCard) {
    let folder = TempDir::new().expect("a folder");
    let card = soft_card(folder.path(), "own", CardKind::Maker);
    (folder, card)
}

impl Workshop {
    pub async fn open() -> Self {
        Self::with(None, TestDb::any().await).await
    }

    /// In a database that is a file: SQLite.
    pub async fn open_in_a_file() -> Self {
        Self::with(None, TestDb::sqlite()).await
    }

    /// With a maker card of its own, which nobody has issued yet.
    pub async fn with_own_card() -> Self {
        Self::with(Some(own_card()), TestDb::any().await).await
    }

    /// The same in a database that is a file: SQLite.
    pub async fn with_own_card_in_a_file() -> Self {
        Self::with(Some(own_card()), TestDb::sqlite()).await
    }

    async fn with(own: Option<(TempDir, SoftCard)>, db: TestDb) -> Self {
        let (folder, own_card) = match own {
            Some((folder, card)) => (folder, Some(card)),
            None => (TempDir::new().expect("a folder"), None),
        };
        secret(&folder.path().join("fabrication.key"), &"5a".repeat(32));
        secret(&folder.path().join("pin"), PIN);
        let mut workshop = Self {
            standins: StandIns::default(),
            application: Teller::new("application").await,
            authentication: Teller::new("authentication").await,
            clock: Clock::fixed(now()),
            folder,
            own_card,
            db,
            running: None,
            replicas: Vec::new(),
        };
        workshop.standins.keep(SEAL_NAME.as_bytes());
        workshop.standins.keep(PICTURE);
        workshop.starts().await;
        workshop
    }

    pub fn config(&self) -> Config {
        let mut config: Config = Sources::new(CONFIG_DEFAULT).load().expect("settings");
        config.key_file = self.file("fabrication.key");
        if let Some(card) = &self.own_card {
            config.maker_card_file = Some(card.path().to_owned());
            config.maker_pin_file = Some(self.file("pin"));
        }
        config
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database file of a workshop that has one.
    pub fn database_file(&self) -> PathBuf {
        PathBuf::from(self.db.url().trim_start_matches("sqlite:"))
    }

    pub async fn starts(&mut self) {
        self.starts_with(self.config()).await.expect("started");
    }

    pub async fn starts_with(&mut self, config: Config) -> Result<(), StartError> {
        let database = Database::connect(&DatabaseConfig::new(self.db.url())).await.expect("a database");
        migrate(&database, migrations).await.expect("migrations");
        let house = TestHouse::new(self.clock.clone());
        let own = Log::new(database.clone(), "fabrication");
        let retry = Retry { longest: Duration::from_millis(400), tries: 1_000, ..Retry::default() };
        let bus = Bus::local([own, self.application.log(), self.authentication.log()]).retrying(retry);
        let peers = house.peers("fabrication");
        let context = Context::new("fabrication", database.clone(), bus, peers, house.clock(), house.tasks());
        house.open("application", self.standins.application());
        house.open("authentication", self.standins.authentication());
        let wired = wire(config, &context).await;
        if let Ok(routes) = wired {
            house.open("fabrication", routes);
            self.running = Some(Running { house, _context: context, database });
            return Ok(());
        }
        house.tasks().stop();
        wired.map(drop)
    }

    /// One more process on the same database.
    pub async fn starts_a_replica(&mut self) {
        self.replicas.extend(self.running.take());
        self.starts().await;
    }

    pub async fn stops(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.house.tasks().finish(BOUND).await.expect("an orderly end");
        running.database.close().await.expect("closed");
    }

    pub fn house(&self) -> &TestHouse {
        &self.running.as_ref().expect("running").house
    }

    pub fn database(&self) -> &Database {
        &self.running.as_ref().expect("running").database
    }

    /// A maker for all organizations.
    pub fn maker(&self, id: &str) -> Fabrications {
        self.person(id, Role::Maker, None)
    }

    pub fn person(&self, id: &str, role: Role, organization: Option<&str>) -> Fabrications {
        let organization: Option<Uscc> = organization.map(|code| code.parse().expect("a code"));
        fabrications(self.house().person("fabrication", id, &[role], organization.as_ref()))
    }

    pub fn anybody(&self) -> Fabrications {
        fabrications(self.house().anybody("fabrication"))
    }

    pub fn maker_cards(&self, role: Role) -> MakerCards {
        MakerCardServiceClient::new(self.house().person("fabrication", "admin", &[role], None))
    }

    pub fn service(&self, name: &'static str) -> FabricationServiceClient<Channel> {
        FabricationServiceClient::new(self.house().service("fabrication", name)).max_decoding_message_size(MAX_MESSAGE)
    }

    /// Moves the time on.
    pub fn later(&self, by: Duration) {
        self.clock.set(self.clock.now().plus(by));
    }

    /// A maker card that was issued to Zhang.
    pub async fn issued(&self, serial: &str) -> Card {
        let card = Card::maker(serial);
        issue(&mut self.maker_cards(Role::Admin), &card).await.expect("issued");
        card
    }

    /// Issues the service's own maker card.
    pub async fn issues_own_card(&self) -> pb::IssueMakerCardRequest {
        let card = self.own_card.as_ref().expect("a card");
        let certificate = card.certificate(Suite::Sm2Sm3).expect("readable").expect("a certificate");
        let request = issuing(card.serial(), certificate.der());
        self.maker_cards(Role::Admin).issue_maker_card(request.clone()).await.expect("issued");
        request
    }

    /// An application that was approved, and waits to be made with a seal card.
    pub async fn approved(&self) -> String {
        let application = request_id();
        self.approves(&application, particulars()).await;
        self.until(&application, "FabricationQueued").await;
        application
    }

    /// An application for a seal with a hosted key, whose approval was just told.
    pub async fn approved_hosted(&self) -> String {
        let (application, key) = (request_id(), request_id());
        self.standins.host(LENOVO, Card::holder(&key, LENOVO));
        self.approves(&application, hosted(&key)).await;
        application
    }

    pub async fn approves(&self, application: &str, particulars: application::Particulars) {
        let approved = application::Approved {
            application_id: application.to_owned(),
            reviewer_id: "li".to_owned(),
            applicant_id: "wang".to_owned(),
            particulars: Some(particulars),
        };
        self.application.tells(application, APPROVED, &approved).await;
    }

    /// Every event of the service.
    pub async fn events(&self) -> Vec<StoredEvent> {
        Log::new(self.database().clone(), "fabrication").read(0, 1_000).await.expect("events")
    }

    /// The events of one fabrication.
    pub async fn events_of(&self, application: &str) -> Vec<StoredEvent> {
        let stream = format!("fabrication-{application}");
        self.events().await.into_iter().filter(|event| event.stream_id.as_str() == stream).collect()
    }

    /// The kinds of the events of one fabrication, without their package.
    pub async fn kinds(&self, application: &str) -> Vec<String> {
        self.events_of(application).await.iter().map(kind).collect()
    }

    /// Waits until the last event of the fabrication is of this kind.
    pub async fn until(&self, application: &str, kind: &str) {
        wait_until(&format!("{kind} is the last event"), BOUND, async || {
            (self.kinds(application).await.last().map(String::as_str) == Some(kind)).then_some(())
        })
        .await;
    }

    /// What the last event of this kind says.
    pub async fn said<M: serde::de::DeserializeOwned>(&self, application: &str, of_kind: &str) -> M {
        let events = self.events_of(application).await;
        let event = events.into_iter().rfind(|event| kind(event) == of_kind).expect("an event of this kind");
        serde_json::from_slice(&event.payload).expect("JSON")
    }

    /// The last refusal on record: gate and reason.
    pub async fn refusal(&self, application: &str) -> (String, String) {
        let refused: pb::FabricationRefused = self.said(application, "FabricationRefused").await;
        (refused.gate, refused.reason)
    }

    pub async fn shown(&self, application: &str) -> pb::Fabrication {
        show(&mut self.person("audit", Role::Auditor, None), application).await.expect("shown")
    }

    /// How many letters are dead.
    pub async fn dead_letters(&self, consumer: &str, owner: &str) -> Vec<String> {
        let letters = DeadLetters::new(self.database().clone());
        let letters = letters.list(consumer, owner, 0, 100).await.expect("letters");
        letters.iter().map(|letter| letter.stream_id.id().to_owned()).collect()
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        for running in self.running.iter().chain(&self.replicas) {
            running.house.tasks().stop();
        }
    }
}

fn kind(event: &StoredEvent) -> String {
    event.kind.rsplit('.').next().unwrap_or_default().to_owned()
}

/// A soft card with a maker's certificate.
pub fn soft_card(folder: &Path, name: &str, kind: CardKind) -> SoftCard {
    let pin = Pin::try_new(PIN.to_owned()).expect("a PIN");
    let card = SoftCard::create(&folder.join(name), kind, &pin, &[Suite::Sm2Sm3]).expect("a card");
    let unlocked = card.unlock(&pin).expect("unlocked");
    let key = unlocked.public_key(Suite::Sm2Sm3).expect("a key");
    let year = Duration::from_secs(365 * 24 * 3_600);
    let certificate = MAKERS.issue(&key, &Subject::named("own"), year, now()).expect("a certificate");
    unlocked.import_certificate(Suite::Sm2Sm3, &certificate).expect("imported");
    card
}

/// A file that only its owner can read.
pub fn secret(path: &Path, text: &str) {
    fs::write(path, format!("{text}\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("private");
}

pub fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().expect("a moment")
}

pub fn request_id() -> String {
    Id::random(now()).to_string()
}

/// A personal seal of Lenovo on a seal card.
pub fn particulars() -> application::Particulars {
    let to: Timestamp = "2030-01-01T00:00:00Z".parse().expect("a moment");
    application::Particulars {
        kind: application::ApplicationKind::New.into(),
        organization: Some(seal_pb::Organization {
            uscc: LENOVO.to_owned(),
            name_zh: "联想（北京）有限公司".to_owned(),
            name_en: "Lenovo".to_owned(),
        }),
        seal_type: seal_pb::SealType::Personal.into(),
        seal_name_digest: eseal_kernel::Digest::of(SEAL_NAME.as_bytes()).to_string(),
        impression_digest: eseal_kernel::Digest::of(PICTURE).to_string(),
        impression_width_mm: 20,
        impression_height_mm: 21,
        custody: seal_pb::Custody::SealCard.into(),
        custodian_id: "sun".to_owned(),
        valid_from: Some(moment::from_micros(now().micros())),
        valid_to: Some(moment::from_micros(to.micros())),
        ..Default::default()
    }
}

/// The same with a hosted key.
pub fn hosted(key: &str) -> application::Particulars {
    let custody = seal_pb::Custody::HostedKey.into();
    application::Particulars { custody, hosted_key_id: key.to_owned(), ..particulars() }
}

pub fn issuing(serial: &str, certificate: &[u8]) -> pb::IssueMakerCardRequest {
    pb::IssueMakerCardRequest {
        request_id: request_id(),
        card_serial: serial.to_owned(),
        maker_id: "zhang".to_owned(),
        certificate: certificate.to_vec(),
    }
}

pub async fn issue(admin: &mut MakerCards, card: &Card) -> Result<pb::IssueMakerCardResponse, Status> {
    let request = issuing(&card.serial, card.certificate().der());
    Ok(admin.issue_maker_card(request).await?.into_inner())
}

pub async fn withdraw(admin: &mut MakerCards, serial: &str) -> Result<pb::WithdrawMakerCardResponse, Status> {
    let (request_id, card_serial, reason_code) = (request_id(), serial.to_owned(), "LOST".to_owned());
    Ok(admin
        .withdraw_maker_card(pb::WithdrawMakerCardRequest { request_id, card_serial, reason_code })
        .await?
        .into_inner())
}

pub async fn show(client: &mut Fabrications, application: &str) -> Result<pb::Fabrication, Status> {
    let request = pb::GetFabricationRequest { application_id: application.to_owned() };
    Ok(client.get_fabrication(request).await?.into_inner().fabrication.expect("a fabrication"))
}

/// A run at a maker's workstation, as far as it has come.
pub struct Run {
    pub maker: Fabrications,
    pub application: String,
    pub run_id: String,
    pub seal_id: String,
    pub terms: seal_pb::ChallengeTerms,
}

pub async fn begin(mut maker: Fabrications, application: &str, serial: &str) -> Result<Run, Status> {
    let (request_id, application_id) = (request_id(), application.to_owned());
    let request = pb::BeginRunRequest { request_id, application_id, maker_card_serial: serial.to_owned() };
    let begun = maker.begin_run(request).await?.into_inner();
    let (application, terms) = (application.to_owned(), begun.maker_challenge.unwrap_or_default());
    Ok(Run { maker, application, run_id: begun.run_id, seal_id: begun.seal_id, terms })
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.run_id)
    }
}

impl Run {
    /// Gate a.
    pub async fn presents_maker(&mut self, proof: seal_pb::SignedStatement) -> Result<(), Status> {
        let answer = self.maker.present_maker_card(self.maker_proof(proof)).await?;
        self.terms = answer.into_inner().seal_card_challenge.expect("terms");
        Ok(())
    }

    pub fn maker_proof(&self, proof: seal_pb::SignedStatement) -> pb::PresentMakerCardRequest {
        let (request_id, application_id, run_id) = self.ids();
        pb::PresentMakerCardRequest { request_id, application_id, run_id, proof: Some(proof), card_uses: 0 }
    }

    /// Gates b, c and d.
    pub async fn presents(&mut self, card: &Card) -> Result<Vec<u8>, Status> {
        let proofs = card.proofs(&self.terms);
        self.presents_proofs(&card.serial, proofs).await
    }

    pub async fn presents_proofs(
        &mut self,
        serial: &str,
        proofs: Vec<seal_pb::SignedStatement>,
    ) -> Result<Vec<u8>, Status> {
        let answer = self.maker.present_seal_card(self.holder_proofs(serial, proofs)).await?;
        Ok(answer.into_inner().seal_info)
    }

    pub fn holder_proofs(&self, serial: &str, proofs: Vec<seal_pb::SignedStatement>) -> pb::PresentSealCardRequest {
        let (request_id, application_id, run_id) = self.ids();
        pb::PresentSealCardRequest { request_id, application_id, run_id, card_serial: serial.to_owned(), proofs }
    }

    /// Gate e, first half.
    pub async fn signs(&mut self, signature: Vec<u8>) -> Result<Vec<u8>, Status> {
        let (request_id, application_id, run_id) = self.ids();
        let request = pb::SignSealRequest { request_id, application_id, run_id, signature };
        Ok(self.maker.sign_seal(request).await?.into_inner().seal)
    }

    /// Gate e, second half.
    pub async fn confirms(&mut self, read_back: &[u8]) -> Result<String, Status> {
        let (request_id, application_id, run_id) = self.ids();
        let request = pb::ConfirmSealRequest { request_id, application_id, run_id, read_back: read_back.to_vec() };
        Ok(self.maker.confirm_seal(request).await?.into_inner().seal_id)
    }

    pub async fn reports_failure(&mut self) -> Result<(), Status> {
        let (request_id, application_id, run_id) = self.ids();
        self.maker.report_failure(pb::ReportFailureRequest { request_id, application_id, run_id }).await.map(drop)
    }

    /// The whole rest of the run: gives the SESeal.
    pub async fn makes(&mut self, maker: &Card, holder: &Card) -> Result<Vec<u8>, Status> {
        self.presents_maker(maker.proves(&self.terms)).await?;
        let info = self.presents(holder).await?;
        let seal = self.signs(maker.signs(&info)).await?;
        assert_eq!(self.confirms(&seal).await?, self.seal_id);
        Ok(seal)
    }

    fn ids(&self) -> (String, String, String) {
        (request_id(), self.application.clone(), self.run_id.clone())
    }
}

/// The first field that was not acceptable.
#[track_caller]
pub fn violation<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    eseal_service::testing::violation(answer).0
}

fn fabrications(channel: TestChannel) -> Fabrications {
    FabricationServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}
