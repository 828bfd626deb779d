//! The Helm chart: what it renders, what it refuses. Rendered by Helm itself, judged by Kubernetes' published schemas; the
//! settings in it are read by the programs that will read them.

mod everything;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::deploy;

const SERVICES: [&str; 4] = ["application", "fabrication", "authentication", "verification"];

/// Rendered once for all tests: what must be given alone, every switch on, and every switch off.
static FEWEST: LazyLock<Rendered> = LazyLock::new(|| Rendered::one_of(fewest()));
static EVERYTHING: LazyLock<Rendered> = LazyLock::new(|| Rendered::one_of(merged(fewest(), &everything::on())));
static OFF: LazyLock<Rendered> = LazyLock::new(|| Rendered::one_of(merged(fewest(), &everything::off())));

#[test]
fn kubernetes_takes_what_is_rendered_with_the_fewest_values_and_with_every_switch_on() {
    for (rendered, manifests) in [(&*FEWEST, 46), (&*EVERYTHING, 53), (&*OFF, 32)] {
        assert!(rendered.invalid.is_empty(), "{:#?}", rendered.invalid);
        let kinds: Vec<_> = rendered.manifests.iter().map(|m| format!("{} {}", kind(m), name(m))).collect();
        assert_eq!(kinds.len(), manifests, "{kinds:#?}");
        let names: BTreeSet<_> = kinds.iter().collect();
        assert_eq!(names.len(), kinds.len(), "two manifests are of one name: {kinds:#?}");
    }
}

