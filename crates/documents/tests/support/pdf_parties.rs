//! Organizations with keys and seals, for PDF.

use std::sync::Arc;
use std::time::Duration;

use eseal_documents::pdf::{self, Prepared, SealForm, Sealed, SealingOptions, SealingRequest, Source, UsableSeal};
use eseal_documents::{DocumentError, DocumentReport, Judgement, Limits, Place, Stamp, Trust, judge};
use eseal_pki::ca::DevelopmentCa;
use eseal_pki::chain::{Purpose, TrustStore};
use eseal_pki::{Certificate, Signer, SigningKey, Subject, Suite};
use eseal_seal::SealInfo;

use super::parties::{Identity, World, info, now};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// 40 × 40 mm on the first page.
pub const PLACE: Place = Place { page: 1, x_mm: 100.0, y_mm: 100.0, width_mm: 40.0, height_mm: 40.0 };

/// An authority for P-256 holders, beside the authorities and the maker of [`World`].
pub struct PdfWorld {
    world: World,
    pub holders: DevelopmentCa,
}

/// An organization with a seal.
pub struct PdfParty {
    name: String,
    pub key: SigningKey,
    pub certificate: Certificate,
    pub chain: Vec<Certificate>,
    pub seal: Vec<u8>,
}

impl PdfWorld {
    pub fn new() -> Self {
        let holders =
            DevelopmentCa::create(Suite::EcdsaP256Sha256, "P-256 Holder CA", Purpose::Holder, now().minus(YEAR));
        Self { world: World::new(), holders: holders.expect("an authority") }
    }

    pub fn trust(&self) -> Trust {
        let holder_roots = Some(TrustStore::new(vec![self.holders.certificate().clone()]));
        Trust { holder_roots, ..self.world.trust() }
    }

    /// An organization whose seal lists its P-256 certificate.
    pub fn party(&self, name: &str) -> PdfParty {
        self.party_with(name, SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key"))
    }

    /// An organization with this key.
    pub fn party_with(&self, name: &str, key: SigningKey) -> PdfParty {
        // Valid today too: other programs look at the clock.
        let certificate = self.holders.issue(&key.public_key(), &Subject::named(name), YEAR * 20, now().minus(YEAR));
        let certificate = certificate.expect("a certificate");
        let chain = vec![self.holders.certificate().clone()];
        let mut party = PdfParty { name: name.to_owned(), key, certificate, chain, seal: Vec::new() };
        party.seal = self.world.maker().makes(&party.info());
        party
    }

    /// An organization whose seal lists its SM2 certificate.
    pub fn sm2_party(&self, name: &str) -> PdfParty {
        let Identity { key, certificate } = self.world.holder(name);
        let mut party = PdfParty { name: name.to_owned(), key, certificate, chain: Vec::new(), seal: Vec::new() };
        party.seal = self.world.maker().makes(&party.info());
        party
    }

    /// What everybody trusts who trusts the authorities of SM2 keys.
    pub fn sm2_trust(&self) -> Trust {
        self.world.trust()
    }

    /// A holder of the authority that certifies SM2 keys.
    pub fn sm2_holder(&self, name: &str) -> Identity {
        self.world.holder(name)
    }
}

impl PdfParty {
    /// The party's seal before a maker signs it.
    pub fn info(&self) -> SealInfo {
        let mut info = info(&self.name, &[&self.certificate]);
        info.picture.data = impression();
        info
    }

    /// The party's seal, ready for use.
    pub fn usable(&self) -> UsableSeal {
        UsableSeal::from_der(&self.seal).expect("a usable seal")
    }

    pub fn request<'a>(&'a self, seal: &'a UsableSeal, stamps: &'a [Stamp]) -> SealingRequest<'a> {
        SealingRequest {
            seal,
            stamps,
            time: now(),
            signer: &self.certificate,
            chain: &self.chain,
            name: Some("甲方"),
            reason: None,
            options: SealingOptions { form: self.form(), ..SealingOptions::default() },
        }
    }

    /// The form that goes with the party's key.
    fn form(&self) -> SealForm {
        if self.key.suite() == Suite::Sm2Sm3 { SealForm::Gm } else { SealForm::Pades }
    }

    pub fn prepare(
        &self,
        document: &[u8],
        stamps: &[Stamp],
        options: SealingOptions<'_>,
    ) -> Result<Prepared, DocumentError> {
        let seal = UsableSeal::from_der(&self.seal)?;
        let request = SealingRequest { options, ..self.request(&seal, stamps) };
        pdf::prepare(source(document), &request, &Limits::default(), &mut |_| {})
    }

    pub fn try_seal_with(
        &self,
        document: &[u8],
        stamps: &[Stamp],
        options: SealingOptions<'_>,
    ) -> Result<(Vec<u8>, Sealed), DocumentError> {
        let prepared = self.prepare(document, stamps, options)?;
        let signature = self.key.sign(prepared.to_sign()).expect("a signature");
        let mut out = Vec::new();
        let sealed = prepared.finish(&mut out, &signature, &mut |_| {})?;
        Ok((out, sealed))
    }

    pub fn try_seal(&self, document: &[u8], places: &[Place]) -> Result<(Vec<u8>, Sealed), DocumentError> {
        let stamps: Vec<Stamp> = places.iter().copied().map(Stamp::from).collect();
        self.try_seal_with(document, &stamps, SealingOptions { form: self.form(), ..SealingOptions::default() })
    }

    pub fn seal(&self, document: &[u8]) -> Vec<u8> {
        self.try_seal(document, &[PLACE]).expect("sealed").0
    }
}

pub fn source(document: &[u8]) -> Source {
    Arc::new(document.to_vec())
}

pub fn try_verify(document: &[u8]) -> Result<DocumentReport, DocumentError> {
    pdf::verify(&source(document), &Limits::default(), &mut |_| {})
}

pub fn verify(document: &[u8]) -> DocumentReport {
    try_verify(document).expect("a readable document")
}

pub fn judged(document: &[u8], world: &PdfWorld) -> Judgement {
    judge(&verify(document), &world.trust())
}

/// A red ring with a bar in its lower half, transparent elsewhere: one sees where its top is.
pub fn impression() -> Vec<u8> {
    const SIDE: i32 = 240;
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = (x - SIDE / 2, y - SIDE / 2);
            let distance = f64::from(dx * dx + dy * dy).sqrt();
            let ring = (108.0..118.0).contains(&distance);
            let bar = (40..60).contains(&dy) && dx.abs() < 60;
            pixels.extend(if ring || bar { [220, 20, 20, 255] } else { [0, 0, 0, 0] });
        }
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    out
}
