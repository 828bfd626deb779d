//! What uses were judged by: read piece by piece, and forgotten where the settings want that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use eseal_authentication::Config;
use eseal_kernel::Digest;
use eseal_pki::ca::Addresses;
use eseal_pki::{Crl, DeltaCrl, DevelopmentCa, RevocationReason};
use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use eseal_testkit::wait_until;
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Query;
use tokio::net::TcpListener;

use crate::bureau::*;
use crate::gates::at_d;
use crate::inquiry::Responder;
use crate::signing::attempts;

const LONG: Duration = Duration::from_secs(120);

/// The lists of the holders' authority, by their paths on this machine.
struct Shelf {
    lists: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    ca: DevelopmentCa,
}

impl Shelf {
    /// The lists, before a bureau whose holders' certificates name them.
    async fn and_bureau() -> (Self, Bureau) {
        let lists = Arc::<Mutex<HashMap<String, Vec<u8>>>>::default();
        let kept = Arc::clone(&lists);
        let give = move |uri: Uri| async move { found(kept.lock().expect("no panic").get(uri.path())) };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(get(give))).await });
        let mut bureau = Bureau::open().await;
        let places = Addresses {
            list: Some(format!("{url}/list")),
            changes: Some(format!("{url}/changes")),
            ..Addresses::default()
        };
        let files = bureau.authorities.holders.to_files(bureau.now()).expect("texts");
        let copy = || DevelopmentCa::from_files(&files).expect("the authority").at(places.clone());
        bureau.authorities.holders = copy();
        bureau.asks = true;
        bureau.restart().await;
        (Self { lists, ca: copy() }, bureau)
    }

    fn holds(&self, path: &str, list: &[u8]) {
        self.lists.lock().expect("no panic").insert(path.to_owned(), list.to_vec());
    }
}

fn found(list: Option<&Vec<u8>>) -> Response {
    list.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |list| list.clone().into_response())
}

/// What the newest attempt of a seal, or the one before it and so on, was judged by.
async fn evidence(bureau: &Bureau, seal_id: &str, place: usize, digest: &str) -> Vec<pb::Evidence> {
    let attempt_id = attempts(bureau, seal_id).await.remove(place).attempt_id;
    let (seal_id, digest) = (seal_id.to_owned(), digest.to_owned());
    let mut auditor = bureau.sealing("chen", Role::Auditor, None);
    let asked = pb::GetAttemptEvidenceRequest { seal_id, attempt_id, digest };
    auditor.get_attempt_evidence(asked).await.expect("evidence").into_inner().evidence
}

#[tokio::test]
async fn a_certificate_that_only_a_list_of_changes_revokes_is_refused_and_both_lists_are_kept() {
    let (mut shelf, bureau) = Shelf::and_bureau().await;
    let card = bureau.active().await;
    let (made, later) = (bureau.now(), bureau.now().plus(Duration::from_secs(3600)));
    let list = shelf.ca.crl(made).expect("a list");
    shelf.holds("/list", list.der());
    shelf.ca.revoke(&card.sm2.1.serial_hex(), RevocationReason::KeyCompromise, later);
    let changes = shelf.ca.changes(made, later).expect("changes");
    shelf.holds("/changes", changes.der());
    bureau.later(Duration::from_secs(3600));
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_REVOKED");

    let found = evidence(&bureau, &card.seal_id, 0, "").await;
    let kind = |kind| found.iter().find(|one| one.kind() == kind).expect("kept");
    let (whole, delta) = (kind(pb::EvidenceKind::List), kind(pb::EvidenceKind::Changes));
    assert_eq!((found.len(), whole.der.as_slice(), delta.der.as_slice()), (2, list.der(), changes.der()));
    let updated = Crl::from_der(&whole.der).expect("a list").updated(&DeltaCrl::from_der(&delta.der).expect("changes"));
    assert!(updated.expect("they fit").revocation_of(&card.sm2.1).is_some());

    // Asked for by its digest one comes, and of the others what they are.
    let one = evidence(&bureau, &card.seal_id, 0, &delta.digest).await;
    assert_eq!(
        one.iter().map(|one| one.kind()).collect::<Vec<_>>(),
        found.iter().map(|one| one.kind()).collect::<Vec<_>>()
    );
    for given in one {
        let expected = if given.digest == delta.digest { changes.der() } else { &[] };
        assert_eq!(given.der, expected);
    }
}

/// The digests of what is stored of the answers of issuers.
async fn stored(bureau: &Bureau) -> Vec<String> {
    let select = Query::select().column("digest").from("evidence_content").take();
    let rows = bureau.database.reader().query_all(&select).await.expect("rows");
    rows.iter().map(|row| row.try_get("", "digest").expect("a digest")).collect()
}

fn kept_for(bureau: &mut Bureau, time: Duration) {
    bureau.settings = Box::new(move |config| Config { evidence_kept_for: time, ..config });
}

