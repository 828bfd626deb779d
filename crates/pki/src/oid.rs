//! Object identifiers, and those that this crate knows.

use std::fmt;
use std::str::FromStr;

/// Bytes of the longest identifier that is kept. The longest in use, a UUID below `2.25` with an arc or two behind it, needs
/// about 24.
const MAX: usize = 63;
/// Bytes of the longest arc, of 128 bits.
const MAX_ARC: usize = 19;

/// An object identifier with arcs of up to 128 bits.
///
/// Our own because the identifiers of real certificates include UUIDs (`2.25.…`), whose arcs the crate `const-oid` refuses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid {
    bytes: [u8; MAX],
    length: u8,
}

impl Oid {
    /// The identifier written in `dotted`, such as `"2.5.29.15"`. For constants: evaluated by the compiler, where a mistake
    /// does not compile.
    pub(crate) const fn literal(dotted: &str) -> Self {
        let text = dotted.as_bytes();
        let mut oid = Self { bytes: [0; MAX], length: 0 };
        let (mut first, mut arcs, mut arc, mut i) = (0, 0, 0_u128, 0);
        while i <= text.len() {
            if i < text.len() && text[i] != b'.' {
                assert!(text[i].is_ascii_digit(), "an object identifier has digits and dots");
                arc = arc * 10 + (text[i] - b'0') as u128;
            } else {
                match arcs {
                    0 => first = arc,
                    1 => oid = oid.with_arc(first * 40 + arc),
                    _ => oid = oid.with_arc(arc),
                }
                arcs += 1;
                arc = 0;
            }
            i += 1;
        }
        assert!(arcs >= 2 && first <= 2, "an object identifier begins 0, 1 or 2 and has two arcs");
        oid
    }

    const fn with_arc(mut self, arc: u128) -> Self {
        let mut groups = 1;
        while groups < MAX_ARC && arc >> (7 * groups) != 0 {
            groups += 1;
        }
        while groups > 0 {
            groups -= 1;
            let more = if groups > 0 { 0x80 } else { 0 };
            self.bytes[self.length as usize] = (arc >> (7 * groups)) as u8 & 0x7f | more;
            self.length += 1;
        }
        self
    }

    /// The identifier whose contents octets these are (X.690 §8.19). `None`: not well-formed, longer than 63 bytes, or with an
    /// arc of more than 128 bits.
    pub(crate) fn from_content(content: &[u8]) -> Option<Self> {
        if content.is_empty() || content.len() > MAX || content.last()? & 0x80 != 0 {
            return None;
        }
        if !content
            .split_inclusive(|byte| byte & 0x80 == 0)
            .all(|group| group[0] != 0x80 && group_value(group).is_some())
        {
            return None;
        }
        let mut bytes = [0; MAX];
        bytes[..content.len()].copy_from_slice(content);
        Some(Self { bytes, length: content.len() as u8 })
    }

    /// The contents octets, without tag and length.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// A text that is no object identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object identifier is written as numbers with dots between them: 1.2.156.10197.1.501")]
pub struct InvalidOid;

impl FromStr for Oid {
    type Err = InvalidOid;

