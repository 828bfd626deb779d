//! RSA signatures that aws-lc does not check: keys below 2048 bits with all but two paddings, digests beside SHA-1 and
//! SHA-2, salts of any length (RFC 8017 §8.1.2 and §8.2.2). Checking only, and of public numbers only.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

use crate::algorithm::SignatureAlgorithm;
use crate::asn1::{Malformed, Reader, tag, writer};
use crate::digest_alg::DigestAlg;
use crate::public_key::BadSignature;

/// Bits of the largest modulus that is computed with, and of the largest exponent, which is what the time grows with.
const MAX_BITS: usize = 16_384;
const MAX_EXPONENT: u64 = 1 << 33;

/// The numbers of an RSAPublicKey.
pub(crate) struct RsaNumbers {
    modulus: Vec<u8>,
    exponent: u64,
}

impl RsaNumbers {
    /// # Errors
    /// It is no RSAPublicKey (RFC 8017 annex A.1.1), or its numbers are beyond what is computed with.
    pub(crate) fn read(key: &[u8]) -> Result<Self, Malformed> {
        const WHAT: &str = "an RSA key";
        let mut numbers = Reader::der(key).single(tag::SEQUENCE, WHAT)?.inside()?;
        let modulus = numbers.any(WHAT)?.unsigned(WHAT)?.to_vec();
        let exponent = numbers.any(WHAT)?.unsigned(WHAT)?;
        if exponent.len() > 8 || modulus.len() > MAX_BITS / 8 {
            return Err(Malformed(WHAT));
        }
        let exponent = exponent.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if !(3..=MAX_EXPONENT).contains(&exponent) || modulus.last().is_none_or(|last| last.is_multiple_of(2)) {
            return Err(Malformed(WHAT));
        }
        Ok(Self { modulus, exponent })
    }

    /// Whether `signature` is over a message of this hash.
    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let encoded = self.open(signature).ok_or(BadSignature)?;
        let holds = match algorithm {
            SignatureAlgorithm::RsaPkcs1(digest) => {
                let wanted = [true, false].map(|null| pkcs1(digest, hash, encoded.len(), null));
                wanted.contains(&Some(encoded))
            }
            SignatureAlgorithm::RsaPss { digest, mask, salt_len } => {
                let bits =
                    8 * self.modulus.len() - self.modulus.first().map_or(0, |first| first.leading_zeros() as usize);
                is_pss(&encoded, bits.saturating_sub(1), (digest, mask), salt_len, hash).is_some_and(|holds| holds)
            }
            _ => false,
        };
        if holds { Ok(()) } else { Err(BadSignature) }
    }

    /// RSAVP1 (§5.2.2), as long as the modulus.
    fn open(&self, signature: &[u8]) -> Option<Vec<u8>> {
        if signature.len() != self.modulus.len() || signature >= self.modulus.as_slice() {
            return None;
        }
        let bits = u32::try_from(self.modulus.len() * 8).ok()?;
        let modulus = BoxedUint::from_be_slice(&self.modulus, bits).ok()?;
        let precision = modulus.bits_precision();
        let params = BoxedMontyParams::new_vartime(Odd::new(modulus).into_option()?);
        let value = BoxedUint::from_be_slice(signature, precision).ok()?;
        let opened = BoxedMontyForm::new(value, &params).pow(&BoxedUint::from(self.exponent)).retrieve().to_be_bytes();
        let (zeros, opened) = opened.split_at(opened.len().checked_sub(self.modulus.len())?);
        zeros.iter().all(|byte| *byte == 0).then(|| opened.to_vec())
    }
}

/// EMSA-PKCS1-v1_5 (§9.2): the whole encoding, so that nothing can hide in the padding. The parameters NULL may be left out.
fn pkcs1(digest: DigestAlg, hash: &[u8], length: usize, null: bool) -> Option<Vec<u8>> {
    let mut algorithm = vec![writer::oid(&digest.oid())];
    if null {
        algorithm.push(writer::null());
    }
    let info = writer::sequence(&[writer::sequence(&algorithm), writer::octet_string(hash)]);
    let padding = length.checked_sub(info.len() + 3).filter(|padding| *padding >= 8)?;
    Some([&[0, 1][..], &vec![0xff; padding], &[0], &info].concat())
}

/// EMSA-PSS-VERIFY (§9.1.2) with `bits` of encoded message.
fn is_pss(
    encoded: &[u8],
    bits: usize,
    (digest, mask): (DigestAlg, DigestAlg),
    salt_len: u32,
    hash: &[u8],
) -> Option<bool> {
    let length = bits.div_ceil(8);
    let (zeros, encoded) = encoded.split_at(encoded.len().checked_sub(length)?);
    let salt_len = usize::try_from(salt_len).ok()?;
    let (h_len, unused) = (digest.output_len(), 8 * length - bits);
    let (masked, rest) = encoded.split_at_checked(length.checked_sub(h_len + 1)?)?;
    let (seed, trailer) = rest.split_at_checked(h_len)?;
    let mut block: Vec<u8> = masked.iter().zip(mgf1(mask, seed, masked.len())).map(|(a, b)| a ^ b).collect();
    let first = block.first_mut()?;
    *first &= 0xff >> unused;
    let (padding, salt) = block.split_at_checked(block.len().checked_sub(salt_len)?)?;
    let (one, blank) = padding.split_last()?;
    let is_clear = zeros.iter().chain(blank).all(|byte| *byte == 0)
        && masked.first().is_some_and(|first| first.leading_zeros() as usize >= unused);
    let again = digest.digest(&[&[0; 8][..], hash, salt].concat());
    Some(trailer == [0xbc] && *one == 1 && is_clear && again == seed)
}

/// MGF1 (annex B.2.1).
fn mgf1(digest: DigestAlg, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u32..).map(|counter| digest.digest(&[seed, &counter.to_be_bytes()].concat()));
    let mut mask = Vec::with_capacity(length + digest.output_len());
    for block in blocks {
        if mask.len() >= length {
            break;
        }
        mask.extend(block);
    }
    mask.truncate(length);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_take_long_or_are_no_key_are_refused() {
        let key = |modulus: &[u8], exponent: &[u8]| {
            writer::sequence(&[writer::unsigned(modulus), writer::unsigned(exponent)])
        };
        assert!(RsaNumbers::read(&key(&[0xc3; 128], &[1, 0, 1])).is_ok());
        for (modulus, exponent) in [
            (vec![0xc3; 128], vec![9; 9]),
            (vec![0xc3; 128], vec![9; 5]),
            (vec![0xc3; 128], vec![1]),
            (vec![0xc2; 128], vec![3]),
            (vec![0xc3; 2049], vec![3]),
        ] {
            assert!(RsaNumbers::read(&key(&modulus, &exponent)).is_err(), "{} {exponent:?}", modulus.len());
        }
    }

    #[test]
    fn an_encoding_with_less_padding_or_something_behind_the_digest_is_no_encoding() {
        let hash = DigestAlg::Sha256.digest(b"abc");
        let whole = pkcs1(DigestAlg::Sha256, &hash, 128, true).expect("it fits");
        assert_eq!(whole.len(), 128);
        assert_eq!(whole[..3], [0, 1, 0xff]);
        assert!(whole.ends_with(&hash));
        assert_eq!(pkcs1(DigestAlg::Sha512, &DigestAlg::Sha512.digest(b"abc"), 64, true), None);
    }
}
