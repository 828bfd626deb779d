//! The distributed system on this machine: PostgreSQL, NATS, every service as a process of its own, mTLS between all of
//! them, the gateway in front, and an issuer for its people.
//!
//! What runs is what is shipped: the programs, `deploy/config/*.toml` and `deploy/nats`. Only addresses and paths are given
//! by the environment, as a deployment would.

mod databases;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use eseal_testkit::postgres::Syncs;
use eseal_testkit::{NatsOptions, NatsTls, Port, TestNats, TestPostgres};
use tokio::runtime::Runtime;

use crate::programs::{Served, Starting, program};

/// The services, in the order of a seal's way through them.
pub const SERVICES: [&str; 4] = ["application", "fabrication", "authentication", "verification"];
/// Who has a certificate besides.
const OTHERS: [&str; 7] = ["gateway", "identity", "nats", "setup", "integrator", "probe", "cli"];
/// How long anything here may take to start.
const SOON: Duration = Duration::from_secs(120);

/// How a platform is set up.
#[derive(Debug, Clone, Default)]
pub struct PlatformOptions {
    /// More settings of services, as variables of the environment, such as `ESEAL_TELEMETRY__OTLP_ENDPOINT`; those of one
    /// service under its name, those of all under `""`.
    pub settings: BTreeMap<&'static str, Vec<(String, String)>>,
    /// Programs of another build, by the process that runs them, such as `application-2`: old beside new.
    pub programs: BTreeMap<String, PathBuf>,
    /// The port of the gateway; 0 takes a free one.
    pub gateway_port: u16,
    /// Commits wait for the disk, as in production.
    pub real_syncs: bool,
    /// Where PostgreSQL keeps its data; a folder of the platform's own unless it is named. PostgreSQL refuses to run as
    /// root, so the user `postgres` must reach it then.
    pub postgres_folder: Option<PathBuf>,
}

/// The distributed system at work. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Platform {
    /// Everything it keeps.
    pub folder: PathBuf,
    options: PlatformOptions,
    ports: BTreeMap<String, u16>,
    _taken: Vec<Port>,
    served: BTreeMap<String, Served>,
    /// Its databases.
    pub postgres: TestPostgres,
    /// Its bus.
    pub nats: TestNats,
    runtime: Runtime,
}

