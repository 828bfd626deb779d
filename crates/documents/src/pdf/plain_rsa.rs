//! `adbe.x509.rsa_sha1` (ISO 32000-1 §12.8.3.2): a bare PKCS #1 signature as the value, and the certificates beside it.

use eseal_pki::{Certificate, DigestAlg, Hasher, SignatureAlgorithm};

use super::object::Value;
use super::signature::Signature;
use super::signed::failed;
use super::value::der_length;
use super::view::View;
use crate::findings::Findings;
use crate::{Check, Note, NoteCode, Outcome, Reason, SealReport, Step};

/// More certificates than this are no chain.
const MAX_CERTIFICATES: usize = 32;

/// The digest by the name of the thing, and what writers use in its place; the value itself says which.
const DIGESTS: [DigestAlg; 4] = [DigestAlg::Sha1, DigestAlg::Sha256, DigestAlg::Sha384, DigestAlg::Sha512];

/// Checks the signature value over the byte ranges.
pub(crate) fn check(
    view: &View<'_>,
    signature: &Signature,
    contents: &[u8],
    report: &mut SealReport,
    found: &mut Findings,
    mut hash: impl FnMut(Hasher) -> Vec<u8>,
) {
    let Some(value) = octets(contents) else {
        return failed(found, Check::SignatureFormat, Reason::SignatureMalformed, "the value is no OCTET STRING");
    };
    found.step(Check::SignatureFormat, Outcome::Passed);
    report.certificates = certificates(view, signature);
    report.signer = report.certificates.first().cloned();
    let Some(signer) = &report.signer else {
        return failed(found, Check::SignatureValue, Reason::SignerCertificateMissing, "/Cert");
    };
    let key = match signer.public_key() {
        Ok(key) => key,
        Err(error) => {
            let unknown = Outcome::Unknown(Reason::SignatureAlgorithmUnsupported);
            return found.steps.push(Step::with(Check::SignatureValue, unknown, error.to_string()));
        }
    };
    let mut holds = |digest: &DigestAlg| {
        let algorithm = SignatureAlgorithm::RsaPkcs1(*digest);
        key.verify_prehash_with(algorithm, &hash(digest.hasher()), value).is_ok()
    };
    match DIGESTS.into_iter().find(|digest| holds(digest)) {
        None => failed(found, Check::SignatureValue, Reason::SignatureValueWrong, "PKCS #1"),
        Some(digest) => {
            found.step(Check::DataHash, Outcome::Passed);
            found.step(Check::SignatureValue, Outcome::Passed);
            if digest.is_weak() {
                found.notes.push(Note::with(NoteCode::DigestWeak, digest.name()));
            }
        }
    }
}

/// The content of the OCTET STRING that `contents` begins with; nothing but zeros may follow it.
fn octets(contents: &[u8]) -> Option<&[u8]> {
    let length = der_length(contents);
    let header = match contents {
        [4, 0..=0x7f, ..] => 2,
        [4, form @ 0x81..=0x84, ..] => 2 + usize::from(form & 0x7f),
        _ => return None,
    };
    let filling = contents.get(length..)?;
    filling.iter().all(|byte| *byte == 0).then(|| contents.get(header..length)).flatten()
}

/// `/Cert`: one certificate or several, the signer's first.
fn certificates(view: &View<'_>, signature: &Signature) -> Vec<Certificate> {
    let of = |value: &Value| value.as_string().and_then(|der| Certificate::from_der(der).ok());
    match view.get(&signature.dictionary, "Cert") {
        Ok(Value::Array(items)) => {
            let resolved = items.iter().take(MAX_CERTIFICATES).filter_map(|item| view.resolve(item).ok());
            resolved.filter_map(|object| of(&object.value)).collect()
        }
        Ok(single) => of(&single).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_an_octet_string_with_nothing_but_zeros_behind_it() {
        assert_eq!(octets(&[4, 2, 7, 8, 0, 0]), Some([7, 8].as_slice()));
        assert_eq!(octets(&[&[4, 0x81, 0x80][..], &[9; 0x80]].concat()), Some([9; 0x80].as_slice()));
        for wrong in [&[4, 2, 7][..], &[4, 1, 7, 1], &[5, 1, 7], &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 1], &[]] {
            assert_eq!(octets(wrong), None, "{wrong:?}");
        }
    }
}
