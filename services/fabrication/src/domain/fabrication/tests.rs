use eseal_kernel::{Scenario, Uscc};

use super::super::claims::{card_claim, certificate_claim};
use super::super::command::ShownCertificate;
use super::super::order::{Custody, Organization, Purpose, SealType};
use super::*;

type Given = Scenario<Fabrication>;

#[test]
fn an_order_is_queued_once() {
    assert_eq!(Given::given([]).when(&Command::Queue(order())), Ok(vec![queued()]));
    assert_eq!(Given::given([queued()]).when(&Command::Queue(order())), Ok(vec![]));
}

#[test]
fn without_a_maker_card_the_run_begins_and_ends_at_gate_a() {
    let facts = Given::given([queued()]).when(&begin(1, None)).unwrap();
    assert!(matches!(facts[0], Event::RunBegun { .. }));
    assert_eq!(facts[1], refused(1, Gate::A, RefusalReason::MakerCardAbsent));
}

#[test]
fn a_maker_card_that_was_not_issued_here_is_refused() {
    let facts = Given::given([queued(), begun(1)]).when(&present_maker("n1", 0));
    assert_eq!(facts, Ok(vec![refused(1, Gate::A, RefusalReason::MakerCardRejected)]));
}

#[test]
fn the_certificate_of_another_maker_card_is_refused() {
    let facts = Given::given([queued(), begun(1)])
        .and_held(maker_card::in_force(&maker()), "maker_card-M2")
        .when(&present_maker("n1", 0));
    assert_eq!(facts, Ok(vec![refused(1, Gate::A, RefusalReason::MakerCardRejected)]));
}

#[test]
fn a_wrong_or_late_answer_to_the_challenge_is_refused_at_gate_a() {
    let given = with_maker([queued(), begun(1)]);
    let rejected = Ok(vec![refused(1, Gate::A, RefusalReason::MakerCardRejected)]);
    assert_eq!(given.when(&present_maker("another nonce", 0)), rejected);
    assert_eq!(given.when(&present_maker("n1", 121)), rejected);
    assert_eq!(given.when(&present_maker("n1", 120)), Ok(vec![maker_proved()]));
}

#[test]
fn a_maker_card_whose_certificate_is_not_good_any_more_is_refused_at_gate_a() {
    let shown = ShownCertificate { certificate: maker(), good: false, proved: Some("n1".to_owned()) };
    let facts = with_maker([queued(), begun(1)])
        .when(&step(Step::PresentMakerCard { shown, challenge: challenge("n2"), copied: false }, 0));
    assert_eq!(facts, Ok(vec![refused(1, Gate::A, RefusalReason::MakerCardRejected)]));
}

#[test]
fn a_seal_that_can_not_be_built_is_refused_at_gate_e_after_the_gates_before_it() {
    let unbuilt = |certificates| {
        let card_serial = "C1".to_owned();
        step(
            Step::PresentSealCard {
                maker_certificate: maker(),
                card_serial,
                certificates,
                seal_info: None,
                predecessor: None,
            },
            0,
        )
    };
    let given = with_maker([queued(), begun(1), maker_proved()]);
    let failed = Ok(vec![refused(1, Gate::E, RefusalReason::FabricationFailed)]);
    assert_eq!(given.when(&unbuilt(vec![shown(true, Some("n2"))])), failed);
    let refused_before = Ok(vec![refused(1, Gate::B, RefusalReason::CertificateInvalid)]);
    assert_eq!(given.when(&unbuilt(vec![])), refused_before);
}

#[test]
fn another_makers_last_step_is_misuse_even_after_the_seal_was_made() {
    let past = [queued(), begun(1), maker_proved(), accepted_event(), made_event()];
    let confirm = Step::ConfirmSeal { maker_certificate: maker(), read_back: seal() };
    let other = Command::Step { run_id: id(1), maker_id: "li".to_owned(), now: at(0), step: confirm };
    assert_eq!(with_maker(past).when(&other), Err(Rejection::OtherMaker));
}

#[test]
fn a_seal_card_without_a_certificate_is_refused_at_gate_b() {
    let facts = with_maker([queued(), begun(1), maker_proved()]).when(&present_seal(vec![]));
    assert_eq!(facts, Ok(vec![refused(1, Gate::B, RefusalReason::CertificateInvalid)]));
}

