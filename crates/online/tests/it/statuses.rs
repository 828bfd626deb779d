//! Statements about certificates are asked for once, kept while they hold, and asked for anew in time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eseal_kernel::Timestamp;
use eseal_online::{Addresses, OnlineError, Proof, Status, Statuses};
use eseal_pki::Certificate;
use eseal_pki::ocsp::RESPONSE_MEDIA_TYPE;

use crate::revocation::{authority, client, lists, responder};
use crate::servers::{answering, now, of_kind, openssl};

const NOWHERE: &str = "http://127.0.0.1:1/";
const HOUR: Duration = Duration::from_secs(60 * 60);
const GOOD: &str = "V\t491231235959Z\t\t0A\tunknown\t/CN=leaf\n";
const REVOKED: &str = "R\t491231235959Z\t260101120000Z,superseded\t0A\tunknown\t/CN=leaf\n";
const HELD: &str = "R\t491231235959Z\t260101120000Z,certificateHold\t0A\tunknown\t/CN=leaf\n";

struct Authority {
    folder: tempfile::TempDir,
    leaf: Certificate,
    root: Certificate,
    asked: Arc<AtomicUsize>,
    statuses: Arc<Statuses>,
}

impl Authority {
    /// One whose responder (a list's server if `of_lists`) counts how often it is asked.
    async fn with(of_lists: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, respond, give) = (Arc::clone(&asked), responder(folder.path()), lists(folder.path()));
        let url = answering(move |request| {
            counter.fetch_add(1, Ordering::SeqCst);
            if of_lists { give(request) } else { respond(request) }
        })
        .await;
        let (ocsp, list) = if of_lists { (NOWHERE, url.as_str()) } else { (url.as_str(), NOWHERE) };
        let [leaf, root] = authority(folder.path(), ocsp, list);
        let statuses = Arc::new(Statuses::new(client(Addresses::Any)));
        let authority = Self { folder, leaf, root, asked, statuses };
        authority.says(GOOD);
        authority
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn says(&self, index: &str) {
        std::fs::write(self.path().join("index.txt"), index).expect("a file");
        self.lists_of("-crldays 3");
    }

    /// Makes the list anew.
    fn lists_of(&self, time: &str) {
        let words = format!("ca -gencrl -config ca.cnf -keyfile root.key -cert root.pem {time} -out list.pem");
        openssl(self.path(), &words);
    }

