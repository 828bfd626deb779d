//! The door for people: one address in front of all services.
//!
//! It passes each request on to the service that its path names, over mTLS, and the answer back, as they come: it reads
//! neither. It owns no rules and knows no tokens; the services behind it decide who may do what. So whoever breaks into it
//! can pass on what people send, and nothing else: its certificate lets it speak for nobody but them.
//!
//! - [`config`], [`cli`]: settings and command line
//! - [`forward`]: a request on its way to the service of its path
//! - [`event_log`]: histories, of which each service has its own: the request names whose
//! - [`door`]: all of it, opened and closed

pub mod cli;
pub mod config;
pub mod door;
pub mod event_log;
pub mod forward;
