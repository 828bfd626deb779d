//! 验证: by the service, or offline with roots that are given. Never hangs, never asks in a script.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use eseal_documents::status::{Context, assess};
use eseal_documents::{Trust, judge};
use eseal_kernel::{Clock, Digest};
use eseal_pki::{Certificate, Crl, Evidence, TrustStore};
use eseal_proto::verification::v1 as pb;
use eseal_proto::verification::v1::verification_service_client::VerificationServiceClient;
use eseal_report::model::Verdict;
use eseal_report::{Origin, Report};
use tokio_stream::iter;

use super::Env;
use super::card::unusable;
use super::verify_report::{self, Document};
use super::verify_revocation;
use super::verify_view::{note_of_client, of_service, to_words};
use crate::args::Verify;
use crate::connect::{MAX_MESSAGE, Server};
use crate::failure::{Failure, Kind, read_file};
use crate::lang::Lang;
use crate::{mapped, secret};

/// The most bytes of a PEM file with roots.
const MAX_ROOTS: u64 = 4 << 20;
/// Bytes of the document in one message.
const PIECE: usize = 1 << 20;
/// The most bytes that the service takes; larger documents are verified here.
const MAX_UPLOAD: u64 = 512 << 20;

/// PEM files of roots, as they are.
#[derive(Debug, Default)]
struct Roots {
    holder: Option<Vec<u8>>,
    maker: Option<Vec<u8>>,
    tsa: Option<Vec<u8>>,
}

/// What verification here looks at besides the document and the roots.
struct Beside {
    crls: Vec<Crl>,
    asks: bool,
}