#[test]
fn a_manifest_that_kubernetes_does_not_know_is_noticed() {
    let mut values = fewest();
    values["networkPolicy"] = json!({"clients": [{"ipBlock": {"cidr": "10.0.0.0/8", "exept": []}}]});
    let [rendered] = Rendered::of([values]);
    assert!(rendered.invalid.iter().any(|why| why.contains("exept")), "{:?}", rendered.invalid);
}

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
    let cases = [
        (json!({}), "/people/issuer"),
        (json!({"people": {"issuer": "http://plain"}}), "/people/issuer"),
        (json!({"bus": {"servers": ["nats://plain:4222"]}}), "/bus/servers/0"),
        (json!({"bus": {"streamReplicas": 2}}), "/bus/streamReplicas"),
        (json!({"gatewya": {}}), "gatewya"),
        (json!({"services": {"audit": {}}}), "audit"),
        (json!({"services": {"application": {"replicas": 0}}}), "/services/application/replicas"),
        (json!({"services": {"application": {"replicas": "2"}}}), "/services/application/replicas"),
        (json!({"services": {"application": {"settings": {"approvals": 2}}}}), "approvals"),
        (json!({"services": {"application": {"allow": {"eseal.nobody.v1.NoService": []}}}}), "NoService"),
        (json!({"services": {"application": {"database": {"url": "postgres://x:secret@y/z"}}}}), "url"),
        (json!({"services": {"authentication": {"keySecret": ""}}}), "authentication.keySecret"),
        (json!({"services": {"authentication": {"currentKey": "kms"}}}), "authentication.currentKey"),
        (json!({"services": {"authentication": {"keys": {"kms": {"provider": "kms"}}}}}), "authentication/keys/kms"),
        (
            json!({"services": {"authentication": {"keys": {"k": {
                "provider": "kms", "secret": "k", "url": "https://kms.example", "keyId": "k",
            }}}}}),
            "bearer or certificate",
        ),
        (json!({"services": {"authentication": {"codeWebhook": {"url": "http://plain"}}}}), "/codeWebhook/url"),
        (json!({"services": {"authentication": {"codeWebhook": {"url": "https://a.example"}}}}), "codeWebhook.secret"),
        // What would be a secret in a ConfigMap.
        (
            json!({"services": {"authentication": {"codeWebhook": {"url": "https://a.example/?key=1", "secret": "k"}}}}),
            "/codeWebhook/url",
        ),
        (
            json!({"services": {"authentication": {"keys": {"k": {
                "provider": "kms", "secret": "k", "url": "https://me:secret@kms.example", "keyId": "k", "bearer": true,
            }}}}}),
            "/keys/k/url",
        ),
        (
            json!({"services": {"authentication": {"keys": {"k": {
                "provider": "pkcs11", "secret": "k", "token": "pkcs11:object=k?pin-value=1234",
            }}}}}),
            "/keys/k/token",
        ),
        (json!({"services": {"verification": {"documentLimits": {"max_pages": "many"}}}}), "/documentLimits/max_pages"),
        (json!({"services": {"verification": {"temporary": "5GB"}}}), "/services/verification/temporary"),
        (json!({"people": {"algorithms": ["none"]}}), "/people/algorithms/0"),
        (json!({"people": {"algorithms": ["HS256"]}}), "/people/algorithms/0"),
        (json!({"gateway": {"service": {"type": "ExternalName"}}}), "/gateway/service/type"),
        (json!({"database": {"wait": "a minute"}}), "/database/wait"),
        (json!({"telemetry": {"otlpEndpoint": "collector:4317"}}), "/telemetry/otlpEndpoint"),
        (json!({"certManager": {"enabled": true}}), "certManager.issuerRef.name"),
        (json!({"gateway": {"ingress": {"enabled": true}}}), "gateway.ingress.host"),
        (json!({"gateway": {"ingress": {"enabled": true, "host": "a.example"}}}), "gateway.ingress.tlsSecret"),
        (json!({"services": {"fabrication": {"makerCard": {"claim": "card"}}}}), "makerCard.pinSecret"),
        (
            json!({"services": {"authentication": {"timeStamps": {"authorities": ["tsa"]}}}}),
            "/timeStamps/authorities/0",
        ),
        (json!({"services": {"authentication": {"timeStamps": {"crls": ["a.crl"]}}}}), "timeStamps.crls"),
    ];
    // The first lacks what must be given; the others are wrong in one place alone.
    let wrong = |(number, (wrong, _)): (usize, &(Value, &str))| {
        if number == 0 { wrong.clone() } else { merged(fewest(), wrong) }
    };
    let answers = render(&cases.iter().enumerate().map(wrong).collect::<Vec<_>>());
    for ((wrong, named), answer) in cases.iter().zip(answers) {
        let refused = answer["refused"].as_str().unwrap_or_default();
        assert!(refused.contains(named), "{wrong} should be refused for {named}: {refused:?}");
    }
}

#[test]
fn no_pod_is_root_or_can_become_it_or_write_to_its_image() {
    for rendered in [&*FEWEST, &*EVERYTHING] {
        let pods: Vec<_> = rendered.pods().collect();
        assert_eq!(pods.len(), 9, "five programs and four migrations");
        for (whose, pod) in pods {
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true, "{whose}");
            assert_eq!((&security["runAsUser"], &security["fsGroup"]), (&json!(65_532), &json!(65_532)), "{whose}");
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{whose}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{whose}");
            for host in ["hostNetwork", "hostPID", "hostIPC"] {
                assert!(pod[host].is_null(), "{whose} is given {host}");
            }
            assert!(pod["volumes"].as_array().expect("volumes").iter().all(|volume| volume["hostPath"].is_null()));
            for container in containers(pod) {
                let security = &container["securityContext"];
                assert_eq!(security["allowPrivilegeEscalation"], false, "{whose}");
                assert_eq!(security["readOnlyRootFilesystem"], true, "{whose}");
                assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}), "{whose}");
                assert!(container["resources"]["limits"]["memory"].is_string(), "{whose} has no bound on its memory");
                assert!(container["resources"]["requests"]["cpu"].is_string(), "{whose} is sure of no processor");
                assert!(container["args"].as_array().is_some_and(|args| !args.is_empty()), "{whose}");
            }
        }
        for account in rendered.of_kind("ServiceAccount") {
            assert_eq!(account["automountServiceAccountToken"], false, "{}", name(account));
        }
    }
}

