//! The rules of the house, held by a test instead of by memory. `ARCHITECTURE.md` says why each of them is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

const SERVICES: [&str; 4] = ["application", "fabrication", "authentication", "verification"];
/// Crates that do no I/O: what they may not depend on, however far down.
const PURE: [&str; 5] = ["eseal-kernel", "eseal-pki", "eseal-seal", "eseal-documents", "eseal-impression"];
const DOES_IO: [&str; 8] = ["tokio", "tonic", "hyper", "sea-orm", "sqlx-core", "async-nats", "reqwest", "eseal-card"];

#[test]
fn pure_crates_depend_on_nothing_that_does_io() {
    let house = House::read();
    for name in PURE {
        let reached = house.reaches(name);
        let broken: Vec<_> = DOES_IO.iter().filter(|io| reached.contains(**io)).collect();
        assert!(broken.is_empty(), "{name} depends on {broken:?}");
    }
}

#[test]
fn histories_are_folded_from_events_alone() {
    let house = House::read();
    // The messages come with generated clients of gRPC, which reach tonic; nothing else of the crate may.
    let messages = "eseal-proto";
    let others: Vec<_> = house.direct["eseal-history"].iter().filter(|name| *name != messages).collect();
    assert!(
        house.direct["eseal-history"].contains(messages),
        "eseal-history reads events by the messages of the proto"
    );
    for name in others {
        let reached = house.reaches(name);
        let broken: Vec<_> = DOES_IO.iter().filter(|io| *name == **io || reached.contains(**io)).collect();
        assert!(broken.is_empty(), "eseal-history depends on {name}, which depends on {broken:?}");
    }
    for (path, text) in sources(&root().join("crates/history/src")) {
        // Tests may read the golden files of the services.
        if path.ends_with("tests.rs") {
            continue;
        }
        for word in
            ["tonic", "tokio", "async fn", "std::fs", "std::net", "std::io", "std::env", "Clock", "_client", "_server"]
        {
            assert!(!code_of(&text).contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn the_client_has_no_database_and_only_standalone_and_tests_know_services() {
    let house = House::read();
    assert!(!house.reaches("eseal-cli").contains("sea-orm"), "the client depends on a database");
    for (name, direct) in &house.direct {
        let services: Vec<_> = SERVICES.iter().map(|s| format!("eseal-{s}")).filter(|s| direct.contains(s)).collect();
        let may = ["eseal-standalone", "eseal-e2e"].contains(&name.as_str());
        assert!(may || services.is_empty(), "{name} depends on {services:?}: services meet only in proto/");
    }
}

#[test]
fn the_store_and_the_bus_know_no_domain_and_no_wire() {
    let house = House::read();
    for name in ["eseal-eventstore", "eseal-bus"] {
        let reached = house.reaches(name);
        for other in ["eseal-proto", "eseal-service", "eseal-pki", "eseal-seal", "eseal-documents", "tonic"] {
            assert!(!reached.contains(other), "{name} depends on {other}");
        }
    }
}

#[test]
fn there_is_one_provider_of_cryptography_for_tls_and_tokens() {
    // What is built, on any platform. `cargo metadata` also lists what is only named: optional dependencies of optional ones.
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.args(["tree", "--workspace", "--locked", "--target", "all", "--prefix", "none", "--format", "{p}"]);
    let output = tree.current_dir(root()).output().expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let built = |name: &str| text.lines().any(|line| line.split(' ').next() == Some(name));
    assert!(!built("ring"), "ring is in the tree: with two providers the first TLS use panics");
    assert!(built("aws-lc-rs"), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn no_profile_of_a_release_has_the_debug_assertions_that_fault_points_hang_on() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let manifest: toml::Table = text.parse().expect("TOML");
    let profiles = manifest["profile"].as_table().expect("profiles");
    for (name, profile) in profiles.iter().filter(|(name, _)| *name != "dev" && *name != "test") {
        assert!(profile.get("debug-assertions").is_none(), "profile {name} has debug assertions");
        assert_ne!(profile.get("inherits").and_then(|from| from.as_str()), Some("dev"), "profile {name}");
    }
}

#[test]
fn every_service_has_the_same_rooms() {
    let rooms = [
        "lib.rs",
        "config.rs",
        "domain.rs",
        "codec.rs",
        "app.rs",
        "grpc.rs",
        "projection.rs",
        "query.rs",
        "migration.rs",
    ];
    for service in SERVICES {
        let folder = root().join("services").join(service);
        for room in rooms {
            assert!(folder.join("src").join(room).is_file(), "services/{service}/src/{room} is missing");
        }
        assert!(folder.join("config.default.toml").is_file(), "services/{service}/config.default.toml is missing");
        assert!(folder.join("tests/it/main.rs").is_file(), "services/{service} has no service tests");
    }
}

#[test]
fn rules_are_pure_and_the_wire_stays_at_the_edge() {
    for service in SERVICES {
        for (path, text) in sources(&root().join("services").join(service).join("src")) {
            let room = path.strip_prefix(root()).expect("inside").display().to_string();
            let is_domain = room.contains("/src/domain");
            let forbidden: &[&str] = if is_domain {
                &[
                    "tonic",
                    "sea_orm",
                    "tokio",
                    "async fn",
                    ".await",
                    "eseal_proto",
                    "Clock",
                    "SystemTime",
                    "random(",
                    "async_nats",
                ]
            } else if room.contains("/src/grpc") {
                &["sea_orm", "async_nats"]
            } else {
                &["async_nats"]
            };
            for word in forbidden {
                assert!(!code_of(&text).contains(word), "{room} mentions {word}");
            }
        }
    }
}

#[test]
fn no_code_is_unfinished_by_its_own_word_and_no_file_has_grown_beyond_a_room() {
    for folder in ["crates", "services", "proto"] {
        for (path, text) in sources(&root().join(folder)) {
            let room = path.strip_prefix(root()).expect("inside").display().to_string();
            if room.contains("/tests/") || room.contains("/benches/") || room.ends_with("tests.rs") {
                continue;
            }
            for word in ["todo!(", "unimplemented!(", "FIXME", "#[ignore"] {
                assert!(!code_of(&text).contains(word), "{room} has {word}");
            }
            let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
            assert!(lines <= 500, "{room} has {lines} lines: is there more than one room in it?");
        }
    }
}

#[test]
fn every_kind_of_event_has_its_golden_file() {
    for service in SERVICES {
        let proto = root().join(format!("proto/eseal/{service}/v1/events.proto"));
        let text = std::fs::read_to_string(&proto).expect("events.proto");
        let kinds = text.split("oneof kind {").nth(1).and_then(|rest| rest.split('}').next()).expect("a oneof kind");
        for line in kinds.lines().filter(|line| line.contains('=')) {
            let kind = line.split_whitespace().next().expect("a message");
            let golden = format!("snapshots/eseal.{service}.v1.{kind}.v1.snap");
            let source = root().join(format!("services/{service}/src"));
            let kept = ["", "codec"].iter().any(|room| source.join(room).join(&golden).is_file());
            assert!(kept, "{golden} of {service} is missing: every stored form is kept for ever");
        }
    }
}

struct House {
    /// Direct dependencies of our crates, without those of tests.
    direct: BTreeMap<String, BTreeSet<String>>,
    /// All packages, by name, with their dependencies.
    graph: BTreeMap<String, BTreeSet<String>>,
}

impl House {
    fn read() -> Self {
        let manifest = root().join("Cargo.toml");
        let metadata: Metadata = MetadataCommand::new().manifest_path(manifest).exec().expect("cargo metadata");
        let members: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
        let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (p.id.clone(), p.name.to_string())).collect();
        let mut graph = BTreeMap::<String, BTreeSet<String>>::new();
        for node in &metadata.resolve.as_ref().expect("a resolved graph").nodes {
            let normal = node
                .deps
                .iter()
                .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            let named = normal.filter_map(|dependency| names.get(&dependency.pkg).cloned());
            graph.entry(names[&node.id].clone()).or_default().extend(named);
        }
        let direct = graph.iter().filter(|(name, _)| members.contains(*name));
        Self { direct: direct.map(|(name, to)| (name.clone(), to.clone())).collect(), graph }
    }

    fn reaches(&self, from: &str) -> BTreeSet<String> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(name) = next.pop() {
            for dependency in self.graph.get(&name).into_iter().flatten() {
                if reached.insert(dependency.clone()) {
                    next.push(dependency.clone());
                }
            }
        }
        reached
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("a file");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {}: the test looks in the wrong place", folder.display());
    found
}

/// The text without its comments, in which words may be spoken of.
fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
