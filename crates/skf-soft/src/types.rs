//! Structures of GM/T 0016.

/// DEVINFO.
#[repr(C, packed)]
pub struct DevInfo {
    pub(crate) version: [u8; 2],
    pub(crate) manufacturer: [u8; 64],
    pub(crate) issuer: [u8; 64],
    pub(crate) label: [u8; 32],
    pub(crate) serial: [u8; 32],
    pub(crate) hardware: [u8; 2],
    pub(crate) firmware: [u8; 2],
    pub(crate) symmetric: u32,
    pub(crate) asymmetric: u32,
    pub(crate) hash: u32,
    pub(crate) authentication: u32,
    pub(crate) total: u32,
    pub(crate) free: u32,
    pub(crate) longest_ecc: u32,
    pub(crate) longest: u32,
    pub(crate) reserved: [u8; 64],
}

/// ECCPUBLICKEYBLOB: coordinates of 256 bits on the right.
#[repr(C)]
pub struct EccPublicKey {
    pub(crate) bits: u32,
    pub(crate) x: [u8; 64],
    pub(crate) y: [u8; 64],
}

/// ECCSIGNATUREBLOB: r and s, on the right.
#[repr(C)]
pub struct EccSignature {
    pub(crate) r: [u8; 64],
    pub(crate) s: [u8; 64],
}

/// FILEATTRIBUTE.
#[repr(C)]
pub struct FileAttribute {
    pub(crate) name: [u8; 32],
    pub(crate) size: u32,
    pub(crate) read_rights: u32,
    pub(crate) write_rights: u32,
}