#[test]
fn secrets_are_named_and_never_written_down() {
    let rendered = &*EVERYTHING;
    assert_eq!(rendered.of_kind("Secret").count(), 0, "a chart that makes secrets keeps them in its values");
    for manifest in &rendered.manifests {
        let text = manifest.to_string();
        for word in ["postgres://", "password", "BEGIN "] {
            assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{} has {word}", name(manifest));
        }
    }
    for (whose, pod) in rendered.pods() {
        for container in containers(pod) {
            assert!(container["env"].is_null() && container["envFrom"].is_null(), "{whose}: secrets are files");
        }
        let modes = pod["volumes"].as_array().expect("volumes").iter().filter_map(|volume| {
            let secrets = [&volume["secret"], &volume["projected"]].into_iter().find(|it| it.is_object())?;
            let key = secrets["items"][0]["key"].as_str() != Some("ca.crt");
            key.then(|| secrets["defaultMode"].as_u64())
        });
        for mode in modes {
            assert_eq!(mode, Some(0o400), "{whose}: a secret can be read by more than its pod");
        }
    }
}

#[test]
fn databases_are_migrated_before_the_pods_change_and_by_a_role_that_those_never_have() {
    let rendered = &*EVERYTHING;
    for service in SERVICES {
        let migrate = format!("seals-eseal-{service}-migrate");
        let job = rendered.one("Job", &migrate);
        assert_eq!(hook(job).expect("a hook"), ("pre-install,pre-upgrade", 0), "{service}");
        assert_eq!(containers(&job["spec"]["template"]["spec"])[0]["args"][0], "migrate");
        for kind in ["ConfigMap", "ServiceAccount", "NetworkPolicy"] {
            let (when, weight) = hook(rendered.one(kind, &migrate)).expect("it comes with the Job");
            assert!(when == "pre-install,pre-upgrade" && weight < 0, "{kind} of {service} is not there before the Job");
        }
        let deployment = rendered.one("Deployment", &format!("seals-eseal-{service}"));
        assert!(hook(deployment).is_none());
        let (owner, role) = (format!("eseal-{service}-database-owner"), format!("eseal-{service}-database"));
        let secrets = |pod: &Value| names_in(&pod["volumes"], &["secretName", "name"]);
        let (of_job, of_pods) = (secrets(pod_of(job)), secrets(pod_of(deployment)));
        assert!(of_job.contains(&owner) && !of_job.contains(&role), "{service}: {of_job:?}");
        assert!(of_pods.contains(&role) && !of_pods.contains(&owner), "{service}: {of_pods:?}");
        assert!(of_job.contains("eseal-setup-tls") && !of_pods.contains("eseal-setup-tls"), "{service}");
    }
    let setup = rendered.one("Certificate", "eseal-setup-tls");
    assert!(hook(setup).expect("a hook").1 < -10, "the Job's certificate is asked for before the Job");
}

#[test]
fn pods_are_probed_where_the_programs_answer() {
    let rendered = &*FEWEST;
    for (program, deployment) in rendered.deployments() {
        let container = &containers(pod_of(deployment))[0];
        let port = |name: &str| {
            let ports = container["ports"].as_array().expect("ports");
            ports.iter().find(|port| port["name"] == name).expect("a port")["containerPort"].clone()
        };
        let config = rendered.config(&program);
        let listens = |key: &str| config.lines().find(|line| line.starts_with(key)).expect("an address").to_owned();
        assert!(listens("address").ends_with(&format!(":{}\"", port("grpc"))), "{program}: {config}");
        assert!(listens("probe_address").ends_with(&format!(":{}\"", port("probe"))), "{program}: {config}");
        for (probe, path) in
            [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
        {
            assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "probe"}), "{program} {probe}");
        }
        let started = &container["startupProbe"];
        let patience = started["periodSeconds"].as_u64().zip(started["failureThreshold"].as_u64());
        assert!(patience.is_some_and(|(every, times)| every * times >= 120), "it may wait for its database");
        let grace = pod_of(deployment)["terminationGracePeriodSeconds"].as_u64().expect("a bound");
        let first = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().expect("a pause");
        assert!(grace > first + 10, "{program} is killed while it stops: stop_within is 10 s");
    }
}

