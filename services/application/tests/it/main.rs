//! The service application behind its door: real layers, real database, real bus. The services that it hears from are
//! stood in by tellers, which say what a test has them say.

mod access;
mod cancel;
mod erase;
mod existing;
mod list;
mod material;
mod office;
mod organizations;
mod react;
mod repeat;
mod review;
mod submit;
