//! The layers around every service, against stand-in handlers.

mod crowd;
mod event_log;
mod issuer;
mod matrix;
mod mesh;
mod oidc;
mod server;
mod stand_in;
mod tls;
