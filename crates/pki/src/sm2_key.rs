//! SM2 keys (GB/T 32918): the curve is the crate `sm2`'s, Z and the two forms of a signature are handled here.

use std::array;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use primeorder::{LookupTable, Radix16Decomposition, Radix16Digits};
use sm2::dsa::{Signature, VerifyingKey};
use sm2::elliptic_curve::Group as _;
use sm2::elliptic_curve::ops::{MulByGeneratorVartime as _, Reduce as _};
use sm2::elliptic_curve::point::AffineCoordinates as _;
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use sm2::{FieldBytes, ProjectivePoint, Scalar, Sm2};
use sm3::Sm3;
use sm3::digest::Digest as _;

use crate::digest_alg::Hasher;
use crate::public_key::{BadSignature, KeyError, SignatureForm};
use crate::signature_value::to_fixed;

/// The identity that every certificate, seal and document signature uses (GB/T 35276 §10).
pub(crate) const IDENTITY: &str = "1234567812345678";

/// a, b, and the generator's x and y (GB/T 32918.5 §2): what stands between the identity and the key in Z.
const CURVE: [u64; 16] = [
    0xffff_fffe_ffff_ffff,
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_0000_0000,
    0xffff_ffff_ffff_fffc,
    0x28e9_fa9e_9d9f_5e34,
    0x4d5a_9e4b_cf65_09a7,
    0xf397_89f5_15ab_8f92,
    0xddbc_bd41_4d94_0e93,
    0x32c4_ae2c_1f19_8119,
    0x5f99_0446_6a39_c994,
    0x8fe3_0bbf_f266_0be1,
    0x715a_4589_334c_74c7,
    0xbc37_36a2_f4f6_779c,
    0x59bd_cee3_6b69_2153,
    0xd0a9_877c_c62a_4740,
    0x02df_32e5_2139_f0a0,
];

/// SM3 after the part of Z that is the same for every key: ENTL ‖ ID ‖ a ‖ b ‖ Gx ‖ Gy.
static BEFORE_KEY: LazyLock<Sm3> = LazyLock::new(|| {
    let bits_of_identity = IDENTITY.len() as u16 * 8;
    let hasher = Sm3::new_with_prefix(bits_of_identity.to_be_bytes()).chain_update(IDENTITY);
    CURVE.iter().fold(hasher, |hasher, number| hasher.chain_update(number.to_be_bytes()))
});

/// A key that checked so many signatures will check more: then its multiples are worth their making, which costs two checks.
const WORTH_MULTIPLES: u32 = 3;

pub(crate) struct Sm2PublicKey {
    key: VerifyingKey,
    checked: AtomicU32,
    multiples: OnceLock<Box<Multiples>>,
    /// SM3 after Z. Cloning it costs less than hashing Z again.
    after_z: Sm3,
}

