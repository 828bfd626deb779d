//! What people get by the RPCs of a service that is not for them: its tests try every one.

use std::collections::BTreeSet;

use tonic::{Response, Status};

use crate::access::rules;
use crate::status::refusal_of;

/// Whether the answer was empty, or the reason of the refusal.
///
/// # Errors
/// The reason, such as `OTHER_ORGANIZATION`; the whole status where it has none.
pub fn came<T>(answer: Result<Response<T>, Status>, is_empty: impl Fn(&T) -> bool) -> Result<bool, String> {
    let told = |status: Status| refusal_of(&status).map_or(status.to_string(), |told| told.reason);
    answer.map(|answer| is_empty(answer.get_ref())).map_err(told)
}

/// The same of an answer in which nothing can be missing.
///
/// # Errors
/// As [`came`].
pub fn done<T>(answer: Result<T, Status>) -> Result<bool, String> {
    came(answer.map(Response::new), |_| false)
}

/// Every RPC of a package, such as `eseal.application.v1`, that people may call, as `Service/Method`: a new one is missing
/// in a table of tries until somebody puts it there.
///
/// # Panics
/// If the proto has a mistake in an access rule.
#[allow(clippy::expect_used)]
pub fn rpcs_for_people(package: &str) -> BTreeSet<String> {
    let rules = rules().expect("access rules").into_iter().filter(|rule| !rule.roles.is_empty());
    let own = |rpc: &str| rpc.strip_prefix(package)?.strip_prefix('.').map(str::to_owned);
    rules.filter_map(|rule| own(&rule.rpc)).collect()
}
