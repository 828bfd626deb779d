//! The life of a seal for an auditor: whole, in order, at any moment, and checked; and who else is refused.

use std::collections::HashMap;
use std::process::{Command, Output};

use eseal_e2e::company::{Company, XINGHE, id_of};
use eseal_e2e::programs::{Eseal, program};
use eseal_history::check::hash_of;
use eseal_history::json_line;
use serde_json::{Value, json};

use crate::fixture;

/// The kinds of the events of a history, without their package.
fn kinds(history: &Value) -> Vec<String> {
    let kind = |event: &Value| text(event, "kind").rsplit('.').next().unwrap_or_default().to_owned();
    history["events"].as_array().expect("events").iter().map(kind).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// What `eseal history` prints for people.
fn words(company: &Company, lang: &str, words: &[&str]) -> String {
    let output = printed(company, lang, words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The same, also if it says that something is wrong.
fn printed(company: &Company, lang: &str, words: &[&str]) -> Output {
    let mut command = Command::new(program("eseal"));
    command.args(["--lang", lang, "--as", "qian", "--server", &company.eseal.url]);
    if let Some(ca) = &company.eseal.ca {
        command.arg("--ca").arg(ca);
    }
    command.arg("history").args(words);
    command.env("ESEAL_CONFIG_DIR", &company.eseal.sessions).env_remove("ESEAL_TOKEN");
    command.output().expect("eseal starts")
}

/// A client of nobody's server.
fn alone(company: &Company) -> Eseal {
    Eseal { url: "http://127.0.0.1:1".to_owned(), ca: None, ..company.eseal.clone() }
}

/// A seal of 甲方 on this card, registered, with more words for its application.
fn registered(company: &Company, card: &str, more: &[&str]) -> String {
    company.card(card, "holder");
    company.certify(card, "32050000000009", Some(XINGHE));
    let mut words = vec!["wang", "submit", "--organization", XINGHE.uscc, "--name", XINGHE.name];
    words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--custodian", id_of("chen")]);
    words.extend(more);
    let application = company.as_(&words).good().get("applicationId").to_owned();
    company.approved(&application);
    let seal = company.makes(&application, Some("maker.card"), Some(card)).good().get("sealId").to_owned();
    company.eseal.until("the made seal is registered", |_| {
        (company.as_(&["qian", "show", "seal", &seal]).code == 0).then_some(())
    });
    seal
}

/// The events alone tell of the seal what the registry shows.
fn agrees(company: &Company, seal: &str, state: &str) {
    let shown = company.as_(&["qian", "show", "seal", seal]).good().value;
    let folded = company.as_(&["qian", "history", seal, "--as-of", "now"]).good().value;
    assert_eq!(folded["as_of"]["seals"][0]["registered"], shown, "{state}");
    assert_eq!(shown["state"], format!("SEAL_STATE_{state}"));
}

#[test]
fn the_whole_life_of_a_seal_is_told_in_order_across_the_services() {
    let (_folder, company) = fixture::company();
    let (seal, application) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    let _ = company.as_(&["root", "revoke", &seal, "--reason", "NO_LONGER_USED"]).good();
    let told = company.eseal.until("all services heard of the end", |_| {
        let told = company.as_(&["qian", "history", &seal, "--check"]).good().value;
        let ends = ["CardReleased", "SealStateNoted"];
        let heard = kinds(&told);
        let revoked = heard.iter().position(|kind| kind == "SealRevoked")?;
        ends.iter().all(|end| heard[revoked..].iter().any(|kind| kind == end)).then_some(told)
    });
    // What the others note stands where its cause lets it; the flow itself is in its order.
    let flow = [
        "Submitted",
        "Approved",
        "FabricationQueued",
        "RunBegun",
        "MakerCardProved",
        "SealCardAccepted",
        "SealSigned",
        "SealFabricated",
        "SealRegistered",
        "SealActivated",
        "SealingBegun",
        "PinAccepted",
        "SealingAuthorized",
        "SealingCompleted",
        "SealRevoked",
        "CardReleased",
    ];
    let of_the_flow: Vec<_> = kinds(&told).into_iter().filter(|kind| !kind.ends_with("Noted")).collect();
    assert_eq!(of_the_flow, flow);
    let events = told["events"].as_array().expect("events");
    let place: HashMap<_, _> =
        events.iter().enumerate().map(|(place, event)| (text(event, "event_id"), place)).collect();
    let mut caused = 0;
    for (own, event) in events.iter().enumerate() {
        if let Some(cause) = event["causation_id"].as_str() {
            assert!(place[cause] < own, "an effect before its cause: {event}");
            caused += 1;
        }
    }
    assert!(caused >= 4, "only {caused} events have a cause: the story says nothing about order");
    assert_eq!((&told["seals"], &told["applications"]), (&json!([seal]), &json!([application])));
    let revoked = events.iter().find(|event| text(event, "kind").ends_with(".SealRevoked")).expect("revoked");
    assert_eq!((text(revoked, "reason"), text(revoked, "role")), ("NO_LONGER_USED", "admin"));
    assert_eq!((text(revoked, "actor_id"), text(revoked, "what")), (id_of("root"), "印章注销"));
    assert_eq!(told["check"]["passed"], true);
    let by_application = company.as_(&["qian", "history", "--application", &application]).good().value;
    assert_eq!((&by_application["events"], &by_application["check"]), (&told["events"], &Value::Null));

    let chinese = words(&company, "zh-CN", &[&seal, "--check"]);
    let english = words(&company, "en", &[&seal, "--as-of", "now"]);
    for expected in [&seal, "印章启用", "签章成功", "NO_LONGER_USED 不再使用", id_of("chen"), "✓ 校验通过"]
    {
        assert!(chinese.contains(expected), "{expected}: {chinese}");
    }
    for expected in [&seal, "revoked (NO_LONGER_USED no longer used)", "nobody (SEAL_REVOKED", "1 sealed, 0 refused"] {
        assert!(english.contains(expected), "{expected}: {english}");
    }
}

#[test]
fn what_events_tell_of_a_seal_is_what_the_registry_shows_in_every_state() {
    let (_folder, company) = fixture::company();
    let end = eseal_kernel::Clock::System.now().plus(std::time::Duration::from_secs(60)).to_string();
    let short = registered(&company, "short.card", &["--valid-to", &end]);
    agrees(&company, &short, "REGISTERED");
    let (seal, _) = company.has_a_seal();
    agrees(&company, &seal, "ACTIVE");
    fixture::contract(&company, "ofd");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    agrees(&company, &seal, "ACTIVE");
    let _ = company.as_(&["root", "suspend", &seal, "--reason", "CARD_LOST"]).good();
    agrees(&company, &seal, "SUSPENDED");
    let _ = company.as_(&["root", "resume", &seal]).good();
    agrees(&company, &seal, "ACTIVE");
    let tries = (0..5).map(|_| company.seals(&seal, "seal.card", "wrong-pin", "contract.ofd", "no.ofd", "45,112"));
    let reasons: Vec<_> = tries.map(|answer| answer.reason().to_owned()).collect();
    assert_eq!(reasons.last().map(String::as_str), Some("PIN_LOCKED"), "{reasons:?}");
    let locked = company.as_(&["qian", "history", &seal, "--as-of", "now"]).good().value;
    assert_eq!(locked["as_of"]["seals"][0]["not_usable_because"], "PIN_LOCKED");
    agrees(&company, &seal, "ACTIVE");
    let _ = company.as_(&["root", "unlock", &seal]).good();
    agrees(&company, &seal, "ACTIVE");
    let second = registered(&company, "second.card", &[]);
    let _ = company.as_(&["root", "replace", &seal, "--successor", &second]).good();
    agrees(&company, &seal, "REPLACED");
    let _ = company.as_(&["root", "activate", &second]).good();
    let _ = company.as_(&["root", "revoke", &second, "--reason", "KEY_COMPROMISED"]).good();
    agrees(&company, &second, "REVOKED");
    let family = company.as_(&["qian", "history", &second]).good().value;
    assert_eq!((&family["earlier_seals"], &family["later_seals"]), (&json!([seal]), &json!([])));
    assert!(kinds(&family).contains(&"SealReplaced".to_owned()));
    company.eseal.until("the validity of the first seal is over", |_| {
        (company.as_(&["qian", "show", "seal", &short]).value["expired"] == true).then_some(())
    });
    agrees(&company, &short, "REGISTERED");
    let _ = company.as_(&["root", "revoke", &short]).good();
    agrees(&company, &short, "REVOKED");
}

#[test]
fn the_past_is_told_as_it_was() {
    let (_folder, company) = fixture::company();
    let (seal, application) = company.has_a_seal();
    for step in ["suspend", "resume", "revoke"] {
        let _ = company.as_(&["root", step, &seal]).good();
    }
    let told = company.as_(&["qian", "history", &seal]).good().value;
    let at = |moment: &str| company.as_(&["qian", "history", &seal, "--as-of", moment]).good().value["as_of"].clone();
    let mut seen = Vec::new();
    for event in told["events"].as_array().expect("events") {
        let expected = match text(event, "kind").rsplit('.').next() {
            Some("SealRegistered") => "SEAL_NOT_ACTIVE",
            Some("SealActivated" | "SealResumed") => "",
            Some("SealSuspended") => "SEAL_SUSPENDED",
            Some("SealRevoked") => "SEAL_REVOKED",
            _ => continue,
        };
        let then = at(text(event, "at"));
        let standing = &then["seals"][0];
        assert_eq!(text(standing, "not_usable_because"), expected, "{event}");
        let usable_by = if expected.is_empty() { json!([id_of("chen")]) } else { json!([]) };
        assert_eq!(standing["usable_by"], usable_by);
        assert_eq!(then["applications"][0]["fabrication"]["seal_id"], seal.as_str());
        seen.push(expected);
    }
    assert_eq!(seen, ["SEAL_NOT_ACTIVE", "", "SEAL_SUSPENDED", "", "SEAL_REVOKED"]);
    let approved =
        told["events"].as_array().and_then(|all| all.iter().find(|e| text(e, "kind").ends_with(".Approved")));
    let then = at(text(approved.expect("approved"), "at"));
    assert_eq!((&then["seals"], &then["applications"][0]["state"]), (&json!([]), &json!("APPLICATION_STATE_APPROVED")));
    let before = at("2020-01-01");
    assert_eq!((&before["at"], &before["seals"]), (&json!("2020-01-01T15:59:59.999999Z"), &json!([])));
    assert_eq!(before["applications"], json!([]));
    let _ = application;
}

#[test]
fn a_history_is_for_auditors_and_a_subscriber_reads_events_only() {
    let (_folder, company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for name in ["feed", "root", "wang", "chen", "li", "zhang"] {
        let refused = company.as_(&[name, "history", &seal]);
        assert_eq!((refused.code, refused.reason()), (1, "ROLE_MISSING"), "{name}");
    }
    let _ = company.as_(&["feed", "events", "read"]).good();
    let unknown = company.as_(&["qian", "history", "0198c0de-0000-7000-8000-00000000ffff"]);
    assert_eq!((unknown.code, unknown.reason()), (1, "NOT_IN_HISTORY"));
    for wrong in
        [&["history", "x"][..], &["history", &seal, "--as-of", "yesterday"], &["history", "--check", "--as-of", "now"]]
    {
        let answer = company.as_(&[&["qian"], wrong].concat());
        assert_eq!((answer.code, answer.reason()), (2, "USAGE"), "{wrong:?}");
    }
    let answer = alone(&company).run(["history", &seal]);
    assert_eq!((answer.code, answer.reason()), (3, "SERVER_UNREACHABLE"));
}

/// A file of all events, to be doctored; and an auditor without a server.
struct File {
    company: Company,
    seal: String,
    events: Vec<Value>,
}

impl File {
    fn written(company: Company) -> Self {
        let (seal, _) = company.has_a_seal();
        for step in ["suspend", "resume", "suspend"] {
            let _ = company.as_(&["root", step, &seal]).good();
        }
        let _ = company.as_(&["qian", "events", "read", "--output", "@events.jsonl"]).good();
        let text = std::fs::read_to_string(company.path("events.jsonl")).expect("a file");
        let events = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        Self { company, seal, events }
    }

    /// Where the first event of this kind lies in the file.
    fn index_of(&self, kind: &str) -> usize {
        self.events.iter().position(|event| text(event, "type").ends_with(kind)).expect("such an event")
    }

    /// Checks these events offline; gives the exit code and what is told.
    fn check(&self, events: &[Value]) -> (i32, Value) {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        std::fs::write(self.company.path("doctored.jsonl"), lines).expect("a file");
        let file = self.company.path("doctored.jsonl").display().to_string();
        let answer = alone(&self.company).run(["history", &self.seal, "--check", "--from", &file]);
        (answer.code, answer.value)
    }

    /// The one owner's finding of these events: its code, position and event.
    fn misfit(&self, events: &[Value]) -> (String, u64, String) {
        let (code, told) = self.check(events);
        assert_eq!((code, &told["check"]["passed"]), (1, &json!(false)), "{told}");
        let owners = told["check"]["owners"].as_array().expect("owners");
        let failed: Vec<_> = owners.iter().filter(|owner| owner["passed"] == false).collect();
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_eq!(failed[0]["owner"], "authentication");
        let misfit = &failed[0]["misfit"];
        (text(misfit, "code").to_owned(), misfit["position"].as_u64().unwrap_or(0), text(misfit, "event_id").to_owned())
    }

    fn named(&self, index: usize) -> (u64, String) {
        let event = &self.events[index];
        (text(event, "position").parse().expect("a position"), text(event, "eventId").to_owned())
    }
}

#[test]
fn an_honest_file_passes_without_a_server_and_tells_the_same_life() {
    let (_folder, company) = fixture::company();
    let file = File::written(company);
    let (code, told) = file.check(&file.events);
    assert_eq!((code, &told["check"]["passed"]), (0, &json!(true)), "{told}");
    assert_eq!(told["check"]["events"], json!(file.events.len()));
    let online = file.company.as_(&["qian", "history", &file.seal, "--check"]).good().value;
    let heads: Vec<_> =
        online["check"]["owners"].as_array().expect("owners").iter().map(|o| &o["head_position"]).collect();
    assert!(heads.iter().all(|head| head.is_u64()), "{heads:?}");
    let registry = |told: &Value| {
        let events = told["events"].as_array().cloned().unwrap_or_default();
        events.into_iter().filter(|event| event["owner"] == "authentication").collect::<Vec<_>>()
    };
    assert_eq!(registry(&told), registry(&online));
    // What came after the end of a file nobody can know from the file: its last position is told, to be compared.
    let (code, cut) = file.check(&file.events[..file.events.len() - 1]);
    let owner = |told: &Value| {
        let owners = told["check"]["owners"].as_array().cloned().unwrap_or_default();
        owners.into_iter().find(|owner| owner["owner"] == "authentication").unwrap_or_default()
    };
    assert_eq!((code, &owner(&cut)["head_position"]), (0, &Value::Null));
    assert_ne!(cut["check"]["events"], told["check"]["events"]);
}

#[test]
fn whatever_is_done_to_a_file_is_named_by_its_event() {
    let (_folder, company) = fixture::company();
    let file = File::written(company);
    let (suspended, registered) = (file.index_of(".SealSuspended"), file.index_of(".SealRegistered"));
    let doctored = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut events = file.events.clone();
        change(&mut events);
        file.misfit(&events)
    };
    let at = |code: &str, index: usize| {
        let (position, event) = file.named(index);
        (code.to_owned(), position, event)
    };
    let other_payload = |events: &mut Vec<Value>, field: &str| {
        let changed = text(&events[suspended], "payloadText").replace("OTHER", "CARD_LOST");
        assert_ne!(changed, text(&events[suspended], "payloadText"));
        events[suspended][field] =
            if field == "payload" { serde_json::from_str(&changed).expect("JSON") } else { json!(changed) };
    };
    assert_eq!(doctored(&|events| other_payload(events, "payloadText")), at("EVENT_CHANGED", suspended));
    assert_eq!(doctored(&|events| other_payload(events, "payload")), at("EVENT_CHANGED", suspended));
    assert_eq!(doctored(&|events| events[suspended]["actor"] = json!("admin:x")), at("EVENT_CHANGED", suspended));
    assert_eq!(doctored(&|events| drop(events.remove(registered))), at("POSITION_MISSING", registered + 1));
    assert_eq!(doctored(&|events| events.swap(registered, registered + 1)), at("POSITION_MISSING", registered + 1));
    // Hashed anew, the event itself fits; the next one of its stream does not.
    let rehashed = doctored(&|events| {
        events[suspended]["actor"] = json!("admin:x");
        let event = json_line::read(&events[suspended].to_string()).expect("an event");
        events[suspended]["hash"] = json!(hash_of(&event).to_string());
    });
    assert_eq!(rehashed, at("EVENT_UNLINKED", file.index_of(".SealResumed")));
}

#[test]
fn a_file_that_is_no_file_of_events_is_refused_with_its_line() {
    let (_folder, company) = fixture::company();
    let seal = "0198c0de-0000-7000-8000-00000000ffff";
    for (content, told) in [("", "没有事件"), ("{}\n", ":1:"), ("\nno\n", ":2:")] {
        std::fs::write(company.path("events.jsonl"), content).expect("a file");
        let answer = company.run(&["history", seal, "--from", "@events.jsonl"]);
        assert_eq!((answer.code, answer.reason()), (2, "FILE_UNREADABLE"), "{content:?}");
        assert!(text(&answer.error, "text").contains(told), "{}", answer.error);
    }
}

/// Changes one row of a database as its owner can, whose triggers do not keep them from it.
fn doctor(company: &mut Company, service: &str, sql: &str) {
    if fixture::is_distributed() {
        let sql = format!(
            "ALTER TABLE events DISABLE TRIGGER USER; {sql} RETURNING position; \
            ALTER TABLE events ENABLE TRIGGER USER"
        );
        let changed = company.platform().sql_as_owner(service, &sql).expect("the owner may do it");
        assert_eq!(changed.lines().count(), 1, "{changed}");
        return;
    }
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        for (name,) in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():\n    \
            db.execute(f'DROP TRIGGER {name}')\n\
        assert db.execute(sys.argv[2]).rowcount == 1\n\
        db.commit()\n";
    let file = company.path("data").join(format!("{service}.db"));
    let output = Command::new("python3").arg("-c").arg(script).arg(file).arg(sql).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_database_that_was_doctored_while_the_system_was_down_is_found_out() {
    let (_folder, mut company) = fixture::company();
    let (seal, _) = company.has_a_seal();
    for step in ["suspend", "resume"] {
        let _ = company.as_(&["root", step, &seal]).good();
    }
    let told = company.as_(&["qian", "history", &seal, "--check"]).good().value;
    let event = |kind: &str| {
        let events = told["events"].as_array().expect("events");
        events.iter().find(|event| text(event, "kind").ends_with(kind)).cloned().expect("such an event")
    };
    let (suspended, fabricated) = (event(".SealSuspended"), event(".SealFabricated"));
    let by_another = "UPDATE events SET actor = 'custodian:x' WHERE event_id";
    company.while_down(|company| {
        doctor(company, "authentication", &format!("{by_another} = '{}'", text(&suspended, "event_id")));
        doctor(company, "fabrication", &format!("DELETE FROM events WHERE position = {}", fabricated["position"]));
    });
    let checked = company.as_(&["qian", "history", &seal, "--check"]);
    assert_eq!(checked.code, 1, "{}", checked.text);
    let found = |owner: &str| {
        let owners = checked.value["check"]["owners"].as_array().expect("owners");
        owners.iter().find(|found| found["owner"] == owner).cloned().expect("such an owner")
    };
    let (authentication, fabrication) = (found("authentication"), found("fabrication"));
    assert_eq!(authentication["misfit"]["code"], "EVENT_CHANGED");
    assert_eq!(authentication["misfit"]["event_id"], suspended["event_id"]);
    assert_eq!(authentication["events"].as_u64(), suspended["position"].as_u64().map(|position| position - 1));
    assert_eq!(fabrication["misfit"]["code"], "TAIL_MISSING");
    assert_eq!(fabrication["misfit"]["position"], fabricated["position"]);
    assert_eq!(found("application")["passed"], true);
    let words = String::from_utf8_lossy(&printed(&company, "en", &["--check"]).stdout).into_owned();
    assert!(words.contains(text(&suspended, "event_id")) && words.contains("✗ check failed"), "{words}");
}
