//! Documents as their users see them: real ones, sealed ones, and hostile ones.

#[path = "../support/mod.rs"]
mod support;

mod ofd_attacks;
mod ofd_documents;
mod ofd_hostile;
mod ofd_integrity;
mod ofd_keyword;
mod ofd_modes;
mod ofd_packages;
mod ofd_peers;
mod ofd_samples;
mod ofd_sealing;
mod ofd_signers;
mod ofd_smuggling;
mod ofd_spellings;
mod ofd_tampering;
mod ofd_time_stamp;
mod ofd_variants;
mod pdf_certification;
mod pdf_encrypted;
mod pdf_experts;
mod pdf_fields;
mod pdf_forgery;
mod pdf_hostile;
mod pdf_inputs;
mod pdf_keys;
mod pdf_keyword;
mod pdf_large;
mod pdf_long_term;
mod pdf_marks;
mod pdf_mutations;
mod pdf_peers;
mod pdf_places;
mod pdf_samples;
mod pdf_sealing;
mod pdf_shadows;
mod pdf_tampering;
mod pdf_values;
mod sealing_options;
mod seeds;
mod status;
mod verifier;
