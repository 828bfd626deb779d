//! The server of one's own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use eseal_testkit::postgres::{SUPERUSER, Syncs};
use eseal_testkit::{TestPostgres, wait_until};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, Statement};

const SOON: Duration = Duration::from_secs(120);
/// Makes `a_process_that_holds_a_server` one, instead of nothing.
const HOLD: &str = "ESEAL_TEST_HOLD_A_SERVER";

async fn count(server: &TestPostgres) -> i64 {
    let mut options = ConnectOptions::new(server.url(SUPERUSER));
    let connection = Database::connect(options.max_connections(1).to_owned()).await.expect("connected");
    let sql = Statement::from_string(connection.get_database_backend(), "SELECT count(*) AS n FROM kept");
    let row = connection.query_one_raw(sql).await.expect("selected").expect("a row");
    row.try_get("", "n").expect("a number")
}

#[tokio::test]
async fn what_was_committed_outlives_a_stop_a_kill_and_a_new_start_in_the_same_folder() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let server = TestPostgres::start_in(folder.path(), Syncs::Real).await.expect("started");
    server.execute(SUPERUSER, "CREATE TABLE kept (n INTEGER); INSERT INTO kept VALUES (1)").await.expect("written");
    let (port, pid) = (server.port(), server.pid());
    server.restart().await.expect("restarted");
    assert_eq!((server.port(), count(&server).await), (port, 1));
    assert_ne!(server.pid(), pid);
    server.execute(SUPERUSER, "INSERT INTO kept VALUES (2)").await.expect("written");
    server.kill().await.expect("killed");
    assert_eq!(server.pid(), None);
    assert!(server.execute(SUPERUSER, "SELECT 1").await.is_err());
    server.restart().await.expect("started");
    assert_eq!(count(&server).await, 2);
    drop(server);
    let server = TestPostgres::start_in(folder.path(), Syncs::Real).await.expect("started");
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let server = TestPostgres::shared().await;
    let mut options = ConnectOptions::new(server.url_as(SUPERUSER, SUPERUSER, "wrong"));
    assert!(Database::connect(options.max_connections(1).to_owned()).await.is_err());
}

#[tokio::test]
async fn a_process_that_holds_a_server() {
    if std::env::var_os(HOLD).is_none() {
        return; // only in the child of the next test
    }
    let server = TestPostgres::shared().await;
    let folder = server.ca_file().parent().expect("a folder").to_owned();
    println!("\nholding {} {}", server.pid().expect("it runs"), folder.display());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_process_takes_its_server_along() {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "postgres::a_process_that_holds_a_server", "--nocapture"])
        .env(HOLD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("holding ")).expect("it holds a server");
    let mut words = line.split(' ').skip(1);
    let (pid, folder) = (words.next().expect("a pid"), words.next().expect("a folder"));
    let command = format!("/proc/{pid}/cmdline");
    assert!(std::fs::read(&command).is_ok_and(|text| !text.is_empty()), "the server runs");
    child.kill().expect("killed");
    child.wait().expect("ended");
    // Empty when nobody has taken note of its end yet.
    let is_gone = || std::fs::read(&command).map_or(true, |text| text.is_empty());
    wait_until("the server is gone", SOON, async || is_gone().then_some(())).await;
    wait_until("its folder is gone", SOON, async || (!Path::new(folder).exists()).then_some(())).await;
}
