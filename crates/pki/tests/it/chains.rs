//! Chains, good and bad, before us and before `openssl verify`: both say what is expected, or it is said here why not.

mod basic;
mod names;
mod policy;
mod revoked;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eseal_pki::{Certificate, ChainError, Crl, DeltaCrl, PolicyDemand, TrustStore, chain};

use crate::forge::NOW;
use crate::openssl::Desk;

/// Where OpenSSL 3.0 says something else than we do. In each of these the verdict that is expected is ours.
const DIFFERENCES: &[(&str, &str)] = &[
    ("a certificate of a megabyte", "we read 64 KiB; OpenSSL has no bound"),
    ("a chain of eleven", "we follow ten certificates, OpenSSL a hundred"),
    (
        "a list from the future",
        "a revocation carries its own moment, so that a list made later counts for an earlier moment",
    ),
    (
        "a name that nobody can decode",
        "real certificates have such (GBK, cut in the middle); OpenSSL does not read them at all",
    ),
    ("a root over a cross certificate", "OpenSSL takes the first issuer that fits and does not go back"),
    ("a name in full-width letters", "RFC 5280 §7.1 has compatible forms compared as one; OpenSSL has not"),
    ("a name in other letters' case", "RFC 5280 §7.1 folds the case of all letters; OpenSSL that of ASCII"),
    (
        "an authority key identifier of another key",
        "a hint for finding issuers (RFC 5280 §4.2.1.1); the signature decides",
    ),
    (
        "policies of a root",
        "what a root restricts holds below it (RFC 5937); OpenSSL looks at its names and length only",
    ),
];

/// A chain with what is expected of it.
struct Case {
    name: &'static str,
    good: bool,
    leaf: Vec<u8>,
    pool: Vec<Vec<u8>>,
    roots: Vec<Vec<u8>>,
    demand: PolicyDemand,
    /// What the signer's certificate has to list, and every authority that lists something.
    usage: Option<&'static str>,
    /// Lists of revoked certificates, which then are needed for all.
    lists: Vec<Vec<u8>>,
    /// More words for OpenSSL.
    words: Vec<String>,
    strict: bool,
}

