//! Authorities, and organizations with keys and seals.

use std::sync::Arc;
use std::time::Duration;

use eseal_documents::ofd::{self, Sealed, SealingOptions, SealingRequest};
use eseal_documents::{DocumentError, DocumentReport, Judgement, Limits, Place, Source, Stamp, Trust, judge};
use eseal_kernel::Timestamp;
use eseal_pki::ca::DevelopmentCa;
use eseal_pki::chain::{Purpose, TrustStore};
use eseal_pki::{Certificate, Signer, SigningKey, Subject, Suite};
use eseal_seal::{CertificateList, Picture, Seal, SealInfo};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The moment at which the tests seal.
pub fn now() -> Timestamp {
    "2026-01-31T08:05:06Z".parse().expect("a moment")
}

/// A place on the first page.
pub const PLACE: Place = Place { page: 1, x_mm: 120.0, y_mm: 200.0, width_mm: 40.0, height_mm: 40.0 };

/// An authority of holders, one of makers, and a maker.
pub struct World {
    holders: DevelopmentCa,
    makers: DevelopmentCa,
    maker: Identity,
}

/// A key with its certificate.
pub struct Identity {
    /// The private key.
    pub key: SigningKey,
    /// Who holds it.
    pub certificate: Certificate,
}

/// An organization with a seal.
pub struct Party {
    /// Its key.
    pub identity: Identity,
    /// Its SESeal.
    pub seal: Vec<u8>,
}

impl World {
    /// A new world with new keys.
    pub fn new() -> Self {
        let began = now().minus(YEAR);
        let authority =
            |name, purpose| DevelopmentCa::create(Suite::Sm2Sm3, name, purpose, began).expect("an authority");
        let (holders, makers) = (authority("Holder CA", Purpose::Holder), authority("Maker CA", Purpose::Maker));
        let maker = Identity::certified_by(&makers, "Seal Maker");
        Self { holders, makers, maker }
    }

    /// Trust in both authorities.
    pub fn trust(&self) -> Trust {
        let roots = |ca: &DevelopmentCa| Some(TrustStore::new(vec![ca.certificate().clone()]));
        Trust { holder_roots: roots(&self.holders), maker_roots: roots(&self.makers) }
    }

    /// A holder's key and certificate.
    pub fn holder(&self, name: &str) -> Identity {
        Identity::certified_by(&self.holders, name)
    }

    /// A holder's certificate for a key that exists already.
    pub fn holder_with(&self, key: SigningKey) -> Identity {
        Identity::certified(&self.holders, "holder", key)
    }

    /// An organization with a seal that is valid for two years around [`now`].
    pub fn party(&self, name: &str) -> Party {
        let identity = self.holder(name);
        let seal = self.maker.makes(&info(name, &[&identity.certificate]));
        Party { identity, seal }
    }

    /// The maker of all genuine seals.
    pub fn maker(&self) -> &Identity {
        &self.maker
    }
}

impl Identity {
    fn certified_by(ca: &DevelopmentCa, name: &str) -> Self {
        Self::certified(ca, name, SigningKey::generate(Suite::Sm2Sm3).expect("a key"))
    }

    fn certified(ca: &DevelopmentCa, name: &str, key: SigningKey) -> Self {
        let certificate = ca.issue(&key.public_key(), &Subject::named(name), YEAR * 3, now().minus(YEAR));
        Self { key, certificate: certificate.expect("a certificate") }
    }

    /// Signs a seal as its maker, whether it may or not.
    pub fn makes(&self, info: &SealInfo) -> Vec<u8> {
        let der = info.to_der().expect("a seal");
        let signature = self.key.sign(&der).expect("a signature");
        Seal::assemble(&der, &self.certificate, &signature).expect("a seal")
    }
}

/// A seal for these holders, before its maker signs it.
pub fn info(name: &str, holders: &[&Certificate]) -> SealInfo {
    SealInfo {
        vid: "eseal".to_owned(),
        es_id: "32050000011053".to_owned(),
        seal_type: 1,
        name: name.to_owned(),
        certificates: CertificateList::of(holders.iter().copied()),
        created: now().minus(YEAR),
        valid_from: now().minus(YEAR),
        valid_to: now().plus(YEAR),
        picture: Picture { kind: "PNG".to_owned(), data: b"\x89PNG...".to_vec(), width_mm: 40, height_mm: 40 },
        extensions: Vec::new(),
    }
}

impl Party {
    /// `document` with this party's seal at `places`.
    pub fn try_seal(&self, document: &[u8], places: &[Place]) -> Result<(Vec<u8>, Sealed), DocumentError> {
        self.identity.try_seal_with(&self.seal, document, places)
    }

    /// `document` with this party's seal at [`PLACE`].
    pub fn seal(&self, document: &[u8]) -> Vec<u8> {
        self.try_seal(document, &[PLACE]).expect("sealed").0
    }
}

impl Identity {
    /// `document` sealed with somebody's seal and this key.
    pub fn try_seal_with(
        &self,
        seal: &[u8],
        document: &[u8],
        places: &[Place],
    ) -> Result<(Vec<u8>, Sealed), DocumentError> {
        let stamps: Vec<Stamp> = places.iter().copied().map(Into::into).collect();
        self.try_seal_at(seal, document, &stamps, SealingOptions::default())
    }

    /// `document` sealed in any way there is.
    pub fn try_seal_at(
        &self,
        seal: &[u8],
        document: &[u8],
        stamps: &[Stamp],
        options: SealingOptions,
    ) -> Result<(Vec<u8>, Sealed), DocumentError> {
        let seal = &ofd::UsableSeal::from_der(seal)?;
        let request = SealingRequest { seal, stamps, time: now(), options };
        let prepared = ofd::prepare(source(document), &request, &Limits::default(), &mut |_| {})?;
        let signature = self.key.sign(prepared.to_sign()).expect("a signature");
        let mut out = Vec::new();
        let sealed = prepared.finish(&mut out, &self.certificate, &signature, &mut |_| {})?;
        Ok((out, sealed))
    }
}

/// `document` as it is handed to the library.
pub fn source(document: &[u8]) -> Source {
    Arc::new(document.to_vec())
}

/// What verification finds in `document`.
pub fn verify(document: &[u8]) -> DocumentReport {
    ofd::verify(&source(document), &Limits::default(), &mut |_| {}).expect("a readable document")
}

/// What to think of `document` for somebody who trusts `world`.
pub fn judged(document: &[u8], world: &World) -> Judgement {
    judge(&verify(document), &world.trust())
}
