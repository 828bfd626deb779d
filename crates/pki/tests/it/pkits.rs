//! The Public Key Interoperability Test Suite of NIST (PKITS 1.0.1), as the package pyhanko-certvalidator carries it: what we say of
//! each path beside what the suite says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, PolicyDemand, TrustStore, chain};
use serde_json::Value;

use crate::chains::current;

/// 2022-05-01: within the validity of all that is meant to be valid.
const AT: Timestamp = Timestamp::from_seconds(1_651_363_200);

/// Where we say something else than the suite, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("40104 valid_dsa_signatures_test4", DSA),
    ("40105 valid_dsa_parameter_inheritance_test5", DSA),
    ("40414 valid_negative_serial_number_test14", NEGATIVE),
    ("41404 valid_distributionpoint_test4", RELATIVE),
    ("41405 valid_distributionpoint_test5", RELATIVE),
    ("41407 valid_distributionpoint_test7", RELATIVE),
    ("41418 valid_onlysomereasons_test18", REASONS),
    ("41419 valid_onlysomereasons_test19", REASONS),
    ("41422 valid_idp_with_indirectcrl_test22", INDIRECT),
    ("41424 valid_idp_with_indirectcrl_test24", INDIRECT),
    ("41425 valid_idp_with_indirectcrl_test25", INDIRECT),
    ("41428 valid_crlissuer_test28", INDIRECT),
    ("41429 valid_crlissuer_test29", INDIRECT),
    ("41430 valid_crlissuer_test30", INDIRECT),
    ("41433 valid_crlissuer_test33", INDIRECT),
];
// In all of them we are the stricter ones.
const DSA: &str = "DSA is not supported: no seal has it, and FIPS 186-5 withdrew it";
const NEGATIVE: &str =
    "a serial number counts without its sign, which producers leave out: of -1 and 255 both are revoked";
const RELATIVE: &str = "names of distribution points that are relative to the issuer's are met nowhere";
const REASONS: &str = "lists about some reasons are not put together: what none says for all reasons is not known";
const INDIRECT: &str = "lists with entries of other issuers are refused: they would be mistaken for the issuer's own";

struct Suite(PathBuf);

impl Suite {
    fn open() -> Self {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
        let folder = std::env::var_os("ESEAL_TOOLS").map_or(beside, PathBuf::from).join("nist_pkits");
        assert!(folder.is_dir(), "{} is missing: `make setup` brings it", folder.display());
        Self(folder)
    }

    fn cases(&self) -> Vec<Value> {
        let text = std::fs::read(self.0.join("pkits.json")).expect("the list of cases");
        serde_json::from_slice(&text).expect("a list of cases")
    }

    fn file(&self, folder: &str, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(folder).join(name)).expect("a file of the suite")
    }

    fn certificate(&self, name: &str) -> Result<Certificate, String> {
        let bytes = self.file("certs", name);
        Certificate::from_der(&bytes).map_err(|error| format!("{name}: {error}"))
    }
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn demand(params: &Value) -> PolicyDemand {
    let flag = |name: &str| params[name].as_bool().unwrap_or_default();
    let accepted = names(&params["user_initial_policy_set"]);
    PolicyDemand {
        accepted: accepted.iter().map(|policy| policy.parse().expect("a policy")).collect(),
        explicit: flag("initial_explicit_policy"),
        no_mapping: flag("initial_policy_mapping_inhibit"),
        no_any: flag("initial_any_policy_inhibit"),
    }
}

/// What we say of the path of a case.
fn verdict(suite: &Suite, case: &Value) -> Result<(), String> {
    let pool = names(&case["other_certs"]).into_iter().map(|name| suite.certificate(name));
    let pool = pool.collect::<Result<Vec<_>, _>>()?;
    let root = suite.certificate("TrustAnchorRootCertificate.crt")?;
    let roots = TrustStore::new(vec![root]).demanding(demand(&case["params"]));
    let leaf = suite.certificate(case["cert"].as_str().expect("a certificate"))?;
    let chain = chain::build_at(&leaf, &pool, &roots, Some(AT)).map_err(|error| error.to_string())?;
    chain.valid_at(AT).map_err(|error| error.to_string())?;

    let lists = [vec!["TrustAnchorRootCRL.crl"], names(&case["crls"])].concat();
    let lists = current(&lists.into_iter().map(|name| suite.file("crls", name)).collect::<Vec<_>>());
    chain.check_revocation(&lists, AT).map_err(|error| error.to_string())?;
    let unknown = chain.without_current_crl(&lists, AT);
    match unknown.first() {
        Some(one) if case["revocation"] != false => Err(format!("nothing is known of {}", one.subject())),
        _ => Ok(()),
    }
}

#[test]
fn we_say_of_every_path_of_the_suite_what_it_says_or_why_not() {
    let suite = Suite::open();
    let cases = suite.cases();
    assert!(cases.len() > 240, "{}", cases.len());
    let mut different = BTreeMap::new();
    for case in &cases {
        let name = format!("{} {}", case["id"].as_str().expect("a number"), case["name"].as_str().expect("a name"));
        let ours = verdict(&suite, case);
        if ours.is_ok() != case["error"].is_null() {
            different.insert(name, ours.map_or_else(|error| error, |()| "accepted".to_owned()));
        }
    }
    assert!(!different.values().any(|said| said == "accepted"), "{different:#?}");
    let expected: Vec<_> = DIFFERENCES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(different.keys().cloned().collect::<Vec<_>>(), expected, "{different:#?}");
}