#[tokio::test]
async fn what_a_use_was_judged_by_is_forgotten_once_it_is_older_than_is_set_and_a_day_later_its_bytes() {
    let (responder, mut bureau) = Responder::and_bureau(true).await;
    let card = bureau.active().await;
    at_d(&bureau, &card).await.expect("good");
    bureau.later(DAY * 40);
    responder.learns(&bureau);
    at_d(&bureau, &card).await.expect("good");
    let of = async |bureau: &Bureau, place| evidence(bureau, &card.seal_id, place, "").await;
    assert_eq!((of(&bureau, 0).await.len(), of(&bureau, 1).await.len(), stored(&bureau).await.len()), (1, 1, 2));

    kept_for(&mut bureau, DAY * 30);
    bureau.restart().await;
    let forgotten = async || of(&bureau, 1).await.is_empty().then_some(());
    wait_until("the older use's evidence is forgotten", LONG, forgotten).await;
    let newer = of(&bureau, 0).await;
    assert_eq!(newer.len(), 1, "that of the newer one is kept");

    // In a step of its own: the day begins with it.
    let marked = async || (unused(&bureau).await == 1).then_some(());
    wait_until("no use names its bytes", LONG, marked).await;
    bureau.later(DAY * 2);
    bureau.restart().await;
    let gone = async || Some(stored(&bureau).await).filter(|stored| stored.len() == 1);
    let left = wait_until("the bytes that no use names are gone", LONG, gone).await;
    assert_eq!(left, [Digest::of(&newer[0].der).to_string()]);
    assert_eq!(of(&bureau, 0).await, newer);
}

#[tokio::test]
async fn a_piece_that_is_wanted_again_before_it_is_forgotten_stays() {
    let (mut shelf, mut bureau) = Shelf::and_bureau().await;
    let card = bureau.active().await;
    let made = bureau.now();
    shelf.ca = shelf.ca.at(Addresses::default());
    let list = shelf.ca.crl_until(made, made.plus(DAY * 300)).expect("a list");
    shelf.holds("/list", list.der());
    at_d(&bureau, &card).await.expect("good");
    kept_for(&mut bureau, DAY * 30);
    bureau.later(DAY * 40);
    bureau.restart().await;
    let forgotten = async || evidence(&bureau, &card.seal_id, 0, "").await.is_empty().then_some(());
    wait_until("the use's evidence is forgotten", LONG, forgotten).await;
    let marked = async || (unused(&bureau).await == 1).then_some(());
    wait_until("no use names the list", LONG, marked).await;
    // The same list, hours before it would be forgotten.
    bureau.later(Duration::from_secs(20 * 3600));
    at_d(&bureau, &card).await.expect("good");
    assert_eq!((unused(&bureau).await, stored(&bureau).await.len()), (0, 1));
    bureau.later(DAY);
    at_d(&bureau, &card).await.expect("good");
    bureau.restart().await;
    // Another use's evidence is forgotten in the same go, or there was nothing to forget: the list is there either way.
    assert_eq!(evidence(&bureau, &card.seal_id, 0, "").await[0].der, list.der());
}

#[tokio::test]
async fn what_is_too_old_is_forgotten_in_one_round_however_much_it_is() {
    const NAMES: usize = 2_500;
    let mut bureau = Bureau::open().await;
    let mut insert = Query::insert().into_table("sealing_evidence").columns(["attempt_id", "seal_id", "digest"]).take();
    for _ in 0..NAMES {
        // Ids carry the moment of their begin.
        insert.values_panic([request_id().into(), request_id().into(), Digest::of(b"a list").to_string().into()]);
    }
    let transaction = bureau.database.begin().await.expect("begun");
    transaction.execute(&insert).await.expect("inserted");
    transaction.commit().await.expect("committed");
    kept_for(&mut bureau, DAY * 30);
    bureau.later(DAY * 40);
    bureau.restart().await;
    // The next round begins an hour later.
    let all = Query::select().column("digest").from("sealing_evidence").take();
    let gone = async || bureau.database.reader().query_all(&all).await.expect("rows").is_empty().then_some(());
    wait_until("all is forgotten", LONG, gone).await;
}

/// How many pieces are about to be forgotten.
async fn unused(bureau: &Bureau) -> usize {
    use sea_orm::sea_query::{Expr, ExprTrait as _};
    let marked = Expr::col("unused_since").is_not_null();
    let select = Query::select().column("digest").from("evidence_content").and_where(marked).take();
    bureau.database.reader().query_all(&select).await.expect("rows").len()
}

#[tokio::test]
async fn a_time_of_less_than_a_day_is_refused_at_the_start() {
    let mut bureau = Bureau::closed().await;
    kept_for(&mut bureau, DAY - Duration::from_secs(1));
    let refused = bureau.wired().await.expect_err("too short");
    assert!(refused.to_string().contains("evidence_kept_for"), "{refused}");
    kept_for(&mut bureau, DAY);
    bureau.wired().await.expect("long enough");
}
