//! Everything from outside is bounded, and nothing from outside makes this crate panic.

use eseal_seal::{CertificateList, Extension, Picture, Seal, SealError, SealInfo, SesSignature, ToSign, limits};
use proptest::prelude::*;

use crate::raw::{IA5, Info, OCTET_STRING, UTF8, int, oid, picture, seq, tlv};
use crate::world::{WORLD, extension, info, seal_der, signature_der, to_sign};

#[test]
fn what_is_too_large_is_not_written() {
    let too_large = |change: fn(&mut SealInfo)| {
        let mut info = info();
        change(&mut info);
        matches!(info.to_der(), Err(SealError::TooLarge { .. }))
    };
    assert!(too_large(|info| info.picture.data = vec![0; limits::PICTURE + 1]));
    assert!(too_large(|info| info.name = "章".repeat(10_000_000 / 3)));
    assert!(too_large(|info| info.vid = "V".repeat(limits::TEXT + 1)));
    assert!(too_large(|info| info.es_id = "1".repeat(limits::TEXT + 1)));
    assert!(too_large(|info| info.picture.width_mm = limits::SIDE_MM + 1));
    assert!(too_large(
        |info| info.certificates = CertificateList::Certificates(vec![vec![0; 9]; limits::CERTIFICATES + 1])
    ));
    assert!(
        too_large(|info| info.certificates = CertificateList::Certificates(vec![vec![0; limits::CERTIFICATE + 1]]))
    );
    assert!(too_large(|info| info.extensions = vec![extension(false); limits::EXTENSIONS + 1]));
    assert!(too_large(
        |info| info.extensions = vec![Extension { value: vec![0; limits::VALUE + 1], ..extension(false) }]
    ));
    // Each extension within its bound, all of them together beyond that of a seal.
    assert!(too_large(
        |info| info.extensions = vec![Extension { value: vec![0; limits::VALUE], ..extension(false) }; 9]
    ));
}

#[test]
fn what_no_string_type_of_the_standard_holds_is_not_written() {
    let malformed = |change: fn(&mut SealInfo)| {
        let mut info = info();
        change(&mut info);
        matches!(info.to_der(), Err(SealError::Malformed { .. }))
    };
    assert!(malformed(|info| info.es_id = "印章".to_owned()));
    assert!(malformed(|info| info.vid = String::new()));
    assert!(malformed(|info| info.name = String::new()));
    assert!(malformed(|info| info.picture.kind = String::new()));
    let mut chinese_path = to_sign(seal_der());
    chinese_path.property_info = "/文档/Signature.xml".to_owned();
    assert!(matches!(chinese_path.to_der(), Err(SealError::Malformed { field: "propertyInfo", .. })));
}

#[test]
fn what_is_too_large_is_not_read() {
    let raw = Info::new(WORLD.acme.certificate.der());
    let certificate = tlv(OCTET_STRING, b"c");
    let certificates: Vec<&[u8]> = vec![&certificate; limits::CERTIFICATES + 1];
    let extension = seq(&[&oid("1.2.3"), &tlv(OCTET_STRING, b"")]);
    let extensions: Vec<&[u8]> = vec![&extension; limits::EXTENSIONS + 1];
    let long = vec![b'x'; limits::TEXT + 1];
    let cases = [
        Info { name: tlv(UTF8, &long), ..raw.clone() },
        Info { es_id: tlv(IA5, &long), ..raw.clone() },
        Info { picture: picture(b"PNG", &vec![0; limits::PICTURE + 1], 40, 40), ..raw.clone() },
        Info { list: [int(1), seq(&certificates)], ..raw.clone() },
        Info { list: [int(1), seq(&[&tlv(OCTET_STRING, &vec![0; limits::CERTIFICATE + 1])])], ..raw.clone() },
        Info { extensions: seq(&extensions), ..raw },
    ];
    for info in cases {
        let error = SealInfo::from_der(&info.der()).expect_err("too large");
        assert!(matches!(error, SealError::TooLarge { .. }), "{error}");
    }
    let huge = vec![0x30; limits::SIGNATURE + 1];
    assert!(matches!(Seal::from_der(&huge), Err(SealError::TooLarge { field: "SESeal", .. })));
    assert!(matches!(SesSignature::from_der(&huge), Err(SealError::TooLarge { field: "SES_Signature", .. })));
}

#[test]
fn a_picture_of_the_largest_size_makes_a_seal() {
    let picture = Picture { data: vec![0; limits::PICTURE], ..info().picture };
    let info_der = SealInfo { picture, ..info() }.to_der().expect("encodes");
    let der = crate::world::made(&info_der);
    assert!(Seal::from_der(&der).is_ok_and(|seal| seal.verify_value().is_ok()));
}

#[test]
fn a_digest_that_has_not_32_bytes_is_read_in_a_signature_but_never_signed() {
    let der = to_sign(seal_der()).to_der().expect("encodes");
    let digest = crate::raw::bits(&[7; 32]);
    let at = der.windows(digest.len()).rposition(|window| window == digest).expect("there");
    let (before, after) = (&der[..at], &der[at + digest.len()..]);
    let content = [before, &crate::raw::bits(&[7; 20]), after].concat();
    let shorter = tlv(0x30, &content[4..]);
    assert!(ToSign::from_der(&der).is_ok());
    assert!(matches!(ToSign::from_der(&shorter), Err(SealError::Malformed { field: "dataHash", .. })));
    let signed =
        SesSignature::from_der(&seq(&[&shorter, &tlv(OCTET_STRING, b""), &oid("1.2.3"), &crate::raw::bits(b"")]));
    assert_eq!(signed.map(|signed| signed.data_hash().len()), Ok(20));
}

#[test]
fn nesting_is_not_followed() {
    let mut deep = Vec::new();
    for _ in 0..2_000 {
        deep = tlv(0x30, &deep);
    }
    assert!(Seal::from_der(&deep).is_err() && SesSignature::from_der(&deep).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = (Seal::from_der(&bytes), SesSignature::from_der(&bytes));
        let _ = (SealInfo::from_der(&bytes), ToSign::from_der(&bytes));
    }

    #[test]
    fn bytes_changed_inside_a_structure_never_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut der = signature_der();
        for (at, to) in changes {
            let at = at.index(der.len());
            der[at] = to;
        }
        if let Ok(signed) = SesSignature::from_der(&der) {
            let _ = (signed.verify_value(), signed.signer_in_list(), signed.seal().verify_value());
            prop_assert_eq!(signed.der(), &der);
        }
    }
}
