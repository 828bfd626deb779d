//! Golden files: one per kind and version that was ever stored. They are never changed and never deleted.

use std::sync::Arc;

use eseal_kernel::{Id, Text};
use eseal_testkit::{StoredForm, stored_forms};

use super::*;
use crate::domain::authenticator::AuthenticatorFact;
use crate::domain::command::{Place, RevocationCause, SuspensionCause};
use crate::domain::crl::List;
use crate::domain::denial::Denial;
use crate::domain::document::{DigestKind, DocumentDigest, Format, Original};
use crate::domain::event::{Fact, RefusedInBatch, SealedInBatch, Step};
use crate::domain::hosted_key::{HostedKeyFact, Owner};
use crate::domain::ids::{ApplicationId, AttemptId, AuthenticatorId, HostedKeyId, SealId, UseId};
use crate::domain::policy::{Policy, SecondFactor};
use crate::domain::reason::Reason;
use crate::domain::registration::{Custody, Organization, Registration, SealType};
use crate::domain::right::{RightFact, Terms, WithdrawalCause};
use crate::domain::seal_use::{Admitted, Spent};
use crate::domain::succession::CarriedOut;
use crate::domain::trust_anchor::{AnchorFact, AnchorId, Purpose as TrustPurpose};
use crate::domain::use_request::{Asked, DeclineCause, Purpose, UseFact};
use crate::domain::warning::{Ending, Warning};

const ACTIVATED: &str = "eseal.authentication.v1.SealActivated";

#[test]
fn every_kind_of_a_seal_has_its_stored_form_and_is_read_back_from_it() {
    for fact in facts() {
        is_stored_and_read_back::<Seal>(&Event { seal: SealId(id(1)), fact });
    }
}

#[test]
fn every_kind_of_a_hosted_key_has_its_stored_form_and_is_read_back_from_it() {
    let owner = Owner { uscc: uscc(), custodian: person() };
    let (certified, authenticator) = (vec![Digest::of(b"a"), Digest::of(b"b")], AuthenticatorId(id(7)));
    for fact in [
        HostedKeyFact::Created(owner),
        HostedKeyFact::Certified(certified),
        HostedKeyFact::Authenticator(person(), AuthenticatorFact::Enrolled(authenticator)),
        HostedKeyFact::Authenticator(person(), AuthenticatorFact::Removed(authenticator)),
    ] {
        is_stored_and_read_back::<HostedKey>(&HostedKeyEvent { key: HostedKeyId(id(4)), fact });
    }
}

#[test]
fn every_kind_of_trust_has_its_stored_form_and_is_read_back_from_it() {
    let fingerprint = Digest::of(b"ca");
    let anchor = AnchorId { purpose: TrustPurpose::Holder, fingerprint };
    is_stored_and_read_back::<TrustAnchor>(&AnchorEvent { anchor, fact: AnchorFact::Added });
    let anchor = AnchorId { purpose: TrustPurpose::Maker, fingerprint };
    is_stored_and_read_back::<TrustAnchor>(&AnchorEvent { anchor, fact: AnchorFact::Removed });
    let list = List { digest: Digest::of(b"list"), issuer: fingerprint, this_update: moment(0) };
    is_stored_and_read_back::<Crl>(&Imported(list));
}

#[test]
fn every_reason_that_a_gate_can_give_is_read_back() {
    for reason in Reason::ALL {
        let step = Step::Refused { reason: *reason, detail: None, by: person() };
        is_read_back(&Event { seal: SealId(id(1)), fact: Fact::Sealing(AttemptId(id(2)), step) });
    }
}

#[test]
fn every_detail_of_a_refusal_is_read_back() {
    for detail in Denial::ALL {
        let step = Step::Refused { reason: Reason::NotAuthorized, detail: Some(*detail), by: person() };
        is_read_back(&Event { seal: SealId(id(1)), fact: Fact::Sealing(AttemptId(id(2)), step) });
    }
}

#[test]
fn what_gate_d_admitted_is_read_back_with_the_use_that_it_spent() {
    let (sha256, sm3) = (document(DigestKind::Sha256), document(DigestKind::Sm3));
    let original = Original { digests: vec![sha256, sm3], format: Some(Format::Pdf) };
    for spent in [None, Some(Spent { use_id: UseId(id(6)), document: sm3 })] {
        let admitted = Admitted { original: original.clone(), spent };
        let one = Step::Authorized {
            document_digest: Digest::of(b"document"),
            certificate: Digest::of(b"certificate"),
            places: vec![],
            complete_before: moment(600),
            card_uses: 0,
            admitted: Some(Box::new(admitted.clone())),
        };
        let many = Step::BatchAuthorized {
            root: Digest::of(b"root"),
            documents: 2,
            certificates: vec![],
            complete_before: moment(600),
            card_uses: 0,
            admitted: vec![admitted, Admitted { original: Original::default(), spent: None }],
        };
        for step in [one, many] {
            is_read_back(&Event { seal: SealId(id(1)), fact: Fact::Sealing(AttemptId(id(2)), step) });
        }
    }
}

