//! Keys that a token keeps for a service: one AES key, which the address names, and any number of key pairs, each by its CKA_ID.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use zeroize::Zeroizing;

use super::Token;
use super::faults::fault;
use super::mechanisms::mechanism;
use super::objects::Objects;
use crate::driver::device::keeps_no_keys;
use crate::driver::wire::{Algorithm, Answer, Bytes, KeyKind, Offers, SecretBytes, Work};
use crate::fault::Fault;
use crate::sm2_numbers::Sm2Numbers;
use crate::uri::TokenUri;

/// Bits of the tag of AES-GCM.
const TAG_BITS: u64 = 128;
/// Key pairs whose handles are remembered; then all are looked for again.
const MAX_HANDLES: usize = 4096;

/// Handles of what is kept. They are good in every session of the login.
#[derive(Default)]
pub(super) struct Kept {
    secret: RwLock<Option<ObjectHandle>>,
    private: RwLock<HashMap<(Vec<u8>, Algorithm), ObjectHandle>>,
}

impl Token {
    /// Finds the AES key of the address, and what else the token can do.
    pub(super) fn find_kept(&self) -> Result<Offers, Fault> {
        let mut template =
            vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), Attribute::Token(true)];
        template.extend(self.uri.object.iter().map(|label| Attribute::Label(label.as_bytes().to_vec())));
        template.extend(self.uri.id.iter().map(|id| Attribute::Id(id.clone())));
        let found = self.objects().find(&template)?;
        let secret = match found.as_slice() {
            [] => None,
            [only] => Some(self.never_leaves(*only)?),
            _ => return Err(Fault::Several(vec!["several AES keys: name one by object= or id=".to_owned()])),
        };
        *self.kept.secret.write().unwrap_or_else(PoisonError::into_inner) = secret;
        Ok(Offers {
            sm2: self.uri.sm2.is_some() && self.sm2()?,
            p256: self.has(MechanismType::ECC_KEY_PAIR_GEN),
            secret: secret.is_some() && self.has(MechanismType::AES_GCM),
        })
    }

    /// A key-encryption key that the token would give out is none.
    fn never_leaves(&self, key: ObjectHandle) -> Result<ObjectHandle, Fault> {
        let asked = [AttributeType::Sensitive, AttributeType::Extractable];
        let told = self.session.get_attributes(key, &asked).map_err(fault)?;
        let stays = told.contains(&Attribute::Sensitive(true)) && told.contains(&Attribute::Extractable(false));
        let leaves = || Fault::NotOffered("an AES key that never leaves it: this one is extractable".to_owned());
        if stays { Ok(key) } else { Err(leaves()) }
    }

    /// Makes a key pair of this id, and never a second one.
    pub(super) fn make_kept(&self, id: &[u8], key: KeyKind) -> Result<Vec<u8>, Fault> {
        if key.rsa_bits().is_some() {
            return keeps_no_keys();
        }
        self.makes(key)?;
        if private(&self.session, id)?.is_some() {
            return Err(Fault::KeyExists);
        }
        let label = format!("eseal hosted {}", key.suite()).into_bytes();
        Ok(self.objects().generate_as(key, id.to_vec(), label)?.to_spki_der())
    }
}

impl Kept {
    /// Does what is done with keys that are kept for a service.
    pub(super) fn work(&self, session: &Session, work: Work, sm2: Option<Sm2Numbers>) -> Result<Answer, Fault> {
        match work {
            Work::SignFor { id, key, input } => self.sign(session, &id.0, key, sm2, &input.0),
            Work::Encrypt { mut nonce, bound, input } => {
                let gcm = GcmParams::new(&mut nonce.0, &bound.0, TAG_BITS.into()).map_err(fault)?;
                let sealed = session.encrypt(&Mechanism::AesGcm(gcm), self.secret()?, &input.0).map_err(fault)?;
                Ok(Answer::Encrypted(Bytes(sealed)))
            }
            Work::Decrypt { mut nonce, bound, input } => {
                let gcm = GcmParams::new(&mut nonce.0, &bound.0, TAG_BITS.into()).map_err(fault)?;
                let opened = session.decrypt(&Mechanism::AesGcm(gcm), self.secret()?, &input.0);
                let opened = opened.map(Zeroizing::new).map_err(not_decrypted)?;
                Ok(Answer::Decrypted(SecretBytes(opened)))
            }
            Work::Sign { .. } => Err(Fault::NoKey),
        }
    }

    fn sign(
        &self,
        session: &Session,
        id: &[u8],
        key: Algorithm,
        sm2: Option<Sm2Numbers>,
        input: &[u8],
    ) -> Result<Answer, Fault> {
        let mechanism = mechanism(key, sm2)?;
        let name = (id.to_vec(), key);
        let known = self.private.read().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
        let handle = match known {
            Some(handle) => handle,
            None => {
                let found = private(session, id)?.ok_or(Fault::NoKey)?;
                let mut handles = self.private.write().unwrap_or_else(PoisonError::into_inner);
                if handles.len() >= MAX_HANDLES {
                    handles.clear();
                }
                handles.insert(name.clone(), found);
                found
            }
        };
        match session.sign(&mechanism, handle, input) {
            Ok(signature) => Ok(Answer::Signed(Bytes(signature))),
            Err(error) => {
                // It may have been taken away, and another one have its handle now.
                self.private.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
                Err(fault(error))
            }
        }
    }

    fn secret(&self) -> Result<ObjectHandle, Fault> {
        self.secret.read().unwrap_or_else(PoisonError::into_inner).ok_or(Fault::NoKey)
    }
}

/// The private half of the pair with this id. There is one at most: ids name their kind as well.
fn private(session: &Session, id: &[u8]) -> Result<Option<ObjectHandle>, Fault> {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Token(true), Attribute::Id(id.to_vec())];
    let objects = Objects { session, uri: &TokenUri::default() };
    match objects.find(&template)?.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => Err(Fault::Lied("several private keys have one id".to_owned())),
    }
}

/// Modules say in several ways that a tag is not right: that is no fault of the token.
fn not_decrypted(error: Error) -> Fault {
    match error {
        Error::Pkcs11(
            RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::GeneralError
            | RvError::DataInvalid,
            _,
        ) => Fault::NotDecrypted,
        other => fault(other),
    }
}
