//! A distributed system to which things happen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use eseal_testkit::{NatsTls, NatsUser};
use fastrand::Rng;

use super::Pace;
use crate::audit::{Books, Case, Expected, Findings, Message, Store, audit, compare_tables, consumers};
use crate::company::Company;
use crate::load::{Door, Ledger, Load, Plan};
use crate::platform::{Platform, PlatformOptions, SERVICES};

/// How long consumers and relays may take to come to the end once nothing new begins.
const REST: Duration = Duration::from_secs(90);

/// A distributed system, all that its clients were ever told, and all that was done to it.
#[derive(Debug)]
pub struct Site {
    /// The people, and the system that they use.
    pub company: Company,
    /// Decides everything that is left to chance.
    pub rng: Rng,
    /// How long things take.
    pub pace: Pace,
    /// How many faults there were.
    pub injected: u64,
    /// What faults leave on purpose.
    pub expected: Expected,
    /// Where programs of another release lie, if there is one to run beside this one.
    pub beside: Option<std::path::PathBuf>,
    ledger: Ledger,
}

/// The databases of all services.
type Stores = Vec<(&'static str, Store)>;

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Commands acknowledged so far.
    pub acknowledged: usize,
    /// Of them, those that were sent more than once.
    pub repeated: usize,
    /// Commands of which nobody said what became of them.
    pub open: usize,
    /// Tries without a good answer in this run.
    pub failed_tries: u64,
    /// Facts in all stores.
    pub events: usize,
    /// Messages in all streams.
    pub messages: usize,
    /// What does not fit.
    pub findings: Findings,
}

impl Site {
    /// A new system in an empty folder. PostgreSQL must be able to reach it.
    pub fn found(folder: &Path, seed: u64, pace: Pace) -> Self {
        let options = PlatformOptions {
            real_syncs: true,
            postgres_folder: Some(folder.join("postgres")),
            ..PlatformOptions::default()
        };
        let company = Company::found_distributed(&folder.join("company"), options);
        let rng = Rng::with_seed(seed);
        let (injected, expected, ledger) = (0, Expected::default(), Ledger::default());
        Self { company, rng, pace, injected, expected, beside: None, ledger }
    }

    /// The system.
    pub fn platform(&mut self) -> &mut Platform {
        self.company.platform()
    }

    /// A load at its door.
    pub fn load(&mut self) -> Load {
        let door = Door { url: self.company.eseal.url.clone(), ca: self.company.eseal.ca.clone() };
        self.load_at(&door)
    }

    /// A load at this door.
    pub fn load_at(&mut self, door: &Door) -> Load {
        Load::begin(door, &self.company.path("ca"), &Plan::of_seed(self.rng.u64(..u64::MAX / 1_000)))
    }

    /// What the clients of a load were told is to be true from now on.
    pub fn remember(&mut self, ledger: Ledger) {
        self.ledger.append(ledger);
    }

    /// What the clients were told so far.
    pub const fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// A moment at random, at most so long.
    pub fn moment(&mut self, longest: Duration) -> Duration {
        Duration::from_millis(self.rng.u64(..u64::try_from(longest.as_millis()).unwrap_or(u64::MAX).max(1)))
    }

    /// Lets that much time pass.
    pub fn pass(&self, time: Duration) {
        super::let_pass(time);
    }

    /// Somebody on the bus, by their certificate.
    ///
    /// # Errors
    /// Why the server did not let them in.
    pub fn bus_user(&mut self, name: &str) -> Result<NatsUser, String> {
        let platform = self.platform();
        let files = platform.certificate(name);
        let tls = NatsTls {
            ca_file: files.join("ca.crt"),
            cert_file: files.join("tls.crt"),
            key_file: files.join("tls.key"),
        };
        platform.block_on(NatsUser::connect(&platform.nats, name, Some(&tls)))
    }

