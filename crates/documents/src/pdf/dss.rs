//! The document security store (ISO 32000-2 §12.8.4.3): certificates, revocation lists and OCSP responses that were added for
//! later validation.

use eseal_pki::evidence::MAX_EVIDENCE;
use eseal_pki::{Certificate, Crl, Evidence, OcspResponse};

use super::object::Dictionary;
use super::view::View;
use crate::DocumentError;

/// What the store has. Per signature (`/VRI`) it refers to the same objects once more, so those are not read. What cannot be read
/// is left out: it can be no proof.
///
/// # Errors
/// As [`View::object`].
pub(crate) fn evidence(view: &View<'_>) -> Result<Evidence, DocumentError> {
    let store = view.dictionary(&view.catalog()?, "DSS")?;
    let mut evidence = Evidence::default();
    evidence.extend(Evidence {
        certificates: read(view, &store, "Certs", |der| Certificate::from_der(der).ok())?,
        crls: read(view, &store, "CRLs", |der| Crl::from_der(der).ok())?,
        ocsps: read(view, &store, "OCSPs", |der| OcspResponse::from_der(der).ok())?,
    });
    Ok(evidence)
}

fn read<T>(
    view: &View<'_>,
    store: &Dictionary,
    key: &str,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, DocumentError> {
    let mut found = Vec::new();
    for item in view.items(store, key)?.iter().take(MAX_EVIDENCE) {
        let number = item.as_reference().map_or(0, |id| id.number);
        let object = view.resolve(item)?;
        found.extend(view.stream(number, &object)?.and_then(|der| parse(&der)));
    }
    Ok(found)
}
