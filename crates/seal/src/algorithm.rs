//! Signature algorithms: the identifiers in seals, and the check of a value.

use der::asn1::ObjectIdentifier;
use eseal_pki::{Certificate, SignatureForm, Suite};

use crate::error::{SealError, ValueError};

/// SM2 with SM3 (GM/T 0006): the value that the standard gives.
const SM2_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
/// What producers write for SM2 besides: the curve, the signature algorithm, and the misprint of an old library.
const SM2_ALIASES: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.156.10197.1.301"),
    ObjectIdentifier::new_unwrap("1.2.156.10197.1.301.1"),
    ObjectIdentifier::new_unwrap("1.2.156.10197.501"),
];

/// The identifier that goes with the key of a certificate, for writing.
pub(crate) fn algorithm_of(certificate: &Certificate) -> Result<ObjectIdentifier, SealError> {
    let key = certificate.public_key().map_err(|error| SealError::UnsuitableKey(error.to_string()))?;
    key.suite().map(of_suite).ok_or_else(|| SealError::UnsuitableKey(key.description()))
}

fn of_suite(suite: Suite) -> ObjectIdentifier {
    match suite {
        Suite::Sm2Sm3 => SM2_SM3,
        Suite::EcdsaP256Sha256 => ECDSA_SHA256,
        Suite::EcdsaP384Sha384 => ECDSA_SHA384,
        Suite::RsaSha256 => RSA_SHA256,
        Suite::RsaSha384 => RSA_SHA384,
        Suite::RsaSha512 => RSA_SHA512,
    }
}

/// Checks that `value` is the signature of `signed` by the key in `certificate`, and that the declared algorithm goes
/// with that key. SM2 values may be DER or raw r‖s; which one it was is the answer.
pub(crate) fn verify_value(
    certificate: &Certificate,
    algorithm: ObjectIdentifier,
    signed: &[u8],
    value: &[u8],
) -> Result<SignatureForm, ValueError> {
    let key = certificate.public_key()?;
    let suite = key.suite().ok_or(ValueError::Algorithm(algorithm))?;
    let is_alias = suite == Suite::Sm2Sm3 && SM2_ALIASES.contains(&algorithm);
    if algorithm != of_suite(suite) && !is_alias {
        return Err(ValueError::Algorithm(algorithm));
    }
    if suite == Suite::Sm2Sm3 {
        return Ok(key.verify_sm2_raw_or_der(signed, value)?);
    }
    key.verify(signed, value)?;
    Ok(SignatureForm::Der)
}
