//! The standalone as its users meet it: in this process, and as the program.

mod identity;
mod program;
mod routes;
mod start;

use std::path::Path;
use std::time::Duration;

use eseal_kernel::{Clock, Timestamp};
use eseal_standalone::password::Password;
use eseal_standalone::users::NewUser;
use eseal_standalone::{Options, Running, Standalone};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// What is slow is wrong, but what is not over after this is stuck.
const BOUND: Duration = Duration::from_secs(120);

/// A standalone with a folder and a clock of its own.
struct House {
    folder: TempDir,
    clock: Clock,
    running: Running,
}

fn options(folder: &Path, clock: &Clock) -> Options {
    let free_port = "127.0.0.1:0".parse().expect("an address");
    Options::new(folder).expect("settings").listening_on(free_port).with_clock(clock.clone())
}

impl House {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
        let running = Standalone::start(options(folder.path(), &clock)).await.expect("started");
        Self { folder, clock, running }
    }

    async fn channel(&self) -> Channel {
        channel(&self.running.address.to_string()).await
    }
}

async fn channel(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect().await.expect("connected")
}

fn user(name: &str, roles: &[eseal_service::Role]) -> NewUser {
    NewUser { password: Some(password()), ..NewUser::new(name, roles) }
}

fn password() -> Password {
    Password::try_new("correct horse").expect("a password")
}
