//! What issuers say about their certificates: asked for when it is needed, kept as long as it holds, and asked for anew before it
//! runs out.

mod held;
mod lists;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eseal_kernel::{Digest, Timestamp};
use eseal_pki::ocsp::{CertificateStatus, OcspResponse};
use eseal_pki::{Certificate, Crl, Revocation};
use tokio::time::{Instant, timeout_at};

use crate::error::OnlineError;
use crate::revocation::RevocationClient;

use held::Held;
use lists::{Found, Lists};

/// How long a place that failed is left alone.
const PAUSE: Duration = Duration::from_secs(30);
/// Statements that nobody asked for within this time are not asked for anew.
const IN_USE: Duration = Duration::from_secs(24 * 60 * 60);
/// The most certificates and places that are remembered.
const MOST: usize = 4096;

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
    /// A revocation list, with the changes since where there are some.
    List(Arc<Crl>),
}

/// What a piece of a proof is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// An OCSP response.
    Answer,
    /// A whole revocation list.
    List,
    /// A list of changes.
    Changes,
}

impl Proof {
    /// The structures that it consists of, as received.
    pub fn pieces(&self) -> impl Iterator<Item = (Piece, &[u8])> {
        let (first, changes) = match self {
            Self::Answer(answer) => ((Piece::Answer, answer.der()), None),
            Self::List(list) => ((Piece::List, list.der()), list.delta()),
        };
        std::iter::once(first).chain(changes.map(|changes| (Piece::Changes, changes.der())))
    }
}

/// Knows how certificates stand, in bounded memory. Shared by all who ask; what one has asked for is there for the others.
///
/// OCSP comes first, then lists (RFC 6960, RFC 5280 §4.2.1.13), each with the changes to it where it or the certificate says that
/// there are some. A statement counts from five minutes before its `thisUpdate` (other clocks) to its `nextUpdate`, or an hour where
/// it names none. What a place says that is older than what is known is passed over.
pub struct Statuses {
    client: RevocationClient,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    certificates: HashMap<Pair, Entry>,
    lists: Lists,
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

impl Entry {
    fn can_be_asked_about(&self) -> bool {
        !self.certificate.ocsp_urls().is_empty() || self.certificate.crl_urls().next().is_some()
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
        let turn = match self.known_or_turn(certificate, issuer, now) {
            Ok(status) => return status,
            Err(turn) => turn,
        };
        let _turn = turn.lock().await;
        match self.known(certificate, issuer, now) {
            Some(status) => status, // somebody else has asked meanwhile
            None => self.ask(certificate, issuer, now).await,
        }
    }

    /// The same for a caller who waits until `deadline` and no longer, however many addresses there are: what comes later is there
    /// for the next one. Whoever asks goes on asking, once for each certificate.
    pub async fn within(
        self: &Arc<Self>,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        deadline: Instant,
    ) -> Status {
        let turn = match self.known_or_turn(certificate, issuer, now) {
            Ok(status) => return status,
            Err(turn) => turn,
        };
        let not_yet = || Status::Unknown([OnlineError::NotYet].into());
        let Ok(turn) = timeout_at(deadline, turn.lock_owned()).await else { return not_yet() };
        if let Some(status) = self.known(certificate, issuer, now) {
            return status;
        }
        let (this, certificate, issuer) = (Arc::clone(self), certificate.clone(), issuer.clone());
        let asking = tokio::spawn(async move {
            let _turn = turn;
            this.ask(&certificate, &issuer, now).await
        });
        match timeout_at(deadline, asking).await {
            Ok(Ok(status)) => status,
            Ok(Err(_)) | Err(_) => not_yet(),
        }
    }