#[test]
fn a_certificate_that_is_not_good_or_not_proved_is_refused_at_gate_c() {
    let given = with_maker([queued(), begun(1), maker_proved()]);
    let rejected = Ok(vec![refused(1, Gate::C, RefusalReason::CertificateInvalid)]);
    assert_eq!(given.when(&present_seal(vec![shown(false, Some("n2"))])), rejected);
    assert_eq!(given.when(&present_seal(vec![shown(true, None)])), rejected);
    assert_eq!(given.when(&present_seal(vec![shown(true, Some("n1"))])), rejected);
}

#[test]
fn a_card_or_certificate_of_another_seal_is_refused_at_gate_d() {
    for key in [card_claim("C1"), certificate_claim(&holder())] {
        let facts = with_maker([queued(), begun(1), maker_proved()])
            .and_held(key, "fabrication-another")
            .when(&present_seal(vec![shown(true, Some("n2"))]));
        assert_eq!(facts, Ok(vec![refused(1, Gate::D, RefusalReason::CardInUse)]));
    }
}

#[test]
fn gates_are_passed_in_order_until_the_seal_is_made() {
    let mut past = vec![queued(), begun(1), maker_proved()];
    let accepted = with_maker(past.clone()).when(&present_seal(vec![shown(true, Some("n2"))])).unwrap();
    assert_eq!(accepted, [accepted_event()]);
    past.extend(accepted);
    let signed = with_maker(past.clone()).when(&sign(Some(seal()))).unwrap();
    assert_eq!(signed, [Event::SealSigned { application_id: id(7), run_id: id(1), seal: seal() }]);
    past.extend(signed);
    let made = with_maker(past.clone()).when(&confirm(seal())).unwrap();
    assert!(matches!(&made[..], [Event::Fabricated { seal, .. }] if *seal == self::seal()));
    past.extend(made);
    assert_eq!(with_maker(past).when(&confirm(seal())), Ok(vec![]));
}

#[test]
fn a_maker_card_withdrawn_between_two_steps_ends_the_run_and_frees_the_seal_card() {
    let withdrawn = Given::given([queued(), begun(1), maker_proved(), accepted_event()]);
    let facts = withdrawn.when(&sign(Some(seal())));
    assert_eq!(facts, Ok(vec![refused(1, Gate::A, RefusalReason::MakerCardRejected), released()]));
}

#[test]
fn what_is_read_back_must_be_what_was_signed() {
    let past = [
        queued(),
        begun(1),
        maker_proved(),
        accepted_event(),
        Event::SealSigned { application_id: id(7), run_id: id(1), seal: seal() },
    ];
    let facts = with_maker(past).when(&confirm(Digest::of(b"another")));
    assert_eq!(facts, Ok(vec![refused(1, Gate::E, RefusalReason::FabricationFailed), released()]));
}

#[test]
fn the_first_signature_stays_when_signing_repeats() {
    let past = [
        queued(),
        begun(1),
        maker_proved(),
        accepted_event(),
        Event::SealSigned { application_id: id(7), run_id: id(1), seal: seal() },
    ];
    assert_eq!(with_maker(past).when(&sign(Some(Digest::of(b"second")))), Ok(vec![]));
}

#[test]
fn an_order_to_stop_wins_at_every_stage_before_the_seal_is_made_and_gives_the_card_back() {
    let signed = Event::SealSigned { application_id: id(7), run_id: id(1), seal: seal() };
    let stages = [begun(1), maker_proved(), accepted_event(), signed];
    let stopped = Event::Stopped { application_id: id(7) };
    assert_eq!(Given::given([queued()]).when(&Command::Stop), Ok(vec![stopped.clone()]));
    for reached in 1..=stages.len() {
        let past: Vec<_> = [queued()].into_iter().chain(stages[..reached].to_vec()).collect();
        let mut expected = vec![refused(1, Gate::E, RefusalReason::FabricationFailed)];
        expected.extend((reached > 2).then(released));
        expected.push(stopped.clone());
        let facts = with_maker(past.clone()).when(&Command::Stop);
        assert_eq!(facts.as_ref(), Ok(&expected), "{:?}", stages[reached - 1]);
        let over = with_maker(past.into_iter().chain(expected));
        assert_eq!(over.when(&Command::Stop), Ok(vec![]), "told twice");
        assert_eq!(over.when(&confirm(seal())), Err(Rejection::Closed));
        assert_eq!(over.when(&begin(2, Some("M1"))), Err(Rejection::Closed));
    }
}

