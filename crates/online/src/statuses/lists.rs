//! Lists at addresses, of many certificates the same, each with the changes since (RFC 5280 §5.2.4, §6.3.3).
//!
//! The changes are looked for where the list or the certificate says (freshestCRL). They count once they fit: signed by the same
//! issuer, of the same scope, since this list or an earlier one, and newer than it. Changes since a newer list than the one at
//! hand ask for that one, so the whole list is fetched anew, at most every ten minutes.
//!
//! Where no changes are to be had, or what comes does not fit or is over, the whole list counts as long as it says that it
//! does, and the changes are asked for again a minute later. What they said before is not forgotten: a final revocation stays
//! one, and a hold is not taken back by a list from before it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::{Certificate, Crl, CrlError, DeltaCrl};

use super::held::{Held, again, not_ahead};
use super::{MOST, Statuses, make_room};
use crate::error::OnlineError;

const MOST_LISTS: usize = 64;
const MOST_BYTES: usize = 64 << 20;
/// The most places that are asked for the changes of a list.
const MOST_PLACES: usize = 8;
/// How long after a failure a list or its changes are asked for again.
const RETRY: Duration = Duration::from_secs(60);
/// How long a whole list is kept before changes that do not fit have it fetched anew.
const REFETCH: Duration = Duration::from_secs(10 * 60);

/// An address, and who had to sign what lies there.
type Place = (String, Digest);

/// What is known of the lists at addresses, in bounded memory.
#[derive(Default)]
pub(super) struct Lists {
    known: HashMap<Place, Known>,
    /// One at a time fetches; the others wait for what comes of it.
    turns: HashMap<Place, Arc<tokio::sync::Mutex<()>>>,
}

/// A list that its issuer signed, however old.
#[derive(Clone)]
struct Known {
    whole: Arc<Crl>,
    fetched: Timestamp,
    /// When it is fetched anew.
    due: Timestamp,
    /// With the newest changes that fit, however old.
    updated: Option<Arc<Crl>>,
    /// When its changes are fetched anew.
    changes_due: Timestamp,
}

/// What a place says of the certificates of an issuer.
pub(super) struct Found {
    /// The newest that it said, however old.
    pub(super) newest: Arc<Crl>,
    /// What of that counts now.
    pub(super) current: Result<Held<Arc<Crl>>, OnlineError>,
}

impl Lists {
    fn turn(&mut self, place: &Place) -> Arc<tokio::sync::Mutex<()>> {
        if self.turns.len() >= MOST {
            self.turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(self.turns.entry(place.clone()).or_default())
    }

    fn keep(&mut self, place: Place, known: Known) {
        self.known.remove(&place);
        make_room(&mut self.known, MOST_LISTS, |known| known.fetched);
        let bytes = |all: &HashMap<_, Known>| all.values().map(Known::bytes).sum::<usize>();
        while !self.known.is_empty() && bytes(&self.known) + known.bytes() > MOST_BYTES {
            let fewer = self.known.len();
            make_room(&mut self.known, fewer, |known| known.fetched);
        }
        self.known.insert(place, known);
    }
}

impl Known {
    /// A list, with the changes of the one before it that are newer than it.
    fn new(whole: Crl, before: Option<&Self>, now: Timestamp) -> Self {
        let changes = before.and_then(|before| before.updated.as_deref()).and_then(Crl::delta);
        let updated = changes.filter(|changes| changes.is_newer_than(&whole)).and_then(|it| whole.updated(it).ok());
        let due = again(whole.this_update(), whole.next_update());
        let changes_due = match &updated {
            Some(updated) => again(updated.this_update(), updated.next_update()),
            None => Timestamp::UNIX_EPOCH,
        };
        Self { whole: Arc::new(whole), fetched: now, due, updated: updated.map(Arc::new), changes_due }
    }

    fn bytes(&self) -> usize {
        // Brought up to date it is a list of its own in memory.
        let changes = self.updated.as_deref().and_then(Crl::delta).map(|changes| changes.der().len());
        self.whole.der().len() * (1 + usize::from(changes.is_some())) + changes.unwrap_or_default()
    }

    /// What it says with its changes, and without them where they are over.
    fn said(&self, url: &str, now: Timestamp) -> Found {
        let newest = self.updated.as_ref().unwrap_or(&self.whole);
        let current = Held::list(url, newest, now).or_else(|_| Held::list(url, &self.whole, now));
        Found { newest: Arc::clone(newest), current }
    }

