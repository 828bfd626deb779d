//! The organizations, people and cards of the stories: a world in which a seal can be applied for, made and used.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use eseal_testkit::Port;

use crate::platform::{Platform, PlatformOptions, SERVICES};
use crate::programs::{Answer, Eseal, Standalone};

/// 甲方.
pub const XINGHE: Organization =
    Organization { uscc: "91320500MA7XNGH152", name: "苏州星河精密制造有限公司" };
/// 乙方.
pub const YUNQI: Organization =
    Organization { uscc: "91330100MA7YUNQ29B", name: "杭州云栖数据技术有限公司" };
/// The password of everybody, made up for stories.
pub const PASSWORD: &str = "correct horse battery";
/// The PIN of every card, made up for stories. Like the other one it is not found in numbers and moments by chance.
pub const PIN: &str = "rowan-135246-pin";
/// A PIN that is wrong everywhere.
pub const WRONG_PIN: &str = "wrong-000000-pin";

/// Somebody who may sign in: name, internal id, roles, organization.
const PEOPLE: [(&str, &str, &[&str], Option<Organization>); 9] = [
    ("wang", "0198c0de-0000-7000-8000-000000000001", &["applicant"], Some(XINGHE)),
    ("chen", "0198c0de-0000-7000-8000-000000000002", &["custodian"], Some(XINGHE)),
    ("zhao", "0198c0de-0000-7000-8000-000000000003", &["applicant", "custodian"], Some(YUNQI)),
    ("li", "0198c0de-0000-7000-8000-000000000004", &["reviewer"], None),
    ("zhang", "0198c0de-0000-7000-8000-000000000005", &["maker"], None),
    ("qian", "0198c0de-0000-7000-8000-000000000006", &["auditor"], None),
    ("root", "0198c0de-0000-7000-8000-000000000007", &["admin"], None),
    ("feed", "0198c0de-0000-7000-8000-000000000008", &["integrator"], None),
    ("sun", "0198c0de-0000-7000-8000-000000000009", &["applicant", "custodian"], Some(XINGHE)),
];

/// A legal entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organization {
    /// Its code.
    pub uscc: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// The internal id of somebody.
///
/// # Panics
/// Nobody of that name is in the stories.
pub fn id_of(name: &str) -> &'static str {
    PEOPLE.iter().find(|(known, ..)| *known == name).map(|(_, id, ..)| *id).expect("a name of the stories")
}

/// A system that is set up: CAs, cards, people, trust; nobody has applied for anything.
#[derive(Debug)]
pub struct Company {
    /// Files of the people.
    pub folder: PathBuf,
    /// Their client.
    pub eseal: Eseal,
    /// The system; none while it is down.
    pub system: Option<System>,
    /// How the system is set up where it is a distributed one.
    options: Option<PlatformOptions>,
    /// Where it listens where it is a standalone: the same when it is started again.
    port: Option<Port>,
}

/// The system that a company runs.
#[derive(Debug)]
pub enum System {
    /// All in one process.
    Standalone(Standalone),
    /// Every service a process of its own.
    Platform(Box<Platform>),
}

impl Company {
    /// Sets everything up in an empty folder, on the standalone.
    pub fn found(folder: &Path) -> Self {
        Self::found_with(folder, "")
    }

    /// The same with further settings of the standalone.
    pub fn found_with(folder: &Path, settings: &str) -> Self {
        let company = Self::prepare(folder, None);
        let written = std::fs::read_to_string(company.path("eseal.toml")).expect("the settings");
        std::fs::write(company.path("eseal.toml"), written + settings).expect("a file");
        let company = company.start();
        company.open_for_business();
        company
    }

    /// Sets everything up in an empty folder, on the distributed system; or starts it again on what the folder holds.
    pub fn found_distributed(folder: &Path, options: PlatformOptions) -> Self {
        let is_new = !folder.join("ca").exists();
        let company = Self::prepare(folder, Some(options)).start();
        if is_new {
            company.open_for_business();
        } else {
            company.sign_in();
        }
        company
    }

