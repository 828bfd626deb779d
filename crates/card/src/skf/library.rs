//! A vendor's SKF library, loaded at run time. This is where this crate is `unsafe`, and in `pkcs11::each_time`.
//!
//! What makes these calls sound as far as this side can: every function has the signature that GM/T 0016 gives it; every pointer
//! is to memory of ours that outlives the call, of the length that the call is told, and zeroed before; texts end in NUL. What
//! the library does with it is its vendor's, and the reason why it runs in a process of its own.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::ptr;

use super::abi::{
    CONTAINER_ECC, DEV_PRESENT, DEVINFO_MAJOR, DevInfo, EccPublicKey, EccSignature, FileAttribute, NO_CERTIFICATE,
    PIN_INCORRECT, PIN_LOCKED, SECURE_USER, SGD_SM2_1, SIGNING, Written, fault, right,
};
use crate::fault::Fault;
use crate::tries::Tries;
use crate::{MAX_CERTIFICATE, MAX_SEAL};

/// The most bytes of a list of names.
const MAX_NAMES: u32 = 64 << 10;
/// What is read or written of a file in one call.
const CHUNK: usize = 4096;

/// A DEVHANDLE, HAPPLICATION or HCONTAINER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle(*mut c_void);

// SAFETY: a handle is a number to us; it is never followed, and one thread at a time uses a connection (`Connected`).
#[expect(unsafe_code, reason = "a handle may be used by another thread than the one that got it")]
unsafe impl Send for Handle {}

/// Whose PIN: ADMIN_TYPE and USER_TYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    Admin = 0,
    User = 1,
}

/// What a device says of itself.
pub(super) struct Info {
    pub(super) manufacturer: String,
    pub(super) label: String,
    pub(super) serial: String,
}

macro_rules! functions {
    ($($field:ident = $name:literal ($($argument:ty),*);)*) => {
        /// The functions that are used, with the signatures of the standard. All of them return a SAR code.
        struct Functions {
            $($field: unsafe extern "system" fn($($argument),*) -> u32,)*
            /// Keeps the functions loaded.
            _library: libloading::Library,
        }

        impl Functions {
            #[expect(unsafe_code, reason = "a vendor's library is loaded")]
            fn load(path: &Path) -> Result<Self, Fault> {
                let failed = |error: libloading::Error| Fault::Library(format!("{}: {error}", path.display()));
                // SAFETY: loading runs the library's initializers, which is what this process is for; the types of its
                // functions are those of GM/T 0016.
                unsafe {
                    let library = libloading::Library::new(path).map_err(failed)?;
                    $(let $field = *library.get(concat!($name, "\0").as_bytes()).map_err(failed)?;)*
                    Ok(Self { $($field,)* _library: library })
                }
            }
        }

        impl Library {
            $(
                #[expect(unsafe_code, reason = "a function of a vendor's library is called")]
                fn $field(&self, arguments: ($($argument,)*)) -> Result<(), (&'static str, u32)> {
                    // SAFETY: see the head of this module; callers hand over memory of theirs that outlives the call.
                    let code = functions!(@call self.functions.$field, arguments, $($argument),*);
                    if code == 0 { Ok(()) } else { Err(($name, code)) }
                }
            )*
        }
    };
    (@call $function:expr, $tuple:ident, $a:ty) => { unsafe { ($function)($tuple.0) } };
    (@call $function:expr, $tuple:ident, $a:ty, $b:ty) => { unsafe { ($function)($tuple.0, $tuple.1) } };
    (@call $function:expr, $tuple:ident, $a:ty, $b:ty, $c:ty) => {
        unsafe { ($function)($tuple.0, $tuple.1, $tuple.2) }
    };
    (@call $function:expr, $tuple:ident, $a:ty, $b:ty, $c:ty, $d:ty) => {
        unsafe { ($function)($tuple.0, $tuple.1, $tuple.2, $tuple.3) }
    };
    (@call $function:expr, $tuple:ident, $a:ty, $b:ty, $c:ty, $d:ty, $e:ty) => {
        unsafe { ($function)($tuple.0, $tuple.1, $tuple.2, $tuple.3, $tuple.4) }
    };
    (@call $function:expr, $tuple:ident, $a:ty, $b:ty, $c:ty, $d:ty, $e:ty, $f:ty) => {
        unsafe { ($function)($tuple.0, $tuple.1, $tuple.2, $tuple.3, $tuple.4, $tuple.5) }
    };
}

