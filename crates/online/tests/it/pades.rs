//! What makes of a sealed PDF one that lasts: asked for over HTTP, and judged by others.

use std::cell::RefCell;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use eseal_documents::pdf::{self, SealingOptions, SealingRequest, UsableSeal};
use eseal_documents::{Limits, Outcome, Place, Source, verify};
use eseal_kernel::Clock;
use eseal_online::pades::{Level, Pades, PadesError, Proofs};
use eseal_online::{Addresses, OnlineError, RevocationClient, TimeStampClient, TimeStampSettings, development};
use eseal_pki::chain::Purpose;
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{Certificate, Crl, DevelopmentCa, Evidence, Signer, SigningKey, Subject, Suite, TrustStore};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo};

use crate::servers::{listener, now};

const CONTRACT: &[u8] = include_bytes!("../../../../tests/documents/contract.pdf");
const IMPRESSION: &[u8] = include_bytes!("../../../../tests/documents/impression.png");
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A holder with a seal, and an authority of time stamps that answers.
struct World {
    holders: DevelopmentCa,
    key: SigningKey,
    signer: Certificate,
    seal: UsableSeal,
    tsa_root: Certificate,
    tsa_list: Crl,
    url: String,
}

impl World {
    async fn new() -> Self {
        let began = now().minus(DAY);
        let ca = |suite, name: &str, purpose| DevelopmentCa::create(suite, name, purpose, began).expect("an authority");
        let holders = ca(Suite::EcdsaP256Sha256, "Holder CA", Purpose::Holder);
        let makers = ca(Suite::Sm2Sm3, "Maker CA", Purpose::Maker);
        let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
        let issue = |ca: &DevelopmentCa, key: &SigningKey, name: &str| {
            ca.issue(&key.public_key(), &Subject::named(name), DAY * 30, began).expect("a certificate")
        };
        let signer = issue(&holders, &key, "Party A");
        let maker_key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
        let maker = issue(&makers, &maker_key, "Maker");
        let info = SealInfo {
            vid: "eseal".to_owned(),
            es_id: "1".to_owned(),
            seal_type: 1,
            name: "Party A".to_owned(),
            certificates: CertificateList::of([&signer]),
            created: began,
            valid_from: began,
            valid_to: began.plus(DAY * 30),
            picture: Picture { kind: "PNG".to_owned(), data: IMPRESSION.to_vec(), width_mm: 40, height_mm: 40 },
            extensions: Vec::new(),
        };
        let der = info.to_der().expect("a seal");
        let value = maker_key.sign(&der).expect("a signature");
        let seal = Seal::assemble(&der, &maker, &value).expect("a seal");
        let tsa = DevelopmentTsa::create(Suite::EcdsaP256Sha256, now()).expect("an authority");
        let tsa_root = tsa.root().clone();
        let tsa_list = Crl::from_pem(tsa.to_files().crl.as_bytes()).expect("a list");
        let (listener, url) = listener().await;
        tokio::spawn(development::serve(vec![tsa], listener, Clock::System, std::future::pending()));
        let seal = UsableSeal::from_der(&seal).expect("a usable seal");
        Self { holders, key, signer, seal, tsa_root, tsa_list, url }
    }

    fn stamps(&self) -> TimeStampClient {
        let roots = Some(TrustStore::new(vec![self.tsa_root.clone()]));
        let settings = TimeStampSettings { authorities: vec![self.url.clone()], roots, ..TimeStampSettings::default() };
        TimeStampClient::try_new(settings).expect("a client")
    }

    async fn begin(&self, level: Level, known: &Evidence, asks: bool) -> Result<Pades, PadesError> {
        let client = RevocationClient::try_new(Duration::from_secs(5), Addresses::Any).expect("a client");
        let proofs = Proofs {
            signer: &self.signer,
            pool: &[],
            holder_roots: &TrustStore::new(vec![self.holders.certificate().clone()]),
            tsa_roots: &TrustStore::new(vec![self.tsa_root.clone()]),
            known,
            revocation: asks.then_some(&client),
            now: now(),
        };
        Pades::begin(level, self.stamps(), &proofs).await
    }

    /// The lists of both authorities.
    fn lists(&self) -> Evidence {
        let crls = vec![self.holders.crl(now()).expect("a list"), self.tsa_list.clone()];
        Evidence { crls, ..Evidence::default() }
    }

    /// The contract sealed and brought to a level.
    async fn sealed(&self, level: Level) -> Vec<u8> {
        let pades = self.begin(level, &self.lists(), false).await.expect("begun");
        let place = Place { page: 1, x_mm: 120.0, y_mm: 200.0, width_mm: 40.0, height_mm: 40.0 };
        let request = SealingRequest {
            seal: &self.seal,
            stamps: &[place.into()],
            time: now(),
            signer: &self.signer,
            chain: &[],
            name: None,
            reason: None,
            options: SealingOptions { time_stamp_room: pades.room(), ..SealingOptions::default() },
        };
        let source: Source = Arc::new(CONTRACT);
        let prepared = pdf::prepare(source, &request, &Limits::default(), &mut |_| {}).expect("prepared");
        let signature = self.key.sign(prepared.to_sign()).expect("a signature");
        let token = pades.token(&signature).await.expect("a token");
        let (completed, _) = prepared.complete(&signature, Some(&token)).expect("complete");
        let mut out = Vec::new();
        completed.write(&mut out, &mut |_| {}).expect("written");
        let file = RefCell::new(out);
        let open = || Ok(Arc::new(file.borrow().clone()) as Source);
        let append = |bytes: &[u8]| {
            file.borrow_mut().extend_from_slice(bytes);
            Ok(())
        };
        pades.complete(open, append, "").await.expect("of its level");
        file.into_inner()
    }
}

