//! The document on its way from unsealed to sealed: the same steps for both formats.

use std::fs::File;
use std::io::{Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use eseal_documents::pdf::Source;
use eseal_documents::sealing::{self, Prepared, Request, Sealed, UsableSeal};
use eseal_documents::{Format, Limits, Progress};
use eseal_kernel::Timestamp;
use eseal_pki::Certificate;
use eseal_proto::authentication::v1 as pb;

use super::manner::Manner;
use crate::commands::original;
use crate::failure::{Failure, Kind};
use crate::lang::Lang;
use crate::mapped;
use crate::output::Output;

/// A document that can be sealed.
pub struct Document {
    path: PathBuf,
    file: File,
    source: Source,
    format: Format,
    output: Output,
}

/// What does not depend on the document.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// The seal.
    pub seal: &'a UsableSeal,
    /// Where, and how.
    pub manner: &'a Manner,
    /// The sealing time.
    pub time: Timestamp,
    /// Bytes to keep free for a time stamp token.
    pub time_stamp_room: usize,
}

impl Document {
    /// Looks what kind of document it is. Bars are shown where `output` does.
    pub fn open(output: Output, path: &Path) -> Result<Self, Failure> {
        let lang = output.lang;
        let unreadable = |error: std::io::Error| Failure::unreadable(lang, path, &error);
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            let why = lang.pick("不是普通文件", "not a regular file");
            return Err(
                Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(format_args!("{}: {why}", path.display()))
            );
        }
        let source = mapped::file(&file).map_err(unreadable)?;
        let format = sealing::format_of(&source).map_err(|error| Failure::document(lang, &error))?;
        Ok(Self { path: path.to_owned(), file, source, format, output })
    }

    /// Refuses a document that was changed after an earlier seal: the new seal would stand under what nobody agreed to.
    /// The password is that of an encrypted PDF.
    pub fn earlier_seals_hold(&self, password: &str) -> Result<(), Failure> {
        let lang = self.lang();
        let bar = self.output.bar(lang.pick("检查已有签章", "checking earlier seals"));
        let broken =
            sealing::broken_seal(&self.source, password, &Limits::default(), &mut |progress| show(&bar, progress));
        bar.finish_and_clear();
        let Some((seal, reason)) = broken.map_err(|error| Failure::document(lang, &error))? else { return Ok(()) };
        Err(Failure {
            code: reason.code().to_owned(),
            text: format!("{seal}: {}", reason.text(lang.into())),
            advice: Some(lang.pick("请取得未被修改的文档", "get the document as it was sealed").to_owned()),
            facts: Vec::new(),
            kind: Kind::Refused,
        })
    }

    /// As it is before sealing.
    pub fn bytes(&self) -> &[u8] {
        self.source.as_ref().as_ref()
    }

    pub const fn format(&self) -> Format {
        self.format
    }

    /// What gate d is told of it where that is asked for: as it is before sealing.
    pub fn original(&self) -> Result<pb::OriginalDocument, Failure> {
        let format = match self.format {
            Format::Ofd => pb::DocumentFormat::Ofd,
            Format::Pdf => pb::DocumentFormat::Pdf,
        };
        let digests = original::digests(self.content()?);
        let digests = digests.map_err(|error| Failure::unreadable(self.lang(), &self.path, &error))?;
        Ok(pb::OriginalDocument { digests, format: format.into() })
    }

    /// SHA-256 of it before sealing.
    pub fn digest(&self) -> Result<String, Failure> {
        original::sha256(self.content()?).map_err(|error| Failure::unreadable(self.lang(), &self.path, &error))
    }

    /// Everything but the signature.
    pub fn prepare(&self, of: Sealing<'_>, signer: &Certificate) -> Result<Prepared, Failure> {
        let bar = self.output.bar(self.lang().pick("计算摘要", "digesting"));
        let Sealing { seal, manner, time, time_stamp_room } = of;
        let chain = &manner.above(signer);
        let request = Request {
            seal,
            placement: &manner.placement,
            time,
            signer,
            chain,
            reason: manner.reason.as_deref(),
            options: manner.options(time_stamp_room),
        };
        let on_progress = &mut |progress| show(&bar, progress);
        let limits = Limits::default();
        let prepared = sealing::prepare_reading(&self.source, &mut self.content()?, &request, &limits, on_progress);
        bar.finish_and_clear();
        prepared.map_err(|error| Failure::document(self.lang(), &error))
    }

    /// The sealed document, into `out`, with a time stamp token over the signature where there is one.
    pub fn finish(
        &self,
        prepared: Prepared,
        signature: &[u8],
        token: Option<&[u8]>,
        out: impl Write,
    ) -> Result<Sealed, Failure> {
        let bar = self.output.bar(self.lang().pick("写入", "writing"));
        let on_progress = &mut |progress| show(&bar, progress);
        let sealed = prepared.finish_reading(&mut self.content()?, out, (signature, token), on_progress);
        bar.finish_and_clear();
        sealed.map_err(|error| Failure::document(self.lang(), &error))
    }

    /// The document from its first byte on: whoever goes through all of it reads it, so that its mapping does not come into this
    /// program's memory page by page.
    fn content(&self) -> Result<impl Read + '_, Failure> {
        let mut content = &self.file;
        content.rewind().map_err(|error| Failure::unreadable(self.lang(), &self.path, &error))?;
        Ok(content)
    }

    const fn lang(&self) -> Lang {
        self.output.lang
    }
}

fn show(bar: &indicatif::ProgressBar, Progress { done, total }: Progress) {
    bar.set_length(total);
    bar.set_position(done);
}