type Text = *const c_char;
type Raw = *mut c_void;

functions! {
    enum_dev = "SKF_EnumDev" (i32, *mut c_char, *mut u32);
    connect_dev = "SKF_ConnectDev" (Text, *mut Raw);
    disconnect_dev = "SKF_DisConnectDev" (Raw);
    get_dev_state = "SKF_GetDevState" (Text, *mut u32);
    get_dev_info = "SKF_GetDevInfo" (Raw, *mut DevInfo);
    enum_application = "SKF_EnumApplication" (Raw, *mut c_char, *mut u32);
    open_application_ = "SKF_OpenApplication" (Raw, Text, *mut Raw);
    close_application_ = "SKF_CloseApplication" (Raw);
    get_pin_info = "SKF_GetPINInfo" (Raw, u32, *mut u32, *mut u32, *mut i32);
    verify_pin_ = "SKF_VerifyPIN" (Raw, u32, Text, *mut u32);
    change_pin_ = "SKF_ChangePIN" (Raw, u32, Text, Text, *mut u32);
    unblock_pin_ = "SKF_UnblockPIN" (Raw, Text, Text, *mut u32);
    clear_secure_state_ = "SKF_ClearSecureState" (Raw);
    enum_files = "SKF_EnumFiles" (Raw, *mut c_char, *mut u32);
    create_file_ = "SKF_CreateFile" (Raw, Text, u32, u32, u32);
    delete_file_ = "SKF_DeleteFile" (Raw, Text);
    get_file_info = "SKF_GetFileInfo" (Raw, Text, *mut FileAttribute);
    read_file_ = "SKF_ReadFile" (Raw, Text, u32, u32, *mut u8, *mut u32);
    write_file_ = "SKF_WriteFile" (Raw, Text, u32, *mut u8, u32);
    enum_container = "SKF_EnumContainer" (Raw, *mut c_char, *mut u32);
    create_container_ = "SKF_CreateContainer" (Raw, Text, *mut Raw);
    open_container_ = "SKF_OpenContainer" (Raw, Text, *mut Raw);
    close_container_ = "SKF_CloseContainer" (Raw);
    get_container_type = "SKF_GetContainerType" (Raw, *mut u32);
    gen_ecc_key_pair = "SKF_GenECCKeyPair" (Raw, u32, *mut EccPublicKey);
    import_certificate_ = "SKF_ImportCertificate" (Raw, i32, *mut u8, u32);
    export_certificate = "SKF_ExportCertificate" (Raw, i32, *mut u8, *mut u32);
    export_public_key = "SKF_ExportPublicKey" (Raw, i32, *mut u8, *mut u32);
    ecc_sign_data = "SKF_ECCSignData" (Raw, *mut u8, u32, *mut EccSignature);
}

/// A loaded library.
pub(super) struct Library {
    functions: Functions,
}

