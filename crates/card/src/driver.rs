//! Drivers of devices run in a process of their own.
//!
//! A PKCS #11 module or an SKF library is code of a vendor: it may crash, hang or print to standard output. So the program
//! starts itself once more ([`child::if_called`]), that process loads the library, and the two speak over pipes. A crash is an
//! error of the card; a library that does not answer is ended with its process.
//!
//! - [`wire`]: what they say, in frames of bounded length
//! - [`process`]: the side that asks; many threads may, at once
//! - [`child`]: the side that loads the library
//! - [`queue`]: signatures that wait for a session
//! - [`device`]: what a library must be able to do, whichever standard it follows

pub(crate) mod child;
pub(crate) mod device;
pub(crate) mod process;
mod queue;
pub(crate) mod wire;

pub use process::Drivers;
