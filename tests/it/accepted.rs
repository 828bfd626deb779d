//! The programs themselves read the settings that compose and the chart have for them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use eseal_devpki::{DevPki, NAMES};
use eseal_e2e::programs::program;
use eseal_kernel::Clock;
use eseal_testkit::TestPostgres;
use eseal_testkit::postgres::Syncs;

use crate::{chart, deploy};

#[test]
fn the_programs_accept_their_settings_of_compose() {
    let pki = Pki::make();
    let issuer = [("ESEAL_PEOPLE__ISSUER", "https://login.example.cn/realms/office")];
    for service in deploy::SERVICES {
        pki.assert_accepted(service, &deploy::config(service), &issuer);
    }
    pki.assert_accepted("gateway", &deploy::config("gateway"), &[]);
}

#[test]
fn the_programs_accept_what_the_chart_makes_of_its_values() {
    let pki = Pki::make();
    let configs = chart::configs();
    assert_eq!(configs.len(), 27, "five programs and four migrations, three times");
    for (program, config) in configs {
        pki.assert_accepted(&program, &config, &[]);
    }
}

#[test]
fn a_setting_that_a_program_does_not_know_is_not_accepted() {
    let config = deploy::config("verification").replace("documents_at_a_time", "documents_at_once");
    let refused = Pki::make().check("verification", &config, &[("ESEAL_PEOPLE__ISSUER", "https://login.example.cn")]);
    assert!(refused.is_err_and(|told| told.contains("documents_at_once")));
}

#[test]
fn what_compose_mounts_is_in_the_folder_once_it_is_prepared() {
    let folder = tempfile::tempdir().expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(deploy::deploy()).arg(folder.path()).status().expect("cp");
    assert!(copied.success());
    let prepared = folder.path().join("deploy");
    prepare(&prepared);
    let compose = deploy::compose();
    let mut sources = Vec::new();
    for service in compose["services"].as_object().expect("services").values() {
        let volumes = service["volumes"].as_array().into_iter().flatten();
        sources.extend(
            volumes.map(|volume| volume.as_str().expect("a text").split(':').next().expect("a path").to_owned()),
        );
    }
    let secrets = compose["secrets"].as_object().expect("secrets").values();
    sources.extend(secrets.map(|secret| secret["file"].as_str().expect("a path").to_owned()));
    assert!(sources.len() > 30, "{sources:?}");
    for source in sources {
        assert!(prepared.join(&source).exists(), "{source} is mounted and is not there");
    }
    for file in std::fs::read_dir(prepared.join("secrets")).expect("secrets").flatten() {
        let mode = file.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} can be read by others", file.path().display());
    }

    let secret = || std::fs::read_to_string(prepared.join("secrets/application-url")).expect("a secret");
    let first = secret();
    prepare(&prepared);
    assert_eq!(secret(), first, "what is there already stays as it is");
}

