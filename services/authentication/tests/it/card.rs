//! A card with a seal on it, and what it signs. Its keys lie in the test: the service never sees them.

use std::time::Duration;

use eseal_kernel::{Digest, Id, Timestamp, Uscc};
use eseal_pki::challenge::ChallengeStatement;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, DevelopmentCa, Purpose, Signer as _, SigningKey, Subject, Suite};
use eseal_proto::moment;
use eseal_proto::seal::v1 as seal_pb;
use eseal_seal::{CertificateList, Picture, Seal, SealInfo, SesSignature, ToSign};

use crate::bureau::now;

/// How long certificates are valid.
pub const CERTIFIED_FOR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The authorities of one test.
pub struct Authorities {
    pub holders: DevelopmentCa,
    pub makers: DevelopmentCa,
}

impl Authorities {
    pub fn new() -> Self {
        let ca = |name, purpose| DevelopmentCa::create(Suite::Sm2Sm3, name, purpose, now()).expect("an authority");
        Self { holders: ca("holders", Purpose::Holder), makers: ca("makers", Purpose::Maker) }
    }
}

/// Two key pairs with their certificates, and the seal that was made for them.
pub struct Card {
    pub serial: String,
    pub seal_id: String,
    pub seal: Vec<u8>,
    pub sm2: (SigningKey, Certificate),
    pub p256: (SigningKey, Certificate),
}

impl Card {
    /// A card of this organization with a fresh seal.
    pub fn made(authorities: &Authorities, uscc: &str) -> Self {
        Self::certified_for(authorities, uscc, CERTIFIED_FOR)
    }

    pub fn certified_for(authorities: &Authorities, uscc: &str, validity: Duration) -> Self {
        let seal_id = Id::random(now()).to_string();
        let serial = seal_id[24..].to_uppercase();
        let sm2 = pair(&authorities.holders, Suite::Sm2Sm3, uscc, validity);
        let p256 = pair(&authorities.holders, Suite::EcdsaP256Sha256, uscc, validity);
        let seal = seal(authorities, &seal_id, &[&sm2.1, &p256.1]);
        Self { serial, seal_id, seal, sm2, p256 }
    }

    pub fn seal_digest(&self) -> String {
        Digest::of(&self.seal).to_string()
    }

    pub fn pair(&self, suite: Suite) -> &(SigningKey, Certificate) {
        match suite {
            Suite::EcdsaP256Sha256 => &self.p256,
            _ => &self.sm2,
        }
    }

    /// The proof for a document, as the client builds it from the terms.
    pub fn proof(&self, suite: Suite, terms: &seal_pb::ChallengeTerms, document: Digest) -> seal_pb::SignedStatement {
        signed(self.pair(suite), &statement(terms, Some(document)))
    }

    /// SES_Signature over an OFD's Signature.xml with this SM3.
    pub fn ofd_signature(&self, document: Digest, time: Timestamp) -> Vec<u8> {
        let to_sign = ofd_to_sign(&self.seal, document, time);
        let value = self.sm2.0.sign(&to_sign).expect("a signature");
        SesSignature::assemble(&to_sign, &self.sm2.1, &value).expect("a structure")
    }

    /// The CMS over a PDF's byte ranges with this SHA-256.
    pub fn pdf_signature(&self, document: Digest) -> Vec<u8> {
        let attributes = pdf_attributes(&self.p256.1, document);
        let value = self.p256.0.sign(attributes.to_be_signed()).expect("a signature");
        attributes.finish(&value, &[])
    }
}

/// What a statement with these terms says.
pub fn statement(terms: &seal_pb::ChallengeTerms, document_digest: Option<Digest>) -> ChallengeStatement {
    let expires_at = terms.expires_at.as_ref().and_then(moment::micros).expect("a moment");
    ChallengeStatement {
        audience: terms.audience.clone(),
        purpose: terms.purpose.clone(),
        attempt_id: terms.attempt_id.clone(),
        seal_id: Some(terms.seal_id.clone()),
        document_digest,
        nonce: hex::decode(&terms.nonce).expect("hexadecimal"),
        expires_at: Timestamp::from_micros(expires_at),
    }
}

/// A statement signed with a key.
pub fn signed((key, certificate): &(SigningKey, Certificate), said: &ChallengeStatement) -> seal_pb::SignedStatement {
    let statement = said.encode().expect("a statement");
    let signature = key.sign(&statement).expect("a signature");
    seal_pb::SignedStatement { statement, signature, certificate: certificate.der().to_vec() }
}

/// TBS_Sign.
pub fn ofd_to_sign(seal: &[u8], document: Digest, time: Timestamp) -> Vec<u8> {
    let to_sign = ToSign {
        seal_der: seal.to_vec(),
        time,
        data_hash: *document.bytes(),
        property_info: "/Doc_0/Signs/Sign_0/Signature.xml".to_owned(),
        extensions: vec![],
    };
    to_sign.to_der().expect("a structure")
}

/// The signed attributes of a CMS.
pub fn pdf_attributes(certificate: &Certificate, document: Digest) -> SignedAttributes {
    SignedAttributes::try_new(certificate, document.bytes(), Suite::EcdsaP256Sha256).expect("attributes")
}

/// A key pair with a certificate for an organization.
pub fn pair(ca: &DevelopmentCa, suite: Suite, uscc: &str, validity: Duration) -> (SigningKey, Certificate) {
    let key = SigningKey::generate(suite).expect("a key");
    let certificate = ca.issue(&key.public_key(), &subject(uscc), validity, now()).expect("a certificate");
    (key, certificate)
}

/// The name of an organization in its certificates.
pub fn subject(uscc: &str) -> Subject {
    let uscc: Uscc = uscc.parse().expect("a code");
    Subject::of_organization("合同专用章", uscc, "测试单位")
}

/// A seal for these certificates, made by a maker of the authority.
pub fn seal(authorities: &Authorities, seal_id: &str, certificates: &[&Certificate]) -> Vec<u8> {
    let maker = SigningKey::generate(Suite::Sm2Sm3).expect("a key");
    let named = Subject::named("制章人");
    let certified = authorities.makers.issue(&maker.public_key(), &named, CERTIFIED_FOR, now()).expect("a certificate");
    let data = include_bytes!("../../../../tests/documents/dot.png").to_vec();
    let picture = Picture { kind: "png".to_owned(), data, width_mm: 40, height_mm: 40 };
    let info = SealInfo {
        vid: "ESEAL".to_owned(),
        es_id: seal_id.to_owned(),
        seal_type: 4,
        name: "合同专用章".to_owned(),
        certificates: CertificateList::of(certificates.iter().copied()),
        created: now(),
        valid_from: now(),
        valid_to: now().plus(CERTIFIED_FOR * 3),
        picture,
        extensions: vec![],
    };
    let info = info.to_der().expect("a structure");
    let made = Seal::assemble(&info, &certified, &maker.sign(&info).expect("a signature"));
    made.expect("a seal")
}
