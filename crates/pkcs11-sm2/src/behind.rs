//! SoftHSM, and what lies behind the pointers of C.
#![expect(unsafe_code, reason = "functions of C are called, and pointers of C are followed")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{ptr, slice};

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_FUNCTION_LIST, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
    CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL, CKR_GENERAL_ERROR, CKR_OK,
};

/// The variable that names SoftHSM where it is at another place.
const PLACE: &str = "ESEAL_PKCS11_SM2_BEHIND";
const PLACES: [&str; 3] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"];
/// The most that is taken at once.
const MOST: usize = 16 << 20;

/// An attribute, with its value.
pub(crate) type Given = (CK_ATTRIBUTE_TYPE, Vec<u8>);

/// SoftHSM's functions.
pub(crate) struct Behind {
    pub(crate) functions: CK_FUNCTION_LIST,
    /// Keeps them loaded.
    _module: cryptoki_sys::Pkcs11,
}

/// Loads SoftHSM, once.
pub(crate) fn behind() -> Result<&'static Behind, CK_RV> {
    static BEHIND: OnceLock<Option<Behind>> = OnceLock::new();
    BEHIND.get_or_init(|| Behind::load(&place()?)).as_ref().ok_or(CKR_GENERAL_ERROR)
}

fn place() -> Option<PathBuf> {
    let named = std::env::var_os(PLACE).map(PathBuf::from);
    named.or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.exists()))
}

/// Calls a function of SoftHSM's; an absent one is a failure.
macro_rules! call {
    ($behind:expr, $name:ident($($argument:expr),*)) => {
        match $behind.functions.$name {
            Some(function) => $crate::behind::done(function($($argument),*)),
            None => Err(cryptoki_sys::CKR_FUNCTION_NOT_SUPPORTED),
        }
    };
}
pub(crate) use call;

pub(crate) const fn done(code: CK_RV) -> Result<(), CK_RV> {
    if code == CKR_OK { Ok(()) } else { Err(code) }
}

impl Behind {
    fn load(path: &Path) -> Option<Self> {
        let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
        // SAFETY: SoftHSM is a PKCS #11 module, whose list stays as long as it is loaded (PKCS #11 v2.40 §5.4).
        unsafe {
            let module = cryptoki_sys::Pkcs11::new(path).ok()?;
            module.C_GetFunctionList.as_ref().ok()?;
            done(module.C_GetFunctionList(&raw mut list)).ok()?;
            Some(Self { functions: *list.as_ref()?, _module: module })
        }
    }

    pub(crate) fn attribute(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Result<Vec<u8>, CK_RV> {
        let mut wanted = CK_ATTRIBUTE { type_: kind, pValue: ptr::null_mut(), ulValueLen: 0 };
        // SAFETY: one attribute, which outlives the call.
        unsafe { call!(self, C_GetAttributeValue(session, object, &raw mut wanted, 1)) }?;
        let mut value = vec![0; usize::try_from(wanted.ulValueLen).ok().filter(|size| *size <= MOST).unwrap_or(0)];
        (wanted.pValue, wanted.ulValueLen) = (value.as_mut_ptr().cast(), length(&value)?);
        // SAFETY: the same, with a place of the length that is told.
        unsafe { call!(self, C_GetAttributeValue(session, object, &raw mut wanted, 1)) }?;
        Ok(value)
    }

    pub(crate) fn create(&self, session: CK_SESSION_HANDLE, object: &mut [Given]) -> Result<CK_OBJECT_HANDLE, CK_RV> {
        let (mut template, mut handle) = (attributes(object)?, 0);
        let count = template.len() as CK_ULONG;
        // SAFETY: the template's values outlive the call.
        unsafe { call!(self, C_CreateObject(session, template.as_mut_ptr(), count, &raw mut handle)) }?;
        Ok(handle)
    }

    /// The first object like this.
    pub(crate) fn find(
        &self,
        session: CK_SESSION_HANDLE,
        like: &mut [Given],
    ) -> Result<Option<CK_OBJECT_HANDLE>, CK_RV> {
        let (mut template, mut handle, mut found) = (attributes(like)?, 0, 0);
        let count = template.len() as CK_ULONG;
        // SAFETY: the template's values outlive the call, and there is room for one handle.
        unsafe {
            call!(self, C_FindObjectsInit(session, template.as_mut_ptr(), count))?;
            let looked = call!(self, C_FindObjects(session, &raw mut handle, 1, &raw mut found));
            call!(self, C_FindObjectsFinal(session))?;
            looked?;
        }
        Ok((found == 1).then_some(handle))
    }
}

fn attributes(given: &mut [Given]) -> Result<Vec<CK_ATTRIBUTE>, CK_RV> {
    let of = |(kind, value): &mut Given| {
        let length = length(value)?;
        Ok(CK_ATTRIBUTE { type_: *kind, pValue: value.as_mut_ptr().cast(), ulValueLen: length })
    };
    given.iter_mut().map(of).collect()
}

pub(crate) fn length(bytes: &[u8]) -> Result<CK_ULONG, CK_RV> {
    CK_ULONG::try_from(bytes.len()).map_err(|_| CKR_GENERAL_ERROR)
}

/// So many things of C's.
///
/// # Safety
/// They are there, or the pointer is null.
pub(crate) unsafe fn things<T: Copy>(first: *const T, count: CK_ULONG) -> Result<Vec<T>, CK_RV> {
    let count = usize::try_from(count).ok().filter(|count| count.saturating_mul(size_of::<T>()) <= MOST);
    match count {
        Some(0) => Ok(Vec::new()),
        // SAFETY: the caller's.
        Some(count) if !first.is_null() => Ok(unsafe { slice::from_raw_parts(first, count) }.to_vec()),
        _ => Err(CKR_ARGUMENTS_BAD),
    }
}

/// A template of C's, with its values.
///
/// # Safety
/// As [`things`], for it and for each value.
pub(crate) unsafe fn template(first: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Vec<Given>, CK_RV> {
    // SAFETY: the caller's.
    let attributes = unsafe { things(first, count) }?;
    // SAFETY: the caller's.
    let value = |attribute: &CK_ATTRIBUTE| unsafe { things(attribute.pValue.cast::<u8>(), attribute.ulValueLen) };
    attributes.iter().map(|attribute| Ok((attribute.type_, value(attribute)?))).collect()
}

/// Puts a thing where C wants it.
///
/// # Safety
/// The place is there, or null.
pub(crate) unsafe fn give<T>(place: *mut T, thing: T) -> Result<(), CK_RV> {
    if place.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    // SAFETY: the caller's.
    unsafe { place.write_unaligned(thing) };
    Ok(())
}

/// Things, where a place is given, and how many there are (PKCS #11 v2.40 §5.2).
///
/// # Safety
/// There is room for as many as `count` says, or `first` is null.
pub(crate) unsafe fn give_all<T: Copy>(all: &[T], first: *mut T, count: *mut CK_ULONG) -> Result<(), CK_RV> {
    if count.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    let needed = CK_ULONG::try_from(all.len()).map_err(|_| CKR_GENERAL_ERROR)?;
    // SAFETY: the caller's.
    unsafe {
        let room = count.read();
        count.write(needed);
        if first.is_null() {
            return Ok(());
        }
        if room < needed {
            return Err(CKR_BUFFER_TOO_SMALL);
        }
        ptr::copy_nonoverlapping(all.as_ptr(), first, all.len());
    }
    Ok(())
}
