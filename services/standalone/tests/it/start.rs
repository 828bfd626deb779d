//! Starting: what is made, what is kept, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use eseal_kernel::Clock;
use eseal_service::Role;
use eseal_standalone::services::SERVICES;
use eseal_standalone::{Options, Standalone, StandaloneError};

use crate::{House, channel, options, user};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// Every file of the folder but those that SQLite keeps while it works.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().expect("text")).collect();
    names.retain(|name| !name.contains("-wal") && !name.contains("-shm"));
    names.sort();
    names
}

async fn refused(options: Options) -> StandaloneError {
    match Standalone::start(options).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn the_first_start_makes_files_for_this_user_alone() {
    let house = House::start().await;
    let folder = house.folder.path();
    let made = files(folder);
    let others = ["admin-password", "issuer.key", "users.toml", "lock", "fabrication.key", "authentication.key"];
    for name in others {
        assert!(made.iter().any(|file| file == name), "{name} is not among {made:?}");
    }
    for service in SERVICES {
        assert!(made.contains(&format!("{}.db", service.name)), "{} has no database", service.name);
    }
    for name in made {
        assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn the_second_start_keeps_what_the_first_made() {
    let house = House::start().await;
    let kept = ["admin-password", "issuer.key", "users.toml"].map(|name| house.folder.path().join(name));
    let first = kept.clone().map(|path| fs::read(path).expect("read"));
    house.running.stop().await.expect("stopped");
    let again = Standalone::start(options(house.folder.path(), &house.clock)).await.expect("started");
    assert_eq!(kept.map(|path| fs::read(path).expect("read")), first);
    again.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_folder_is_for_one_standalone_at_a_time() {
    let house = House::start().await;
    let second = refused(options(house.folder.path(), &house.clock)).await;
    assert!(matches!(second, StandaloneError::InUse(_)), "{second}");
    house.running.stop().await.expect("stopped");
    assert!(Standalone::start(options(house.folder.path(), &house.clock)).await.is_ok());
}

#[tokio::test]
async fn an_address_that_other_machines_reach_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for address in ["0.0.0.0:0", "192.0.2.1:7310", "[::]:0"] {
        let open = Options::new(folder.path()).expect("settings").listening_on(address.parse().expect("an address"));
        let error = refused(open).await;
        assert!(matches!(error, StandaloneError::NotLoopback(_)), "{error}");
        assert_eq!(files(folder.path()), Vec::<String>::new(), "nothing is made before the settings are checked");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_and_nothing_keeps_running() {
    let house = House::start().await;
    let other = tempfile::tempdir().expect("a folder");
    let error = refused(options(other.path(), &house.clock).listening_on(house.running.address)).await;
    assert!(matches!(error, StandaloneError::Bind { .. }), "{error}");
    // The folder is free again: the one that did not start has let go of it.
    assert!(Standalone::start(options(other.path(), &house.clock)).await.is_ok());
}

#[tokio::test]
async fn a_damaged_issuer_key_is_refused_with_what_to_do() {
    let house = House::start().await;
    let folder = house.folder.path().to_owned();
    house.running.stop().await.expect("stopped");
    fs::write(folder.join("issuer.key"), b"no key").expect("written");
    let error = refused(options(&folder, &house.clock)).await;
    assert!(matches!(error, StandaloneError::IssuerKey { .. }), "{error}");
    assert!(error.to_string().contains("put it back from your backup"), "{error}");
}

#[tokio::test]
async fn a_damaged_or_lost_encryption_key_is_refused_and_not_replaced() {
    let house = House::start().await;
    let folder = house.folder.path().to_owned();
    house.running.stop().await.expect("stopped");
    for name in ["fabrication.key", "authentication.key"] {
        let kept = fs::read(folder.join(name)).expect("made at the first start");
        fs::write(folder.join(name), b"no key").expect("written");
        let error = refused(options(&folder, &house.clock)).await;
        assert!(matches!(error, StandaloneError::EncryptionKey(_)), "{error}");
        fs::remove_file(folder.join(name)).expect("removed");
        let error = refused(options(&folder, &house.clock)).await;
        assert!(matches!(error, StandaloneError::KeyLost(_)), "{error}");
        eseal_standalone::files::write_private(&folder.join(name), &kept).expect("put back");
    }
    assert!(Standalone::start(options(&folder, &house.clock)).await.is_ok());
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused_with_what_to_do() {
    let house = House::start().await;
    let folder = house.folder.path().to_owned();
    house.running.stop().await.expect("stopped");
    fs::set_permissions(folder.join("issuer.key"), fs::Permissions::from_mode(0o644)).expect("set");
    let error = refused(options(&folder, &house.clock)).await;
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("application.db"), "not a database ".repeat(100)).expect("written");
    let error = refused(options(folder.path(), &Clock::default())).await;
    assert!(matches!(error, StandaloneError::Store { service: "application", .. }), "{error}");
}

#[tokio::test]
async fn a_user_added_while_it_runs_is_known_at_once_and_removed_unknown() {
    let house = House::start().await;
    house.running.users().add(user("li", &[Role::Reviewer])).expect("added");
    let _reachable = channel(&house.running.address.to_string()).await;
    assert!(house.running.users().find("li").is_some());
    house.running.users().remove("li").expect("removed");
    assert!(house.running.users().find("li").is_none());
}