#[test]
fn replicas_are_apart_and_not_all_drained_at_once() {
    let rendered = &*FEWEST;
    for (program, deployment) in rendered.deployments() {
        let spec = &deployment["spec"];
        assert_eq!(spec["replicas"], 2, "{program}");
        assert_eq!(spec["strategy"]["rollingUpdate"], json!({"maxUnavailable": 0, "maxSurge": 1}), "{program}");
        let own = &spec["selector"]["matchLabels"];
        let spread = pod_of(deployment)["topologySpreadConstraints"].as_array().expect("constraints").clone();
        assert!(spread.iter().all(|constraint| &constraint["labelSelector"]["matchLabels"] == own), "{program}");
        let budget = rendered.one("PodDisruptionBudget", &format!("seals-eseal-{program}"));
        assert_eq!(&budget["spec"]["selector"]["matchLabels"], own, "{program}");
        assert_eq!(budget["spec"]["maxUnavailable"], 1);
        for label in own.as_object().expect("labels") {
            assert_eq!(
                &spec["template"]["metadata"]["labels"][label.0], label.1,
                "{program}: selects no pod of its own"
            );
        }
    }
}

#[test]
fn a_changed_setting_restarts_the_pods_that_have_it_and_no_others() {
    let changes = [
        json!({"services": {"application": {"settings": {"approvals_needed": 2}}}}),
        json!({"telemetry": {"filter": "debug"}}),
        json!({"pods": {"labels": {"team": "seals"}}}),
    ];
    let before = checksums(&FEWEST);
    let changed = Rendered::of(changes.map(|change| merged(fewest(), &change))).map(|rendered| {
        let after = checksums(&rendered);
        before.iter().filter(|(program, sum)| after[*program] != **sum).map(|(program, _)| program.clone()).collect()
    });
    let [approvals, filter, label]: [Vec<String>; 3] = changed;
    assert_eq!(approvals, ["application"]);
    assert_eq!(filter.len(), 5, "{filter:?}");
    assert_eq!(label, Vec::<String>::new());
}

#[test]
fn the_network_lets_through_whom_the_services_let_in_and_those_are_whom_the_proto_names() {
    let rendered = &*FEWEST;
    let rules = deploy::services_by_rpc();
    for service in SERVICES {
        let policy = &rendered.one("NetworkPolicy", &format!("seals-eseal-{service}"))["spec"];
        assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
        let allowed = deploy::allowed(rendered.config(service));
        let callers: BTreeSet<_> = allowed.values().flatten().cloned().collect();
        assert_eq!(components(&policy["ingress"][0]["from"]), callers, "{service}");
        assert_eq!(policy["ingress"][1], json!({"ports": [{"port": "probe", "protocol": "TCP"}]}), "{service}");

        deploy::assert_callers(service, &allowed, &rules);

        let called: BTreeSet<_> = deploy::peers(rendered.config(service)).into_keys().collect();
        let egress = policy["egress"].as_array().expect("rules");
        let reached: BTreeSet<_> = egress.iter().flat_map(|rule| components(&rule["to"])).collect();
        assert_eq!(reached, called, "{service}");
        let ports: Vec<_> =
            egress.iter().filter(|rule| rule["to"].is_null()).map(|rule| rule["ports"].clone()).collect();
        let port = |port: u16| json!([{"port": port, "protocol": "TCP"}]);
        let dns = json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]);
        assert_eq!(ports, [dns, port(5_432), port(4_222), port(443)], "{service}");
    }
    for (caller, deployment) in rendered.deployments() {
        for (peer, address) in deploy::peers(rendered.config(&caller)) {
            assert_eq!(address, format!("https://seals-eseal-{peer}:7443"));
            let service = rendered.one("Service", &format!("seals-eseal-{peer}"));
            assert_eq!(service["spec"]["ports"][0]["port"], 7_443, "{}", name(deployment));
        }
    }
}