    fn from_str(dotted: &str) -> Result<Self, InvalidOid> {
        let number = |text: &str| match text.as_bytes() {
            [b'0', _, ..] | [b'+', ..] => Err(InvalidOid),
            _ => text.parse::<u128>().map_err(|_| InvalidOid),
        };
        let mut arcs = dotted.split('.').map(number);
        let (first, second) = (arcs.next().ok_or(InvalidOid)??, arcs.next().ok_or(InvalidOid)??);
        if first > 2 || (first < 2 && second > 39) {
            return Err(InvalidOid);
        }
        let joined = (first * 40).checked_add(second).ok_or(InvalidOid)?;
        let mut oid = Self { bytes: [0; MAX], length: 0 };
        for arc in std::iter::once(Ok(joined)).chain(arcs) {
            if usize::from(oid.length) + MAX_ARC > MAX {
                return Err(InvalidOid);
            }
            oid = oid.with_arc(arc?);
        }
        Ok(oid)
    }
}

fn group_value(group: &[u8]) -> Option<u128> {
    group.iter().try_fold(0_u128, |value, byte| Some(value.checked_mul(128)? | u128::from(byte & 0x7f)))
}

/// The dotted form: `1.2.156.10197.1.501`.
impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arcs = self.as_bytes().split_inclusive(|byte| byte & 0x80 == 0).filter_map(group_value);
        let first_two = arcs.next().unwrap_or_default();
        let first = (first_two / 40).min(2);
        write!(f, "{first}.{}", first_two - first * 40)?;
        arcs.try_for_each(|arc| write!(f, ".{arc}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Extended key usage of a seal maker's certificate: whoever holds it may sign electronic seals (制章).
///
/// Only a maker CA puts it into a certificate; without it a certificate's signature over a seal counts for nothing, so no holder
/// of an ordinary signing certificate can make a seal with another organization's picture.
///
/// `2.25.` and the integer value of the UUID 27d1e053-ee7b-43d1-9992-f2f4bae4ccda (ITU-T X.667), which was drawn for this
/// purpose.
pub const MAKER_EKU: Oid = Oid::literal("2.25.52929631788540655154009097316012969178");

/// Extension of every certificate that an authority of development issued, its own included; its value is NULL. Who trusts for real
/// refuses a root that has it. Not critical: other programs do not know it.
///
/// `2.25.` and the integer value of the UUID d732d807-7cd7-4ed4-ac68-9c243502afbd (ITU-T X.667), which was drawn for this purpose.
pub(crate) const DEVELOPMENT_MARK: Oid = Oid::literal("2.25.286048015530391612953189671042430447549");

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $dotted:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Oid = Oid::literal($dotted);)*
    };
}

