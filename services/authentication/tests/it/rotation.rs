//! From one key-encryption key to another, while seals are in use.

use std::process::{Command, Stdio};

use eseal_authentication::{Config, FileConfig, KeyConfig, rewrap};
use eseal_service::process::{Rewrapped, Rewrapping};
use eseal_testkit::wait_until;

use crate::bureau::*;
use crate::hosted::{Hosted, hosted, sealed_by, sealed_once};
use crate::kms::{Kms, private, under};

/// What the settings look like at a step of the way from the key file to the KMS.
fn at_step(step: u8, kms: &Kms, bureau: &Bureau) -> impl Fn(Config) -> Config + Send + Sync + Clone + use<> {
    let (key, key_file) = (kms.config(), bureau.key_file());
    move |config| {
        let there = under("kms", key.clone(), config);
        match step {
            // 1: every replica can read what the next step writes.
            1 => Config { key_file: key_file.clone(), current_key: "key_file".to_owned(), ..there },
            // 2: new secrets are under the new key.
            2 => Config { key_file: key_file.clone(), ..there },
            // 3: the old key is gone.
            _ => there,
        }
    }
}

pub async fn rewraps(bureau: &Bureau, config: Config, check: bool) -> Rewrapped {
    rewrap(config, &bureau.database, Rewrapping { check, tell: &mut |_, _| () }).await.expect("rewrapped")
}

fn defaults() -> Config {
    eseal_service::config::Sources::new(eseal_authentication::CONFIG_DEFAULT).load().expect("settings")
}

#[tokio::test]
async fn seals_are_used_on_two_replicas_while_keys_change_and_the_work_is_stopped_in_the_middle() {
    let (kms, mut bureau) = (Kms::open().await, Bureau::open().await);
    let hosted = hosted(&bureau).await;
    for _ in 0..3 {
        bureau.registered().await;
    }
    for step in [1, 2] {
        bureau.settings = Box::new(at_step(step, &kms, &bureau));
        bureau.restart().await;
        bureau.opens_another("another").await;
        sealed_once(&bureau, &hosted).await.expect("sealed");
    }
    let settings = at_step(2, &kms, &bureau)(defaults());
    assert_eq!(rewraps(&bureau, settings.clone(), true).await.left(), 5, "a hosted key and four seals");

    // The first table goes through; in the second the KMS says nothing more, and then the process is gone.
    kms.stops_after(4);
    let work = rewraps(&bureau, settings.clone(), false);
    let middle = async {
        wait_until("the work is in its middle", BOUND, async || kms.is_stopped().then_some(())).await;
        for replica in ["authentication", "another"] {
            sealed_by(&bureau, replica, &hosted).await.expect("sealed in the middle");
        }
    };
    tokio::select! {
        _ = work => panic!("the KMS says nothing more"),
        () = middle => {} // and the work is dropped where it stands
    }

    assert_eq!(rewraps(&bureau, settings.clone(), true).await.left(), 4, "the hosted key is done");
    bureau.settings = Box::new(at_step(3, &kms, &bureau));
    let told = bureau.wired().await.expect_err("refused").to_string();
    assert!(told.contains("4 rows need the key \"key_file\"") && told.contains("there are: kms"), "{told}");

    kms.goes_on();
    let done = rewraps(&bureau, settings.clone(), false).await;
    assert_eq!((done.rows, done.left(), done.unopened.len()), (4, 0, 0));
    assert_eq!(rewraps(&bureau, settings, false).await.rows, 0, "nothing is left to do");
    std::fs::remove_file(bureau.key_file()).expect("the old key is destroyed");
    bureau.restart().await;
    bureau.opens_another("another").await;
    for replica in ["authentication", "another"] {
        sealed_by(&bureau, replica, &hosted).await.expect("sealed without the old key");
    }
}

#[tokio::test]
async fn what_was_damaged_is_told_by_its_place_and_the_rest_goes_on() {
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    bureau.registered().await;
    damage(&bureau, "hosted_key_secret", "p256_key").await;
    let settings = to_another_file(&mut bureau);
    let done = rewraps(&bureau, settings, false).await;
    assert_eq!((done.rows, done.left()), (2, 1));
    let place = format!("hosted_key_secret/{}/p256_key", hosted.key_id);
    assert!(done.unopened.len() == 1 && done.unopened[0].contains(&place), "{:?}", done.unopened);
}