    async fn status(&self, now: Timestamp) -> Status {
        self.statuses.of(&self.leaf, &self.root, now).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn why(status: &Status) -> &[OnlineError] {
    match status {
        Status::Unknown(why) => why,
        Status::Good(_) | Status::Revoked(..) => panic!("it is known: {status:?}"),
    }
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_are_answered_by_one_question() {
    let authority = Arc::new(Authority::with(false).await);
    let at = now();
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let authority = Arc::clone(&authority);
            tokio::spawn(async move { authority.status(at).await })
        })
        .collect();
    for one in asking {
        let status = one.await.expect("no panic");
        assert!(matches!(status, Status::Good(Proof::Answer(_))), "{status:?}");
    }
    assert_eq!(authority.asked(), 1);
    assert!(matches!(authority.statuses.known(&authority.leaf, &authority.root, at), Some(Status::Good(_))));
    assert!(
        authority.statuses.known(&authority.leaf, &authority.root, at.plus(HOUR * 25)).is_none(),
        "it holds for a day"
    );
}

#[tokio::test]
async fn what_is_in_use_is_asked_for_anew_before_it_runs_out_and_no_earlier() {
    let authority = Authority::with(false).await;
    let at = now();
    assert!(matches!(authority.status(at).await, Status::Good(_)));
    assert_eq!(authority.statuses.refresh(at.plus(HOUR * 17)).await.0, 0);
    authority.says(REVOKED);
    let (asked, failed) = authority.statuses.refresh(at.plus(HOUR * 19)).await;
    assert_eq!((asked, failed.len(), authority.asked()), (1, 0, 2), "{failed:?}");
    assert!(matches!(authority.status(at.plus(HOUR * 19)).await, Status::Revoked(..)));
    assert_eq!(authority.asked(), 2);
}

#[tokio::test]
async fn a_revocation_that_can_not_be_taken_back_is_asked_for_once() {
    let authority = Authority::with(false).await;
    authority.says(REVOKED);
    let at = now();
    assert!(matches!(authority.status(at).await, Status::Revoked(..)));
    authority.says(GOOD);
    for later in [at.plus(HOUR * 48), at.plus(HOUR * 24 * 30)] {
        assert_eq!(authority.statuses.refresh(later).await.0, 0);
        assert!(matches!(authority.status(later).await, Status::Revoked(..)));
    }
    assert_eq!(authority.asked(), 1);
}

#[tokio::test]
async fn a_place_that_fails_is_left_alone_for_half_a_minute_and_what_is_known_stays() {
    let authority = Authority::with(false).await;
    let at = now();
    assert!(matches!(authority.status(at).await, Status::Good(_)));
    std::fs::remove_file(authority.path().join("index.txt")).expect("there");
    let silent = answering(|_| of_kind(RESPONSE_MEDIA_TYPE, vec![0x30, 3, 0x0a, 1, 3])).await; // tryLater
    let folder = tempfile::tempdir().expect("a folder");
    let [leaf, root] = authority_of(folder.path(), &silent);
    let first = authority.statuses.of(&leaf, &root, at).await;
    assert!(
        matches!(why(&first), [OnlineError::CertificateStatus { .. }, OnlineError::Unreachable { .. }]),
        "{first:?}"
    );
    let second = authority.statuses.of(&leaf, &root, at.plus(Duration::from_secs(29))).await;
    assert!(why(&second).iter().all(|why| matches!(why, OnlineError::LeftAlone { .. })), "{second:?}");
    let third = authority.statuses.of(&leaf, &root, at.plus(Duration::from_secs(31))).await;
    assert!(matches!(why(&third)[0], OnlineError::CertificateStatus { .. }), "{third:?}");
    assert!(matches!(authority.status(at.plus(HOUR)).await, Status::Good(_)));
}

fn authority_of(folder: &Path, ocsp: &str) -> [Certificate; 2] {
    authority(folder, ocsp, NOWHERE)
}

#[tokio::test]
async fn a_list_serves_all_certificates_of_its_issuer_and_an_older_one_takes_nothing_back() {
    let authority = Authority::with(true).await;
    authority.says(HELD);
    let at = now();
    let status = authority.status(at).await;
    assert!(matches!(&status, Status::Revoked(_, Proof::List(_))), "{status:?}");
    assert_eq!(authority.asked(), 1);
    // An old list, on which nothing is, that says of itself that it holds for long.
    std::fs::write(authority.path().join("index.txt"), GOOD).expect("a file");
    authority.lists_of("-crl_lastupdate 20260101000000Z -crl_nextupdate 20460101000000Z");
    let later = at.plus(HOUR * 60);
    assert_eq!(authority.statuses.refresh(later).await.0, 0, "nobody has used it for two days");
    assert!(matches!(authority.status(later).await, Status::Revoked(..)));
    assert_eq!((authority.statuses.refresh(later).await.0, authority.asked()), (1, 2));
    assert!(matches!(authority.status(later).await, Status::Revoked(..)));
}

#[tokio::test]
async fn a_list_of_the_past_and_one_of_the_future_say_nothing() {
    let authority = Authority::with(true).await;
    authority.lists_of("-crl_lastupdate 20260101000000Z -crl_nextupdate 20260201000000Z");
    let at = now();
    let past = authority.status(at).await;
    assert!(why(&past).iter().any(|why| matches!(why, OnlineError::Outdated { .. })), "{past:?}");
    authority.says(GOOD);
    // Our clock is behind by more than clocks may be apart, and the place is asked again.
    let future = authority.statuses.of(&authority.leaf, &authority.root, at.minus(HOUR)).await;
    assert!(
        matches!(why(&future).last(), Some(OnlineError::LeftAlone { .. } | OnlineError::Ahead { .. })),
        "{future:?}"
    );
    let five = at.plus(Duration::from_secs(31));
    assert!(matches!(authority.status(five).await, Status::Good(Proof::List(_))));
}
