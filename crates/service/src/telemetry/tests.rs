use super::*;

fn config() -> TelemetryConfig {
    toml::from_str("format = \"json\"\nfilter = \"info\"").expect("two settings suffice")
}

#[test]
fn without_a_collector_nothing_else_has_to_be_said() {
    let config = config();
    assert_eq!((config.otlp_endpoint.as_deref(), config.sampling_ratio), (None, 1.0));
    assert_eq!(config.check(), Ok(()));
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let named = |change: &dyn Fn(&mut TelemetryConfig)| {
        let mut config = config();
        change(&mut config);
        match config.check() {
            Err(TelemetryError::Setting { setting, .. }) => setting,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(named(&|config| config.sampling_ratio = 1.1), "sampling_ratio");
    assert_eq!(named(&|config| config.sampling_ratio = f64::NAN), "sampling_ratio");
    assert_eq!(named(&|config| config.metrics_interval = Duration::ZERO), "metrics_interval");
    for endpoint in ["", "localhost:4317", "grpc://localhost", "http://"] {
        assert_eq!(named(&|config| config.otlp_endpoint = Some(endpoint.to_owned())), "otlp_endpoint", "{endpoint}");
    }
    assert_eq!(named(&|config| config.otlp_endpoint = Some("https://collector:4317".to_owned())), "otlp_tls");
    let mut config = config();
    config.filter = "a=b=c".to_owned();
    assert!(matches!(config.check(), Err(TelemetryError::Filter(_))));
}

#[test]
fn what_carries_telemetry_is_not_handed_on_as_telemetry() {
    assert!(is_ours("eseal_service::trace") && is_ours("sqlx::query"));
    for carrier in ["h2::client", "tonic::transport", "hyper_util::client", "opentelemetry_sdk", "tower::buffer"] {
        assert!(!is_ours(carrier), "{carrier}");
    }
}
