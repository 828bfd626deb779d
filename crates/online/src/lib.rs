//! Brings over HTTP what proves a moment or a certificate: time stamps (RFC 3161 §3.4), certificate status (RFC 6960 appendix A)
//! and revocation lists (RFC 5280 §4.2.1.13).
//!
//! - [`TimeStampClient`]: several authorities, asked in their order
//! - [`RevocationClient`]: what later validation needs about a chain
//! - [`Statuses`]: the same, kept and asked for anew before it runs out
//! - [`pades`]: what makes of a sealed PDF one that lasts
//! - [`development`], [`authorities`]: an authority of time stamps, and authorities of certificates, on this machine, for development and
//!   tests
//!
//! Nothing is handed on that was not checked: it answers the question, and whoever had to sign it did. Plain HTTP is allowed for
//! that reason; what goes over the wire are digests and numbers of certificates. Sizes and times are bounded, and redirects are
//! not followed.

mod addresses;
pub mod authorities;
pub mod development;
mod error;
mod http;
pub mod pades;
mod revocation;
mod statuses;
mod time_stamps;

pub use addresses::Addresses;
pub use authorities::NamedCa;
pub use error::OnlineError;
pub use revocation::{Gathered, RevocationClient};
pub use statuses::{Piece, Proof, Status, Statuses};
pub use time_stamps::{TimeStampClient, TimeStampSettings};