/// Makes a case of a name, a signer's certificate, others and a root.
type Make = fn(&'static str, Vec<u8>, &[Vec<u8>], &[u8]) -> Case;

fn good(name: &'static str, leaf: Vec<u8>, pool: &[Vec<u8>], root: &[u8]) -> Case {
    Case {
        name,
        good: true,
        leaf,
        pool: pool.to_vec(),
        roots: vec![root.to_vec()],
        demand: PolicyDemand::default(),
        usage: None,
        lists: Vec::new(),
        words: Vec::new(),
        strict: true,
    }
}

fn bad(name: &'static str, leaf: Vec<u8>, pool: &[Vec<u8>], root: &[u8]) -> Case {
    Case { good: false, ..good(name, leaf, pool, root) }
}

impl Case {
    /// What `-x509_strict` asks of the form of certificates is more than what makes a chain hold.
    fn lax(self) -> Self {
        Self { strict: false, ..self }
    }

    fn trusting_too(mut self, root: &[u8]) -> Self {
        self.roots.push(root.to_vec());
        self
    }

    fn saying(mut self, words: &str) -> Self {
        self.words.push(words.to_owned());
        self
    }

    /// One of these policies, or any if there are none, is accepted.
    fn accepting(mut self, policies: &[&str]) -> Self {
        self.demand.accepted = policies.iter().map(|one| one.parse().expect("a policy")).collect();
        self.saying("-policy_check")
    }

    /// A policy has to be valid all the way.
    fn explicit(mut self) -> Self {
        self.demand.explicit = true;
        self.saying("-policy_check -explicit_policy")
    }

    fn without_mapping(mut self) -> Self {
        self.demand.no_mapping = true;
        self.saying("-inhibit_map")
    }

    fn without_any(mut self) -> Self {
        self.demand.no_any = true;
        self.saying("-inhibit_any")
    }

    fn for_mail(mut self) -> Self {
        self.usage = Some("1.3.6.1.5.5.7.3.4");
        self.saying("-purpose smimesign")
    }

    fn listed(mut self, lists: &[Vec<u8>]) -> Self {
        self.lists = lists.to_vec();
        self
    }

    /// What we say.
    fn ours(&self) -> Result<(), String> {
        let read = |der: &Vec<u8>| Certificate::from_der(der).map_err(|error| error.to_string());
        let leaf = read(&self.leaf)?;
        let pool: Vec<_> = self.pool.iter().filter_map(|der| read(der).ok()).collect();
        let roots: Vec<_> = self.roots.iter().filter_map(|der| read(der).ok()).collect();
        let roots = TrustStore::new(roots).demanding(self.demand.clone());
        let found = chain::build_at(&leaf, &pool, &roots, Some(NOW)).map_err(|error| told(&error))?;
        found.valid_at(NOW).map_err(|error| told(&error))?;
        if let Some(usage) = self.usage {
            let usage = usage.parse().expect("a usage");
            found.check_authorities(&usage).map_err(|error| told(&error))?;
            if !leaf.has_eku(&usage) {
                return Err("the usage is not listed".to_owned());
            }
        }
        if self.lists.is_empty() {
            return Ok(());
        }
        let lists = current(&self.lists);
        found.check_revocation(&lists, NOW).map_err(|error| told(&error))?;
        match found.without_current_crl(&lists, NOW).first() {
            Some(unknown) => Err(format!("nothing is known of {}", unknown.subject())),
            None => Ok(()),
        }
    }

    /// What OpenSSL says.
    fn theirs(&self, desk: &Desk) -> Result<(), String> {
        let pem = |label: &str, all: &[Vec<u8>]| -> String { all.iter().map(|der| armored(label, der)).collect() };
        desk.put("leaf.pem", armored("CERTIFICATE", &self.leaf).as_bytes());
        desk.put("pool.pem", pem("CERTIFICATE", &self.pool).as_bytes());
        desk.put("roots.pem", pem("CERTIFICATE", &self.roots).as_bytes());
        let mut words = format!("verify -attime {} -no-CApath -no-CAstore -CAfile roots.pem", NOW.seconds());
        if !self.pool.is_empty() {
            words += " -untrusted pool.pem";
        }
        if self.strict {
            words += " -x509_strict";
        }
        for more in &self.words {
            words = format!("{words} {more}");
        }
        if words.contains("-policy_check") {
            let any = vec!["2.5.29.32.0".to_owned()];
            let accepted: Vec<_> = self.demand.accepted.iter().map(ToString::to_string).collect();
            let accepted = if accepted.is_empty() { any } else { accepted };
            words.extend(accepted.iter().map(|policy| format!(" -policy {policy}")));
        }
        if !self.lists.is_empty() {
            desk.put("lists.pem", pem("X509 CRL", &self.lists).as_bytes());
            words += " -crl_check_all -extended_crl -use_deltas -CRLfile lists.pem";
        }
        let output = desk.run(&format!("{words} leaf.pem"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }
}

/// The reason, with the certificate and the clause: a refusal says all three, but for a bound of our own.
fn told(error: &ChainError) -> String {
    assert_eq!(error.subject().is_some(), error.clause().is_some(), "{error}");
    format!("{error} (RFC 5280 {})", error.clause().unwrap_or("-"))
}

/// Whole lists, each with the changes that fit it.
pub fn current(lists: &[Vec<u8>]) -> Vec<Crl> {
    let deltas: Vec<_> = lists.iter().filter_map(|der| DeltaCrl::from_der(der).ok()).collect();
    let whole: Vec<_> = lists.iter().filter_map(|der| Crl::from_der(der).ok()).collect();
    let updated = |list: Crl| deltas.iter().find_map(|delta| list.updated(delta).ok()).unwrap_or(list);
    whole.into_iter().map(updated).collect()
}

fn armored(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn we_and_openssl_say_the_same_of_every_chain_but_where_it_is_said_why_not() {
    let desk = Desk::new();
    let cases = [basic::cases(), names::cases(), policy::cases(), revoked::cases()].into_iter().flatten();
    let cases: Vec<_> = cases.collect();
    assert!(cases.len() >= 130, "{}", cases.len());
    let (mut wrong, mut different) = (Vec::new(), BTreeMap::new());
    for case in &cases {
        let (ours, theirs) = (case.ours(), case.theirs(&desk));
        if ours.is_ok() != case.good {
            wrong.push(format!("{}: {ours:?}", case.name));
        }
        if ours.is_ok() != theirs.is_ok() {
            different.insert(case.name, theirs);
        }
    }
    assert_eq!(wrong, [""; 0]);
    let mut expected: Vec<_> = DIFFERENCES.iter().map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(different.keys().copied().collect::<Vec<_>>(), expected, "{different:#?}");
    let mut names: Vec<_> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "each has a name of its own");
}
