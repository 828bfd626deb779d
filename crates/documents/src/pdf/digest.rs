//! Digests over byte ranges, in pieces.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;

use eseal_pki::{DigestAlg, Hasher};

use super::content::{self, PIECE};
use crate::{DocumentError, OnProgress, Progress};

/// How far the start of a document was hashed already, by algorithm. Signatures of one document have most of it in common:
/// each covers what the one before it does, and its value.
#[derive(Default)]
pub(crate) struct Prefixes(RefCell<HashMap<DigestAlg, (usize, Hasher)>>);

impl Prefixes {
    /// The digest of two ranges of `bytes`, the first from the start, by a hasher that has taken in nothing, or else by
    /// itself.
    pub(crate) fn digest(
        &self,
        bytes: &[u8],
        [first, second]: [Range<usize>; 2],
        hasher: Hasher,
        on_progress: OnProgress<'_>,
    ) -> Vec<u8> {
        let part = |range: Range<usize>| bytes.get(range).unwrap_or_default();
        if !hasher.is_fresh() || first.start != 0 {
            return with(hasher, &[part(first), part(second)], on_progress);
        }
        let alg = hasher.alg();
        let known = self.0.borrow_mut().remove(&alg).filter(|(at, _)| *at <= first.end);
        let (at, mut hasher) = known.unwrap_or((0, hasher));
        let total = (first.end + second.len()) as u64;
        let mut done = at as u64;
        feed(&mut hasher, part(at..first.end), &mut |length| {
            done += length;
            on_progress(Progress { done, total });
        });
        self.0.borrow_mut().insert(alg, (first.end, hasher.clone()));
        feed(&mut hasher, part(second), &mut |length| {
            done += length;
            on_progress(Progress { done, total });
        });
        hasher.finish()
    }
}

fn feed(hasher: &mut Hasher, bytes: &[u8], fed: &mut dyn FnMut(u64)) {
    for piece in bytes.chunks(PIECE) {
        hasher.update(piece);
        fed(piece.len() as u64);
    }
}

/// The digest of what `hasher` has, and then of `parts` one after the other.
pub(crate) fn with(mut hasher: Hasher, parts: &[&[u8]], on_progress: OnProgress<'_>) -> Vec<u8> {
    let total = parts.iter().map(|part| part.len() as u64).sum();
    let mut done = 0;
    for part in parts {
        feed(&mut hasher, part, &mut |length| {
            done += length;
            on_progress(Progress { done, total });
        });
    }
    hasher.finish()
}

/// The same where the first part is read: `length` bytes, which `content` must end with.
///
/// # Errors
/// [`DocumentError::Read`]; [`DocumentError::Changed`] where `content` has more or fewer bytes.
pub(crate) fn reading(
    mut hasher: Hasher,
    content: &mut dyn Read,
    length: usize,
    rest: &[&[u8]],
    on_progress: OnProgress<'_>,
) -> Result<Vec<u8>, DocumentError> {
    let total = length as u64 + rest.iter().map(|part| part.len() as u64).sum::<u64>();
    content::pieces(content, length, |piece, done| {
        hasher.update(piece);
        on_progress(Progress { done, total });
        Ok(())
    })?;
    rest.iter().for_each(|part| hasher.update(part));
    on_progress(Progress { done: total, total });
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_with_a_common_start_have_the_digests_that_they_have_alone() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|number| (number * 7 % 251) as u8).collect();
        let alone =
            |[first, second]: [Range<usize>; 2]| DigestAlg::Sha256.digest(&[&bytes[first], &bytes[second]].concat());
        let prefixes = Prefixes::default();
        for ranges in [[0..100, 200..300], [0..400, 500..1_000], [0..50, 60..70], [0..9_000, 9_100..10_000]] {
            let hasher = DigestAlg::Sha256.hasher();
            assert_eq!(prefixes.digest(&bytes, ranges.clone(), hasher, &mut |_| {}), alone(ranges));
        }
        let mut fed = DigestAlg::Sha256.hasher();
        fed.update(b"Z");
        let with_z = prefixes.digest(&bytes, [0..9_500, 9_600..10_000], fed, &mut |_| {});
        assert_eq!(with_z, DigestAlg::Sha256.digest(&[b"Z", &bytes[..9_500], &bytes[9_600..]].concat()));
    }
}
