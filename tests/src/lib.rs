//! The platform as its users see it: the programs themselves, started on free ports in temporary folders.
//!
//! - [`programs`]: runs `eseal` and `eseal-standalone` as a person would
//! - [`platform`]: the distributed system on this machine: servers, processes, certificates
//! - [`company`]: organizations and people of the stories
//! - [`telemetry`]: what the telemetry of a story must be
//! - [`load`]: whole lives of seals, many at a time, through whatever happens
//! - [`audit`]: what clients were told, what stores and bus have, held against each other
//! - [`faults`]: what happens to it, and that nothing is lost

pub mod audit;
pub mod company;
pub mod faults;
pub mod load;
pub mod platform;
pub mod programs;
pub mod telemetry;
