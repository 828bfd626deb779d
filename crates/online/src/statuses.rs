//! What issuers say about their certificates: asked for when it is needed, kept as long as it holds, and asked for anew before it
//! runs out.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::ocsp::{CertificateStatus, OcspResponse};
use eseal_pki::{Certificate, Crl, Revocation};

use crate::error::OnlineError;
use crate::revocation::RevocationClient;

/// By how much other clocks may differ from ours.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// How long a statement holds that does not say when the next one is due.
const UNDATED: Duration = Duration::from_secs(60 * 60);
/// How long a place that failed is left alone.
const PAUSE: Duration = Duration::from_secs(30);
/// A statement is asked for anew while this part of its time is left.
const LEFT: u32 = 4;
/// Statements that nobody asked for within this time are not asked for anew.
const IN_USE: Duration = Duration::from_secs(24 * 60 * 60);
/// The most certificates, places and lists that are remembered, and the most bytes of lists.
const MOST: usize = 4096;
const MOST_LISTS: usize = 64;
const MOST_BYTES: usize = 64 << 20;

/// What is known of one certificate.
#[derive(Debug, Clone)]
pub enum Status {
    /// Its issuer says that it is not revoked.
    Good(Proof),
    /// Its issuer says that it is.
    Revoked(Revocation, Proof),
    /// Nobody says anything that holds now: what was tried.
    Unknown(Arc<[OnlineError]>),
}

/// What says so. Its signature was checked.
#[derive(Debug, Clone)]
pub enum Proof {
    /// An OCSP response.
    Answer(Arc<OcspResponse>),
    /// A revocation list.
    List(Arc<Crl>),
}

impl Proof {
    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        match self {
            Self::Answer(answer) => answer.der(),
            Self::List(list) => list.der(),
        }
    }
}

/// Knows how certificates stand, in bounded memory. Shared by all who ask; what one has asked for is there for the others.
///
/// OCSP comes first, then lists (RFC 6960, RFC 5280 §4.2.1.13). A statement counts from five minutes before its `thisUpdate` (other
/// clocks) to its `nextUpdate`, or an hour where it names none. What a place says that is older than what is known is passed over.
pub struct Statuses {
    client: RevocationClient,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    certificates: HashMap<Pair, Entry>,
    /// By address, and by who had to sign.
    lists: HashMap<(String, Digest), Held<Arc<Crl>>>,
    /// Places that failed, and until when they are left alone.
    failed: HashMap<String, Timestamp>,
}

/// A certificate and its issuer, by their fingerprints.
type Pair = (Digest, Digest);

struct Entry {
    certificate: Certificate,
    issuer: Certificate,
    used: Timestamp,
    said: Option<Held<Status>>,
    /// One at a time asks; the others wait for what comes of it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A statement, and when it holds.
#[derive(Clone)]
struct Held<T> {
    what: T,
    from: Timestamp,
    /// `None`: for ever, as a revocation that can't be taken back.
    until: Option<Timestamp>,
}

impl<T> Held<T> {
    fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now <= until)
    }

    fn runs_out(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| {
            let whole = until.micros().saturating_sub(self.from.micros());
            until.micros().saturating_sub(now.micros()) <= whole / i64::from(LEFT)
        })
    }
}

impl Statuses {
    /// Knows nothing yet.
    pub fn new(client: RevocationClient) -> Self {
        Self { client, kept: Mutex::default() }
    }

