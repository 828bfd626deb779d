//! Drivers of devices run in a process of their own.
//!
//! A PKCS #11 module or an SKF library is code of a vendor: it may crash, hang or print to standard output. So the program
//! starts itself once more ([`child::if_called`]), that process loads the library, and the two speak over sockets. A crash is an
//! error of the card; a library that does not answer is ended with its process.
//!
//! Most is asked at one door, one after the other. Signatures and the like are called out to all workers, one for each session of
//! the device, and the answer comes over a lane to whoever asked: nobody stands between who asks and who works.
//!
//! - [`wire`]: what they say, in frames of bounded length
//! - [`lanes`]: how work is called out, and how its answer comes back
//! - [`process`]: the side that asks; many threads may, at once
//! - [`child`]: the side that loads the library
//! - [`device`]: what a library must be able to do, whichever standard it follows

pub(crate) mod child;
pub(crate) mod device;
mod lanes;
pub(crate) mod process;
pub(crate) mod wire;

pub use process::Drivers;
