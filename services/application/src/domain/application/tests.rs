//! The rules, one claim a test.

use eseal_kernel::{Digest, Id, Scenario};

use super::*;
use crate::domain::event::ReturnCode;
use crate::domain::example::{self, now, person};
use crate::domain::particulars::Kind;

type Rules = Scenario<Application>;

#[test]
fn filing_an_application_puts_it_under_review() {
    assert_eq!(Rules::given([]).when(&submit(1)), Ok(vec![submitted(1)]));
    assert!(matches!(Rules::given([submitted(1)]).state(), Application::UnderReview { .. }));
}

#[test]
fn filing_the_same_again_records_nothing() {
    assert_eq!(Rules::given([submitted(1)]).when(&submit(1)), Ok(vec![]));
}

#[test]
fn the_id_of_an_application_is_not_taken_twice() {
    let other = Particulars { custodian: person("qian"), ..particulars() };
    let command = Command::Submit(Submit { particulars: other, ..filing(1) });
    assert_eq!(Rules::given([submitted(1)]).when(&command), Err(Rejection::AlreadyExists));
}

#[test]
fn an_application_that_nobody_need_approve_needs_one_approval() {
    assert_eq!(Rules::given([]).when(&submit(0)), Ok(vec![submitted(1)]));
}

#[test]
fn a_validity_that_has_passed_can_not_be_asked_for() {
    let command = Command::Submit(Submit { now: particulars().validity.to(), ..filing(1) });
    assert_eq!(Rules::given([]).when(&command), Err(Rejection::ValidityPassed));
}

#[test]
fn one_approval_approves_where_one_is_needed() {
    assert_eq!(Rules::given([submitted(1)]).when(&approve("li")), Ok(vec![approved("li")]));
}

#[test]
fn an_applicant_can_not_approve_their_own_application() {
    assert_eq!(Rules::given([submitted(1)]).when(&approve("zhang")), Err(Rejection::SelfApproval));
}

#[test]
fn an_applicant_can_not_return_their_own_application() {
    let command = Command::Return { reviewer: person("zhang"), reason: reason() };
    assert_eq!(Rules::given([submitted(1)]).when(&command), Err(Rejection::SelfApproval));
}

#[test]
fn approving_twice_records_one_fact() {
    assert_eq!(Rules::given([submitted(1), approved("li")]).when(&approve("li")), Ok(vec![]));
    assert_eq!(Rules::given([submitted(2), step("li", 1)]).when(&approve("li")), Ok(vec![]));
}

#[test]
fn each_step_is_approved_by_another_person_and_the_last_one_approves() {
    let rules = Rules::given([submitted(3)]);
    assert_eq!(rules.when(&approve("li")), Ok(vec![step("li", 1)]));
    let rules = Rules::given([submitted(3), step("li", 1)]);
    assert_eq!(rules.when(&approve("wang")), Ok(vec![step("wang", 2)]));
    let rules = Rules::given([submitted(3), step("li", 1), step("wang", 2)]);
    assert_eq!(rules.when(&approve("zhao")), Ok(vec![approved("zhao")]));
}

#[test]
fn an_approved_application_can_not_be_approved_returned_or_withdrawn() {
    let rules = Rules::given([submitted(1), approved("li")]);
    assert_eq!(rules.when(&approve("wang")), Err(Rejection::AlreadyApproved));
    assert_eq!(rules.when(&send_back("wang")), Err(Rejection::AlreadyApproved));
    assert_eq!(rules.when(&withdraw("zhang")), Err(Rejection::AlreadyApproved));
    assert_eq!(rules.when(&revise(&revised_particulars())), Err(Rejection::AlreadyApproved));
    assert_eq!(rules.when(&resubmit("zhang")), Err(Rejection::AlreadyApproved));
}

#[test]
fn a_withdrawn_application_can_not_be_approved_returned_or_filed_again() {
    let rules = Rules::given([submitted(1), withdrawn()]);
    assert_eq!(rules.when(&approve("li")), Err(Rejection::AlreadyWithdrawn));
    assert_eq!(rules.when(&send_back("li")), Err(Rejection::AlreadyWithdrawn));
    assert_eq!(rules.when(&revise(&revised_particulars())), Err(Rejection::AlreadyWithdrawn));
    assert_eq!(rules.when(&resubmit("zhang")), Err(Rejection::AlreadyWithdrawn));
}

#[test]
fn nothing_but_filing_can_be_done_with_an_application_that_nobody_filed() {
    let (seal, state) = (seal(), SealState::Active);
    let commands = [
        approve("li"),
        send_back("li"),
        revise(&particulars()),
        resubmit("zhang"),
        withdraw("zhang"),
        Command::NoteFabricationRefusal { refusal: refusal() },
        Command::NoteSealMade { seal },
        Command::NoteSealState { seal, state },
    ];
    for command in commands {
        assert_eq!(Rules::given([]).when(&command), Err(Rejection::NotFound), "{command:?}");
    }
}

