//! Where no private key, data key or PIN may be found: the database with all that a backup of it holds, the exported events, and
//! everything that is logged. What is looked for is decrypted here by the documented form (ADR 0038), with the key file.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};

use crate::bureau::*;
use crate::codes::{base32, enrolled, secret_of};
use crate::hosted::{PIN, hosted, pdf_sealed_once, sealed_once};
use crate::kms::private;
use crate::privacy::dump;
use crate::signing::begin;

/// What is logged, whatever its level.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_private_key_no_data_key_and_no_pin_is_in_the_database_the_events_or_the_logs() {
    let heard = Heard::default();
    let writer = heard.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).json();
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber); // of this thread, on which all tasks of this test run

    let mut bureau = Bureau::open().await;
    let hosted = hosted(&bureau).await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    pdf_sealed_once(&bureau, &hosted).await.expect("sealed");
    let begun = begin(&mut bureau.zhou(), &hosted.seal_id).await.expect("begun");
    let request = crate::hosted::authorization(&hosted, &begun.attempt_id, &hosted.sm2, "Wrong-6022140");
    bureau.zhou().authorize_hosted_sealing(request).await.expect_err("wrong");
    bureau.restart().await;
    sealed_once(&bureau, &hosted).await.expect("sealed");
    let uri = enrolled(&bureau, &hosted, ZHOU).await;

    let mut secrets = vec![PIN.as_bytes().to_vec(), b"Wrong-6022140".to_vec()];
    for column in ["sm2_key", "p256_key"] {
        let (data_key, pkcs8) = opened(&bureau, &hosted.key_id, column).await;
        secrets.extend([data_key, scalar(&pkcs8)]);
    }
    assert!(secrets.iter().skip(2).all(|secret| secret.len() == 32));
    secrets.extend([secret_of(&uri).as_bytes().to_vec(), base32(secret_of(&uri))]);
    tracing::trace!("still listening");
    let logged = heard.0.lock().expect("no panic").clone();
    assert!(find(&logged, b"still listening"), "the logs hold what is logged: {} bytes", logged.len());
    let stored = dump(&bureau).await;
    assert!(find(&stored, hosted.seal_id.as_bytes()), "the dump holds what is stored");
    let exported = exported(&bureau);
    assert!(find(&exported, b"HostedSignatureMade"), "the export holds the events");
    let mut places = vec![("the database", stored), ("the events", exported), ("the logs", logged)];
    places.extend(files(&bureau).into_iter().map(|bytes| ("the files of the database", bytes)));
    for (place, bytes) in &places {
        for (i, secret) in secrets.iter().enumerate() {
            for form in forms(secret) {
                assert!(!find(bytes, &form), "secret {i} is in {place}");
            }
        }
    }
}

/// The data key of a secret, and the secret: form 2 of ADR 0038 with a key file.
async fn opened(bureau: &Bureau, key_id: &str, column: &'static str) -> (Vec<u8>, Vec<u8>) {
    let of_key = Expr::col("hosted_key_id").eq(key_id);
    let select = Query::select().column(column).from("hosted_key_secret").and_where(of_key).take();
    let row = bureau.database.reader().query_one(&select).await.expect("read").expect("a row");
    let stored: Vec<u8> = row.try_get("", column).expect("bytes");
    let place = format!("hosted_key_secret/{key_id}/{column}");
    let (head, rest) = stored.split_at(3 + usize::from(stored[2]));
    assert_eq!((head[0], head[1], &head[3..]), (2, 1, b"key_file".as_slice()));
    let (length, rest) = rest.split_at(2);
    let (wrapped, sealed) = rest.split_at(usize::from(u16::from_be_bytes([length[0], length[1]])));
    let kek = std::fs::read_to_string(bureau.key_file()).expect("a key file");
    let context = format!("eseal-data-key-v1 aes-256-gcm key_file {place}");
    let data_key = decrypted(&hex::decode(kek.trim()).expect("digits"), context.as_bytes(), wrapped);
    let secret = decrypted(&data_key, &[head, place.as_bytes()].concat(), sealed);
    (data_key, secret)
}

fn decrypted(key: &[u8], bound: &[u8], sealed: &[u8]) -> Vec<u8> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<12>().expect("a nonce");
    let payload = Payload { msg: ciphertext, aad: bound };
    Aes256Gcm::new_from_slice(key)
        .expect("32 bytes")
        .decrypt(&Nonce::from(*nonce), payload)
        .expect("the documented form")
}

/// The private scalar in PKCS #8 (RFC 5915 §3): the octet string of 32 bytes behind version 1.
fn scalar(pkcs8: &[u8]) -> Vec<u8> {
    let before = [0x02, 0x01, 0x01, 0x04, 0x20];
    let at = pkcs8.windows(before.len()).position(|window| window == before).expect("an EC key") + before.len();
    pkcs8[at..at + 32].to_vec()
}

/// A secret as it may be written: as it is, in hexadecimal, in Base64 behind any number of bytes, as a list of numbers.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD_NO_PAD;
    let listed = |separator: &str| secret.iter().map(u8::to_string).collect::<Vec<_>>().join(separator).into_bytes();
    let mut forms = vec![secret.to_vec(), listed(","), listed(", ")];
    forms.extend([hex::encode(secret).into_bytes(), hex::encode_upper(secret).into_bytes()]);
    for skipped in 0..3 {
        let middle = &secret[skipped..];
        forms.push(BASE64_STANDARD_NO_PAD.encode(&middle[..middle.len() / 3 * 3]).into_bytes());
    }
    forms
}

/// What `export-events` writes.
fn exported(bureau: &Bureau) -> Vec<u8> {
    private(&bureau.file("url"), bureau.url());
    let config = bureau.file("authentication.toml");
    let text = format!(
        "[people]\nissuer = \"https://issuer.example\"\naudience = \"eseal\"\n[database]\nurl_file = {:?}\n",
        bureau.file("url")
    );
    std::fs::write(&config, text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_eseal-authentication"));
    let output = command.args(["export-events", "--config"]).arg(config).output().expect("called");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// The files of a SQLite database, its log among them; none on PostgreSQL, where the dump is what a backup has.
fn files(bureau: &Bureau) -> Vec<Vec<u8>> {
    let Some(path) = bureau.url().strip_prefix("sqlite:") else { return Vec::new() };
    let all = ["", "-wal", "-shm"].map(|suffix| std::fs::read(format!("{path}{suffix}")));
    let all: Vec<_> = all.into_iter().flatten().collect();
    assert!(!all.is_empty(), "{path}");
    all
}

fn find(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
