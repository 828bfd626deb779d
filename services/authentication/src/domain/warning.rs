//! What is told ahead of the end of a seal's validity and of its certificates.
//!
//! Each moment is told once. Who could not tell for a while tells the nearest one and passes the others over, and a moment
//! that lay before the registration is passed over too. Of a certificate it is told as well that it has ended; the end of
//! a seal's validity is a fact of its own. What will not be used any more has no warnings: a renewed seal is replaced, and
//! so its warnings stop.

use std::collections::BTreeMap;
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};

use super::registration::Registration;

/// Days ahead, the farthest first; 0 = it has ended.
const SEAL: [u8; 3] = [30, 7, 1];
const CERTIFICATE: [u8; 4] = [30, 7, 1, 0];

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The validity of the seal.
    Seal,
    /// A certificate, by its SHA-256.
    Certificate(Digest),
}

/// Something ends soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// What.
    pub ending: Ending,
    /// How many days ahead this is told.
    pub days: u8,
    /// Its last moment.
    pub ends_at: Timestamp,
}

/// The nearest moment that was told of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warned(BTreeMap<Ending, u8>);

impl Warned {
    /// One more was told.
    pub(super) fn evolve(&mut self, warning: &Warning) {
        self.0.insert(warning.ending, warning.days);
    }

    /// What is to be told now.
    pub(super) fn due(&self, registration: &Registration, now: Timestamp) -> Vec<Warning> {
        let due = |(ending, ends_at): (Ending, Timestamp)| {
            let reached = |days: &&u8| ahead(ends_at, **days) <= now;
            let nearest = self.open(registration, ending, ends_at).filter(reached).last();
            nearest.filter(|_| ending != Ending::Seal || now <= ends_at).map(|days| Warning {
                ending,
                days: *days,
                ends_at,
            })
        };
        endings(registration).filter_map(due).collect()
    }

    /// When something is to be told next; none if nothing is.
    pub fn next(&self, registration: &Registration, expiry_announced: bool) -> Option<Timestamp> {
        let next = |(ending, ends_at): (Ending, Timestamp)| {
            let next = self.open(registration, ending, ends_at).next();
            next.filter(|_| ending != Ending::Seal || !expiry_announced).map(|days| ahead(ends_at, *days))
        };
        endings(registration).filter_map(next).min()
    }

    /// The moments that can still be told, the farthest ahead first.
    fn open<'a>(
        &self,
        registration: &Registration,
        ending: Ending,
        ends_at: Timestamp,
    ) -> impl Iterator<Item = &'a u8> + use<'a> {
        let days: &[u8] = match ending {
            Ending::Seal => &SEAL,
            Ending::Certificate(_) => &CERTIFICATE,
        };
        let (told, registered_at) = (self.0.get(&ending).copied(), registration.registered_at);
        days.iter().filter(move |days| told.is_none_or(|told| **days < told) && ahead(ends_at, **days) > registered_at)
    }
}

/// What of a seal ends when. Seals that earlier releases registered say nothing of their certificates until these are dated.
fn endings(registration: &Registration) -> impl Iterator<Item = (Ending, Timestamp)> {
    let ends = registration.certificates_valid_to.iter().copied();
    let certificates = registration.certificates.iter().map(|digest| Ending::Certificate(*digest)).zip(ends);
    std::iter::once((Ending::Seal, registration.valid_to)).chain(certificates)
}

fn ahead(ends_at: Timestamp, days: u8) -> Timestamp {
    ends_at.minus(Duration::from_secs(u64::from(days) * 24 * 60 * 60))
}

#[cfg(test)]
mod tests;
