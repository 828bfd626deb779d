//! What is asked of a child, and what it answers: a line of JSON, followed by the bytes that the line announces.

use std::io::{self, BufRead, Read, Write};

use eseal_documents::{Format, Place};
use serde::{Deserialize, Serialize};

use super::{MAX_DOCUMENT, MAX_PICTURE};
use crate::exhibit::Picture;

/// The most bytes of a line.
const MAX_LINE: u64 = 1 << 20;
/// The most bytes of the impressions of all seals together.
const MAX_IMPRESSIONS: usize = 64 << 20;

/// The pictures that are wanted of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What kind of document it is.
    pub format: Format,
    /// What is wanted, in the order in which it is made.
    pub wishes: Vec<Wish>,
}

/// One picture that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// A seal's impression.
    Impression {
        /// As the seal says: `PNG`, `ofd`, …
        kind: String,
        /// The file itself.
        data: Vec<u8>,
    },
    /// A page, with boxes marked on it.
    Page {
        /// Counted from 1.
        page: u32,
        /// What to mark.
        marks: Vec<Mark>,
    },
}

/// A box that is marked on a page, in millimetres from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// From the page's left edge.
    pub x: f64,
    /// From the page's upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// Why a picture could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The document has more bytes than are drawn from.
    DocumentTooLarge,
    /// The renderer can't read the document, the page or the picture.
    Unreadable,
    /// The form of the impression is not one that is drawn.
    FormUnsupported,
    /// The document has no such page.
    PageMissing,
    /// The renderer failed on it.
    RendererFailed,
    /// It took too long.
    TookTooLong,
    /// The process that draws could not be started.
    DrawerMissing,
}

/// A request as it is written: the bytes of the impressions, then those of the document follow.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    format: String,
    wishes: Vec<WrittenWish>,
    document: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenWish {
    Impression { kind: String, bytes: usize },
    Page { page: u32, marks: Vec<Mark> },
}

/// An answer as it is written: the bytes of the PNG follow.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    wish: usize,
    width: u32,
    height: u32,
    bytes: usize,
    problem: Option<Problem>,
}

impl From<&Place> for Mark {
    fn from(place: &Place) -> Self {
        Self { x: place.x_mm, y: place.y_mm, w: place.width_mm, h: place.height_mm }
    }
}

impl Mark {
    /// Whether it is a box at all.
    pub const fn is_finite(&self) -> bool {
        self.x.is_finite() && self.y.is_finite() && self.w.is_finite() && self.h.is_finite()
    }
}

impl Request {
    /// Writes the request and the document.
    ///
    /// # Errors
    /// The other side is gone.
    pub fn write(&self, document: &[u8], output: &mut impl Write) -> io::Result<()> {
        let wishes = self.wishes.iter().map(|wish| match wish {
            Wish::Impression { kind, data } => WrittenWish::Impression { kind: kind.clone(), bytes: data.len() },
            Wish::Page { page, marks } => WrittenWish::Page { page: *page, marks: marks.clone() },
        });
        let format = self.format.to_string();
        write_line(&Written { format, wishes: wishes.collect(), document: document.len() }, output)?;
        for wish in &self.wishes {
            match wish {
                Wish::Impression { data, .. } => output.write_all(data)?,
                Wish::Page { .. } => {}
            }
        }
        output.write_all(document)?;
        output.flush()
    }

