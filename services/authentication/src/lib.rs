//! The service authentication.
pub mod domain;
