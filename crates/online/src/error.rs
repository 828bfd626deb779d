//! Why nothing was brought.

use std::net::SocketAddr;

use eseal_kernel::Timestamp;
use eseal_pki::{CertificateError, CrlError, OcspError, TspError};

/// Why something did not come, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    /// Not an address of HTTP or HTTPS.
    #[error("{url:?} is no http:// or https:// address")]
    Address {
        /// What was given.
        url: String,
    },
    /// An address that a certificate names and that leads into a private network.
    #[error("{url} leads to an address that is not public")]
    NotPublic {
        /// What was named.
        url: String,
    },
    /// The connection, TLS or HTTP.
    #[error("{url} cannot be reached")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// No whole answer in time.
    #[error("{url} does not answer in time")]
    TooSlow {
        /// What was asked.
        url: String,
    },
    /// Another status than 200; redirects are not followed.
    #[error("{url} answers with the status {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
    },
    /// More than is read.
    #[error("{url} answers with more than {max} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// How much is read.
        max: usize,
    },
    /// Another kind of answer.
    #[error("{url} answers with {found:?} instead of {expected}")]
    MediaType {
        /// What was asked.
        url: String,
        /// What came.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A time stamp that was refused, or does not hold.
    #[error("{url}: {source}")]
    TimeStamp {
        /// Who was asked.
        url: String,
        /// Why.
        source: TspError,
    },
    /// A certificate status that does not hold or says nothing.
    #[error("{url}: {source}")]
    CertificateStatus {
        /// Who was asked.
        url: String,
        /// Why.
        source: OcspError,
    },
    /// A revocation list that does not hold.
    #[error("{url}: {source}")]
    List {
        /// What was asked.
        url: String,
        /// Why.
        source: CrlError,
    },
    /// A statement that was not made yet, by our clock.
    #[error("what {url} says is of {from}, which is not yet")]
    Ahead {
        /// What was asked.
        url: String,
        /// Of when it is.
        from: Timestamp,
    },
    /// A statement that does not hold any more.
    #[error("what {url} says was to be renewed by {until}")]
    Outdated {
        /// What was asked.
        url: String,
        /// Until when it held.
        until: Timestamp,
    },
    /// It says nothing about this certificate.
    #[error("{url} says nothing about the certificate of {subject}")]
    Silent {
        /// What was asked.
        url: String,
        /// Whose.
        subject: String,
    },
    /// It failed a moment ago, and is not asked again so soon.
    #[error("{url} failed a moment ago and is asked again later")]
    LeftAlone {
        /// What would have been asked.
        url: String,
    },
    /// It is being asked, and the caller had no more time to wait.
    #[error("no answer has come yet")]
    NotYet,
    /// The certificate names no place to ask.
    #[error("the certificate of {subject} names no place where its revocation can be asked")]
    NoPlace {
        /// Whose.
        subject: String,
    },
    /// The certificate does not say enough to ask about it.
    #[error("it cannot be asked about the certificate of {subject}: {source}")]
    Question {
        /// Whose.
        subject: String,
        /// Why.
        source: OcspError,
    },
    /// A request for a time stamp cannot be made.
    #[error("no time stamp can be asked for: {0}")]
    Request(#[source] TspError),
    /// No time stamping authority is configured.
    #[error("no time stamping authority is configured")]
    NoAuthority,
    /// None of several gave what was asked for.
    #[error("none of {} gave a time stamp: {}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    None(Vec<OnlineError>),
    /// A root for TLS cannot be used.
    #[error("a certificate to trust for TLS cannot be used: {0}")]
    TlsRoot(#[source] CertificateError),
    /// The HTTP client cannot be made.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    /// A development service would be reachable from other machines.
    #[error("{0} is not on this machine: development services listen on loopback only")]
    NotLoopback(SocketAddr),
    /// A development service cannot go on.
    #[error("the development service ended")]
    Serve(#[source] std::io::Error),
}
