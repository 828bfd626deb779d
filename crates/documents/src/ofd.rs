//! OFD packages (GB/T 33190-2016): pages, seals, sealing.
//!
//! A package is a zip: `OFD.xml` names documents and their list of signatures, the list names each `Signature.xml`,
//! and that names the digests of the protected files, the places of the impressions, and the file with the signature
//! value. The value signs the SM3 of `Signature.xml`, so everything hangs on one digest.

mod coverage;
mod digests;
mod document;
mod edit;
mod entry_set;
mod integrity;
mod keyword;
mod layout;
mod local_headers;
mod names;
mod output;
mod package;
mod plain;
mod present;
mod sealing;
mod signature;
mod signatures;
mod signed_value;
mod target;
mod text;
mod usable;
mod verify;
mod written_time;
mod xml;
mod xml_guard;

use package::Package;

use crate::{DocumentError, Limits, PageSize, Source};

pub use integrity::{PreparedList, prepare_list};
pub use keyword::find_text;
pub use sealing::{Mode, Prepared, Sealed, SealingOptions, SealingRequest, prepare};
pub use usable::UsableSeal;
pub use verify::verify;
pub(crate) use verify::verify_knowing;

/// The namespace of GB/T 33190-2016; some real files have an older one, so reading asks for none.
const NAMESPACE: &str = "http://www.ofdspec.org/2016";

/// The size of every page, over all documents of the package, in order.
///
/// # Errors
/// As [`verify`]; a page without any size is [`DocumentError::Malformed`].
pub fn pages(source: &Source, limits: &Limits) -> Result<Vec<PageSize>, DocumentError> {
    let package = Package::open(source, limits)?;
    let mut sizes = Vec::new();
    for body in document::bodies(&package)? {
        let mut pages = document::Pages::read(&package, &body)?;
        for page in 1..=pages.count() {
            sizes.push(pages.size_of(&package, page)?);
        }
    }
    Ok(sizes)
}