    /// Takes in changes that are newer than all that it knows.
    fn take(&mut self, url: &str, changes: &DeltaCrl, now: Timestamp) -> Result<(), OnlineError> {
        let wrong = |source: CrlError| OnlineError::List { url: url.to_owned(), source };
        changes.fits(&self.whole).map_err(wrong)?;
        let newest = self.updated.as_ref().unwrap_or(&self.whole);
        // None since: the list is as new. Or somebody shows old ones, of which nothing is taken.
        if !changes.is_newer_than(newest) {
            self.changes_due = again(changes.this_update(), changes.next_update()).max(now.plus(RETRY));
            return Ok(());
        }
        let updated = Arc::new(self.whole.updated(changes).map_err(wrong)?);
        self.updated = Some(Arc::clone(&updated));
        // What is over says what was revoked for good, and is to be asked for again.
        Held::list(url, &updated, now)?;
        self.changes_due = again(changes.this_update(), changes.next_update());
        Ok(())
    }
}

impl Statuses {
    /// The list at an address, with its changes.
    pub(super) async fn list(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Found, OnlineError> {
        let place = (url.to_owned(), issuer.fingerprint());
        let turn = self.kept().lists.turn(&place);
        let _turn = turn.lock().await;
        let before = self.kept().lists.known.get(&place).cloned();
        let (mut known, failed) = match before {
            Some(known) if now < known.due => (known, None),
            before => self.whole(&place, before, issuer, now).await?,
        };
        let places = places(&known.whole, certificate);
        if !places.is_empty()
            && known.changes_due <= now
            && let Err(error) = self.changes(&mut known, &place, &places, issuer, now).await
        {
            known.changes_due = now.plus(RETRY);
            tracing::warn!(%error, "changes to a revocation list can't be had: what is known of it counts");
        }
        let mut found = known.said(url, now);
        let due = if places.is_empty() { known.due } else { known.due.min(known.changes_due) };
        found.current = match (found.current, failed) {
            (Ok(current), _) => Ok(current.asked_again(due)),
            (Err(_), Some(failed)) => Err(failed), // why there is nothing newer
            (Err(error), None) => Err(error),
        };
        self.kept().lists.keep(place, known);
        Ok(found)
    }

    /// The whole list, fetched; the one that is known where nothing newer comes, and why.
    async fn whole(
        &self,
        place: &Place,
        before: Option<Known>,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<(Known, Option<OnlineError>), OnlineError> {
        let fetched = self.client.list(&place.0, issuer).await.and_then(|list| {
            not_ahead(&place.0, list.this_update(), now)?;
            Ok(list)
        });
        match (fetched, before) {
            (Ok(list), Some(before)) if !is_better(&list, &before.whole, now) => {
                Ok((Known { due: later(before.whole.next_update(), now), ..before }, None))
            }
            (Ok(list), before) => Ok((Known::new(list, before.as_ref(), now), None)),
            (Err(error), Some(before)) => Ok((Known { due: now.plus(RETRY), ..before }, Some(error))),
            (Err(error), None) => Err(error),
        }
    }

    /// Brings a list up to date with the changes of the first place that has some that fit.
    async fn changes(
        &self,
        known: &mut Known,
        place: &Place,
        places: &[String],
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<(), OnlineError> {
        let mut failed = Ok(());
        for url in places {
            failed = self.tried(url, now, self.changes_at(url, known, place, issuer, now)).await;
            if failed.is_ok() {
                break;
            }
        }
        failed
    }

    async fn changes_at(
        &self,
        url: &str,
        known: &mut Known,
        place: &Place,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<(), OnlineError> {
        let changes = self.client.changes(url, issuer).await?;
        not_ahead(url, changes.this_update(), now)?;
        if changes.needs_newer_than(&known.whole) && known.fetched.plus(REFETCH) <= now {
            (*known, _) = self.whole(place, Some(known.clone()), issuer, now).await?;
            known.fetched = now; // or what was known is the newest that is there
        }
        known.take(url, &changes, now)
    }
}

/// Where the changes to a list are: as it says itself, and as the certificate says.
fn places(list: &Crl, certificate: &Certificate) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for url in list.changes_urls().chain(certificate.changes_urls()) {
        if places.len() < MOST_PLACES && !places.iter().any(|known| known == url) {
            places.push(url.to_owned());
        }
    }
    places
}

/// Whether a list takes the place of the one before it: somebody may show an old one.
fn is_better(list: &Crl, before: &Crl, now: Timestamp) -> bool {
    let is_other = list.this_update() >= before.this_update() && list.der() != before.der();
    is_other && (!list.is_stale_at(now) || before.is_stale_at(now))
}

/// When a list that is still the newest one is fetched again: the less time it has left, the sooner.
fn later(next: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let left = next.map_or(0, |next| next.micros().saturating_sub(now.micros()));
    now.plus(RETRY.max(Duration::from_micros(u64::try_from(left / 4).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eseal_pki::{DevelopmentCa, Purpose, RevocationReason, Suite};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// A list of some 30 bytes for each of so many certificates.
    fn known(revoked: u32, fetched: Timestamp) -> Known {
        let suite = Suite::EcdsaP256Sha256;
        let mut ca = DevelopmentCa::create(suite, "holders", Purpose::Holder, NOW).expect("an authority");
        (0..revoked).for_each(|serial| ca.revoke(&format!("{serial:020x}"), RevocationReason::Superseded, NOW));
        Known::new(ca.crl_until(NOW, NOW.plus(RETRY)).expect("a list"), None, fetched)
    }

    fn kept(count: u8, known: impl Fn(u8) -> Known) -> Vec<u8> {
        let mut lists = Lists::default();
        (0..count).for_each(|number| lists.keep((number.to_string(), Digest::of(b"")), known(number)));
        let mut kept: Vec<u8> = lists.known.keys().map(|(name, _)| name.parse().expect("a number")).collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn so_many_lists_and_bytes_are_kept_and_the_oldest_go_first() {
        let small = known(1, NOW);
        let at = |known: &Known, number: u8| Known { fetched: NOW.plus(RETRY * u32::from(number)), ..known.clone() };
        assert_eq!(kept(70, |number| at(&small, number)), (6..70).collect::<Vec<_>>());
        let large = known(36_000, NOW);
        let fit = u8::try_from(MOST_BYTES / large.bytes()).expect("few");
        assert!((2..60).contains(&fit), "{fit}");
        assert_eq!(kept(fit + 3, |number| at(&large, number)), (3..fit + 3).collect::<Vec<_>>());
        let updated = Known { updated: Some(Arc::clone(&large.whole)), ..large.clone() };
        assert_eq!(updated.bytes(), large.bytes(), "without changes it is the same list");
    }
}