    /// What is known, or whose turn it is to ask.
    fn known_or_turn(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Status, Arc<tokio::sync::Mutex<()>>> {
        let mut kept = self.kept();
        let entry = kept.entry(certificate, issuer, now);
        match &entry.said {
            Some(said) if said.holds(now) => Ok(said.what.clone()),
            Some(_) | None => Err(Arc::clone(&entry.turn)),
        }
    }

    /// The same without asking anybody.
    pub fn known(&self, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Option<Status> {
        let kept = self.kept();
        let said = kept.certificates.get(&(certificate.fingerprint(), issuer.fingerprint()))?.said.as_ref()?;
        said.holds(now).then(|| said.what.clone())
    }

    /// Asks anew about every certificate that was in use lately and of which nothing is known, or what is known runs out soon. What is
    /// known stays where nobody answers. Gives how many were asked about, and what failed.
    pub async fn refresh(&self, now: Timestamp) -> (usize, Vec<OnlineError>) {
        let due: Vec<_> = {
            let kept = self.kept();
            let is_due = |entry: &&Entry| {
                let is_in_use = now.micros().saturating_sub(entry.used.micros()) <= micros(IN_USE);
                is_in_use && entry.can_be_asked_about() && entry.said.as_ref().is_none_or(|said| said.runs_out(now))
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
                Ok(said) => self.keep(certificate, issuer, said, now),
                Err(errors) => failed.extend(errors),
            }
        }
        (due.len(), failed)
    }

    async fn ask(&self, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> Status {
        match self.asked(certificate, issuer, now).await {
            Ok(said) => {
                let status = said.what.clone();
                self.keep(certificate, issuer, said, now);
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
            CertificateStatus::Good => Held::try_new(url, Status::Good(proof), time, now),
            // A final revocation counts however old the statement is; one that can be taken back must be known to be so now.
            CertificateStatus::Revoked(revocation) if revocation.reason.is_final() => {
                Ok(Held::for_ever(Status::Revoked(revocation, proof), time.0))
            }
            CertificateStatus::Revoked(revocation) => Held::try_new(url, Status::Revoked(revocation, proof), time, now),
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
        let Found { newest, current } = self.list(url, certificate, issuer, now).await?;
        let newest_says = newest.revocation_of(certificate);
        if let Some(revocation) = newest_says.filter(|revocation| revocation.reason.is_final()) {
            let from = newest.this_update();
            return Ok(Held::for_ever(Status::Revoked(revocation, Proof::List(newest)), from));
        }
        let current = current?;
        let list = Arc::clone(&current.what);
        if newest_says.is_some() && list.this_update() < newest.this_update() {
            // A hold that is known from changes that are over: a list from before them takes nothing back.
            return Err(OnlineError::Silent { url: url.to_owned(), subject: certificate.subject() });
        }
        let speaks = list.speaks_about(certificate);
        match list.revocation_of(certificate) {
            Some(revocation) => Ok(current.with(Status::Revoked(revocation, Proof::List(list)))),
            None if speaks => Ok(current.with(Status::Good(Proof::List(list)))),
            None => Err(OnlineError::Silent { url: url.to_owned(), subject: certificate.subject() }),
        }
    }

    fn keep(&self, certificate: &Certificate, issuer: &Certificate, said: Held<Status>, now: Timestamp) {
        let pair = (certificate.fingerprint(), issuer.fingerprint());
        if let Some(entry) = self.kept().certificates.get_mut(&pair) {
            // What can't be taken back stays, and an older statement is nothing new while the one before it holds.
            let gives_way =
                |before: &Held<Status>| before.until.is_some() && (before.from <= said.from || !before.holds(now));
            if entry.said.as_ref().is_none_or(gives_way) {
                entry.said = Some(said);
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn entry(&mut self, certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> &mut Entry {
        let pair = (certificate.fingerprint(), issuer.fingerprint());
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
}

/// Forgets the one of the earliest time where there are `most`.
fn make_room<K: Clone + Eq + Hash, V>(map: &mut HashMap<K, V>, most: usize, time: impl Fn(&V) -> Timestamp) {
    if map.len() >= most
        && let Some(key) = map.iter().min_by_key(|(_, value)| time(value)).map(|(key, _)| key.clone())
    {
        map.remove(&key);
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
