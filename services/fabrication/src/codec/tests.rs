//! Golden files: one per kind and version that was ever stored. They are never changed and never deleted.

use eseal_testkit::{StoredForm, stored_forms};

use super::*;
use crate::domain::gate::{Gate, Refusal, RefusalReason};
use crate::domain::maker_card::Use;
use crate::domain::order::{Custody, Order, Organization, Purpose, SealType};

#[test]
fn every_kind_has_its_stored_form_and_is_read_back_from_it() {
    for event in every_kind() {
        let encoded = Fabrication::encode(&event);
        golden(&encoded);
        assert_eq!(Fabrication::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
    }
}

#[test]
fn every_kind_of_a_maker_card_has_its_stored_form_and_is_read_back_from_it() {
    for event in every_card_kind() {
        let encoded = MakerCard::encode(&event);
        golden(&encoded);
        assert_eq!(MakerCard::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
    }
}

#[test]
fn a_field_that_a_newer_release_added_is_passed_over() {
    let payload = br#"{"applicationId":"01010101-0101-0101-0101-010101010101","why":"new"}"#;
    assert_eq!(Fabrication::decode(STOPPED, 1, payload), Ok(Event::Stopped { application_id: test_id(1) }));
}

#[test]
fn every_form_that_was_ever_stored_is_read() {
    for StoredForm { kind, schema_version, payload } in
        stored_forms(concat!(env!("CARGO_MANIFEST_DIR"), "/src/codec/snapshots"))
    {
        let is_read = Fabrication::decode(&kind, schema_version, &payload).is_ok()
            || MakerCard::decode(&kind, schema_version, &payload).is_ok();
        assert!(is_read, "{kind} of version {schema_version}");
    }
}

#[test]
fn a_card_that_is_shared_with_the_predecessor_is_read_back() {
    let event = Event::SealCardAccepted {
        application_id: test_id(1),
        run_id: test_id(2),
        card_serial: "8A03".to_owned(),
        certificates: vec![Digest::of(b"sm2")],
        seal_info: Digest::of(b"info"),
        beside_predecessor: true,
    };
    let encoded = Fabrication::encode(&event);
    assert_eq!(Fabrication::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
}

#[test]
fn an_unknown_kind_or_version_is_refused_by_its_name() {
    let unknown = |kind: &str, version| Err(DecodeError::unknown(kind, version));
    assert_eq!(Fabrication::decode("eseal.fabrication.v1.Burnt", 1, b"{}"), unknown("eseal.fabrication.v1.Burnt", 1));
    assert_eq!(Fabrication::decode(STOPPED, 2, b"{}"), unknown(STOPPED, 2));
}

#[test]
fn a_payload_that_does_not_fit_its_kind_is_refused_with_the_field() {
    for (payload, why) in [(&b"{}"[..], "applicationId"), (b"", "EOF"), (b"[]", "invalid type")] {
        let Err(DecodeError::Malformed { why: told, .. }) = Fabrication::decode(STOPPED, 1, payload) else {
            panic!("accepted {payload:?}")
        };
        assert!(told.contains(why), "{told}");
    }
}

fn golden(encoded: &Encoded) {
    let text = String::from_utf8(encoded.payload.clone()).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("{}.v{}", encoded.kind, encoded.schema_version), text);
    });
}

fn every_kind() -> Vec<Event> {
    let (application_id, run_id, seal_id) = (test_id(1), test_id(2), test_id(3));
    let challenge =
        Challenge { nonce: "6e6f6e6365".to_owned(), expires_at: Timestamp::from_micros(1_800_000_000_000_007) };
    let (card_serial, certificates) = ("8A03".to_owned(), vec![Digest::of(b"sm2"), Digest::of(b"p256")]);
    let refusal = Refusal { gate: Gate::D, reason: RefusalReason::CardInUse };
    vec![
        Event::Queued(order(Custody::HostedKey(test_id(9)))),
        Event::RunBegun {
            application_id,
            run_id,
            seal_id,
            maker_id: "zhang".to_owned(),
            maker_card_serial: Some("M1".to_owned()),
            challenge: challenge.clone(),
        },
        Event::MakerCardProved { application_id, run_id, certificate: Digest::of(b"maker"), challenge },
        Event::SealCardAccepted {
            application_id,
            run_id,
            card_serial: card_serial.clone(),
            certificates: certificates.clone(),
            seal_info: Digest::of(b"info"),
            beside_predecessor: false,
        },
        Event::SealSigned { application_id, run_id, seal: Digest::of(b"seal") },
        Event::Refused { application_id, run_id, refusal },
        Event::Fabricated {
            run_id,
            seal_id,
            seal: Digest::of(b"seal"),
            card_serial: card_serial.clone(),
            certificates: certificates.clone(),
            order: order(Custody::SealCard),
        },
        Event::Stopped { application_id },
        Event::Released { application_id, seal_id, card_serial, certificates },
    ]
}

fn every_card_kind() -> Vec<CardEvent> {
    let (card_serial, certificate) = ("M1".to_owned(), Digest::of(b"maker"));
    vec![
        CardEvent::Issued {
            card_serial: card_serial.clone(),
            maker_id: "zhang".to_owned(),
            certificate,
            issued_at: Timestamp::from_seconds(1_800_000_000),
        },
        CardEvent::Used { card_serial: card_serial.clone(), last: Use { run: test_id(2), count: 7 } },
        CardEvent::Suspended { card_serial: card_serial.clone(), certificate, run: test_id(2) },
        CardEvent::Resumed { card_serial: card_serial.clone(), certificate },
        CardEvent::Withdrawn { card_serial, certificate, reason_code: "LOST".to_owned() },
    ]
}

fn order(custody: Custody) -> Order {
    Order {
        application_id: test_id(1),
        purpose: Purpose::Replace,
        applicant_id: "wang".to_owned(),
        organization: Organization {
            uscc: "91110000600037341L".parse().unwrap(),
            name_zh: "星河精密制造有限公司".to_owned(),
            name_en: "Xinghe".to_owned(),
        },
        seal_type: SealType::Contract,
        seal_name: Digest::of(b"name"),
        impression: Digest::of(b"picture"),
        width_mm: 42,
        height_mm: 42,
        custody,
        custodian_id: "chen".to_owned(),
        valid_from: Timestamp::from_seconds(1_800_000_000),
        valid_to: Timestamp::from_seconds(1_900_000_000),
        existing_seal_id: Some(test_id(8)),
    }
}

fn test_id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}