#[test]
fn only_authentication_reaches_time_stamping_authorities_and_only_where_some_are_named() {
    let port = |rule: &Value| rule["ports"][0]["port"].clone();
    for service in SERVICES {
        let ports = |rendered: &Rendered| -> Vec<Value> {
            let policy = &rendered.one("NetworkPolicy", &format!("seals-eseal-{service}"))["spec"];
            policy["egress"].as_array().expect("rules").iter().map(port).collect()
        };
        let (named, others) = (ports(&EVERYTHING), ports(&FEWEST));
        assert_eq!(named.contains(&json!(8_080)), service == "authentication", "{service}: {named:?}");
        assert_eq!(named.contains(&json!(80)), service == "authentication", "{service}: {named:?}");
        assert!(!others.contains(&json!(80)), "{service}: {others:?}");
    }
    let limits = "[service.document_limits]\nmax_entry_bytes = 8589934592\nmax_pages = 20000\n";
    assert!(EVERYTHING.config("verification").contains(limits), "{}", EVERYTHING.config("verification"));
    let config = EVERYTHING.config("authentication");
    assert!(config.contains(r#"time_stamp_trust_file = "/etc/eseal/time-stamps/roots.pem""#), "{config}");
    let pod = pod_of(EVERYTHING.one("Deployment", "seals-eseal-authentication"));
    let mounts = containers(pod)[0]["volumeMounts"].as_array().expect("mounts");
    assert!(mounts.iter().any(|mount| mount["mountPath"] == "/etc/eseal/time-stamps"), "{mounts:?}");
}

#[test]
fn only_authentication_reaches_the_kms_and_who_sends_codes_and_has_their_secrets() {
    let port = |rule: &Value| rule["ports"][0]["port"].clone();
    for service in SERVICES {
        let policy = &EVERYTHING.one("NetworkPolicy", &format!("seals-eseal-{service}"))["spec"];
        let ports: Vec<_> = policy["egress"].as_array().expect("rules").iter().map(port).collect();
        let pod = pod_of(EVERYTHING.one("Deployment", &format!("seals-eseal-{service}"))).to_string();
        for (number, folder) in [(9_443, "/run/secrets/eseal-keys"), (9_444, "/run/secrets/eseal-codes")] {
            assert_eq!(ports.contains(&json!(number)), service == "authentication", "{service}: {ports:?}");
            assert_eq!(pod.contains(folder), service == "authentication", "{service}: {pod}");
        }
    }
    let config = EVERYTHING.config("authentication");
    for line in [
        "key_file = \"\"",
        "current_key = \"kms-2027\"",
        "key_id = \"eseal \\\"2027\\\"\"",
        "cert_key_file = \"/run/secrets/eseal-keys/kms-2027/tls.key\"",
        "pin_file = \"/run/secrets/eseal-keys/hsm/pin\"",
        "secret_file = \"/run/secrets/eseal-codes/secret\"",
    ] {
        assert!(config.lines().any(|written| written == line), "{line}: {config}");
    }
}

#[test]
fn the_documented_values_of_the_chart_are_those_of_its_schema() {
    let read = |file: &str| std::fs::read_to_string(chart().join(file)).expect("a file of the chart");
    let schema: Value = serde_json::from_str(&read("values.schema.json")).expect("JSON");
    let mut values = Vec::new();
    describe(&schema, &schema, "", &mut values);
    assert!(values.len() > 80, "the test looks in the wrong place: {values:?}");
    for (value, description) in &values {
        assert!(description.len() > 5, "{value} has no description");
    }
    let row = |(value, description): (String, String)| format!("| `{value}` | {} |\n", description.replace('|', "\\|"));
    let table: String = values.into_iter().map(row).collect();
    let readme = read("README.md");
    let (before, rest) = readme.split_once("|---|---|\n").expect("a table");
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    let current = format!("{before}|---|---|\n{table}\n{after}");
    if std::env::var_os("ESEAL_UPDATE_DOCS").is_some() {
        std::fs::write(chart().join("README.md"), &current).expect("written");
    }
    assert_eq!(read("README.md"), current, "run ESEAL_UPDATE_DOCS=1 cargo test -p eseal-e2e documented");
}

#[test]
fn people_are_told_what_is_less_than_they_may_think() {
    assert!(
        OFF.notes.contains("no network policies") && OFF.notes.contains("application has one replica"),
        "{}",
        OFF.notes
    );
    assert!(!FEWEST.notes.contains("network policies") && !FEWEST.notes.contains("one replica"), "{}", FEWEST.notes);
    for secret in ["eseal-setup-tls", "eseal-application-database-owner", "eseal-authentication-key"] {
        assert!(FEWEST.notes.contains(secret), "{}", FEWEST.notes);
    }
}

/// What must be given.
fn fewest() -> Value {
    json!({"people": {"issuer": "https://login.example.cn/realms/office"}, "bus": {"servers": ["tls://nats:4222"]}})
}

fn merged(mut values: Value, over: &Value) -> Value {
    match (values.as_object_mut(), over.as_object()) {
        (Some(fields), Some(others)) => {
            for (name, other) in others {
                let under = fields.remove(name).unwrap_or_default();
                fields.insert(name.clone(), merged(under, other));
            }
            values
        }
        _ => over.clone(),
    }
}

fn chart() -> PathBuf {
    deploy::root().join("charts/eseal")
}

/// What Helm and Kubernetes say of each of these values.
fn render(values: &[Value]) -> Vec<Value> {
    let script = deploy::root().join("tests/deploy/render.py");
    let mut command = Command::new(deploy::python());
    command.arg(script).arg(chart()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python starts: run `make setup`");
    serde_json::to_writer(child.stdin.take().expect("piped"), values).expect("the values are read");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "render.py: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The settings of every program and of every migration, with the fewest values and with all.
pub fn configs() -> Vec<(String, String)> {
    let rendered = [&*FEWEST, &*EVERYTHING, &*OFF].into_iter();
    let maps = rendered.flat_map(|rendered| rendered.of_kind("ConfigMap"));
    maps.map(|map| {
        let program = name(map).trim_start_matches("seals-eseal-").trim_end_matches("-migrate");
        (program.to_owned(), map["data"]["config.toml"].as_str().expect("a file").to_owned())
    })
    .collect()
}

/// What Helm would send to a cluster.
struct Rendered {
    manifests: Vec<Value>,
    invalid: Vec<String>,
    notes: String,
}

impl Rendered {
    fn of<const N: usize>(values: [Value; N]) -> [Self; N] {
        let mut answers = render(&values).into_iter().zip(values);
        std::array::from_fn(|_| {
            let (answer, values) = answers.next().expect("an answer for each");
            assert!(answer["refused"].is_null(), "{values}: {}", answer["refused"]);
            let invalid = serde_json::from_value(answer["invalid"].clone()).expect("texts");
            let notes = answer["notes"].as_str().expect("a text").to_owned();
            Self { manifests: answer["manifests"].as_array().expect("manifests").clone(), invalid, notes }
        })
    }

    fn one_of(values: Value) -> Self {
        let [rendered] = Self::of([values]);
        rendered
    }

    fn of_kind(&self, wanted: &str) -> impl Iterator<Item = &Value> {
        self.manifests.iter().filter(move |manifest| kind(manifest) == wanted)
    }

    fn one(&self, wanted: &str, named: &str) -> &Value {
        let found = self.of_kind(wanted).find(|manifest| name(manifest) == named);
        found.unwrap_or_else(|| panic!("there is no {wanted} {named}"))
    }

    /// The Deployments by program.
    fn deployments(&self) -> impl Iterator<Item = (String, &Value)> {
        self.of_kind("Deployment")
            .map(|manifest| (name(manifest).trim_start_matches("seals-eseal-").to_owned(), manifest))
    }

    /// All pods that there may be, with the name of what makes them.
    fn pods(&self) -> impl Iterator<Item = (String, &Value)> {
        let made = self.of_kind("Deployment").chain(self.of_kind("Job"));
        made.map(|manifest| (format!("{} {}", kind(manifest), name(manifest)), pod_of(manifest)))
    }

    /// The settings of a program.
    fn config(&self, program: &str) -> &str {
        let map = self.one("ConfigMap", &format!("seals-eseal-{program}"));
        map["data"]["config.toml"].as_str().expect("a file")
    }
}

fn kind(manifest: &Value) -> &str {
    manifest["kind"].as_str().expect("a kind")
}

fn name(manifest: &Value) -> &str {
    manifest["metadata"]["name"].as_str().expect("a name")
}

fn pod_of(manifest: &Value) -> &Value {
    &manifest["spec"]["template"]["spec"]
}

fn containers(pod: &Value) -> &Vec<Value> {
    assert!(pod["initContainers"].is_null(), "the tests look at containers only");
    pod["containers"].as_array().expect("containers")
}

/// When a hook runs, and its weight among others.
fn hook(manifest: &Value) -> Option<(&str, i32)> {
    let notes = &manifest["metadata"]["annotations"];
    let when = notes["helm.sh/hook"].as_str()?;
    Some((when, notes["helm.sh/hook-weight"].as_str().expect("a weight").parse().expect("a number")))
}

fn checksums(rendered: &Rendered) -> BTreeMap<String, Value> {
    let sum = |deployment: &Value| deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone();
    rendered.deployments().map(|(program, deployment)| (program, sum(deployment))).collect()
}

/// The programs that a rule of a network policy names.
fn components(peers: &Value) -> BTreeSet<String> {
    let peers = peers.as_array().into_iter().flatten();
    let labels = peers.map(|peer| &peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]);
    labels.map(|label| label.as_str().expect("a program").to_owned()).collect()
}

/// All texts under one of these keys, however deep.
fn names_in(value: &Value, keys: &[&str]) -> BTreeSet<String> {
    let deeper: BTreeSet<String> = match value {
        Value::Array(values) => values.iter().flat_map(|value| names_in(value, keys)).collect(),
        Value::Object(fields) => fields.values().flat_map(|value| names_in(value, keys)).collect(),
        _ => BTreeSet::new(),
    };
    let own = keys.iter().filter_map(|key| value.get(key)?.as_str().map(str::to_owned));
    own.chain(deeper).collect()
}

/// Every value below `schema` with its description.
fn describe(schema: &Value, root: &Value, at: &str, found: &mut Vec<(String, String)>) {
    let target =
        schema["$ref"].as_str().map_or(schema, |to| root.pointer(to.trim_start_matches('#')).expect("a definition"));
    let Some(properties) = target["properties"].as_object().filter(|_| at.split('.').next_back() != Some("resources"))
    else {
        let description = schema["description"].as_str().or(target["description"].as_str()).unwrap_or_default();
        found.push((at.to_owned(), description.to_owned()));
        if target["additionalProperties"]["$ref"].is_string() {
            describe(&target["additionalProperties"], root, &format!("{at}.NAME"), found);
        }
        return;
    };
    for (name, inner) in properties {
        describe(inner, root, format!("{at}.{name}").trim_start_matches('.'), found);
    }
}
