//! `docs/asyncapi.yaml`: what every subject carries, made from the messages in `events.proto`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use eseal_bus::{stream_name, subject};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::documented::is_current;
use crate::yaml;

const FIRST_LINES: &str = "# Made from proto/eseal/*/v1/events.proto and checked by a test; do not edit by hand:\n\
     # ESEAL_UPDATE_DOCS=1 cargo test -p eseal-e2e asyncapi\n";

#[test]
fn the_contract_of_every_subject_is_current() {
    is_current("docs/asyncapi.yaml", &format!("{FIRST_LINES}{}", yaml::written(&document())));
}

#[test]
fn the_contract_is_an_asyncapi_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let schema = root.join("target/tools/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json");
    let mut check = Command::new(root.join("target/venv/bin/check-jsonschema"));
    check.arg("--schemafile").arg(schema).arg(root.join("docs/asyncapi.yaml"));
    let checked = check.output().expect("check-jsonschema: `make setup`");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn every_reference_of_the_contract_has_a_target() {
    let document = document();
    let mut references = BTreeSet::new();
    find_references(&document, &mut references);
    assert!(references.len() > 30);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_stored_forms_fit_the_contract() {
    let document = document();
    let mut fitted = 0;
    for folder in ["application/src/codec", "fabrication/src/codec", "authentication/src/codec", "verification/src"] {
        let folder = format!("{}/../services/{folder}/snapshots", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).expect("golden files") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a golden file");
            fitted += usize::from(golden_fits(&document, path.file_name().expect("a name"), &text));
        }
    }
    assert!(fitted > 20, "{fitted} golden files are held against the contract");
}

/// The kinds of events: what the `oneof kind` of each `<Service>Event` lists, with the service that owns them.
fn kinds(pool: &DescriptorPool) -> Vec<(String, MessageDescriptor)> {
    let lists = pool.all_messages().filter(|message| message.parent_file().name().ends_with("/events.proto"));
    let lists = lists.filter(|message| message.oneofs().any(|oneof| oneof.name() == "kind"));
    let mut kinds = Vec::new();
    for list in lists {
        let owner = list.package_name().split('.').nth(1).expect("eseal.<owner>.v1").to_owned();
        for field in list.fields() {
            kinds.push((owner.clone(), field.kind().as_message().expect("a message").clone()));
        }
    }
    kinds.sort_by(|a, b| a.1.full_name().cmp(b.1.full_name()));
    kinds
}

fn document() -> Value {
    let pool = DescriptorPool::decode(eseal_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    let mut schemas = BTreeMap::new();
    for (owner, kind) in kinds(&pool) {
        let (name, address) = (kind.full_name().to_owned(), subject(&owner, kind.full_name()));
        let channel = address.trim_start_matches("eseal.").to_owned();
        let reference = json!({ "$ref": format!("#/components/messages/{name}") });
        channels.insert(channel.clone(), json!({ "address": address, "messages": { kind.name(): reference } }));
        let operation = json!({ "action": "send", "channel": { "$ref": format!("#/channels/{channel}") } });
        operations.insert(format!("publish.{channel}"), operation);
        messages.insert(name.clone(), message(&owner, &kind));
        add_schema(&mut schemas, &kind);
    }
    schemas.insert("EventHeaders".to_owned(), headers());
    let text = "Facts of eseal for other systems, over NATS JetStream. Each message is a CloudEvent 1.0 in binary mode \
        whose attributes are the whole envelope, so that its hash can be checked (docs/event-envelope.md). Delivery is at \
        least once and in any order: apply each ce-id once, put them in order by Eseal-Position. Ignore fields and kinds \
        that you don't know. How to subscribe: docs/guides/subscribe.md.";
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "eseal events", "version": "1.0.0", "description": text,
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "nats": {
            "host": "nats:4222", "protocol": "nats",
            "description": "A user is the subject of a client certificate; see deploy/nats/users.conf.",
            "security": [{ "$ref": "#/components/securitySchemes/certificate" }],
        } },
        "channels": channels,
        "operations": operations,
        "components": {
            "securitySchemes": { "certificate": { "type": "X509" } },
            "messages": messages,
            "schemas": schemas,
        },
    })
}

fn message(owner: &str, kind: &MessageDescriptor) -> Value {
    let name = kind.full_name();
    json!({
        "name": name,
        "title": kind.name(),
        "summary": comment(kind.parent_file().file_descriptor_proto(), kind.path()).unwrap_or_default(),
        "description": format!("In the stream {}.", stream_name(owner)),
        "headers": { "allOf": [
            { "$ref": "#/components/schemas/EventHeaders" },
            { "type": "object", "properties": {
                "ce-type": { "const": name }, "ce-source": { "const": format!("//eseal/{owner}") },
            } },
        ] },
        "payload": { "$ref": format!("#/components/schemas/{name}") },
    })
}

