//! Who may do what in NATS: the `authorization` block of the server's configuration, made here and nowhere else.
//!
//! A user is the subject of a client certificate (`tls { verify_and_map: true }`). Nothing is allowed that is not listed.

use std::fmt::Write as _;

use super::inbox_prefix;
use super::names::{durable_name, stream_name, subjects};

/// A user of NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatsUser<'a> {
    /// `setup.eseal`: makes streams and durables. It can't delete a stream or what is in it.
    Setup,
    /// `<name>.eseal`: a service publishes its own events and pulls its own durables.
    Service {
        /// The service.
        name: &'a str,
        /// Consumers and owners: `("fabrication", "application")`.
        consumers: Vec<(&'a str, &'a str)>,
    },
    /// `<name>.eseal`: another system pulls the durables `<name>__from_<owner>`, and writes nothing.
    Integrator {
        /// The system.
        name: &'a str,
        /// Whose events it may read.
        owners: Vec<&'a str>,
    },
}

impl NatsUser<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Setup => "setup",
            Self::Service { name, .. } | Self::Integrator { name, .. } => name,
        }
    }

    fn publishes(&self) -> Vec<String> {
        match self {
            Self::Setup => ["INFO", "STREAM.INFO.*", "STREAM.CREATE.*", "STREAM.UPDATE.*", "CONSUMER.>"]
                .map(|call| format!("$JS.API.{call}"))
                .to_vec(),
            Self::Service { name, consumers } => {
                let stream = stream_name(name);
                let mut allowed = vec![subjects(name)];
                allowed.extend(["STREAM.INFO", "STREAM.MSG.GET"].map(|call| format!("$JS.API.{call}.{stream}")));
                allowed.extend(consumers.iter().flat_map(|(consumer, owner)| pulls(consumer, owner)));
                allowed
            }
            Self::Integrator { name, owners } => owners.iter().flat_map(|owner| pulls(name, owner)).collect(),
        }
    }
}

/// What one must publish to pull a durable: requests, and what became of the messages.
fn pulls(consumer: &str, owner: &str) -> [String; 3] {
    let (stream, durable) = (stream_name(owner), durable_name(consumer, owner));
    [
        format!("$JS.API.CONSUMER.INFO.{stream}.{durable}"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"),
        format!("$JS.ACK.{stream}.{durable}.>"),
    ]
}

/// The `authorization` block for these users.
pub fn authorization(users: &[NatsUser<'_>]) -> String {
    let mut text = "authorization {\n  users: [\n".to_owned();
    for user in users {
        let (name, inbox) = (user.name(), inbox_prefix(user.name()));
        // Writing to a String can't fail.
        let _ = writeln!(text, "    {{\n      user: \"CN={name}.eseal,O=eseal\"\n      permissions: {{");
        let _ = writeln!(text, "        publish: {{ allow: [");
        for subject in user.publishes() {
            let _ = writeln!(text, "          \"{subject}\"");
        }
        let _ = writeln!(text, "        ] }}\n        subscribe: {{ allow: [\"{inbox}.>\"] }}\n      }}\n    }}");
    }
    text + "  ]\n}\n"
}
