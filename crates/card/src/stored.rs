//! The form of the file. JSON, so that its public part can be read by people; numbers below `tries_left` never change
//! their meaning.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eseal_pki::{Certificate, PublicKey, Suite};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::soft_card::CardKind;
use crate::vault::{Cost, PinBox, Sealed};
use crate::{MAX_SEAL, TRIES};

const FORMAT: &str = "eseal-soft-card";
/// What every card has. Also the version that ciphertexts are bound to, since none of them changed.
const VERSION: u32 = 1;
/// The same with an administrator's PIN: earlier releases, which would drop it, don't read such a card.
const VERSION_WITH_ADMIN: u32 = 2;
/// The same, with or without an administrator's PIN, with a count of uses: earlier releases would drop the count, and the card would
/// be taken for a copy.
const VERSION_WITH_USES: u32 = 3;
/// Bytes of a file: the largest seal in Base64, and room for the rest.
pub(crate) const MAX_FILE: u64 = 2 * MAX_SEAL as u64;
const MAX_CIPHERTEXT: usize = MAX_SEAL + 64;

/// Why a file is no card.
pub(crate) enum Unreadable {
    NotACard(String),
    NewerFormat(u32),
}

/// Everything that is on a card, checked.
#[derive(Clone)]
pub(crate) struct Contents {
    pub(crate) serial: String,
    pub(crate) kind: CardKind,
    pub(crate) tries_left: u8,
    pub(crate) pin: PinBox,
    pub(crate) admin: Option<Admin>,
    pub(crate) keys: Vec<KeyPair>,
    pub(crate) seal: Option<Sealed>,
    /// How often it was used for a seal; never goes back.
    pub(crate) uses: u64,
}

/// The administrator's PIN, which gives a locked card a new one, with a count of its own.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) tries_left: u8,
    pub(crate) pin: PinBox,
}

/// A key pair: its public half in the open, its private half encrypted.
#[derive(Clone)]
pub(crate) struct KeyPair {
    pub(crate) suite: Suite,
    pub(crate) public: PublicKey,
    pub(crate) private: Sealed,
    pub(crate) certificate: Option<Certificate>,
}

impl Contents {
    /// What binds a ciphertext to this card and to its place on it.
    pub(crate) fn binding(&self, place: &str) -> Vec<u8> {
        binding(&self.serial, self.kind, place)
    }

    pub(crate) fn key(&self, suite: Suite) -> Option<&KeyPair> {
        self.keys.iter().find(|key| key.suite == suite)
    }

    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(&File::from(self))
    }

    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Unreadable> {
        let no_card = |why: serde_json::Error| Unreadable::NotACard(why.to_string());
        let head: Head = serde_json::from_slice(json).map_err(no_card)?;
        if head.format != FORMAT {
            return Err(Unreadable::NotACard(format!("its format is not {FORMAT}")));
        }
        if ![VERSION, VERSION_WITH_ADMIN, VERSION_WITH_USES].contains(&head.version) {
            return Err(Unreadable::NewerFormat(head.version));
        }
        let file: File = serde_json::from_slice(json).map_err(no_card)?;
        file.checked().map_err(|why| Unreadable::NotACard(why.to_owned()))
    }
}

pub(crate) fn binding(serial: &str, kind: CardKind, place: &str) -> Vec<u8> {
    format!("{FORMAT}\n{VERSION}\n{serial}\n{}\n{place}", kind_name(kind)).into_bytes()
}

/// Where the private half of a key pair lies.
pub(crate) fn key_place(suite: Suite) -> String {
    format!("key {suite}")
}

/// Where the data key lies.
pub(crate) const PIN_PLACE: &str = "pin";
/// Where the data key lies for the administrator.
pub(crate) const ADMIN_PLACE: &str = "admin pin";
/// Where the seal lies.
pub(crate) const SEAL_PLACE: &str = "seal";

