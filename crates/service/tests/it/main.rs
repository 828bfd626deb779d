//! The layers around every service, against stand-in handlers.

mod event_log;
mod matrix;
mod mesh;
mod server;
mod stand_in;
mod tls;
