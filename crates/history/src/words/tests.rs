use std::path::Path;

use super::*;
use crate::Line;

/// Every stored form that a service ever wrote: its golden files.
fn golden() -> Vec<Event> {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    let mut events = Vec::new();
    for owner in ["application", "fabrication", "authentication", "verification"] {
        for folder in ["src/codec/snapshots", "src/snapshots"] {
            let Ok(files) = std::fs::read_dir(services.join(owner).join(folder)) else { continue };
            for file in files.flatten() {
                let name = file.file_name().into_string().expect("a name");
                let Some((kind, version)) = name.trim_end_matches(".snap").rsplit_once(".v") else { continue };
                let text = std::fs::read_to_string(file.path()).expect("a file");
                let payload = text.splitn(3, "---\n").nth(2).expect("a snapshot").trim_end();
                events.push(Event {
                    owner: owner.to_owned(),
                    r#type: kind.to_owned(),
                    schema_version: version.parse().expect("a version"),
                    payload: payload.into(),
                    ..Event::default()
                });
            }
        }
    }
    events
}

#[test]
fn every_event_that_was_ever_stored_is_read_and_has_words_in_both_languages() {
    let events = golden();
    assert!(events.len() >= 45, "only {} golden files: the test looks in the wrong place", events.len());
    for event in &events {
        let line = Line::of(event);
        assert!(!matches!(line.fact, Fact::Unknown | Fact::Unreadable(_)), "{}: {:?}", event.r#type, line.fact);
        let (zh, en) = (line.what(Language::ZhCn), line.what(Language::En));
        assert!(!zh.is_ascii(), "{}: {zh}", event.r#type);
        assert!(zh != en && en.starts_with(|first: char| first.is_ascii_uppercase()), "{}: {en}", event.r#type);
        let (_, reason) = line.reason();
        let known = |code: &str| vocabulary::REASONS.iter().any(|(known, ..)| *known == code);
        assert!(reason.is_none_or(|code| known(code) || code == "LOST"), "{reason:?} has no words");
    }
}

#[test]
fn a_refusal_names_its_gate_and_its_reason() {
    let payload = r#"{"sealId":"s","attemptId":"a","gate":"d","reason":"SEAL_SUSPENDED","custodianId":"chen"}"#;
    let event = Event {
        r#type: "eseal.authentication.v1.SealingRefused".to_owned(),
        schema_version: 1,
        payload: payload.into(),
        actor: "custodian:chen".to_owned(),
        ..Event::default()
    };
    let line = Line::of(&event);
    assert_eq!(line.reason(), (Some("d"), Some("SEAL_SUSPENDED")));
    assert_eq!(line.actor(), ("custodian", "chen"));
    assert_eq!(line.what(Language::ZhCn), "签章未通过");
}

#[test]
fn an_event_of_a_newer_release_says_so_and_shows_its_payload() {
    let event = Event {
        r#type: "eseal.authentication.v1.SealPainted".to_owned(),
        schema_version: 1,
        payload: br#"{"colour":"red"}"#.to_vec(),
        ..Event::default()
    };
    let line = Line::of(&event);
    assert!(line.what(Language::En).ends_with("eseal.authentication.v1.SealPainted v1"));
    let view = line.view(Language::En);
    assert_eq!((view.reading, &view.payload["colour"]), ("unknown", &"red".into()));
}

#[test]
fn what_somebody_put_into_an_event_does_not_steer_the_terminal() {
    let event = Event {
        r#type: "eseal.authentication.v1.SealReplaced".to_owned(),
        schema_version: 1,
        payload: br#"{"successorSealId":"\u001b[2J\u009b1A\nx"}"#.to_vec(),
        ..Event::default()
    };
    let told = Line::of(&event).what(Language::En);
    assert!(told.starts_with("Seal replaced by") && !told.contains(char::is_control), "{told:?}");
}
