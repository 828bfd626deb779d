//! The functions of PKCS #11 that are other than SoftHSM's, as C sees them.
#![expect(unsafe_code, reason = "functions that C calls with pointers")]
#![allow(non_snake_case, reason = "the names of the standard")]

use std::collections::HashMap;
use std::ptr;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_FLAGS, CK_FUNCTION_LIST, CK_KEY_TYPE, CK_MECHANISM, CK_MECHANISM_INFO, CK_MECHANISM_TYPE,
    CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID, CK_TOKEN_INFO, CK_ULONG, CKA_KEY_TYPE,
    CKF_GENERATE_KEY_PAIR, CKF_SIGN, CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL, CKR_DATA_LEN_RANGE, CKR_FUNCTION_FAILED,
    CKR_MECHANISM_PARAM_INVALID, CKR_OK, CKR_OPERATION_ACTIVE,
};
use eseal_pki::SigningKey;

use crate::behind::{Behind, behind, call, give, give_all, template, things};
use crate::mechanisms::{GENERATE, KEY_TYPE, Refused, SIGNING, Signing};
use crate::token;

/// Signatures that were begun, by session.
static BEGUN: LazyLock<Mutex<HashMap<CK_SESSION_HANDLE, (Signing, SigningKey)>>> = LazyLock::new(Mutex::default);

/// The functions of this module: SoftHSM's, but for those below.
///
/// # Safety
/// The caller's, as the standard asks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    static FUNCTIONS: OnceLock<CK_FUNCTION_LIST> = OnceLock::new();
    code(behind().and_then(|behind| {
        let functions = FUNCTIONS.get_or_init(|| CK_FUNCTION_LIST {
            C_GetFunctionList: Some(C_GetFunctionList),
            C_GetMechanismList: Some(get_mechanism_list),
            C_GetMechanismInfo: Some(get_mechanism_info),
            C_GetAttributeValue: Some(get_attribute_value),
            C_GenerateKeyPair: Some(generate_key_pair),
            C_SignInit: Some(sign_init),
            C_Sign: Some(sign),
            ..behind.functions
        });
        // SAFETY: the caller's. Nobody writes there: the standard's pointer is not to const by mistake.
        unsafe { give(list, ptr::from_ref(functions).cast_mut()) }
    }))
}

unsafe extern "C" fn get_mechanism_list(slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG) -> CK_RV {
    let all = |behind: &Behind| {
        let mut there = 0;
        // SAFETY: no place is given but for the count.
        unsafe { call!(behind, C_GetMechanismList(slot, ptr::null_mut(), &raw mut there)) }?;
        let mut all = vec![0; usize::try_from(there).map_err(|_| CKR_FUNCTION_FAILED)?];
        // SAFETY: the place is as long as is told.
        unsafe { call!(behind, C_GetMechanismList(slot, all.as_mut_ptr(), &raw mut there)) }?;
        all.extend([GENERATE].into_iter().chain(SIGNING.map(|(number, _)| number)));
        Ok(all)
    };
    // SAFETY: the caller's, as the standard asks.
    code(behind().and_then(all).and_then(|all| unsafe { give_all(&all, list, count) }))
}

unsafe extern "C" fn get_mechanism_info(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    let flags: CK_FLAGS = match Signing::by(kind) {
        Some(_) => CKF_SIGN,
        None if kind == GENERATE => CKF_GENERATE_KEY_PAIR,
        // SAFETY: the caller's, as the standard asks.
        None => {
            return code(behind().and_then(|behind| unsafe { call!(behind, C_GetMechanismInfo(slot, kind, info)) }));
        }
    };
    let told = behind().and_then(|behind| {
        let mut token = CK_TOKEN_INFO::default();
        // SAFETY: a place of the right size. A slot without a token has no mechanisms.
        unsafe { call!(behind, C_GetTokenInfo(slot, &raw mut token)) }
    });
    let answer = CK_MECHANISM_INFO { ulMinKeySize: 256, ulMaxKeySize: 256, flags };
    // SAFETY: the caller's, as the standard asks.
    code(told.and_then(|()| unsafe { give(info, answer) }))
}

