//! A document that the service seals with a hosted key: sent there in pieces, and taken back in pieces.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use eseal_documents::pdf::{Permitted, SealForm};
use eseal_documents::{Edge, Placement, Which};
use eseal_online::pades::Level;
use eseal_proto::authentication::v1 as pb;
use tokio::sync::mpsc;
use tokio::task::block_in_place;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::attempt::client;
use super::leftover;
use super::manner::Manner;
use super::repeat::Act;
use super::{asks_again, with_code};
use crate::args::Seal;
use crate::commands::Env;
use crate::connect::Server;
use crate::failure::{Failure, Kind, open_to_others};
use crate::secret;

/// Bytes of a piece, and how many wait for the line.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;

/// Has the document sealed, and puts it where it was asked for.
pub async fn seal(
    env: &Env,
    args: &Seal,
    manner: &Manner,
    server: &Server,
    (output, act): (&Path, &Act),
) -> Result<pb::SealedDocument, Failure> {
    let (lang, pin_file) = (env.lang(), args.manner.pin_file.as_deref());
    let placement = manner.options(0).field.is_none().then(|| wire(&manner.placement));
    let wanted = wanted(manner);
    let size = std::fs::metadata(&args.file).map_err(|error| Failure::unreadable(lang, &args.file, &error))?.len();
    let mut wrong = 0; // each wrong PIN is an act of its own
    loop {
        let pin = secret::read(lang, pin_file, lang.pick("密钥密码", "PIN of the key"))?;
        let order = pb::SealDocumentOrder {
            request_id: act.request_id(&format!("seal-{wrong}")),
            seal_id: args.manner.seal.clone(),
            code: String::new(),
            pin: pin.to_string(),
            placement: placement.clone(),
            reason: manner.reason.clone().unwrap_or_default(),
            size,
            manner: Some(wanted.clone()),
        };
        let sealed = async |code: &str| {
            once(env, args, server, pb::SealDocumentOrder { code: code.to_owned(), ..order.clone() }, output).await
        };
        match with_code(lang, args.manner.code_file.as_deref(), sealed).await {
            Err(failure) if failure.code == "PIN_INCORRECT" && asks_again(pin_file) => {
                env.output.fail(&failure);
                wrong += 1;
            }
            done => return done,
        }
    }
}

async fn once(
    env: &Env,
    args: &Seal,
    server: &Server,
    order: pb::SealDocumentOrder,
    output: &Path,
) -> Result<pb::SealedDocument, Failure> {
    let lang = env.lang();
    let file = File::open(&args.file).map_err(|error| Failure::unreadable(lang, &args.file, &error))?;
    let (sender, receiver) = mpsc::channel(PIECES);
    let sending = tokio::spawn(send(file, order, sender));
    let answer = server.answer(client(server).seal_document(ReceiverStream::new(receiver)).await);
    let answer = match answer {
        Ok(answer) => take(env, server, answer, output).await,
        Err(failure) => Err(failure),
    };
    sending.abort(); // it has ended, or nobody listens any more
    match sending.await {
        // The service refuses what is shorter than was announced.
        Ok(Err(error)) => Err(Failure::unreadable(lang, &args.file, &error)),
        Ok(Ok(())) | Err(_) => answer,
    }
}

async fn send(
    mut file: File,
    order: pb::SealDocumentOrder,
    sender: mpsc::Sender<pb::SealDocumentRequest>,
) -> std::io::Result<()> {
    let mut part = pb::seal_document_request::Part::Order(order);
    loop {
        if sender.send(pb::SealDocumentRequest { part: Some(part) }).await.is_err() {
            return Ok(()); // the service has answered already
        }
        let mut piece = vec![0; PIECE];
        let read = block_in_place(|| file.read(&mut piece))?;
        if read == 0 {
            return Ok(());
        }
        piece.truncate(read);
        part = pb::seal_document_request::Part::Piece(piece);
    }
}

