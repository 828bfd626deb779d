//! A list of things under one digest, and the proof that one of them stands at its place: the Merkle tree of RFC 9162
//! section 2.1 over SHA-256.
//!
//! Leaves and nodes are hashed with different first bytes, so that neither passes for the other. A proof names index and
//! size; the size must be known from elsewhere, as the root alone does not fix it.

use crate::Digest;

const LEAF: u8 = 0;
const NODE: u8 = 1;

/// A tree of which all proofs can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merkle {
    /// From the leaves up to the root; each level has half as many nodes as the one before. A last node without a
    /// neighbour goes up as it is.
    levels: Vec<Vec<Digest>>,
}

impl Merkle {
    /// The tree over these leaves, as [`leaf`] made them; none over nothing.
    pub fn over(leaves: Vec<Digest>) -> Option<Self> {
        if leaves.is_empty() {
            return None;
        }
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let pair = |pair: &[Digest]| match pair {
                [left, right] => node(left, right),
                alone => alone.first().copied().unwrap_or(Digest::from_bytes([0; 32])), // chunks are never empty
            };
            levels.push(below.chunks(2).map(pair).collect());
        }
        Some(Self { levels })
    }

    /// The digest that stands for the whole list.
    pub fn root(&self) -> Digest {
        let top = self.levels.last().and_then(|level| level.first());
        top.copied().unwrap_or(Digest::from_bytes([0; 32])) // `over` makes no tree without a top
    }

    /// The proof for the leaf at `index`; empty beyond the last one.
    pub fn path(&self, index: usize) -> Vec<Digest> {
        let neighbours = self.levels.iter().enumerate().map(|(height, level)| level.get((index >> height) ^ 1));
        neighbours.flatten().copied().collect()
    }
}

/// What stands for a thing in the tree.
pub fn leaf(content: &[u8]) -> Digest {
    Digest::of(&[&[LEAF], content].concat())
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut both = [NODE; 65];
    both[1..33].copy_from_slice(left.bytes());
    both[33..].copy_from_slice(right.bytes());
    Digest::of(&both)
}

/// Whether `leaf` stands at `index` of the `size` leaves under `root` (RFC 9162 section 2.1.3.2).
pub fn stands_under(root: &Digest, size: u32, index: u32, leaf: Digest, path: &[Digest]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut reached) = (index, size - 1, leaf);
    for neighbour in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            reached = node(neighbour, &reached);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            reached = node(&reached, neighbour);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && reached == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs and roots of the tests of Certificate Transparency (google/certificate-transparency, merkletree).
    const INPUTS: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: Vec<_> = INPUTS.iter().map(|input| leaf(&hex::decode(input).expect("hex"))).collect();
        for (size, root) in (1..).zip(ROOTS) {
            let tree = Merkle::over(leaves[..size].to_vec()).expect("a tree");
            assert_eq!(tree.root().to_string(), root, "{size} leaves");
        }
    }

    #[test]
    fn every_leaf_is_proved_at_its_place_and_at_no_other() {
        for size in 1..=33_u32 {
            let leaves: Vec<_> = (0..size).map(|i| leaf(&i.to_be_bytes())).collect();
            let tree = Merkle::over(leaves.clone()).expect("a tree");
            for (i, at) in (0..size).zip(&leaves) {
                let path = tree.path(i as usize);
                for other in 0..size + 2 {
                    assert_eq!(stands_under(&tree.root(), size, other, *at, &path), other == i, "{i} of {size}");
                }
            }
        }
    }

    #[test]
    fn a_proof_that_is_changed_anywhere_proves_nothing() {
        let leaves: Vec<_> = (0..21_u32).map(|i| leaf(&i.to_be_bytes())).collect();
        let tree = Merkle::over(leaves.clone()).expect("a tree");
        let (path, root) = (tree.path(20), tree.root());
        assert!(stands_under(&root, 21, 20, leaves[20], &path));
        assert!(!stands_under(&root, 21, 20, leaves[19], &path));
        assert!(!stands_under(&leaf(b""), 21, 20, leaves[20], &path));
        assert!(!stands_under(&root, 21, 20, leaves[20], &path[1..]));
        assert!(!stands_under(&root, 21, 20, leaves[20], &[path.as_slice(), &[root]].concat()));
        for i in 0..path.len() {
            let mut changed = path.clone();
            changed[i] = leaf(b"another");
            assert!(!stands_under(&root, 21, 20, leaves[20], &changed), "{i}");
        }
    }

    #[test]
    fn over_nothing_there_is_no_tree() {
        assert_eq!(Merkle::over(vec![]), None);
        assert!(!stands_under(&leaf(b""), 0, 0, leaf(b""), &[]));
    }
}
