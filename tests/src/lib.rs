//! The platform as its users see it.