#[test]
fn a_return_carries_its_reason() {
    assert_eq!(Rules::given([submitted(1)]).when(&send_back("li")), Ok(vec![returned("li")]));
    let rules = Rules::given([submitted(1), returned("li")]);
    assert_eq!(rules.state().filed().and_then(|filed| filed.last_return.clone()), Some(reason()));
}

#[test]
fn returning_twice_for_the_same_reason_records_one_fact() {
    let rules = Rules::given([submitted(1), returned("li")]);
    assert_eq!(rules.when(&send_back("li")), Ok(vec![]));
    let other = ReturnReason { code: ReturnCode::Other, ..reason() };
    let command = Command::Return { reviewer: person("li"), reason: other };
    assert_eq!(rules.when(&command), Err(Rejection::NotUnderReview));
}

#[test]
fn a_returned_application_can_not_be_approved_before_it_is_filed_again() {
    assert_eq!(Rules::given([submitted(1), returned("li")]).when(&approve("li")), Err(Rejection::NotUnderReview));
}

#[test]
fn a_returned_application_can_be_revised() {
    let rules = Rules::given([submitted(1), returned("li")]);
    assert_eq!(rules.when(&revise(&revised_particulars())), Ok(vec![revised()]));
    let rules = Rules::given([submitted(1), returned("li"), revised()]);
    assert_eq!(rules.when(&revise(&revised_particulars())), Ok(vec![]));
}

#[test]
fn a_revision_of_contact_data_alone_is_a_fact() {
    let command = Command::Revise(Revise { other_contacts: true, ..revision(&particulars()) });
    let fact = Event::Revised { application: id(), particulars: particulars() };
    assert_eq!(Rules::given([submitted(1), returned("li")]).when(&command), Ok(vec![fact]));
}

#[test]
fn an_application_under_review_can_not_be_revised_or_filed_again() {
    let rules = Rules::given([submitted(1)]);
    assert_eq!(rules.when(&revise(&revised_particulars())), Err(Rejection::NotReturned));
    assert_eq!(rules.when(&resubmit("zhang")), Err(Rejection::NotReturned));
}

#[test]
fn a_revision_keeps_organization_and_kind_and_asks_for_no_validity_that_has_passed() {
    let rules = Rules::given([submitted(1), returned("li")]);
    let mut other = particulars();
    other.organization.uscc = "11320500014150050B".parse().expect("a code");
    assert_eq!(rules.when(&revise(&other)), Err(Rejection::OrganizationFixed));
    let other = Particulars { kind: Kind::Renew(seal()), ..particulars() };
    assert_eq!(rules.when(&revise(&other)), Err(Rejection::KindFixed));
    let now = revised_particulars().validity.to();
    let late = Command::Revise(Revise { now, ..revision(&revised_particulars()) });
    assert_eq!(rules.when(&late), Err(Rejection::ValidityPassed));
}

#[test]
fn an_application_filed_again_needs_all_its_approvals_anew() {
    let past = [submitted(2), step("li", 1), returned("wang"), resubmitted()];
    assert_eq!(Rules::given(past.clone()).when(&approve("li")), Ok(vec![step("li", 1)]));
    assert_eq!(Rules::given(past).when(&resubmit("zhang")), Ok(vec![]), "filing it again twice records one fact");
}

#[test]
fn an_approval_orders_what_was_asked_for_last() {
    let rules = Rules::given([submitted(1), returned("li"), revised(), resubmitted()]);
    let Ok(facts) = rules.when(&approve("li")) else { panic!("refused") };
    assert!(matches!(&facts[..], [Event::Approved { particulars, .. }] if *particulars == revised_particulars()));
}

#[test]
fn an_application_can_be_withdrawn_until_it_is_approved() {
    assert_eq!(Rules::given([submitted(1)]).when(&withdraw("zhang")), Ok(vec![withdrawn()]));
    assert_eq!(Rules::given([submitted(2), step("li", 1)]).when(&withdraw("zhang")), Ok(vec![withdrawn()]));
    assert_eq!(Rules::given([submitted(1), returned("li")]).when(&withdraw("zhang")), Ok(vec![withdrawn()]));
    assert_eq!(Rules::given([submitted(1), withdrawn()]).when(&withdraw("zhang")), Ok(vec![]));
}

#[test]
fn only_its_applicant_revises_files_again_or_withdraws_an_application() {
    let rules = Rules::given([submitted(1), returned("li")]);
    let revision = Revise { applicant: person("qian"), ..revision(&revised_particulars()) };
    let commands = [Command::Revise(revision), resubmit("qian"), withdraw("qian")];
    for command in commands {
        assert_eq!(rules.when(&command), Err(Rejection::NotTheApplicant), "{command:?}");
    }
}

#[test]
fn the_last_refusal_of_fabrication_is_noted_once() {
    let note = Command::NoteFabricationRefusal { refusal: refusal() };
    let noted = Event::FabricationRefusalNoted { application: id(), refusal: refusal() };
    assert_eq!(Rules::given([submitted(1), approved("li")]).when(&note), Ok(vec![noted.clone()]));
    assert_eq!(Rules::given([submitted(1), approved("li"), noted]).when(&note), Ok(vec![]));
}

