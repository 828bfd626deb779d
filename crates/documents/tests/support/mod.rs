//! What the tests have in common: input documents, people with seals, and ways to do harm.

pub mod authority;
pub mod der;
pub mod drawn;
pub mod glance;
pub mod hostile;
pub mod ofd_contract;
pub mod ofd_recipe;
pub mod ofd_v1;
pub mod parties;
pub mod pdf_builder;
pub mod pdf_harm;
pub mod pdf_parties;
pub mod pdf_signing;
pub mod pdf_update;
pub mod peers;
pub mod raw_zip;
pub mod resigning;
pub mod respelled;
pub mod samples;
pub mod twins;