#[test]
fn a_field_that_a_newer_release_added_is_passed_over() {
    let payload = br#"{"sealId":"0198c0de-0000-7000-8000-000000000001","applicationId":"0198c0de-0000-7000-8000-000000000003","why":"new"}"#;
    let event = Event { seal: SealId(id(1)), fact: Fact::Activated(ApplicationId(id(3))) };
    assert_eq!(Seal::decode(ACTIVATED, 1, payload), Ok(event));
}

#[test]
fn every_form_that_was_ever_stored_is_read() {
    for StoredForm { kind, schema_version, payload } in
        stored_forms(concat!(env!("CARGO_MANIFEST_DIR"), "/src/codec/snapshots"))
    {
        let is_read = Seal::decode(&kind, schema_version, &payload).is_ok()
            || HostedKey::decode(&kind, schema_version, &payload).is_ok()
            || TrustAnchor::decode(&kind, schema_version, &payload).is_ok()
            || Crl::decode(&kind, schema_version, &payload).is_ok();
        assert!(is_read, "{kind} of version {schema_version}");
    }
}

#[test]
fn what_later_releases_say_of_a_registration_is_read_back() {
    let registration = Registration {
        predecessor: Some(SealId(id(5))),
        certificates_valid_to: vec![moment(2), moment(3)],
        ..registration()
    };
    let of_the_seal = Warning { ending: Ending::Seal, days: 30, ends_at: moment(2) };
    let application = ApplicationId(id(3));
    let counted = Step::Authorized {
        document_digest: Digest::of(b"document"),
        certificate: Digest::of(b"sm2"),
        places: vec![],
        complete_before: moment(600),
        card_uses: 7,
        admitted: None,
    };
    let counted = Fact::Sealing(AttemptId(id(2)), counted);
    for fact in [Fact::Registered(Box::new(registration)), Fact::Expiring(application, of_the_seal), counted] {
        let event = Event { seal: SealId(id(1)), fact };
        let encoded = Seal::encode(&event);
        assert_eq!(Seal::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
    }
}

#[test]
fn an_unknown_kind_or_version_is_refused_by_its_name() {
    let burnt = "eseal.authentication.v1.SealBurnt";
    assert_eq!(Seal::decode(burnt, 1, b"{}"), Err(DecodeError::unknown(burnt, 1)));
    assert_eq!(Seal::decode(ACTIVATED, 2, b"{}"), Err(DecodeError::unknown(ACTIVATED, 2)));
    assert_eq!(TrustAnchor::decode(ACTIVATED, 1, b"{}"), Err(DecodeError::unknown(ACTIVATED, 1)));
}

#[test]
fn a_payload_that_does_not_fit_its_kind_is_refused_with_the_field() {
    for (payload, why) in [(&b"{}"[..], "applicationId"), (b"", "EOF"), (b"[]", "invalid type")] {
        let Err(DecodeError::Malformed { why: told, .. }) = Seal::decode(ACTIVATED, 1, payload) else {
            panic!("accepted {payload:?}")
        };
        assert!(told.contains(why), "{told}");
    }
}

fn is_stored_and_read_back<A: Stored>(event: &A::Event) {
    let encoded = A::encode(event);
    let text = String::from_utf8(encoded.payload.clone()).expect("JSON is UTF-8");
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("{}.v{}", encoded.kind, encoded.schema_version), text);
    });
    assert_eq!(A::decode(encoded.kind, encoded.schema_version, &encoded.payload).as_ref(), Ok(event));
}

fn is_read_back(event: &Event) {
    let encoded = Seal::encode(event);
    assert_eq!(Seal::decode(encoded.kind, encoded.schema_version, &encoded.payload).as_ref(), Ok(event));
}

fn document(kind: DigestKind) -> DocumentDigest {
    DocumentDigest { kind, value: Digest::of(b"a document") }
}

fn right_facts() -> Vec<RightFact> {
    let terms = Terms {
        from: Some(moment(0)),
        to: Some(moment(86_400)),
        formats: vec![Format::Ofd, Format::Pdf],
        documents: vec![document(DigestKind::Sha256), document(DigestKind::Sm3)],
        max_uses: Some(10),
    };
    vec![
        RightFact::Granted(Arc::new(terms)),
        RightFact::Changed(Arc::new(Terms::default())),
        RightFact::Withdrawn(WithdrawalCause::Left),
    ]
}

