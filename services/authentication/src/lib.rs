//! The service authentication.
