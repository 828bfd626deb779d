//! 印章制作: an approved application becomes an electronic seal; maker cards.

pub mod codec;
pub mod domain;
pub mod migration;
pub mod projection;

pub use migration::migrations;
