//! The digest algorithms that documents and signatures name, and hashing in pieces.

use std::fmt;

use aws_lc_rs::digest as aws;
use md5::Md5;
use ripemd::Ripemd160;
use sha3::Sha3_224;
use shake::Shake256;
use shake::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use sm3::Sm3;
use sm3::digest::Digest;

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
    /// SHA-224. This one and those below it are read only: what signatures of other producers name.
    Sha224,
    /// SHA3-224 (FIPS 202).
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
    /// SHAKE256 with 512 bits: the digest that goes with Ed448 (RFC 8419 §3.1).
    Shake256,
    /// RIPEMD-160, of qualified signatures before 2011 or so.
    Ripemd160,
}

impl DigestAlg {
    /// Every algorithm.
    pub const ALL: [Self; 13] = [
        Self::Sm3,
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Md5,
        Self::Sha224,
        Self::Sha3_224,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
        Self::Shake256,
        Self::Ripemd160,
    ];

    /// The algorithm that this object identifier names.
    pub fn from_oid(oid: &Oid) -> Option<Self> {
        match *oid {
            oid::SM3_KEYLESS => return Some(Self::Sm3),
            oid::SHAKE256_LEN => return Some(Self::Shake256), // the length is a parameter, and 512 for signatures
            _ => {}
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
            Self::Sha224 => "SHA-224",
            Self::Sha3_224 => "SHA3-224",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_384 => "SHA3-384",
            Self::Sha3_512 => "SHA3-512",
            Self::Shake256 => "SHAKE256",
            Self::Ripemd160 => "RIPEMD-160",
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
            Self::Sha224 => oid::SHA224,
            Self::Sha3_224 => oid::SHA3_224,
            Self::Sha3_256 => oid::SHA3_256,
            Self::Sha3_384 => oid::SHA3_384,
            Self::Sha3_512 => oid::SHA3_512,
            Self::Shake256 => oid::SHAKE256,
            Self::Ripemd160 => oid::RIPEMD160,
        }
    }

    /// Bytes of a digest.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 | Self::Ripemd160 => 20,
            Self::Sha224 | Self::Sha3_224 => 28,
            Self::Sm3 | Self::Sha256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 | Self::Shake256 => 64,
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
            Self::Sha224 => State::Sha(aws::Context::new(&aws::SHA224)),
            Self::Sha3_224 => State::Sha3(Sha3_224::new()),
            Self::Sha3_256 => State::Sha(aws::Context::new(&aws::SHA3_256)),
            Self::Sha3_384 => State::Sha(aws::Context::new(&aws::SHA3_384)),
            Self::Sha3_512 => State::Sha(aws::Context::new(&aws::SHA3_512)),
            Self::Shake256 => State::Shake(Shake256::default()),
            Self::Ripemd160 => State::Ripemd(Ripemd160::new()),
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
    Sha3(Sha3_224),
    Shake(Shake256),
    Ripemd(Ripemd160),
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
            State::Sm3(hasher) => Digest::update(hasher, piece),
            State::Md5(hasher) => Digest::update(hasher, piece),
            State::Sha(hasher) => hasher.update(piece),
            State::Sha3(hasher) => Digest::update(hasher, piece),
            State::Shake(hasher) => hasher.update(piece),
            State::Ripemd(hasher) => Digest::update(hasher, piece),
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Sm3(hasher) => hasher.finalize().to_vec(),
            State::Md5(hasher) => hasher.finalize().to_vec(),
            State::Sha(hasher) => hasher.finish().as_ref().to_vec(),
            State::Sha3(hasher) => hasher.finalize().to_vec(),
            State::Shake(hasher) => {
                let mut digest = vec![0; self.alg.output_len()];
                hasher.finalize_xof().read(&mut digest);
                digest
            }
            State::Ripemd(hasher) => hasher.finalize().to_vec(),
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
            // FIPS 180-4 and FIPS 202 examples, RFC 8702, and the paper of RIPEMD-160.
            (DigestAlg::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (DigestAlg::Sha3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
            (DigestAlg::Sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
            (
                DigestAlg::Shake256,
                "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739d5a15bef186a5386c75744c0527e1faa\
                 9f8726e462a12a4feb06bd8801e751e4",
            ),
            (DigestAlg::Ripemd160, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
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
            ("SHA3-256", DigestAlg::Sha3_256),
            ("ripemd160", DigestAlg::Ripemd160),
        ] {
            assert_eq!(DigestAlg::from_name(name), Some(alg), "{name}");
        }
        assert_eq!(DigestAlg::from_name("1.2.156.10197.1.401.2"), None, "SM3 with a key");
        assert_eq!(DigestAlg::from_name(""), None);
    }
}
