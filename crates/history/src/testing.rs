//! Histories for the tests here: hashed and chained as a store does it.

use std::collections::HashMap;

use eseal_kernel::{Digest, Id, Timestamp};
use eseal_proto::event::v1::Event;

use crate::check::hash_of;

/// A moment, so many seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

/// An id from a number.
pub(crate) fn id(number: u8) -> Id {
    Id::from_bytes([number; 16])
}

/// The growing history of one service.
#[derive(Debug)]
pub(crate) struct Chronicle {
    owner: &'static str,
    tips: HashMap<String, (u64, String)>,
    pub(crate) events: Vec<Event>,
}

impl Chronicle {
    pub(crate) fn of(owner: &'static str) -> Self {
        Self { owner, tips: HashMap::new(), events: Vec::new() }
    }

    /// Records a fact of the stream, so many seconds after the beginning. The kind is of the owner's package.
    pub(crate) fn add(&mut self, stream_id: &str, kind: &str, payload: &str, seconds: i64) -> &mut Event {
        self.add_caused(stream_id, kind, payload, seconds, "")
    }

    /// The same, caused by an event.
    pub(crate) fn add_caused(
        &mut self,
        stream_id: &str,
        kind: &str,
        payload: &str,
        seconds: i64,
        cause: &str,
    ) -> &mut Event {
        let position = self.events.len() as u64 + 1;
        let (version, prev_hash) = self.tips.get(stream_id).cloned().unwrap_or_default();
        let name = Digest::of(format!("{} {position}", self.owner).as_bytes());
        let mut event = Event {
            owner: self.owner.to_owned(),
            position,
            event_id: Id::derived(&name).to_string(),
            stream_id: stream_id.to_owned(),
            stream_version: version + 1,
            r#type: format!("eseal.{}.v1.{kind}", self.owner),
            schema_version: 1,
            occurred_at: at(seconds).to_string(),
            actor: "custodian:chen".to_owned(),
            subject: stream_id.split_once('-').map_or("", |(_, id)| id).to_owned(),
            correlation_id: id(7).to_string(),
            causation_id: cause.to_owned(),
            payload: payload.into(),
            prev_hash,
            ..Event::default()
        };
        event.hash = hash_of(&event).to_string();
        self.tips.insert(stream_id.to_owned(), (event.stream_version, event.hash.clone()));
        self.events.push(event);
        self.events.last_mut().expect("just added")
    }
}
