//! The platform as its users see it: the programs themselves, started on free ports in temporary folders.
//!
//! - [`programs`]: runs `eseal` and `eseal-standalone` as a person would
//! - [`company`]: organizations and people of the stories

pub mod company;
pub mod programs;
