//! What a person agrees to when many documents are sealed in one act: a list under one digest.
//!
//! Client and service make the same bytes by the rules below. Each document is a leaf of the tree of
//! [`eseal_kernel::merkle`]:
//!
//! ```text
//! eseal-batch-document-v1
//! document=66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0
//! place=1,120000,200000,40000,40000
//! ```
//!
//! with a line for each place (page, left, upper, width, height in micrometres) in the order in which they are reported. The
//! digest of the list, which a card's statement carries as its document, is the SHA-256 of
//!
//! ```text
//! eseal-batch-v1
//! documents=1000
//! root=…
//! ```
//!
//! so that the size is fixed too, and no digest of a document passes for one of a list.

use std::fmt::Write as _;

use eseal_kernel::{Digest, merkle};

/// What the statement of a card is for where a list is sealed.
pub const BATCH_PURPOSE: &str = "seal-documents";
/// The most documents of one list.
pub const MAX_DOCUMENTS: u32 = 10_000;

/// Page, left, upper, width, height in micrometres.
pub type PlaceNumbers = (u32, i64, i64, i64, i64);

/// The leaf of a document with the places of its impressions.
pub fn document(digest: &Digest, places: impl IntoIterator<Item = PlaceNumbers>) -> Digest {
    let mut text = format!("eseal-batch-document-v1\ndocument={digest}\n");
    for (page, x, y, width, height) in places {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "place={page},{x},{y},{width},{height}");
    }
    merkle::leaf(text.as_bytes())
}

/// The digest of a list of `documents` documents under `root`.
pub fn list(root: &Digest, documents: u32) -> Digest {
    Digest::of(format!("eseal-batch-v1\ndocuments={documents}\nroot={root}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_that_are_documented() {
        let digest = Digest::of(b"");
        let text = format!("eseal-batch-document-v1\ndocument={digest}\nplace=1,-2,3,4,5\nplace=2,0,0,1,1\n");
        let leaf = document(&digest, [(1, -2, 3, 4, 5), (2, 0, 0, 1, 1)]);
        assert_eq!(leaf, Digest::of(&[&[0], text.as_bytes()].concat()));
        assert_eq!(list(&leaf, 7), Digest::of(format!("eseal-batch-v1\ndocuments=7\nroot={leaf}\n").as_bytes()));
    }

    #[test]
    fn places_and_sizes_are_part_of_what_is_agreed_to() {
        let digest = Digest::of(b"");
        assert_ne!(document(&digest, [(1, 0, 0, 1, 1)]), document(&digest, [(1, 0, 0, 1, 2)]));
        assert_ne!(document(&digest, []), document(&digest, [(1, 0, 0, 1, 1)]));
        assert_ne!(list(&digest, 1), list(&digest, 2));
    }
}
