//! Hosted keys with an HSM: SoftHSM 2, through the driver's process that production uses.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use eseal_authentication::{Config, KeyConfig, TokenConfig};
use tempfile::TempDir;
use tonic::Code;

use crate::bureau::*;
use crate::hosted::{create, hosted, pdf_sealed_once, sealed_once};
use crate::kms::{private, under};

const MODULES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
const PIN: &str = "314159";

/// A token with an AES key, made by programs of others.
pub struct Rack {
    folder: TempDir,
}

impl Rack {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::create_dir(folder.path().join("tokens")).expect("a folder");
        let tokens = folder.path().join("tokens");
        let text =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        std::fs::write(folder.path().join("softhsm2.conf"), text).expect("written");
        private(&folder.path().join("pin"), &format!("{PIN}\n"));
        let rack = Self { folder };
        rack.run("softhsm2-util", &["--init-token", "--free", "--label", "hsm", "--pin", PIN, "--so-pin", "87654321"]);
        let key = ["--keygen", "--key-type", "AES:32", "--sensitive", "--label", "kek", "--id", "01"];
        rack.tool(&key);
        rack
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("SOFTHSM2_CONF", self.folder.path().join("softhsm2.conf"));
        let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{output:?}");
        output
    }

    fn tool(&self, arguments: &[&str]) -> String {
        let module = module().display().to_string();
        let mut all = vec!["--module", &module, "--token-label", "hsm", "--login", "--pin", PIN];
        all.extend(arguments);
        String::from_utf8_lossy(&self.run("pkcs11-tool", &all).stdout).into_owned()
    }

    pub fn config(&self) -> KeyConfig {
        self.config_by(&format!("module-path={}", module().display()))
    }

    /// The same token behind the module, and with the numbers, of this query of its URI.
    fn config_by(&self, query: &str) -> KeyConfig {
        let environment =
            [("SOFTHSM2_CONF".to_owned(), self.folder.path().join("softhsm2.conf").display().to_string())];
        KeyConfig::Pkcs11(TokenConfig {
            token: format!("pkcs11:token=hsm;object=kek?{query}"),
            pin_file: self.folder.path().join("pin"),
            timeout: Duration::from_secs(60),
            driver: Some(PathBuf::from(env!("CARGO_BIN_EXE_eseal-authentication"))),
            environment: environment.into(),
        })
    }
}

fn module() -> &'static Path {
    MODULES.iter().map(Path::new).find(|path| path.exists()).expect("SoftHSM 2: apt-get install softhsm2")
}

/// A bureau that has this token, set otherwise as `more` says.
async fn bureau_with(rack: &Rack, more: impl Fn(Config) -> Config + Send + Sync + 'static) -> Bureau {
    let (mut bureau, key) = (Bureau::closed().await, rack.config());
    bureau.settings = Box::new(move |config| more(under("hsm", key.clone(), config)));
    bureau.opens().await;
    bureau
}

#[tokio::test]
async fn secrets_under_a_key_in_an_hsm_open_again_after_a_restart_and_not_without_it() {
    let rack = Rack::new();
    let mut bureau = bureau_with(&rack, |config| config).await;
    let hosted = hosted(&bureau).await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    // The same name on another token is another key.
    let other = Rack::new();
    let key = other.config();
    bureau.settings = Box::new(move |config| under("hsm", key.clone(), config));
    let told = bureau.wired().await.expect_err("refused").to_string();
    assert!(told.contains("\"hsm\" does not open"), "{told}");
}

#[tokio::test]
async fn a_pair_in_the_hsm_signs_beside_one_that_is_encrypted_here() {
    let rack = Rack::new();
    let mut bureau = bureau_with(&rack, |config| Config { p256_pairs_in: "hsm".to_owned(), ..config }).await;
    let hosted = hosted(&bureau).await; // the same calls, the same gates
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("an OFD, with the pair that is encrypted here");
    pdf_sealed_once(&bureau, &hosted).await.expect("a PDF, with the pair in the HSM");
    let keys = rack.tool(&["-O", "--type", "privkey"]);
    assert!(keys.contains("eseal hosted") && keys.contains("never extractable"), "{keys}");
    let id = hosted.key_id.replace('-', "");
    assert!(keys.to_lowercase().contains(&id), "its id names the hosted key {id}: {keys}");
}

#[tokio::test]
async fn both_pairs_of_a_hosted_key_live_in_an_hsm_that_has_sm2() {
    let rack = Rack::new();
    let mut bureau = Bureau::closed().await;
    let key = rack.config_by(&format!("module-path={}&x-sm2=80000004,80008001,80008105", with_sm2().display()));
    let homes = |config| Config { sm2_pairs_in: "hsm".to_owned(), p256_pairs_in: "hsm".to_owned(), ..config };
    bureau.settings = Box::new(move |config| homes(under("hsm", key.clone(), config)));
    bureau.opens().await;
    let hosted = hosted(&bureau).await;
    sealed_once(&bureau, &hosted).await.expect("an OFD");
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("an OFD, by a driver that did not make the pair");
    pdf_sealed_once(&bureau, &hosted).await.expect("a PDF");
    let keys = rack.tool(&["-O", "--type", "privkey"]);
    assert_eq!(keys.matches("eseal hosted").count(), 2, "{keys}");
}

/// The stand-in for a module with SM2, which Cargo builds beside the tests.
fn with_sm2() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let name = format!("{}eseal_pkcs11_sm2{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let beside = program.parent().map(|folder| folder.join(name)).expect("a folder");
    assert!(beside.exists(), "{}", beside.display());
    beside
}

#[tokio::test]
async fn sm2_in_an_hsm_that_has_none_is_refused_at_the_start() {
    let rack = Rack::new();
    let key = rack.config();
    let mut bureau = Bureau::closed().await;
    bureau.settings =
        Box::new(move |config| Config { sm2_pairs_in: "hsm".to_owned(), ..under("hsm", key.clone(), config) });
    let told = bureau.wired().await.expect_err("refused").to_string();
    assert!(told.contains("sm2_pairs_in") && told.contains("does not offer SM2"), "{told}");
}

#[tokio::test]
async fn a_token_that_is_away_is_unavailable_and_its_return_is_noticed() {
    let rack = Rack::new();
    let mut bureau = bureau_with(&rack, |config| Config { p256_pairs_in: "hsm".to_owned(), ..config }).await;
    let hosted = hosted(&bureau).await;
    let (tokens, away) = (rack.folder.path().join("tokens"), rack.folder.path().join("away"));
    std::fs::rename(&tokens, &away).expect("pulled");
    std::fs::create_dir(&tokens).expect("an empty rack");
    bureau.restart().await; // it starts all the same
    assert_refused(sealed_once(&bureau, &hosted).await, Code::Unavailable, "KEY_UNAVAILABLE");
    assert_refused(create(&bureau).await, Code::Unavailable, "KEY_UNAVAILABLE");
    std::fs::remove_dir(&tokens).expect("removed");
    std::fs::rename(&away, &tokens).expect("put back");
    let sealed = async || pdf_sealed_once(&bureau, &hosted).await.ok();
    eseal_testkit::wait_until("the token is used again", Duration::from_secs(60), sealed).await;
}
