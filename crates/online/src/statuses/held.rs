//! When a statement holds, and when it is asked for anew.

use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_pki::Crl;

use crate::error::OnlineError;

/// By how much other clocks may differ from ours.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// How long a statement holds that does not say when the next one is due.
const UNDATED: Duration = Duration::from_secs(60 * 60);
/// A statement is asked for anew while this part of its time is left.
const LEFT: i64 = 4;

/// A statement, and when it holds.
#[derive(Debug, Clone)]
pub(super) struct Held<T> {
    pub(super) what: T,
    pub(super) from: Timestamp,
    /// `None`: for ever, as a revocation that can't be taken back.
    pub(super) until: Option<Timestamp>,
    /// From when on it is asked for anew.
    again: Option<Timestamp>,
}

impl<T> Held<T> {
    /// A statement that `url` made, with its thisUpdate and nextUpdate, that is neither of the future nor of the past.
    pub(super) fn try_new(
        url: &str,
        what: T,
        (from, next): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<Self, OnlineError> {
        not_ahead(url, from, now)?;
        let until = next.unwrap_or_else(|| from.plus(UNDATED));
        if until < now {
            return Err(OnlineError::Outdated { url: url.to_owned(), until });
        }
        Ok(Self { what, from, until: Some(until), again: Some(due(from, until)) })
    }

    /// A statement that nothing takes back.
    pub(super) const fn for_ever(what: T, from: Timestamp) -> Self {
        Self { what, from, until: None, again: None }
    }

    /// The same, to be asked for anew from this moment on at the latest.
    pub(super) fn asked_again(self, at: Timestamp) -> Self {
        Self { again: self.again.map(|again| again.min(at)), ..self }
    }

    /// Something else that holds as long.
    pub(super) fn with<U>(self, what: U) -> Held<U> {
        Held { what, from: self.from, until: self.until, again: self.again }
    }

    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now <= until)
    }

    pub(super) fn runs_out(&self, now: Timestamp) -> bool {
        self.again.is_some_and(|again| again <= now)
    }
}

impl Held<std::sync::Arc<Crl>> {
    /// A list, as long as it says that it holds.
    pub(super) fn list(url: &str, list: &std::sync::Arc<Crl>, now: Timestamp) -> Result<Self, OnlineError> {
        Self::try_new(url, list.clone(), (list.this_update(), list.next_update()), now)
    }
}

/// Refuses what was not said yet, by our clock.
pub(super) fn not_ahead(url: &str, from: Timestamp, now: Timestamp) -> Result<(), OnlineError> {
    if from > now.plus(TOLERANCE) { Err(OnlineError::Ahead { url: url.to_owned(), from }) } else { Ok(()) }
}

/// When a statement of these times is to be asked for anew.
pub(super) fn again(from: Timestamp, next: Option<Timestamp>) -> Timestamp {
    due(from, next.unwrap_or_else(|| from.plus(UNDATED)))
}

fn due(from: Timestamp, until: Timestamp) -> Timestamp {
    let whole = until.micros().saturating_sub(from.micros()).max(0);
    Timestamp::from_micros(until.micros().saturating_sub(whole / LEFT))
}