fn use_facts() -> Vec<UseFact> {
    let asked = Asked {
        requester: person(),
        documents: vec![document(DigestKind::Sha256), document(DigestKind::Sm3)],
        uses: 2,
        purpose: Purpose::Contract,
        purpose_text: Digest::of(b"what for"),
        deadline: moment(86_400),
        requested_at: moment(0),
    };
    let (cause, text) = (DeclineCause::DocumentUnfit, Digest::of(b"why"));
    vec![
        UseFact::Requested(Box::new(asked)),
        UseFact::Approved { by: person() },
        UseFact::Declined { by: person(), cause, text },
        UseFact::TakenBack,
    ]
}

fn facts() -> Vec<Fact> {
    let application = ApplicationId(id(3));
    let mut facts = vec![
        Fact::Registered(Box::new(registration())),
        Fact::Activated(application),
        Fact::Suspended(application, SuspensionCause::KeyCompromised),
        Fact::Resumed(application),
        Fact::Revoked(application, RevocationCause::OrganizationDissolved),
        Fact::Replaced(application, SealId(id(5))),
        Fact::Expired(application),
        Fact::PolicySet(
            application,
            Policy {
                approval_required: true,
                max_uses: 3,
                longest_deadline_s: 604_800,
                second_factor: SecondFactor::None,
            },
        ),
        Fact::Expiring(
            application,
            Warning { ending: Ending::Certificate(Digest::of(b"sm2")), days: 7, ends_at: moment(2) },
        ),
        Fact::CertificatesDated(application, vec![moment(2), moment(3)]),
        Fact::CarriedOut(application, CarriedOut::Replaced),
        Fact::PinUnlocked,
    ];
    facts.extend(right_facts().into_iter().map(|fact| Fact::Right(person(), fact)));
    facts.extend(use_facts().into_iter().map(|fact| Fact::Use(UseId(id(6)), fact)));
    facts.extend(steps().into_iter().map(|step| Fact::Sealing(AttemptId(id(2)), step)));
    facts
}

fn steps() -> Vec<Step> {
    let document_digest = Digest::of(b"document");
    vec![
        Step::Begun {
            by: person(),
            nonce: "00112233445566778899aabbccddeeff".to_owned(),
            challenge_expires_at: moment(120),
            sealing_time: moment(0),
        },
        Step::Refused { reason: Reason::CertificateRevoked, detail: None, by: person() },
        Step::PinTried { tries_left: 4 },
        Step::PinAccepted { code: SecondFactor::None },
        Step::PinRefused { tries_left: 3 },
        Step::PinLocked,
        Step::Authorized {
            document_digest,
            certificate: Digest::of(b"certificate"),
            places: vec![Place { page: 2, x: -1, y: 20_000, width: 40_000, height: 41_000 }],
            complete_before: moment(600),
            card_uses: 0,
            admitted: None,
        },
        Step::HostedSigned { signed: Digest::of(b"signed") },
        Step::ListSigned { signed: Digest::of(b"list") },
        Step::Completed { document_digest, signature_digest: Digest::of(b"signature") },
        Step::BatchAuthorized {
            root: Digest::of(b"root"),
            documents: 1_000,
            certificates: vec![Digest::of(b"SM2"), Digest::of(b"P-256")],
            complete_before: moment(700),
            card_uses: 0,
            admitted: vec![],
        },
        Step::HostedSignaturesMade { signatures: vec![(0, Digest::of(b"signed")), (999, Digest::of(b"other"))] },
        Step::DocumentsSealed {
            documents: vec![SealedInBatch {
                index: 999,
                document_digest,
                signature_digest: Digest::of(b"signature"),
                places: vec![Place { page: 2, x: -1, y: 20_000, width: 40_000, height: 41_000 }],
            }],
        },
        Step::DocumentsRefused {
            documents: vec![RefusedInBatch { index: 7, document_digest, reason: Reason::DocumentNotListed }],
        },
        Step::BatchEnded { sealed: 998 },
    ]
}

fn registration() -> Registration {
    Registration {
        application: ApplicationId(id(3)),
        seal_digest: Digest::of(b"SESeal"),
        custody: Custody::SealCard { serial: Text::try_new("8A03").expect("short") },
        certificates: vec![Digest::of(b"SM2"), Digest::of(b"P-256")],
        organization: Organization {
            uscc: uscc(),
            name_zh: "联想（北京）有限公司".to_owned(),
            name_en: "Lenovo".to_owned(),
        },
        seal_type: SealType::Contract,
        custodian: person(),
        valid_from: moment(0),
        valid_to: moment(100_000_000),
        registered_at: moment(1),
        predecessor: None,
        certificates_valid_to: vec![],
    }
}

fn id(number: u8) -> Id {
    format!("0198c0de-0000-7000-8000-{number:012}").parse().expect("an id")
}

fn person() -> crate::domain::ids::PersonId {
    "0198c0de-0000-7000-8000-0000000000aa".parse().expect("an id")
}

fn uscc() -> eseal_kernel::Uscc {
    "91110000600037341L".parse().expect("a code")
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_123_456 + seconds * 1_000_000)
}
