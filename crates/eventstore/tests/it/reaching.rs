//! How a database is reached: by TLS, in time, or not at all; and never with its password in what is said about it.

use std::time::{Duration, Instant};

use eseal_eventstore::{Database, DatabaseConfig, StoreError};
use eseal_testkit::TestPostgres;
use eseal_testkit::postgres::{SUPERUSER, Syncs};
use sea_orm::{ConnectionTrait as _, Statement};

async fn connect(url: &str) -> Result<Database, StoreError> {
    Database::connect(&DatabaseConfig::new(url)).await
}

fn said(error: &StoreError) -> String {
    format!("{error} {error:?}")
}

#[tokio::test]
async fn tls_with_a_full_check_works_with_the_right_authority_only() {
    let server = TestPostgres::shared().await;
    let url = server.tls_url_as(SUPERUSER, SUPERUSER, server.password());
    let database = connect(&url).await.expect("connected");
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = database.reader().query_one_raw(Statement::from_string(database.backend(), sql)).await.expect("selected");
    assert!(row.expect("a row").try_get::<bool>("", "ssl").expect("a bool"));

    let other = TestPostgres::start(Syncs::Off).await.expect("another server with another authority");
    let ca = |server: &TestPostgres| server.ca_file().display().to_string();
    let wrong = url.replace(&ca(server), &ca(&other));
    let missing = url.replace(&ca(server), "/nowhere/ca.crt");
    for refused in [&wrong, &missing] {
        let begun = Instant::now();
        let config = DatabaseConfig::new(refused);
        let error = Database::connect_within(&config, Duration::from_secs(600)).await.expect_err("refused");
        assert!(matches!(error, StoreError::Database(_)), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not get better by waiting");
        assert!(!said(&error).contains(server.password()), "{error:?}");
    }
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let server = TestPostgres::shared().await;
    let right = server.url(SUPERUSER);
    let config = DatabaseConfig::new(&right);
    let database = Database::connect(&config).await.expect("connected");
    assert!(!format!("{config:?} {database:?}").contains(server.password()));
    let secret = "s3cr3t-of-nobody";
    for url in [
        server.url_as(SUPERUSER, SUPERUSER, secret),
        server.url_as("no_such_database", SUPERUSER, server.password()).replace(server.password(), secret),
        format!("postgres://u:{secret}@127.0.0.1:1/x"),
        format!("postgres://u:{secret}@[::bad/x"),
        format!("postgres://u:{secret}@h:99999/x"),
        format!("postgres://u@h/x?passwd={secret}"),
        format!("postgres://u:{secret}@h/x?sslmode={secret}"),
        format!("postgres://u:{secret}@h/x?options[a]={secret}"),
    ] {
        let error = connect(&url).await.expect_err("refused");
        assert!(!said(&error).contains(secret), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let server = TestPostgres::start_in(folder.path(), Syncs::Off).await.expect("started");
    server.stop().await.expect("stopped");
    let config = DatabaseConfig::new(server.url(SUPERUSER));
    let late = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.restart().await.expect("started");
    };
    let (reached, ()) = futures::join!(Database::connect_within(&config, Duration::from_secs(60)), late);
    reached.expect("reached").ping().await.expect("it answers");
    server.stop().await.expect("stopped");
    let begun = Instant::now();
    let error = Database::connect_within(&config, Duration::from_secs(1)).await.expect_err("nobody there");
    assert!(matches!(error, StoreError::Database(_)), "{error:?}");
    assert!((Duration::from_secs(1)..Duration::from_secs(20)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_wrong_password_is_not_waited_for() {
    let server = TestPostgres::shared().await;
    let config = DatabaseConfig::new(server.url_as(SUPERUSER, SUPERUSER, "wrong"));
    let begun = Instant::now();
    assert!(Database::connect_within(&config, Duration::from_secs(60)).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(30));
}
