//! One event of a life, for people and for scripts.

use eseal_proto::event::v1::Event;
use serde::Serialize;
use serde_json::Value;

use crate::fact::Fact;
use crate::words::{self, Language};

/// An event with what it says.
#[derive(Debug)]
pub struct Line<'a> {
    /// The event as it was read.
    pub event: &'a Event,
    /// What it says.
    pub fact: Fact,
}

/// A [`Line`] as JSON. Names are a contract.
#[derive(Debug, Serialize)]
pub struct LineView<'a> {
    /// When.
    pub at: &'a str,
    /// The service.
    pub owner: &'a str,
    /// Its place there.
    pub position: u64,
    /// The event.
    pub event_id: &'a str,
    /// Its stream.
    pub stream_id: &'a str,
    /// Its place there.
    pub stream_version: u64,
    /// The stable name of its kind.
    pub kind: &'a str,
    /// Whether this release knows what it says: `known`, `unknown` or `unreadable`.
    pub reading: &'static str,
    /// What happened, in words.
    pub what: String,
    /// The role that acted.
    pub role: &'a str,
    /// The internal id of who acted.
    pub actor_id: &'a str,
    /// The gate that refused.
    pub gate: Option<&'a str>,
    /// The code of the reason.
    pub reason: Option<&'a str>,
    /// The seal or application that it is about.
    pub subject: &'a str,
    /// What it belongs to.
    pub correlation_id: &'a str,
    /// The event that caused it.
    pub causation_id: Option<&'a str>,
    /// What was recorded.
    pub payload: Value,
    /// The hash that was recorded with it.
    pub hash: &'a str,
}

impl<'a> Line<'a> {
    /// Of an event.
    pub fn of(event: &'a Event) -> Self {
        Self { event, fact: Fact::of(event) }
    }

    /// Who acted: the role and the internal id.
    pub fn actor(&self) -> (&'a str, &'a str) {
        self.event.actor.split_once(':').unwrap_or(("", &self.event.actor))
    }

    /// What happened.
    pub fn what(&self, language: Language) -> String {
        words::what(self.event, &self.fact, language)
    }

    /// Whether a gate refused, or an application was sent back.
    pub fn is_refusal(&self) -> bool {
        self.reason().0.is_some() || self.event.r#type == "eseal.application.v1.Returned"
    }

    /// The gate that refused and the code of the reason, where there are such.
    pub fn reason(&self) -> (Option<&str>, Option<&str>) {
        words::reason(&self.fact)
    }

    /// For scripts.
    pub fn view(&self, language: Language) -> LineView<'_> {
        let event = self.event;
        let ((role, actor_id), (gate, reason)) = (self.actor(), self.reason());
        let text = || Value::String(String::from_utf8_lossy(&event.payload).into_owned());
        LineView {
            at: &event.occurred_at,
            owner: &event.owner,
            position: event.position,
            event_id: &event.event_id,
            stream_id: &event.stream_id,
            stream_version: event.stream_version,
            kind: &event.r#type,
            reading: match self.fact {
                Fact::Unknown => "unknown",
                Fact::Unreadable(_) => "unreadable",
                Fact::Application(_) | Fact::Fabrication(_) | Fact::Authentication(_) | Fact::Verification(_) => {
                    "known"
                }
            },
            what: self.what(language),
            role,
            actor_id,
            gate,
            reason,
            subject: &event.subject,
            correlation_id: &event.correlation_id,
            causation_id: Some(event.causation_id.as_str()).filter(|id| !id.is_empty()),
            payload: serde_json::from_slice(&event.payload).unwrap_or_else(|_| text()),
            hash: &event.hash,
        }
    }
}
