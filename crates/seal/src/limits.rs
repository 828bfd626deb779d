//! Bounds on everything that comes from outside. More is an error, never an allocation.

/// Bytes of a SESeal.
pub const SEAL: usize = 8 << 20;
/// Bytes of a SES_Signature: a seal, and as much again of certificate, digest, extensions and time stamp.
pub const SIGNATURE: usize = SEAL + (2 << 20);
/// Bytes of the picture of a seal.
pub const PICTURE: usize = 4 << 20;
/// The longest side of a seal, in millimetres.
pub const SIDE_MM: u32 = 1000;
/// Certificates, or digests of certificates, in a seal's list.
pub const CERTIFICATES: usize = 64;
/// Bytes of one certificate.
pub const CERTIFICATE: usize = 64 << 10;
/// Bytes of a name, an identifier or another text.
pub const TEXT: usize = 1024;
/// Extensions of a seal or of a signature.
pub const EXTENSIONS: usize = 64;
/// Bytes of one extension, of a time stamp, and of a digest.
pub const VALUE: usize = 1 << 20;
/// Bytes of a signature value.
pub const SIGNATURE_VALUE: usize = 2048;
