//! One trace, the metrics of the guide, and nothing in them that must not be told.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use eseal_e2e::company::{Company, PASSWORD, PIN, System, WRONG_PIN, YUNQI, id_of};
use eseal_e2e::platform::PlatformOptions;
use eseal_e2e::telemetry::{Story, settings, told, total, variables};
use eseal_testkit::otlp::Collector;
use tempfile::TempDir;

use crate::fixture;

/// A system whose telemetry goes to a collector: every process of it.
fn observed() -> (TempDir, Collector, Company) {
    let collector = Collector::start();
    if fixture::is_distributed() {
        let settings = [("", variables(&collector))].into();
        let (folder, company) = fixture::distributed(PlatformOptions { settings, ..PlatformOptions::default() });
        return (folder, collector, company);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let company = Company::found_with(&folder.path().join("company"), &settings(&collector));
    (folder, collector, company)
}

/// The logs of all processes of the system.
fn logs(company: &Company) -> Vec<PathBuf> {
    if !fixture::is_distributed() {
        return vec![company.path("data").with_extension("log")];
    }
    let files = fs::read_dir(company.path("platform")).expect("the platform").flatten().map(|entry| entry.path());
    let logs: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "log")).collect();
    assert!(logs.len() > 5, "only these processes have a log: {logs:?}");
    logs
}

/// The name of a metric, its attributes, and what it must be in the end.
type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

#[test]
fn one_trace_leads_from_the_submission_to_the_registered_seal() {
    let (_folder, collector, company) = observed();
    let key = company.has_a_hosted_key();
    let mut words = vec!["zhao", "submit", "--organization", YUNQI.uscc, "--name", YUNQI.name, "--hosted-key", &key];
    words.extend(["--seal-type", "contract", "--seal-name", "合同专用章", "--custodian", id_of("zhao")]);
    let application = company.as_(&words).good().get("applicationId").to_owned();
    let _ = company.as_(&["li", "approve", &application]).good();
    let seal = company.eseal.until("the hosted seal is made", |_| {
        let shown = company.as_(&["zhao", "show", "application", &application]).value;
        shown["outcome"]["sealId"].as_str().map(str::to_owned)
    });
    // What is still missing after a while is told by what is asked of the story.
    let patience = Instant::now() + Duration::from_secs(60);
    let story = company.eseal.until("its registration is among the spans", |_| {
        let story = Story::so_far(&collector, &application, &seal)?;
        (story.is_whole() || Instant::now() > patience).then_some(story)
    });
    story.is_one_trace();

    let in_trace = collector.logs().iter().filter(|record| !record.trace_id.is_empty()).count();
    assert!(in_trace > 0, "no log record has a trace");
    let lines: String = logs(&company).iter().map(|log| fs::read_to_string(log).expect("the log")).collect();
    let with_ids = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let with_ids = with_ids.filter(|line| line["trace_id"].is_string() && line["span_id"].is_string());
    assert!(with_ids.count() > 0, "no line of the log has the ids of a trace");
}

fn rpc(name: &str) -> String {
    format!("eseal.application.v1.ApplicationService/{name}")
}

#[test]
fn the_metrics_of_the_guide_count_what_the_story_did() {
    let (_folder, collector, company) = observed();
    let (seal, _) = company.has_a_seal();
    fixture::contract(&company, "ofd");
    let wrong = company.seals(&seal, "seal.card", "wrong-pin", "contract.ofd", "not.ofd", "45,112");
    assert_ne!(wrong.code, 0, "sealed with a wrong PIN");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    let _ = company.as_(&["li", "verify", &company.path("sealed.ofd").display().to_string()]);
    let refused = company.as_(&["wang", "approve", &seal]);
    assert_ne!(refused.code, 0, "an applicant has approved");

    // Each server on the way counts a call; who refuses it, counts the refusal.
    let servers = if fixture::is_distributed() { 2.0 } else { 1.0 };
    let (approve, submit) = (rpc("ApproveApplication"), rpc("SubmitApplication"));
    let expected: [Expected<'_>; 11] = [
        ("eseal.commands", &[("eseal.command", "Submit"), ("eseal.outcome", "recorded")], 1.0),
        ("eseal.commands", &[("eseal.command", "Approve"), ("eseal.outcome", "recorded")], 1.0),
        ("eseal.commands", &[("eseal.command", "Register"), ("eseal.aggregate", "seal")], 1.0),
        (
            "rpc.server.call.duration",
            &[("rpc.method", &approve), ("rpc.response.status_code", "PERMISSION_DENIED")],
            servers,
        ),
        ("eseal.refusals", &[("eseal.reason", "ROLE_MISSING")], 1.0),
        ("eseal.sealings", &[("eseal.outcome", "completed")], 1.0),
        ("eseal.sealings", &[("eseal.outcome", "pin_refused"), ("eseal.reason", "PIN_INCORRECT")], 1.0),
        ("eseal.verifications", &[("eseal.verdict", "valid")], 1.0),
        ("rpc.server.call.duration", &[("rpc.method", &submit), ("rpc.response.status_code", "OK")], servers),
        ("db.client.connection.count", &[("db.client.connection.pool.name", "application-writer")], 1.0),
        ("eseal.append.duration", &[("eseal.outcome", "failed")], 0.0),
    ];
    for (name, with, value) in expected {
        let what = format!("{name} {with:?} is {value}");
        company.eseal.until(&what, |_| (total(&collector, name, with) == value).then_some(()));
    }
    let events = company.as_(&["qian", "events", "read", "--output", "@events.jsonl"]).good();
    drop(events);
    let stored = fs::read_to_string(company.path("events.jsonl")).expect("the events").lines().count();
    let stored = f64::from(u32::try_from(stored).expect("a few"));
    company
        .eseal
        .until("every stored event is counted", |_| (total(&collector, "eseal.events", &[]) == stored).then_some(()));
    assert!(total(&collector, "eseal.append.duration", &[]) >= total(&collector, "eseal.append.batch.size", &[]));
    assert!(total(&collector, "rpc.client.call.duration", &[]) > 0.0, "no service has called another");
}

