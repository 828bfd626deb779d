//! 印章制作: an approved application becomes an electronic seal.
pub mod domain;
