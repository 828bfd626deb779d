//! A running load of whole lives of seals: each from a hosted key to the revoked seal, by many workers at a time, over
//! gRPC at one address, as people's programs would.
//!
//! A command has one request id and is sent with it until somebody answers, through kills of whatever is behind the
//! address. What was answered is written into a [`Ledger`], against which [`crate::audit`] holds the stores.

mod ledger;
mod life;
mod line;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eseal_proto::application::v1::PutMaterialRequest;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use fastrand::Rng;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

pub use ledger::{Entry, Figures, Ledger, Rpc, Trace, Verdict, Writing};
pub use line::Door;

use life::{People, World};
use line::Sender;

/// The picture of all seals. An uploaded one, because drawing takes longer than all the rest of a life.
const PICTURE: &[u8] = include_bytes!("../documents/impression.png");

/// How much load.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides what each life is like.
    pub seed: u64,
    /// How many lives at a time.
    pub workers: u64,
    /// When no new life is begun any more.
    pub within: Duration,
    /// How long one command is tried until it counts as unanswered.
    pub patience: Duration,
}

impl Plan {
    /// Two workers, until the load is told to finish.
    pub const fn of_seed(seed: u64) -> Self {
        Self { seed, workers: 2, within: Duration::from_secs(600), patience: Duration::from_secs(120) }
    }
}

/// A load at work. It ends when this is dropped.
pub struct Load {
    runtime: Runtime,
    workers: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
    ledger: Writing,
}

impl Load {
    /// Begins. `authorities` is the folder of `eseal dev-ca create`.
    ///
    /// # Panics
    /// The people of the load can't sign in, or the authorities are not there.
    pub fn begin(door: &Door, authorities: &std::path::Path, plan: &Plan) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let ledger = Writing::default();
        let (people, world) = runtime.block_on(meet(door, authorities.to_owned(), plan, &ledger));
        let (world, over) = (Arc::new(world), Arc::new(AtomicBool::new(false)));
        let deadline = Instant::now() + plan.within;
        let workers = (0..plan.workers).map(|worker| {
            let (people, world, over, ledger) = (people.clone(), world.clone(), over.clone(), ledger.clone());
            let mut rng = Rng::with_seed(plan.seed.wrapping_mul(1_000).wrapping_add(worker));
            runtime.spawn(async move {
                let over = || over.load(Ordering::SeqCst) || Instant::now() > deadline;
                while !over() {
                    if life::live(&people, &world, &mut rng, &over).await.is_ok() {
                        ledger.figures().lives.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        });
        let workers = workers.collect();
        Self { runtime, workers, over, ledger }
    }

    /// How many commands were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.figure(|figures| &figures.acknowledged)
    }

    /// How many whole lives were lived so far.
    pub fn lives(&self) -> u64 {
        self.figure(|figures| &figures.lives)
    }

    /// How many tries had no good answer so far.
    pub fn failed_tries(&self) -> u64 {
        self.figure(|figures| &figures.failed_tries)
    }

    fn figure(&self, which: impl Fn(&Figures) -> &AtomicU64) -> u64 {
        which(self.ledger.figures()).load(Ordering::SeqCst)
    }

    /// Waits until so many more commands are acknowledged: the system does its work.
    ///
    /// # Errors
    /// They were not within that time.
    pub fn advances(&self, by: u64, within: Duration) -> Result<(), String> {
        let (before, deadline) = (self.acknowledged(), Instant::now() + within);
        while self.acknowledged() < before + by {
            if Instant::now() > deadline {
                let advanced = self.acknowledged() - before;
                return Err(format!("only {advanced} of {by} commands were acknowledged within {within:?}"));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits until so many more lives were lived to their end: every part of the system does its work.
    ///
    /// # Errors
    /// They were not within that time.
    pub fn lives_on(&self, by: u64, within: Duration) -> Result<(), String> {
        let (before, deadline) = (self.lives(), Instant::now() + within);
        while self.lives() < before + by {
            if Instant::now() > deadline {
                return Err(format!(
                    "only {} of {by} lives came to their end within {within:?}",
                    self.lives() - before
                ));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Begins nothing new, and waits for the answers to what is under way; what the clients were told.
    pub fn finish(self) -> Ledger {
        let Self { runtime, workers, over, ledger } = self;
        over.store(true, Ordering::SeqCst);
        runtime.block_on(async {
            for worker in workers {
                let _ = worker.await; // one that panicked left what it was told
            }
        });
        ledger.finish()
    }
}

/// People sign in, and the picture of all seals is put in.
async fn meet(door: &Door, authorities: PathBuf, plan: &Plan, ledger: &Writing) -> (People, World) {
    let sender = async |name: &'static str| {
        let line = door.sign_in(name, plan.patience).await.expect("signed in");
        Sender { name, line, ledger: ledger.clone(), patience: plan.patience }
    };
    let (zhao, li, root) = (sender("zhao").await, sender("li").await, sender("root").await);
    let put = PutMaterialRequest {
        content: PICTURE.to_vec(),
        media_type: "image/png".to_owned(),
        width_mm: 40,
        height_mm: 40,
        ..Default::default()
    };
    let ask = |line| {
        let put = put.clone();
        async move { ApplicationServiceClient::new(line).put_material(put).await }
    };
    let deadline = Instant::now() + plan.patience;
    let picture = zhao.look(|| Instant::now() > deadline, ask, |put| Some(put.digest)).await.expect("the picture");
    let authorities = life::authorities(&authorities);
    (People { zhao, li, root }, World { authorities, picture })
}
