//! Every gate and every reason: told with its message, and on record.

use std::time::Duration;

use eseal_kernel::Digest;
use eseal_proto::seal::v1 as seal_pb;
use eseal_seal::{CertificateList, SealInfo};
use eseal_service::Role;
use tonic::{Code, Status};

use crate::cards::Card;
use crate::workshop::*;

const NO_MAKER_CARD: &str = "未插制章授权卡,制章失败";
const NO_CERTIFICATE: &str = "数字证书不合法或无数字证书,制章失败";
const IN_USE: &str = "USBkey正在被某个电子印章使用";
const FAILED: &str = "制章失败";

#[tokio::test]
async fn gate_a_refuses_when_no_maker_card_is_connected() {
    let workshop = Workshop::open().await;
    let application = workshop.approved().await;
    let answer = begin(workshop.maker("zhang"), &application, "").await;
    assert_gate(&workshop, &application, answer, ("a", "MAKER_CARD_ABSENT", NO_MAKER_CARD)).await;
    assert_eq!(workshop.kinds(&application).await, ["FabricationQueued", "RunBegun", "FabricationRefused"]);
}

#[tokio::test]
async fn gate_a_refuses_a_maker_card_that_was_not_issued_here() {
    let workshop = Workshop::open().await;
    let stranger = Card::maker("M9");
    let (application, mut run) = begun(&workshop, &stranger).await;
    let answer = run.presents_maker(stranger.proves(&run.terms)).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_a_refuses_the_certificate_of_another_maker_card() {
    let workshop = Workshop::open().await;
    let (card, other) = (workshop.issued("M1").await, workshop.issued("M2").await);
    let (application, mut run) = begun(&workshop, &card).await;
    let answer = run.presents_maker(other.proves(&run.terms)).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_a_refuses_a_withdrawn_maker_card() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    let (application, mut run) = begun(&workshop, &card).await;
    withdraw(&mut workshop.maker_cards(Role::Admin), "M1").await.expect("withdrawn");
    let answer = run.presents_maker(card.proves(&run.terms)).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_a_refuses_a_maker_certificate_that_is_not_good_any_more() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    workshop.standins.distrust(card.certificate());
    let (application, mut run) = begun(&workshop, &card).await;
    let answer = run.presents_maker(card.proves(&run.terms)).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_a_refuses_the_signature_of_another_key() {
    let workshop = Workshop::open().await;
    let (card, other) = (workshop.issued("M1").await, Card::maker("M2"));
    let (application, mut run) = begun(&workshop, &card).await;
    let proof = seal_pb::SignedStatement { signature: other.proves(&run.terms).signature, ..card.proves(&run.terms) };
    let answer = run.presents_maker(proof).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_a_refuses_an_answer_to_another_challenge() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    let wrong: [fn(&mut seal_pb::ChallengeTerms); 6] = [
        |terms| terms.nonce = "00".repeat(32),
        |terms| terms.attempt_id = request_id(),
        |terms| terms.seal_id = request_id(),
        |terms| terms.purpose = "hold-seal".to_owned(),
        |terms| terms.audience = "eseal.authentication".to_owned(),
        |terms| terms.expires_at.as_mut().expect("a moment").seconds += 1,
    ];
    for change in wrong {
        let (application, mut run) = begun(&workshop, &card).await;
        change(&mut run.terms);
        let answer = run.presents_maker(card.proves(&run.terms)).await;
        assert_rejected(&workshop, &application, answer).await;
    }
}

#[tokio::test]
async fn gate_a_refuses_the_proof_of_another_run() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    let (application, earlier) = begun(&workshop, &card).await;
    let mut run = begin(workshop.maker("zhang"), &application, "M1").await.expect("begun");
    let answer = run.presents_maker(card.proves(&earlier.terms)).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_a_refuses_an_answer_that_comes_too_late() {
    let workshop = Workshop::open().await;
    let card = workshop.issued("M1").await;
    let (application, mut run) = begun(&workshop, &card).await;
    workshop.later(Duration::from_secs(121));
    let answer = run.presents_maker(card.proves(&run.terms)).await;
    assert_rejected(&workshop, &application, answer).await;
}

#[tokio::test]
async fn gate_b_refuses_a_seal_card_without_certificates() {
    let workshop = Workshop::open().await;
    let (application, mut run, _) = proved(&workshop).await;
    let answer = run.presents_proofs("S1", Vec::new()).await;
    assert_gate(&workshop, &application, answer, ("b", "CERTIFICATE_INVALID", NO_CERTIFICATE)).await;
}

#[tokio::test]
async fn gate_c_refuses_a_certificate_that_is_not_good() {
    let workshop = Workshop::open().await;
    let holder = Card::holder("S1", LENOVO);
    workshop.standins.distrust(&holder.keys[1].1);
    assert_invalid(&workshop, &holder, |_| {}).await;
}

#[tokio::test]
async fn gate_c_refuses_a_certificate_of_another_organization() {
    let workshop = Workshop::open().await;
    assert_invalid(&workshop, &Card::holder("S1", SUZHOU), |_| {}).await;
}

#[tokio::test]
async fn gate_c_refuses_a_makers_certificate_instead_of_a_holders() {
    let workshop = Workshop::open().await;
    assert_invalid(&workshop, &Card::maker("S1"), |_| {}).await;
}

#[tokio::test]
async fn gate_c_refuses_a_key_that_is_not_proved() {
    let workshop = Workshop::open().await;
    assert_invalid(&workshop, &Card::holder("S1", LENOVO), |proofs| proofs[1].signature = proofs[0].signature.clone())
        .await;
}

#[tokio::test]
async fn gate_c_refuses_bytes_that_are_no_certificate() {
    let workshop = Workshop::open().await;
    assert_invalid(&workshop, &Card::holder("S1", LENOVO), |proofs| proofs[0].certificate = b"none".to_vec()).await;
}

#[tokio::test]
async fn gate_c_refuses_an_sm2_key_that_is_not_the_first() {
    let workshop = Workshop::open().await;
    assert_invalid(&workshop, &Card::holder("S1", LENOVO), |proofs| proofs.reverse()).await;
}

#[tokio::test]
async fn a_card_without_an_sm2_key_passes_for_a_seal_on_pdf_alone() {
    let workshop = Workshop::open().await;
    let (_, mut run, _) = proved(&workshop).await;
    let mut holder = Card::holder("S1", LENOVO);
    holder.keys.remove(0);
    let info = SealInfo::from_der(&run.presents(&holder).await.expect("accepted")).expect("what is to be signed");
    let CertificateList::Certificates(listed) = &info.certificates else { panic!("digests") };
    assert_eq!(listed.iter().map(|der| Digest::of(der)).collect::<Vec<_>>(), holder.digests());
}

#[tokio::test]
async fn gate_c_refuses_the_same_key_twice() {
    let workshop = Workshop::open().await;
    assert_invalid(&workshop, &Card::holder("S1", LENOVO), |proofs| proofs[1] = proofs[0].clone()).await;
}

#[tokio::test]
async fn gate_c_refuses_a_proof_that_comes_too_late() {
    let workshop = Workshop::open().await;
    let (application, mut run, _) = proved(&workshop).await;
    workshop.later(Duration::from_secs(121));
    let answer = run.presents(&Card::holder("S1", LENOVO)).await;
    assert_gate(&workshop, &application, answer, ("c", "CERTIFICATE_INVALID", NO_CERTIFICATE)).await;
}

#[tokio::test]
async fn gate_d_refuses_a_card_that_carries_another_seal() {
    let workshop = Workshop::open().await;
    let (_, mut run, maker) = proved(&workshop).await;
    run.makes_rest(&maker, &Card::holder("S1", LENOVO)).await;
    // The same card by its serial, with other keys.
    let (application, mut run) = proved_with(&workshop, &maker).await;
    let answer = run.presents(&Card::holder("S1", LENOVO)).await;
    assert_gate(&workshop, &application, answer, ("d", "CARD_IN_USE", IN_USE)).await;
}

#[tokio::test]
async fn gate_d_refuses_a_certificate_that_carries_another_seal() {
    let workshop = Workshop::open().await;
    let (_, mut run, maker) = proved(&workshop).await;
    let mut holder = Card::holder("S1", LENOVO);
    run.makes_rest(&maker, &holder).await;
    // The same keys under another serial.
    let (application, mut run) = proved_with(&workshop, &maker).await;
    holder.serial = "S2".to_owned();
    let answer = run.presents(&holder).await;
    assert_gate(&workshop, &application, answer, ("d", "CARD_IN_USE", IN_USE)).await;
}

#[tokio::test]
async fn gate_e_refuses_a_signature_that_does_not_hold() {
    let workshop = Workshop::open().await;
    let (application, mut run, maker) = proved(&workshop).await;
    run.presents(&Card::holder("S1", LENOVO)).await.expect("accepted");
    let answer = run.signs(maker.signs(b"something else")).await;
    assert_gate(&workshop, &application, answer, ("e", "FABRICATION_FAILED", FAILED)).await;
}

#[tokio::test]
async fn gate_e_refuses_another_seal_read_back() {
    let workshop = Workshop::open().await;
    let (application, mut run, maker) = proved(&workshop).await;
    let info = run.presents(&Card::holder("S1", LENOVO)).await.expect("accepted");
    let mut seal = run.signs(maker.signs(&info)).await.expect("signed");
    seal.pop();
    let answer = run.confirms(&seal).await;
    assert_gate(&workshop, &application, answer, ("e", "FABRICATION_FAILED", FAILED)).await;
}

#[tokio::test]
async fn gate_e_refuses_when_the_station_reports_a_failure() {
    let workshop = Workshop::open().await;
    let (application, mut run, _) = proved(&workshop).await;
    run.presents(&Card::holder("S1", LENOVO)).await.expect("accepted");
    run.reports_failure().await.expect("what was asked for");
    assert_eq!(workshop.refusal(&application).await, ("e".to_owned(), "FABRICATION_FAILED".to_owned()));
    assert_eq!(workshop.shown(&application).await.last_refusal, "FABRICATION_FAILED");
}

#[tokio::test]
async fn gate_e_refuses_when_the_picture_was_erased() {
    let workshop = Workshop::open().await;
    let (application, mut run, _) = proved(&workshop).await;
    workshop.standins.erase();
    let answer = run.presents(&Card::holder("S1", LENOVO)).await;
    assert_gate(&workshop, &application, answer, ("e", "FABRICATION_FAILED", FAILED)).await;
}

#[tokio::test]
async fn a_card_that_was_accepted_in_a_refused_run_can_carry_another_seal() {
    let workshop = Workshop::open().await;
    let holder = Card::holder("S1", LENOVO);
    let (application, mut run, maker) = proved(&workshop).await;
    run.presents(&holder).await.expect("accepted");
    run.signs(Vec::new()).await.expect_err("refused");
    assert_eq!(workshop.kinds(&application).await.last().map(String::as_str), Some("CardReleased"));
    let (_, mut run) = proved_with(&workshop, &maker).await;
    run.presents(&holder).await.expect("accepted");
}

#[tokio::test]
async fn a_maker_card_withdrawn_between_two_steps_stops_the_next_one_whichever_it_is() {
    let workshop = Workshop::open().await;
    for step in 0..3 {
        let maker = workshop.issued(&format!("M-{step}")).await;
        let holder = Card::holder(&format!("S{step}"), LENOVO);
        let (application, mut run) = proved_with(&workshop, &maker).await;
        let mut admin = workshop.maker_cards(Role::Admin);
        let answer = match step {
            0 => {
                withdraw(&mut admin, &maker.serial).await.expect("withdrawn");
                run.presents(&holder).await.map(drop)
            }
            1 => {
                let info = run.presents(&holder).await.expect("accepted");
                withdraw(&mut admin, &maker.serial).await.expect("withdrawn");
                run.signs(maker.signs(&info)).await.map(drop)
            }
            _ => {
                let info = run.presents(&holder).await.expect("accepted");
                let seal = run.signs(maker.signs(&info)).await.expect("signed");
                withdraw(&mut admin, &maker.serial).await.expect("withdrawn");
                run.confirms(&seal).await.map(drop)
            }
        };
        assert_rejected(&workshop, &application, answer).await;
    }
}

impl Run {
    /// What is left of a run whose maker card is proved.
    async fn makes_rest(&mut self, maker: &Card, holder: &Card) {
        let info = self.presents(holder).await.expect("accepted");
        let seal = self.signs(maker.signs(&info)).await.expect("signed");
        self.confirms(&seal).await.expect("made");
    }
}

/// A run of a new application with this maker card.
async fn begun(workshop: &Workshop, card: &Card) -> (String, Run) {
    let application = workshop.approved().await;
    let run = begin(workshop.maker("zhang"), &application, &card.serial).await.expect("begun");
    (application, run)
}

/// A run that has passed gate a with a new maker card.
async fn proved(workshop: &Workshop) -> (String, Run, Card) {
    let maker = workshop.issued("M1").await;
    let (application, run) = proved_with(workshop, &maker).await;
    (application, run, maker)
}

async fn proved_with(workshop: &Workshop, maker: &Card) -> (String, Run) {
    let (application, mut run) = begun(workshop, maker).await;
    run.presents_maker(maker.proves(&run.terms)).await.expect("gate a");
    (application, run)
}

async fn assert_rejected(workshop: &Workshop, application: &str, answer: Result<(), Status>) {
    assert_gate(workshop, application, answer, ("a", "MAKER_CARD_REJECTED", NO_MAKER_CARD)).await;
}

/// Gate c refuses this card, whose proofs are changed before they are sent.
async fn assert_invalid(workshop: &Workshop, card: &Card, change: impl FnOnce(&mut Vec<seal_pb::SignedStatement>)) {
    let (application, mut run, _) = proved(workshop).await;
    let mut proofs = card.proofs(&run.terms);
    change(&mut proofs);
    let answer = run.presents_proofs(&card.serial, proofs).await;
    assert_gate(workshop, &application, answer, ("c", "CERTIFICATE_INVALID", NO_CERTIFICATE)).await;
}

/// The refusal was told with these words, is on record, and is shown.
async fn assert_gate<T: std::fmt::Debug>(
    workshop: &Workshop,
    application: &str,
    answer: Result<T, Status>,
    (gate, reason, message): (&str, &str, &str),
) {
    let (code, told) = refusal(answer);
    assert_eq!((code, told.reason.as_str(), told.message.as_str()), (Code::FailedPrecondition, reason, message));
    assert_eq!(told.metadata["gate"], gate);
    assert_eq!(workshop.refusal(application).await, (gate.to_owned(), reason.to_owned()));
    let shown = workshop.shown(application).await;
    assert_eq!((shown.state().as_str_name(), shown.last_refusal.as_str()), ("FABRICATION_STATE_WAITING", reason));
}
