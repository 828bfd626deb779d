//! Authorities, an organization with a seal, and documents that it sealed.

use std::sync::Arc;
use std::time::Duration;

use eseal_documents::{Limits, Place, ofd, pdf};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, DevelopmentCa, Purpose, Signer, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo};

/// An OFD contract of two pages that nobody sealed.
pub const OFD: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/documents/contract.ofd"));
/// The same as PDF.
pub const PDF: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/documents/contract.pdf"));
/// The name on the seal and in the certificates: of a person, so it must not get into an event.
pub const NAME: &str = "孙保管";

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
const PLACE: Place = Place { page: 1, x_mm: 120.0, y_mm: 200.0, width_mm: 40.0, height_mm: 40.0 };

/// When everything is sealed.
pub fn now() -> Timestamp {
    "2027-01-31T08:05:06Z".parse().expect("a moment")
}

/// A key with its certificate.
struct Identity {
    key: SigningKey,
    certificate: Certificate,
}

/// An authority of holders, one of makers, and a holder with a seal.
pub struct World {
    pub holders: DevelopmentCa,
    pub makers: DevelopmentCa,
    sm2: Identity,
    p256: Identity,
    seal: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        let authority = |name, purpose| DevelopmentCa::create(Suite::Sm2Sm3, name, purpose, began()).expect("a CA");
        let (holders, makers) = (authority("Holder CA", Purpose::Holder), authority("Maker CA", Purpose::Maker));
        let (sm2, p256) = (Identity::of(&holders, Suite::Sm2Sm3), Identity::of(&holders, Suite::EcdsaP256Sha256));
        let maker = Identity::of(&makers, Suite::Sm2Sm3);
        let seal = made(&maker, &[&sm2.certificate, &p256.certificate]);
        Self { holders, makers, sm2, p256, seal }
    }

    /// The same holder with a seal that a holder made, who is no maker.
    pub fn with_forged_seal(mut self) -> Self {
        self.seal = made(&self.sm2, &[&self.sm2.certificate, &self.p256.certificate]);
        self
    }

    /// DER of the seal.
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }

    /// The OFD contract, sealed.
    pub fn sealed_ofd(&self) -> Vec<u8> {
        let request = ofd::SealingRequest {
            seal: &ofd::UsableSeal::from_der(&self.seal).expect("a usable seal"),
            stamps: &[PLACE.into()],
            time: now(),
            options: Default::default(),
        };
        let prepared = ofd::prepare(Arc::new(OFD), &request, &Limits::default(), &mut |_| {}).expect("prepared");
        let signature = self.sm2.key.sign(prepared.to_sign()).expect("a signature");
        let mut sealed = Vec::new();
        prepared.finish(&mut sealed, &self.sm2.certificate, &signature, &mut |_| {}).expect("sealed");
        sealed
    }

    /// The PDF contract, sealed.
    pub fn sealed_pdf(&self) -> Vec<u8> {
        let seal = pdf::UsableSeal::from_der(&self.seal).expect("a usable seal");
        let request = pdf::SealingRequest {
            seal: &seal,
            stamps: &[PLACE.into()],
            time: now(),
            signer: &self.p256.certificate,
            chain: &[],
            name: None,
            reason: None,
            options: pdf::SealingOptions::default(),
        };
        let source: pdf::Source = Arc::new(PDF.to_vec());
        let prepared = pdf::prepare(source, &request, &Limits::default(), &mut |_| {}).expect("prepared");
        let signature = self.p256.key.sign(prepared.to_sign()).expect("a signature");
        let mut sealed = Vec::new();
        prepared.finish(&mut sealed, &signature, &mut |_| {}).expect("sealed");
        sealed
    }

    /// The sealed PDF with one letter changed that no reader shows but the seal covers.
    pub fn tampered_pdf(&self) -> Vec<u8> {
        let mut tampered = self.sealed_pdf();
        let letter = tampered.windows(9).position(|bytes| bytes == b"ReportLab").expect("a comment");
        tampered[letter] = b'r';
        tampered
    }
}

impl Identity {
    fn of(ca: &DevelopmentCa, suite: Suite) -> Self {
        let key = SigningKey::generate(suite).expect("a key");
        let certificate = ca.issue(&key.public_key(), &Subject::named(NAME), YEAR * 3, began());
        Self { key, certificate: certificate.expect("a certificate") }
    }
}

fn began() -> Timestamp {
    now().minus(YEAR)
}

fn made(maker: &Identity, holders: &[&Certificate]) -> Vec<u8> {
    let picture = include_bytes!("files/dot.png").to_vec();
    let info = SealInfo {
        vid: "eseal".to_owned(),
        es_id: "0198c0de-0000-7000-8000-000000000001".to_owned(),
        seal_type: 7,
        name: NAME.to_owned(),
        certificates: CertificateList::of(holders.iter().copied()),
        created: began(),
        valid_from: began(),
        valid_to: now().plus(YEAR),
        picture: Picture { kind: "PNG".to_owned(), data: picture, width_mm: 40, height_mm: 40 },
        extensions: Vec::new(),
    };
    let der = info.to_der().expect("a seal");
    let signature = maker.key.sign(&der).expect("a signature");
    Seal::assemble(&der, &maker.certificate, &signature).expect("a seal")
}