unsafe extern "C" fn get_attribute_value(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    wanted: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let behind = match behind() {
        Ok(behind) => behind,
        Err(code) => return code,
    };
    // SAFETY: the caller's, as the standard asks; what SoftHSM could not tell has no length that fits.
    unsafe {
        let told = call!(behind, C_GetAttributeValue(session, object, wanted, count));
        for attribute in things(wanted, count).unwrap_or_default() {
            let is_there = !attribute.pValue.is_null() && attribute.ulValueLen == size_of::<CK_KEY_TYPE>() as CK_ULONG;
            if attribute.type_ == CKA_KEY_TYPE && is_there && token::has_own_type(behind, session, object) {
                attribute.pValue.cast::<CK_KEY_TYPE>().write_unaligned(KEY_TYPE);
            }
        }
        code(told)
    }
}

unsafe extern "C" fn generate_key_pair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    // SAFETY: the caller's, as the standard asks.
    code(behind().and_then(|behind| unsafe {
        if parts(mechanism)?.0 != GENERATE {
            return call!(
                behind,
                C_GenerateKeyPair(
                    session,
                    mechanism,
                    public,
                    public_count,
                    private,
                    private_count,
                    public_key,
                    private_key
                )
            );
        }
        let templates = [template(public, public_count)?, template(private, private_count)?];
        let [made_public, made_private] = token::generate(behind, session, templates)?;
        give(public_key, made_public)?;
        give(private_key, made_private)
    }))
}

unsafe extern "C" fn sign_init(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    // SAFETY: the caller's, as the standard asks.
    code(behind().and_then(|behind| unsafe {
        if begun().contains_key(&session) {
            return Err(CKR_OPERATION_ACTIVE);
        }
        let (number, parameter) = parts(mechanism)?;
        let Some(signing) = Signing::by(number) else { return call!(behind, C_SignInit(session, mechanism, key)) };
        signing.takes_parameter(&parameter).map_err(refused)?;
        if signing.logs_out() {
            call!(behind, C_Logout(session))?;
        }
        let key = token::key(behind, session, key)?;
        begun().insert(session, (signing, key));
        Ok(())
    }))
}

/// The length, where no place is given; else the signature, which ends what was begun (PKCS #11 v2.40 §5.11).
unsafe extern "C" fn sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    size: CK_ULONG,
    place: *mut CK_BYTE,
    room: *mut CK_ULONG,
) -> CK_RV {
    let was_begun = begun().remove(&session);
    let Some((signing, key)) = was_begun else {
        // SAFETY: the caller's, as the standard asks.
        return code(behind().and_then(|behind| unsafe { call!(behind, C_Sign(session, data, size, place, room)) }));
    };
    let longest = CK_ULONG::try_from(signing.longest()).unwrap_or_default();
    // SAFETY: the caller's, as the standard asks.
    let done = unsafe {
        match (place.is_null(), room.as_ref().copied()) {
            (_, None) => Err(CKR_ARGUMENTS_BAD),
            (is_asked, Some(room_there)) if is_asked || room_there < longest => {
                begun().insert(session, (signing, key));
                let told = if is_asked { Ok(()) } else { Err(CKR_BUFFER_TOO_SMALL) };
                give(room, longest).and(told)
            }
            _ => things(data, size)
                .and_then(|data| signing.sign(&key, &data).map_err(refused))
                .and_then(|signature| give_all(&signature, place, room)),
        }
    };
    code(done)
}

/// A mechanism's number and parameter.
unsafe fn parts(mechanism: *const CK_MECHANISM) -> Result<(CK_MECHANISM_TYPE, Vec<u8>), CK_RV> {
    // SAFETY: the caller's.
    unsafe {
        let mechanism = mechanism.as_ref().ok_or(CKR_ARGUMENTS_BAD)?;
        if Signing::by(mechanism.mechanism).is_none() {
            return Ok((mechanism.mechanism, Vec::new())); // SoftHSM's, with whatever parameter
        }
        Ok((mechanism.mechanism, things(mechanism.pParameter.cast::<u8>(), mechanism.ulParameterLen)?))
    }
}

const fn refused(why: Refused) -> CK_RV {
    match why {
        Refused::Parameter => CKR_MECHANISM_PARAM_INVALID,
        Refused::Length => CKR_DATA_LEN_RANGE,
        Refused::Failed => CKR_FUNCTION_FAILED,
    }
}

fn code(done: Result<(), CK_RV>) -> CK_RV {
    done.err().unwrap_or(CKR_OK)
}

fn begun() -> MutexGuard<'static, HashMap<CK_SESSION_HANDLE, (Signing, SigningKey)>> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}
