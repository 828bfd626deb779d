//! Which certificates may call which gRPC services of a process: the section `[grpc.allow]` of its settings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{PUBLIC, RulesError, rules};
use crate::mesh::Origin;

/// The end of every name that this system knows its own by: `application.eseal`.
const DOMAIN: &str = ".eseal";
/// Whoever runs the system asks by this name whether it is well.
const PROBE: (&str, &str) = ("grpc.health.v1.Health", "probe.eseal");

/// The certificates that may call each gRPC service; one that is not named is refused. `grpc.health.v1.Health` is open to
/// `probe.eseal` besides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<String>>")]
pub struct Allow(BTreeMap<String, BTreeSet<String>>);

/// Why a list can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// No gRPC service has this name: a mistake that would lock somebody out.
    #[error("there is no gRPC service {0}")]
    Service(String),
    /// A name that no certificate of this system has.
    #[error("{0:?} is no name of a certificate: expected one such as gateway.eseal")]
    Certificate(String),
    /// A mistake in the proto.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl TryFrom<BTreeMap<String, Vec<String>>> for Allow {
    type Error = AllowError;

    fn try_from(lists: BTreeMap<String, Vec<String>>) -> Result<Self, AllowError> {
        let rules = rules()?;
        let known: BTreeSet<&str> = rules.iter().map(|rule| service_of(&rule.rpc)).chain(PUBLIC).collect();
        for (service, certificates) in &lists {
            if !known.contains(service.as_str()) {
                return Err(AllowError::Service(service.clone()));
            }
            if let Some(wrong) = certificates.iter().find(|name| label(name).is_none()) {
                return Err(AllowError::Certificate(wrong.clone()));
            }
        }
        Ok(Self(lists.into_iter().map(|(service, names)| (service, names.into_iter().collect())).collect()))
    }
}

impl Allow {
    /// Whether the caller may call the gRPC service of this RPC at all.
    pub(super) fn lets_in(&self, rpc: &str, origin: &Origin) -> bool {
        let (Origin::Service(name) | Origin::Door(name)) = origin else { return false };
        let (service, certificate) = (service_of(rpc), format!("{name}{DOMAIN}"));
        let listed = self.0.get(service).is_some_and(|certificates| certificates.contains(&certificate));
        listed || (service, certificate.as_str()) == PROBE
    }
}

/// Who has a certificate with these names. One of them is the name in this system; with several it could choose, so it
/// has none.
pub(super) fn origin_of(names: &[String], services: &BTreeSet<String>) -> Origin {
    let mut labels = names.iter().filter_map(|name| label(name));
    match (labels.next(), labels.next()) {
        (Some(name), None) if services.contains(name) => Origin::Service(name.to_owned()),
        (Some(name), None) => Origin::Door(name.to_owned()),
        _ => Origin::Outside,
    }
}

/// `application` of `application.eseal`.
fn label(name: &str) -> Option<&str> {
    let label = name.strip_suffix(DOMAIN)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (!label.is_empty() && label.chars().all(fits)).then_some(label)
}

/// The gRPC service of an RPC.
fn service_of(rpc: &str) -> &str {
    rpc.split_once('/').map_or(rpc, |(service, _)| service)
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: &str = "eseal.application.v1.ApplicationService";

    fn allow(service: &str, certificate: &str) -> Result<Allow, AllowError> {
        BTreeMap::from([(service.to_owned(), vec![certificate.to_owned()])]).try_into()
    }

    fn door(name: &str) -> Origin {
        Origin::Door(name.to_owned())
    }

    #[test]
    fn who_is_not_on_the_list_of_the_service_is_refused() {
        let allow = allow(APPLICATION, "gateway.eseal").expect("a list");
        let submit = format!("{APPLICATION}/SubmitApplication");
        assert!(allow.lets_in(&submit, &door("gateway")));
        for other in [door("cli"), Origin::Service("fabrication".to_owned()), Origin::Outside, door("")] {
            assert!(!allow.lets_in(&submit, &other), "{other:?}");
        }
        assert!(!allow.lets_in("eseal.verification.v1.VerificationService/VerifyDocument", &door("gateway")));
    }

    #[test]
    fn health_is_open_to_the_probe_and_to_whom_the_list_names() {
        let health = "grpc.health.v1.Health/Check";
        assert!(Allow::default().lets_in(health, &door("probe")));
        assert!(!Allow::default().lets_in(health, &door("gateway")));
        assert!(allow("grpc.health.v1.Health", "gateway.eseal").expect("a list").lets_in(health, &door("gateway")));
        assert!(!Allow::default().lets_in(&format!("{APPLICATION}/SubmitApplication"), &door("probe")));
    }

    #[test]
    fn a_name_that_there_is_not_is_a_mistake_and_told() {
        let unknown = allow("eseal.application.v1.Application", "gateway.eseal");
        assert!(matches!(unknown, Err(AllowError::Service(name)) if name == "eseal.application.v1.Application"));
        for name in ["gateway", "gateway.example", ".eseal", "*.eseal", "a.b.eseal", "Gateway.eseal", ""] {
            assert!(matches!(allow(APPLICATION, name), Err(AllowError::Certificate(wrong)) if wrong == name), "{name}");
        }
    }

    #[test]
    fn a_certificate_is_a_service_or_a_door_by_its_one_name_here() {
        let services = BTreeSet::from(["fabrication".to_owned()]);
        let of =
            |names: &[&str]| origin_of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &services);
        assert_eq!(of(&["fabrication.eseal", "localhost"]), Origin::Service("fabrication".to_owned()));
        assert_eq!(of(&["fabrication", "gateway.eseal"]), door("gateway"));
        for nobody in [&["fabrication"][..], &["fabrication.eseal", "gateway.eseal"], &["*.eseal"], &[]] {
            assert_eq!(of(nobody), Origin::Outside, "{nobody:?}");
        }
    }
}