#[test]
fn the_made_seal_is_noted_once_and_no_other() {
    let note = Command::NoteSealMade { seal: seal() };
    assert_eq!(Rules::given([submitted(1), approved("li")]).when(&note), Ok(vec![made()]));
    let rules = Rules::given([submitted(1), approved("li"), made()]);
    assert_eq!(rules.when(&note), Ok(vec![]));
    assert_eq!(rules.when(&Command::NoteSealMade { seal: id() }), Err(Rejection::OtherSeal));
    let state = Command::NoteSealState { seal: id(), state: SealState::Active };
    assert_eq!(rules.when(&state), Err(Rejection::OtherSeal));
}

#[test]
fn the_seals_state_may_be_heard_of_before_the_news_that_it_was_made() {
    let state = Event::SealStateNoted { application: id(), seal: seal(), state: SealState::Active };
    let note = Command::NoteSealState { seal: seal(), state: SealState::Active };
    assert_eq!(Rules::given([submitted(1), approved("li")]).when(&note), Ok(vec![state.clone()]));
    let rules = Rules::given([submitted(1), approved("li"), state]);
    assert_eq!(rules.when(&note), Ok(vec![]), "the same state twice is one fact");
    assert_eq!(rules.when(&Command::NoteSealMade { seal: seal() }), Ok(vec![made()]));
}

#[test]
fn no_seal_can_follow_from_an_application_that_is_not_approved() {
    for past in [vec![submitted(1)], vec![submitted(1), returned("li")], vec![submitted(1), withdrawn()]] {
        let rules = Rules::given(past);
        assert_eq!(rules.when(&Command::NoteSealMade { seal: seal() }), Err(Rejection::NotApproved));
    }
}

#[test]
fn a_fact_that_does_not_fit_the_state_changes_nothing() {
    let approved_state = Rules::given([submitted(1), approved("li")]).state().clone();
    for unfitting in [withdrawn(), resubmitted(), returned("wang"), revised(), step("wang", 2)] {
        assert_eq!(approved_state.clone().evolve(&unfitting), approved_state);
        assert_eq!(Application::Absent.evolve(&unfitting), Application::Absent);
    }
    assert_eq!(approved_state.clone().evolve(&submitted(1)), approved_state);
}

fn id() -> Id {
    "0198c0de-0000-7000-8000-000000000001".parse().expect("an id")
}

fn seal() -> Id {
    "0198c0de-0000-7000-8000-000000000002".parse().expect("an id")
}

fn particulars() -> Particulars {
    example::particulars(Kind::New)
}

fn revised_particulars() -> Particulars {
    Particulars { custodian: person("qian"), ..particulars() }
}

fn filing(approvals_needed: u32) -> Submit {
    Submit {
        application: id(),
        applicant: person("zhang"),
        approvals_needed,
        particulars: particulars(),
        existing: None,
        now: now(),
    }
}

fn submit(approvals_needed: u32) -> Command {
    Command::Submit(filing(approvals_needed))
}

fn approve(reviewer: &str) -> Command {
    Command::Approve { reviewer: person(reviewer) }
}

fn send_back(reviewer: &str) -> Command {
    Command::Return { reviewer: person(reviewer), reason: reason() }
}

fn revise(to: &Particulars) -> Command {
    Command::Revise(revision(to))
}

fn revision(to: &Particulars) -> Revise {
    Revise { applicant: person("zhang"), particulars: to.clone(), other_contacts: false, now: now() }
}

fn resubmit(applicant: &str) -> Command {
    Command::Resubmit { applicant: person(applicant) }
}

fn withdraw(applicant: &str) -> Command {
    Command::Withdraw { applicant: person(applicant) }
}

fn reason() -> ReturnReason {
    ReturnReason { code: ReturnCode::MaterialIncomplete, text: Digest::of("缺少营业执照".as_bytes()) }
}

fn refusal() -> FabricationRefusal {
    FabricationRefusal { run: seal(), gate: "d".to_owned(), reason: "CARD_IN_USE".to_owned() }
}

fn submitted(approvals_needed: u32) -> Event {
    Event::Submitted {
        application: id(),
        applicant: person("zhang"),
        approvals_needed,
        particulars: particulars(),
        submitted_at: now(),
        claims_existing: false,
    }
}

fn step(reviewer: &str, step: u32) -> Event {
    Event::StepApproved { application: id(), reviewer: person(reviewer), step }
}

fn approved(reviewer: &str) -> Event {
    let (reviewer, applicant) = (person(reviewer), person("zhang"));
    Event::Approved { application: id(), reviewer, applicant, particulars: particulars() }
}

fn returned(reviewer: &str) -> Event {
    Event::Returned { application: id(), reviewer: person(reviewer), reason: reason() }
}

fn revised() -> Event {
    Event::Revised { application: id(), particulars: revised_particulars() }
}

fn resubmitted() -> Event {
    Event::Resubmitted { application: id() }
}

fn withdrawn() -> Event {
    Event::Withdrawn { application: id(), freed: None }
}

fn made() -> Event {
    Event::SealMadeNoted { application: id(), seal: seal() }
}
