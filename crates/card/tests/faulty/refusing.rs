//! A PKCS #11 module in front of another one (`BEHIND`): it writes a byte into `LOGINS` for each login for one signature, and refuses
//! those as a wrong PIN while the file `REFUSES` is there. So a PIN becomes wrong while a card is unlocked, as where somebody
//! changes it at another machine. Only for the tests, which build it with rustc alone.

use std::ffi::{CString, c_char, c_int, c_ulong, c_void};
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::OnceLock;

const CKR_OK: c_ulong = 0;
const CKR_GENERAL_ERROR: c_ulong = 5;
const CKR_PIN_INCORRECT: c_ulong = 0xa0;
const CKU_CONTEXT_SPECIFIC: c_ulong = 2;
const RTLD_NOW: c_int = 2;
/// The place of C_Login among the functions (PKCS #11 v2.40 §5.2).
const C_LOGIN: usize = 18;

type GetFunctionList = unsafe extern "C" fn(*mut *const List) -> c_ulong;
type Login = unsafe extern "C" fn(c_ulong, c_ulong, *mut u8, c_ulong) -> c_ulong;

/// CK_FUNCTION_LIST.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct List {
    version: [u8; 2],
    functions: [usize; 68],
}

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

static BEHIND: OnceLock<Option<(List, Login)>> = OnceLock::new();

/// The functions of the module behind, with a login of ours, and its own.
fn behind() -> Option<(List, Login)> {
    let path = CString::new(std::env::var_os("BEHIND")?.into_vec()).ok()?;
    // SAFETY: the module behind is a PKCS #11 one: its list is as long as told, and holds functions of their types.
    unsafe {
        let library = dlopen(path.as_ptr(), RTLD_NOW);
        let symbol = if library.is_null() { return None } else { dlsym(library, c"C_GetFunctionList".as_ptr()) };
        if symbol.is_null() {
            return None;
        }
        let get = std::mem::transmute::<*mut c_void, GetFunctionList>(symbol);
        let mut list: *const List = std::ptr::null();
        if get(&raw mut list) != CKR_OK {
            return None;
        }
        let mut own = *list;
        let login = std::mem::transmute::<usize, Login>(own.functions[C_LOGIN]);
        own.functions[C_LOGIN] = logs_in as Login as usize;
        Some((own, login))
    }
}

/// # Safety
/// As C_Login.
unsafe extern "C" fn logs_in(session: c_ulong, user: c_ulong, pin: *mut u8, length: c_ulong) -> c_ulong {
    let Some(Some((_, login))) = BEHIND.get() else { return CKR_GENERAL_ERROR };
    if user == CKU_CONTEXT_SPECIFIC {
        let log = std::env::var_os("LOGINS").and_then(|path| std::fs::File::options().append(true).create(true).open(path).ok());
        if log.is_none_or(|mut log| log.write_all(b".").is_err()) {
            return CKR_GENERAL_ERROR;
        }
        if std::env::var_os("REFUSES").is_some_and(|path| std::path::Path::new(&path).exists()) {
            return CKR_PIN_INCORRECT;
        }
    }
    // SAFETY: what was given is handed on.
    unsafe { login(session, user, pin, length) }
}

/// # Safety
/// As PKCS #11 has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *const List) -> c_ulong {
    let Some((own, _)) = BEHIND.get_or_init(behind) else { return CKR_GENERAL_ERROR };
    // SAFETY: the caller has room for a pointer.
    unsafe { *list = own };
    CKR_OK
}
