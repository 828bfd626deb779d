//! Seals and seal signatures: real ones, our own, forged ones, and what is none.

#![allow(clippy::print_stdout, reason = "a test that was skipped says so")]

mod bounds;
mod forgery;
mod openssl;
mod own;
mod raw;
mod samples;
mod tolerance;
mod world;
