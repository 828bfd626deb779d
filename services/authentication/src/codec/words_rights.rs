//! Words about rights and documents <-> words on the wire: as in [`super::words`].

use eseal_proto::authentication::v1 as pb;

use super::{Unreadable, at, at_to_wire, parsed};
use crate::domain::document::{Format, Original};
use crate::domain::right::Terms;
use crate::domain::seal_use::{Admitted, Spent};

/// The kind of a document.
pub fn format(wire: i32) -> Option<Format> {
    match pb::DocumentFormat::try_from(wire).ok()? {
        pb::DocumentFormat::Unspecified => None,
        pb::DocumentFormat::Ofd => Some(Format::Ofd),
        pb::DocumentFormat::Pdf => Some(Format::Pdf),
    }
}

/// The kind of a document, on the wire.
pub const fn format_to_wire(format: Format) -> pb::DocumentFormat {
    match format {
        Format::Ofd => pb::DocumentFormat::Ofd,
        Format::Pdf => pb::DocumentFormat::Pdf,
    }
}

/// The terms of a custodian.
pub fn terms(wire: &pb::CustodianTerms) -> Result<Terms, Unreadable> {
    let moment =
        |wire: &Option<eseal_proto::Timestamp>, field| wire.as_ref().map(|wire| at(Some(wire), field)).transpose();
    let formats = wire.formats.iter().map(|wire| format(*wire).ok_or(Unreadable::Field("terms.formats")));
    let documents = wire.documents.iter().map(|text| parsed(text, "terms.documents"));
    Ok(Terms {
        from: moment(&wire.valid_from, "terms.validFrom")?,
        to: moment(&wire.valid_to, "terms.validTo")?,
        formats: formats.collect::<Result<_, _>>()?,
        documents: documents.collect::<Result<_, _>>()?,
        max_uses: Some(wire.max_uses).filter(|max| *max != 0),
    })
}

/// The terms of a custodian, on the wire.
pub fn terms_to_wire(terms: &Terms) -> pb::CustodianTerms {
    pb::CustodianTerms {
        valid_from: terms.from.and_then(at_to_wire),
        valid_to: terms.to.and_then(at_to_wire),
        formats: terms.formats.iter().map(|format| format_to_wire(*format).into()).collect(),
        documents: terms.documents.iter().map(ToString::to_string).collect(),
        max_uses: terms.max_uses.unwrap_or_default(),
    }
}

/// A document as gate d admitted it.
pub fn admitted(wire: &pb::AdmittedDocument) -> Result<Admitted, Unreadable> {
    let original = original(&wire.original.clone().unwrap_or_default())?;
    if wire.use_id.is_empty() {
        return Ok(Admitted { original, spent: None });
    }
    let named = usize::try_from(wire.use_digest).ok().and_then(|place| original.digests.get(place));
    let document = *named.ok_or(Unreadable::Field("useDigest"))?;
    Ok(Admitted { original, spent: Some(Spent { use_id: parsed(&wire.use_id, "useId")?, document }) })
}

/// A document as gate d admitted it, on the wire.
pub fn admitted_to_wire(admitted: &Admitted) -> pb::AdmittedDocument {
    let original = Some(original_to_wire(&admitted.original));
    let Some(spent) = &admitted.spent else {
        return pb::AdmittedDocument { original, ..pb::AdmittedDocument::default() };
    };
    let place = admitted.original.digests.iter().position(|digest| *digest == spent.document);
    let use_digest = place.and_then(|place| u32::try_from(place).ok()).unwrap_or_default();
    pb::AdmittedDocument { original, use_id: spent.use_id.to_string(), use_digest }
}

fn original(wire: &pb::OriginalDocument) -> Result<Original, Unreadable> {
    let digests = wire.digests.iter().map(|text| parsed(text, "original.digests"));
    Ok(Original { digests: digests.collect::<Result<_, _>>()?, format: format(wire.format) })
}

/// A document as it was before sealing, on the wire.
pub fn original_to_wire(original: &Original) -> pb::OriginalDocument {
    pb::OriginalDocument {
        digests: original.digests.iter().map(ToString::to_string).collect(),
        format: original.format.map(|format| format_to_wire(format).into()).unwrap_or_default(),
    }
}
