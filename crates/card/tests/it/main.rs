//! What a soft card promises, seen from outside: by other handles, other processes, and whoever finds the file.

mod administrator;
mod bounds;
mod each_time;
mod faulty;
mod hsm;
mod kept;
mod pin;
mod skf;
mod sm2;
mod softhsm;
mod things;

use std::path::{Path, PathBuf};
use std::time::Duration;

use eseal_card::{CardKind, Pin, SoftCard};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DevelopmentCa, PublicKey, Purpose, Subject, Suite};
use tempfile::TempDir;

const PIN: &str = "314159";
const WRONG: &str = "271828";

/// A card in a directory of its own, which goes when this is dropped.
struct Desk {
    directory: TempDir,
    card: SoftCard,
}

impl Desk {
    fn with_card() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let suites = [Suite::Sm2Sm3, Suite::EcdsaP256Sha256];
        let card = SoftCard::create(&directory.path().join("holder.card"), CardKind::Holder, &pin(PIN), &suites);
        Self { directory, card: card.expect("a card") }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("holder.card")
    }

    /// As another process would: nothing is shared but the file.
    fn another_handle(&self) -> SoftCard {
        open(&self.path())
    }
}

fn open(path: &Path) -> SoftCard {
    SoftCard::open(path).expect("a card")
}

fn pin(text: &str) -> Pin {
    Pin::try_new(text.to_owned()).expect("a PIN")
}

fn certificate(key: &PublicKey) -> Certificate {
    let now = Timestamp::from_seconds(1_800_000_000);
    let ca = DevelopmentCa::create(Suite::Sm2Sm3, "Holders", Purpose::Holder, now).expect("a CA");
    ca.issue(key, &Subject::named("Li"), Duration::from_secs(86_400), now).expect("a certificate")
}

/// A library of ours that Cargo builds beside the tests.
fn built(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let folder = program.parent().expect("a folder");
    let name = format!("{}{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let places = [folder.join(&name), folder.parent().unwrap_or(Path::new("/")).join(&name)];
    places.into_iter().find(|path| path.exists()).expect("cargo builds the library")
}
