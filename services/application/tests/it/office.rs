//! The office where applications are filed, and the people who come to it.

use std::time::Duration;

use eseal_application::{CONFIG_DEFAULT, Config, migrations, projectors, wire};
use eseal_bus::Bus;
use eseal_eventstore::{Database, DatabaseConfig, Log, StoredEvent, migrate, rebuild};
use eseal_kernel::{Clock, Id, Timestamp, Uscc};
use eseal_proto::application::v1 as pb;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::authentication::v1 as authentication;
use eseal_proto::fabrication::v1 as fabrication;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_service::config::Sources;
use eseal_service::testing::{Teller, TestChannel, TestHouse};
use eseal_service::{Context, MAX_MESSAGE, Role};
use eseal_testkit::{TestDb, wait_until};
use tonic::Status;
use tonic::transport::Channel;

pub use eseal_service::testing::{assert_refused, refusal, violation};

/// The organization of most applicants.
pub const LENOVO: &str = "91110000600037341L";
/// Another organization.
pub const SUZHOU: &str = "11320500014150050B";
/// A picture that can be a seal.
pub const DOT: &[u8] = include_bytes!("files/dot.png");
/// How long a test waits for what must come.
pub const BOUND: Duration = Duration::from_secs(120);

/// The service with everything around it.
pub struct Office {
    house: TestHouse,
    pub database: Database,
    pub fabrication: Teller,
    pub authentication: Teller,
    _db: TestDb,
}

pub type Client = ApplicationServiceClient<TestChannel>;

impl Office {
    pub async fn open() -> Self {
        Self::asking_for(1).await
    }

    /// An office where so many reviewers must approve.
    pub async fn asking_for(approvals: u32) -> Self {
        let db = TestDb::any().await;
        let database = Database::connect(&DatabaseConfig::new(db.url())).await.expect("a database");
        migrate(&database, migrations).await.expect("migrations");
        let house = TestHouse::new(Clock::fixed(now()));
        let (fabrication, authentication) = (Teller::new("fabrication").await, Teller::new("authentication").await);
        let own = Log::new(database.clone(), "application");
        let bus = Bus::local([own, fabrication.log(), authentication.log()]);
        let peers = house.peers("application");
        let context = Context::new("application", database.clone(), bus, peers, house.clock(), house.tasks());
        let config: Config = Sources::new(CONFIG_DEFAULT).load().expect("settings");
        let config = Config { approvals_needed: approvals, ..config };
        house.open("application", wire(config, &context).await.expect("wired"));
        Self { house, database, fabrication, authentication, _db: db }
    }

    /// An applicant of Lenovo.
    pub fn applicant(&self, id: &str) -> Client {
        self.person(id, Role::Applicant, Some(LENOVO))
    }

    /// A reviewer for all organizations.
    pub fn reviewer(&self, id: &str) -> Client {
        self.person(id, Role::Reviewer, None)
    }

    pub fn person(&self, id: &str, role: Role, organization: Option<&str>) -> Client {
        let organization: Option<Uscc> = organization.map(|code| code.parse().expect("a code"));
        client(self.house.person("application", id, &[role], organization.as_ref()))
    }

    pub fn anybody(&self) -> Client {
        client(self.house.anybody("application"))
    }

    pub fn service(&self, name: &'static str) -> ApplicationServiceClient<Channel> {
        ApplicationServiceClient::new(self.house.service("application", name))
    }

    /// Moves the time on.
    pub fn later(&self, by: Duration) {
        let clock = self.house.clock();
        clock.set(clock.now().plus(by));
    }

    /// Files the usual form as Zhang of Lenovo.
    pub async fn filed(&self) -> String {
        let mut zhang = self.applicant("zhang");
        let form = form(&put(&mut zhang, DOT).await);
        submit(&mut zhang, form).await.expect("filed").application_id
    }

    /// Files the usual form, and has Li approve it.
    pub async fn approved(&self) -> String {
        let application = self.filed().await;
        approve(&mut self.reviewer("li"), &application).await.expect("approved");
        application
    }

    /// Files the usual form, has Li approve it, and has the others tell that its seal was made and is in use.
    pub async fn sealed(&self) -> String {
        let (application, seal) = (self.approved().await, request_id());
        let (application_id, seal_id) = (application.clone(), seal.clone());
        let made = fabrication::SealFabricated { application_id, seal_id, ..Default::default() };
        self.fabrication.tells(&application, "eseal.fabrication.v1.SealFabricated", &made).await;
        let (application_id, seal_id) = (application.clone(), seal.clone());
        let activated = authentication::SealActivated { seal_id, application_id };
        self.authentication.tells(&seal, "eseal.authentication.v1.SealActivated", &activated).await;
        self.outcome(&application, |outcome| {
            !outcome.seal_id.is_empty() && outcome.seal_state() == seal_pb::SealState::Active
        })
        .await;
        seal
    }

    /// Waits until what became of an application is so.
    pub async fn outcome(&self, application: &str, is_so: impl Fn(&pb::Outcome) -> bool) -> pb::Outcome {
        wait_until("the application shows what became of it", BOUND, async || {
            self.shown(application).await.outcome.filter(&is_so)
        })
        .await
    }

    /// Files the usual form, and has Li return it.
    pub async fn returned(&self) -> String {
        let application = self.filed().await;
        send_back(&mut self.reviewer("li"), &application).await.expect("returned");
        application
    }

    /// An application as an auditor sees it.
    pub async fn shown(&self, application: &str) -> pb::Application {
        show(&mut self.person("audit", Role::Auditor, None), application).await.expect("shown")
    }

