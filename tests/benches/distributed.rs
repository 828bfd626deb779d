//! The distributed system as its users feel it: from an approval to the registered seal and where that time goes, commands
//! through the gateway, what telemetry costs of them, and the memory of each process. PostgreSQL and NATS on the same
//! machine, real syncs.

#![allow(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eseal_e2e::company::{Company, XINGHE, id_of};
use eseal_e2e::load::{Door, Load, Plan};
use eseal_e2e::platform::PlatformOptions;
use eseal_proto::application::v1::application_service_client::ApplicationServiceClient;
use eseal_proto::application::v1::{self as application, PutMaterialRequest, SubmitApplicationRequest};
use eseal_proto::{moment, seal::v1 as seal};
use eseal_testkit::otlp::Collector;
use eseal_testkit::ratio;
use serde_json::Value;
use tokio::runtime::Runtime;

/// How long each number of clients sends.
const ROUND: Duration = Duration::from_secs(5);
/// How often a system is measured in turn with another.
const ROUNDS: usize = 3;
/// How many approvals are looked at, at rest and under load.
const APPROVALS: u64 = 30;
const DAY: i64 = 86_400_000_000;
/// The way of a hosted key's seal after its approval, in order.
const WAY: [&str; 8] = [
    "Approved",
    "FabricationQueued",
    "RunBegun",
    "MakerCardProved",
    "SealCardAccepted",
    "SealSigned",
    "SealFabricated",
    "SealRegistered",
];

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("its mode");
    if ["grpc_commands", "approval_to_registered", "distributed_memory"].into_iter().any(ratio::is_asked_for) {
        at_work(&folder.path().join("company"), &runtime);
    }
    if ratio::is_asked_for("telemetry_commands") {
        telemetry(folder.path(), &runtime);
    }
}

fn found(folder: &Path, variables: Vec<(String, String)>) -> (Company, Door) {
    let settings = [("", variables)].into();
    let options = PlatformOptions { real_syncs: true, settings, ..PlatformOptions::default() };
    let company = Company::found_distributed(folder, options);
    let door = Door { url: company.eseal.url.clone(), ca: company.eseal.ca.clone() };
    (company, door)
}

/// The same commands with everything that telemetry tells going to a collector, and without: two systems, in turn. The
/// collector is in this process, and what it costs is in the figure, as on a machine with an agent.
fn telemetry(folder: &Path, runtime: &Runtime) {
    let collector = Collector::start();
    let told = vec![("ESEAL_TELEMETRY__OTLP_ENDPOINT".to_owned(), collector.endpoint())];
    let systems = [found(&folder.join("observed"), told), found(&folder.join("silent"), Vec::new())];
    let clients = systems.each_ref().map(|(_, door)| runtime.block_on(Clients::sign_in(door)));
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (clients, rates) in clients.iter().zip(&mut rates) {
            rates.push(runtime.block_on(clients.rate(32)));
        }
    }
    assert!(!collector.spans().is_empty(), "nothing was told");
    let [observed, silent] = rates.map(ratio::median);
    ratio::record("telemetry_commands_32", observed, silent, "without telemetry", "1/s");
}

fn at_work(folder: &Path, runtime: &Runtime) {
    let (mut company, door) = found(folder, Vec::new());
    let at_rest = memory(&mut company);
    let clients = runtime.block_on(Clients::sign_in(&door));

    let mut rates = Vec::new();
    for count in [1, 8, 32, 128] {
        let rate = runtime.block_on(clients.rate(count));
        rates.push(rate);
        ratio::record(&format!("grpc_commands_{count}"), rate, rates[0], "one client", "1/s");
    }
    for (process, after) in memory(&mut company) {
        let before = at_rest.get(&process).copied().unwrap_or(f64::NAN);
        ratio::record(&format!("distributed_memory_{process}"), after, before, "at rest", "MB");
    }
    approvals(&company, &door, runtime, &clients, rates.last().copied().unwrap_or(1.0) / 2.0);
}

/// From approval to registration, at rest and while half of what the system can take is going on besides.
fn approvals(company: &Company, door: &Door, runtime: &Runtime, clients: &Arc<Clients>, half: f64) {
    let at_rest = steps(company, || lives(company, door, 1));
    let busy = steps(company, || {
        let over = Arc::new(AtomicBool::new(false));
        let sending = runtime.spawn(clients.clone().send_at(half, over.clone()));
        lives(company, door, 2);
        over.store(true, Ordering::SeqCst);
        let _ = runtime.block_on(sending);
    });
    for (name, steps) in [("at_rest", &at_rest), ("half_load", &busy)] {
        let mut whole: Vec<f64> = steps.iter().map(|times| times.iter().sum()).collect();
        whole.sort_by(f64::total_cmp);
        let at = |share: f64| whole.get(((whole.len() as f64 - 1.0) * share) as usize).copied().unwrap_or(f64::NAN);
        ratio::record(&format!("approval_to_registered_{name}_p50"), at(0.5), at(0.0), "the quickest", "ms");
        ratio::record(&format!("approval_to_registered_{name}_p99"), at(0.99), at(0.5), "p50", "ms");
        for (step, kind) in WAY.iter().skip(1).enumerate() {
            let times = steps.iter().map(|times| times[step]).collect();
            println!("  {name:<10} … {kind:<20} {:>8.1} ms", ratio::median(times));
        }
    }
}