/// Enough to tell whose file it is.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    serial: String,
    kind: String,
    tries_left: u8,
    pin: FilePin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admin_tries_left: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admin_pin: Option<FilePin>,
    keys: Vec<FileKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<FileSealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uses: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePin {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Bytes,
    data_key: FileSealed,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKey {
    suite: String,
    public_key: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Bytes>,
    private_key: FileSealed,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSealed {
    cipher: String,
    nonce: Bytes,
    ciphertext: Bytes,
}

/// Bytes as Base64.
struct Bytes(Vec<u8>);

const KDF: &str = "argon2id-v19";
const CIPHER: &str = "aes-256-gcm";

impl File {
    fn checked(self) -> Result<Contents, &'static str> {
        let serial_is_hex = self.serial.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if self.serial.len() != 16 || !serial_is_hex {
            return Err("its serial number is not 16 hexadecimal digits");
        }
        if self.tries_left > TRIES || self.admin_tries_left.is_some_and(|left| left > TRIES) {
            return Err("it has more tries left than a card has");
        }
        let admin = match (self.admin_tries_left, self.admin_pin) {
            (Some(tries_left), Some(pin)) => Some(Admin { tries_left, pin: pin.checked()? }),
            (None, None) => None,
            _ => return Err("it has half of an administrator's PIN"),
        };
        let fits = match self.version {
            VERSION_WITH_USES => self.uses.is_some_and(|uses| uses > 0),
            version => self.uses.is_none() && admin.is_some() == (version == VERSION_WITH_ADMIN),
        };
        if !fits {
            return Err("its version does not fit its contents");
        }
        let keys: Vec<KeyPair> = self.keys.into_iter().map(FileKey::checked).collect::<Result<_, _>>()?;
        if keys.is_empty() || (1..keys.len()).any(|i| keys[..i].iter().any(|key| key.suite == keys[i].suite)) {
            return Err("it has no key pair, or two of one suite");
        }
        Ok(Contents {
            serial: self.serial,
            kind: [CardKind::Maker, CardKind::Holder]
                .into_iter()
                .find(|kind| kind_name(*kind) == self.kind)
                .ok_or("its kind is neither maker nor holder")?,
            tries_left: self.tries_left,
            pin: self.pin.checked()?,
            admin,
            keys,
            seal: self.seal.map(FileSealed::checked).transpose()?,
            uses: self.uses.unwrap_or_default(),
        })
    }
}

impl FilePin {
    fn checked(self) -> Result<PinBox, &'static str> {
        let Self { kdf, memory_kib, passes, lanes, salt, data_key } = self;
        let cost = Cost { memory_kib, passes, lanes };
        let pin = PinBox { salt: salt.0, cost, data_key: data_key.checked()? };
        if kdf == KDF && pin.is_acceptable() {
            Ok(pin)
        } else {
            Err("its PIN is protected in a way that is not allowed")
        }
    }
}

impl FileKey {
    /// A certificate that is not for this key was not put there by this crate.
    fn checked(self) -> Result<KeyPair, &'static str> {
        let public = PublicKey::from_spki_der(&self.public_key.0).map_err(|_| "a public key cannot be read")?;
        let suite = public.suite().filter(|suite| suite.name() == self.suite).ok_or("a key is not of its suite")?;
        let certificate = self.certificate.map(|der| Certificate::from_der(&der.0)).transpose();
        let certificate = certificate.map_err(|_| "a certificate cannot be read")?;
        if certificate.as_ref().is_some_and(|certificate| !is_for(certificate, &public)) {
            return Err("a certificate is for another key");
        }
        Ok(KeyPair { suite, public, private: self.private_key.checked()?, certificate })
    }
}

impl FileSealed {
    fn checked(self) -> Result<Sealed, &'static str> {
        let sealed = Sealed { nonce: self.nonce.0, ciphertext: self.ciphertext.0 };
        let fits = sealed.nonce.len() == 12 && sealed.ciphertext.len() <= MAX_CIPHERTEXT;
        if self.cipher == CIPHER && fits {
            Ok(sealed)
        } else {
            Err("something is encrypted in a way that is not allowed")
        }
    }
}

/// Whether the certificate certifies that key.
pub(crate) fn is_for(certificate: &Certificate, key: &PublicKey) -> bool {
    certificate.public_key().is_ok_and(|certified| certified.to_spki_der() == key.to_spki_der())
}

impl From<&Contents> for File {
    fn from(contents: &Contents) -> Self {
        let Contents { serial, kind, tries_left, pin, admin, keys, seal, uses } = contents;
        let version = match (uses, admin) {
            (0, None) => VERSION,
            (0, Some(_)) => VERSION_WITH_ADMIN,
            (_, _) => VERSION_WITH_USES,
        };
        Self {
            format: FORMAT.to_owned(),
            version,
            serial: serial.clone(),
            kind: kind_name(*kind).to_owned(),
            tries_left: *tries_left,
            pin: pin.into(),
            admin_tries_left: admin.as_ref().map(|admin| admin.tries_left),
            admin_pin: admin.as_ref().map(|admin| FilePin::from(&admin.pin)),
            keys: keys.iter().map(FileKey::from).collect(),
            seal: seal.as_ref().map(FileSealed::from),
            uses: Some(*uses).filter(|uses| *uses > 0),
        }
    }
}

impl From<&PinBox> for FilePin {
    fn from(pin: &PinBox) -> Self {
        Self {
            kdf: KDF.to_owned(),
            memory_kib: pin.cost.memory_kib,
            passes: pin.cost.passes,
            lanes: pin.cost.lanes,
            salt: Bytes(pin.salt.clone()),
            data_key: (&pin.data_key).into(),
        }
    }
}

impl From<&KeyPair> for FileKey {
    fn from(key: &KeyPair) -> Self {
        Self {
            suite: key.suite.name().to_owned(),
            public_key: Bytes(key.public.to_spki_der()),
            certificate: key.certificate.as_ref().map(|certificate| Bytes(certificate.der().to_vec())),
            private_key: (&key.private).into(),
        }
    }
}

impl From<&Sealed> for FileSealed {
    fn from(sealed: &Sealed) -> Self {
        let Sealed { nonce, ciphertext } = sealed.clone();
        Self { cipher: CIPHER.to_owned(), nonce: Bytes(nonce), ciphertext: Bytes(ciphertext) }
    }
}

fn kind_name(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Maker => "maker",
        CardKind::Holder => "holder",
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}
