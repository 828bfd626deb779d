//! A service behind its door, for its own tests (feature `testing`): the real layers, the real mesh, real tokens.
//!
//! ```ignore
//! let house = TestHouse::new(Clock::fixed(now));
//! let context = Context::new("fabrication", database, bus, house.peers("fabrication"), house.clock(), house.tasks());
//! house.open("fabrication", eseal_fabrication::wire(config, &context).await?);
//! house.open("authentication", Routes::new(TrustServiceServer::new(StandIn)));   // a peer that says so
//! let mut maker = MakerCardServiceClient::new(house.person("fabrication", "m1", &[Role::Maker], None));
//! ```

mod answers;
mod strangers;
mod teller;

use std::time::Duration;

use eseal_kernel::{Clock, Uscc};
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::access::AccessLayer;
use crate::client::{Bearer, Peers};
use crate::mesh::Mesh;
use crate::server::{Limits, Server};
use crate::tasks::Tasks;
use crate::token::{Grant, TokenIssuer};
use crate::{Language, Role};

pub use answers::{assert_refused, refusal, violation};
pub use strangers::{came, done, rpcs_for_people};
pub use teller::Teller;

/// A process with the services that a test opens in it.
#[derive(Clone)]
pub struct TestHouse {
    mesh: Mesh,
    tasks: Tasks,
    clock: Clock,
    issuer: TokenIssuer,
}

/// A channel with a token, or without one.
pub type TestChannel = InterceptedService<Channel, Bearer>;

impl TestHouse {
    /// An empty house with an issuer of its own, whose tokens live an hour.
    ///
    /// # Panics
    /// Without random numbers.
    #[allow(clippy::expect_used)]
    pub fn new(clock: Clock) -> Self {
        let key = TokenIssuer::generate_key().expect("random numbers");
        let hour = Duration::from_secs(3_600);
        let issuer = TokenIssuer::try_new("https://issuer.test", &key, hour, clock.clone()).expect("a key");
        Self { mesh: Mesh::new(), tasks: Tasks::new(), clock, issuer }
    }

    /// The clock that everything in the house reads.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The tasks of the house.
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// The other services, as `from` calls them.
    pub fn peers(&self, from: &'static str) -> Peers {
        Peers::mesh(from, self.mesh.clone())
    }

    /// Serves the routes as the service `name`, behind all layers.
    ///
    /// # Panics
    /// If the proto has a mistake in an access rule.
    #[allow(clippy::expect_used)]
    pub fn open(&self, name: &'static str, routes: Routes) {
        let access = AccessLayer::try_new(self.issuer.verifier()).expect("access rules");
        let server = Server::new(routes, access, Limits::default());
        self.tasks.spawn(name, server.serve_mesh(&self.mesh, name, self.tasks.stopping()));
    }

    /// A channel to `name` as a person with these roles, bound to an organization or not; answered in Chinese.
    ///
    /// # Panics
    /// If no token can be issued.
    #[allow(clippy::expect_used)]
    pub fn person(&self, name: &'static str, id: &str, roles: &[Role], organization: Option<&Uscc>) -> TestChannel {
        let grant = Grant { person_id: id.to_owned(), roles: roles.to_vec(), organization: organization.cloned() };
        let token = self.issuer.issue(&grant).expect("a token").token;
        self.bearing(name, Bearer::try_new(&token, Language::ZhCn).expect("a token"))
    }

    /// A channel to `name` as anybody.
    pub fn anybody(&self, name: &'static str) -> TestChannel {
        self.bearing(name, Bearer::anonymous(Language::ZhCn))
    }

    /// A channel to `to` as the service `from`.
    pub fn service(&self, to: &'static str, from: &'static str) -> Channel {
        self.mesh.channel(from, to)
    }

    /// A channel to `name` with what the bearer puts into each request.
    pub fn bearing(&self, name: &'static str, bearer: Bearer) -> TestChannel {
        InterceptedService::new(self.mesh.outside(name), bearer)
    }
}

/// Every option and command of a command line is explained in Chinese and in English.
///
/// # Panics
/// One is not.
pub fn explained_in_both(command: &clap::Command) {
    let explained = |text: Option<&clap::builder::StyledStr>| {
        let text = text.map(ToString::to_string).unwrap_or_default();
        let (latin, han) = (|c: char| c.is_ascii_alphabetic(), |c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        text.contains(latin) && text.contains(han)
    };
    assert!(explained(command.get_about()), "{}", command.get_name());
    for argument in command.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
        assert!(explained(argument.get_help()), "{} {}", command.get_name(), argument.get_id());
    }
    command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(explained_in_both);
}
