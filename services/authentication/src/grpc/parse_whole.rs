//! The order for a whole document, and its pieces: as in [`super::parse`].

use std::time::Duration;

use eseal_documents::pdf::{Permitted, SealForm};
use eseal_documents::{Edge, Placement, Seam, Spot, Which};
use eseal_kernel::{Digest, Text};
use eseal_online::pades::Level;
use eseal_pki::DigestAlg;
use eseal_proto::authentication::v1 as pb;
use eseal_service::status::{field_violation, internal};
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;
use tonic::{Status, Streaming};

use super::parse::MAX_PLACES;
use super::refusals;
use crate::app::whole::{Manner, NotSealed, Password, Received};

/// The longest edge in micrometres that a point can name.
const MAX_EDGE: i64 = 10_000_000;
/// The most bytes of a document's password (ISO 32000-2 §7.6.4.3.3 takes 127), and of the name of a field.
const MAX_PASSWORD: usize = 512;
const MAX_FIELD: usize = 1_024;
/// The longest time between two pieces.
const PATIENCE: Duration = Duration::from_secs(30);

/// What comes first.
pub async fn order(pieces: &mut Streaming<pb::SealDocumentRequest>) -> Result<pb::SealDocumentOrder, Status> {
    match next(pieces).await? {
        Some(pb::seal_document_request::Part::Order(order)) => Ok(order),
        Some(pb::seal_document_request::Part::Piece(_)) | None => {
            Err(field_violation("order", "the first message is the order"))
        }
    }
}

/// The document: `size` bytes and at most `max`, in a file without a name. Memory holds one piece at a time.
pub async fn document(mut pieces: Streaming<pb::SealDocumentRequest>, size: u64, max: u64) -> Result<Received, Status> {
    let unwritable = |error| refusals::not_sealed_here(&NotSealed::unwritable(error));
    let file = spawn_blocking(tempfile::tempfile).await.map_err(|error| internal(&error))?;
    let mut file = tokio::fs::File::from_std(file.map_err(unwritable)?);
    let (mut sha256, mut sm3, mut bytes) = (DigestAlg::Sha256.hasher(), DigestAlg::Sm3.hasher(), 0_u64);
    while let Some(part) = next(&mut pieces).await? {
        let pb::seal_document_request::Part::Piece(piece) = part else {
            return Err(field_violation("order", "there is one order, and it comes first"));
        };
        bytes = bytes.saturating_add(piece.len() as u64);
        if bytes > max {
            return Err(field_violation("piece", format!("the document has more than {max} bytes")));
        }
        sha256.update(&piece);
        sm3.update(&piece);
        file.write_all(&piece).await.map_err(unwritable)?;
    }
    if bytes != size {
        return Err(field_violation("order.size", format!("{size} bytes were announced, and {bytes} came")));
    }
    file.flush().await.map_err(unwritable)?;
    let digest = |value: Vec<u8>| Digest::try_from(value.as_slice()).map_err(|error| internal(&error));
    let (digest, sm3) = (digest(sha256.finish())?, digest(sm3.finish())?);
    Ok(Received { file: file.into_std().await, digest, sm3 })
}

async fn next(
    pieces: &mut Streaming<pb::SealDocumentRequest>,
) -> Result<Option<pb::seal_document_request::Part>, Status> {
    match tokio::time::timeout(PATIENCE, pieces.message()).await {
        Err(_elapsed) => Err(refusals::too_slow()),
        Ok(message) => match message? {
            None => Ok(None),
            Some(message) => message.part.map(Some).ok_or_else(|| field_violation("part", "missing or unknown")),
        },
    }
}

/// Where, why and how. The password of the order is taken out of it before.
pub fn manner(order: &pb::SealDocumentOrder, password: Password) -> Result<Manner, Status> {
    let usual = pb::SealingManner::default();
    let wanted = order.manner.as_ref().unwrap_or(&usual);
    let field = field(&wanted.field)?;
    let placement = match (&field, &order.placement) {
        (Some(_), Some(_)) => {
            return Err(field_violation("order.placement", "a signature field has a place of its own"));
        }
        (Some(_), None) => Placement::At(Vec::new()),
        (None, placement) => self::placement(placement.as_ref())?,
    };
    Ok(Manner {
        placement,
        reason: reason(&order.reason)?,
        locked: wanted.locked,
        certifies: certifies(wanted.certification)?,
        form: form(wanted.form)?,
        field,
        password,
        level: level(wanted.level)?,
        list_files: wanted.list_files,
        accept_v5: wanted.accept_v5,
    })
}

/// Takes the password out of an order, before anything is computed from it.
pub fn password(order: &mut pb::SealDocumentOrder) -> Result<Password, Status> {
    let text = order.manner.as_mut().map(|manner| std::mem::take(&mut manner.password)).unwrap_or_default();
    if text.len() > MAX_PASSWORD {
        return Err(field_violation("order.manner.password", format!("at most {MAX_PASSWORD} bytes are allowed")));
    }
    Ok(Password::new(text))
}

