//! The service fabrication.