#[tokio::test]
async fn secrets_go_over_to_sm4_with_the_same_key() {
    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    let mut settings = to_another_file(&mut bureau);
    private(&bureau.file("kek-2"), &"5a".repeat(16)); // 32 digits: a key of SM4
    settings.data_cipher = eseal_authentication::Cipher::Sm4Gcm;
    assert_eq!(rewraps(&bureau, settings.clone(), false).await.left(), 0);
    bureau.settings = Box::new(move |config| Config {
        current_key: settings.current_key.clone(),
        keys: settings.keys.clone(),
        key_file: std::path::PathBuf::new(),
        data_cipher: eseal_authentication::Cipher::Sm4Gcm,
        ..config
    });
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
}

#[tokio::test]
async fn the_command_is_killed_in_the_middle_and_does_the_rest_when_it_is_called_again() {
    let (kms, bureau) = (Kms::open().await, Bureau::open().await);
    let hosted: Hosted = hosted(&bureau).await;
    bureau.registered().await;
    let call = |check: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eseal-authentication"));
        command.args(["rewrap", "--lang", "en", "--config"]).arg(written(&bureau, &kms));
        if check {
            command.arg("--check");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    kms.stops_after(4);
    let mut process = call(false).spawn().expect("started");
    wait_until("the work is in its middle", BOUND * 3, async || kms.is_stopped().then_some(())).await;
    process.kill().expect("killed");
    process.wait().expect("ended");
    let output = async |check| {
        let mut command = call(check);
        tokio::task::spawn_blocking(move || command.output().expect("called")).await.expect("no panic")
    };
    let told = output(true).await;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(text.contains("key_file\t2\tstill needed") && text.contains("kms\t1\tcurrent"), "{text} {told:?}");
    kms.goes_on();
    let told = output(false).await;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success() && text.contains("2/2"), "{text} {told:?}");
    assert!(text.contains("key_file\t0\tnothing needs it: it may be taken away"), "{text}");
    sealed_once(&bureau, &hosted).await.expect_err("this process was never told of the new key");
}

/// Settings that go over from the key file to a key in another file.
pub fn to_another_file(bureau: &mut Bureau) -> Config {
    let file = bureau.file("kek-2");
    private(&file, &"a5".repeat(32));
    Config {
        key_file: bureau.key_file(),
        current_key: "file-2".to_owned(),
        keys: [("file-2".to_owned(), KeyConfig::File(FileConfig { file }))].into(),
        ..defaults()
    }
}

/// The settings of a process, between two keys.
fn written(bureau: &Bureau, kms: &Kms) -> std::path::PathBuf {
    let KeyConfig::Kms(key) = kms.config() else { panic!("a KMS") };
    private(&bureau.file("url"), bureau.url());
    let text = format!(
        "[people]\nissuer = \"https://issuer.example\"\naudience = \"eseal\"\n\
         [database]\nurl_file = {:?}\n[service]\nkey_file = {:?}\ncurrent_key = \"kms\"\n\
         [service.keys.kms]\nprovider = \"kms\"\nurl = {:?}\nkey_id = {:?}\ntoken_file = {:?}\n",
        bureau.file("url"),
        bureau.key_file(),
        key.url,
        key.key_id,
        key.token_file.expect("a token"),
    );
    let path = bureau.file("authentication.toml");
    std::fs::write(&path, text).expect("written");
    path
}

/// Puts what nobody can read into the place of something stored.
pub async fn damage(bureau: &Bureau, table: &'static str, column: &'static str) {
    use sea_orm::ConnectionTrait as _;
    use sea_orm::sea_query::Query;
    let tx = bureau.database.begin().await.expect("begun");
    let update = Query::update().table(table).value(column, vec![2_u8; 80]).take();
    tx.execute(&update).await.expect("damaged");
    tx.commit().await.expect("committed");
}
