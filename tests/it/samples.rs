//! Real documents of other producers, where they are at hand: `ESEAL_SAMPLES`, or `../shared/samples` beside the project.

use std::path::PathBuf;

use eseal_e2e::programs::Eseal;

#[test]
fn every_sample_gets_an_answer_in_the_form_of_the_contract() {
    let folder = std::env::var_os("ESEAL_SAMPLES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples")), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(folder.join("ofd")) else {
        println!("skipped: no samples in {}", folder.display());
        return;
    };
    let sessions = tempfile::tempdir().expect("a folder");
    let eseal = Eseal {
        url: "http://127.0.0.1:9".to_owned(),
        sessions: sessions.path().to_owned(),
        ca: None,
        environment: Vec::new(),
    };
    let mut counted = 0;
    for path in entries.flatten().map(|entry| entry.path()) {
        let answer = eseal.run(["verify".as_ref(), path.as_os_str(), "--offline".as_ref()]);
        assert_eq!(answer.code, 1, "{}: {}", path.display(), answer.text); // no roots are given: none can be valid
        let verdict = answer.value["verdict"].as_str().unwrap_or_default();
        assert!(["invalid", "indeterminate", "unsealed"].contains(&verdict), "{}: {verdict}", path.display());
        for seal in answer.value["seals"].as_array().into_iter().flatten() {
            for item in ["signer", "content", "impression"] {
                let result = seal[item]["result"].as_str().unwrap_or_default();
                assert!(["passed", "failed", "unknown", "not_applicable"].contains(&result), "{}", path.display());
                assert_eq!(seal[item]["reason"].is_null(), matches!(result, "passed" | "not_applicable"));
            }
        }
        counted += 1;
    }
    assert!(counted > 0, "the folder of samples is empty");
}