impl Platform {
    /// Starts everything on what the folder holds, or in an empty one.
    ///
    /// # Panics
    /// A part of it does not start.
    pub fn start(folder: &Path, options: PlatformOptions) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let folder = folder.canonicalize().expect("a path");
        let runtime = Runtime::new().expect("a runtime");
        let pki = folder.join("pki");
        if !pki.join("ca.crt").is_file() {
            certificates(&pki);
        }
        let database = options.postgres_folder.clone().unwrap_or_else(|| folder.join("postgres"));
        let syncs = if options.real_syncs { Syncs::Real } else { Syncs::Off };
        let postgres = runtime.block_on(TestPostgres::start_in(&database, syncs)).expect("PostgreSQL");
        fs::create_dir_all(folder.join("nats")).expect("a folder");
        let nats = runtime.block_on(TestNats::start_in(&folder.join("nats"), nats_options(&pki)));
        let (ports, taken) = choose_ports(&folder, options.gateway_port);
        let mut platform =
            Self { folder, options, ports, _taken: taken, served: BTreeMap::new(), postgres, nats, runtime };
        platform.set_up_databases();
        platform.start_issuer();
        for service in SERVICES {
            platform.migrate(service);
        }
        platform.start_all();
        platform
    }

    /// Where people connect.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port("gateway"))
    }

    /// Whose certificates everything here has.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("pki/ca.crt")
    }

    /// The certificate of somebody: a folder with `tls.crt`, `tls.key` and `ca.crt`.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.folder.join("pki").join(name)
    }

    /// The folder of the issuer's users.
    pub fn users(&self) -> PathBuf {
        self.folder.join("identity-data")
    }

    /// The port of a process, such as `application` or `gateway`.
    ///
    /// # Panics
    /// There is no such process.
    pub fn port(&self, process: &str) -> u16 {
        *self.ports.get(process).unwrap_or_else(|| panic!("no process {process}"))
    }

    /// Where a process answers probes.
    ///
    /// # Panics
    /// It does not run.
    pub fn probes(&self, process: &str) -> String {
        self.served.get(process).map(|served| format!("http://{}", served.addresses[1])).expect("it runs")
    }

    /// The processes that run, by name.
    pub fn running(&self) -> Vec<String> {
        self.served.keys().cloned().collect()
    }

    /// A process that runs.
    ///
    /// # Panics
    /// It does not run.
    pub fn served(&self, process: &str) -> &Served {
        self.served.get(process).unwrap_or_else(|| panic!("{process} does not run"))
    }

    /// Ends a process at once (SIGKILL).
    pub fn kill(&mut self, process: &str) {
        drop(self.served.remove(process));
    }

    /// Asks a process to end, and waits; whether it ended well.
    ///
    /// # Panics
    /// It does not run, or does not end.
    pub fn terminate(&mut self, process: &str) -> bool {
        self.served.remove(process).expect("it runs").terminate().success()
    }

    /// Starts a process that does not run, and waits until it is ready. A second replica of a service has its name with a
    /// `-2` behind it.
    pub fn start_one(&mut self, process: &str) {
        let served = Served::start(self.command(process), &self.files(process));
        self.served.insert(process.to_owned(), served);
    }

    /// The same with these variables of the environment besides, until it is started again.
    pub fn start_with(&mut self, process: &str, settings: &[(String, String)]) {
        let mut command = self.command(process);
        command.envs(settings.iter().cloned());
        let served = Served::start(command, &self.files(process));
        self.served.insert(process.to_owned(), served);
    }

    /// Starts a process with these variables of the environment besides, and waits until it has ended by itself; how.
    /// Nothing when it goes on for so long: then it is killed.
    pub fn runs_until_it_ends(
        &self,
        process: &str,
        settings: &[(String, String)],
        within: Duration,
    ) -> Option<ExitStatus> {
        let mut command = self.command(process);
        command.envs(settings.iter().cloned());
        let (mut starting, deadline) = (Starting::of(command, &self.files(process)), Instant::now() + within);
        while Instant::now() < deadline {
            if let Some(ended) = starting.ended() {
                return Some(ended);
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        None
    }

    /// The file with the address of a service's database.
    pub fn database_url_file(&self, service: &str) -> PathBuf {
        self.data(service).join("url")
    }

    /// Starts everything that does not run, side by side.
    ///
    /// # Panics
    /// Something does not become ready.
    pub fn start_all(&mut self) {
        let processes = SERVICES.iter().copied().chain(["gateway"]);
        let missing: Vec<_> = processes.filter(|process| !self.served.contains_key(*process)).collect();
        let mut starting: Vec<_> = missing
            .iter()
            .map(|process| (*process, Starting::of(self.command(process), &self.files(process))))
            .collect();
        let deadline = Instant::now() + SOON;
        while let Some((process, begun)) = starting.pop() {
            match begun.look() {
                Ok(served) => drop(self.served.insert(process.to_owned(), served)),
                Err(begun) => {
                    assert!(Instant::now() < deadline, "{process} is not ready");
                    starting.insert(0, (process, begun));
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            }
        }
    }

    /// Runs a command of a service other than `serve`, such as `["dead-letters", "list"]`; what it printed, or why it
    /// failed with its exit code.
    ///
    /// # Errors
    /// The exit code, and what it told.
    ///
    /// # Panics
    /// It can't be run.
    pub fn operate(&self, service: &str, words: &[&str]) -> Result<String, (i32, String)> {
        self.operate_with(service, words, &[])
    }

    /// The same with these variables of the environment besides.
    ///
    /// # Errors
    /// As [`Platform::operate`].
    ///
    /// # Panics
    /// It can't be run.
    pub fn operate_with(
        &self,
        service: &str,
        words: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<String, (i32, String)> {
        let mut command = self.settled(service);
        command.env("ESEAL_SERVER__ADDRESS", "127.0.0.1:0").envs(settings.iter().copied());
        let output = command.args(words).stdin(Stdio::null()).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err((output.status.code().unwrap_or(-1), text(&output.stderr))),
        }
    }

    /// Brings the database and the stream of a service to this release.
    ///
    /// # Panics
    /// It does not succeed.
    pub fn migrate(&self, service: &str) {
        self.operate(service, &["migrate"]).unwrap_or_else(|(code, why)| panic!("migrate {service}: {code} {why}"));
    }

    /// Does something with its servers that takes a runtime.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The servers, for faults: to be used with [`Platform::block_on`] of another platform's or a test's own runtime.
    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    /// Stops NATS, does something meanwhile, and starts it again on its data.
    pub fn without_nats(&mut self, meanwhile: impl FnOnce(&mut Self)) {
        self.nats.kill();
        meanwhile(self);
        let Self { nats, runtime, .. } = self;
        runtime.block_on(nats.start_again());
    }

    /// Kills NATS, takes from its data what came after they were remembered, and starts it again.
    pub fn without_nats_and_its_tail(&mut self) {
        let Self { nats, runtime, .. } = self;
        runtime.block_on(nats.restart_without_tail());
    }

    fn command(&self, process: &str) -> Command {
        let service = process.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
        let mut command = self.settled_by(service, self.options.programs.get(process).cloned());
        let address = |port: u16| format!("127.0.0.1:{port}");
        command.env("ESEAL_SERVER__ADDRESS", address(self.ports.get(process).copied().unwrap_or(0)));
        command.arg("serve");
        command
    }

    /// From its next start on this process is one of another build; of this one again without.
    pub fn run_by(&mut self, process: &str, program: Option<PathBuf>) {
        match program {
            Some(program) => drop(self.options.programs.insert(process.to_owned(), program)),
            None => drop(self.options.programs.remove(process)),
        }
    }

    /// A service's program with its settings.
    fn settled(&self, service: &str) -> Command {
        self.settled_by(service, None)
    }

    fn settled_by(&self, service: &str, other: Option<PathBuf>) -> Command {
        let mut command = Command::new(other.unwrap_or_else(|| program(&format!("eseal-{service}"))));
        command.arg("--config").arg(root().join(format!("deploy/config/{service}.toml"))).env("ESEAL_LANG", "en");
        for name in ["ESEAL_DATA", "ESEAL_CONFIG"] {
            command.env_remove(name);
        }
        let tls = self.certificate(service);
        let set = |command: &mut Command, setting: &str, value: &Path| {
            command.env(format!("ESEAL_{setting}"), toml_text(value));
        };
        command.env("ESEAL_SERVER__PROBE_ADDRESS", "127.0.0.1:0");
        let own = if service == "gateway" { "TLS" } else { "SERVER__TLS" };
        set(&mut command, &format!("{own}__CERT_FILE"), &tls.join("tls.crt"));
        set(&mut command, &format!("{own}__KEY_FILE"), &tls.join("tls.key"));
        set(&mut command, &format!("{own}__CA_FILE"), &tls.join("ca.crt"));
        let mut peers: Vec<&str> = SERVICES.into_iter().filter(|peer| *peer != service).collect();
        if service == "gateway" {
            set(&mut command, "SERVER__TLS__CERT_FILE", &tls.join("tls.crt"));
            set(&mut command, "SERVER__TLS__KEY_FILE", &tls.join("tls.key"));
            peers.push("identity");
        } else {
            let data = self.data(service);
            set(&mut command, "DATABASE__URL_FILE", &data.join("url"));
            set(&mut command, "MIGRATION__URL_FILE", &data.join("owner-url"));
            command.env("ESEAL_MIGRATION__SERVICE_ROLE", format!("{service}_service"));
            set(&mut command, "MIGRATION__BUS__CERT_FILE", &self.certificate("setup").join("tls.crt"));
            set(&mut command, "MIGRATION__BUS__KEY_FILE", &self.certificate("setup").join("tls.key"));
            command.env("ESEAL_BUS__SERVERS", format!("[\"{}\"]", self.nats.url()));
            command.env("ESEAL_PEOPLE__ISSUER", format!("http://127.0.0.1:{}", self.port("issuer")));
            if ["fabrication", "authentication"].contains(&service) {
                set(&mut command, "SERVICE__KEY_FILE", &data.join("encryption.key"));
            }
            if service == "authentication" {
                // The authorities of these stories are those of `eseal dev-ca`, which production refuses.
                command.env("ESEAL_SERVICE__ACCEPT_DEVELOPMENT_ROOTS", "true");
            }
        }
        for peer in peers {
            let address = format!("https://127.0.0.1:{}", self.port(peer));
            command.env(format!("ESEAL_PEERS__{}", peer.to_uppercase()), address);
        }
        for (_, settings) in self.options.settings.iter().filter(|(name, _)| name.is_empty() || **name == service) {
            command.envs(settings.iter().cloned());
        }
        command
    }

    /// Where a process' ready file and log are.
    fn files(&self, process: &str) -> PathBuf {
        self.folder.join(format!("{process}.files"))
    }

    fn data(&self, service: &str) -> PathBuf {
        self.folder.join(service)
    }

    fn start_issuer(&mut self) {
        let mut command = Command::new(program("eseal-standalone"));
        command.arg("issuer").arg("--data").arg(self.users()).arg("--tls").arg(self.certificate("identity"));
        command.arg("--http").arg(format!("127.0.0.1:{}", self.port("issuer")));
        command.arg("--grpc").arg(format!("127.0.0.1:{}", self.port("identity")));
        let served = Served::start(command, &self.files("identity"));
        self.served.insert("identity".to_owned(), served);
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Services before what they stand on, or each would complain.
        self.served.clear();
    }
}

/// Ports by the names of processes, the same for a folder ever after: peers and clients know them. The gateway's is not
/// taken when somebody chose it.
fn choose_ports(folder: &Path, gateway: u16) -> (BTreeMap<String, u16>, Vec<Port>) {
    let file = folder.join("ports.json");
    if let Ok(text) = fs::read_to_string(&file) {
        let ports: BTreeMap<String, u16> = serde_json::from_str(&text).expect("the ports of this folder");
        let own = ports.values().filter(|port| **port != gateway);
        let take = |port: &u16| Port::of(*port).unwrap_or_else(|error| panic!("port {port} of this folder: {error}"));
        let taken = own.map(take).collect();
        return (ports, taken);
    }
    let names = SERVICES.iter().flat_map(|name| [(*name).to_owned(), format!("{name}-2")]);
    let names = names.chain(["identity", "issuer", "gateway", "gateway-2"].map(str::to_owned));
    let (mut ports, mut taken) = (BTreeMap::new(), Vec::new());
    for name in names {
        if name == "gateway" && gateway != 0 {
            ports.insert(name, gateway);
            continue;
        }
        let port = Port::free().expect("a free port");
        ports.insert(name, port.number());
        taken.push(port);
    }
    fs::write(&file, serde_json::to_string(&ports).expect("JSON")).expect("a file");
    (ports, taken)
}

/// The certificates of everybody, by the command that people use for it.
fn certificates(pki: &Path) {
    let mut command = Command::new(program("eseal"));
    command.args(["dev-pki", "create"]).arg(pki).args(SERVICES).args(OTHERS);
    let output = command.stdin(Stdio::null()).output().expect("eseal runs");
    assert!(output.status.success(), "dev-pki: {}", String::from_utf8_lossy(&output.stderr));
}

fn nats_options(pki: &Path) -> NatsOptions {
    let tls = NatsTls {
        ca_file: pki.join("nats/ca.crt"),
        cert_file: pki.join("nats/tls.crt"),
        key_file: pki.join("nats/tls.key"),
    };
    let config = fs::read_to_string(root().join("deploy/nats/users.conf")).expect("the users of NATS");
    NatsOptions { tls: Some(tls), config, ..NatsOptions::default() }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn toml_text(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

fn random_hex() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random numbers");
    hex::encode(bytes)
}

fn private_file(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}
