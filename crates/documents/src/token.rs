//! Time stamp tokens (RFC 3161) as somebody gives them: how much room they need, and that they are over what they should be.

use eseal_pki::Hasher;
use eseal_pki::cms::SignedData;

use crate::DocumentError;

/// Bytes by which two tokens of one authority differ at most in length, asked for with the same certificates: serial number
/// (20, RFC 3161 §2.4.2), nonce (20), fraction of a second (7), signature (2 for each of two numbers), and the length octets
/// that grow with them (8).
const VARIES: usize = 20 + 20 + 7 + 4 + 8;

/// The room to keep for tokens like `first`, which the same authority gave for anything at all.
///
/// # Errors
/// [`DocumentError::TimeStampRefused`] where `first` is no time stamp token.
pub fn time_stamp_room(first: &[u8]) -> Result<usize, DocumentError> {
    read(first)?;
    Ok(first.len() + VARIES)
}

fn read(token: &[u8]) -> Result<SignedData, DocumentError> {
    let data = SignedData::from_der(token).map_err(|error| refused(error.to_string()))?;
    if data.is_time_stamp() { Ok(data) } else { Err(refused("it is no time stamp token".to_owned())) }
}

fn refused(what: String) -> DocumentError {
    DocumentError::TimeStampRefused { what }
}

/// Refuses a token that is larger than the room for it.
///
/// # Errors
/// [`DocumentError::TimeStampRefused`].
pub(crate) fn must_fit(token: &[u8], room: usize) -> Result<(), DocumentError> {
    if token.len() <= room {
        return Ok(());
    }
    Err(refused(format!("it has {} bytes, and room was kept for {room}", token.len())))
}

/// Refuses a token whose signature does not hold, or that is over something else than what `hash` feeds to a hasher. Whether
/// its authority may be trusted is no question here.
///
/// # Errors
/// [`DocumentError::TimeStampRefused`].
pub(crate) fn must_be_over(token: &[u8], hash: &mut dyn FnMut(Hasher) -> Vec<u8>) -> Result<(), DocumentError> {
    let data = read(token)?;
    let signer = data.signers().first().ok_or_else(|| refused("it has no signature".to_owned()))?;
    signer.verify(hash).map_err(|error| refused(error.to_string()))?;
    Ok(())
}

/// Refuses a token that is not over the value of a signature.
///
/// # Errors
/// [`DocumentError::TimeStampRefused`].
pub(crate) fn must_be_over_value(token: &[u8], signature: &[u8]) -> Result<(), DocumentError> {
    must_be_over(token, &mut |mut hasher| {
        hasher.update(signature);
        hasher.finish()
    })
}