fn lives(company: &Company, door: &Door, seed: u64) {
    let load = Load::begin(door, &company.path("ca"), &Plan { workers: 1, ..Plan::of_seed(seed) });
    while load.lives() < APPROVALS {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let _ = load.finish();
}

/// For each seal whose approval fell into `work` the milliseconds of every step of its way.
fn steps(company: &Company, work: impl FnOnce()) -> Vec<[f64; 7]> {
    let seen = |company: &Company| {
        let _ = company.as_(&["qian", "events", "read", "--output", "@bench.jsonl"]).good();
        std::fs::read_to_string(company.path("bench.jsonl")).expect("a file")
    };
    let before = ways(&seen(company));
    work();
    let after = ways(&seen(company));
    let new = after.into_iter().filter(|(application, _)| !before.contains_key(application));
    new.filter_map(|(_, times)| {
        let times: Option<Vec<f64>> = times.into_iter().collect();
        let gaps: Vec<f64> = times?.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.try_into().ok()
    })
    .collect()
}

/// When each step of each application's way was taken, in milliseconds.
fn ways(lines: &str) -> BTreeMap<String, [Option<f64>; 8]> {
    let mut ways: BTreeMap<String, [Option<f64>; 8]> = BTreeMap::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let kind = text("type").rsplit('.').next().unwrap_or_default();
        let at = text("occurredAt").parse::<eseal_kernel::Timestamp>().expect("a time").micros();
        if let Some(place) = WAY.iter().position(|known| *known == kind) {
            ways.entry(text("correlationId").to_owned()).or_default()[place] = Some(at as f64 / 1_000.0);
        }
    }
    ways
}

/// The resident memory of each process, in MB.
fn memory(company: &mut Company) -> BTreeMap<String, f64> {
    let platform = company.platform();
    let of = |process: String| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", platform.served(&process).pid()));
        let status = status.expect("the process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.and_then(|rest| rest.split_whitespace().next()).and_then(|kb| kb.parse::<f64>().ok());
        (process, kb.unwrap_or(f64::NAN) / 1024.0)
    };
    platform.running().into_iter().map(of).collect()
}

/// Applicants who file applications through the gateway.
struct Clients {
    submit: ApplicationServiceClient<eseal_e2e::load::Line>,
    form: application::ApplicationForm,
}

impl Clients {
    async fn sign_in(door: &Door) -> Arc<Self> {
        let line = door.sign_in("wang", Duration::from_secs(30)).await.expect("signed in");
        let mut submit = ApplicationServiceClient::new(line);
        let picture = PutMaterialRequest {
            content: include_bytes!("../documents/impression.png").to_vec(),
            media_type: "image/png".to_owned(),
            ..Default::default()
        };
        let digest = submit.put_material(picture).await.expect("the picture").into_inner().digest;
        let now = eseal_kernel::Clock::System.now().micros();
        let form = application::ApplicationForm {
            kind: application::ApplicationKind::New.into(),
            organization: Some(seal::Organization {
                uscc: XINGHE.uscc.to_owned(),
                name_zh: XINGHE.name.to_owned(),
                ..Default::default()
            }),
            seal_type: seal::SealType::Contract.into(),
            seal_name: "合同专用章".to_owned(),
            impression: Some(application::Impression {
                material_digest: digest,
                width_mm: 40,
                height_mm: 40,
                ..Default::default()
            }),
            custody: seal::Custody::SealCard.into(),
            custodian_id: id_of("chen").to_owned(),
            valid_from: Some(moment::from_micros(now)),
            valid_to: Some(moment::from_micros(now + 365 * DAY)),
            ..Default::default()
        };
        Arc::new(Self { submit, form })
    }

    async fn one(&self) {
        let request_id = uuid::Uuid::now_v7().to_string();
        let request = SubmitApplicationRequest { request_id, form: Some(self.form.clone()), contacts: Vec::new() };
        self.submit.clone().submit_application(request).await.expect("submitted");
    }

    /// Acknowledged commands per second with so many clients, each of which waits for its answer.
    async fn rate(self: &Arc<Self>, count: usize) -> f64 {
        let (done, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + ROUND);
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let (clients, done) = (self.clone(), done.clone());
                tokio::spawn(async move {
                    while Instant::now() < until {
                        clients.one().await;
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let begun = Instant::now();
        for task in tasks {
            task.await.expect("no panic");
        }
        done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
    }

    /// Sends so many a second until it is over.
    async fn send_at(self: Arc<Self>, rate: f64, over: Arc<AtomicBool>) {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate.max(1.0)));
        while !over.load(Ordering::SeqCst) {
            ticks.tick().await;
            let clients = self.clone();
            tokio::spawn(async move { clients.one().await });
        }
    }
}
