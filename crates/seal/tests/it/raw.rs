//! DER written by hand, field by field: what other producers write, and what nobody should.

use der::asn1::ObjectIdentifier;
use der::{Encode, Tag};

pub const SEQUENCE: u8 = 0x30;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const BOOLEAN: u8 = 0x01;
pub const UTF8: u8 = 0x0c;
pub const PRINTABLE: u8 = 0x13;
pub const IA5: u8 = 0x16;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const TAGGED_0: u8 = 0xa0;

/// One value: tag, shortest length, content.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let body = der::asn1::AnyRef::new(Tag::OctetString, content).and_then(|any| any.to_der());
    let mut der = body.expect("encodes");
    der[0] = tag;
    der
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

pub fn int(value: u8) -> Vec<u8> {
    tlv(INTEGER, &[value])
}

pub fn oid(dotted: &str) -> Vec<u8> {
    dotted.parse::<ObjectIdentifier>().expect("an OID").to_der().expect("encodes")
}

/// Whole bytes as BIT STRING.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// The fields of a SES_SealInfo of V4, each DER, to be exchanged one at a time.
#[derive(Clone)]
pub struct Info {
    pub id: Vec<u8>,
    pub version: Vec<u8>,
    pub vid: Vec<u8>,
    pub es_id: Vec<u8>,
    pub seal_type: Vec<u8>,
    pub name: Vec<u8>,
    /// `certListType`, empty for V1, and `certList`.
    pub list: [Vec<u8>; 2],
    pub times: [Vec<u8>; 3],
    pub picture: Vec<u8>,
    /// Empty for none.
    pub extensions: Vec<u8>,
}

impl Info {
    pub fn new(certificate: &[u8]) -> Self {
        let time = |text: &str| tlv(GENERALIZED_TIME, text.as_bytes());
        Self {
            id: tlv(IA5, b"ES"),
            version: int(4),
            vid: tlv(IA5, b"GOMAIN"),
            es_id: tlv(IA5, b"33010600000001"),
            seal_type: int(3),
            name: tlv(UTF8, "国家税务总局".as_bytes()),
            list: [int(1), seq(&[&tlv(OCTET_STRING, certificate)])],
            times: [time("20191024000000Z"), time("20191023160000Z"), time("20230528160000Z")],
            picture: picture(b"PNG", &[1, 2, 3], 30, 20),
            extensions: vec![],
        }
    }

    pub fn der(&self) -> Vec<u8> {
        let Self { id, version, vid, es_id, seal_type, name, list, times, picture, extensions } = self;
        let header = seq(&[id, version, vid]);
        let property = seq(&[seal_type, name, &list[0], &list[1], &times[0], &times[1], &times[2]]);
        seq(&[&header, es_id, &property, picture, extensions])
    }
}

pub fn picture(kind: &[u8], data: &[u8], width: u8, height: u8) -> Vec<u8> {
    seq(&[&tlv(IA5, kind), &tlv(OCTET_STRING, data), &int(width), &int(height)])
}