/// The headers of every message, as `crates/bus` writes them.
fn headers() -> Value {
    let text = |what: &str| json!({ "type": "string", "description": what });
    let number = |what: &str| json!({ "type": "string", "pattern": "^[1-9][0-9]*$", "description": what });
    let hash = |what: &str| json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": what });
    let uuid = |what: &str| json!({ "type": "string", "format": "uuid", "description": what });
    json!({
        "type": "object",
        "description": "What is not visible ASCII, and `\"` and `%`, is percent-encoded in UTF-8.",
        "properties": {
            "Nats-Msg-Id": uuid("As ce-id."),
            "Eseal-Position": number("Place in the history of the owner: 1, 2, 3 … without holes."),
            "ce-specversion": { "const": "1.0" },
            "ce-id": uuid("Unique for ever: apply it once."),
            "ce-source": text("The owner, //eseal/<service>."),
            "ce-type": text("The kind of event."),
            "ce-subject": text("The seal or the application that it is about."),
            "ce-time": json!({ "type": "string", "format": "date-time", "description": "When it happened, with six digits." }),
            "ce-sequence": number("Place in its stream: 1, 2, 3 … without holes."),
            "ce-datacontenttype": { "const": "application/json" },
            "ce-dataschema": text("urn:eseal:event:<ce-type>:<ce-schemaversion>."),
            "ce-schemaversion": number("The version of the payload's form."),
            "ce-stream": text("The stream, <kind>-<id>."),
            "ce-actor": text("Who caused it, <role>:<internal id>."),
            "ce-correlationid": text("The application that started it all."),
            "ce-causationid": uuid("The event that caused it; absent if none did."),
            "ce-prevhash": hash("The hash of the stream's previous event; absent at the first."),
            "ce-hash": hash("SHA-256 of the envelope (docs/event-envelope.md)."),
            "traceparent": text("W3C trace context; may be absent."),
        },
        "required": [
            "Eseal-Position", "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-sequence",
            "ce-schemaversion", "ce-stream", "ce-actor", "ce-correlationid", "ce-hash",
        ],
    })
}

/// The schema of a message in proto3 JSON, and of all that it holds. Fields with their default value are absent.
fn add_schema(schemas: &mut BTreeMap<String, Value>, message: &MessageDescriptor) {
    if schemas.contains_key(message.full_name()) {
        return;
    }
    schemas.insert(message.full_name().to_owned(), Value::Null); // so that a message may hold itself
    let mut properties = Map::new();
    for field in message.fields() {
        if let Some(held) = held_message(&field) {
            add_schema(schemas, &held);
        }
        properties.insert(field.json_name().to_owned(), described(&field));
    }
    let file = message.parent_file();
    let mut schema = json!({ "type": "object", "properties": properties });
    if let Some(text) = comment(file.file_descriptor_proto(), message.path()) {
        schema["description"] = text.into();
    }
    schemas.insert(message.full_name().to_owned(), schema);
}

/// The message of ours that a field holds.
fn held_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = field.kind();
    let message = kind.as_message()?;
    message.package_name().starts_with("eseal.").then(|| message.clone())
}

fn described(field: &FieldDescriptor) -> Value {
    assert!(!field.is_map(), "{}: a map has no schema yet", field.full_name());
    let one = of_kind(&field.kind());
    let mut schema = if field.is_list() { json!({ "type": "array", "items": one }) } else { one };
    if let Some(text) = comment(field.parent_message().parent_file().file_descriptor_proto(), field.path()) {
        // Beside a reference a description is ignored, so it goes around it.
        if schema.get("$ref").is_some() {
            schema = json!({ "allOf": [schema] });
        }
        schema["description"] = text.into();
    }
    schema
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        Kind::Message(message) => json!({ "$ref": format!("#/components/schemas/{}", message.full_name()) }),
        Kind::Enum(values) => {
            json!({ "type": "string", "enum": values.values().map(|value| value.name().to_owned()).collect::<Vec<_>>() })
        }
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer" }),
        Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0 }),
        // Beyond what every language's numbers hold.
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
        Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        Kind::Float | Kind::Double => json!({ "type": "number" }),
    }
}

/// The comment before a declaration, in one line.
fn comment(file: &prost_reflect::prost_types::FileDescriptorProto, path: &[i32]) -> Option<String> {
    let location = file.source_code_info.as_ref()?.location.iter().find(|location| location.path == path)?;
    let text = location.leading_comments().split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn find_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
            map.values().for_each(|value| find_references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a golden file `<kind>.v<version>.snap` holds a stored event; then its fields are those of the contract.
fn golden_fits(document: &Value, file: &OsStr, text: &str) -> bool {
    let file = file.to_str().expect("UTF-8");
    let Some((kind, version)) = file.strip_suffix(".snap").and_then(|name| name.rsplit_once(".v")) else {
        return false;
    };
    let is_event = kind.starts_with("eseal.") && version.bytes().all(|byte| byte.is_ascii_digit());
    let (true, Some((_, body))) = (is_event, text.split_once("\n---\n")) else { return false };
    let payload: Value = serde_json::from_str(body).expect("JSON");
    let schema = &document["components"]["schemas"][kind];
    assert!(schema.is_object(), "{kind} is not in the contract");
    fits(document, schema, &payload, kind);
    true
}

fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str) {
        return fits(document, document.pointer(&reference[1..]).expect("a target"), value, at);
    }
    let is = match schema["type"].as_str().expect("a type") {
        "object" => value.as_object().is_some_and(|fields| {
            for (name, value) in fields {
                let schema =
                    schema["properties"].get(name).unwrap_or_else(|| panic!("{at}.{name} is not in the contract"));
                fits(document, schema, value, &format!("{at}.{name}"));
            }
            true
        }),
        "array" => value.as_array().is_some_and(|items| {
            items.iter().for_each(|item| fits(document, &schema["items"], item, at));
            true
        }),
        "string" => value.as_str().is_some_and(|text| {
            schema.get("enum").and_then(Value::as_array).is_none_or(|names| names.iter().any(|name| name == text))
        }),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("{other} is no type of the contract"),
    };
    assert!(is, "{at} is {value}");
}
