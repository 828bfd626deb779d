//! Whether events are what they were: hashes, chains and positions. The same rules as `docs/event-envelope.md` gives to
//! others.

use std::collections::HashMap;
use std::fmt::Display;

use eseal_kernel::{Digest, Envelope};
use eseal_proto::event::v1::Event;
use serde::Serialize;

/// What does not fit about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A field of the envelope has a control character, or a hash is not one: such an event was never recorded.
    Malformed {
        /// The field.
        field: &'static str,
    },
    /// It is not the event that was hashed: a field or the payload was changed.
    Changed {
        /// The hash that its content gives.
        computed: Digest,
    },
    /// It does not follow the event before it in its stream: that one was exchanged, and its hash with it.
    Unlinked {
        /// The hash of the event before; none if this is the first.
        before: Option<Digest>,
    },
    /// An event of the stream is missing before it, or it came out of order.
    VersionMissing {
        /// The version that should come.
        expected: u64,
    },
    /// An event of the service is missing before it, or it came out of order.
    PositionMissing {
        /// The position that should come.
        expected: u64,
    },
    /// Events at the end are missing: the service says that its history goes on.
    TailMissing {
        /// The first position that is missing.
        expected: u64,
        /// The position that the service names as its last.
        head: u64,
    },
}

impl Wrong {
    /// Every code with what it means, in Chinese and English: for `docs/error-codes.md`.
    pub const CODES: &'static [(&'static str, &'static str, &'static str)] = &[
        ("EVENT_MALFORMED", "事件字段不合规范", "A field of the event is malformed: no service recorded such an event"),
        ("EVENT_CHANGED", "事件内容与其哈希不符", "The event is not the one that was hashed: its content was changed"),
        (
            "EVENT_UNLINKED",
            "事件与前一事件的哈希不相接",
            "The event does not follow the one before it in its stream: that one was exchanged",
        ),
        ("VERSION_MISSING", "事件流中缺少事件或次序不对", "An event of the stream is missing or out of order"),
        ("POSITION_MISSING", "服务的事件中缺少事件或次序不对", "An event of the service is missing or out of order"),
        ("TAIL_MISSING", "末尾的事件缺失", "Events at the end are missing"),
    ];

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "EVENT_MALFORMED",
            Self::Changed { .. } => "EVENT_CHANGED",
            Self::Unlinked { .. } => "EVENT_UNLINKED",
            Self::VersionMissing { .. } => "VERSION_MISSING",
            Self::PositionMissing { .. } => "POSITION_MISSING",
            Self::TailMissing { .. } => "TAIL_MISSING",
        }
    }
}

/// The first event of an owner that does not fit what came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where it lies; of a missing tail, the first position that is not there.
    pub position: u64,
    /// Which event; empty for a missing tail.
    pub event_id: String,
    /// Its stream; empty for a missing tail.
    pub stream_id: String,
    /// Its version in the stream; 0 for a missing tail.
    pub stream_version: u64,
    /// What does not fit.
    pub wrong: Wrong,
}

/// How far the events of one owner are what they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// Events that fit, from the first one on.
    pub events: u64,
    /// Their streams.
    pub streams: usize,
    /// The position of the last event that was read, fitting or not.
    pub last_position: u64,
    /// The last position as the service named it before the reading; none where no service was asked.
    pub head_position: Option<u64>,
    /// The first event that does not fit. What comes after it is not checked.
    pub misfit: Option<Misfit>,
}

impl Check {
    /// Whether everything fits.
    pub const fn passed(&self) -> bool {
        self.misfit.is_none()
    }
}

/// Where the events of a stream lie, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The position of its first event.
    pub first: u64,
    /// The position of its last event.
    pub last: u64,
    /// The version of its last event.
    pub version: u64,
    /// The hash that its last event states.
    pub hash: Digest,
}

/// Reads the events of one owner in their order, from position 1 on, and checks them if it is asked to.
#[derive(Debug, Default)]
pub struct Checker {
    checking: bool,
    tips: HashMap<Box<str>, Tip>,
    found: Check,
}

impl Checker {
    /// Checks, or only notes where streams lie.
    pub fn new(checking: bool) -> Self {
        Self { checking, ..Self::default() }
    }

    /// Where this stream lies.
    pub fn tip(&self, stream: &str) -> Option<&Tip> {
        self.tips.get(stream)
    }

