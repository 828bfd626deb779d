//! Golden files: one per kind and version that was ever stored. They are never changed and never deleted.

use eseal_kernel::Text;

use eseal_testkit::{StoredForm, stored_forms};

use super::*;
use crate::domain::Particulars;
use crate::domain::cancellation::CancellationReason;
use crate::domain::event::{ReturnCode, SealState};
use crate::domain::existing::{CarriedOut, RevocationReason};
use crate::domain::particulars::*;

#[test]
fn every_kind_has_its_stored_form_and_is_read_back_from_it() {
    for event in every_kind() {
        let encoded = Application::encode(&event);
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{}.v{}", encoded.kind, encoded.schema_version), text(&encoded));
        });
        let read = Application::decode(encoded.kind, encoded.schema_version, &encoded.payload);
        assert_eq!(read, Ok(event));
    }
}

#[test]
fn the_erasing_of_a_person_has_its_stored_form_and_is_read_back_from_it() {
    let event = Erased { person: person_id("0198c0de-0000-7000-8000-0000000000aa") };
    let encoded = Person::encode(&event);
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("{}.v{}", encoded.kind, encoded.schema_version), text(&encoded));
    });
    assert_eq!(Person::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
}

#[test]
fn a_field_that_a_newer_release_added_is_passed_over() {
    let payload = br#"{"applicationId":"0198c0de-0000-7000-8000-000000000001","why":"new"}"#;
    let application = test_id(1);
    assert_eq!(Application::decode(WITHDRAWN, 1, payload), Ok(Event::Withdrawn { application, freed: None }));
}

#[test]
fn every_form_that_was_ever_stored_is_read() {
    for StoredForm { kind, schema_version, payload } in
        stored_forms(concat!(env!("CARGO_MANIFEST_DIR"), "/src/codec/snapshots"))
    {
        let is_read = Application::decode(&kind, schema_version, &payload).is_ok()
            || Person::decode(&kind, schema_version, &payload).is_ok();
        assert!(is_read, "{kind} of version {schema_version}");
    }
}

#[test]
fn what_later_releases_say_of_the_existing_seal_is_read_back() {
    let (application, applicant) = (test_id(1), person_id("0198c0de-0000-7000-8000-0000000000aa"));
    let kind = Kind::Revoke(test_id(4));
    let particulars = Particulars { kind, revocation_reason: Some(RevocationReason::CardLost), ..plain() };
    let submitted_at = at_micros(1_800_000_000_123_456);
    let submitted = Event::Submitted {
        application,
        applicant,
        approvals_needed: 1,
        particulars,
        submitted_at,
        claims_existing: true,
    };
    for event in [submitted, Event::Withdrawn { application, freed: Some(test_id(4)) }] {
        let encoded = Application::encode(&event);
        assert_eq!(Application::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
    }
}

#[test]
fn an_unknown_kind_or_version_is_refused_by_its_name() {
    let unknown = |kind: &str, version| Err(DecodeError::unknown(kind, version));
    assert_eq!(Application::decode("eseal.application.v1.Burnt", 1, b"{}"), unknown("eseal.application.v1.Burnt", 1));
    assert_eq!(Application::decode(WITHDRAWN, 2, b"{}"), unknown(WITHDRAWN, 2));
}

#[test]
fn a_payload_that_does_not_fit_its_kind_is_refused_with_the_field() {
    for (payload, why) in [(&b"{}"[..], "applicationId"), (b"", "EOF"), (b"[]", "invalid type")] {
        let Err(DecodeError::Malformed { why: told, .. }) = Application::decode(WITHDRAWN, 1, payload) else {
            panic!("accepted {payload:?}")
        };
        assert!(told.contains(why), "{told}");
    }
}

fn every_kind() -> Vec<Event> {
    let (application, seal) = (test_id(1), test_id(2));
    let reviewer = person_id("0198c0de-0000-7000-8000-0000000000bb");
    let applicant = person_id("0198c0de-0000-7000-8000-0000000000aa");
    let reason = ReturnReason { code: ReturnCode::OrganizationUnverified, text: Digest::of(b"why") };
    let refusal = FabricationRefusal { run: test_id(3), gate: "d".to_owned(), reason: "CARD_IN_USE".to_owned() };
    let submitted_at = at_micros(1_800_000_000_123_456);
    vec![
        Event::Submitted {
            application,
            applicant: applicant.clone(),
            approvals_needed: 2,
            particulars: plain(),
            submitted_at,
            claims_existing: false,
        },
        Event::StepApproved { application, reviewer: reviewer.clone(), step: 1 },
        Event::Approved { application, reviewer: reviewer.clone(), applicant, particulars: plain() },
        Event::Returned { application, reviewer: reviewer.clone(), reason },
        Event::Revised { application, particulars: full() },
        Event::Resubmitted { application },
        Event::Withdrawn { application, freed: None },
        Event::CancellationAsked { application, by: reviewer, reason: CancellationReason::CanNotBeMade },
        Event::Cancelled { application, freed: Some(seal) },
        Event::FabricationRefusalNoted { application, refusal },
        Event::SealMadeNoted { application, seal },
        Event::SealStateNoted { application, seal, state: SealState::Active },
        Event::CarriedOutNoted { application, existing: seal, result: CarriedOut::Replaced },
    ]
}

/// As little as can be asked for.
fn plain() -> Particulars {
    let (from, to) = (at_micros(1_800_000_000_000_000), at_micros(1_900_000_000_000_000));
    Particulars {
        kind: Kind::New,
        organization: Organization {
            uscc: "91110000600037341L".parse().expect("a code"),
            name_zh: Text::try_new("联想（北京）有限公司").expect("a name"),
            name_en: None,
        },
        seal_type: SealType::Contract,
        seal_name: Digest::of(b"name"),
        impression: Impression {
            digest: Digest::of(b"png"),
            drawn: Some(Shape::Round),
            size: Size::try_new(40, 41).expect("a size"),
        },
        custody: Custody::SealCard,
        custodian: person_id("0198c0de-0000-7000-8000-0000000000cc"),
        validity: Validity::try_new(from, to).expect("a validity"),
        attachments: Vec::new(),
        revocation_reason: None,
    }
}

/// Everything that can be asked for.
fn full() -> Particulars {
    let mut particulars = plain();
    particulars.kind = Kind::ChangeImpression(test_id(4));
    particulars.organization.name_en = Some(Text::try_new("Lenovo (Beijing) Limited").expect("a name"));
    particulars.impression.drawn = None;
    particulars.custody = Custody::HostedKey(test_id(5));
    particulars.attachments = vec![
        Attachment { kind: AttachmentKind::Licence, digest: Digest::of(b"licence") },
        Attachment { kind: AttachmentKind::Mandate, digest: Digest::of(b"mandate") },
        Attachment { kind: AttachmentKind::Other, digest: Digest::of(b"other") },
    ];
    particulars
}

fn text(encoded: &Encoded) -> String {
    String::from_utf8(encoded.payload.clone()).expect("JSON is UTF-8")
}

fn test_id(number: u8) -> Id {
    format!("0198c0de-0000-7000-8000-{number:012}").parse().expect("an id")
}

fn person_id(id: &str) -> PersonId {
    id.parse().expect("an id")
}

fn at_micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
