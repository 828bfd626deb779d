//! The program, as a process.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use eseal_proto::identity::v1::SignInRequest;
use eseal_proto::identity::v1::identity_service_client::IdentityServiceClient;

use crate::{BOUND, channel};

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eseal-standalone"));
    command.env_remove("ESEAL_CONFIG").env("ESEAL_LANG", "en").arg("--data").arg(data);
    command
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    program(data).args(arguments).output().expect("run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The program at work, ended with the test.
struct Served(Child);

impl Served {
    /// On the data in `folder`, until it is ready, and where it listens. What it prints goes to the file `out` there.
    async fn start(folder: &Path) -> (Self, String) {
        let ready_file = folder.join("ready");
        let _ = fs::remove_file(&ready_file);
        let child = program(&folder.join("data"))
            .args(["serve", "--address", "127.0.0.1:0", "--ready-file", "ready"])
            .current_dir(folder)
            .stdout(fs::File::create(folder.join("out")).expect("created"))
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let served = Self(child);
        let look = async || fs::read_to_string(&ready_file).ok();
        let address = eseal_testkit::wait_until("the ready file is there", BOUND, look).await;
        (served, address.trim().to_owned())
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status().expect("run");
        assert!(sent.success());
    }

    async fn ended(&mut self) -> std::process::ExitStatus {
        eseal_testkit::wait_until("the program ends", BOUND, async || self.0.try_wait().expect("a process")).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_ready_file_of_an_earlier_run_is_gone_while_a_start_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("ready"), "127.0.0.1:1").expect("written");
    let ended = program(&folder.path().join("data"))
        .args(["serve", "--address", "127.0.0.1:0", "--ready-file", "ready"])
        .env("ESEAL_FABRICATION__MAKER_CARD_FILE", "/nonexistent/maker.card")
        .current_dir(folder.path())
        .output()
        .expect("run");
    assert!(!ended.status.success());
    assert!(!folder.path().join("ready").exists(), "the old address is still there");
}

#[tokio::test]
async fn it_serves_until_it_is_asked_to_stop_and_ends_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut served, address) = Served::start(folder.path()).await;
    let printed = fs::read_to_string(folder.path().join("out")).expect("read");
    assert!(printed.starts_with(&format!("ready http://{address} ")) && printed.lines().count() == 1, "{printed}");
    let password = fs::read_to_string(folder.path().join("data/admin-password")).expect("read").trim().to_owned();
    let request = SignInRequest { name: "admin".to_owned(), password };
    assert!(IdentityServiceClient::new(channel(&address).await).sign_in(request).await.is_ok());
    served.signal("TERM");
    assert!(served.ended().await.success());
}

#[tokio::test]
async fn it_starts_again_after_it_was_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut served, _) = Served::start(folder.path()).await;
    served.signal("KILL");
    assert!(!served.ended().await.success());
    let (_served, address) = Served::start(folder.path()).await;
    channel(&address).await;
}

#[tokio::test]
async fn users_are_managed_while_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (_served, address) = Served::start(folder.path()).await;
    let added = run(&data, &["user", "add", "li", "--role", "reviewer", "--person-id", "p7"]);
    assert!(added.status.success(), "{}", text(&added.stderr));
    let printed = text(&added.stdout);
    assert!(printed.contains("person id: p7\n"), "{printed}");
    let password = printed.split("password: ").nth(1).expect("a password").trim().to_owned();
    let request = SignInRequest { name: "li".to_owned(), password };
    let signed_in = IdentityServiceClient::new(channel(&address).await).sign_in(request).await.expect("signed in");
    assert_eq!(signed_in.into_inner().person_id, "p7");
    let listed = text(&run(&data, &["user", "list"]).stdout);
    assert!(listed.contains("li\tp7\treviewer\t-\n"), "{listed}");
    assert!(run(&data, &["user", "remove", "li"]).status.success());
    assert!(!run(&data, &["user", "remove", "li"]).status.success());
}

#[test]
fn a_password_may_come_from_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = program(folder.path())
        .args(["user", "add", "li", "--role", "admin", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("an input").write_all(b"correct horse\n").expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success());
    assert!(!text(&output.stdout).contains("correct horse"));
    let users = fs::read_to_string(folder.path().join("users.toml")).expect("read");
    assert!(users.contains("$argon2id$") && !users.contains("correct horse"), "{users}");
}

#[test]
fn an_organization_with_a_mistyped_code_is_refused_with_the_character_that_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        run(folder.path(), &["user", "add", "li", "--role", "applicant", "--organization", "91110000600037341X"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("should be L"), "{}", text(&output.stderr));
}

#[test]
fn settings_are_checked_before_they_are_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("eseal.toml");
    fs::write(&file, "[server]\naddress = \"127.0.0.1:7311\"\n").expect("written");
    let check = |file: &Path| {
        let output = program(folder.path()).arg("check-config").arg("--config").arg(file).output().expect("run");
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (good, printed, _) = check(&file);
    assert!(good && printed.contains("127.0.0.1:7311"), "{printed}");
    fs::write(&file, "[server]\nadress = \"127.0.0.1:7311\"\n").expect("written");
    let (good, _, error) = check(&file);
    assert!(!good && error.contains("adress") && error.contains("eseal.toml"), "{error}");
    fs::write(&file, "[server]\naddress = \"0.0.0.0:7311\"\n").expect("written");
    let (good, _, error) = check(&file);
    assert!(!good && error.contains("no TLS"), "{error}");
}

#[tokio::test]
async fn read_tables_are_rebuilt_only_while_nothing_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (mut served, _) = Served::start(folder.path()).await;
    let busy = run(&data, &["rebuild"]);
    assert!(!busy.status.success() && text(&busy.stderr).contains("is running"), "{}", text(&busy.stderr));
    served.signal("TERM");
    assert!(served.ended().await.success());
    let done = run(&data, &["rebuild"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[tokio::test]
async fn dead_letters_are_listed_and_replayed_whether_there_are_any_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_served, _) = Served::start(folder.path()).await;
    let data = folder.path().join("data");
    assert_eq!(text(&run(&data, &["dead-letters", "list"]).stdout), "there are no dead letters\n");
    let replayed = text(&run(&data, &["dead-letters", "replay", "fabrication"]).stdout);
    assert_eq!(replayed, "fabrication: 0 dead letters will be tried again\n");
}

#[test]
fn what_goes_wrong_is_told_in_the_language_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let rebuild = |language: &str| {
        let output = program(folder.path()).args(["--lang", language, "rebuild", "nobody"]).output().expect("run");
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    assert!(rebuild("en").contains("there is no service \"nobody\"; there are: application, "), "{}", rebuild("en"));
    assert!(rebuild("zh-CN").contains("没有名为 nobody 的服务"), "{}", rebuild("zh-CN"));
}
