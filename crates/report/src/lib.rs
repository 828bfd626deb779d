//! Shows what verification found, to programs and to people.
//!
//! - [`model`]: all that is said of a document; its JSON is a contract, [`schema`] describes it
//! - [`mod@found`]: from what `eseal_documents` found and judged to that
//! - [`html`], [`pdf`]: for people, in Chinese and English; [`etsi`]: for other validation software
//! - [`exhibit`]: pictures of the stamped places and of the impressions
//! - [`draw`]: makes those pictures in a process of its own, since renderers meet untrusted input there
//! - [`sheet`]: what people read, line by line, whatever it is shown on; [`words`]: in which words
//!
//! Nothing here judges. What a document says is data everywhere: escaped in HTML and XML, without control characters
//! for a terminal or a page.

pub mod draw;
pub mod etsi;
pub mod exhibit;
mod font;
pub mod found;
pub mod html;
pub mod model;
pub mod pdf;
mod schema;
pub mod sheet;
pub mod words;

pub use exhibit::Exhibits;
pub use font::{Face, FontError};
pub use found::Origin;
pub use model::Report;
pub use schema::schema;
