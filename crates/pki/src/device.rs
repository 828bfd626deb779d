//! The forms in which devices (PKCS #11, GM/T 0016) speak of keys and signatures: the parts of a public key by themselves,
//! r and s side by side, and digests instead of messages.

use crate::asn1::{Reader, tag, writer};
use crate::oid;
use crate::public_key::{BadSignature, KeyError, PublicKey};
use crate::signature_value;
use crate::suite::Suite;

/// Bytes of one half of a signature on a curve of 256 bits.
const HALF_256: usize = 32;
const HALF_384: usize = 48;

impl PublicKey {
    /// A key on a curve: the curve's OBJECT IDENTIFIER as DER (CKA_EC_PARAMS), and the point, bare or in an OCTET STRING
    /// (CKA_EC_POINT is the latter by PKCS #11, and the former on some tokens).
    ///
    /// # Errors
    /// It is no point of a curve that is supported.
    pub fn from_device_point(curve: &[u8], point: &[u8]) -> Result<Self, KeyError> {
        let wrapped = Reader::der(point).single(tag::OCTET_STRING, "a point").ok();
        let point = wrapped.as_ref().map_or(point, |octets| octets.content);
        let algorithm = writer::sequence(&[writer::oid(&oid::EC_PUBLIC_KEY), curve.to_vec()]);
        Self::from_spki_der(&writer::sequence(&[algorithm, writer::bit_string(point)]))
    }

    /// An SM2 key from the two coordinates of its point, 32 bytes each.
    ///
    /// # Errors
    /// It is no point of the curve.
    pub fn from_device_sm2(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        Self::sm2(&[&[4][..], x, y].concat())
    }

    /// An RSA key from its modulus and public exponent, most significant byte first.
    ///
    /// # Errors
    /// It is no key of a size that is supported.
    pub fn from_device_modulus(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        Self::rsa(&writer::sequence(&[writer::unsigned(modulus), writer::unsigned(exponent)]))
    }

    /// The two coordinates of an SM2 key's point, 32 bytes each; `None` for another kind of key.
    pub fn device_sm2_point(&self) -> Option<([u8; HALF_256], [u8; HALF_256])> {
        let spki = self.to_spki_der();
        let point = (self.suite() == Some(Suite::Sm2Sm3)).then(|| spki.last_chunk::<{ 2 * HALF_256 }>())??;
        let (x, y) = point.split_at(HALF_256);
        Some((x.try_into().ok()?, y.try_into().ok()?))
    }

    /// What a device signs for `message` in `suite`: e = SM3(Z ‖ M) for SM2 (GM/T 0003.2 §6.1), the digest for ECDSA, and the
    /// DigestInfo for RSA (RFC 8017 §9.2, for CKM_RSA_PKCS, which pads). `None` where the suite is not this key's.
    pub fn device_input(&self, suite: Suite, message: &[u8]) -> Option<Vec<u8>> {
        if self.suite()?.with_digest(suite.digest()) != Some(suite) {
            return None;
        }
        let mut hasher = self.sm2_z_hasher().unwrap_or_else(|| suite.digest().hasher());
        hasher.update(message);
        let digest = hasher.finish();
        if !suite.is_rsa() {
            return Some(digest);
        }
        let algorithm = writer::sequence(&[writer::oid(&suite.digest().oid()), writer::null()]);
        Some(writer::sequence(&[algorithm, writer::octet_string(&digest)]))
    }