#[tokio::test]
async fn the_owner_migrates_the_databases_that_compose_makes_and_the_service_can_change_no_event_in_them() {
    let server = TestPostgres::start(Syncs::Off).await.expect("a PostgreSQL server");
    let secrets = tempfile::tempdir().expect("a folder");
    for service in deploy::SERVICES {
        // With what must not end a text in SQL.
        std::fs::write(secrets.path().join(format!("{service}-password")), format!("{service}'s")).expect("a secret");
        std::fs::write(secrets.path().join(format!("{service}-owner-password")), "owner").expect("a secret");
    }
    let psql = server.program("psql");
    let path = format!("{}:{}", psql.parent().expect("a folder").display(), std::env::var("PATH").expect("a path"));
    let mut script = Command::new(deploy::deploy().join("postgres/databases.sh"));
    script.env("PATH", path).env("ESEAL_SECRETS", secrets.path()).env("PGHOST", "127.0.0.1");
    script.env("PGPORT", server.port().to_string()).env("PGPASSWORD", server.password());
    let output = script.output().expect("it starts");
    assert!(output.status.success(), "databases.sh: {}", String::from_utf8_lossy(&output.stderr));

    let pki = Pki::make();
    for service in deploy::SERVICES {
        let database = format!("eseal_{service}");
        let url = server.url_as(&database, &format!("{service}_owner"), "owner");
        std::fs::write(pki.0.path().join("pki").join(service).join("owner-url"), url).expect("a secret");
        let config = deploy::config(service);
        // The stream is another matter: there is no bus here.
        let (before, rest) = config.split_once("[migration.bus]").expect("a section");
        let config = format!("{before}{}", rest.split_once("\n\n").expect("another section").1);
        let issuer = [("ESEAL_PEOPLE__ISSUER", "https://login.example.cn/realms/office")];
        pki.run("migrate", service, &config, &issuer).unwrap_or_else(|told| panic!("{service}: {told}"));

        let url = server.url_as(&database, &format!("{service}_service"), &format!("{service}%27s"));
        let ask = |sql: &str| Command::new(&psql).args(["--no-psqlrc", "--command", sql, &url]).output().expect("psql");
        assert!(ask("SELECT count(*) FROM events").status.success(), "{service} can't read its events");
        for change in ["DELETE FROM events", "UPDATE events SET actor = ''", "TRUNCATE events", "DROP TABLE events"] {
            let told = String::from_utf8_lossy(&ask(change).stderr).into_owned();
            assert!(
                told.contains("permission denied") || told.contains("must be owner"),
                "{service}: {change}: {told}"
            );
        }
        let other = server.url_as("eseal_application", &format!("{service}_service"), &format!("{service}%27s"));
        let ask = Command::new(&psql).args(["--no-psqlrc", "--command", "SELECT 1", &other]).output().expect("psql");
        assert_eq!(ask.status.success(), service == "application", "{service} reaches the database of another");
    }
}

/// A development PKI, as compose has one.
struct Pki(tempfile::TempDir);

impl Pki {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        DevPki::create(&folder.path().join("pki"), &NAMES, Clock::System).expect("a PKI");
        Self(folder)
    }

    /// The program itself says that these settings are good.
    fn assert_accepted(&self, name: &str, config: &str, environment: &[(&str, &str)]) {
        if let Err(told) = self.check(name, config, environment) {
            panic!("{name}: {told}\n{config}");
        }
    }

    fn check(&self, name: &str, config: &str, environment: &[(&str, &str)]) -> Result<(), String> {
        self.run("check-config", name, config, environment)
    }

    /// Runs a command of a program with these settings, and all files in place that they name.
    fn run(&self, command: &str, name: &str, config: &str, environment: &[(&str, &str)]) -> Result<(), String> {
        let place = tempfile::tempdir().expect("a folder");
        let at = place.path().display();
        let config = ["/etc/eseal/", "/run/secrets/", "/var/lib/eseal/"]
            .iter()
            .fold(config.to_owned(), |config, folder| config.replace(folder, &format!("{at}{folder}")));
        for line in config.lines().filter(|line| !line.starts_with('#')) {
            // Whatever is named lies where it is named, as it will in the container.
            let named = line.strip_prefix("file = ").or_else(|| line.split_once("_file = ").map(|(_, path)| path));
            if let Some(path) = named.map(|path| path.trim_matches('"')).filter(|path| !path.is_empty()) {
                self.put(name, Path::new(path));
            }
        }
        let file = place.path().join("config.toml");
        std::fs::write(&file, &config).expect("written");
        let mut run = Command::new(program(&format!("eseal-{name}")));
        run.arg(command).arg("--config").arg(&file).envs(environment.iter().copied());
        let output = run.output().expect("the program starts");
        output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn put(&self, whose: &str, path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let pem = self.0.path().join("pki").join(whose).join(file);
        let content = match file {
            _ if pem.is_file() => std::fs::read(pem).expect("PEM"),
            _ if file.ends_with("-url") => b"postgres://role:word@localhost/eseal?sslmode=verify-full".to_vec(),
            "content-key" | "key" | "secret" => "5e".repeat(32).into_bytes(),
            _ => b"135790".to_vec(),
        };
        std::fs::write(path, content).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o400)).expect("a mode");
    }
}

fn prepare(folder: &Path) {
    let mut script = Command::new(folder.join("prepare.sh"));
    script.arg("https://login.example.cn/realms/office").arg(folder).env("ESEAL", program("eseal"));
    let output = script.output().expect("prepare.sh starts");
    assert!(output.status.success(), "prepare.sh: {}", String::from_utf8_lossy(&output.stderr));
}
