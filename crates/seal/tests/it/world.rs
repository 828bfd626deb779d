//! Two authorities, a maker and two organizations: enough to make seals and to forge them.

use std::sync::LazyLock;
use std::time::Duration;

use eseal_kernel::{Timestamp, Uscc};
use eseal_pki::{Certificate, DevelopmentCa, Purpose, Signer, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Extension, Picture, Seal, SealInfo, SesSignature, ToSign};

/// When everything happens: 2027-01-15T08:00:00Z.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Made once: the keys of all tests.
pub static WORLD: LazyLock<World> = LazyLock::new(World::new);

pub struct World {
    pub holder_ca: DevelopmentCa,
    pub maker_ca: DevelopmentCa,
    pub maker: Party,
    pub acme: Party,
    pub other: Party,
}

pub struct Party {
    pub key: SigningKey,
    pub certificate: Certificate,
}

impl World {
    fn new() -> Self {
        let ca = |name, purpose| DevelopmentCa::create(Suite::Sm2Sm3, name, purpose, NOW).expect("an authority");
        let (holder_ca, maker_ca) = (ca("Holder CA", Purpose::Holder), ca("Maker CA", Purpose::Maker));
        let maker = Party::certified(&maker_ca, "某某印章制作有限公司", "91350100M000100Y43");
        let acme = Party::certified(&holder_ca, "苏州市示范软件有限公司", "11320500014150050B");
        let other = Party::certified(&holder_ca, "另一家公司", "91110000600037341L");
        Self { holder_ca, maker_ca, maker, acme, other }
    }
}

impl Party {
    fn certified(ca: &DevelopmentCa, name: &str, code: &str) -> Self {
        let key = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
        Self { certificate: certify(ca, &key, name, code), key }
    }

    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).expect("signs")
    }
}

pub fn certify(ca: &DevelopmentCa, key: &SigningKey, name: &str, code: &str) -> Certificate {
    let code: Uscc = code.parse().expect("a code");
    let subject = Subject::of_organization("32050000011053", code, name);
    ca.issue(&key.public_key(), &subject, YEAR, NOW).expect("a certificate")
}

/// The seal of Acme, before a maker signs it.
pub fn info() -> SealInfo {
    SealInfo {
        vid: "ESEAL".to_owned(),
        es_id: "32050000011053".to_owned(),
        seal_type: 1,
        name: "苏州市示范软件有限公司".to_owned(),
        certificates: CertificateList::of([&WORLD.acme.certificate]),
        created: NOW,
        valid_from: NOW,
        valid_to: NOW.plus(YEAR),
        picture: Picture { kind: "PNG".to_owned(), data: vec![0x89; 300], width_mm: 42, height_mm: 42 },
        extensions: vec![],
    }
}

/// Acme's seal as DER.
pub fn seal_der() -> Vec<u8> {
    made(&info().to_der().expect("encodes"))
}

/// Any SES_SealInfo, signed by the maker.
pub fn made(info_der: &[u8]) -> Vec<u8> {
    Seal::assemble(info_der, &WORLD.maker.certificate, &WORLD.maker.sign(info_der)).expect("assembles")
}

/// Acme's seal on a document with the digest 7, 7, 7 …
pub fn to_sign(seal_der: Vec<u8>) -> ToSign {
    ToSign {
        seal_der,
        time: NOW,
        data_hash: [7; 32],
        property_info: "/Doc_0/Signs/Sign_0/Signature.xml".to_owned(),
        extensions: vec![],
    }
}

/// A document sealed by Acme.
pub fn signature_der() -> Vec<u8> {
    signed_by(&WORLD.acme, &to_sign(seal_der()).to_der().expect("encodes"))
}

pub fn signed_by(party: &Party, to_sign_der: &[u8]) -> Vec<u8> {
    SesSignature::assemble(to_sign_der, &party.certificate, &party.sign(to_sign_der)).expect("assembles")
}

pub fn seal(der: &[u8]) -> Seal {
    Seal::from_der(der).expect("a seal")
}

pub fn signature(der: &[u8]) -> SesSignature {
    SesSignature::from_der(der).expect("a seal signature")
}

pub fn extension(critical: bool) -> Extension {
    Extension { id: "1.2.156.10197.6.7.2.2.1".parse().expect("an OID"), critical, value: b"2.1".to_vec() }
}
