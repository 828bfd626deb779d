//! The service verification.
