//! The part of ASN.1 that certificates, signatures and keys are written in.
//!
//! Why not structs that a derive decodes and encodes again: signatures are checked over the exact bytes that were received, and
//! real certificates and CMS hold what such a decoder refuses or rewrites (an explicit `FALSE` that is the default, attribute
//! sets out of order, indefinite lengths, names in GBK, object identifiers made from UUIDs). The [`Reader`] therefore hands out
//! slices of the input, and what is kept is the span.

mod reader;
#[cfg(test)]
mod tests;
mod time;
pub(crate) mod writer;

pub(crate) use reader::{Element, Malformed, Reader, span, tag};
pub(crate) use time::x509_time;
