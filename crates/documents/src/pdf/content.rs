//! A document that is read from its first byte to its last, beside the mapping of it.

use std::io::{ErrorKind, Read};

use crate::DocumentError;

/// Bytes that are read, hashed and written at once.
pub(crate) const PIECE: usize = 1 << 20;

/// Gives the `length` bytes of `content` to `take`, piece by piece, each with how many there were with it.
///
/// # Errors
/// Those of `take`; [`DocumentError::Read`]; [`DocumentError::Changed`] where `content` has more or fewer bytes.
pub(crate) fn pieces(
    content: &mut dyn Read,
    length: usize,
    mut take: impl FnMut(&[u8], u64) -> Result<(), DocumentError>,
) -> Result<(), DocumentError> {
    let mut piece = vec![0; PIECE.min(length.max(1))];
    let mut done = 0;
    loop {
        let read = match content.read(&mut piece) {
            Ok(0) if done == length => return Ok(()),
            Ok(0) => return Err(DocumentError::Changed),
            Ok(count) => piece.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(DocumentError::Read(error)),
        };
        done += read.len();
        if done > length {
            return Err(DocumentError::Changed);
        }
        take(read, done as u64)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bytes_are_read_as_there_must_be_and_no_more() {
        let bytes: Vec<u8> = (0..3 * PIECE as u32).map(|number| (number * 7 % 251) as u8).collect();
        let mut taken = Vec::new();
        let mut keep = |piece: &[u8], done| {
            taken.extend_from_slice(piece);
            assert_eq!(taken.len() as u64, done);
            Ok(())
        };
        pieces(&mut bytes.as_slice(), bytes.len(), &mut keep).expect("read");
        assert!(taken == bytes);
        for length in [bytes.len() - 1, bytes.len() + 1] {
            let changed = pieces(&mut bytes.as_slice(), length, |_, _| Ok(()));
            assert!(matches!(changed, Err(DocumentError::Changed)));
        }
        // Which has no end.
        let changed = pieces(&mut std::io::repeat(0), 10 * PIECE, |_, _| Ok(()));
        assert!(matches!(changed, Err(DocumentError::Changed)));
    }
}
