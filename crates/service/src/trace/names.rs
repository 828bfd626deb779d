//! The words of OpenTelemetry's conventions for RPC (semantic conventions 1.40 and later), in one place.

use std::collections::HashSet;
use std::sync::LazyLock;

use http::Uri;
use opentelemetry::KeyValue;
use tonic::Code;

use crate::access;

pub(crate) const RPC_SYSTEM: &str = "rpc.system.name";
pub(crate) const RPC_METHOD: &str = "rpc.method";
pub(crate) const RPC_STATUS: &str = "rpc.response.status_code";
pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
/// A method that is not ours: the name of one may be anything, and metrics must not grow with it.
pub(crate) const OTHER: &str = "_OTHER";

/// The full method, such as `eseal.application.v1.ApplicationService/SubmitApplication`; none if it is not of our proto.
pub(crate) fn known(uri: &Uri) -> Option<&'static str> {
    // A mistake in the proto is told where the rules are used.
    static METHODS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        let rules = access::rules().unwrap_or_default();
        rules.into_iter().map(|rule| &*rule.rpc.leak()).collect()
    });
    METHODS.get(uri.path().strip_prefix('/')?).copied()
}

pub(crate) fn attributes(method: &'static str) -> Vec<KeyValue> {
    vec![KeyValue::new(RPC_SYSTEM, "grpc"), KeyValue::new(RPC_METHOD, method)]
}

/// A code as it is spelled in the protocol.
pub(crate) const fn spelled(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Whether an answer is an error of the one who gives it, not of the one who asked.
pub(crate) const fn is_our_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_methods_of_our_proto_have_names() {
        let ours = "eseal.application.v1.ApplicationService/SubmitApplication";
        assert_eq!(known(&format!("/{ours}").parse().expect("a path")), Some(ours));
        for other in ["/", "/grpc.health.v1.Health/Check", "/eseal.application.v1.ApplicationService/X", "/../etc"] {
            assert_eq!(known(&other.parse().expect("a path")), None);
        }
    }
}
