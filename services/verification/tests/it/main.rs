//! The service verification behind its door: real layers, real database, real documents with real seals. The service
//! authentication is stood in by one that says what a test has it say.

mod authority;
mod desk;
mod failures;
mod refusals;
mod reports;
mod sealed;
mod statuses;
mod verdicts;