    /// Looks at the next event. After one that does not fit, none is checked any more.
    pub fn next(&mut self, event: &Event) {
        self.found.last_position = event.position;
        if self.checking && self.found.misfit.is_none() {
            match self.fit(event) {
                Ok(()) => {
                    self.found.events += 1;
                    self.found.streams += usize::from(event.stream_version == 1);
                }
                Err(wrong) => {
                    self.found.misfit = Some(Misfit {
                        position: event.position,
                        event_id: event.event_id.clone(),
                        stream_id: event.stream_id.clone(),
                        stream_version: event.stream_version,
                        wrong,
                    });
                }
            }
        }
        let hash = stated(&event.hash);
        let (position, version) = (event.position, event.stream_version);
        match self.tips.get_mut(event.stream_id.as_str()) {
            Some(tip) => *tip = Tip { first: tip.first, last: tip.last.max(position), version, hash },
            None => {
                let tip = Tip { first: position, last: position, version, hash };
                self.tips.insert(event.stream_id.as_str().into(), tip);
            }
        }
    }

    /// What was found. `head_position` is where the service said that its history ends.
    pub fn found(&self, head_position: Option<u64>) -> Check {
        let mut found = Check { head_position, ..self.found.clone() };
        let expected = found.last_position + 1;
        if let Some(head) = head_position
            && head >= expected
            && found.misfit.is_none()
        {
            let (event_id, stream_id) = (String::new(), String::new());
            let wrong = Wrong::TailMissing { expected, head };
            found.misfit = Some(Misfit { position: expected, event_id, stream_id, stream_version: 0, wrong });
        }
        found
    }

    fn fit(&self, event: &Event) -> Result<(), Wrong> {
        let expected = self.found.events + 1;
        if event.position != expected {
            return Err(Wrong::PositionMissing { expected });
        }
        well_formed(event)?;
        let stated: Digest = event.hash.parse().map_err(|_| Wrong::Malformed { field: "hash" })?;
        let computed = hash_of(event);
        if computed != stated {
            return Err(Wrong::Changed { computed });
        }
        let before = self.tips.get(event.stream_id.as_str());
        let expected = before.map_or(1, |tip| tip.version + 1);
        if event.stream_version != expected {
            return Err(Wrong::VersionMissing { expected });
        }
        let before = before.map(|tip| tip.hash);
        let stated = Some(&event.prev_hash).filter(|text| !text.is_empty());
        let stated = stated.map(|text| text.parse().map_err(|_| Wrong::Malformed { field: "prev_hash" }));
        if before == stated.transpose()? { Ok(()) } else { Err(Wrong::Unlinked { before }) }
    }
}

/// The hash that an event states. A text that is none is found out by the check, and then nothing is compared with it.
pub(crate) fn stated(hash: &str) -> Digest {
    hash.parse().unwrap_or(Digest::from_bytes([0; 32]))
}

/// The hash that the event's content gives.
pub fn hash_of(event: &Event) -> Digest {
    let present = |text| Some(text as &dyn Display);
    Envelope {
        event_id: &event.event_id,
        stream_id: &event.stream_id,
        stream_version: event.stream_version,
        position: event.position,
        kind: &event.r#type,
        schema_version: event.schema_version,
        occurred_at: &event.occurred_at,
        actor: &event.actor,
        subject: &event.subject,
        correlation_id: &event.correlation_id,
        causation_id: present(&event.causation_id),
        payload: &event.payload,
        prev_hash: present(&event.prev_hash),
    }
    .hash()
}

/// Fields without control characters: else two different events could give the same text.
fn well_formed(event: &Event) -> Result<(), Wrong> {
    let fields = [
        ("event_id", &event.event_id),
        ("stream_id", &event.stream_id),
        ("type", &event.r#type),
        ("occurred_at", &event.occurred_at),
        ("actor", &event.actor),
        ("subject", &event.subject),
        ("correlation_id", &event.correlation_id),
        ("causation_id", &event.causation_id),
    ];
    let malformed = fields.into_iter().find(|(_, text)| text.chars().any(char::is_control));
    malformed.map_or(Ok(()), |(field, _)| Err(Wrong::Malformed { field }))
}

/// A [`Misfit`] as JSON.
#[derive(Debug, Serialize)]
pub struct MisfitView<'a> {
    code: &'static str,
    position: u64,
    event_id: &'a str,
    stream_id: &'a str,
    stream_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    computed_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_before: Option<String>,
}

impl Misfit {
    /// For scripts.
    pub fn view(&self) -> MisfitView<'_> {
        let mut view = MisfitView {
            code: self.wrong.code(),
            position: self.position,
            event_id: &self.event_id,
            stream_id: &self.stream_id,
            stream_version: self.stream_version,
            field: None,
            expected: None,
            computed_hash: None,
            hash_before: None,
        };
        match &self.wrong {
            Wrong::Malformed { field } => view.field = Some(field),
            Wrong::Changed { computed } => view.computed_hash = Some(computed.to_string()),
            Wrong::Unlinked { before } => view.hash_before = before.map(|hash| hash.to_string()),
            Wrong::VersionMissing { expected }
            | Wrong::PositionMissing { expected }
            | Wrong::TailMissing { expected, .. } => view.expected = Some(*expected),
        }
        view
    }
}

#[cfg(test)]
mod tests;