type Called = Result<(), (&'static str, u32)>;

impl Library {
    pub(super) fn load(path: &Path) -> Result<Self, Fault> {
        Functions::load(path).map(|functions| Self { functions })
    }

    /// The names of the devices that are connected.
    pub(super) fn devices(&self) -> Result<Vec<String>, Fault> {
        names(|list, size| self.enum_dev((1, list, size)))
    }

    pub(super) fn connect(&self, name: &str) -> Result<Handle, Fault> {
        let name = text(name)?;
        handle(|handle| self.connect_dev((name.as_ptr(), handle)))
    }

    pub(super) fn disconnect(&self, device: Handle) {
        let _ = self.disconnect_dev((device.0,)); // one that is gone is disconnected
    }

    pub(super) fn is_present(&self, name: &str) -> bool {
        let Ok(name) = text(name) else { return false };
        number(|state| self.get_dev_state((name.as_ptr(), state))).is_ok_and(|state| state == DEV_PRESENT)
    }

    pub(super) fn info(&self, device: Handle) -> Result<Info, Fault> {
        let mut info = Box::new(DevInfo {
            version: [0; 2],
            manufacturer: [0; 64],
            issuer: [0; 64],
            label: [0; 32],
            serial: [0; 32],
            rest: [0; 318],
        });
        self.get_dev_info((device.0, &raw mut *info)).map_err(told)?;
        of_known_edition(info.version)?;
        let text = |bytes: &[u8]| {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).trim().to_owned()
        };
        Ok(Info { manufacturer: text(&info.manufacturer), label: text(&info.label), serial: text(&info.serial) })
    }

    pub(super) fn applications(&self, device: Handle) -> Result<Vec<String>, Fault> {
        names(|list, size| self.enum_application((device.0, list, size)))
    }

    pub(super) fn open_application(&self, device: Handle, name: &str) -> Result<Handle, Fault> {
        let name = text(name)?;
        handle(|handle| self.open_application_((device.0, name.as_ptr(), handle)))
    }

    pub(super) fn close_application(&self, application: Handle) {
        let _ = self.close_application_((application.0,));
    }

    /// SKF_GetPINInfo tries nothing.
    pub(super) fn tries(&self, application: Handle, user: User) -> Result<Tries, Fault> {
        let (mut most, mut left, mut is_default) = (Written::default(), Written::default(), 0_i32);
        let arguments = (application.0, user as u32, most.place(), left.place(), &raw mut is_default);
        self.get_pin_info(arguments).map_err(told)?;
        Ok(counted(left.value))
    }

    /// One try.
    pub(super) fn verify_pin(&self, application: Handle, user: User, pin: &str) -> Result<(), Fault> {
        let pin = text(pin)?;
        let mut left = Written::default();
        let called = self.verify_pin_((application.0, user as u32, pin.as_ptr(), left.place()));
        wipe(pin);
        of_pin(called, user, left.value)
    }

    pub(super) fn change_pin(&self, application: Handle, old: &str, new: &str) -> Result<(), Fault> {
        let (old, new) = (text(old)?, text(new)?);
        let mut left = Written::default();
        let arguments = (application.0, User::User as u32, old.as_ptr(), new.as_ptr(), left.place());
        let called = self.change_pin_(arguments);
        wipe(old);
        wipe(new);
        of_pin(called, User::User, left.value)
    }

    pub(super) fn unblock_pin(&self, application: Handle, admin: &str, new: &str) -> Result<(), Fault> {
        let (admin, new) = (text(admin)?, text(new)?);
        let mut left = Written::default();
        let called = self.unblock_pin_((application.0, admin.as_ptr(), new.as_ptr(), left.place()));
        wipe(admin);
        wipe(new);
        of_pin(called, User::Admin, left.value)
    }

    pub(super) fn clear_secure_state(&self, application: Handle) {
        let _ = self.clear_secure_state_((application.0,));
    }

    pub(super) fn files(&self, application: Handle) -> Result<Vec<String>, Fault> {
        names(|list, size| self.enum_files((application.0, list, size)))
    }

    /// A file for who knows the PIN.
    pub(super) fn create_file(&self, application: Handle, name: &str, size: usize) -> Result<(), Fault> {
        let name = text(name)?;
        self.create_file_((application.0, name.as_ptr(), length(size)?, SECURE_USER, SECURE_USER)).map_err(told)
    }

    pub(super) fn delete_file(&self, application: Handle, name: &str) -> Result<(), Fault> {
        let name = text(name)?;
        self.delete_file_((application.0, name.as_ptr())).map_err(told)
    }

    pub(super) fn write_file(&self, application: Handle, name: &str, content: &[u8]) -> Result<(), Fault> {
        let name = text(name)?;
        for (index, chunk) in content.chunks(CHUNK).enumerate() {
            let mut chunk = chunk.to_vec();
            let (at, size) = (length(index * CHUNK)?, length(chunk.len())?);
            self.write_file_((application.0, name.as_ptr(), at, chunk.as_mut_ptr(), size)).map_err(told)?;
        }
        Ok(())
    }

    pub(super) fn read_file(&self, application: Handle, name: &str) -> Result<Vec<u8>, Fault> {
        let name = text(name)?;
        let mut about = FileAttribute { name: [0; 32], size: 0, read_rights: 0, write_rights: 0 };
        self.get_file_info((application.0, name.as_ptr(), &raw mut about)).map_err(told)?;
        let size = about.size as usize;
        if size > MAX_SEAL {
            return Err(Fault::Lied(format!("a file of {size} bytes")));
        }
        let mut content = Vec::with_capacity(size);
        while content.len() < size {
            let wanted = CHUNK.min(size - content.len());
            let mut chunk = vec![0; CHUNK];
            let mut read = Written { value: length(wanted)?, spare: 0 };
            let (at, wanted_) = (length(content.len())?, length(wanted)?);
            let arguments = (application.0, name.as_ptr(), at, wanted_, chunk.as_mut_ptr(), read.place());
            self.read_file_(arguments).map_err(told)?;
            match chunk.get(..(read.value as usize).min(wanted)) {
                Some(read) if !read.is_empty() => content.extend_from_slice(read),
                _ => return Err(Fault::Lied("a file that ends before its end".to_owned())),
            }
        }
        Ok(content)
    }

    pub(super) fn containers(&self, application: Handle) -> Result<Vec<String>, Fault> {
        names(|list, size| self.enum_container((application.0, list, size)))
    }

    pub(super) fn create_container(&self, application: Handle, name: &str) -> Result<Handle, Fault> {
        let name = text(name)?;
        handle(|handle| self.create_container_((application.0, name.as_ptr(), handle)))
    }

    pub(super) fn open_container(&self, application: Handle, name: &str) -> Result<Handle, Fault> {
        let name = text(name)?;
        handle(|handle| self.open_container_((application.0, name.as_ptr(), handle)))
    }

    pub(super) fn close_container(&self, container: Handle) {
        let _ = self.close_container_((container.0,));
    }

    pub(super) fn is_ecc(&self, container: Handle) -> Result<bool, Fault> {
        number(|kind| self.get_container_type((container.0, kind))).map(|kind| kind == CONTAINER_ECC)
    }

    pub(super) fn generate(&self, container: Handle) -> Result<(), Fault> {
        let mut key = EccPublicKey { bits: 0, x: [0; 64], y: [0; 64] };
        self.gen_ecc_key_pair((container.0, SGD_SM2_1, &raw mut key)).map_err(told)
    }

    /// The coordinates of the key that signs.
    pub(super) fn public_key(&self, container: Handle) -> Result<([u8; 32], [u8; 32]), Fault> {
        let mut blob = [0_u8; 2 * size_of::<EccPublicKey>()];
        let mut size = Written { value: length(size_of::<EccPublicKey>())?, spare: 0 };
        self.export_public_key((container.0, SIGNING, blob.as_mut_ptr(), size.place())).map_err(told)?;
        let coordinate = |at: usize| {
            let bytes = blob.get(at..).and_then(|bytes| bytes.first_chunk::<64>());
            bytes.and_then(right).ok_or_else(|| Fault::Lied("a public key of more than 256 bits".to_owned()))
        };
        Ok((coordinate(4)?, coordinate(4 + 64)?))
    }

    /// The certificate of the key that signs.
    pub(super) fn certificate(&self, container: Handle) -> Result<Option<Vec<u8>>, Fault> {
        let mut size = Written::default();
        let asked = self.export_certificate((container.0, SIGNING, ptr::null_mut(), size.place()));
        match asked {
            Err((_, NO_CERTIFICATE)) => return Ok(None),
            other => other.map_err(told)?,
        }
        let told_size = size.value as usize;
        if told_size == 0 {
            return Ok(None);
        }
        if told_size > MAX_CERTIFICATE {
            return Err(Fault::Lied(format!("a certificate of {told_size} bytes")));
        }
        let mut certificate = vec![0; told_size];
        self.export_certificate((container.0, SIGNING, certificate.as_mut_ptr(), size.place())).map_err(told)?;
        certificate.truncate(size.value as usize);
        Ok(Some(certificate))
    }

    pub(super) fn import_certificate(&self, container: Handle, certificate: &[u8]) -> Result<(), Fault> {
        let mut certificate = certificate.to_vec();
        let size = length(certificate.len())?;
        self.import_certificate_((container.0, SIGNING, certificate.as_mut_ptr(), size)).map_err(told)
    }

    /// r ‖ s over a digest of 32 bytes.
    pub(super) fn sign(&self, container: Handle, digest: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut digest = digest.to_vec();
        let size = length(digest.len())?;
        let mut signature = EccSignature { r: [0; 64], s: [0; 64] };
        self.ecc_sign_data((container.0, digest.as_mut_ptr(), size, &raw mut signature)).map_err(told)?;
        match (right(&signature.r), right(&signature.s)) {
            (Some(r), Some(s)) => Ok([r, s].concat()),
            _ => Err(Fault::Lied("a signature of more than 256 bits".to_owned())),
        }
    }
}

