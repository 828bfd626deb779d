//! Lists of changes: what was revoked or released since a whole list, as the development authority writes it.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use eseal_kernel::{Clock, Timestamp};
use eseal_online::{Addresses, NamedCa, OnlineError, Piece, Proof, Status, Statuses, authorities};
use eseal_pki::ca::Addresses as Places;
use eseal_pki::{Certificate, Crl, DeltaCrl, DevelopmentCa, Purpose, RevocationReason, SigningKey, Subject, Suite};

use crate::revocation::client;
use crate::servers::{answering, endless, listener, of_kind};

const KIND: &str = "application/pkix-crl";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const P256: Suite = Suite::EcdsaP256Sha256;

/// When whole lists are made.
fn start() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

fn after(time: Duration) -> Timestamp {
    start().plus(time)
}

/// What lies at an address, and how often it was fetched.
#[derive(Default, Clone)]
struct Shelf {
    lies: Arc<Mutex<Option<Vec<u8>>>>,
    fetched: Arc<AtomicUsize>,
}

impl Shelf {
    async fn open(&self) -> String {
        let shelf = self.clone();
        answering(move |_| shelf.given()).await
    }

    fn given(&self) -> Response {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        match &*self.lies.lock().expect("no panic") {
            Some(list) => of_kind(KIND, list.clone()),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }

    fn holds(&self, list: Option<Vec<u8>>) {
        *self.lies.lock().expect("no panic") = list;
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

/// An authority whose list and changes lie at addresses, and two certificates.
struct World {
    ca: DevelopmentCa,
    list: Shelf,
    changes: Shelf,
    one: Certificate,
    other: Certificate,
    statuses: Arc<Statuses>,
}

impl World {
    async fn new(suite: Suite) -> Self {
        let changes = Shelf::default();
        let url = changes.open().await;
        Self::with_changes_at(suite, changes, url).await
    }

    async fn with_changes_at(suite: Suite, changes: Shelf, url: String) -> Self {
        let list = Shelf::default();
        let places = Places { list: Some(list.open().await), changes: Some(url), ..Places::default() };
        let began = start().minus(DAY);
        let ca = DevelopmentCa::create(suite, "holders", Purpose::Holder, began).expect("an authority").at(places);
        let issue = || {
            let key = SigningKey::generate(suite).expect("a key").public_key();
            ca.issue(&key, &Subject::named("holder"), DAY * 300, began).expect("a certificate")
        };
        let (one, other) = (issue(), issue());
        let statuses = Arc::new(Statuses::new(client(Addresses::Any)));
        let world = Self { ca, list, changes, one, other, statuses };
        world.lists(start());
        world
    }

    /// The whole list of this moment lies at its place; it is good for ten days.
    fn lists(&self, at: Timestamp) -> Vec<u8> {
        let list = self.ca.crl_until(at, at.plus(DAY * 10)).expect("a list").der().to_vec();
        self.list.holds(Some(list.clone()));
        list
    }

    /// What changed between two moments lies at its place; it is good for four hours.
    fn tells_changes(&self, since: Timestamp, at: Timestamp) -> Vec<u8> {
        let changes = self.ca.changes_until(since, at, at.plus(HOUR * 4)).expect("changes").der().to_vec();
        self.changes.holds(Some(changes.clone()));
        changes
    }

    fn revokes(&mut self, reason: RevocationReason, at: Timestamp) {
        self.ca.revoke(&self.one.serial_hex(), reason, at);
    }

    async fn status(&self, now: Timestamp) -> Status {
        self.of(&self.one, now).await
    }

    async fn of(&self, certificate: &Certificate, now: Timestamp) -> Status {
        self.statuses.of(certificate, self.ca.certificate(), now).await
    }

    fn fetched(&self) -> (usize, usize) {
        (self.list.fetched(), self.changes.fetched())
    }
}

fn pieces(proof: &Proof) -> Vec<(Piece, Vec<u8>)> {
    proof.pieces().map(|(piece, der)| (piece, der.to_vec())).collect()
}

#[track_caller]
fn is_good(status: &Status, number: usize) {
    let Status::Good(proof) = status else { panic!("{status:?}") };
    assert_eq!(pieces(proof).len(), number, "{status:?}");
}

#[tokio::test]
async fn a_certificate_that_only_the_changes_revoke_is_revoked_and_both_lists_say_so() {
    for suite in [Suite::Sm2Sm3, P256] {
        let mut world = World::new(suite).await;
        let whole = world.lists(start());
        world.revokes(RevocationReason::KeyCompromise, after(HOUR));
        let changes = world.tells_changes(start(), after(HOUR));
        let Status::Revoked(revocation, proof) = world.status(after(HOUR * 2)).await else { panic!("not revoked") };
        assert_eq!(revocation.since, after(HOUR));
        assert_eq!(pieces(&proof), [(Piece::List, whole.clone()), (Piece::Changes, changes.clone())]);
        // Whoever gets the pieces comes to the same.
        let updated = Crl::from_der(&whole).expect("a list").updated(&DeltaCrl::from_der(&changes).expect("changes"));
        let updated = updated.expect("they fit");
        assert_eq!(updated.verify(world.ca.certificate()), Ok(()));
        assert!(updated.revocation_of(&world.one).is_some());
        is_good(&world.of(&world.other, after(HOUR * 2)).await, 2);
        assert_eq!(world.fetched(), (1, 1), "{suite}");
    }
}

#[tokio::test]
async fn a_hold_that_the_changes_take_back_is_none() {
    let mut world = World::new(P256).await;
    world.revokes(RevocationReason::CertificateHold, start());
    world.lists(start());
    world.ca.release(&world.one.serial_hex(), after(HOUR));
    world.tells_changes(start(), after(HOUR));
    is_good(&world.status(after(HOUR)).await, 2);
    // By itself the whole list holds it.
    world.changes.holds(None);
    let without = Statuses::new(client(Addresses::Any)).of(&world.one, world.ca.certificate(), after(HOUR)).await;
    assert!(matches!(&without, Status::Revoked(_, proof) if pieces(proof).len() == 1), "{without:?}");
}

#[tokio::test]
async fn changes_are_fetched_anew_before_they_run_out_and_the_whole_list_is_not() {
    let mut world = World::new(P256).await;
    world.tells_changes(start(), after(MINUTE));
    is_good(&world.status(after(MINUTE)).await, 2);
    world.revokes(RevocationReason::Superseded, after(HOUR));
    world.tells_changes(start(), after(HOUR));
    assert_eq!(world.statuses.refresh(after(HOUR * 2)).await.0, 0, "half of their time is left");
    let (asked, failed) = world.statuses.refresh(after(HOUR * 3 + MINUTE * 2)).await;
    assert!((asked, failed.len()) == (1, 0), "{asked} {failed:?}");
    assert!(matches!(world.status(after(HOUR * 4)).await, Status::Revoked(..)));
    assert_eq!(world.fetched(), (1, 2));
}

#[tokio::test]
async fn a_list_that_is_as_new_as_the_changes_counts_and_they_are_asked_for_again_in_time() {
    let world = World::new(P256).await;
    world.tells_changes(start().minus(HOUR), start());
    is_good(&world.status(start()).await, 1);
    assert_eq!(world.statuses.refresh(after(HOUR * 2)).await.0, 0);
    assert_eq!(world.statuses.refresh(after(HOUR * 3 + MINUTE)).await.0, 1);
    assert_eq!(world.fetched(), (1, 2));
}

#[tokio::test]
async fn where_no_changes_are_to_be_had_the_whole_list_counts_and_they_are_asked_for_again_a_minute_later() {
    let mut world = World::new(P256).await;
    is_good(&world.status(after(HOUR)).await, 1);
    is_good(&world.of(&world.other, after(HOUR)).await, 1);
    assert_eq!(world.fetched(), (1, 1), "who comes next is not kept waiting");
    world.revokes(RevocationReason::KeyCompromise, after(HOUR));
    world.tells_changes(start(), after(HOUR));
    is_good(&world.status(after(HOUR + MINUTE / 2)).await, 1);
    assert_eq!(world.statuses.refresh(after(HOUR + MINUTE)).await.0, 2);
    assert!(matches!(world.status(after(HOUR + MINUTE)).await, Status::Revoked(..)));
    assert_eq!(world.fetched(), (1, 2));
}

#[tokio::test]
async fn changes_that_are_over_revoke_for_good_and_let_nothing_back_but_vouch_for_nobody() {
    let mut world = World::new(P256).await;
    world.revokes(RevocationReason::CertificateHold, after(HOUR));
    world.tells_changes(start(), after(HOUR));
    assert!(matches!(world.status(after(HOUR)).await, Status::Revoked(..)));
    // Nothing newer comes. The list from before the hold does not end it, and counts for the others.
    let later = after(HOUR * 6);
    let status = world.status(later).await;
    assert!(matches!(&status, Status::Unknown(why) if matches!(why[..], [OnlineError::Silent { .. }])), "{status:?}");
    is_good(&world.of(&world.other, later).await, 1);
    // A final revocation counts also where the changes were over when they came.
    world.revokes(RevocationReason::KeyCompromise, after(HOUR));
    world.tells_changes(start(), after(HOUR));
    let anew = Statuses::new(client(Addresses::Any));
    let of = async |one: &Certificate| anew.of(one, world.ca.certificate(), later).await;
    assert!(matches!(of(&world.one).await, Status::Revoked(..)));
    is_good(&of(&world.other).await, 1);
}

#[tokio::test]
async fn old_changes_do_not_take_back_what_newer_ones_said() {
    let mut world = World::new(P256).await;
    let old = world.tells_changes(start(), after(MINUTE));
    world.revokes(RevocationReason::CertificateHold, after(HOUR));
    world.tells_changes(start(), after(HOUR));
    assert!(matches!(world.status(after(HOUR)).await, Status::Revoked(..)));
    world.changes.holds(Some(old));
    assert_eq!(world.statuses.refresh(after(HOUR * 4 + MINUTE)).await.0, 1);
    assert!(matches!(world.status(after(HOUR * 4 + MINUTE)).await, Status::Revoked(..)));
    assert_eq!(world.fetched(), (1, 2));
}

#[tokio::test]
async fn changes_since_a_newer_list_have_that_one_fetched() {
    let mut world = World::new(P256).await;
    world.tells_changes(start(), after(MINUTE));
    is_good(&world.status(after(MINUTE)).await, 2);
    world.revokes(RevocationReason::KeyCompromise, after(HOUR * 3));
    // The changes are since a list that is not there: what is known counts, and the list is not fetched for them again and again.
    world.tells_changes(after(HOUR), after(HOUR * 3));
    for minute in 5..8 {
        world.statuses.refresh(after(HOUR * 3 + MINUTE * minute)).await;
    }
    is_good(&world.status(after(HOUR * 3 + MINUTE * 8)).await, 2);
    assert_eq!(world.fetched(), (2, 4));
    let newer = world.ca.crl_until(after(HOUR), after(DAY)).expect("a list");
    assert!(newer.revocation_of(&world.one).is_some(), "the authority of these tests lists what it knows");
    world.list.holds(Some(newer.der().to_vec()));
    world.statuses.refresh(after(HOUR * 3 + MINUTE * 20)).await;
    assert!(matches!(world.status(after(HOUR * 3 + MINUTE * 20)).await, Status::Revoked(..)));
    assert_eq!(world.fetched(), (3, 5));
}

#[tokio::test]
async fn changes_by_somebody_else_count_for_nothing() {
    let (world, mut stranger) = (World::new(P256).await, World::new(P256).await);
    stranger.ca.revoke(&world.one.serial_hex(), RevocationReason::KeyCompromise, after(HOUR));
    world.changes.holds(Some(stranger.tells_changes(start(), after(HOUR))));
    is_good(&world.status(after(HOUR)).await, 1);
    // Nor does a whole list where changes are expected: almost nothing would be taken back by it.
    world.changes.holds(Some(world.lists(after(HOUR))));
    let anew = Statuses::new(client(Addresses::Any)).of(&world.one, world.ca.certificate(), after(HOUR)).await;
    is_good(&anew, 1);
}

#[tokio::test]
async fn a_place_that_never_ends_its_answer_is_given_up_and_the_whole_list_counts() {
    let url = endless(KIND).await;
    let world = World::with_changes_at(P256, Shelf::default(), url.clone()).await;
    let given_up = client(Addresses::Any).changes(&url, world.ca.certificate()).await.expect_err("no end");
    assert!(matches!(given_up, OnlineError::TooLarge { .. } | OnlineError::TooSlow { .. }), "{given_up}");
    is_good(&world.status(after(HOUR)).await, 1);
}

#[tokio::test]
async fn an_old_whole_list_does_not_take_back_what_a_newer_one_said() {
    let mut world = World::new(P256).await;
    let old = world.lists(start());
    world.revokes(RevocationReason::CertificateHold, after(HOUR));
    world.lists(after(HOUR));
    assert!(matches!(world.status(after(HOUR)).await, Status::Revoked(..)));
    // A fifth of the newer one's time is left, so it is fetched again, and somebody shows the old one: not at each question.
    world.list.holds(Some(old));
    let (later, fetched) = (after(DAY * 8), world.list.fetched());
    for _ in 0..3 {
        world.statuses.refresh(later).await;
        assert!(matches!(world.status(later).await, Status::Revoked(..)));
    }
    assert_eq!(world.list.fetched(), fetched + 1);
    // Nothing at all comes: what was said still counts, and is asked for again a minute later.
    world.list.holds(None);
    let (later, fetched) = (after(DAY * 9), world.list.fetched());
    for _ in 0..3 {
        world.statuses.refresh(later).await;
        assert!(matches!(world.status(later).await, Status::Revoked(..)));
    }
    assert_eq!(world.list.fetched(), fetched + 1);
    // A newer one counts, also where it says less.
    world.ca.release(&world.one.serial_hex(), later);
    world.lists(later);
    world.statuses.refresh(later.plus(MINUTE * 2)).await;
    is_good(&world.status(later.plus(MINUTE * 2)).await, 1);
}

#[tokio::test]
async fn a_list_that_has_run_out_is_brought_up_to_date_by_changes_to_it() {
    let world = World::new(P256).await;
    world.tells_changes(start(), after(HOUR));
    is_good(&world.status(after(HOUR)).await, 2);
    world.list.holds(None);
    world.tells_changes(start(), after(DAY * 11));
    is_good(&world.status(after(DAY * 11)).await, 2);
    world.changes.holds(None);
    let status = world.status(after(DAY * 12)).await;
    assert!(matches!(status, Status::Unknown(_)), "{status:?}");
}

#[tokio::test]
async fn what_the_development_authority_serves_is_put_together() {
    let (listener, url) = listener().await;
    let places = Places { ocsp: None, ..authorities::addresses(&url, "holders") };
    let clock = Clock::fixed(start());
    let ca = DevelopmentCa::create(P256, "holders", Purpose::Holder, start()).expect("an authority").at(places.clone());
    let key = SigningKey::generate(P256).expect("a key").public_key();
    let holder = ca.issue(&key, &Subject::named("holder"), DAY * 300, start()).expect("a certificate");
    let issuer = ca.certificate().clone();
    let files = Arc::new(Mutex::new(ca.to_files(start()).expect("files")));
    let kept = Arc::clone(&files);
    let source = move || {
        let ca = DevelopmentCa::from_files(&kept.lock().expect("the files")).expect("an authority");
        Ok::<_, Infallible>(vec![NamedCa { name: "holders".to_owned(), ca: ca.at(places.clone()) }])
    };
    tokio::spawn(authorities::serve(source, listener, clock.clone(), std::future::pending()));
    let statuses = Statuses::new(client(Addresses::Any));
    is_good(&statuses.of(&holder, &issuer, start()).await, 1);

    clock.set(after(HOUR));
    let mut ca = DevelopmentCa::from_files(&files.lock().expect("the files")).expect("an authority");
    ca.revoke(&holder.serial_hex(), RevocationReason::KeyCompromise, after(HOUR));
    *files.lock().expect("the files") = ca.to_files(after(HOUR)).expect("files");
    statuses.refresh(after(HOUR * 19)).await;
    let status = statuses.known(&holder, &issuer, after(HOUR * 19)).expect("known");
    assert!(matches!(&status, Status::Revoked(_, proof) if pieces(proof).len() == 2), "{status:?}");
}