    /// Every event of the service.
    pub async fn events(&self) -> Vec<StoredEvent> {
        let log = Log::new(self.database.clone(), "application");
        log.read(0, 1_000).await.expect("events")
    }

    /// The kinds of the events of one application, without their package.
    pub async fn kinds(&self, application: &str) -> Vec<String> {
        let stream = format!("application-{application}");
        let events = self.events().await.into_iter().filter(|event| event.stream_id.as_str() == stream);
        events.map(|event| event.kind.rsplit('.').next().unwrap_or_default().to_owned()).collect()
    }

    /// Throws the read tables away and folds them again.
    pub async fn rebuilds(&self) {
        rebuild(&self.database, &projectors()).await.expect("rebuilt");
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.house.tasks().stop();
    }
}

pub fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().expect("a moment")
}

pub fn request_id() -> String {
    Id::random(now()).to_string()
}

/// An application of Lenovo for a contract seal with this picture.
pub fn form(picture: &str) -> pb::ApplicationForm {
    let to: Timestamp = "2030-01-01T00:00:00Z".parse().expect("a moment");
    pb::ApplicationForm {
        kind: pb::ApplicationKind::New.into(),
        organization: Some(seal_pb::Organization {
            uscc: LENOVO.to_owned(),
            name_zh: "联想（北京）有限公司".to_owned(),
            name_en: "Lenovo (Beijing) Limited".to_owned(),
        }),
        seal_type: seal_pb::SealType::Contract.into(),
        seal_name: "合同专用章".to_owned(),
        impression: Some(pb::Impression { material_digest: picture.to_owned(), drawn: 0, width_mm: 40, height_mm: 40 }),
        custody: seal_pb::Custody::SealCard.into(),
        hosted_key_id: String::new(),
        custodian_id: "sun".to_owned(),
        valid_from: Some(moment::from_micros(now().micros())),
        valid_to: Some(moment::from_micros(to.micros())),
        attachments: Vec::new(),
        existing_seal_id: String::new(),
        revocation_reason: String::new(),
    }
}

/// The persons named in an application. None of this may get into an event.
pub fn contacts() -> Vec<pb::Contact> {
    let contact = |person_id: &str, name: &str, phone: &str| pb::Contact {
        person_id: person_id.to_owned(),
        name: name.to_owned(),
        phone: phone.to_owned(),
        email: format!("{phone}@example.com"),
        document_number: format!("11010119900307{phone}"),
    };
    vec![contact("sun", "孙保管", "13900000002"), contact("zhang", "张经办", "13900000001")]
}

pub async fn put(client: &mut Client, content: &[u8]) -> String {
    let media_type = "image/png".to_owned();
    let request = pb::PutMaterialRequest { content: content.to_vec(), media_type, ..Default::default() };
    client.put_material(request).await.expect("stored").into_inner().digest
}

pub async fn submit(client: &mut Client, form: pb::ApplicationForm) -> Result<pb::SubmitApplicationResponse, Status> {
    let request = pb::SubmitApplicationRequest { request_id: request_id(), form: Some(form), contacts: contacts() };
    Ok(client.submit_application(request).await?.into_inner())
}

pub async fn approve(client: &mut Client, application: &str) -> Result<pb::ApproveApplicationResponse, Status> {
    let (request_id, application_id) = (request_id(), application.to_owned());
    let request = pb::ApproveApplicationRequest { request_id, application_id, etag: String::new() };
    Ok(client.approve_application(request).await?.into_inner())
}

pub async fn send_back(client: &mut Client, application: &str) -> Result<pb::ReturnApplicationResponse, Status> {
    let reason =
        pb::ReturnReason { code: "MATERIAL_INCOMPLETE".to_owned(), text: "张经办缺少营业执照".to_owned() };
    let (request_id, application_id) = (request_id(), application.to_owned());
    let request =
        pb::ReturnApplicationRequest { request_id, application_id, reason: Some(reason), etag: String::new() };
    Ok(client.return_application(request).await?.into_inner())
}

pub async fn revise(
    client: &mut Client,
    application: &str,
    form: pb::ApplicationForm,
    contacts: Vec<pb::Contact>,
) -> Result<pb::ReviseApplicationResponse, Status> {
    let (request_id, application_id, form) = (request_id(), application.to_owned(), Some(form));
    let request = pb::ReviseApplicationRequest { request_id, application_id, form, contacts, etag: String::new() };
    Ok(client.revise_application(request).await?.into_inner())
}

pub async fn resubmit(client: &mut Client, application: &str) -> Result<pb::ResubmitApplicationResponse, Status> {
    let (request_id, application_id) = (request_id(), application.to_owned());
    let request = pb::ResubmitApplicationRequest { request_id, application_id, etag: String::new() };
    Ok(client.resubmit_application(request).await?.into_inner())
}

pub async fn withdraw(client: &mut Client, application: &str) -> Result<pb::WithdrawApplicationResponse, Status> {
    let (request_id, application_id) = (request_id(), application.to_owned());
    let request = pb::WithdrawApplicationRequest { request_id, application_id, etag: String::new() };
    Ok(client.withdraw_application(request).await?.into_inner())
}

pub async fn show(client: &mut Client, application: &str) -> Result<pb::Application, Status> {
    let request = pb::GetApplicationRequest { application_id: application.to_owned() };
    Ok(client.get_application(request).await?.into_inner().application.expect("an application"))
}

pub async fn get(client: &mut Client, digest: &str) -> Result<pb::GetMaterialResponse, Status> {
    let request = pb::GetMaterialRequest { digest: digest.to_owned() };
    Ok(client.get_material(request).await?.into_inner())
}

fn client(channel: TestChannel) -> Client {
    ApplicationServiceClient::new(channel).max_encoding_message_size(MAX_MESSAGE)
}