    /// How `certificate`, which `issuer` issued, stands now. Asks if it is not known. Only certificates of a chain to a trusted root
    /// should be asked about: the addresses are what their issuers wrote.
    pub async fn of(&self, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Status {
        let pair = (certificate.fingerprint(), issuer.fingerprint());
        let turn = {
            let mut kept = self.kept();
            let entry = kept.entry(pair, certificate, issuer, now);
            match &entry.said {
                Some(said) if said.holds(now) => return said.what.clone(),
                _ => Arc::clone(&entry.turn),
            }
        };
        let _turn = turn.lock().await;
        if let Some(status) = self.known(certificate, issuer, now) {
            return status; // somebody else has asked meanwhile
        }
        self.ask(pair, certificate, issuer, now).await
    }

    /// The same without asking anybody.
    pub fn known(&self, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Option<Status> {
        let kept = self.kept();
        let said = kept.certificates.get(&(certificate.fingerprint(), issuer.fingerprint()))?.said.as_ref()?;
        said.holds(now).then(|| said.what.clone())
    }

    /// Asks anew about every certificate that was in use lately and of which what is known runs out soon. What is known stays where
    /// nobody answers. Gives how many were asked about, and what failed.
    pub async fn refresh(&self, now: Timestamp) -> (usize, Vec<OnlineError>) {
        let due: Vec<_> = {
            let kept = self.kept();
            let is_due = |entry: &&Entry| {
                let is_in_use = now.micros().saturating_sub(entry.used.micros()) <= micros(IN_USE);
                is_in_use && entry.said.as_ref().is_some_and(|said| said.runs_out(now))
            };
            kept.certificates
                .values()
                .filter(is_due)
                .map(|entry| (entry.certificate.clone(), entry.issuer.clone(), Arc::clone(&entry.turn)))
                .collect()
        };
        let mut failed = Vec::new();
        for (certificate, issuer, turn) in &due {
            let _turn = turn.lock().await;
            match self.asked(certificate, issuer, now).await {
                Ok(said) => self.keep((certificate.fingerprint(), issuer.fingerprint()), said),
                Err(errors) => failed.extend(errors),
            }
        }
        (due.len(), failed)
    }

    async fn ask(&self, pair: Pair, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Status {
        match self.asked(certificate, issuer, now).await {
            Ok(said) => {
                let status = said.what.clone();
                self.keep(pair, said);
                status
            }
            Err(failed) => Status::Unknown(failed.into()),
        }
    }

    async fn asked(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Held<Status>, Vec<OnlineError>> {
        let mut failed = Vec::new();
        for url in certificate.ocsp_urls() {
            match self.tried(url, now, self.by_answer(url, certificate, issuer, now)).await {
                Ok(said) => return Ok(said),
                Err(error) => failed.push(error),
            }
        }
        for url in certificate.crl_urls() {
            match self.tried(url, now, self.by_list(url, certificate, issuer, now)).await {
                Ok(said) => return Ok(said),
                Err(error) => failed.push(error),
            }
        }
        if failed.is_empty() {
            failed.push(OnlineError::NoPlace { subject: certificate.subject() });
        }
        Err(failed)
    }

    /// Leaves a place alone for a while that has failed, for whatever certificate.
    async fn tried<T>(
        &self,
        url: &str,
        now: Timestamp,
        attempt: impl Future<Output = Result<T, OnlineError>>,
    ) -> Result<T, OnlineError> {
        if self.kept().failed.get(url).is_some_and(|until| now < *until) {
            return Err(OnlineError::LeftAlone { url: url.to_owned() });
        }
        let found = attempt.await;
        let mut kept = self.kept();
        match &found {
            Ok(_) | Err(OnlineError::Silent { .. }) => drop(kept.failed.remove(url)),
            Err(_) => {
                if kept.failed.len() >= MOST {
                    kept.failed.retain(|_, until| now < *until);
                }
                if kept.failed.len() < MOST {
                    kept.failed.insert(url.to_owned(), now.plus(PAUSE));
                }
            }
        }
        found
    }

    async fn by_answer(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Held<Status>, OnlineError> {
        let silent = || OnlineError::Silent { url: url.to_owned(), subject: certificate.subject() };
        let response = Arc::new(self.client.status(url, certificate, issuer).await?);
        let said = response.statement_about(certificate, issuer).ok_or_else(silent)?;
        let time = (said.this_update, said.next_update);
        let proof = Proof::Answer(Arc::clone(&response));
        match said.status {
            CertificateStatus::Good => held(url, Status::Good(proof), time, now),
            CertificateStatus::Revoked(revocation) => revoked(url, revocation, proof, time, now),
            CertificateStatus::Unknown => Err(silent()),
        }
    }

    async fn by_list(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Held<Status>, OnlineError> {
        let list = self.list(url, issuer, now).await?;
        let time = (list.this_update(), list.next_update());
        let proof = Proof::List(Arc::clone(&list));
        match list.revocation_of(certificate) {
            Some(revocation) => revoked(url, revocation, proof, time, now),
            None if list.speaks_about(certificate) => held(url, Status::Good(proof), time, now),
            None => Err(OnlineError::Silent { url: url.to_owned(), subject: certificate.subject() }),
        }
    }

    /// The list at an address: of many certificates the same.
    async fn list(&self, url: &str, issuer: &Certificate, now: Timestamp) -> Result<Arc<Crl>, OnlineError> {
        let place = (url.to_owned(), issuer.fingerprint());
        let before = self.kept().lists.get(&place).cloned();
        if let Some(list) = before.as_ref().filter(|list| list.holds(now) && !list.runs_out(now)) {
            return Ok(Arc::clone(&list.what));
        }
        let fetched = self.client.list(url, issuer).await.and_then(|list| {
            let time = (list.this_update(), list.next_update());
            held(url, Arc::new(list), time, now)
        });
        match (fetched, before.filter(|list| list.holds(now))) {
            // A list from before the one that is known: somebody shows an old one.
            (Ok(list), Some(before)) if list.from < before.from => Ok(before.what),
            (Err(_), Some(before)) => Ok(before.what),
            (Ok(list), _) => {
                let found = Arc::clone(&list.what);
                self.kept().keep_list(place, list);
                Ok(found)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn keep(&self, pair: Pair, said: Held<Status>) {
        if let Some(entry) = self.kept().certificates.get_mut(&pair) {
            // What can't be taken back stays, and an older statement is nothing new.
            let is_newer = entry.said.as_ref().is_none_or(|before| before.until.is_some() && before.from <= said.from);
            if is_newer {
                entry.said = Some(said);
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn entry(&mut self, pair: Pair, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> &mut Entry {
        if !self.certificates.contains_key(&pair) {
            make_room(&mut self.certificates, MOST, |entry| entry.used);
        }
        let entry = self.certificates.entry(pair).or_insert_with(|| Entry {
            certificate: certificate.clone(),
            issuer: issuer.clone(),
            used: now,
            said: None,
            turn: Arc::default(),
        });
        entry.used = now;
        entry
    }

    fn keep_list(&mut self, place: (String, Digest), list: Held<Arc<Crl>>) {
        self.lists.remove(&place);
        make_room(&mut self.lists, MOST_LISTS, |list| list.from);
        let bytes =
            |lists: &HashMap<_, Held<Arc<Crl>>>| lists.values().map(|list| list.what.der().len()).sum::<usize>();
        while !self.lists.is_empty() && bytes(&self.lists) + list.what.der().len() > MOST_BYTES {
            let fewer = self.lists.len();
            make_room(&mut self.lists, fewer, |list| list.from);
        }
        self.lists.insert(place, list);
    }
}

/// Forgets the one of the earliest time where there are `most`.
fn make_room<K: Clone + Eq + Hash, V>(map: &mut HashMap<K, V>, most: usize, time: impl Fn(&V) -> Timestamp) {
    if map.len() >= most
        && let Some(key) = map.iter().min_by_key(|(_, value)| time(value)).map(|(key, _)| key.clone())
    {
        map.remove(&key);
    }
}

/// A statement that is neither of the future nor of the past.
fn held<T>(
    url: &str,
    what: T,
    (from, next): (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> Result<Held<T>, OnlineError> {
    let until = next.unwrap_or_else(|| from.plus(UNDATED));
    if from > now.plus(TOLERANCE) {
        return Err(OnlineError::Ahead { url: url.to_owned(), from });
    }
    if until < now {
        return Err(OnlineError::Outdated { url: url.to_owned(), until });
    }
    Ok(Held { what, from, until: Some(until) })
}

/// A revocation counts however old the statement is; one that can be taken back must be known to be so now.
fn revoked(
    url: &str,
    revocation: Revocation,
    proof: Proof,
    time: (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> Result<Held<Status>, OnlineError> {
    let is_final = revocation.reason.is_final();
    let status = Status::Revoked(revocation, proof);
    if is_final { Ok(Held { what: status, from: time.0, until: None }) } else { held(url, status, time, now) }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