pub async fn verify(env: &Env, args: &Verify) -> Result<ExitCode, Failure> {
    let lang = env.lang();
    let wanted = verify_report::wanted(lang, args)?;
    let mut roots = Roots {
        holder: pem(lang, args.trust.as_deref())?,
        maker: pem(lang, args.maker_trust.as_deref())?,
        tsa: pem(lang, args.tsa_trust.as_deref())?,
    };
    let beside = Beside { crls: verify_revocation::lists(lang, &args.crl)?, asks: args.ask_revocation };
    let password = args.password_file.as_deref().map(|file| secret::of_file(lang, file)).transpose()?;
    let unreadable = |error: std::io::Error| Failure::unreadable(lang, &args.file, &error);
    let limits = verify_report::limits(lang, &args.limit)?;
    let file = mapped::open(&args.file, limits.max_bytes).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let source = mapped::file(&file).map_err(unreadable)?;
    let document = Document::new(&args.file, source, password.unwrap_or_default(), limits);
    let mut report = if args.offline || args.ask_revocation || size > MAX_UPLOAD {
        offline(env, &document, &roots, beside).await?
    } else {
        let server = Server::anonymous(&env.server, &env.tls, lang)?;
        match online(env, &server, &args.file, &file, &roots).await? {
            Some(report) => report,
            None => {
                let mut note = note_of_client("SERVER_UNREACHABLE", lang);
                ask_for_roots(lang, &mut roots)?;
                let mut report = offline(env, &document, &roots, beside).await?;
                note.text = format!("{} ({})", note.text, lang.pick("已改为离线验证", "verified offline instead"));
                report.notes.insert(0, note);
                report
            }
        }
    };
    report.document_name = document.name();
    verify_report::write(env, &wanted, args.font.as_deref(), &mut report, &document)?;
    env.output.result(&serde_json::to_value(&report).unwrap_or_default(), to_words(&report));
    Ok(if report.verdict == Verdict::Valid { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What the service says; nothing if it can't be reached.
async fn online(
    env: &Env,
    server: &Server,
    path: &Path,
    document: &File,
    roots: &Roots,
) -> Result<Option<Report>, Failure> {
    if !server.is_reachable().await {
        return Ok(None);
    }
    let unreadable = |error: std::io::Error| Failure::unreadable(env.lang(), path, &error);
    let broken = Arc::new(OnceLock::new());
    let pieces = pieces(env, document.try_clone().map_err(unreadable)?, roots, Arc::clone(&broken));
    let mut client = VerificationServiceClient::new(server.line()).max_decoding_message_size(MAX_MESSAGE);
    let answer = server.answer(client.verify_document(iter(pieces)).await);
    if let Some(error) = broken.get() {
        // Then only a part was sent, and whatever was answered is about that part.
        return Err(Failure::unreadable(env.lang(), path, error));
    }
    match answer {
        Ok(answer) => Ok(Some(of_service(&answer.report.unwrap_or_default(), env.lang().into()))),
        // A server that is too busy or broken says nothing about the document.
        Err(failure) if failure.kind == Kind::Unreachable => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The document in pieces, read as they are sent. They end early where it can't be read, and `broken` says why.
fn pieces(
    env: &Env,
    mut file: File,
    roots: &Roots,
    broken: Arc<OnceLock<std::io::Error>>,
) -> impl Iterator<Item = pb::VerifyDocumentRequest> + Send + 'static {
    let bar = env.output.bar(env.lang().pick("上传", "uploading"));
    bar.set_length(file.metadata().map(|m| m.len()).unwrap_or_default());
    let first = pb::VerifyDocumentRequest {
        chunk: Vec::new(),
        trust_pem: roots.holder.clone().unwrap_or_default(),
        maker_trust_pem: roots.maker.clone().unwrap_or_default(),
        ..Default::default()
    };
    let rest = std::iter::from_fn(move || {
        let mut chunk = Vec::with_capacity(PIECE);
        let read = match std::io::Read::by_ref(&mut file).take(PIECE as u64).read_to_end(&mut chunk) {
            Ok(read) => read,
            Err(error) => {
                let _ = broken.set(error); // the first one says it
                0
            }
        };
        bar.inc(read as u64);
        (read > 0).then(|| pb::VerifyDocumentRequest { chunk, ..Default::default() })
    });
    std::iter::once(first).chain(rest)
}

async fn offline(env: &Env, document: &Document<'_>, roots: &Roots, beside: Beside) -> Result<Report, Failure> {
    let lang = env.lang();
    let found = document.found(env)?;
    let trust = Trust {
        holder_roots: store(lang, roots.holder.as_deref())?,
        maker_roots: store(lang, roots.maker.as_deref())?,
    };
    let (digest, now) = (Digest::of(document.bytes()), Clock::System.now());
    let origin = Origin { name: document.name(), digest, verified_at: now, language: lang.into() };
    let judgement = judge(found, &trust);
    let tsa_roots = store(lang, roots.tsa.as_deref())?;
    let mut evidence = Evidence { crls: beside.crls, ..Evidence::default() };
    if beside.asks {
        evidence.extend(verify_revocation::asked(env, found, &trust, tsa_roots.as_ref()).await?);
    }
    // Answers are from after the document was read.
    let now = Clock::System.now();
    let statuses = assess(found, &judgement, &trust, &Context { tsa_roots, evidence, ..Context::at(now) });
    Ok(Report::of(found, &judgement, &statuses, &origin))
}

pub(super) fn store(lang: Lang, pem: Option<&[u8]>) -> Result<Option<TrustStore>, Failure> {
    let Some(pem) = pem else { return Ok(None) };
    let certificates = Certificate::many_from_pem(pem).map_err(|error| unusable(lang, error))?;
    if certificates.is_empty() {
        return Err(unusable(lang, lang.pick("文件中没有证书", "the file has no certificate")));
    }
    Ok(Some(TrustStore::new(certificates)))
}

pub(super) fn pem(lang: Lang, path: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = path.map(|path| read_file(lang, path, MAX_ROOTS)).transpose()?;
    store(lang, bytes.as_deref())?; // a file that is none is told at once
    Ok(bytes)
}

/// At a terminal, somebody who gave no roots is asked for them; an empty line goes on without.
fn ask_for_roots(lang: Lang, roots: &mut Roots) -> Result<(), Failure> {
    if roots.holder.is_some() || !secret::can_ask() {
        return Ok(());
    }
    let prompt = lang.pick(
        "无法连接服务器。请输入颁发机构根证书文件(直接回车则跳过): ",
        "The server can't be reached. File with the issuer's root certificate (Enter to go on without): ",
    );
    let unreadable = |error: std::io::Error| Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(error);
    let mut err = std::io::stderr().lock();
    write!(err, "{prompt}").and_then(|()| err.flush()).map_err(unreadable)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(unreadable)?;
    let path = line.trim();
    if !path.is_empty() {
        roots.holder = pem(lang, Some(&PathBuf::from(path)))?;
    }
    Ok(())
}
