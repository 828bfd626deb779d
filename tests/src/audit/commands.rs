//! Whether the stores have what the clients were told: each acknowledged command once, and nothing of a refused one.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::{Case, Finding, Findings};
use crate::load::{Entry, Rpc, Trace, Verdict};

/// How often a fact must be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Due {
    /// At least so many times.
    certain: usize,
    /// And so many times more, perhaps: nobody said what became of the command.
    possible: usize,
}

/// A fact and what it is about.
type Subject = (Trace, String);

/// Holds the facts against the ledger.
pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let (due, mut strays) = due(case);
    let found = found(case);
    let keys: HashSet<&Subject> = due.keys().chain(found.keys()).collect();
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort();
    for key in keys {
        let (trace, subject) = key;
        let Due { certain, possible } = due.get(key).copied().unwrap_or_default();
        let times = found.get(key).copied().unwrap_or_default();
        let what = format!("{}.{} of {subject}", trace.owner, trace.kind);
        if times < certain {
            findings.add(Finding::Lost(format!("{what}: acknowledged {certain} times, stored {times} times")));
        } else if times > certain + possible {
            // A command whose answer never came, and with it the id of what it made.
            let stray = strays.get_mut(trace).filter(|left| certain == 0 && times == 1 && **left > 0);
            match stray {
                Some(left) => *left -= 1,
                None if certain == 0 => findings.add(Finding::Unasked(format!("{what}: stored {times} times"))),
                None => {
                    let told = format!("{what}: acknowledged {certain} times, stored {times} times");
                    findings.add(Finding::Doubled(told));
                }
            }
        }
    }
    check_pins(case, findings);
    check_requests(case, findings);
}

/// What must be there by the ledger, and how many facts may be about something whose id nobody was told.
fn due(case: &Case<'_>) -> (HashMap<Subject, Due>, BTreeMap<Trace, usize>) {
    let (mut due, mut strays) = (HashMap::<Subject, Due>::new(), BTreeMap::<Trace, usize>::new());
    for entry in &case.ledger.entries {
        let trace = entry.rpc.trace();
        match &entry.verdict {
            Verdict::Acknowledged => due.entry((trace, entry.subject.clone())).or_default().certain += 1,
            Verdict::Refused(reason) => match (entry.rpc.refusal_trace(reason), entry.rpc.refused_use()) {
                (Some(trace), _) => due.entry((trace, entry.subject.clone())).or_default().certain += 1,
                (None, Some(trace)) if makes_something(entry) => *strays.entry(trace).or_default() += 1,
                (None, Some(trace)) => due.entry((trace, entry.subject.clone())).or_default().possible += 1,
                (None, None) => {}
            },
            Verdict::Open(_) if makes_something(entry) => *strays.entry(trace).or_default() += 1,
            Verdict::Open(_) => {
                for trace in open_traces(entry.rpc) {
                    due.entry((trace, entry.subject.clone())).or_default().possible += 1;
                }
            }
        }
    }
    (due, strays)
}

fn makes_something(entry: &Entry) -> bool {
    matches!(entry.rpc, Rpc::CreateHostedKey | Rpc::SubmitApplication | Rpc::BeginSealing)
}

/// All that a command without an answer may have left.
fn open_traces(rpc: Rpc) -> Vec<Trace> {
    let refusals = ["PIN_INCORRECT", "SEAL_SUSPENDED"];
    let mut traces: Vec<_> = refusals.iter().filter_map(|reason| rpc.refusal_trace(reason)).collect();
    traces.push(rpc.trace());
    traces
}

/// How often each fact of those kinds is there.
fn found(case: &Case<'_>) -> HashMap<Subject, usize> {
    let mut kinds: HashSet<Trace> = Rpc::ALL.into_iter().flat_map(open_traces).collect();
    kinds.retain(|trace| case.books.contains_key(trace.owner));
    let kinds: HashMap<String, Trace> =
        kinds.into_iter().map(|trace| (format!("eseal.{}.v1.{}", trace.owner, trace.kind), trace)).collect();
    let mut found = HashMap::<Subject, usize>::new();
    for event in case.books.values().flat_map(|books| &books.events) {
        if let Some(trace) = kinds.get(&event.kind) {
            *found.entry((*trace, field(&event.payload, trace.field))).or_default() += 1;
        }
    }
    found
}

/// A try of a PIN is counted before it is looked at. Of one request it is counted once, and accepted once.
fn check_pins(case: &Case<'_>, findings: &mut Findings) {
    let mut asked = HashMap::<&str, usize>::new();
    for entry in case.ledger.entries.iter().filter(|entry| entry.rpc == Rpc::AuthorizeHostedSealing) {
        *asked.entry(&entry.subject).or_default() += 1;
    }
    let (mut tried, mut accepted) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for event in case.books.get("authentication").into_iter().flat_map(|books| &books.events) {
        let counted = match event.kind.as_str() {
            "eseal.authentication.v1.PinTried" => &mut tried,
            "eseal.authentication.v1.PinAccepted" => &mut accepted,
            _ => continue,
        };
        *counted.entry(field(&event.payload, "attemptId")).or_default() += 1;
    }
    for (attempt, times) in &tried {
        let asked = asked.get(attempt.as_str()).copied().unwrap_or_default();
        if *times > asked {
            let told = format!("authentication.PinTried of {attempt}: asked {asked} times, counted {times} times");
            findings.add(Finding::Doubled(told));
        }
    }
    for (attempt, times) in accepted.iter().filter(|(_, times)| **times > 1) {
        findings.add(Finding::Doubled(format!("authentication.PinAccepted of {attempt}: {times} times")));
    }
}

/// What was acknowledged is known under its request id, so that another repeat would get the same answer.
fn check_requests(case: &Case<'_>, findings: &mut Findings) {
    let mut known = HashMap::<(&str, &str), usize>::new();
    for (owner, books) in case.books {
        for request in &books.requests {
            *known.entry((*owner, &request.request_id)).or_default() += usize::from(!request.rpc.ends_with(".TryPin"));
        }
    }
    for entry in case.ledger.entries.iter().filter(|entry| entry.verdict == Verdict::Acknowledged) {
        let owner = entry.rpc.trace().owner;
        match known.get(&(owner, entry.request_id.as_str())).copied().unwrap_or_default() {
            1 => {}
            0 => findings.add(Finding::Lost(format!("{:?} {}: the request is not known", entry.rpc, entry.request_id))),
            times => findings.add(Finding::Doubled(format!(
                "{:?} {}: the request was answered {times} times",
                entry.rpc, entry.request_id
            ))),
        }
    }
}

/// A text of a payload.
pub(super) fn field(payload: &[u8], name: &str) -> String {
    let value: Value = serde_json::from_slice(payload).unwrap_or_default();
    value[name].as_str().unwrap_or_default().to_owned()
}
