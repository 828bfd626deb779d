//! What a token offers, and what its keys sign with.

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::slot::Slot;

use crate::driver::wire::Algorithm;
use crate::fault::Fault;
use crate::sm2_numbers::{Sm2Input, Sm2Numbers};

/// The identity that Z is made with when nothing else is agreed (GM/T 0009 §10).
const IDENTITY: &[u8; 16] = b"1234567812345678";

pub(super) fn has(context: &Pkcs11, slot: Slot, mechanism: MechanismType) -> bool {
    context.get_mechanism_info(slot, mechanism).is_ok()
}

/// What of SM2 a token offers.
#[derive(Clone, Copy, Default)]
pub(super) struct Sm2Offered {
    pub(super) makes_pairs: bool,
    pub(super) signs: bool,
}

/// A mechanism that is there under the vendor's number and does something else is not the one that is meant.
pub(super) fn sm2_offered(context: &Pkcs11, slot: Slot, numbers: Sm2Numbers) -> Sm2Offered {
    let of = |number| vendor(number).ok().and_then(|mechanism| context.get_mechanism_info(slot, mechanism).ok());
    Sm2Offered {
        makes_pairs: of(numbers.generate).is_some_and(|info| info.generate_key_pair()),
        signs: of(numbers.sign).is_some_and(|info| info.sign()),
    }
}

pub(super) fn vendor(number: u64) -> Result<MechanismType, Fault> {
    MechanismType::new_vendor_defined(number).map_err(|_| Fault::NotOffered(format!("the mechanism {number:#x}")))
}

pub(super) fn no_sm2() -> Fault {
    Fault::NotOffered("SM2: its vendor's numbers are not named by x-sm2 in the URI".to_owned())
}

pub(super) fn mechanism(key: Algorithm, sm2: Option<Sm2Numbers>) -> Result<Mechanism<'static>, Fault> {
    Ok(match key {
        Algorithm::Sm2 => {
            let numbers = sm2.ok_or_else(no_sm2)?;
            let identity = (numbers.input == Sm2Input::MessageAndIdentity).then_some(IDENTITY);
            Mechanism::VendorDefined(VendorDefinedMechanism::new(vendor(numbers.sign)?, identity))
        }
        Algorithm::P256 | Algorithm::P384 => Mechanism::Ecdsa,
        Algorithm::Rsa => Mechanism::RsaPkcs,
    })
}
