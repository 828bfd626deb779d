//! The store as its services see it: one suite for every engine.
//!
//! Each test is a function over a [`eseal_testkit::TestDb`]; `on_every_engine!` makes a test of it for SQLite and for
//! PostgreSQL, on a server that the tests start themselves.

mod support;

mod chain;
mod claims;
mod cuts;
mod deliveries;
mod envelope;
mod failures;
mod faults;
mod immutable;
mod leases;
mod properties;
mod reaching;
mod reading;
mod rebuilding;
mod recording;
mod releases;
mod requests;
mod roles;
mod waking;
