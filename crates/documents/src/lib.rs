//! Sealed documents, PDF and OFD: place, seal, verify.
