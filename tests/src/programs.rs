//! The programs of this workspace, run as a person would run them.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program that was built beside the one that runs now.
///
/// # Panics
/// It was not built.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    // Test programs lie one folder deeper than others.
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built: cargo build -p eseal-cli -p eseal-standalone"))
}

/// A program at work, ready; killed when dropped.
#[derive(Debug)]
pub struct Served {
    process: Child,
    /// Where it listens, as it told.
    pub addresses: Vec<String>,
    log: PathBuf,
}

impl Served {
    /// Starts it and waits until it is ready. `files` with the endings `.ready` and `.log` get what it tells; the log is
    /// continued.
    ///
    /// # Panics
    /// It does not become ready within a minute, or ends before.
    pub fn start(command: Command, files: &Path) -> Self {
        let mut starting = Starting::of(command, files);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match starting.look() {
                Ok(served) => return served,
                Err(still) => starting = still,
            }
            assert!(Instant::now() < deadline, "it is not ready: {}", starting.log_text());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where it tells what it does.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Everything that it has told so far, of earlier runs with the same files too.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// The process can't be asked.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("the process can be asked")
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// It does not end within a minute.
    pub fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill").arg(self.pid().to_string()).status().expect("kill runs");
        assert!(sent.success(), "it ended before it was asked: {}", self.log_text());
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(ended) = self.ended() {
                return ended;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log_text());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(self) {}
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program that was started and is not ready yet.
#[derive(Debug)]
pub struct Starting {
    process: Option<Child>,
    ready: PathBuf,
    log: PathBuf,
}

impl Starting {
    /// Starts it, see [`Served::start`], and does not wait.
    ///
    /// # Panics
    /// It can't be started.
    pub fn of(mut command: Command, files: &Path) -> Self {
        let (ready, log) = (files.with_extension("ready"), files.with_extension("log"));
        let _ = std::fs::remove_file(&ready);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log file");
        command.arg("--ready-file").arg(&ready);
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log file")).stderr(file);
        Self { process: Some(command.spawn().expect("it starts")), ready, log }
    }

    /// The program, if it is ready now; else this again.
    ///
    /// # Panics
    /// It has ended.
    pub fn look(mut self) -> Result<Served, Self> {
        let told = std::fs::read_to_string(&self.ready).unwrap_or_default();
        let process = self.process.as_mut().expect("it was not handed over");
        let ended = process.try_wait().expect("the process can be asked");
        assert!(ended.is_none(), "it ended ({ended:?}): {}", self.log_text());
        if told.trim().is_empty() {
            return Err(self);
        }
        let addresses = told.lines().map(str::to_owned).collect();
        let process = self.process.take().expect("it was not handed over");
        Ok(Served { process, addresses, log: self.log.clone() })
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// The process can't be asked.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(|process| process.try_wait().expect("the process can be asked"))
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A running standalone; killed when dropped.
#[derive(Debug)]
pub struct Standalone {
    served: Served,
    /// Where clients connect.
    pub url: String,
    /// Its data folder.
    pub data: PathBuf,
}

impl Standalone {
    /// Starts it with these settings and variables of the environment, and waits until it is ready.
    ///
    /// # Panics
    /// As [`Served::start`].
    pub fn start(data: &Path, config: &Path, address: SocketAddr, environment: &[(String, PathBuf)]) -> Self {
        let mut command = Command::new(program("eseal-standalone"));
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.args(["serve", "--address", &address.to_string()]).arg("--data").arg(data).arg("--config").arg(config);
        let served = Served::start(command, data);
        Self { url: format!("http://{}", served.addresses[0]), served, data: data.to_owned() }
    }

    /// Adds somebody who may sign in.
    ///
    /// # Panics
    /// The program refuses.
    pub fn user(data: &Path, name: &str, id: &str, roles: &[&str], organization: Option<&str>, password: &str) {
        let mut command = Command::new(program("eseal-standalone"));
        command.args(["user", "add", name, "--person-id", id, "--password-stdin"]).arg("--data").arg(data);
        for role in roles {
            command.args(["--role", role]);
        }
        if let Some(organization) = organization {
            command.args(["--organization", organization]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the standalone starts");
        writeln!(child.stdin.take().expect("piped"), "{password}").expect("the password is read");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "user add {name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(self) {}

    /// Asks it to end, as `systemctl stop` would, and waits.
    ///
    /// # Panics
    /// It does not end within this time, or says that it failed.
    pub fn ends_when_asked(mut self, within: Duration) {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.served.ended() {
                assert!(status.success(), "it ended with {status}");
                return;
            }
            assert!(Instant::now() < deadline, "it did not end within {within:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.served.pid()
    }
}

/// What `eseal` answered.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// The JSON that it printed; null if none.
    pub value: Value,
    /// What it printed for people.
    pub text: String,
    /// The error that it printed; null if none.
    pub error: Value,
}

impl Answer {
    /// The code of the error, such as `CARD_IN_USE`; empty if there is none.
    pub fn reason(&self) -> &str {
        self.error["code"].as_str().unwrap_or_default()
    }

    /// A text of the answer; empty if it is none.
    pub fn get(&self, name: &str) -> &str {
        self.value[name].as_str().unwrap_or_default()
    }

    /// The answer, which must be a good one.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn good(self) -> Self {
        assert!(self.code == 0, "exit {}: {} {}", self.code, self.error, self.text);
        self
    }
}

/// `eseal` at one server, with its own place for sessions.
#[derive(Debug, Clone)]
pub struct Eseal {
    /// The server.
    pub url: String,
    /// Where sessions are kept.
    pub sessions: PathBuf,
    /// Whose certificate the server has, where it has one.
    pub ca: Option<PathBuf>,
    /// Further variables of its environment.
    pub environment: Vec<(String, PathBuf)>,
}

impl Eseal {
    /// Runs `eseal --json` with these words.
    ///
    /// # Panics
    /// It can't be started.
    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Answer {
        let mut command = self.command(words);
        let Output { status, stdout, stderr } = command.output().expect("eseal starts");
        let (text, told) =
            (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
        let error = told.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
        Answer {
            code: status.code().unwrap_or(-1),
            value: serde_json::from_str(&text).unwrap_or_default(),
            text: if text.is_empty() { told } else { text },
            error: error["error"].clone(),
        }
    }

    /// `eseal --json` with these words, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.speaking(&["--json", "--lang", "zh-CN"], words);
        command.stdin(Stdio::null());
        command
    }

    /// `eseal` as somebody at a terminal runs it, in English, not started yet. Ctrl-C interrupts it though it does not interrupt
    /// these tests, as where a shell runs them in the background.
    pub fn at_terminal<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let eseal = self.speaking(&["--lang", "en"], words);
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(eseal.get_program()).args(eseal.get_args());
        for (name, value) in eseal.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn speaking<S: AsRef<OsStr>>(&self, first: &[&str], words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program("eseal"));
        command.args(first).arg("--server").arg(&self.url);
        if let Some(ca) = &self.ca {
            command.arg("--ca").arg(ca);
        }
        command.args(words);
        command.env("ESEAL_CONFIG_DIR", &self.sessions).env_remove("ESEAL_TOKEN");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it on behalf of `name`.
    pub fn run_as<S: AsRef<OsStr>>(&self, name: &str, words: impl IntoIterator<Item = S>) -> Answer {
        let words: Vec<_> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self.run(["--as".into(), name.into()].into_iter().chain(words))
    }

    /// Asks again and again, since services hear of each other's facts a moment later.
    ///
    /// # Panics
    /// `what` did not come about within two minutes.
    pub fn until<T>(&self, what: &str, look: impl FnMut(&Self) -> Option<T>) -> T {
        self.until_within(Duration::from_secs(120), what, look)
    }

    /// The same for what takes long.
    ///
    /// # Panics
    /// `what` did not come about within `bound`.
    pub fn until_within<T>(&self, bound: Duration, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + bound;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited {bound:?} in vain until {what}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}