    /// What a device gave as this key's signature, as DER: r and s side by side (PKCS #11 v3.1 §6.3.1) become `SEQUENCE { r, s }`.
    /// Some modules give that by themselves, which is taken too: but for one in 2^40 it has another length, and is strict DER.
    ///
    /// # Errors
    /// It has neither form for this key. Whether it verifies is another question.
    pub fn device_signature(&self, raw: &[u8]) -> Result<Vec<u8>, BadSignature> {
        let half = match self.suite().ok_or(BadSignature)? {
            Suite::Sm2Sm3 | Suite::EcdsaP256Sha256 => HALF_256,
            Suite::EcdsaP384Sha384 => HALF_384,
            Suite::RsaSha256 | Suite::RsaSha384 | Suite::RsaSha512 => {
                let fits = Some(raw.len()) == self.longest_signature();
                return if fits { Ok(raw.to_vec()) } else { Err(BadSignature) };
            }
        };
        if raw.len() == 2 * half {
            return Ok(signature_value::to_der(raw));
        }
        signature_value::to_fixed(raw, half).map(|_| raw.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RsaBits, Signer as _, SigningKey};

    const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

    #[test]
    fn a_point_is_understood_bare_and_in_an_octet_string() {
        let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key").public_key();
        let point = key.to_spki_der().last_chunk::<65>().expect("a point").to_vec();
        assert_eq!(PublicKey::from_device_point(P256, &point).as_ref(), Ok(&key));
        assert_eq!(PublicKey::from_device_point(P256, &writer::octet_string(&point)).as_ref(), Ok(&key));
        assert!(PublicKey::from_device_point(P256, &point[1..]).is_err());
        assert!(PublicKey::from_device_point(&[], &point).is_err());
    }

    #[test]
    fn an_sm2_key_is_the_same_by_its_coordinates() {
        let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key").public_key();
        let (x, y) = key.device_sm2_point().expect("coordinates");
        assert_eq!(PublicKey::from_device_sm2(&x, &y).as_ref(), Ok(&key));
        assert!(PublicKey::from_device_sm2(&y, &x).is_err());
    }

    #[test]
    fn what_a_device_is_given_is_what_the_verifier_hashes() {
        for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
            let key = SigningKey::generate(suite).expect("a key");
            let public = key.public_key();
            let input = public.device_input(suite, b"message").expect("its suite");
            let der = key.sign(b"message").expect("signed");
            assert_eq!(public.verify_prehash(&input, &der), Ok(()), "{suite}");
            let raw = signature_value::to_fixed(&der, HALF_256).expect("two numbers");
            let again = public.device_signature(&raw).expect("its length");
            assert_eq!(public.verify(b"message", &again), Ok(()), "{suite}");
            for short in [&raw[1..], &[&[4][..], &raw].concat(), &der[1..], &[&der[..], &[0]].concat(), b""] {
                assert_eq!(public.device_signature(short), Err(BadSignature), "{suite}: {} bytes", short.len());
            }
        }
    }

    #[test]
    fn a_signature_that_a_device_gives_as_der_is_taken_as_it_is_and_only_as_strict_der_of_two_numbers() {
        for suite in [Suite::Sm2Sm3, Suite::EcdsaP256Sha256] {
            let key = SigningKey::generate(suite).expect("a key");
            let (public, der) = (key.public_key(), key.sign(b"message").expect("signed"));
            assert_eq!(public.device_signature(&der).as_ref(), Ok(&der), "{suite}");
            let [one, long] = [writer::number(1), writer::unsigned(&[0xff; HALF_256 + 1])];
            for numbers in [vec![&one], vec![&one, &long], vec![&one, &one, &one]] {
                let other: Vec<Vec<u8>> = numbers.into_iter().cloned().collect();
                assert_eq!(public.device_signature(&writer::sequence(&other)), Err(BadSignature), "{suite}");
            }
        }
    }

    #[test]
    fn a_device_that_hashes_by_itself_is_given_the_z_of_the_key() {
        let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key").public_key();
        let mut hasher = Suite::Sm2Sm3.digest().hasher();
        hasher.update(&key.sm2_z().expect("an SM2 key"));
        hasher.update(b"message");
        assert_eq!(Some(hasher.finish()), key.device_input(Suite::Sm2Sm3, b"message"));
        let other = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key").public_key();
        assert_eq!(other.sm2_z(), None);
    }

    #[test]
    fn an_rsa_device_is_given_the_digest_info_of_rfc_8017() {
        let public = SigningKey::generate_rsa(RsaBits::Rsa2048).expect("a key").public_key();
        let input = public.device_input(Suite::RsaSha256, b"message").expect("its suite");
        // The prefix that RFC 8017 §9.2 note 1 gives for SHA-256.
        assert!(hex::encode(&input).starts_with("3031300d060960864801650304020105000420"), "{input:02x?}");
        assert_eq!(input.len(), 19 + 32);
        assert_eq!(public.device_input(Suite::EcdsaP256Sha256, b"message"), None);
    }
}
