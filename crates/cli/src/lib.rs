//! `eseal`, the client program: gRPC only, no database; verifies offline.
//!
//! - [`args`]: the command line
//! - [`commands`]: what each command does, one file per field of work
//! - [`connect`], [`session`], [`token`]: the way to the server, and who is signed in
//! - [`output`], [`failure`], [`lang`]: what people and scripts read

pub mod args;
pub mod commands;
pub mod connect;
pub mod failure;
pub mod lang;
pub mod mapped;
pub mod output;
pub mod secret;
pub mod session;
pub mod token;
