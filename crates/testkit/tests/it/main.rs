//! The servers that tests run on are themselves tested: a server that stays behind, or loses what it promised, would
//! spoil everything built on it.

mod postgres;
