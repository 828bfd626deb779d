//! The gateway between a client and services, of which stand-ins tell what reached them.

mod forwarding;
