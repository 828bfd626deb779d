//! The life of one seal, from the key that will sign with it to its end.

use std::path::Path;
use std::time::Duration;

use eseal_kernel::{Clock, Digest, Timestamp, Uscc};
use eseal_pki::ca::CaFiles;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, CertificateRequest, DevelopmentCa, Subject, Suite};
use eseal_proto::application::v1 as application;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::authentication::v1 as pb;
use eseal_proto::authentication::v1::hosted_key_service_client::HostedKeyServiceClient;
use eseal_proto::authentication::v1::registry_service_client::RegistryServiceClient;
use eseal_proto::authentication::v1::sealing_service_client::SealingServiceClient;
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_seal::{SesSignature, ToSign};
use fastrand::Rng;

use super::ledger::Rpc;
use super::line::{NotDone, Sender};
use crate::company::{PIN, WRONG_PIN, YUNQI, id_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a sealing whose try was cut off is begun anew.
const ATTEMPTS: usize = 4;

/// Who plays a part in a life.
#[derive(Debug, Clone)]
pub struct People {
    /// Applicant and custodian.
    pub zhao: Sender,
    /// Reviewer.
    pub li: Sender,
    /// Admin.
    pub root: Sender,
}

/// What all lives share.
pub struct World {
    /// Who certifies keys: SM2 and P-256.
    pub authorities: [DevelopmentCa; 2],
    /// SHA-256 of the picture of all seals, which was put in before.
    pub picture: String,
}

/// A key of the organization, certified.
struct Key {
    id: String,
    certificates: [Certificate; 2],
}

/// A life that could not go on; why is in the ledger.
#[derive(Debug)]
pub struct Ended;

impl From<NotDone> for Ended {
    fn from(_: NotDone) -> Self {
        Self
    }
}

/// The authorities of holders that `eseal dev-ca create` made in this folder.
///
/// # Panics
/// They are not there.
pub fn authorities(folder: &Path) -> [DevelopmentCa; 2] {
    ["holder-sm2", "holder-p256"].map(|stem| {
        let text = |ending: &str| std::fs::read_to_string(folder.join(format!("{stem}.{ending}.pem"))).expect("a file");
        let files = CaFiles { key: text("key").into(), certificate: text("cert"), crl: text("crl") };
        DevelopmentCa::from_files(&files).expect("an authority")
    })
}

/// One life. `over` says that the load ends: then nothing new is begun, and what was begun is the system's to finish.
///
/// # Errors
/// [`Ended`] when it could not go on, or the load ends.
pub async fn live(
    people: &People,
    world: &World,
    rng: &mut Rng,
    over: &(impl Fn() -> bool + Sync),
) -> Result<(), Ended> {
    let People { zhao, root, .. } = people;
    let go_on = || if over() { Err(Ended) } else { Ok(()) };
    let key = has_a_key(zhao, world).await?;
    let application = applies(people, world, &key, rng).await?;
    go_on()?;
    let seal = becomes_registered(people, &application, over).await.ok_or(Ended)?;
    let activate = pb::ActivateSealRequest { seal_id: seal.clone(), ..Default::default() };
    root.command(
        Rpc::ActivateSeal,
        &seal,
        activate,
        |line, ask| async move { RegistryServiceClient::new(line).activate_seal(ask).await },
        |_| seal.clone(),
    )
    .await?;
    go_on()?;
    is_used(zhao, &key, &seal, rng).await?;
    go_on()?;
    let suspend =
        pb::SuspendSealRequest { seal_id: seal.clone(), reason_code: "CARD_LOST".to_owned(), ..Default::default() };
    root.command(
        Rpc::SuspendSeal,
        &seal,
        suspend,
        |line, ask| async move { RegistryServiceClient::new(line).suspend_seal(ask).await },
        |_| seal.clone(),
    )
    .await?;
    is_refused(zhao, &key, &seal, rng).await?;
    go_on()?;
    let resume = pb::ResumeSealRequest { seal_id: seal.clone(), ..Default::default() };
    root.command(
        Rpc::ResumeSeal,
        &seal,
        resume,
        |line, ask| async move { RegistryServiceClient::new(line).resume_seal(ask).await },
        |_| seal.clone(),
    )
    .await?;
    let revoke =
        pb::RevokeSealRequest { seal_id: seal.clone(), reason_code: "NO_LONGER_USED".to_owned(), ..Default::default() };
    root.command(
        Rpc::RevokeSeal,
        &seal,
        revoke,
        |line, ask| async move { RegistryServiceClient::new(line).revoke_seal(ask).await },
        |_| seal.clone(),
    )
    .await?;
    Ok(())
}

/// A hosted key, created and certified.
async fn has_a_key(zhao: &Sender, world: &World) -> Result<Key, Ended> {
    let create =
        pb::CreateHostedKeyRequest { organization: Some(organization()), pin: PIN.to_owned(), ..Default::default() };
    let created = zhao
        .command(
            Rpc::CreateHostedKey,
            "",
            create,
            |line, ask| async move { HostedKeyServiceClient::new(line).create_hosted_key(ask).await },
            |made: &pb::CreateHostedKeyResponse| {
                made.hosted_key.as_ref().map(|k| k.hosted_key_id.clone()).unwrap_or_default()
            },
        )
        .await?;
    let key = created.hosted_key.ok_or(Ended)?;
    let certificates = [0, 1].map(|i| certified(&world.authorities[i], &key.certificate_requests[i]));
    let id = key.hosted_key_id;
    let certify = pb::CertifyHostedKeyRequest {
        hosted_key_id: id.clone(),
        certificates: certificates.iter().map(|certificate| certificate.der().to_vec()).collect(),
        ..Default::default()
    };
    zhao.command(
        Rpc::CertifyHostedKey,
        &id,
        certify,
        |line, ask| async move { HostedKeyServiceClient::new(line).certify_hosted_key(ask).await },
        |_| id.clone(),
    )
    .await?;
    Ok(Key { id, certificates })
}

fn certified(authority: &DevelopmentCa, request: &[u8]) -> Certificate {
    let request = CertificateRequest::from_der(request).expect("a request of the service");
    let uscc: Uscc = YUNQI.uscc.parse().expect("a code");
    let subject = Subject::of_organization("33010000000002", uscc, YUNQI.name);
    // A clock that jumped back must not find it not valid yet.
    let since = Clock::System.now().minus(DAY);
    authority.issue_for_request(&request, &subject, DAY * 365, since).expect("a certificate")
}

/// An application, sometimes returned and filed again, and approved; gives its id.
async fn applies(people: &People, world: &World, key: &Key, rng: &mut Rng) -> Result<String, Ended> {
    let People { zhao, li, .. } = people;
    let submit = application::SubmitApplicationRequest { form: Some(form(world, key)), ..Default::default() };
    let submitted = zhao
        .command(
            Rpc::SubmitApplication,
            "",
            submit,
            |line, ask| async move { ApplicationServiceClient::new(line).submit_application(ask).await },
            |made: &application::SubmitApplicationResponse| made.application_id.clone(),
        )
        .await?;
    let id = submitted.application_id;
    if rng.u8(..4) == 0 {
        let reason = application::ReturnReason { code: "MATERIAL_INCOMPLETE".to_owned(), text: "请补充".to_owned() };
        let send_back = application::ReturnApplicationRequest {
            application_id: id.clone(),
            reason: Some(reason),
            ..Default::default()
        };
        li.command(
            Rpc::ReturnApplication,
            &id,
            send_back,
            |line, ask| async move { ApplicationServiceClient::new(line).return_application(ask).await },
            |_| id.clone(),
        )
        .await?;
        let again = application::ResubmitApplicationRequest { application_id: id.clone(), ..Default::default() };
        zhao.command(
            Rpc::ResubmitApplication,
            &id,
            again,
            |line, ask| async move { ApplicationServiceClient::new(line).resubmit_application(ask).await },
            |_| id.clone(),
        )
        .await?;
    }
    let approve = application::ApproveApplicationRequest { application_id: id.clone(), ..Default::default() };
    li.command(
        Rpc::ApproveApplication,
        &id,
        approve,
        |line, ask| async move { ApplicationServiceClient::new(line).approve_application(ask).await },
        |_| id.clone(),
    )
    .await?;
    Ok(id)
}

fn form(world: &World, key: &Key) -> application::ApplicationForm {
    let now = Clock::System.now();
    application::ApplicationForm {
        kind: application::ApplicationKind::New.into(),
        organization: Some(organization()),
        seal_type: seal_pb::SealType::Contract.into(),
        seal_name: "合同专用章".to_owned(),
        impression: Some(application::Impression {
            material_digest: world.picture.clone(),
            width_mm: 40,
            height_mm: 40,
            ..Default::default()
        }),
        custody: seal_pb::Custody::HostedKey.into(),
        hosted_key_id: key.id.clone(),
        custodian_id: id_of("zhao").to_owned(),
        valid_from: Some(moment::from_micros(now.minus(DAY).micros())),
        valid_to: Some(moment::from_micros(now.plus(DAY * 300).micros())),
        ..Default::default()
    }
}

fn organization() -> seal_pb::Organization {
    seal_pb::Organization { uscc: YUNQI.uscc.to_owned(), name_zh: YUNQI.name.to_owned(), name_en: String::new() }
}

/// Waits for the seal that fabrication makes by itself, and until the registry has it.
async fn becomes_registered(people: &People, application: &str, over: &(impl Fn() -> bool + Sync)) -> Option<String> {
    let shown = |line| {
        let ask = application::GetApplicationRequest { application_id: application.to_owned() };
        async move { ApplicationServiceClient::new(line).get_application(ask).await }
    };
    let made = |answer: application::GetApplicationResponse| {
        answer.application?.outcome.map(|outcome| outcome.seal_id).filter(|seal| !seal.is_empty())
    };
    let seal = people.zhao.look(over, shown, made).await?;
    let registered = |line| {
        let ask = pb::GetSealRequest { seal_id: seal.clone() };
        async move { RegistryServiceClient::new(line).get_seal(ask).await }
    };
    people.root.look(over, registered, |answer: pb::GetSealResponse| answer.seal).await?;
    Some(seal)
}

/// A use of the seal, from the begin to the recorded signature.
async fn is_used(zhao: &Sender, key: &Key, seal: &str, rng: &mut Rng) -> Result<(), Ended> {
    for _ in 0..ATTEMPTS {
        let document = Digest::of(&rng.u128(..).to_be_bytes());
        let is_ofd = rng.bool();
        let certificate = &key.certificates[usize::from(!is_ofd)];
        let begun = begins(zhao, seal).await?;
        let attempt = begun.attempt_id.clone();
        // The wrong PIN leaves the attempt open.
        if rng.u8(..4) == 0 && is_cut_off(authorizes(zhao, seal, &attempt, WRONG_PIN, document, certificate).await) {
            continue;
        }
        match authorizes(zhao, seal, &attempt, PIN, document, certificate).await {
            Ok(()) => return signs(zhao, seal, &begun, document, certificate, is_ofd).await,
            // The process that looked at the PIN is gone: such an attempt is over, and its try counted.
            Err(NotDone::Open) => {}
            Err(NotDone::Refused(_)) => return Err(Ended),
        }
    }
    Err(Ended)
}

fn is_cut_off(tried: Result<(), NotDone>) -> bool {
    tried == Err(NotDone::Open)
}

/// A use of the suspended seal, which the last gate refuses.
async fn is_refused(zhao: &Sender, key: &Key, seal: &str, rng: &mut Rng) -> Result<(), Ended> {
    let begun = begins(zhao, seal).await?;
    let document = Digest::of(&rng.u128(..).to_be_bytes());
    // Refused it must be; whether it was, and was written down, the audit tells.
    let _ = authorizes(zhao, seal, &begun.attempt_id, PIN, document, &key.certificates[0]).await;
    Ok(())
}

async fn begins(zhao: &Sender, seal: &str) -> Result<pb::BeginSealingResponse, Ended> {
    let begin = pb::BeginSealingRequest { seal_id: seal.to_owned(), ..Default::default() };
    let begun = zhao.command(
        Rpc::BeginSealing,
        "",
        begin,
        |line, ask| async move { SealingServiceClient::new(line).begin_sealing(ask).await },
        |begun: &pb::BeginSealingResponse| begun.attempt_id.clone(),
    );
    Ok(begun.await?)
}

async fn authorizes(
    zhao: &Sender,
    seal: &str,
    attempt: &str,
    pin: &str,
    document: Digest,
    certificate: &Certificate,
) -> Result<(), NotDone> {
    let authorize = pb::AuthorizeHostedSealingRequest {
        seal_id: seal.to_owned(),
        attempt_id: attempt.to_owned(),
        pin: pin.to_owned(),
        document_digest: document.to_string(),
        certificate_digest: certificate.fingerprint().to_string(),
        places: vec![seal_pb::Place { page: 1, x_um: 1_000, y_um: 1_000, width_um: 40_000, height_um: 40_000 }],
        ..Default::default()
    };
    // A try that was cut off by a kill is told from one that still runs only by waiting.
    let hasty = Sender { patience: zhao.patience.min(Duration::from_secs(20)), ..zhao.clone() };
    hasty
        .command(
            Rpc::AuthorizeHostedSealing,
            attempt,
            authorize,
            |line, ask| async move { SealingServiceClient::new(line).authorize_hosted_sealing(ask).await },
            |_| attempt.to_owned(),
        )
        .await
        .map(drop)
}

/// The signature of the hosted key, put together and recorded.
async fn signs(
    zhao: &Sender,
    seal: &str,
    begun: &pb::BeginSealingResponse,
    document: Digest,
    certificate: &Certificate,
    is_ofd: bool,
) -> Result<(), Ended> {
    let attempt = &begun.attempt_id;
    if is_ofd {
        let time = begun.sealing_time.as_ref().and_then(moment::micros).ok_or(Ended)?;
        let to_sign = to_sign(&structure(zhao, seal).await?, document, Timestamp::from_micros(time));
        let value = signed(zhao, seal, attempt, to_sign.clone()).await?;
        let signature = SesSignature::assemble(&to_sign, certificate, &value).map_err(|_| Ended)?;
        completes(zhao, seal, attempt, signature).await
    } else {
        let attributes = SignedAttributes::try_new(certificate, document.bytes(), Suite::EcdsaP256Sha256);
        let attributes = attributes.map_err(|_| Ended)?;
        let value = signed(zhao, seal, attempt, attributes.to_be_signed().to_vec()).await?;
        completes(zhao, seal, attempt, attributes.finish(&value, &[])).await
    }
}

async fn structure(zhao: &Sender, seal: &str) -> Result<Vec<u8>, Ended> {
    let deadline = std::time::Instant::now() + zhao.patience;
    let ask = |line| {
        let ask = pb::GetSealStructureRequest { seal_id: seal.to_owned() };
        async move { RegistryServiceClient::new(line).get_seal_structure(ask).await }
    };
    let found = |answer: pb::GetSealStructureResponse| Some(answer.seal);
    zhao.look(|| std::time::Instant::now() > deadline, ask, found).await.ok_or(Ended)
}

fn to_sign(seal: &[u8], document: Digest, time: Timestamp) -> Vec<u8> {
    let to_sign = ToSign {
        seal_der: seal.to_vec(),
        time,
        data_hash: *document.bytes(),
        property_info: "/Doc_0/Signs/Sign_0/Signature.xml".to_owned(),
        extensions: vec![],
    };
    to_sign.to_der().expect("a structure")
}

async fn signed(zhao: &Sender, seal: &str, attempt: &str, to_be_signed: Vec<u8>) -> Result<Vec<u8>, Ended> {
    let sign = pb::SignHostedRequest {
        seal_id: seal.to_owned(),
        attempt_id: attempt.to_owned(),
        to_be_signed,
        ..Default::default()
    };
    let signed = zhao.command(
        Rpc::SignHosted,
        attempt,
        sign,
        |line, ask| async move { SealingServiceClient::new(line).sign_hosted(ask).await },
        |_| attempt.to_owned(),
    );
    Ok(signed.await?.signature)
}

async fn completes(zhao: &Sender, seal: &str, attempt: &str, signature: Vec<u8>) -> Result<(), Ended> {
    let complete = pb::CompleteSealingRequest {
        seal_id: seal.to_owned(),
        attempt_id: attempt.to_owned(),
        signature,
        ..Default::default()
    };
    let completed = zhao.command(
        Rpc::CompleteSealing,
        attempt,
        complete,
        |line, ask| async move { SealingServiceClient::new(line).complete_sealing(ask).await },
        |_| attempt.to_owned(),
    );
    completed.await?;
    Ok(())
}