/// DEVINFO begins with the version of its own layout (GM/T 0016 §6.3, 1.0). Some libraries leave it zero; one that names another
/// major version puts serial number and label elsewhere, and nothing that it writes is believed.
fn of_known_edition([major, minor]: [u8; 2]) -> Result<(), Fault> {
    match major {
        DEVINFO_MAJOR => Ok(()),
        0 if minor == 0 => Ok(()),
        _ => Err(Fault::OtherEdition(format!("DEVINFO {major}.{minor}, and 1.x is known"))),
    }
}

/// A list of names: its size is asked for first, then it. One NUL ends a name, two end the list.
fn names(ask: impl Fn(*mut c_char, *mut u32) -> Called) -> Result<Vec<String>, Fault> {
    let mut size = Written::default();
    ask(ptr::null_mut(), size.place()).map_err(told)?;
    if size.value > MAX_NAMES {
        return Err(Fault::Lied(format!("a list of names of {} bytes", size.value)));
    }
    // One more than is told, so that the list ends whatever is written.
    let mut list = vec![0_u8; size.value as usize + 2];
    ask(list.as_mut_ptr().cast(), size.place()).map_err(told)?;
    let end = list.len().min(size.value as usize);
    let names = list.get(..end).unwrap_or_default().split(|byte| *byte == 0);
    Ok(names.take_while(|name| !name.is_empty()).map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

fn handle(ask: impl Fn(*mut Raw) -> Called) -> Result<Handle, Fault> {
    let mut handle: Raw = ptr::null_mut();
    ask(&raw mut handle).map_err(told)?;
    if handle.is_null() { Err(Fault::Lied("a handle of nothing".to_owned())) } else { Ok(Handle(handle)) }
}

fn number(ask: impl Fn(*mut u32) -> Called) -> Result<u32, Fault> {
    let mut number = Written::default();
    ask(number.place()).map_err(told)?;
    Ok(number.value)
}

fn told((call, code): (&'static str, u32)) -> Fault {
    fault(call, code)
}

fn of_pin(called: Called, user: User, left: u32) -> Result<(), Fault> {
    let (incorrect, locked): (fn(Tries) -> Fault, _) = match user {
        User::Admin => (Fault::AdminPinIncorrect, Fault::AdminPinLocked),
        User::User => (Fault::PinIncorrect, Fault::PinLocked),
    };
    match called {
        Ok(()) => Ok(()),
        Err((_, PIN_LOCKED)) => Err(locked),
        Err((_, PIN_INCORRECT)) if left == 0 => Err(locked),
        Err((_, PIN_INCORRECT)) => Err(incorrect(counted(left))),
        Err(other) => Err(told(other)),
    }
}

fn counted(left: u32) -> Tries {
    Tries::Exactly(u8::try_from(left).unwrap_or(u8::MAX))
}

fn text(text: &str) -> Result<CString, Fault> {
    CString::new(text).map_err(|_| Fault::Lied("a name with NUL".to_owned()))
}

/// A PIN must not stay behind in memory.
fn wipe(text: CString) {
    drop(zeroize::Zeroizing::new(text.into_bytes()));
}

fn length(length: usize) -> Result<u32, Fault> {
    u32::try_from(length).map_err(|_| Fault::Full)
}
