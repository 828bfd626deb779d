//! What other producers write differently is read; what contradicts the standard is not.

use eseal_pki::SignatureForm;
use eseal_seal::{CertificateList, Seal, SealError, SealInfo, SesSignature, Version};

use crate::raw::{
    BOOLEAN, GENERALIZED_TIME, IA5, INTEGER, Info, OCTET_STRING, PRINTABLE, TAGGED_0, UTC_TIME, UTF8, bits, int, oid,
    picture, seq, tlv,
};
use crate::world::{WORLD, extension, made, seal, seal_der, signature, signed_by, to_sign};

const SM2: &str = "1.2.156.10197.1.501";

#[test]
fn a_seal_written_by_hand_is_read_and_verifies() {
    let seal = seal(&made(&raw_info().der()));
    assert_eq!(seal.verify_value(), Ok(SignatureForm::Der));
    assert!(seal.info().certificates.contains(&WORLD.acme.certificate));
    assert_eq!(seal.info().name, "国家税务总局");
    assert_eq!(seal.info().valid_from, "2019-10-23T16:00:00Z".parse().expect("a moment"));
}

#[test]
fn an_explicit_false_is_read_and_signed_as_it_came() {
    let mut info = raw_info();
    let id = extension(false).id.to_string();
    let explicit = seq(&[&seq(&[&oid(&id), &tlv(BOOLEAN, &[0]), &tlv(OCTET_STRING, b"2.1")])]);
    let tagged = tlv(TAGGED_0, &explicit);
    for extensions in [explicit, tagged] {
        info.extensions = extensions;
        let seal = seal(&made(&info.der()));
        assert_eq!(seal.info().extensions, [extension(false)]);
        assert_eq!(seal.verify_value(), Ok(SignatureForm::Der));
    }
}

#[test]
fn extensions_of_a_signature_may_lack_their_tag() {
    let id = extension(false).id.to_string();
    let list = seq(&[&seq(&[&oid(&id), &tlv(OCTET_STRING, b"2.1")])]);
    let without = to_sign(seal_der()).to_der().expect("encodes");
    assert_eq!(without[..2], [0x30, 0x82], "a structure of some kilobytes");
    for extensions in [list.clone(), tlv(TAGGED_0, &list)] {
        let signed = seq(&[&without[4..], &extensions]);
        let signature = signature(&signed_by(&WORLD.acme, &signed));
        assert_eq!(signature.extensions(), [extension(false)]);
        assert_eq!((signature.to_sign_der(), signature.verify_value()), (&signed[..], Ok(SignatureForm::Der)));
    }
}

#[test]
fn other_string_and_time_types_are_read() {
    let mut info = raw_info();
    info.vid = tlv(UTF8, "厂商".as_bytes());
    info.es_id = tlv(PRINTABLE, b"33010600000001");
    info.name = tlv(UTF8, b"\xb9\xfa\xbc\xd2"); // GBK
    info.times[1] = tlv(UTC_TIME, b"191023160000Z");
    info.times[2] = tlv(GENERALIZED_TIME, b"20230529000000+0800");
    let read = SealInfo::from_der(&info.der()).expect("read");
    assert_eq!((read.vid.as_str(), read.es_id.as_str()), ("厂商", "33010600000001"));
    assert!(read.name.contains('\u{FFFD}'), "what cannot be read is not hidden: {}", read.name);
    assert_eq!(read.valid_from, "2019-10-23T16:00:00Z".parse().expect("a moment"));
    assert_eq!(read.valid_to, "2023-05-28T16:00:00Z".parse().expect("a moment"));
}

#[test]
fn a_version_number_of_no_standard_is_read_as_the_current_one() {
    for (number, version) in [(4, Version::V4), (5, Version::V5), (1, Version::V4), (9, Version::V4)] {
        let info = Info { version: int(number), ..raw_info() };
        assert_eq!(seal(&made(&info.der())).version(), version, "{number}");
    }
}

#[test]
fn a_certificate_without_its_octet_string_is_still_in_the_list() {
    let info = Info { list: [int(1), seq(&[WORLD.acme.certificate.der()])], ..raw_info() };
    assert!(SealInfo::from_der(&info.der()).expect("read").certificates.contains(&WORLD.acme.certificate));
}

