//! What is in `deploy/`: compose, its settings, what prepares it. And what these have in common with the chart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use eseal_devpki::DevPki;
use eseal_kernel::Clock;
use serde_json::Value;

pub const SERVICES: [&str; 4] = ["application", "fabrication", "authentication", "verification"];
/// For each gRPC service, the services that one of its RPCs names as callers.
pub type Rules = BTreeMap<String, BTreeSet<String>>;

#[test]
fn compose_is_what_the_specification_knows() {
    let mut check = Command::new(venv("check-jsonschema"));
    let output = check.args(["--builtin-schema", "vendor.compose-spec"]).arg(deploy().join("compose.yaml")).output();
    let output = output.expect("check-jsonschema starts: run `make setup`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_container_of_compose_is_restricted_watched_and_waited_for() {
    let compose = compose();
    let services = compose["services"].as_object().expect("services");
    let names: BTreeSet<_> = services.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 11, "{names:?}");
    for (name, service) in services {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{name}");
        assert!(service["user"].as_str().is_some_and(|user| user.starts_with("${ESEAL_UID:?")), "{name} may be root");
        assert!(service["mem_limit"].is_string() && service["pids_limit"].is_number(), "{name} has no bounds");
        let once = name.ends_with("-migrate");
        assert_eq!(
            service["healthcheck"]["test"][0].as_str(),
            (!once).then_some("CMD"),
            "{name}: an image has no shell"
        );
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            let expected =
                if other.ends_with("-migrate") { "service_completed_successfully" } else { "service_healthy" };
            assert!(names.contains(other.as_str()), "{name} waits for {other}");
            assert_eq!(how["condition"], expected, "{name} waits for {other}");
        }
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let secret = ["PASSWORD", "URL", "KEY"].iter().any(|word| variable.ends_with(word));
            assert!(!secret, "{name} has {variable}={value}: secrets are files");
        }
    }
    for service in SERVICES {
        let secrets = |name: &str| -> BTreeSet<String> {
            let secrets = services[name]["secrets"].as_array().expect("secrets").iter();
            secrets.map(|secret| secret["source"].as_str().expect("a name").to_owned()).collect()
        };
        let owner = format!("{service}-owner-url");
        assert!(services[service]["depends_on"][format!("{service}-migrate")].is_object(), "{service}");
        assert_eq!(secrets(&format!("{service}-migrate")), BTreeSet::from([owner.clone()]));
        assert!(!secrets(service).contains(&owner), "{service} can change its tables");
    }
}

#[test]
fn the_settings_of_compose_let_in_whom_the_proto_names() {
    let rules = services_by_rpc();
    for service in SERVICES {
        let config = config(service);
        assert_callers(service, &allowed(&config), &rules);
        for (peer, address) in peers(&config) {
            assert_eq!(address, format!("https://{peer}:7443"), "{service}");
        }
    }
    assert_eq!(peers(&config("gateway")).len(), SERVICES.len());
}

#[test]
fn nats_accepts_its_settings_of_compose() {
    let place = tempfile::tempdir().expect("a folder");
    let pki = place.path().join("pki");
    DevPki::create(&pki, &["nats"], Clock::System).expect("a PKI");
    let settings = std::fs::read_to_string(deploy().join("nats/nats.conf")).expect("settings");
    let settings = settings.replace("/etc/eseal/tls", &pki.join("nats").display().to_string());
    std::fs::write(place.path().join("nats.conf"), settings).expect("written");
    std::fs::copy(deploy().join("nats/users.conf"), place.path().join("users.conf")).expect("copied");
    let output = Command::new(venv("nats-server")).arg("-t").arg("-c").arg(place.path().join("nats.conf")).output();
    let output = output.expect("nats-server starts: run `make setup`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The settings of a program in compose.
pub fn config(program: &str) -> String {
    std::fs::read_to_string(deploy().join(format!("config/{program}.toml"))).expect("settings")
}

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// The Python that `make setup` installed.
pub fn python() -> PathBuf {
    venv("python")
}

/// Which services may call which gRPC services at all: from the document that is made from the proto.
pub fn services_by_rpc() -> Rules {
    let text = std::fs::read_to_string(root().join("docs/access.md")).expect("docs/access.md");
    let mut rules = Rules::new();
    for line in text.lines().filter(|line| line.starts_with("| `eseal.")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let rpcs = cells[1].trim_matches('`').split('/').next().expect("a service").to_owned();
        let services = cells[3].split(',').map(str::trim).filter(|service| !service.is_empty()).map(str::to_owned);
        rules.entry(rpcs).or_default().extend(services);
    }
    assert!(rules.len() >= 9, "the test looks in the wrong place: {rules:?}");
    rules
}

/// The callers of each gRPC service, without the `.eseal` of their certificates.
pub fn allowed(config: &str) -> Rules {
    let config: toml::Table = config.parse().expect("TOML");
    let names = |names: &toml::Value| -> BTreeSet<String> {
        let names = names.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name"));
        names.map(|name| name.strip_suffix(".eseal").expect("a name of ours").to_owned()).collect()
    };
    let lists = config["grpc"]["allow"].as_table().expect("a table");
    lists.iter().map(|(rpcs, callers)| (rpcs.clone(), names(callers))).collect()
}

/// Where the others are.
pub fn peers(config: &str) -> BTreeMap<String, String> {
    let config: toml::Table = config.parse().expect("TOML");
    let peers = config["peers"].as_table().expect("a table").iter();
    peers.map(|(peer, address)| (peer.clone(), address.as_str().expect("an address").to_owned())).collect()
}

/// The allow-lists of a service name all that it serves, the gateway, and exactly those services that the proto lets call it
/// and that have a reason to: those whose facts nobody reads read none.
pub fn assert_callers(service: &str, allowed: &Rules, rules: &Rules) {
    let own = format!("eseal.{service}.v1.");
    let log = "eseal.event.v1.EventLogService";
    let served: BTreeSet<_> = rules.keys().filter(|rpcs| rpcs.starts_with(&own) || *rpcs == log).collect();
    assert_eq!(allowed.keys().collect::<BTreeSet<_>>(), served, "{service}");
    for (rpcs, callers) in allowed {
        assert!(callers.contains("gateway"), "{service}: people can't reach {rpcs}");
        let services: BTreeSet<_> = callers.iter().filter(|caller| *caller != "gateway").cloned().collect();
        if rpcs == log {
            assert_eq!(services, readers(service), "{service}: who follows its events");
        } else {
            assert_eq!(services, rules[rpcs], "{service}: who calls {rpcs}");
        }
    }
}

/// Whose reactors follow the events of `owner`: from the sources, where each service names the owners.
fn readers(owner: &str) -> BTreeSet<String> {
    let follows = |service: &&&str| {
        let reactor = root().join(format!("services/{service}/src/reactor.rs"));
        let text = std::fs::read_to_string(reactor).unwrap_or_default();
        let line = text.lines().find(|line| line.contains("const OWNER")).unwrap_or_default();
        line.contains(&format!("\"{owner}\""))
    };
    SERVICES.iter().filter(follows).map(|service| (*service).to_owned()).collect()
}

/// The folder that is tested here.
pub fn deploy() -> PathBuf {
    root().join("deploy")
}

/// The compose file with its merges done.
pub fn compose() -> Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let output = Command::new(python()).args(["-c", script]).arg(deploy().join("compose.yaml")).output();
    let output = output.expect("python starts: run `make setup`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn venv(name: &str) -> PathBuf {
    root().join("target/venv/bin").join(name)
}