oids! {
    // keys and curves
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    SM2_CURVE = "1.2.156.10197.1.301";
    P256_CURVE = "1.2.840.10045.3.1.7";
    P384_CURVE = "1.3.132.0.34";
    P521_CURVE = "1.3.132.0.35";
    P256K1_CURVE = "1.3.132.0.10";
    BRAINPOOL_P256R1 = "1.3.36.3.3.2.8.1.1.7";
    BRAINPOOL_P384R1 = "1.3.36.3.3.2.8.1.1.11";
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    ED25519 = "1.3.101.112";
    ED448 = "1.3.101.113";

    // signatures
    /// SM2 signature (GB/T 33560); also in the place of SM2 with SM3 in GB/T 35275 structures.
    SM2_SIGNATURE = "1.2.156.10197.1.301.1";
    SM2_WITH_SM3 = "1.2.156.10197.1.501";
    ECDSA_SHA1 = "1.2.840.10045.4.1";
    ECDSA_SHA224 = "1.2.840.10045.4.3.1";
    ECDSA_SHA256 = "1.2.840.10045.4.3.2";
    ECDSA_SHA384 = "1.2.840.10045.4.3.3";
    ECDSA_SHA512 = "1.2.840.10045.4.3.4";
    ECDSA_SHA3_224 = "2.16.840.1.101.3.4.3.9";
    ECDSA_SHA3_256 = "2.16.840.1.101.3.4.3.10";
    ECDSA_SHA3_384 = "2.16.840.1.101.3.4.3.11";
    ECDSA_SHA3_512 = "2.16.840.1.101.3.4.3.12";
    /// BSI TR-03111 §5.2.1: r and s side by side instead of DER.
    ECDSA_PLAIN_SHA224 = "0.4.0.127.0.7.1.1.4.1.2";
    ECDSA_PLAIN_SHA256 = "0.4.0.127.0.7.1.1.4.1.3";
    ECDSA_PLAIN_SHA384 = "0.4.0.127.0.7.1.1.4.1.4";
    ECDSA_PLAIN_SHA512 = "0.4.0.127.0.7.1.1.4.1.5";
    RSA_MD5 = "1.2.840.113549.1.1.4";
    RSA_SHA1 = "1.2.840.113549.1.1.5";
    /// RSA with SHA-1 as OIW named it, and old software of Microsoft does.
    RSA_SHA1_OIW = "1.3.14.3.2.29";
    RSA_SHA224 = "1.2.840.113549.1.1.14";
    RSA_SHA256 = "1.2.840.113549.1.1.11";
    RSA_SHA384 = "1.2.840.113549.1.1.12";
    RSA_SHA512 = "1.2.840.113549.1.1.13";
    RSA_SHA3_224 = "2.16.840.1.101.3.4.3.13";
    RSA_SHA3_256 = "2.16.840.1.101.3.4.3.14";
    RSA_SHA3_384 = "2.16.840.1.101.3.4.3.15";
    RSA_SHA3_512 = "2.16.840.1.101.3.4.3.16";
    RSA_RIPEMD160 = "1.3.36.3.3.1.2";
    RSA_PSS = "1.2.840.113549.1.1.10";
    MGF1 = "1.2.840.113549.1.1.8";

    // digests
    SM3 = "1.2.156.10197.1.401";
    /// SM3 without a key: the same digest (GM/T 0006).
    SM3_KEYLESS = "1.2.156.10197.1.401.1";
    MD5 = "1.2.840.113549.2.5";
    SHA1 = "1.3.14.3.2.26";
    SHA256 = "2.16.840.1.101.3.4.2.1";
    SHA384 = "2.16.840.1.101.3.4.2.2";
    SHA512 = "2.16.840.1.101.3.4.2.3";
    SHA224 = "2.16.840.1.101.3.4.2.4";
    SHA3_224 = "2.16.840.1.101.3.4.2.7";
    SHA3_256 = "2.16.840.1.101.3.4.2.8";
    SHA3_384 = "2.16.840.1.101.3.4.2.9";
    SHA3_512 = "2.16.840.1.101.3.4.2.10";
    SHAKE256 = "2.16.840.1.101.3.4.2.12";
    SHAKE256_LEN = "2.16.840.1.101.3.4.2.18";
    RIPEMD160 = "1.3.36.3.2.1";

    // names
    COMMON_NAME = "2.5.4.3";
    SERIAL_NUMBER = "2.5.4.5";
    COUNTRY = "2.5.4.6";
    LOCALITY = "2.5.4.7";
    STATE = "2.5.4.8";
    ORGANIZATION = "2.5.4.10";
    ORGANIZATIONAL_UNIT = "2.5.4.11";
    ORGANIZATION_IDENTIFIER = "2.5.4.97";
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
    DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";

    // extensions of certificates and CRLs
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    KEY_USAGE = "2.5.29.15";
    SUBJECT_ALT_NAME = "2.5.29.17";
    ISSUER_ALT_NAME = "2.5.29.18";
    BASIC_CONSTRAINTS = "2.5.29.19";
    CRL_NUMBER = "2.5.29.20";
    REASON_CODE = "2.5.29.21";
    DELTA_CRL_INDICATOR = "2.5.29.27";
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    FRESHEST_CRL = "2.5.29.46";
    NAME_CONSTRAINTS = "2.5.29.30";
    CERTIFICATE_POLICIES = "2.5.29.32";
    ANY_POLICY = "2.5.29.32.0";
    POLICY_MAPPINGS = "2.5.29.33";
    POLICY_CONSTRAINTS = "2.5.29.36";
    INHIBIT_ANY_POLICY = "2.5.29.54";
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    EXTENDED_KEY_USAGE = "2.5.29.37";
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    QC_STATEMENTS = "1.3.6.1.5.5.7.1.3";
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    EXPIRED_CERTS_ON_CRL = "2.5.29.60";

    // what a certificate of a service is for, and where such services are found
    KP_TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    KP_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    ACCESS_OCSP = "1.3.6.1.5.5.7.48.1";
    ACCESS_CA_ISSUERS = "1.3.6.1.5.5.7.48.2";

    // OCSP
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5";
    OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";

    // CMS
    PKCS7_DATA = "1.2.840.113549.1.7.1";
    PKCS7_SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// Plain content in GB/T 35275.
    GM_DATA = "1.2.156.10197.6.1.4.2.1";
    GM_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2";
    CONTENT_TYPE = "1.2.840.113549.1.9.3";
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    SIGNING_TIME = "1.2.840.113549.1.9.5";
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
    TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14";
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
    TST_INFO = "1.2.840.113549.1.9.16.1.4";
    /// CAdES (ETSI EN 319 122-1 annex A), unsigned.
    CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23";
    REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24";
    /// What Adobe's programs put beside a signature (ISO 32000-1 §12.8.3.3.2), signed.
    REVOCATION_INFO_ARCHIVAL = "1.2.840.113583.1.1.8";
    /// An OCSP response among the revocation lists of a CMS (RFC 5940 §2.1).
    OCSP_RESPONSE_CHOICE = "1.3.6.1.5.5.7.16.2";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_have_the_octets_of_the_standard() {
        // X.690 §8.19.5, and RFC 8017's rsaEncryption.
        assert_eq!(Oid::literal("2.999.3").as_bytes(), [0x88, 0x37, 0x03]);
        assert_eq!(RSA_ENCRYPTION.as_bytes(), [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]);
        assert_eq!(SM2_WITH_SM3.as_bytes(), [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75]);
    }

    #[test]
    fn the_dotted_form_comes_back() {
        for dotted in
            ["2.999.3", "0.4.0.127.0.7", "1.2.156.10197.1.501", "2.25.340282366920938463463374607431768211455"]
        {
            let oid = Oid::literal(dotted);
            assert_eq!(oid.to_string(), dotted);
            assert_eq!(Oid::from_content(oid.as_bytes()), Some(oid));
        }
    }

    #[test]
    fn texts_are_read_as_the_compiler_reads_literals() {
        for dotted in ["2.999.3", "1.2.156.10197.1.501", "2.25.52929631788540655154009097316012969178", "0.39"] {
            assert_eq!(dotted.parse::<Oid>(), Ok(Oid::literal(dotted)));
        }
        let long = format!("1.2{}", ".1".repeat(60));
        for bad in [
            "",
            "1",
            "1.",
            "3.1",
            "1.40",
            "1.2.-3",
            "1.2.+3",
            "1.02",
            "1.2.x",
            "2.340282366920938463463374607431768211455",
            &long,
        ] {
            assert_eq!(bad.parse::<Oid>(), Err(InvalidOid), "{bad}");
        }
    }

    #[test]
    fn octets_that_are_no_identifier_are_refused() {
        assert_eq!(Oid::from_content(&[]), None);
        assert_eq!(Oid::from_content(&[0x2a, 0x86]), None, "cut in the middle of an arc");
        assert_eq!(Oid::from_content(&[0x2a, 0x80, 0x01]), None, "an arc with a leading zero");
        assert_eq!(Oid::from_content(&[0x2a; 64]), None, "too long");
        let wide: Vec<u8> = [[0xff; 19].as_slice(), &[0x7f]].concat();
        assert_eq!(Oid::from_content(&wide), None, "an arc of 140 bits");
    }

    #[test]
    fn the_maker_usage_is_the_uuid_that_its_description_names() {
        let uuid = 0x27d1e053_ee7b_43d1_9992_f2f4bae4ccda_u128;
        assert_eq!(MAKER_EKU.to_string(), format!("2.25.{uuid}"));
    }
}
