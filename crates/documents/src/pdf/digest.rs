//! Digests over byte ranges, in pieces.

use eseal_pki::Hasher;

use crate::{OnProgress, Progress};

const PIECE: usize = 1 << 20;

/// The digest of what `hasher` has, and then of `parts` one after the other.
pub(crate) fn with(mut hasher: Hasher, parts: &[&[u8]], on_progress: OnProgress<'_>) -> Vec<u8> {
    let total = parts.iter().map(|part| part.len() as u64).sum();
    let mut done = 0;
    for piece in parts.iter().flat_map(|part| part.chunks(PIECE)) {
        hasher.update(piece);
        done += piece.len() as u64;
        on_progress(Progress { done, total });
    }
    hasher.finish()
}
