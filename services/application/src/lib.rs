//! The service application.
