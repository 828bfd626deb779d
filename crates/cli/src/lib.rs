//! eseal, the client program.
