//! Events <-> their stored and published form: the proto3 JSON of the messages in `events.proto`.

use eseal_eventstore::{DecodeError, Encoded, Recorded, Row, Stored, StreamId};
use eseal_proto::verification::v1 as pb;

use crate::domain::{Event, FailedItem, Failure, Item};
use crate::projection;

const VERIFICATION_FAILED: &str = "eseal.verification.v1.VerificationFailed";

impl Stored for Failure {
    const TABLES: &'static [&'static str] = projection::TABLES;

    fn command_name(_command: &Self::Command) -> &'static str {
        "RecordFailure"
    }

    fn encode(event: &Event) -> Encoded {
        let Event::VerificationFailed { failure, document, items } = event;
        let message = pb::VerificationFailed {
            failure_id: failure.to_string(),
            document_digest: document.to_string(),
            verdict: pb::Verdict::Invalid.into(), // that some item failed makes it so
            items: items.iter().map(item_to_wire).collect(),
        };
        // This can't fail: the one word in it is a known one.
        let payload = serde_json::to_vec(&message).unwrap_or_default();
        Encoded { kind: VERIFICATION_FAILED, schema_version: 1, payload }
    }

    fn decode(kind: &str, schema_version: u32, payload: &[u8]) -> Result<Event, DecodeError> {
        match (kind, schema_version) {
            (VERIFICATION_FAILED, 1) => {
                let message = serde_json::from_slice(payload).map_err(|error| DecodeError::malformed(kind, error))?;
                verification_failed(&message).ok_or_else(|| DecodeError::malformed(kind, "a field is no id or code"))
            }
            (kind, schema_version) => Err(DecodeError::unknown(kind, schema_version)),
        }
    }

    fn subject(stream: &StreamId, _state: &Self) -> String {
        stream.id().to_owned()
    }

    fn rows(recorded: &Recorded<'_>, event: &Event, _state: &Self) -> Vec<Row> {
        projection::rows(recorded, event)
    }
}

/// An item that failed, on the wire.
pub fn item_to_wire(failed: &FailedItem) -> pb::FailedItem {
    let item = match failed.item {
        Item::Signer => "signer",
        Item::Content => "content",
        Item::Impression => "impression",
    };
    pb::FailedItem { seal: failed.seal, item: item.to_owned(), reason: failed.reason.clone() }
}

fn item(wire: &pb::FailedItem) -> Option<FailedItem> {
    let item = match wire.item.as_str() {
        "signer" => Item::Signer,
        "content" => Item::Content,
        "impression" => Item::Impression,
        _ => return None,
    };
    Some(FailedItem { seal: wire.seal, item, reason: wire.reason.clone() })
}

fn verification_failed(message: &pb::VerificationFailed) -> Option<Event> {
    Some(Event::VerificationFailed {
        failure: message.failure_id.parse().ok()?,
        document: message.document_digest.parse().ok()?,
        items: message.items.iter().map(item).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eseal_kernel::Digest;
    use eseal_testkit::{StoredForm, stored_forms};

    #[test]
    fn every_form_that_was_ever_stored_is_read() {
        for StoredForm { kind, schema_version, payload } in
            stored_forms(concat!(env!("CARGO_MANIFEST_DIR"), "/src/snapshots"))
        {
            assert!(Failure::decode(&kind, schema_version, &payload).is_ok(), "{kind} of version {schema_version}");
        }
    }

    #[test]
    fn a_failure_has_its_stored_form_and_is_read_back_from_it() {
        let failed = |seal, item, reason: &str| FailedItem { seal, item, reason: reason.to_owned() };
        let event = Event::VerificationFailed {
            failure: "0198c0de-0000-7000-8000-000000000001".parse().expect("an id"),
            document: Digest::of(b"document"),
            items: vec![
                failed(1, Item::Content, "CONTENT_ALTERED"),
                failed(2, Item::Signer, "SIGNER_UNTRUSTED"),
                failed(3, Item::Impression, "MAKER_NOT_AUTHORIZED"),
            ],
        };
        let encoded = Failure::encode(&event);
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            let text = String::from_utf8(encoded.payload.clone()).expect("JSON is UTF-8");
            insta::assert_snapshot!(format!("{}.v{}", encoded.kind, encoded.schema_version), text);
        });
        assert_eq!(Failure::decode(encoded.kind, encoded.schema_version, &encoded.payload), Ok(event));
    }

    #[test]
    fn what_is_no_failure_is_refused() {
        let decode = |kind, version, payload: &str| Failure::decode(kind, version, payload.as_bytes());
        assert_eq!(decode(VERIFICATION_FAILED, 2, "{}"), Err(DecodeError::unknown(VERIFICATION_FAILED, 2)));
        assert_eq!(decode("Other", 1, "{}"), Err(DecodeError::unknown("Other", 1)));
        for payload in ["", "{}", r#"{"failureId":"0198c0de-0000-7000-8000-000000000001","documentDigest":"x"}"#] {
            assert!(matches!(decode(VERIFICATION_FAILED, 1, payload), Err(DecodeError::Malformed { .. })), "{payload}");
        }
    }
}