async fn take(
    env: &Env,
    server: &Server,
    mut answer: Streaming<pb::SealDocumentResponse>,
    output: &Path,
) -> Result<pb::SealedDocument, Failure> {
    use pb::seal_document_response::Part;
    let lang = env.lang();
    let unwritable = |error: std::io::Error| Failure::unwritable(lang, output, &error);
    let unreadable = || Failure::new(Kind::Unreachable, "ANSWER_UNREADABLE", lang);
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = leftover::part(folder).map_err(unwritable)?;
    let (mut sealed, mut size): (Option<pb::SealedDocument>, u64) = (None, 0);
    loop {
        let message = answer.message().await.map_err(|status| Failure::status(lang, &server.address, &status))?;
        match (message.map(|message| message.part), &sealed) {
            (None, _) => break,
            (Some(Some(Part::Sealed(first))), None) => sealed = Some(first),
            (Some(Some(Part::Piece(piece))), Some(told)) if size + piece.len() as u64 <= told.size => {
                size += piece.len() as u64;
                file.write_all(&piece).map_err(unwritable)?;
            }
            _ => return Err(unreadable()),
        }
    }
    let sealed = sealed.filter(|sealed| sealed.size == size).ok_or_else(unreadable)?;
    open_to_others(file.as_file()).map_err(unwritable)?;
    file.as_file().sync_all().map_err(unwritable)?;
    eseal_faultpoint::pass("seal.received");
    file.persist(output).map_err(|failed| unwritable(failed.error))?;
    Ok(sealed)
}

/// How, where it is not the usual.
fn wanted(manner: &Manner) -> pb::SealingManner {
    let of = manner.options(0);
    let certification = match of.certifies {
        None => pb::Certification::Unspecified,
        Some(Permitted::Nothing) => pb::Certification::Nothing,
        Some(Permitted::Filling) => pb::Certification::Filling,
        Some(Permitted::Comments) => pb::Certification::Comments,
    };
    let form = match of.form {
        SealForm::Pades => pb::PdfForm::Pades,
        SealForm::Gm => pb::PdfForm::Gm,
    };
    let level = match manner.level {
        Level::Basic => pb::PadesLevel::Basic,
        Level::Stamped => pb::PadesLevel::Stamped,
        Level::LongTerm => pb::PadesLevel::LongTerm,
        Level::Archival => pb::PadesLevel::Archival,
    };
    pb::SealingManner {
        locked: of.locked,
        certification: certification.into(),
        form: form.into(),
        field: of.field.unwrap_or_default().to_owned(),
        password: of.password.to_owned(),
        level: level.into(),
        list_files: manner.list_files,
        accept_v5: of.accept_v5,
    }
}

fn wire(placement: &Placement) -> pb::Placement {
    use pb::placement::Rule;
    // Micrometres; the service bounds them.
    let um = |mm: f64| (mm * 1000.0).round() as i64;
    let rule = match placement {
        Placement::At(spots) => {
            let spots = spots.iter().map(|spot| pb::PlacementSpot {
                page: spot.page,
                x_um: um(spot.x_mm),
                y_um: um(spot.y_mm),
            });
            Rule::At(pb::PlacementAt { spots: spots.collect() })
        }
        Placement::Keyword { text, which, offset_mm: (right, down) } => {
            let which = match which {
                Which::All => 0,
                Which::First => 1,
                Which::Last => -1,
                Which::Nth(number) => i32::try_from(*number).unwrap_or(i32::MAX),
            };
            let (text, right_um, down_um) = (text.clone(), um(*right), um(*down));
            Rule::Keyword(pb::PlacementKeyword { text, which, right_um, down_um })
        }
        Placement::EveryPage { x_mm, y_mm } => {
            Rule::EveryPage(pb::PlacementEveryPage { x_um: um(*x_mm), y_um: um(*y_mm) })
        }
        Placement::Seam(seam) => {
            let edge = match seam.edge {
                Edge::Left => pb::PageEdge::Left,
                Edge::Right => pb::PageEdge::Right,
                Edge::Top => pb::PageEdge::Top,
                Edge::Bottom => pb::PageEdge::Bottom,
            };
            let (edge, split, opposed) = (edge.into(), seam.split.unwrap_or_default(), seam.opposed);
            Rule::Seam(pb::PlacementSeam { edge, split, opposed })
        }
    };
    pb::Placement { rule: Some(rule) }
}
