//! What the tests have in common: input documents, people with seals, and ways to do harm.

pub mod hostile;
pub mod ofd_contract;
pub mod parties;
pub mod samples;