    /// CAs, cards, people and the running standalone; it trusts nobody yet.
    pub fn build(folder: &Path) -> Self {
        Self::prepare(folder, None).start()
    }

    fn prepare(folder: &Path, options: Option<PlatformOptions>) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let eseal = Eseal { url: String::new(), sessions: folder.join("sessions"), ca: None, environment: Vec::new() };
        let port = options.is_none().then(|| Port::free().expect("a free port"));
        let mut company = Self { folder: folder.to_owned(), eseal, system: None, options, port };
        for (name, secret) in [("pin", PIN), ("wrong-pin", WRONG_PIN), ("password", PASSWORD)] {
            std::fs::write(company.path(name), secret).expect("a file");
            let for_its_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(company.path(name), for_its_owner).expect("its mode");
        }
        if !company.path("ca").exists() {
            company.make_cards();
        }
        let (card, pin) = (company.text("service.card"), company.text("pin"));
        let config = format!("[fabrication]\nmaker_card_file = {card:?}\nmaker_pin_file = {pin:?}\n");
        std::fs::write(company.path("eseal.toml"), config).expect("a file");
        if let Some(options) = &mut company.options {
            let own_card = [("MAKER_CARD_FILE", card), ("MAKER_PIN_FILE", pin)];
            let settings = own_card.map(|(name, file)| (format!("ESEAL_SERVICE__{name}"), format!("{file:?}")));
            options.settings.entry("fabrication").or_default().extend(settings);
        }
        company
    }

    /// A CA, and cards with certificates by it.
    fn make_cards(&self) {
        let _ = self.run(&["dev-ca", "create", "@ca"]).good();
        for (card, kind) in [("maker.card", "maker"), ("service.card", "maker"), ("seal.card", "holder")] {
            self.card(card, kind);
        }
        self.certify("maker.card", "张制章", None);
        self.certify("service.card", "eseal fabrication", None);
        self.certify("seal.card", "32050000000001", Some(XINGHE));
    }

    /// Everybody signs in.
    pub fn sign_in(&self) {
        for (name, ..) in PEOPLE {
            let _ = self.run(&["login", name, "--password-file", "@password"]).good();
        }
    }

    /// People sign in, and the admin tells the system whom to trust.
    pub fn open_for_business(&self) {
        self.sign_in();
        let _ = self.as_(&["root", "trust", "add", "--purpose", "holder", "@ca/roots.pem"]).good();
        let _ = self.as_(&["root", "trust", "add", "--purpose", "maker", "@ca/makers.pem"]).good();
        let maker = id_of("zhang");
        let _ = self.as_(&["root", "maker-card", "issue", "@maker.card", "--maker", maker]).good();
        let _ = self.as_(&["root", "maker-card", "issue", "@service.card", "--maker", "fabrication"]).good();
    }

    /// Starts the system on the data that it left.
    #[must_use]
    pub fn start(mut self) -> Self {
        match self.options.clone() {
            None => self.start_standalone(),
            Some(options) => {
                let platform = Platform::start(&self.path("platform"), options);
                self.enroll(&platform.users());
                self.eseal.url = platform.url();
                self.eseal.ca = Some(platform.ca());
                self.system = Some(System::Platform(Box::new(platform)));
            }
        }
        self
    }

    fn start_standalone(&mut self) {
        let address = self.port.as_ref().expect("a port of its own").address();
        let data = self.path("data");
        self.enroll(&data);
        let standalone = Standalone::start(&data, &self.path("eseal.toml"), address, &self.eseal.environment);
        self.eseal.url.clone_from(&standalone.url);
        self.system = Some(System::Standalone(standalone));
    }

    /// Everybody may sign in at the issuer with this folder.
    fn enroll(&self, data: &Path) {
        let enrolled = std::fs::read_to_string(data.join("users.toml")).unwrap_or_default();
        for (name, id, roles, organization) in PEOPLE {
            if !enrolled.contains(id) {
                Standalone::user(data, name, id, roles, organization.map(|o| o.uscc), PASSWORD);
            }
        }
    }

    /// Kills the system and starts it again; people sign in anew.
    #[must_use]
    pub fn restart(mut self) -> Self {
        self.restart_in_place();
        self.sign_in();
        self
    }

    /// Kills the system and starts it again, while its clients go on.
    pub fn restart_in_place(&mut self) {
        match self.system.take() {
            Some(System::Platform(mut platform)) => {
                SERVICES.iter().chain(["gateway"].iter()).for_each(|process| platform.kill(process));
                platform.start_all();
                self.system = Some(System::Platform(platform));
            }
            standalone => {
                drop(standalone);
                self.start_standalone();
            }
        }
    }

    /// Kills the services, has something done to what they left, and starts them again.
    pub fn while_down(&mut self, meanwhile: impl FnOnce(&mut Self)) {
        match &mut self.system {
            Some(System::Platform(platform)) => {
                SERVICES.iter().chain(["gateway"].iter()).for_each(|process| platform.kill(process));
                meanwhile(self);
                self.platform().start_all();
            }
            _ => {
                drop(self.system.take());
                meanwhile(self);
                self.start_standalone();
            }
        }
        self.sign_in();
    }

    /// The distributed system.
    ///
    /// # Panics
    /// It is none.
    pub fn platform(&mut self) -> &mut Platform {
        match &mut self.system {
            Some(System::Platform(platform)) => platform,
            _ => panic!("this company runs no distributed system"),
        }
    }

    /// The same people at another terminal.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self { folder: self.folder.clone(), eseal: self.eseal.clone(), system: None, options: None, port: None }
    }

    /// A new soft card.
    pub fn card(&self, file: &str, kind: &str) {
        let _ = self.run(&["card", "create", &format!("@{file}"), "--kind", kind, "--pin-file", "@pin"]).good();
    }

    /// Certificates for its keys by the CAs of the stories.
    pub fn certify(&self, file: &str, common_name: &str, organization: Option<Organization>) {
        let card = format!("@{file}");
        let mut words = vec!["dev-ca", "issue", "@ca", "--card", &card, "--common-name", common_name];
        words.extend(["--pin-file", "@pin"]);
        if let Some(Organization { uscc, name }) = organization {
            words.extend(["--organization", uscc, "--name", name]);
        }
        let _ = self.run(&words).good();
    }

    /// An application for a contract seal of 甲方; gives its id.
    pub fn applies(&self, seal_name: &str) -> String {
        let mut words = vec!["wang", "submit", "--organization", XINGHE.uscc, "--name", XINGHE.name];
        words.extend(["--seal-type", "contract", "--seal-name", seal_name, "--custodian", id_of("chen")]);
        self.as_(&words).good().get("applicationId").to_owned()
    }

    /// The application approved, and its fabrication waiting.
    pub fn approved(&self, application: &str) {
        let _ = self.as_(&["li", "approve", application]).good();
        self.eseal.until("the approved application waits to be made", |_| {
            let shown = self.as_(&["zhang", "show", "fabrication", application]);
            (shown.code == 0).then_some(())
        });
    }

    /// A run of the gates with these cards.
    pub fn makes(&self, application: &str, maker_card: Option<&str>, seal_card: Option<&str>) -> Answer {
        self.makes_with(application, maker_card, seal_card, "pin")
    }

    /// The same with the seal card's PIN from another file.
    pub fn makes_with(
        &self,
        application: &str,
        maker_card: Option<&str>,
        seal_card: Option<&str>,
        pin: &str,
    ) -> Answer {
        let pin = format!("@{pin}");
        let (maker_card, seal_card) = (maker_card.map(|c| format!("@{c}")), seal_card.map(|c| format!("@{c}")));
        let mut words = vec!["zhang", "make", application];
        if let Some(card) = &maker_card {
            words.extend(["--maker-card", card, "--maker-pin-file", "@pin"]);
        }
        if let Some(card) = &seal_card {
            words.extend(["--card", card, "--pin-file", &pin]);
        }
        self.as_(&words)
    }

    /// The made seal registered and put into use.
    pub fn activates(&self, seal: &str) {
        self.eseal.until("the made seal is registered", |_| {
            (self.as_(&["qian", "show", "seal", seal]).code == 0).then_some(())
        });
        let _ = self.as_(&["root", "activate", seal]).good();
    }

    /// A seal of 甲方 in use, on `seal.card`; gives its id and its application's.
    pub fn has_a_seal(&self) -> (String, String) {
        let application = self.applies("合同专用章");
        self.approved(&application);
        let seal = self.makes(&application, Some("maker.card"), Some("seal.card")).good().get("sealId").to_owned();
        self.activates(&seal);
        (seal, application)
    }

    /// The seal put on a document with a card.
    pub fn seals(&self, seal: &str, card: &str, pin: &str, input: &str, output: &str, at: &str) -> Answer {
        let (card, pin) = (format!("@{card}"), format!("@{pin}"));
        let (input, output) = (format!("@{input}"), format!("@{output}"));
        let mut words = vec!["chen", "seal", &input, "--seal", seal, "--card", &card, "--pin-file", &pin];
        words.extend(["--page", "2", "--at", at, "--output", &output]);
        self.as_(&words)
    }

    /// A hosted key of 乙方, certified; gives its id.
    pub fn has_a_hosted_key(&self) -> String {
        let mut words = vec!["zhao", "hosted-key", "create", "--organization", YUNQI.uscc, "--name", YUNQI.name];
        words.extend(["--pin-file", "@pin", "--output", "@yunqi"]);
        let key = self.as_(&words).good().get("hostedKeyId").to_owned();
        for suite in ["sm2", "p256"] {
            let (csr, pem) = (format!("@yunqi.{suite}.csr"), format!("@yunqi.{suite}.pem"));
            let mut words = vec!["dev-ca", "sign", "@ca", "--csr", &csr, "--common-name", "33010000000002"];
            words.extend(["--organization", YUNQI.uscc, "--name", YUNQI.name, "--output", &pem]);
            let _ = self.run(&words).good();
        }
        let _ = self.as_(&["zhao", "hosted-key", "certify", &key, "@yunqi.sm2.pem", "@yunqi.p256.pem"]).good();
        key
    }

    /// Verifies without the server, trusting the CAs of the stories.
    pub fn verifies_offline(&self, file: &str) -> Answer {
        let file = format!("@{file}");
        self.run(&["verify", &file, "--offline", "--trust", "@ca/roots.pem", "--maker-trust", "@ca/makers.pem"])
    }

    /// Runs `eseal`; words that begin with `@` are files of this company.
    pub fn run(&self, words: &[&str]) -> Answer {
        self.eseal.run(words.iter().map(|word| self.word(word)))
    }

    /// Runs `eseal` on behalf of the first word.
    pub fn as_(&self, words: &[&str]) -> Answer {
        let (name, words) = words.split_first().expect("a name");
        self.eseal.run_as(name, words.iter().map(|word| self.word(word)))
    }

    /// Starts `eseal` on behalf of the first word, and does not wait for it.
    ///
    /// # Panics
    /// It can't be started.
    pub fn begins(&self, words: &[&str]) -> Child {
        let words = ["--as"].iter().chain(words).map(|word| self.word(word));
        let mut command = self.eseal.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("eseal starts")
    }

    /// `eseal` on behalf of the first word as somebody at a terminal runs it, not started yet.
    pub fn at_terminal(&self, words: &[&str]) -> Command {
        self.eseal.at_terminal(["--as"].iter().chain(words).map(|word| self.word(word)))
    }

    /// A file of this company.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn word(&self, word: &str) -> String {
        word.strip_prefix('@').map_or_else(|| word.to_owned(), |name| self.text(name))
    }
}
