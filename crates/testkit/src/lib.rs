//! What the tests of several crates share. A dev-dependency only.
//!
//! - [`TestDb`]: a database of its own for each test
//! - [`TestPostgres`]: a real server that goes with the tests
//! - [`ratio`]: figures of benchmarks
//! - [`wait_until`]: waits on a value with a bound, and says what was missing

mod database;
pub mod postgres;
pub mod ratio;
mod wait;

pub use database::TestDb;
pub use postgres::TestPostgres;
pub use wait::wait_until;
