//! A PKCS #11 module with SM2: SoftHSM 2 with vendor-defined mechanisms in front of it. It is the stand-in for a vendor's module,
//! for tests and for developers without a token that has SM2, and no place for real seals.
//!
//! **What is as with a vendor.** It is loaded as any module is, by its `C_GetFunctionList`. Slots, tokens, PINs, sessions, objects
//! and all mechanisms of SoftHSM are SoftHSM's own; the tokens are those that its configuration names. SM2 key pairs are made on
//! the token by a mechanism in the vendor's range and sign by another, side by side in several sessions; the private half is
//! there for who is logged in and is not given out; a signature is asked for in two calls, for its length and for itself.
//!
//! **What is not.** A private key is a private object of SoftHSM's (application `eseal-pkcs11-sm2`) beside the key that is shown,
//! found by its CKA_ID, and who knows that can read it: nothing is protected but by the PIN. CKA_LOCAL, CKA_ALWAYS_SENSITIVE and
//! CKA_NEVER_EXTRACTABLE are false. Objects are not found by a key type of the vendor's. SM2 keys sign in one part, and do not
//! verify, encrypt or agree on keys. Logging out leaves a signature that was begun.
//!
//! The numbers are those of the header that one vendor's customers have published, and of another's; what lies behind them is
//! read from the comments there, and no device of either was at hand:
//!
//! | number | what it is here |
//! |---|---|
//! | 80000004 | the type of SM2 keys; 3 (CKK_EC) with the curve of SM2 is taken too |
//! | 80008001 | makes a key pair |
//! | 80008105, 80008104 | sign e = SM3(Z ‖ M): r ‖ s, and the same as DER |
//! | 80008100, 80008101 | hash by SM3 and sign: r ‖ s, and DER. The caller puts Z in front |
//! | 80008102, 80008103 | make Z with the usual identity, hash and sign: r ‖ s, and DER |
//! | 8005000c | the same with the identity as parameter: r ‖ s |
//! | 8000ee01 | signs e and answers in a form that nobody knows: 04 ‖ r ‖ s |
//! | 8000ee02 | signs e with another key than the one it was given |
//! | 8000ee03 | signs e: r ‖ s; every third time of a process the user is logged out instead |
//!
//! SoftHSM is looked for where Debian and others put it, and where the variable `ESEAL_PKCS11_SM2_BEHIND` says.
//!
//! - [`module`]: the C functions; [`behind`]: SoftHSM's, and what C hands over. The only `unsafe` here
//! - [`mechanisms`]: what the numbers do
//! - [`token`]: keys among the objects of SoftHSM

mod behind;
mod mechanisms;
mod module;
mod token;