    /// Reads a request and the document.
    ///
    /// # Errors
    /// It is none, or larger than it may be.
    pub fn read(input: &mut impl BufRead) -> io::Result<(Self, Vec<u8>)> {
        let written: Written = read_line(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let format = if written.format == Format::Ofd.to_string() { Format::Ofd } else { Format::Pdf };
        let mut room = MAX_IMPRESSIONS;
        let mut wishes = Vec::new();
        for wish in written.wishes {
            wishes.push(match wish {
                WrittenWish::Page { page, marks } => Wish::Page { page, marks },
                WrittenWish::Impression { kind, bytes } => {
                    room = room.checked_sub(bytes).ok_or(io::ErrorKind::FileTooLarge)?;
                    Wish::Impression { kind, data: read_bytes(input, bytes)? }
                }
            });
        }
        if written.document > MAX_DOCUMENT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok((Self { format, wishes }, read_bytes(input, written.document)?))
    }
}

/// Writes what became of a wish.
///
/// # Errors
/// The other side is gone.
pub fn write_answer(wish: usize, drawn: &Result<Picture, Problem>, output: &mut impl Write) -> io::Result<()> {
    match drawn {
        Ok(Picture { png, width, height }) => {
            write_line(&Answer { wish, width: *width, height: *height, bytes: png.len(), problem: None }, output)?;
            output.write_all(png)?;
        }
        Err(problem) => {
            write_line(&Answer { wish, width: 0, height: 0, bytes: 0, problem: Some(*problem) }, output)?;
        }
    }
    output.flush()
}

/// Reads what became of the next wish; nothing at the end.
///
/// # Errors
/// It is no answer, or larger than one may be.
pub fn read_answer(input: &mut impl BufRead) -> io::Result<Option<(usize, Result<Picture, Problem>)>> {
    let Some(answer) = read_line::<Answer>(input)? else { return Ok(None) };
    if let Some(problem) = answer.problem {
        return Ok(Some((answer.wish, Err(problem))));
    }
    if answer.bytes > MAX_PICTURE || answer.width == 0 || answer.height == 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let png = read_bytes(input, answer.bytes)?;
    Ok(Some((answer.wish, Ok(Picture { png, width: answer.width, height: answer.height }))))
}

fn write_line(value: &impl Serialize, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")
}

fn read_line<T: serde::de::DeserializeOwned>(input: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&line)?)) }
}

/// Grows with what is really there, whatever was announced.
fn read_bytes(input: &mut impl Read, announced: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(announced as u64).read_to_end(&mut bytes)?;
    if bytes.len() == announced { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let marks = vec![Mark { x: 1.0, y: 2.0, w: 3.5, h: 4.0 }];
        let impression = Wish::Impression { kind: "PNG".to_owned(), data: b"\x89PNG\n".to_vec() };
        Request { format: Format::Ofd, wishes: vec![impression, Wish::Page { page: 7, marks }] }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let mut wire = Vec::new();
        request().write(b"document\n", &mut wire).expect("written");
        let (read, document) = Request::read(&mut &wire[..]).expect("read");
        assert_eq!((read, document), (request(), b"document\n".to_vec()));
    }

    #[test]
    fn a_request_that_ends_early_is_refused_wherever_it_ends() {
        let mut wire = Vec::new();
        request().write(b"document", &mut wire).expect("written");
        for end in 0..wire.len() {
            assert!(Request::read(&mut &wire[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn answers_come_one_by_one_and_end_with_the_pipe() {
        let (picture, problem) = (Picture { png: vec![1, 2], width: 3, height: 4 }, Problem::PageMissing);
        let mut wire = Vec::new();
        write_answer(0, &Ok(picture.clone()), &mut wire).expect("written");
        write_answer(1, &Err(problem), &mut wire).expect("written");
        let mut wire = &wire[..];
        assert_eq!(read_answer(&mut wire).expect("one"), Some((0, Ok(picture))));
        assert_eq!(read_answer(&mut wire).expect("two"), Some((1, Err(problem))));
        assert_eq!(read_answer(&mut wire).expect("the end"), None);
    }

    #[test]
    fn an_answer_that_announces_too_much_is_refused_before_it_is_read() {
        let huge = format!("{{\"wish\":0,\"width\":1,\"height\":1,\"bytes\":{},\"problem\":null}}\n", MAX_PICTURE + 1);
        assert!(read_answer(&mut huge.as_bytes()).is_err());
    }
}
