//! The digest algorithms that documents and signatures name, and hashing in pieces.

use std::fmt;

use aws_lc_rs::digest as aws;
use md5::Md5;
use sm3::Sm3;
use sm3::digest::Digest as _;

use crate::oid::{self, Oid};

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlg {
    /// SM3 (GB/T 32905).
    Sm3,
    /// SHA-1. Read only: see [`DigestAlg::is_weak`].
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// MD5. Read only: OFD's default for the digests of files (GB/T 33190-2016, table 67).
    Md5,
}

impl DigestAlg {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [Self::Sm3, Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512, Self::Md5];

    /// The algorithm that this object identifier names.
    pub fn from_oid(oid: &Oid) -> Option<Self> {
        if *oid == oid::SM3_KEYLESS {
            return Some(Self::Sm3);
        }
        Self::ALL.into_iter().find(|alg| alg.oid() == *oid)
    }

    /// The algorithm that a document names by its name in any case (`SM3`, `SHA256`, `sha-256`) or by its dotted identifier.
    ///
    /// `None` for anything else, among it SM3 with a key (`1.2.156.10197.1.401.2`), which nobody without that key can check.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let plain = name.replace('-', "").to_ascii_uppercase();
        Self::ALL
            .into_iter()
            .find(|alg| alg.name().replace('-', "") == plain || alg.oid().to_string() == name)
            .or_else(|| (oid::SM3_KEYLESS.to_string() == name).then_some(Self::Sm3))
    }

    /// The usual name: `SM3`, `SHA-256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sm3 => "SM3",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Md5 => "MD5",
        }
    }

    /// The object identifier.
    pub const fn oid(self) -> Oid {
        match self {
            Self::Sm3 => oid::SM3,
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
            Self::Md5 => oid::MD5,
        }
    }

    /// Bytes of a digest.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sm3 | Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Whether two contents with one digest can be made: what rests on it alone deserves a warning.
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }

    /// A hasher for contents that come in pieces.
    pub fn hasher(self) -> Hasher {
        let state = match self {
            Self::Sm3 => State::Sm3(Sm3::new()),
            Self::Md5 => State::Md5(Md5::new()),
            Self::Sha1 => State::Sha(aws::Context::new(&aws::SHA1_FOR_LEGACY_USE_ONLY)),
            Self::Sha256 => State::Sha(aws::Context::new(&aws::SHA256)),
            Self::Sha384 => State::Sha(aws::Context::new(&aws::SHA384)),
            Self::Sha512 => State::Sha(aws::Context::new(&aws::SHA512)),
        };
        Hasher { alg: self, state, is_fresh: true }
    }

    /// The digest of `content`.
    pub fn digest(self, content: &[u8]) -> Vec<u8> {
        let mut hasher = self.hasher();
        hasher.update(content);
        hasher.finish()
    }
}

impl fmt::Display for DigestAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Computes one digest from pieces. Also a [`std::io::Write`], so that `std::io::copy` can feed it.
#[derive(Clone)]
pub struct Hasher {
    alg: DigestAlg,
    state: State,
    is_fresh: bool,
}

#[derive(Clone)]
enum State {
    Sm3(Sm3),
    Md5(Md5),
    Sha(aws::Context),
}

impl Hasher {
    /// SM3 that has already been fed with something, such as the Z of an SM2 key.
    pub(crate) fn from_sm3(state: Sm3) -> Self {
        Self { alg: DigestAlg::Sm3, state: State::Sm3(state), is_fresh: false }
    }

    /// The algorithm.
    pub fn alg(&self) -> DigestAlg {
        self.alg
    }

    /// Whether nothing was taken in yet, not even the Z of a key: one like any other of its algorithm.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Takes in the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.is_fresh = false;
        match &mut self.state {
            State::Sm3(hasher) => hasher.update(piece),
            State::Md5(hasher) => hasher.update(piece),
            State::Sha(hasher) => hasher.update(piece),
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Sm3(hasher) => hasher.finalize().to_vec(),
            State::Md5(hasher) => hasher.finalize().to_vec(),
            State::Sha(hasher) => hasher.finish().as_ref().to_vec(),
        }
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.update(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("alg", &self.alg).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_abc_are_the_published_ones() {
        // GB/T 32905 annex A.1, RFC 1321 A.5, FIPS 180-4 examples.
        let published = [
            (DigestAlg::Sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
            (DigestAlg::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (DigestAlg::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (DigestAlg::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                DigestAlg::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
        ];
        for (alg, expected) in published {
            assert_eq!(hex::encode(alg.digest(b"abc")), expected, "{alg}");
        }
    }

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        for alg in DigestAlg::ALL {
            let mut hasher = alg.hasher();
            b"a long enough message ".repeat(40).chunks(7).for_each(|piece| hasher.update(piece));
            let digest = hasher.finish();
            assert_eq!(digest, alg.digest(&b"a long enough message ".repeat(40)), "{alg}");
            assert_eq!(digest.len(), alg.output_len(), "{alg}");
        }
    }

    #[test]
    fn the_names_that_documents_use_are_understood() {
        for (name, alg) in [
            ("SM3", DigestAlg::Sm3),
            ("sm3", DigestAlg::Sm3),
            ("1.2.156.10197.1.401", DigestAlg::Sm3),
            ("1.2.156.10197.1.401.1", DigestAlg::Sm3),
            ("MD5", DigestAlg::Md5),
            ("SHA1", DigestAlg::Sha1),
            ("SHA-256", DigestAlg::Sha256),
            ("2.16.840.1.101.3.4.2.3", DigestAlg::Sha512),
        ] {
            assert_eq!(DigestAlg::from_name(name), Some(alg), "{name}");
        }
        assert_eq!(DigestAlg::from_name("1.2.156.10197.1.401.2"), None, "SM3 with a key");
        assert_eq!(DigestAlg::from_name(""), None);
    }
}