fn field(name: &str) -> Result<Option<String>, Status> {
    if name.len() > MAX_FIELD {
        return Err(field_violation("order.manner.field", format!("at most {MAX_FIELD} bytes are allowed")));
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

fn certifies(wire: i32) -> Result<Option<Permitted>, Status> {
    match pb::Certification::try_from(wire) {
        Ok(pb::Certification::Unspecified) => Ok(None),
        Ok(pb::Certification::Nothing) => Ok(Some(Permitted::Nothing)),
        Ok(pb::Certification::Filling) => Ok(Some(Permitted::Filling)),
        Ok(pb::Certification::Comments) => Ok(Some(Permitted::Comments)),
        Err(_) => Err(field_violation("order.manner.certification", "unknown")),
    }
}

fn form(wire: i32) -> Result<SealForm, Status> {
    match pb::PdfForm::try_from(wire) {
        Ok(pb::PdfForm::Unspecified | pb::PdfForm::Pades) => Ok(SealForm::Pades),
        Ok(pb::PdfForm::Gm) => Ok(SealForm::Gm),
        Err(_) => Err(field_violation("order.manner.form", "unknown")),
    }
}

fn level(wire: i32) -> Result<Level, Status> {
    match pb::PadesLevel::try_from(wire) {
        Ok(pb::PadesLevel::Unspecified | pb::PadesLevel::Basic) => Ok(Level::Basic),
        Ok(pb::PadesLevel::Stamped) => Ok(Level::Stamped),
        Ok(pb::PadesLevel::LongTerm) => Ok(Level::LongTerm),
        Ok(pb::PadesLevel::Archival) => Ok(Level::Archival),
        Err(_) => Err(field_violation("order.manner.level", "unknown")),
    }
}

fn reason(text: &str) -> Result<Option<String>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let text: Text<200> = Text::try_new(text).map_err(|error| field_violation("order.reason", error))?;
    Ok(Some(text.to_string()))
}

fn placement(message: Option<&pb::Placement>) -> Result<Placement, Status> {
    let rule = message.and_then(|message| message.rule.as_ref());
    match rule.ok_or_else(|| field_violation("order.placement", "missing or unknown"))? {
        pb::placement::Rule::At(at) => spots(&at.spots),
        pb::placement::Rule::Keyword(keyword) => Ok(Placement::Keyword {
            text: keyword.text.clone(), // looked at where it is used
            which: which(keyword.which)?,
            offset_mm: (
                mm("order.placement.keyword.right_um", keyword.right_um)?,
                mm("order.placement.keyword.down_um", keyword.down_um)?,
            ),
        }),
        pb::placement::Rule::EveryPage(at) => Ok(Placement::EveryPage {
            x_mm: mm("order.placement.every_page.x_um", at.x_um)?,
            y_mm: mm("order.placement.every_page.y_um", at.y_um)?,
        }),
        pb::placement::Rule::Seam(seam) => Ok(Placement::Seam(Seam {
            edge: edge(seam.edge())?,
            split: Some(seam.split).filter(|split| *split != 0),
            opposed: seam.opposed,
            offset_mm: None,
        })),
    }
}

fn spots(messages: &[pb::PlacementSpot]) -> Result<Placement, Status> {
    if messages.is_empty() || messages.len() > MAX_PLACES {
        let text = format!("{} points; 1 to {MAX_PLACES} are expected", messages.len());
        return Err(field_violation("order.placement.at.spots", text));
    }
    let spot = |(i, spot): (usize, &pb::PlacementSpot)| {
        let field = |name: &str| format!("order.placement.at.spots[{i}].{name}");
        Ok(Spot { page: spot.page, x_mm: mm(&field("x_um"), spot.x_um)?, y_mm: mm(&field("y_um"), spot.y_um)? })
    };
    Ok(Placement::At(messages.iter().enumerate().map(spot).collect::<Result<_, Status>>()?))
}

fn which(wire: i32) -> Result<Which, Status> {
    match wire {
        0 => Ok(Which::All),
        -1 => Ok(Which::Last),
        number => u32::try_from(number)
            .map(Which::Nth)
            .map_err(|_| field_violation("order.placement.keyword.which", "hits are counted from 1")),
    }
}

fn edge(wire: pb::PageEdge) -> Result<Edge, Status> {
    match wire {
        pb::PageEdge::Unspecified => Err(field_violation("order.placement.seam.edge", "missing or unknown")),
        pb::PageEdge::Left => Ok(Edge::Left),
        pb::PageEdge::Right => Ok(Edge::Right),
        pb::PageEdge::Top => Ok(Edge::Top),
        pb::PageEdge::Bottom => Ok(Edge::Bottom),
    }
}

/// Micrometres in millimetres.
fn mm(field: &str, um: i64) -> Result<f64, Status> {
    if !(-MAX_EDGE..=MAX_EDGE).contains(&um) {
        return Err(field_violation(field, format!("at most {MAX_EDGE} are allowed")));
    }
    // Below 2^53, so exact.
    Ok(um as f64 / 1000.0)
}
