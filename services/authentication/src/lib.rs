//! The service authentication.
mod codec;
pub mod domain;
pub mod migration;
mod projection;
