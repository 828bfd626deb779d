//! A KMS over TLS that knows who asks by a certificate: the worked example that the guide shows, run for real.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use eseal_authentication::{Config, KeyConfig, KmsConfig};
use eseal_devpki::{DevPki, Request};
use eseal_kernel::Clock;
use tempfile::TempDir;
use tonic::{Code, Status};

use crate::bureau::*;
use crate::hosted::{hosted, sealed_once};
use crate::kms::{Example, KEY_ID, under};

/// The folder with the files of a KMS whose authority a process trusts as its system does.
const TRUSTED: &str = "ESEAL_TEST_TRUSTED_KMS";

/// Puts `ca.crt` of a new authority, and `tls.crt` and `tls.key` of a certificate of it, into a folder.
fn issue(folder: &Path, name: &str) -> PathBuf {
    let authority = DevPki::try_new(Clock::System).expect("an authority");
    authority.store(folder, name, &Request::default()).expect("issued")
}

/// A KMS that lets in who has a certificate of the authority that issued its own.
fn example() -> Example {
    Example::start_with(|folder| shows(&issue(folder, "kms")))
}

/// Has a KMS show the certificate in this folder.
fn shows(own: &Path) -> Vec<OsString> {
    let file = |name: &str| own.join(name).into();
    let [certificate, key, clients] = ["--tls-cert", "--tls-key", "--client-ca"].map(OsString::from);
    vec![certificate, file("tls.crt"), key, file("tls.key"), clients, file("ca.crt")]
}

/// Keeps no data key, so that each use asks the KMS.
fn uses(key: KmsConfig) -> Box<dyn Fn(Config) -> Config + Send + Sync> {
    Box::new(move |config| Config { data_keys_kept: 0, ..under("kms", KeyConfig::Kms(key.clone()), config) })
}

fn config(example: &Example, own: &Path) -> KmsConfig {
    KmsConfig {
        url: example.url.replace("http://", "https://"),
        key_id: KEY_ID.to_owned(),
        token_file: None,
        ca_file: Some(example.folder.path().join("kms/ca.crt")),
        cert_file: Some(own.join("tls.crt")),
        cert_key_file: Some(own.join("tls.key")),
        timeout: Duration::from_secs(20),
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.expect_err("refused").code()
}

#[tokio::test]
async fn a_kms_knows_the_service_by_its_certificate_and_the_service_the_kms_by_its_own() {
    let example = example();
    let mut bureau = Bureau::closed().await;
    let own = example.folder.path().join("kms");
    let good = config(&example, &own);
    let stranger = issue(example.folder.path(), "stranger");
    let token = example.folder.path().join("token");
    crate::kms::private(&token, "a token that nobody asks for");
    let nobody = KmsConfig { cert_file: None, cert_key_file: None, token_file: Some(token), ..good.clone() };
    let other = KmsConfig { ca_file: Some(stranger.join("ca.crt")), ..good.clone() };
    let system = KmsConfig { ca_file: None, ..good.clone() };

    bureau.settings = uses(good.clone());
    bureau.opens().await;
    let hosted = hosted(&bureau).await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    for (key, why) in [
        (config(&example, &stranger), "the service shows a certificate of another authority"),
        (nobody, "the service shows none"),
        (other, "the KMS shows a certificate of another authority"),
        (system, "the KMS shows a certificate of an authority that the system does not trust"),
    ] {
        bureau.settings = uses(key);
        bureau.restart().await;
        assert_eq!(code(sealed_once(&bureau, &hosted).await), Code::Unavailable, "{why}");
    }
    bureau.settings = uses(good);
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    assert_eq!(show(&mut bureau.admin(), &hosted.seal_id).await.expect("shown").pin_tries_left, 5);
}

#[test]
fn a_kms_that_the_system_trusts_is_none_where_the_settings_name_another_authority() {
    let folder = TempDir::new().expect("a folder");
    let own = issue(folder.path(), "kms");
    // What a system trusts is said to a process as a whole: this binary once more.
    let child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "kms_tls::a_process_whose_system_trusts_a_kms", "--nocapture"])
        .env(TRUSTED, folder.path())
        .env("SSL_CERT_FILE", own.join("ca.crt"))
        .output()
        .expect("a child");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

/// What the test above runs, and nothing without it.
#[tokio::test]
async fn a_process_whose_system_trusts_a_kms() {
    let Some(folder) = std::env::var_os(TRUSTED).map(PathBuf::from) else { return };
    let own = folder.join("kms");
    let example = Example::start_with(|_| shows(&own));
    let system = KmsConfig { ca_file: None, ..config(&example, &own) };
    let mut bureau = Bureau::closed().await;
    bureau.settings = uses(system.clone());
    bureau.opens().await;
    let hosted = hosted(&bureau).await;
    sealed_once(&bureau, &hosted).await.expect("the system trusts it");
    let stranger = issue(&folder, "stranger");
    bureau.settings = uses(KmsConfig { ca_file: Some(stranger.join("ca.crt")), ..system });
    bureau.restart().await;
    assert_eq!(code(sealed_once(&bureau, &hosted).await), Code::Unavailable);
}