fn has(document: &[u8], text: &str) -> bool {
    document.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn each_level_has_what_makes_it_and_verifies_here_and_elsewhere() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    for (level, has_data, has_stamp) in
        [(Level::Stamped, false, false), (Level::LongTerm, true, false), (Level::Archival, true, true)]
    {
        let sealed = world.sealed(level).await;
        assert_eq!((has(&sealed, "/DSS"), has(&sealed, "/DocTimeStamp")), (has_data, has_stamp), "{level:?}");
        let report = verify(&(Arc::new(sealed.clone()) as Source), &Limits::default(), &mut |_| {}).expect("a report");
        assert_eq!(report.seals[0].content, Outcome::Passed, "{level:?} {:?}", report.seals[0].steps);
        assert_eq!(report.seals[0].time_stamps.len(), 1, "{level:?}");
        assert_eq!(report.time_stamps.len(), usize::from(has_stamp), "{level:?}");
        assert_eq!(report.evidence.crls.len(), if has_data { 2 } else { 0 }, "{level:?}");
        let file = folder.path().join("sealed.pdf");
        std::fs::write(&file, &sealed).expect("written");
        if let Some(told) = told(Command::new("pdfsig").arg("-nocert").arg(&file)) {
            assert!(told.contains("Signature is Valid."), "{level:?} {told}");
        }
        if let Some(told) = told(Command::new("qpdf").arg("--check").arg(&file)) {
            assert!(told.contains("No syntax or stream encoding errors"), "{level:?} {told}");
        }
        if level == Level::Archival {
            pyhanko_says_it_lasts(&world, folder.path());
        }
    }
}

fn pyhanko_says_it_lasts(world: &World, folder: &Path) {
    for (name, certificate) in [("holders.pem", world.holders.certificate()), ("tsa.pem", &world.tsa_root)] {
        std::fs::write(folder.join(name), certificate.to_pem()).expect("written");
    }
    let mut pyhanko = Command::new("pyhanko");
    pyhanko.current_dir(folder).args(["sign", "adesverify", "--trust", "holders.pem", "--trust", "tsa.pem"]);
    let Some(told) = told(pyhanko.args(["--trust-replace", "--pretty-print", "sealed.pdf"])) else { return };
    assert!(told.contains("VALID") && !told.contains("INVALID"), "{told}");
}

/// What a program says, if it is installed.
fn told(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_proof_that_is_missing_is_told_before_anything_is_sealed() {
    let world = World::new().await;
    let Err(PadesError::Unproved { subject, tried }) = world.begin(Level::LongTerm, &Evidence::default(), false).await
    else {
        panic!("begun without a proof")
    };
    assert!(subject.contains("Party A") && tried.is_empty(), "{subject}");
    // The certificates of this authority name nobody who could be asked.
    let asked = world.begin(Level::LongTerm, &Evidence::default(), true).await;
    let Err(PadesError::Unproved { tried, .. }) = asked else { panic!("{asked:?}") };
    assert!(matches!(tried[..], [OnlineError::NoPlace { .. }]), "{tried:?}");
    // B-T needs none.
    assert!(world.begin(Level::Stamped, &Evidence::default(), false).await.is_ok());
}

#[tokio::test]
async fn an_old_list_and_one_by_somebody_else_prove_nothing() {
    let world = World::new().await;
    let other = DevelopmentCa::create(Suite::EcdsaP256Sha256, "Holder CA", Purpose::Holder, now().minus(DAY));
    let forged = other.expect("an authority").crl(now()).expect("a list");
    let old = world.holders.crl(now().minus(DAY * 400)).expect("a list");
    assert!(old.is_stale_at(now()));
    for list in [forged, old] {
        let known = Evidence { crls: vec![list, world.tsa_list.clone()], ..Evidence::default() };
        let begun = world.begin(Level::LongTerm, &known, false).await;
        assert!(matches!(begun, Err(PadesError::Unproved { .. })), "{begun:?}");
    }
    assert!(world.begin(Level::LongTerm, &world.lists(), false).await.is_ok());
}

#[tokio::test]
async fn an_authority_that_is_away_is_told_as_such() {
    let mut world = World::new().await;
    let (gone, url) = listener().await;
    drop(gone);
    world.url = url;
    let begun = world.begin(Level::Stamped, &Evidence::default(), false).await;
    assert!(matches!(begun, Err(PadesError::TimeStamp(OnlineError::None(_)))), "{begun:?}");
}
