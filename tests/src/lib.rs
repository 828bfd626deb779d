//! The platform as its users see it: the programs themselves, started on free ports in temporary folders.
//!
//! - [`programs`]: runs `eseal` and `eseal-standalone` as a person would
//! - [`platform`]: the distributed system on this machine: servers, processes, certificates
//! - [`company`]: organizations and people of the stories
//! - [`telemetry`]: what the telemetry of a story must be

pub mod company;
pub mod platform;
pub mod programs;
pub mod telemetry;
