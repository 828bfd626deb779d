//! The wire contract: messages, services and events of eseal.
//!
//! Everything here is generated from `eseal/**/*.proto`; the texts there are the documentation. Messages have
//! the proto3 JSON form by serde, which is how events are stored.

#![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]

/// The compiled module with all options and comments: for reflection, access rules and the documentation.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/eseal.binpb"));

macro_rules! package {
    ($name:ident, $file:literal) => {
        pub mod $name {
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));
                include!(concat!(env!("OUT_DIR"), "/", $file, ".serde.rs"));
            }
        }
    };
}

package!(access, "eseal.access.v1");
package!(application, "eseal.application.v1");
package!(authentication, "eseal.authentication.v1");
package!(event, "eseal.event.v1");
package!(fabrication, "eseal.fabrication.v1");
package!(identity, "eseal.identity.v1");
package!(seal, "eseal.seal.v1");
package!(verification, "eseal.verification.v1");

mod event_line;
pub mod moment;
mod timestamp;

pub use event_line::event_line;
pub use timestamp::Timestamp;
