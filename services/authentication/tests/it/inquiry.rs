//! Issuers are asked about certificates of which no imported list says anything, and what they answer is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use eseal_kernel::{Digest, Timestamp};
use eseal_pki::ca::Addresses;
use eseal_pki::ocsp::{OcspResponse, RESPONSE_MEDIA_TYPE};
use eseal_pki::{DevelopmentCa, RevocationReason, Suite};
use eseal_proto::authentication::v1 as pb;
use eseal_service::Role;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bureau::*;
use crate::card::Card;
use crate::gates::at_d;
use crate::signing::*;

/// A responder of the holders' authority on this machine.
pub struct Responder {
    says: Arc<Mutex<Option<(DevelopmentCa, Timestamp)>>>,
    asked: Arc<AtomicUsize>,
    keeps_back: watch::Sender<bool>,
}

impl Responder {
    /// The responder, before a bureau that asks it.
    pub async fn and_bureau(strict: bool) -> (Self, Bureau) {
        let (says, asked) =
            (Arc::<Mutex<Option<(DevelopmentCa, Timestamp)>>>::default(), Arc::new(AtomicUsize::new(0)));
        let (authority, counter) = (Arc::clone(&says), Arc::clone(&asked));
        let (keeps_back, kept_back) = watch::channel(false);
        let answer = move |request: Bytes| async move {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = kept_back.clone().wait_for(|kept_back| !kept_back).await;
            respond(authority.lock().unwrap_or_else(PoisonError::into_inner).as_ref(), &request)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let router = axum::Router::new().fallback(post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut bureau = Bureau::open().await;
        let addresses = Addresses { ocsp: Some(url), ..Addresses::default() };
        bureau.authorities.holders = copy(&bureau).at(addresses);
        (bureau.asks, bureau.strict) = (true, strict);
        bureau.restart().await;
        let responder = Self { says, asked, keeps_back };
        responder.learns(&bureau);
        (responder, bureau)
    }

    /// Answers nobody, and leaves them waiting, until it does so no more.
    pub fn keeps_back(&self, answers: bool) {
        self.keeps_back.send_replace(answers);
    }

    /// Knows what the authority knows.
    pub fn learns(&self, bureau: &Bureau) {
        *self.says.lock().expect("no panic") = Some((copy(bureau), bureau.now()));
    }

    fn is_gone(&self) {
        *self.says.lock().expect("no panic") = None;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn copy(bureau: &Bureau) -> DevelopmentCa {
    let files = bureau.authorities.holders.to_files(bureau.now()).expect("texts");
    DevelopmentCa::from_files(&files).expect("the authority")
}

fn respond(says: Option<&(DevelopmentCa, Timestamp)>, request: &[u8]) -> Response {
    match says {
        Some((authority, now)) => {
            ([(CONTENT_TYPE, RESPONSE_MEDIA_TYPE)], authority.respond(request, *now).expect("an answer"))
                .into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// The OCSP responses that the newest attempt was judged by.
pub async fn evidence(bureau: &Bureau, card: &Card) -> Vec<OcspResponse> {
    let attempt_id = attempts(bureau, &card.seal_id).await.remove(0).attempt_id;
    let asked = pb::GetAttemptEvidenceRequest { seal_id: card.seal_id.clone(), attempt_id, ..Default::default() };
    let mut auditor = bureau.sealing("chen", Role::Auditor, None);
    let found = auditor.get_attempt_evidence(asked).await.expect("evidence").into_inner().evidence;
    let response = |one: &pb::Evidence| {
        assert_eq!((one.kind(), &one.digest), (pb::EvidenceKind::Ocsp, &Digest::of(&one.der).to_string()));
        let response = OcspResponse::from_der(&one.der).expect("a response");
        response.verify(bureau.authorities.holders.certificate()).expect("the authority's");
        response
    };
    found.iter().map(response).collect()
}

#[tokio::test]
async fn an_issuer_is_asked_once_about_a_certificate_and_its_answer_is_kept_with_each_use() {
    let (responder, bureau) = Responder::and_bureau(true).await;
    let card = bureau.active().await;
    for _ in 0..3 {
        at_d(&bureau, &card).await.expect("the issuer says that it is good");
        let kept = evidence(&bureau, &card).await;
        assert_eq!(kept.len(), 1);
        assert!(kept[0].statement_about(&card.sm2.1, bureau.authorities.holders.certificate()).is_some());
    }
    assert_eq!(responder.asked(), 1);
    // What it answered holds for a day, and nobody is asked in vain meanwhile.
    responder.is_gone();
    at_d(&bureau, &card).await.expect("still known");
    bureau.later(DAY * 2);
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_STATUS_UNKNOWN");
}

#[tokio::test]
async fn a_certificate_that_its_issuer_says_is_revoked_is_refused_and_why_is_kept() {
    let (responder, mut bureau) = Responder::and_bureau(false).await;
    let card = bureau.active().await;
    let serial = card.sm2.1.serial_hex();
    let at = bureau.now();
    bureau.authorities.holders.revoke(&serial, RevocationReason::KeyCompromise, at);
    responder.learns(&bureau);
    assert_gate(at_d(&bureau, &card).await, "d", "CERTIFICATE_REVOKED");
    assert_eq!(evidence(&bureau, &card).await.len(), 1);
    let shown = pb::CheckCertificateRequest {
        purpose: pb::TrustPurpose::Holder.into(),
        certificate: card.sm2.1.der().to_vec(),
        uscc: LENOVO.to_owned(),
        ..Default::default()
    };
    let checked = bureau.trust("gao", Role::Admin).check_certificate(shown).await.expect("checked").into_inner();
    assert_eq!((checked.good, checked.reason.as_str()), (false, "CERTIFICATE_REVOKED"));
    assert!(at_gate_d_with(&bureau, &card, Suite::EcdsaP256Sha256).await, "the other certificate is good");
}

async fn at_gate_d_with(bureau: &Bureau, card: &Card, suite: Suite) -> bool {
    let begun = at_gate_d(bureau, card).await;
    authorize(&mut bureau.zhou(), showing(card, &begun, suite)).await.is_ok()
}

#[tokio::test]
async fn where_an_issuer_is_away_the_settings_decide() {
    for (strict, refused) in [(false, false), (true, true)] {
        let (responder, bureau) = Responder::and_bureau(strict).await;
        let card = bureau.active().await;
        responder.is_gone();
        let answer = at_d(&bureau, &card).await;
        if refused {
            assert_gate(answer, "d", "CERTIFICATE_STATUS_UNKNOWN");
        } else {
            answer.expect("taken as good");
        }
        assert_eq!((responder.asked(), evidence(&bureau, &card).await.len()), (1, 0));
    }
}
