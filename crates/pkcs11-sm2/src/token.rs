//! SM2 keys among the objects of SoftHSM.
//!
//! A pair is three objects: the two halves that are shown, and the private key itself, which only who is logged in can see.

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_KEY_TYPE, CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CKA_APPLICATION,
    CKA_CLASS, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ID, CKA_KEY_TYPE, CKA_OBJECT_ID, CKA_PRIVATE, CKA_TOKEN, CKA_VALUE,
    CKK_EC, CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKR_FUNCTION_FAILED, CKR_KEY_HANDLE_INVALID,
    CKR_KEY_TYPE_INCONSISTENT, CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT,
};
use eseal_pki::{SigningKey, Suite};

use crate::behind::{Behind, Given};
use crate::mechanisms::KEY_TYPE;

const APPLICATION: &[u8] = b"eseal-pkcs11-sm2";
/// The OBJECT IDENTIFIER of the curve (GM/T 0006).
const CURVE: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
/// What stands in its place where the key's type says the curve: id-ecPublicKey, which programs for such modules write there.
const NO_CURVE: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const YES: u8 = 1;

/// Makes a pair as the templates of its two halves say.
pub(crate) fn generate(
    behind: &Behind,
    session: CK_SESSION_HANDLE,
    [public, private]: [Vec<Given>; 2],
) -> Result<[CK_OBJECT_HANDLE; 2], CK_RV> {
    let curve = match (value(&public, CKA_KEY_TYPE).map(key_type), value(&public, CKA_EC_PARAMS)) {
        (None | Some(Some(CKK_EC)), Some(curve)) if curve == CURVE => CURVE,
        (Some(Some(KEY_TYPE)), None) => NO_CURVE,
        (Some(Some(KEY_TYPE)), Some(curve)) if curve == CURVE => NO_CURVE,
        _ => return Err(CKR_TEMPLATE_INCONSISTENT),
    };
    let id = value(&private, CKA_ID).filter(|id| !id.is_empty()).ok_or(CKR_TEMPLATE_INCOMPLETE)?.to_vec();
    if [&public, &private].into_iter().any(|half| value(half, CKA_TOKEN) != Some(&[YES])) {
        return Err(CKR_TEMPLATE_INCONSISTENT);
    }
    if behind.find(session, &mut secret(&id))?.is_some() {
        return Err(CKR_TEMPLATE_INCONSISTENT);
    }
    let key = SigningKey::generate(Suite::Sm2Sm3).map_err(|_| CKR_FUNCTION_FAILED)?;
    let (x, y) = key.public_key().device_sm2_point().ok_or(CKR_FUNCTION_FAILED)?;
    // An OCTET STRING of the point (PKCS #11 v2.40 §2.3.3).
    let point = [&[0x04, 0x41, 0x04][..], &x, &y].concat();
    let of_own = [CKA_CLASS, CKA_KEY_TYPE, CKA_EC_PARAMS];
    let half = |template: Vec<Given>, class: CK_OBJECT_CLASS, more: Given| {
        let mut object: Vec<Given> = template.into_iter().filter(|(kind, _)| !of_own.contains(kind)).collect();
        object.extend([number(CKA_CLASS, class), number(CKA_KEY_TYPE, CKK_EC), (CKA_EC_PARAMS, curve.to_vec()), more]);
        object
    };

    // Needs a login, so that nothing is left behind without one.
    let mut itself = secret(&id);
    itself.extend([(CKA_PRIVATE, vec![YES]), (CKA_VALUE, key.to_pkcs8_der().to_vec())]);
    behind.create(session, &mut itself)?;
    // SoftHSM wants a value there; it signs nothing with it.
    let private = behind.create(session, &mut half(private, CKO_PRIVATE_KEY, (CKA_VALUE, vec![YES; 32])))?;
    let public = behind.create(session, &mut half(public, CKO_PUBLIC_KEY, (CKA_EC_POINT, point)))?;
    Ok([public, private])
}

/// The key behind the handle of a private half.
pub(crate) fn key(behind: &Behind, session: CK_SESSION_HANDLE, handle: CK_OBJECT_HANDLE) -> Result<SigningKey, CK_RV> {
    let curve = behind.attribute(session, handle, CKA_EC_PARAMS).map_err(|_| CKR_KEY_HANDLE_INVALID)?;
    if ![CURVE, NO_CURVE].contains(&curve.as_slice()) {
        return Err(CKR_KEY_TYPE_INCONSISTENT);
    }
    let id = behind.attribute(session, handle, CKA_ID)?;
    let itself = behind.find(session, &mut secret(&id))?.ok_or(CKR_KEY_HANDLE_INVALID)?;
    let pkcs8 = behind.attribute(session, itself, CKA_VALUE)?;
    SigningKey::from_pkcs8_der(&pkcs8).map_err(|_| CKR_FUNCTION_FAILED)
}

/// Whether an object is shown as a key of the vendor's own type.
pub(crate) fn has_own_type(behind: &Behind, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> bool {
    behind.attribute(session, object, CKA_EC_PARAMS).is_ok_and(|curve| curve == NO_CURVE)
}

fn secret(id: &[u8]) -> Vec<Given> {
    vec![
        number(CKA_CLASS, CKO_DATA),
        (CKA_TOKEN, vec![YES]),
        (CKA_APPLICATION, APPLICATION.to_vec()),
        (CKA_OBJECT_ID, id.to_vec()),
    ]
}

fn number(kind: CK_ATTRIBUTE_TYPE, number: CK_OBJECT_CLASS) -> Given {
    (kind, number.to_ne_bytes().to_vec())
}

fn key_type(value: &[u8]) -> Option<CK_KEY_TYPE> {
    value.try_into().map(CK_KEY_TYPE::from_ne_bytes).ok()
}

fn value(template: &[Given], kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
    template.iter().find(|(there, _)| *there == kind).map(|(_, value)| value.as_slice())
}
