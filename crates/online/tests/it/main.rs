//! Over real HTTP on this machine: our client before our and OpenSSL's authorities, and our authority before OpenSSL.

mod authorities;
mod bad_answers;
mod deltas;
mod pades;
mod revocation;
mod servers;
mod statuses;
mod time_stamps;
