//! The service fabrication behind its door: real layers, real database, real bus, real keys. The services that it hears
//! from are stood in by tellers, which say what a test has them say; those that it asks, by stand-ins, which answer as
//! far as it asks.

mod access;
mod cancelled;
mod cards;
mod copies;
mod gates;
mod hosted;
mod list;
mod maker_cards;
mod making;
mod organizations;
mod outage;
mod react;
mod repeat;
mod standins;
mod start;
mod steps;
mod successors;
mod workshop;