    /// Everything runs, every consumer comes to the end, and all is held against each other; rebuilt too.
    ///
    /// # Errors
    /// What can't be looked at.
    pub fn come_to_rest(&mut self, failed_tries: u64) -> Result<Audited, String> {
        self.platform().start_all();
        let deadline = Instant::now() + REST;
        let stores = self.stores()?;
        let (books, mut findings) = loop {
            let are_through = self.consumers_are_through(&stores)?;
            if are_through || Instant::now() > deadline {
                let books = self.books_of(&stores)?;
                let findings = audit(&Case { ledger: &self.ledger, books: &books, expected: &self.expected });
                if findings.is_empty() || Instant::now() > deadline {
                    break (books, findings);
                }
            }
            super::let_pass(Duration::from_millis(250));
        };
        if findings.is_empty() {
            self.rebuild(&stores, &mut findings)?;
        }
        Ok(Audited {
            acknowledged: self.ledger.acknowledged(),
            repeated: self.ledger.repeated(),
            open: self.ledger.open().count(),
            failed_tries,
            events: books.values().map(|books| books.events.len()).sum(),
            messages: books.values().filter_map(|books| books.stream.as_ref()).map(Vec::len).sum(),
            findings,
        })
    }

    fn consumers_are_through(&mut self, stores: &Stores) -> Result<bool, String> {
        self.platform().block_on(async {
            let (mut heads, mut cursors) = (BTreeMap::new(), BTreeMap::new());
            for (owner, store) in stores {
                heads.insert(*owner, store.head().await?);
                cursors.extend(store.cursors().await?);
            }
            Ok(consumers().iter().all(|(_, consumer, owner)| {
                let cursor = cursors.get(&((*consumer).to_owned(), (*owner).to_owned()));
                cursor.copied().unwrap_or_default() == heads[owner]
            }))
        })
    }

    /// Everything that was written down.
    ///
    /// # Errors
    /// What can't be read.
    pub fn books(&mut self) -> Result<BTreeMap<&'static str, Books>, String> {
        let stores = self.stores()?;
        self.books_of(&stores)
    }

    fn books_of(&mut self, stores: &Stores) -> Result<BTreeMap<&'static str, Books>, String> {
        let mut all = BTreeMap::new();
        for (owner, store) in stores {
            // A service may look into its own stream; nobody else has to be let in for that.
            let user = self.bus_user(owner)?;
            let stream = format!("ESEAL_{}", owner.to_uppercase());
            let (books, messages) =
                self.platform().block_on(async { (store.books().await, user.messages(&stream).await) });
            let messages = messages?.into_iter().map(|message| Message {
                sequence: message.sequence,
                subject: message.subject,
                headers: message.headers.into_iter().collect(),
                payload: message.payload,
            });
            all.insert(*owner, Books { stream: Some(messages.collect()), ..books? });
        }
        Ok(all)
    }

    fn stores(&mut self) -> Result<Stores, String> {
        let platform = self.platform();
        let mut stores = Vec::new();
        for owner in SERVICES {
            let url = platform.postgres.url(&format!("eseal_{owner}"));
            stores.push((owner, platform.block_on(Store::open(owner, &url))?));
        }
        Ok(stores)
    }

    /// Folds every read table anew, by the command of its operators, and looks whether anything changed.
    fn rebuild(&mut self, stores: &Stores, findings: &mut Findings) -> Result<(), String> {
        for (owner, store) in stores {
            let platform = self.platform();
            let before = platform.block_on(store.tables())?;
            let rebuilt = platform.operate(owner, &["rebuild"]);
            rebuilt.map_err(|(code, why)| format!("rebuild of {owner}: exit {code}: {why}"))?;
            let after = platform.block_on(store.tables())?;
            compare_tables(owner, &before, &after, findings);
        }
        Ok(())
    }

    /// What the processes told last, for people who look why something went wrong.
    pub fn last_words(&mut self) -> String {
        let platform = self.platform();
        let end = |process: String| {
            let text = platform.served(&process).log_text();
            let lines: Vec<_> = text.lines().collect();
            format!("--- {process}\n{}\n", lines[lines.len().saturating_sub(6)..].join("\n"))
        };
        platform.running().into_iter().map(end).collect()
    }
}
