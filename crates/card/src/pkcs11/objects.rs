//! What lies on a token: key pairs with their certificates, the seal, and what the token is for.

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use eseal_pki::{Certificate, PublicKey};

use super::faults::fault;
use super::mechanisms::{no_sm2, vendor};
use crate::driver::wire::{Algorithm, KeyKind};
use crate::fault::Fault;
use crate::sm2_numbers::Sm2Numbers;
use crate::soft_card::CardKind;
use crate::uri::TokenUri;

/// Objects of one class that are looked at. A token has a handful.
const MAX_OBJECTS: usize = 64;
/// The CKA_APPLICATION of what is ours.
const APPLICATION: &[u8] = b"eseal";
const SEAL: &[u8] = b"eseal seal";
const KIND: &[u8] = b"eseal card kind";
/// OBJECT IDENTIFIERs of curves, as CKA_EC_PARAMS has them: prime256v1 (RFC 5480), and SM2 (GM/T 0006).
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SM2: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];

/// The objects that a session sees.
pub(super) struct Objects<'a> {
    pub(super) session: &'a Session,
    pub(super) uri: &'a TokenUri,
}

/// A key pair, by its public half.
pub(super) struct KeyPair {
    pub(super) algorithm: Algorithm,
    pub(super) public: PublicKey,
    pub(super) certificate: Option<Vec<u8>>,
    id: Vec<u8>,
    label: Vec<u8>,
}

/// The attributes of an object that we read.
#[derive(Default)]
struct Read {
    id: Vec<u8>,
    label: Vec<u8>,
    value: Vec<u8>,
    curve: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
}

