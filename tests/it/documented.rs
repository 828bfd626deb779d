//! Documents that are made from the code. `ESEAL_UPDATE_DOCS=1 cargo test -p eseal-e2e documented` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use eseal_bus::NatsUser;
use eseal_documents::{Check, Language, NoteCode, Reason};
use eseal_eventstore::metrics::Metric;

#[test]
fn the_error_codes_are_documented() {
    let mut text = "# Error codes\n\n\
        Every code that a service, a verification or the client gives: stable for ever. Made from the code and checked by \
        a test (`tests/it/documented.rs`); do not edit by hand.\n"
        .to_owned();
    let services: [(&str, &[eseal_service::Reason]); 7] = [
        ("Every RPC", eseal_service::status::REASONS),
        ("Signing in (standalone)", eseal_standalone::identity::REASONS),
        ("Application (印章申请)", eseal_application::REASONS),
        ("Fabrication (印章制作)", eseal_fabrication::REASONS),
        ("Signing authentication (签章认证)", eseal_authentication::REASONS),
        ("Verification service (文档验证)", eseal_verification::REASONS),
        ("Verification service: notes", eseal_verification::NOTES),
    ];
    for (title, reasons) in services {
        table(&mut text, title, reasons.iter().map(|reason| (reason.code, reason.zh, reason.en)));
    }
    table(&mut text, "The client `eseal`", eseal_cli::failure::CODES.iter().copied());
    table(&mut text, "The check of a history (`eseal history --check`)", eseal_history::Wrong::CODES.iter().copied());
    let (en, zh) = (Language::En, Language::ZhCn);
    table(&mut text, "Verdicts and documents: reasons", Reason::ALL.iter().map(|c| (c.code(), c.text(zh), c.text(en))));
    table(&mut text, "Verification: steps", Check::ALL.iter().map(|c| (c.code(), c.text(zh), c.text(en))));
    table(&mut text, "Verification: notes", NoteCode::ALL.iter().map(|c| (c.code(), c.text(zh), c.text(en))));
    is_current("docs/error-codes.md", &text);
}

#[test]
fn who_may_call_what_is_documented() {
    let mut text = "# Who may call what\n\n\
        Declared beside each RPC in `proto/`, enforced by one layer (`crates/service/src/access.rs`). Made from the same \
        source and checked by a test; do not edit by hand. People who are bound to an organization see that organization \
        only.\n\n| RPC | people | services |\n|---|---|---|\n"
        .to_owned();
    for rule in eseal_service::access::rules().expect("the rules of the proto") {
        let people: Vec<_> = rule.roles.iter().map(|role| role.name()).collect();
        let people = if rule.public { "everybody".to_owned() } else { people.join(", ") };
        let _ = writeln!(text, "| `{}` | {people} | {} |", rule.rpc, rule.services.join(", "));
    }
    is_current("docs/access.md", &text);
}

#[test]
fn the_users_of_nats_are_those_of_the_services() {
    let programs = [
        eseal_application::PROGRAM,
        eseal_fabrication::PROGRAM,
        eseal_authentication::PROGRAM,
        eseal_verification::PROGRAM,
    ];
    let mut users = vec![NatsUser::Setup];
    users.extend(programs.iter().map(|program| NatsUser::Service {
        name: program.name,
        consumers: program.hears.iter().map(|owner| (program.name, *owner)).collect(),
    }));
    let owners = programs.iter().map(|program| program.name).collect();
    users.push(NatsUser::Integrator { name: "integrator", owners });
    let text = "# Who may do what in NATS: by the subject of the client's certificate. Made from the code and checked by a\n\
        # test; do not edit by hand: ESEAL_UPDATE_DOCS=1 cargo test -p eseal-e2e documented\n";
    is_current("deploy/nats/users.conf", &format!("{text}{}", eseal_bus::authorization(&users)));
}

#[test]
fn the_metrics_are_documented() {
    let rooms: [(&str, &[Metric]); 5] = [
        ("Every process", eseal_service::metrics::METRICS),
        ("The store", eseal_eventstore::metrics::METRICS),
        ("The bus", eseal_bus::metrics::METRICS),
        ("Signing authentication (签章认证)", eseal_authentication::metrics::METRICS),
        ("Verification (文档验证)", eseal_verification::metrics::METRICS),
    ];
    let mut text = String::new();
    for (title, metrics) in rooms {
        let _ = write!(text, "\n### {title}\n\n| metric | unit | attributes | what |\n|---|---|---|---|\n");
        for Metric { name, unit, what, attributes } in metrics {
            let attributes = attributes.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "| `{name}` | `{unit}` | {attributes} | {what} |");
        }
    }
    let (path, begin, end) = ("docs/guides/telemetry.md", "<!-- metrics -->\n", "\n<!-- /metrics -->");
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let guide = std::fs::read_to_string(full).expect("the guide");
    let (before, rest) = guide.split_once(begin).expect("where the table begins");
    let (_, after) = rest.split_once(end).expect("where it ends");
    is_current(path, &format!("{before}{begin}{text}{end}{after}"));
}

fn table<'a>(text: &mut String, title: &str, rows: impl Iterator<Item = (&'a str, &'a str, &'a str)>) {
    let _ = write!(text, "\n## {title}\n\n| code | 中文 | English |\n|---|---|---|\n");
    for (code, zh, en) in rows {
        let _ = writeln!(text, "| `{code}` | {zh} | {en} |");
    }
}

/// Whether a file is what the code makes of it.
pub fn is_current(path: &str, text: &str) {
    let full: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("ESEAL_UPDATE_DOCS").is_some() {
        std::fs::write(&full, text).expect("a file");
    }
    let stored = std::fs::read_to_string(&full).unwrap_or_default();
    assert!(stored == text, "{path} is not current: ESEAL_UPDATE_DOCS=1 cargo test -p eseal-e2e documented");
}