#[test]
fn a_version_1_seal_signs_its_certificate_and_algorithm_too() {
    let info = Info { version: int(11), list: [vec![], raw_info().list[1].clone()], ..raw_info() };
    let (certificate, algorithm) = (tlv(OCTET_STRING, WORLD.maker.certificate.der()), oid(SM2));
    let signed = seq(&[&info.der(), &certificate, &algorithm]);
    let v1 = |value: &[u8]| seal(&seq(&[&info.der(), &seq(&[&certificate, &algorithm, &bits(value)])]));
    let genuine = v1(&WORLD.maker.sign(&signed));
    assert_eq!(genuine.version(), Version::V1);
    assert_eq!(genuine.signed_bytes(), signed);
    assert_eq!(genuine.verify_value(), Ok(SignatureForm::Der));
    assert!(v1(&WORLD.maker.sign(&info.der())).verify_value().is_err(), "the V4 way does not hold for V1");
}

#[test]
fn a_time_stamp_is_found_with_its_tag_or_without() {
    let plain = seal_der();
    for stamp in [tlv(TAGGED_0, &bits(b"token")), bits(b"token")] {
        let stamped = append(&plain, &stamp);
        assert_eq!(seal(&stamped).timestamp(), Some(&b"token"[..]));
        assert_eq!(seal(&stamped).verify_value(), Ok(SignatureForm::Der), "the stamp lies outside what is signed");
        let signed = append(&crate::world::signature_der(), &stamp);
        assert_eq!(signature(&signed).timestamp(), Some(&b"token"[..]));
        assert_eq!(signature(&signed).verify_value(), Ok(SignatureForm::Der));
    }
}

#[test]
fn a_structure_that_contradicts_the_standard_is_refused_by_the_name_of_its_field() {
    let raw = raw_info();
    let cases: [(&str, Info); 9] = [
        ("esID", Info { es_id: tlv(OCTET_STRING, b"1"), ..raw.clone() }),
        ("version", Info { version: tlv(IA5, b"4"), ..raw.clone() }),
        ("certList", Info { list: [int(1), int(1)], ..raw.clone() }),
        ("validEnd", Info { times: [raw.times[0].clone(), raw.times[1].clone(), int(1)], ..raw.clone() }),
        (
            "createDate",
            Info { times: [tlv(GENERALIZED_TIME, b"soon"), raw.times[1].clone(), raw.times[2].clone()], ..raw.clone() },
        ),
        ("picture.width", Info { picture: picture(b"PNG", b"", 0x80, 20), ..raw.clone() }),
        ("picture.data", Info { picture: seq(&[&tlv(IA5, b"PNG"), &tlv(UTF8, b""), &int(1), &int(1)]), ..raw.clone() }),
        ("extDatas", Info { extensions: int(1), ..raw.clone() }),
        ("type", Info { seal_type: tlv(INTEGER, &[0, 1]), ..raw.clone() }),
    ];
    for (expected, info) in cases {
        let error = SealInfo::from_der(&info.der()).expect_err(expected);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    let not_es = Info { id: tlv(IA5, b"XX"), ..raw.clone() };
    assert_eq!(SealInfo::from_der(&not_es.der()), Err(SealError::NotASeal));
    let list_3 = Info { list: [int(3), raw.list[1].clone()], ..raw };
    assert_eq!(SealInfo::from_der(&list_3.der()), Err(SealError::UnknownListType(3)));
}

#[test]
fn nothing_may_follow_or_be_missing() {
    let (seal_der, signature_der) = (seal_der(), crate::world::signature_der());
    for end in 0..seal_der.len() {
        assert!(Seal::from_der(&seal_der[..end]).is_err(), "{end}");
    }
    for end in 0..signature_der.len() {
        assert!(SesSignature::from_der(&signature_der[..end]).is_err(), "{end}");
    }
    assert!(Seal::from_der(&[&seal_der[..], &[0]].concat()).is_err());
    assert!(SesSignature::from_der(&[&signature_der[..], &[0]].concat()).is_err());
    let sixth = append(&append(&seal_der, &bits(b"token")), &int(1));
    assert!(Seal::from_der(&sixth).is_err());
}

#[test]
fn an_empty_list_names_nobody_and_is_not_written() {
    let info = Info { list: [int(1), seq(&[])], ..raw_info() };
    let read = SealInfo::from_der(&info.der()).expect("read");
    assert!(read.certificates.is_empty());
    assert!(!read.certificates.contains(&WORLD.acme.certificate));
    assert_eq!(read.to_der(), Err(SealError::NoCertificates));
    assert_eq!(read.certificates, CertificateList::Certificates(vec![]));
}

fn raw_info() -> Info {
    Info::new(WORLD.acme.certificate.der())
}

/// The SEQUENCE with one field more.
fn append(sequence: &[u8], field: &[u8]) -> Vec<u8> {
    use der::{Decode as _, asn1::AnyRef};
    let content = AnyRef::from_der(sequence).expect("DER").value();
    seq(&[content, field])
}
