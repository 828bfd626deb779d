//! What may not be where: personal data, certificates, seals and PINs in events; secrets in the clear anywhere.

use eseal_authentication::{CONFIG_DEFAULT, Config, wire};
use eseal_bus::Bus;
use eseal_eventstore::Log;
use eseal_pki::Suite;
use eseal_proto::authentication::v1 as pb;
use eseal_service::config::Sources;
use eseal_service::{Context, Role};
use sea_orm::sea_query::{Asterisk, Query};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::bureau::*;
use crate::signing::*;

const PIN: &str = "Pin-602214076";

#[tokio::test]
async fn no_event_holds_a_certificate_a_seal_a_signature_or_a_name_of_a_person() {
    let bureau = Bureau::open().await;
    let card = bureau.active().await;
    bureau.imports_crl().await;
    let begun = at_gate_e(&bureau, &card, Suite::Sm2Sm3).await;
    let signature = card.ofd_signature(document(), bureau.now());
    complete(&mut bureau.zhou(), &card.seal_id, &begun.attempt_id, signature.clone()).await.expect("sealed");
    let structures = [card.sm2.1.der(), card.p256.1.der(), &card.seal, &signature];
    for event in bureau.events().await {
        let payload = String::from_utf8(event.payload).expect("JSON");
        for structure in structures {
            // In whatever form: DER in JSON is Base64, and hexadecimal where somebody took it for a digest.
            let piece = &structure[21..51];
            assert!(!payload.contains(&hex::encode(piece)), "{}", event.kind);
            assert!(!payload.contains(&base64_middle(piece)), "{}", event.kind);
        }
        assert!(payload.len() < 2_000, "{} has {} bytes", event.kind, payload.len());
    }
}

#[tokio::test]
async fn neither_a_pin_nor_a_private_key_is_anywhere_in_the_database() {
    let bureau = Bureau::open().await;
    let organization = Some(organization());
    let request = pb::CreateHostedKeyRequest { request_id: request_id(), organization, pin: PIN.to_owned() };
    bureau.keys(ZHOU, Role::Custodian, Some(LENOVO)).create_hosted_key(request).await.expect("created");
    let card = bureau.active().await;
    let attempt_id = begin(&mut bureau.zhou(), &card.seal_id).await.expect("begun").attempt_id;
    let wrong = pb::AuthorizeHostedSealingRequest {
        request_id: request_id(),
        code: String::new(),
        seal_id: card.seal_id.clone(),
        attempt_id,
        pin: PIN.to_owned(),
        document_digest: document().to_string(),
        certificate_digest: document().to_string(),
        places: vec![],
        original: None,
    };
    bureau.zhou().authorize_hosted_sealing(wrong).await.expect_err("a seal on a card");
    let dump = dump(&bureau).await;
    assert!(find(&dump, card.seal_id.as_bytes()), "the dump holds what is stored");
    assert!(!find(&dump, PIN.as_bytes()));
    // PKCS #8 of an EC key, in the form in which both suites begin: SEQUENCE, version, id-ecPublicKey.
    let pkcs8 = [0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    assert!(!find(&dump, &pkcs8));
    assert!(!find(&dump, &card.seal[20..80]), "seals are encrypted");
}

#[tokio::test]
async fn the_service_does_not_start_with_another_key_file_than_that_of_its_database() {
    let bureau = Bureau::open().await;
    bureau.registered().await;
    std::fs::remove_file(bureau.key_file()).expect("removed");
    let told = starts(&bureau).await.expect_err("refused");
    assert!(told.contains("missing"), "{told}");
    std::fs::write(bureau.key_file(), "0".repeat(64)).expect("written");
    let told = starts(&bureau).await.expect_err("refused");
    assert!(told.contains("read by others"), "{told}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(bureau.key_file(), private).expect("a mode");
        let told = starts(&bureau).await.expect_err("refused");
        assert!(told.contains("does not open"), "{told}");
    }
}

/// A second service on the same database.
async fn starts(bureau: &Bureau) -> Result<(), String> {
    let house = &bureau.house;
    let bus = Bus::local([Log::new(bureau.database.clone(), "authentication"), bureau.fabrication.log()]);
    let peers = house.peers("authentication");
    let context = Context::new("authentication", bureau.database.clone(), bus, peers, house.clock(), house.tasks());
    let config: Config = Sources::new(CONFIG_DEFAULT).load().expect("settings");
    let config = Config { key_file: bureau.key_file(), ..config };
    wire(config, &context).await.map(drop).map_err(|error| error.to_string())
}

/// All values of all tables, one behind the other.
pub async fn dump(bureau: &Bureau) -> Vec<u8> {
    let database = bureau.database.reader();
    let backend = database.get_database_backend();
    let list = match backend {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        _ => "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()",
    };
    let list = Statement::from_string(backend, list);
    let tables = database.query_all_raw(list).await.expect("tables");
    let mut dump = Vec::new();
    for table in tables {
        let table: String = table.try_get("", "name").expect("a name");
        let rows = database.query_all(&Query::select().column(Asterisk).from(table).take()).await.expect("rows");
        for row in rows {
            for column in row.column_names() {
                let text = row.try_get::<Option<String>>("", &column).ok().flatten().map(String::into_bytes);
                let bytes = || row.try_get::<Option<Vec<u8>>>("", &column).ok().flatten();
                dump.extend(text.or_else(bytes).unwrap_or_default());
                dump.push(0);
            }
        }
    }
    dump
}

pub fn find(dump: &[u8], piece: &[u8]) -> bool {
    dump.windows(piece.len()).any(|window| window == piece)
}

/// The characters that stand in Base64 for a piece, if as many bytes stand before it as three can divide.
fn base64_middle(piece: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in piece.chunks_exact(3) {
        let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    text
}
