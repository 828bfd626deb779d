//! What the numbers do.

use std::sync::atomic::{AtomicU32, Ordering};

use cryptoki_sys::{CK_KEY_TYPE, CK_MECHANISM_TYPE};
use eseal_pki::{PublicKey, SigningKey, Suite};

/// The type of SM2 keys.
pub(crate) const KEY_TYPE: CK_KEY_TYPE = 0x8000_0004;
/// Makes a key pair.
pub(crate) const GENERATE: CK_MECHANISM_TYPE = 0x8000_8001;
/// The identity that Z is made with when nothing else is agreed (GM/T 0009 §10).
const IDENTITY: &[u8] = b"1234567812345678";

/// A mechanism that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signing {
    takes: Takes,
    gives: Gives,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Digest,
    Prefixed,
    Message,
    MessageAndIdentity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    Raw,
    Der,
    /// 04 ‖ r ‖ s, as points are written.
    Tagged,
    /// Made with another key.
    OfAnother,
    /// r ‖ s; every third time the user is logged out instead.
    RawForATime,
}

/// What is wrong with what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Parameter,
    Length,
    Failed,
}

/// All that sign, with their numbers.
pub(crate) const SIGNING: [(CK_MECHANISM_TYPE, Signing); 10] = [
    (0x8000_8105, Signing { takes: Takes::Digest, gives: Gives::Raw }),
    (0x8000_8104, Signing { takes: Takes::Digest, gives: Gives::Der }),
    (0x8000_8100, Signing { takes: Takes::Prefixed, gives: Gives::Raw }),
    (0x8000_8101, Signing { takes: Takes::Prefixed, gives: Gives::Der }),
    (0x8000_8102, Signing { takes: Takes::Message, gives: Gives::Raw }),
    (0x8000_8103, Signing { takes: Takes::Message, gives: Gives::Der }),
    (0x8005_000c, Signing { takes: Takes::MessageAndIdentity, gives: Gives::Raw }),
    (0x8000_ee01, Signing { takes: Takes::Digest, gives: Gives::Tagged }),
    (0x8000_ee02, Signing { takes: Takes::Digest, gives: Gives::OfAnother }),
    (0x8000_ee03, Signing { takes: Takes::Digest, gives: Gives::RawForATime }),
];

impl Signing {
    pub(crate) fn by(number: CK_MECHANISM_TYPE) -> Option<Self> {
        SIGNING.into_iter().find(|(signing, _)| *signing == number).map(|(_, signing)| signing)
    }

    /// Whether the user is logged out now.
    pub(crate) fn logs_out(self) -> bool {
        static BEGUN: AtomicU32 = AtomicU32::new(0);
        self.gives == Gives::RawForATime && BEGUN.fetch_add(1, Ordering::Relaxed) % 3 == 2
    }

    /// Whether this parameter of the mechanism is the one that it takes.
    pub(crate) fn takes_parameter(self, given: &[u8]) -> Result<(), Refused> {
        let wanted = if self.takes == Takes::MessageAndIdentity { IDENTITY } else { &[] };
        if given == wanted { Ok(()) } else { Err(Refused::Parameter) }
    }

    /// The most bytes of a signature.
    pub(crate) const fn longest(self) -> usize {
        match self.gives {
            Gives::Raw | Gives::RawForATime | Gives::OfAnother => 64,
            Gives::Tagged => 65,
            Gives::Der => 72,
        }
    }

    pub(crate) fn sign(self, key: &SigningKey, given: &[u8]) -> Result<Vec<u8>, Refused> {
        let public = key.public_key();
        let e = self.e(&public, given)?;
        let raw = |key: &SigningKey| key.sign_sm2_digest(&e).map_err(|_| Refused::Failed);
        Ok(match self.gives {
            Gives::Raw | Gives::RawForATime => raw(key)?.to_vec(),
            Gives::Der => public.device_signature(&raw(key)?).map_err(|_| Refused::Failed)?,
            Gives::Tagged => [&[4][..], &raw(key)?].concat(),
            Gives::OfAnother => raw(&SigningKey::generate(Suite::Sm2Sm3).map_err(|_| Refused::Failed)?)?.to_vec(),
        })
    }

    fn e(self, public: &PublicKey, given: &[u8]) -> Result<[u8; 32], Refused> {
        let hashed = match self.takes {
            Takes::Digest => return given.try_into().map_err(|_| Refused::Length),
            Takes::Prefixed => Suite::Sm2Sm3.digest().digest(given),
            Takes::Message | Takes::MessageAndIdentity => {
                let mut hasher = public.sm2_z_hasher().ok_or(Refused::Failed)?;
                hasher.update(given);
                hasher.finish()
            }
        };
        hashed.try_into().map_err(|_| Refused::Failed)
    }
}