impl Objects<'_> {
    /// The key pairs that the URI means: one of each kind at most.
    pub(super) fn key_pairs(&self) -> Result<Vec<KeyPair>, Fault> {
        let mut pairs: Vec<KeyPair> = Vec::new();
        let certificates = self.certificates()?;
        for read in self.read(ObjectClass::PUBLIC_KEY, &[])? {
            pairs.extend(read.public_key().and_then(|public| KeyPair::new(read.id, read.label, public)));
        }
        for (read, certificate) in certificates {
            let Ok(public) = certificate.public_key() else { continue };
            let is_its = |pair: &&mut KeyPair| pair.id == read.id || pair.public == public;
            match pairs.iter_mut().find(is_its) {
                Some(pair) => pair.certificate = Some(certificate.der().to_vec()),
                // Cards of CAs often have no object for the public key.
                None if !certificate.is_ca() && !read.id.is_empty() => {
                    let pair = KeyPair::new(read.id, read.label, public);
                    pairs.extend(pair.map(|pair| KeyPair { certificate: Some(certificate.der().to_vec()), ..pair }));
                }
                None => {}
            }
        }
        pairs.retain(|pair| self.is_meant(pair));
        for algorithm in [Algorithm::Sm2, Algorithm::P256, Algorithm::P384, Algorithm::Rsa] {
            let of_kind: Vec<_> = pairs.iter().filter(|pair| pair.algorithm == algorithm).collect();
            if of_kind.len() > 1 {
                return Err(Fault::Several(of_kind.iter().map(|pair| self.named(pair)).collect()));
            }
        }
        Ok(pairs)
    }

    /// The private half of a pair; `None` where it is not there, or nobody is logged in.
    pub(super) fn private(&self, pair: &KeyPair) -> Result<Option<ObjectHandle>, Fault> {
        let template =
            [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Token(true), Attribute::Id(pair.id.clone())];
        Ok(self.find(&template)?.first().copied())
    }

    /// Whether a private key wants the PIN before each signature. Tokens that don't know the attribute have no such keys.
    pub(super) fn wants_pin_each_time(&self, key: ObjectHandle) -> Result<bool, Fault> {
        let told = self.session.get_attributes(key, &[AttributeType::AlwaysAuthenticate]).map_err(fault)?;
        Ok(told.contains(&Attribute::AlwaysAuthenticate(true)))
    }

    /// Makes a key pair whose private half never leaves the token.
    pub(super) fn generate(&self, key: KeyKind) -> Result<(), Fault> {
        let mut id = vec![0; 8];
        getrandom::fill(&mut id).map_err(|error| Fault::Library(error.to_string()))?;
        self.generate_as(key, id, format!("eseal {}", key.suite()).into_bytes()).map(drop)
    }

    /// The same with this CKA_ID and CKA_LABEL; gives the public half.
    pub(super) fn generate_as(&self, key: KeyKind, id: Vec<u8>, label: Vec<u8>) -> Result<PublicKey, Fault> {
        let both = [Attribute::Token(true), Attribute::Id(id), Attribute::Label(label)];
        let mut public = vec![Attribute::Private(false), Attribute::Verify(true)];
        let mut private = vec![
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        public.extend(both.iter().cloned());
        private.extend(both);
        let mechanism = match (key, key.rsa_bits()) {
            (_, Some(bits)) => {
                public.push(Attribute::ModulusBits(u64::from(bits).into()));
                public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                Mechanism::RsaPkcsKeyPairGen
            }
            (KeyKind::Sm2, _) => {
                let numbers = self.uri.sm2.ok_or_else(no_sm2)?;
                let key_type = KeyType::try_from(numbers.key_type).map_err(fault)?;
                public.extend([Attribute::EcParams(SM2.to_vec()), Attribute::KeyType(key_type)]);
                private.push(Attribute::KeyType(key_type));
                Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(vendor(numbers.generate)?, None))
            }
            (..) => {
                public.push(Attribute::EcParams(P256.to_vec()));
                Mechanism::EccKeyPairGen
            }
        };
        let (public, _) = self.session.generate_key_pair(&mechanism, &public, &private).map_err(fault)?;
        let read = self.attributes(public)?.public_key();
        read.ok_or_else(|| Fault::Lied("a key pair that was made has no public half".to_owned()))
    }

    /// Puts the certificate of a key pair onto the token, in place of earlier ones.
    pub(super) fn import(&self, key: Algorithm, certificate: &[u8]) -> Result<(), Fault> {
        let parsed = Certificate::from_der(certificate).map_err(|error| Fault::Lied(error.to_string()))?;
        let pair = self.key_pairs()?.into_iter().find(|pair| pair.algorithm == key).ok_or(Fault::NoKey)?;
        let of_pair = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Token(true),
            Attribute::Id(pair.id.clone()),
        ];
        let earlier = self.find(&of_pair)?;
        let mut template = of_pair.to_vec();
        template.extend([
            Attribute::Private(false),
            Attribute::Label(pair.label.clone()),
            Attribute::Subject(parsed.raw_subject().to_vec()),
            Attribute::Issuer(parsed.raw_issuer().to_vec()),
            Attribute::SerialNumber(serial_number(&parsed)),
            Attribute::Value(certificate.to_vec()),
        ]);
        self.session.create_object(&template).map_err(fault)?;
        for handle in earlier {
            self.session.destroy_object(handle).map_err(fault)?;
        }
        Ok(())
    }

    /// The seal, which only who is logged in can see.
    pub(super) fn seal(&self) -> Result<Option<Vec<u8>>, Fault> {
        let handle = self.find(&of_ours(SEAL))?.first().copied();
        handle.map(|handle| self.attributes(handle).map(|read| read.value)).transpose()
    }

    /// Puts a seal onto the token as a private data object, in place of an earlier one, and reads it back.
    pub(super) fn store_seal(&self, seal: &[u8]) -> Result<(), Fault> {
        let value = Attribute::Value(seal.to_vec());
        let earlier = self.find(&of_ours(SEAL))?;
        let changed = match earlier.first() {
            Some(handle) => self.session.update_attributes(*handle, std::slice::from_ref(&value)),
            None => Err(Error::Pkcs11(RvError::ActionProhibited, cryptoki::context::Function::SetAttributeValue)),
        };
        if changed.is_err() {
            // No object yet, or one of a token that changes none.
            for handle in earlier {
                self.session.destroy_object(handle).map_err(fault)?;
            }
            let mut template = of_ours(SEAL).to_vec();
            template.extend([Attribute::Private(true), value]);
            self.session.create_object(&template).map_err(fault)?;
        }
        match self.seal()? {
            Some(stored) if stored == seal => Ok(()),
            _ => Err(Fault::Lied("the seal that was stored is not the one that is read".to_owned())),
        }
    }

    /// What the token was initialized as.
    pub(super) fn kind(&self) -> Result<Option<CardKind>, Fault> {
        let Some(handle) = self.find(&of_ours(KIND))?.first().copied() else { return Ok(None) };
        Ok(match self.attributes(handle)?.value.as_slice() {
            b"maker" => Some(CardKind::Maker),
            b"holder" => Some(CardKind::Holder),
            _ => None,
        })
    }

    /// Writes down what the token is for.
    pub(super) fn store_kind(&self, kind: CardKind) -> Result<(), Fault> {
        let value = match kind {
            CardKind::Maker => b"maker".to_vec(),
            CardKind::Holder => b"holder".to_vec(),
        };
        let mut template = of_ours(KIND).to_vec();
        template.extend([Attribute::Private(false), Attribute::Value(value)]);
        self.session.create_object(&template).map(drop).map_err(fault)
    }

    fn certificates(&self) -> Result<Vec<(Read, Certificate)>, Fault> {
        let only = [Attribute::CertificateType(CertificateType::X_509)];
        let read = self.read(ObjectClass::CERTIFICATE, &only)?.into_iter();
        // What can't be read is none of ours; a card may hold anything beside.
        Ok(read.filter_map(|read| Certificate::from_der(&read.value).ok().map(|parsed| (read, parsed))).collect())
    }

    fn read(&self, class: ObjectClass, more: &[Attribute]) -> Result<Vec<Read>, Fault> {
        let mut template = vec![Attribute::Class(class), Attribute::Token(true)];
        template.extend(more.iter().cloned());
        self.find(&template)?.into_iter().map(|handle| self.attributes(handle)).collect()
    }

    pub(super) fn find(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>, Fault> {
        let found: Result<Vec<_>, _> = self.session.iter_objects(template).map_err(fault)?.take(MAX_OBJECTS).collect();
        found.map_err(fault)
    }

    fn attributes(&self, handle: ObjectHandle) -> Result<Read, Fault> {
        const WANTED: [AttributeType; 7] = [
            AttributeType::Id,
            AttributeType::Label,
            AttributeType::Value,
            AttributeType::EcParams,
            AttributeType::EcPoint,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
        ];
        let mut read = Read::default();
        for attribute in self.session.get_attributes(handle, &WANTED).map_err(fault)? {
            match attribute {
                Attribute::Id(id) => read.id = id,
                Attribute::Label(label) => read.label = label,
                Attribute::Value(value) => read.value = value,
                Attribute::EcParams(curve) => read.curve = Some(curve),
                Attribute::EcPoint(point) => read.point = Some(point),
                Attribute::Modulus(modulus) => read.modulus = Some(modulus),
                Attribute::PublicExponent(exponent) => read.exponent = Some(exponent),
                _ => {}
            }
        }
        if read.point.is_some() && self.is_of_own_type(handle) {
            read.curve = Some(SM2.to_vec());
        }
        Ok(read)
    }

    /// Whether a key has the type that the vendor made for SM2. Then some have no curve, and some name another OBJECT IDENTIFIER
    /// in its place; a wrong guess is no point of the curve, or is found when the key signs for the first time.
    fn is_of_own_type(&self, key: ObjectHandle) -> bool {
        let own =
            self.uri.sm2.filter(Sm2Numbers::has_own_type).and_then(|numbers| KeyType::try_from(numbers.key_type).ok());
        // By itself: types of vendors that the binding does not know are errors of its.
        let told = own.and_then(|_| self.session.get_attributes(key, &[AttributeType::KeyType]).ok());
        own.is_some_and(|own| told.is_some_and(|told| told.contains(&Attribute::KeyType(own))))
    }

    fn is_meant(&self, pair: &KeyPair) -> bool {
        self.uri.id.as_ref().is_none_or(|id| *id == pair.id)
            && self.uri.object.as_ref().is_none_or(|object| object.as_bytes() == pair.label)
    }

    fn named(&self, pair: &KeyPair) -> String {
        TokenUri { id: Some(pair.id.clone()), ..self.uri.clone() }.to_string()
    }
}