#[test]
fn nothing_secret_or_personal_is_in_any_telemetry_or_log() {
    let (_folder, collector, company) = observed();
    let application = fixture::with_personal_data(&company);
    let _ = company.as_(&["wang", "resubmit", &application]).good();
    company.approved(&application);
    let seal = company.makes(&application, Some("maker.card"), Some("seal.card")).good().get("sealId").to_owned();
    company.activates(&seal);
    fixture::contract(&company, "ofd");
    let _ = company.seals(&seal, "seal.card", "wrong-pin", "contract.ofd", "not.ofd", "45,112");
    let _ = company.seals(&seal, "seal.card", "pin", "contract.ofd", "sealed.ofd", "45,112").good();
    let key = company.has_a_hosted_key();
    let _ = fixture::hosted_seal(&company, &key);
    let _ = company.as_(&["root", "erase-person", id_of("wang")]).good();
    let _ = company.run(&["login", "wang", "--password-file", "@wrong-pin"]);
    company.eseal.until("the last command is among the spans", |_| {
        collector.spans().iter().any(|span| span.name == "decide Erase").then_some(())
    });

    let mut emitted = collector.everything();
    for log in logs(&company) {
        emitted.extend(fs::read(log).expect("the log"));
    }
    assert!(told(&emitted, &application).is_some(), "the search finds nothing at all");
    let mut never = vec![PASSWORD, PIN, WRONG_PIN, "王经办", "13800138000", "wang@example.cn", "320500199001011234"];
    never.extend(["陈保管", "补充营业执照", "BEGIN ", "iVBORw0KGgo"]);
    assert!(!fixture::has_certificate(&emitted), "a certificate was told");
    let tokens = tokens(&company);
    assert!(tokens.len() > 3, "the people have no sessions to look for");
    for word in never.into_iter().chain(tokens.iter().map(String::as_str)) {
        let found = told(&emitted, word);
        assert!(found.is_none(), "{word} was told: {found:?}");
    }
}

/// The tokens in the files of the people's sessions.
fn tokens(company: &Company) -> Vec<String> {
    let mut folders = vec![company.path("sessions")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sessions").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap_or_default();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c));
            found.extend(words.filter(|word| word.starts_with("eyJ")).map(str::to_owned));
        }
    }
    found
}

#[test]
fn a_collector_that_hangs_neither_slows_a_story_nor_keeps_the_process_from_ending() {
    let (_folder, collector, mut company) = observed();
    let ten_applications = || {
        let begun = Instant::now();
        for i in 0..10 {
            let _ = company.applies(&format!("合同专用章{i}"));
        }
        begun.elapsed()
    };
    let before = ten_applications();
    collector.hang();
    let after = ten_applications();
    assert!(after < before * 3 + Duration::from_secs(5), "{after:?} with a collector that hangs, {before:?} without");
    let within = |asked: Instant| {
        assert!(asked.elapsed() < Duration::from_secs(20), "it took {:?} to end", asked.elapsed());
    };
    match company.system.take().expect("a system runs") {
        System::Standalone(standalone) => {
            let asked = Instant::now();
            standalone.ends_when_asked(Duration::from_secs(30));
            within(asked);
        }
        System::Platform(mut platform) => {
            for process in platform.running() {
                let asked = Instant::now();
                assert!(platform.terminate(&process), "{process} did not end well");
                within(asked);
            }
        }
    }
}
