//! SM2 keys (GB/T 32918): the curve is the crate `sm2`'s, Z and the two forms of a signature are handled here.

use std::sync::LazyLock;

use sm2::dsa::signature::hazmat::PrehashVerifier as _;
use sm2::dsa::{Signature, VerifyingKey};
use sm2::elliptic_curve::sec1::ToSec1Point as _;
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

pub(crate) struct Sm2PublicKey {
    key: VerifyingKey,
    /// SM3 after Z. Cloning it costs less than hashing Z again.
    after_z: Sm3,
}

impl Sm2PublicKey {
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_sec1_bytes(IDENTITY, point).map_err(|_| KeyError::Invalid)?;
        let after_z = Sm3::new_with_prefix(z(&key));
        Ok(Self { key, after_z })
    }

    /// 04 ‖ x ‖ y.
    pub(crate) fn point(&self) -> Vec<u8> {
        self.key.as_affine().to_sec1_point(false).as_bytes().to_vec()
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

    fn check(&self, e: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.key.verify_prehash(e, signature).map_err(|_| BadSignature)
    }

    /// e = SM3(Z ‖ M).
    fn e(&self, message: &[u8]) -> [u8; 32] {
        self.after_z.clone().chain_update(message).finalize().into()
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
}