impl KeyPair {
    /// `None` for a key that this system does not sign with.
    fn new(id: Vec<u8>, label: Vec<u8>, public: PublicKey) -> Option<Self> {
        Some(Self { algorithm: public.suite()?.into(), public, certificate: None, id, label })
    }
}

impl Read {
    fn public_key(&self) -> Option<PublicKey> {
        match (&self.curve, &self.point, &self.modulus, &self.exponent) {
            (_, _, Some(modulus), Some(exponent)) => PublicKey::from_device_modulus(modulus, exponent).ok(),
            (Some(curve), Some(point), ..) => PublicKey::from_device_point(curve, point).ok(),
            // Keys of a vendor's own type may come without a curve: it is the one of SM2.
            (None, Some(point), ..) => PublicKey::from_device_point(SM2, point).ok(),
            _ => None,
        }
    }
}

fn of_ours(label: &[u8]) -> [Attribute; 4] {
    [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Application(APPLICATION.to_vec()),
        Attribute::Label(label.to_vec()),
    ]
}

/// The certificate's serial number as DER, as CKA_SERIAL_NUMBER wants it.
fn serial_number(certificate: &Certificate) -> Vec<u8> {
    let mut number = hex::decode(certificate.serial_hex()).unwrap_or_default();
    if number.first().is_none_or(|first| *first >= 0x80) {
        number.insert(0, 0);
    }
    let length = u8::try_from(number.len()).ok().filter(|length| *length < 0x80).unwrap_or_default();
    let mut der = vec![0x02, length];
    der.extend(number.into_iter().take(usize::from(length)));
    der
}