impl Sm2PublicKey {
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_sec1_bytes(IDENTITY, point).map_err(|_| KeyError::Invalid)?;
        let after_z = Sm3::new_with_prefix(z(&key));
        Ok(Self { key, checked: AtomicU32::new(0), multiples: OnceLock::new(), after_z })
    }

    /// 04 ‖ x ‖ y.
    pub(crate) fn point(&self) -> Vec<u8> {
        self.key.as_affine().to_sec1_point(false).as_bytes().to_vec()
    }

    pub(crate) fn z(&self) -> [u8; 32] {
        z(&self.key)
    }

    pub(crate) fn z_hasher(&self) -> Hasher {
        Hasher::from_sm3(self.after_z.clone())
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.check(&self.e(message), &from_der(signature)?)
    }

    pub(crate) fn verify_raw_or_der(&self, message: &[u8], signature: &[u8]) -> Result<SignatureForm, BadSignature> {
        let (signature, form) = match from_der(signature) {
            Ok(signature) => (signature, SignatureForm::Der),
            Err(BadSignature) => (Signature::from_slice(signature).map_err(|_| BadSignature)?, SignatureForm::Raw),
        };
        self.check(&self.e(message), &signature)?;
        Ok(form)
    }

    pub(crate) fn verify_prehash(&self, e: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.check(e, &from_der(signature)?)
    }

    /// GB/T 32918.2 §7.1, B1 to B7. Everything here is public, so it may take a time that depends on it; the crate's own check
    /// is as slow as signing has to be.
    fn check(&self, e: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let e: FieldBytes = e.try_into().map_err(|_| BadSignature)?;
        let (r, s) = (signature.r(), signature.s()); // neither is zero, or it would be no Signature
        let t = *r + *s;
        if bool::from(t.is_zero()) {
            return Err(BadSignature);
        }
        let point = self.combined(&s, &t);
        if bool::from(point.is_identity()) {
            return Err(BadSignature);
        }
        let x = point.to_affine().x();
        if *r == Scalar::reduce(&e) + Scalar::reduce(&x) { Ok(()) } else { Err(BadSignature) }
    }

    /// s·G + t·P, P being the key.
    fn combined(&self, s: &Scalar, t: &Scalar) -> ProjectivePoint {
        let point = || ProjectivePoint::from(*self.key.as_affine());
        if self.checked.fetch_add(1, Ordering::Relaxed) < WORTH_MULTIPLES {
            return ProjectivePoint::mul_by_generator_and_mul_add_vartime(s, t, &point());
        }
        let multiples = self.multiples.get_or_init(|| Multiples::of(point()));
        ProjectivePoint::mul_by_generator_vartime(s) + multiples.times(t)
    }

    /// e = SM3(Z ‖ M).
    fn e(&self, message: &[u8]) -> [u8; 32] {
        self.after_z.clone().chain_update(message).finalize().into()
    }
}

/// Bytes of a scalar.
const SCALAR: usize = 32;

/// 1 to 8 times a point, 256 times that, and so on: its product with a scalar takes 66 additions instead of 256 doublings
/// besides. What the crate has for the generator alone.
struct Multiples([LookupTable<ProjectivePoint>; SCALAR + 1]);

impl Multiples {
    fn of(mut point: ProjectivePoint) -> Box<Self> {
        Box::new(Self(array::from_fn(|_| {
            let table = LookupTable::new(point);
            for _ in 0..8 {
                point = point.double();
            }
            table
        })))
    }

    /// With k as 65 digits from -8 to 8 to the base of 16: the even ones, and the odd ones, which count 16 times as much.
    fn times(&self, k: &Scalar) -> ProjectivePoint {
        let digits = Radix16Decomposition::<Radix16Digits<Sm2>>::new(k);
        let (mut even, mut odd) = (ProjectivePoint::IDENTITY, ProjectivePoint::IDENTITY);
        for (table, at) in self.0.iter().zip((0..).step_by(2)) {
            even += table.select_vartime(digits[at]);
            if at < 2 * SCALAR {
                odd += table.select_vartime(digits[at + 1]);
            }
        }
        for _ in 0..4 {
            odd = odd.double();
        }
        even + odd
    }
}

/// Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ Gx ‖ Gy ‖ x ‖ y) (GB/T 32918.2 §5.5).
fn z(key: &VerifyingKey) -> [u8; 32] {
    let point = key.as_affine().to_sec1_point(false); // 04 ‖ x ‖ y
    let coordinates = point.as_bytes().get(1..).unwrap_or_default();
    BEFORE_KEY.clone().chain_update(coordinates).finalize().into()
}

