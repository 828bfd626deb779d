//! The service authentication behind its door: real layers, real database, real bus, real signatures. Fabrication, which
//! it hears from and asks for made seals, is stood in by a teller and a workshop, which say so.

mod access;
mod batch;
mod batch_uses;
mod bureau;
mod card;
mod codes;
mod gates;
mod guesses;
mod hosted;
mod hsm;
mod inquiry;
mod kms;
mod kms_tls;
mod leaks;
mod manner;
mod organizations;
mod pins;
mod privacy;
mod reaction;
mod registry;
mod repeat;
mod retention;
mod rights;
mod rotation;
mod sent_codes;
mod signing;
mod structures;
mod succession;
mod trust;
mod unreadable;
mod uses;
mod waiting;
mod warnings;
mod whole;
mod workshop;
