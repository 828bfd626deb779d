//! An SKF library (GM/T 0016) over soft cards: for developers without a device, and for tests. It is no product for holders of
//! real seals: a soft card is a file that can be copied.
//!
//! The devices are the files `*.card` in the folder that the variable `ESEAL_SKF_SOFT_DIR` names; a device's name is that of its
//! file. Each has one application, `ESEAL`, one container, `eseal`, with the card's SM2 key, and room for one file, `eseal.esl`.
//! PINs are counted as on a device: on disk, before one is tried, all tries given back by the right one, locked at zero; the
//! administrator's PIN has a count of its own. A file that is taken away is a device that was pulled out.
//!
//! What is not here answers SAR_NOTSUPPORTYETERR or has no symbol: making and deleting applications (that needs a vendor's key),
//! RSA, encryption, key exchange, events of plugging. `eseal card create --admin-pin-file …` makes a device.
//!
//! - [`abi`]: the C functions; [`pointers`]: what they are handed. The only `unsafe` here
//! - [`types`]: the structures
//! - [`desk`]: what they do

mod abi;
mod desk;
mod pointers;
mod types;