/// `SEQUENCE { r INTEGER, s INTEGER }` (GB/T 35276 §7.3).
fn from_der(der: &[u8]) -> Result<Signature, BadSignature> {
    Signature::from_slice(&to_fixed(der, 32)?).map_err(|_| BadSignature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::writer;
    use crate::signature_value::to_der;

    // GB/T 32918.5 annex A.2.
    const POINT: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                         ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    const Z: &str = "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3";
    const E: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
    const R_S: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
                       b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        hex::decode(hexadecimal.replace(' ', "")).expect("hexadecimal")
    }

    fn key() -> Sm2PublicKey {
        Sm2PublicKey::from_point(&bytes(POINT)).expect("the key of the standard")
    }

    #[test]
    fn z_and_e_are_those_of_the_standard() {
        assert_eq!(hex::encode(z(&key().key)), Z);
        assert_eq!(hex::encode(key().e(b"message digest")), E);
        let mut hasher = key().z_hasher();
        b"message digest".chunks(5).for_each(|piece| hasher.update(piece));
        assert_eq!(hex::encode(hasher.finish()), E);
    }

    #[test]
    fn the_signature_of_the_standard_verifies_in_both_forms() {
        let (raw, der) = (bytes(R_S), to_der(&bytes(R_S)));
        assert_eq!(key().verify(b"message digest", &der), Ok(()));
        assert_eq!(key().verify_prehash(&bytes(E), &der), Ok(()));
        assert_eq!(key().verify_raw_or_der(b"message digest", &der), Ok(SignatureForm::Der));
        assert_eq!(key().verify_raw_or_der(b"message digest", &raw), Ok(SignatureForm::Raw));
        assert_eq!(key().verify(b"message digest", &raw), Err(BadSignature), "raw only where it is asked for");
        assert_eq!(key().verify(b"message digest.", &der), Err(BadSignature));
    }

    #[test]
    fn the_compressed_point_is_the_same_key() {
        let mut compressed = bytes(POINT)[..33].to_vec();
        compressed[0] = 3; // y is odd
        assert_eq!(Sm2PublicKey::from_point(&compressed).expect("a key").point(), bytes(POINT));
    }

    #[test]
    fn points_beside_the_curve_and_at_infinity_are_no_keys() {
        let mut beside = bytes(POINT);
        beside[64] ^= 1;
        assert!(Sm2PublicKey::from_point(&beside).is_err());
        assert!(Sm2PublicKey::from_point(&[0]).is_err());
        assert!(Sm2PublicKey::from_point(&[]).is_err());
    }

    #[test]
    fn numbers_outside_of_the_order_are_no_signature() {
        let order = bytes("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
        for (r, s) in [(&order[..], &[1][..]), (&[1], &order[..]), (&[0], &[1]), (&[1], &[0]), (&[1; 33], &[1])] {
            let der = writer::sequence(&[writer::unsigned(r), writer::unsigned(s)]);
            assert_eq!(key().verify(b"message digest", &der), Err(BadSignature));
        }
    }

    #[test]
    fn a_key_checks_the_same_before_and_after_its_multiples_are_made() {
        use sm2::dsa::SigningKey;
        use sm2::dsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
        for seed in 1..12_u8 {
            let secret = SigningKey::from_slice(IDENTITY, &[seed; 32]).expect("a key");
            let point = secret.verifying_key().as_affine().to_sec1_point(false);
            let key = Sm2PublicKey::from_point(point.as_bytes()).expect("a key");
            for round in 0..2 * WORTH_MULTIPLES {
                let e = [seed ^ round as u8; 32];
                let good: Signature = secret.sign_prehash(&e).expect("signs");
                assert_eq!(key.check(&e, &good), Ok(()), "{seed} {round}");
                assert!(secret.verifying_key().verify_prehash(&e, &good).is_ok(), "the crate agrees");
                let other = [seed ^ round as u8 ^ 1; 32];
                assert_eq!(key.check(&other, &good), Err(BadSignature), "{seed} {round}");
                let swapped = Signature::from_scalars(good.s().to_bytes(), good.r().to_bytes()).expect("in range");
                assert_eq!(key.check(&e, &swapped), Err(BadSignature), "{seed} {round}");
            }
            assert!(key.multiples.get().is_some());
        }
    }

    #[test]
    fn multiples_of_a_point_are_what_the_crate_computes() {
        let point = ProjectivePoint::generator() * Scalar::from(77_u64);
        let multiples = Multiples::of(point);
        let odd =
            (0..40_u64).map(|seed| Scalar::from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)) * Scalar::from(u64::MAX));
        let edges = [0_u64, 1, 7, 8, 9, 15, 16, 127, 128, 255, 256].map(Scalar::from);
        for k in edges.into_iter().chain(odd).flat_map(|k| [k, -k]) {
            assert_eq!(multiples.times(&k), point * k, "{k:?}");
        }
    }
}
