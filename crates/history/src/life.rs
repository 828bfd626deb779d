//! The second reading: what belongs to the asked seal, in order.

use eseal_kernel::{Digest, Id};
use eseal_proto::event::v1::Event;

use crate::check::{Check, hash_of, stated};
use crate::line::Line;
use crate::order::in_order;
use crate::standing::{Moment, Standing};
use crate::survey::{Scope, Survey, stream};

/// The events were not the same when they were read again: somebody changed them between the readings, or the server
/// gives what it likes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the events of {stream_id} of {owner} were not the same when they were read again")]
pub struct Changed {
    /// Whose events.
    pub owner: String,
    /// The stream that ended otherwise.
    pub stream_id: String,
}

/// What belongs to one seal or application.
#[derive(Debug)]
pub struct Life {
    scope: Scope,
    events: Vec<Event>,
}

impl Life {
    /// Nothing yet.
    pub const fn new(scope: Scope) -> Self {
        Self { scope, events: Vec::new() }
    }

    /// Keeps an event if it belongs here.
    pub fn read(&mut self, event: Event) {
        if self.scope.streams.get(&event.owner).is_some_and(|streams| streams.contains(&event.stream_id)) {
            self.events.push(event);
        }
    }

    /// Brings what was read into order, after a look at whether it is what the first reading saw.
    ///
    /// # Errors
    /// [`Changed`].
    pub fn settle(mut self, survey: &Survey) -> Result<Self, Changed> {
        let checks = survey.checks();
        for (owner, streams) in &self.scope.streams {
            let checked = checks.get(owner.as_str()).is_some_and(Check::passed);
            for stream_id in streams {
                let of_it = self.events.iter().filter(|event| event.owner == *owner && event.stream_id == *stream_id);
                let read = Read::of(of_it);
                let tip = survey.tip(owner, stream_id);
                let ended_alike = tip.is_some_and(|tip| (read.version, read.hash) == (tip.version, tip.hash));
                if !ended_alike || (checked && !read.is_whole) {
                    return Err(Changed { owner: owner.clone(), stream_id: stream_id.clone() });
                }
            }
        }
        self.events = in_order(self.events);
        Ok(self)
    }

    /// What it is the life of.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The events, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events as lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.events.iter().map(Line::of)
    }

    /// What was so at a moment.
    pub fn as_of(&self, moment: Moment) -> Standing {
        Standing::at(self, moment)
    }

    /// The events of one stream, in its order.
    pub(crate) fn stream(&self, owner: &str, kind: &str, id: Id) -> Vec<&Event> {
        let name = stream(kind, id);
        self.events.iter().filter(|event| event.owner == owner && event.stream_id == name).collect()
    }
}

/// A stream as it was read again.
struct Read {
    version: u64,
    hash: Digest,
    /// Each event has the hash of its content and of the one before it.
    is_whole: bool,
}

impl Read {
    fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut read = Self { version: 0, hash: stated(""), is_whole: true };
        let mut before = "";
        for event in events {
            let whole = event.prev_hash == before && hash_of(event).to_string() == event.hash;
            read = Self {
                version: event.stream_version,
                hash: stated(&event.hash),
                is_whole: read.is_whole && whole && event.stream_version == read.version + 1,
            };
            before = &event.hash;
        }
        read
    }
}
