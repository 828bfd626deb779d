//! Makes pictures of pages and impressions, away from the program that reports.
//!
//! A renderer reads everything that a document may hold: fonts, images, programs that draw. It may panic, loop, or take
//! more memory than there is. So it runs in a child process that can be ended, with limits that the system enforces,
//! and a picture that can't be made is a [`Problem`] beside a report that is whole in everything else.
//!
//! - [`request`]: what is asked, and how request and pictures go through two pipes
//! - [`process`]: the side that asks: [`Drawer`]
//! - [`child`]: the side that draws; a program that reports calls [`child::if_called`] first of all
//! - `page`, `picture`, `canvas`: pages by `hayro` and `sofd`, impressions, and what is painted over them

mod canvas;
pub mod child;
mod ofd;
mod pdf;
mod picture;
pub mod process;
pub mod request;

pub use process::Drawer;
pub use request::{Mark, Problem, Request, Wish};

/// The largest document of which pages are drawn, in bytes: it is held in the memory of the child.
pub const MAX_DOCUMENT: usize = 256 << 20;
/// The most pixels of one picture.
pub const MAX_PIXELS: u32 = 4_000_000;
/// The most bytes of one picture as PNG.
pub const MAX_PICTURE: usize = 16 << 20;
/// Pixels per inch of a page, where it is not too large for that.
const DPI: f64 = 110.0;
/// The longest side of an impression in pixels.
const IMPRESSION_SIDE: u32 = 480;