#[test]
fn an_order_to_stop_that_comes_after_the_seal_was_made_changes_nothing() {
    let signed = Event::SealSigned { application_id: id(7), run_id: id(1), seal: seal() };
    let given = with_maker([queued(), begun(1), maker_proved(), accepted_event(), signed, made_event()]);
    assert_eq!(given.when(&Command::Stop), Ok(vec![]));
}

#[test]
fn another_makers_run_gives_way_only_when_it_was_left_alone() {
    let given = Given::given([queued(), begun(1)]);
    assert_eq!(given.when(&begin_by("li", 2, at(600))), Err(Rejection::RunUnderWay));
    let facts = given.when(&begin_by("li", 2, at(601))).unwrap();
    assert_eq!(facts[0], refused(1, Gate::E, RefusalReason::FabricationFailed));
    assert!(matches!(facts[1], Event::RunBegun { .. }));
}

#[test]
fn steps_out_of_order_and_of_others_are_misuse_and_leave_no_fact() {
    let given = with_maker([queued(), begun(1)]);
    assert_eq!(given.when(&sign(Some(seal()))), Err(Rejection::WrongStep));
    let other = Command::Step { run_id: id(1), maker_id: "li".to_owned(), now: at(0), step: Step::ReportFailure };
    assert_eq!(given.when(&other), Err(Rejection::OtherMaker));
    let unknown = Command::Step { run_id: id(9), maker_id: "zhang".to_owned(), now: at(0), step: Step::ReportFailure };
    assert_eq!(given.when(&unknown), Err(Rejection::NoSuchRun));
    assert_eq!(Given::given([]).when(&begin(1, Some("M1"))), Err(Rejection::NotFound));
}

#[test]
fn an_ended_seal_frees_its_card_once() {
    let made = made_event();
    let past = [
        queued(),
        begun(1),
        maker_proved(),
        accepted_event(),
        Event::SealSigned { application_id: id(7), run_id: id(1), seal: seal() },
        made,
    ];
    let given = Given::given(past.clone());
    let release = Command::Release { seal_id: id(71) };
    assert_eq!(given.when(&release), Ok(vec![released()]));
    assert_eq!(Fabrication::claims_of(&released()).len(), 4);
    assert_eq!(Given::given(past.into_iter().chain([released()])).when(&release), Ok(vec![]));
}

#[test]
fn a_successor_is_made_on_the_card_of_its_predecessor_and_waits_beside_it() {
    let given = with_maker([queued(), begun(1), maker_proved()]);
    let on_card = given.clone().and_held(card_claim("C1"), &Fabrication::stream(id(8)));
    let accepted = on_card.when(&present_after(vec![shown(true, Some("n2"))], Some(id(8)))).unwrap();
    assert!(matches!(accepted[..], [Event::SealCardAccepted { beside_predecessor: true, .. }]));
    let taken: Vec<_> = claims_beside("C1", &[holder()]).into_iter().map(ClaimChange::Taken).collect();
    assert_eq!(Fabrication::claims_of(&accepted[0]), taken);
    // Somebody else's successor has no business there.
    let refused = Ok(vec![refused(1, Gate::D, RefusalReason::CardInUse)]);
    assert_eq!(on_card.when(&present_after(vec![shown(true, Some("n2"))], Some(id(9)))), refused);
}

#[test]
fn a_successor_with_a_card_of_its_own_takes_it_as_any_seal_does() {
    let given = with_maker([queued(), begun(1), maker_proved()]);
    let accepted = given.when(&present_after(vec![shown(true, Some("n2"))], Some(id(8)))).unwrap();
    assert_eq!(accepted, [accepted_event()]);
}

#[test]
fn the_successor_of_one_that_waited_takes_the_place_that_became_free() {
    let waited = claims_beside("C1", &[holder()]).remove(1);
    let given = with_maker([queued(), begun(1), maker_proved()]).and_held(waited, &Fabrication::stream(id(8)));
    let accepted = given.when(&present_after(vec![shown(true, Some("n2"))], Some(id(8)))).unwrap();
    assert_eq!(accepted, [accepted_event()]);
    // Nobody else does: the card is in use, whichever place it has.
    let refused = Ok(vec![refused(1, Gate::D, RefusalReason::CardInUse)]);
    assert_eq!(given.when(&present_seal(vec![shown(true, Some("n2"))])), refused);
}

fn with_maker(past: impl IntoIterator<Item = Event>) -> Given {
    Given::given(past).and_held(maker_card::in_force(&maker()), "maker_card-M1")
}

fn id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + second)
}

fn maker() -> Digest {
    Digest::of(b"maker certificate")
}

