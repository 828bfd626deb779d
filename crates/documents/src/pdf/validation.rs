//! Data for validation in the document itself (ISO 32000-2 §12.8.4.3, ETSI EN 319 142-1 §5.4.2): what makes PAdES B-LT of B-T.

use std::collections::HashSet;

use eseal_kernel::Digest;

use super::catalog::Catalog;
use super::completed::Completed;
use super::draft::{changing_id, must_be_updatable};
use super::object::{Dictionary, Value};
use super::update::Update;
use super::view::View;
use super::{Source, xref};
use crate::{DocumentError, Limit, Limits};

/// What somebody needs to validate the signatures and time stamps of a document when nobody can be asked any more.
#[derive(Debug, Clone, Copy, Default)]
pub struct ValidationData<'a> {
    /// Certificates, DER: those of the chains up to the roots.
    pub certificates: &'a [&'a [u8]],
    /// Revocation lists, DER.
    pub crls: &'a [&'a [u8]],
    /// OCSP responses (RFC 6960, OCSPResponse), DER.
    pub ocsps: &'a [&'a [u8]],
}

/// Adds data for validation to a document, in an update of its own. What the document holds already stays and is not added
/// again. No signature forbids it.
///
/// # Errors
/// The document cannot be used (damaged, encrypted with another password), or the data have too many bytes.
pub fn add_validation_data(
    source: Source,
    data: &ValidationData<'_>,
    password: &str,
    limits: &Limits,
) -> Result<Completed, DocumentError> {
    let view = View::present_with(&source, limits, password)?;
    let count = data.certificates.len() + data.crls.len() + data.ocsps.len();
    must_be_updatable(&view, count)?;
    let mut update = Update::new(&view);
    let mut catalog = Catalog::of(&view)?;
    let mut store = view.dictionary(&view.catalog()?, "DSS")?;
    store.set("Type", Value::name("DSS"));
    for (key, items) in [("Certs", data.certificates), ("CRLs", data.crls), ("OCSPs", data.ocsps)] {
        add(&view, &mut update, &mut store, key, items)?;
    }
    catalog.set_validation_data(&mut update, store);
    catalog.declare_pades()?;
    catalog.put(&mut update)?;
    let update = update.finish(&view, &changing_id("validation data", view.bytes().len()))?;
    drop(view);
    Ok(Completed::new(source, update))
}

fn add(
    view: &View<'_>,
    update: &mut Update<'_>,
    store: &mut Dictionary,
    key: &str,
    items: &[&[u8]],
) -> Result<(), DocumentError> {
    let mut known = view.items(store, key)?;
    let mut digests = HashSet::new();
    for item in &known {
        let number = item.as_reference().map_or(0, |id| id.number);
        if let Some(content) = view.stream(number, &view.resolve(item)?)? {
            digests.insert(Digest::of(&content));
        }
    }
    for item in items {
        Limit::SignatureBytes.check(item.len() as u64, view.limits().max_signature_bytes)?;
        if item.is_empty() {
            return Err(xref::malformed("an empty piece of validation data"));
        }
        if digests.insert(Digest::of(item)) {
            let id = update.reserve();
            update.put_stream(id, Dictionary::default(), item);
            known.push(Value::Reference(id));
        }
    }
    if !known.is_empty() {
        store.set(key, Value::Array(known));
    }
    Ok(())
}
