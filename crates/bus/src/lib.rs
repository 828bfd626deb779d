//! Carries facts between services.