fn holder() -> Digest {
    Digest::of(b"holder certificate")
}

fn seal() -> Digest {
    Digest::of(b"SESeal")
}

fn challenge(nonce: &str) -> Challenge {
    Challenge { nonce: nonce.to_owned(), expires_at: at(120) }
}

fn order() -> Order {
    Order {
        application_id: id(7),
        purpose: Purpose::New,
        applicant_id: "wang".to_owned(),
        organization: Organization {
            uscc: "91110000600037341L".parse::<Uscc>().unwrap(),
            name_zh: "某公司".to_owned(),
            name_en: String::new(),
        },
        seal_type: SealType::Contract,
        seal_name: Digest::of(b"name"),
        impression: Digest::of(b"picture"),
        width_mm: 40,
        height_mm: 40,
        custody: Custody::SealCard,
        custodian_id: "chen".to_owned(),
        valid_from: at(0),
        valid_to: at(1_000_000),
        existing_seal_id: None,
    }
}

fn queued() -> Event {
    Event::Queued(order())
}

fn begin(run: u8, card: Option<&str>) -> Command {
    Command::BeginRun {
        application_id: id(7),
        run_id: id(run),
        seal_id: id(run + 70),
        maker_id: "zhang".to_owned(),
        maker_card_serial: card.map(str::to_owned),
        challenge: challenge("n1"),
        now: at(0),
    }
}

fn begin_by(maker: &str, run: u8, now: Timestamp) -> Command {
    Command::BeginRun {
        application_id: id(7),
        run_id: id(run),
        seal_id: id(run + 70),
        maker_id: maker.to_owned(),
        maker_card_serial: Some("M1".to_owned()),
        challenge: challenge("n1"),
        now,
    }
}

fn begun(run: u8) -> Event {
    Event::RunBegun {
        application_id: id(7),
        run_id: id(run),
        seal_id: id(run + 70),
        maker_id: "zhang".to_owned(),
        maker_card_serial: Some("M1".to_owned()),
        challenge: challenge("n1"),
    }
}

fn step(step: Step, second: i64) -> Command {
    Command::Step { run_id: id(1), maker_id: "zhang".to_owned(), now: at(second), step }
}

fn present_maker(nonce: &str, second: i64) -> Command {
    let shown = ShownCertificate { certificate: maker(), good: true, proved: Some(nonce.to_owned()) };
    step(Step::PresentMakerCard { shown, challenge: challenge("n2"), copied: false }, second)
}

fn maker_proved() -> Event {
    Event::MakerCardProved { application_id: id(7), run_id: id(1), certificate: maker(), challenge: challenge("n2") }
}

fn shown(good: bool, nonce: Option<&str>) -> ShownCertificate {
    ShownCertificate { certificate: holder(), good, proved: nonce.map(str::to_owned) }
}

fn present_seal(certificates: Vec<ShownCertificate>) -> Command {
    present_after(certificates, None)
}

fn present_after(certificates: Vec<ShownCertificate>, predecessor: Option<Id>) -> Command {
    let (maker_certificate, card_serial) = (maker(), "C1".to_owned());
    let seal_info = Some(Digest::of(b"info"));
    step(Step::PresentSealCard { maker_certificate, card_serial, certificates, seal_info, predecessor }, 0)
}

fn accepted_event() -> Event {
    Event::SealCardAccepted {
        application_id: id(7),
        run_id: id(1),
        card_serial: "C1".to_owned(),
        certificates: vec![holder()],
        seal_info: Digest::of(b"info"),
        beside_predecessor: false,
    }
}

fn sign(seal: Option<Digest>) -> Command {
    step(Step::SignSeal { maker_certificate: maker(), seal }, 0)
}

fn confirm(read_back: Digest) -> Command {
    step(Step::ConfirmSeal { maker_certificate: maker(), read_back }, 0)
}

fn made_event() -> Event {
    Event::Fabricated {
        run_id: id(1),
        seal_id: id(71),
        seal: seal(),
        card_serial: "C1".to_owned(),
        certificates: vec![holder()],
        order: order(),
    }
}

fn released() -> Event {
    Event::Released {
        application_id: id(7),
        seal_id: id(71),
        card_serial: "C1".to_owned(),
        certificates: vec![holder()],
    }
}

fn refused(run: u8, gate: Gate, reason: RefusalReason) -> Event {
    Event::Refused { application_id: id(7), run_id: id(run), refusal: Refusal { gate, reason } }
}
