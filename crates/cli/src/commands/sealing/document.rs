//! The document on its way from unsealed to sealed: the same steps for both formats.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use eseal_documents::{Format, Limits, Place, Progress, detect, ofd, pdf};
use eseal_kernel::Timestamp;
use eseal_pki::{Certificate, Suite};

use crate::failure::{Failure, Kind};
use crate::lang::Lang;
use crate::mapped;
use crate::output::Output;

/// A document that can be sealed.
pub struct Document {
    path: PathBuf,
    format: Format,
    lang: Lang,
}

/// A document that is ready but for the signature.
pub struct Draft {
    place: Place,
    prepared: Prepared,
}

enum Prepared {
    Ofd(Box<ofd::Prepared>),
    Pdf(Box<pdf::Prepared>),
}

/// A document that was sealed.
pub struct Sealed {
    /// The name of the signature in the document.
    pub name: String,
    /// DER of the SES_Signature or CMS.
    pub signature: Vec<u8>,
}

impl Document {
    /// Looks what kind of document it is.
    pub fn open(lang: Lang, path: &Path) -> Result<Self, Failure> {
        let mut file = File::open(path).map_err(|error| Failure::unreadable(lang, path, &error))?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            let why = lang.pick("不是普通文件", "not a regular file");
            return Err(
                Failure::new(Kind::Usage, "FILE_UNREADABLE", lang).because(format_args!("{}: {why}", path.display()))
            );
        }
        let format = detect(&mut file).map_err(|error| Failure::document(lang, &error))?;
        Ok(Self { path: path.to_owned(), format, lang })
    }

    /// Refuses a document that was changed after an earlier seal: the new seal would stand under what nobody agreed to.
    pub fn earlier_seals_hold(&self, output: Output) -> Result<(), Failure> {
        let bar = output.bar(self.lang.pick("检查已有签章", "checking earlier seals"));
        let found = eseal_documents::verify(&self.source()?, &Limits::default(), &mut |progress| show(&bar, progress));
        bar.finish_and_clear();
        let found = found.map_err(|error| Failure::document(self.lang, &error))?;
        let Some((seal, reason)) = found
            .seals
            .iter()
            .find_map(|seal| Some((&seal.id, seal.content.reason().filter(|_| seal.content.is_failed())?)))
        else {
            return Ok(());
        };
        Err(Failure {
            code: reason.code().to_owned(),
            text: format!("{}: {}", seal, reason.text(self.lang.into())),
            advice: Some(self.lang.pick("请取得未被修改的文档", "get the document as it was sealed").to_owned()),
            facts: Vec::new(),
            kind: Kind::Refused,
        })
    }

    pub const fn format(&self) -> Format {
        self.format
    }

    /// The suite of the key that seals it: SM2 for OFD, P-256 for PDF.
    pub const fn suite(&self) -> Suite {
        match self.format {
            Format::Ofd => Suite::Sm2Sm3,
            Format::Pdf => Suite::EcdsaP256Sha256,
        }
    }

    /// Everything but the signature.
    pub fn prepare(
        &self,
        output: Output,
        structure: &[u8],
        place: Place,
        time: Timestamp,
        certificate: &Certificate,
        reason: Option<&str>,
    ) -> Result<Draft, Failure> {
        let (bar, limits) = (output.bar(self.lang.pick("计算摘要", "digesting")), Limits::default());
        let stamps = [place.into()];
        let mut on_progress = |progress: Progress| show(&bar, progress);
        let prepared = match self.format {
            Format::Ofd => {
                let options = ofd::SealingOptions::default();
                let request = ofd::SealingRequest { seal_der: structure, stamps: &stamps, time, options };
                ofd::prepare(self.source()?, &request, &limits, &mut on_progress).map(|p| Prepared::Ofd(Box::new(p)))
            }
            Format::Pdf => {
                let seal =
                    pdf::UsableSeal::from_der(structure).map_err(|error| Failure::document(self.lang, &error))?;
                let request = pdf::SealingRequest {
                    seal: &seal,
                    stamps: &stamps,
                    time,
                    signer: certificate,
                    chain: &[],
                    name: None,
                    reason,
                    options: pdf::SealingOptions::default(),
                };
                pdf::prepare(self.source()?, &request, &limits, &mut on_progress).map(|p| Prepared::Pdf(Box::new(p)))
            }
        };
        bar.finish_and_clear();
        let prepared = prepared.map_err(|error| Failure::document(self.lang, &error))?;
        Ok(Draft { place, prepared })
    }

    /// The sealed document, into `out`.
    pub fn finish(
        &self,
        output: Output,
        draft: Draft,
        certificate: &Certificate,
        signature: &[u8],
        out: &mut File,
    ) -> Result<Sealed, Failure> {
        let failed = |error| Failure::document(self.lang, &error);
        match draft.prepared {
            Prepared::Ofd(prepared) => {
                let mut buffered = std::io::BufWriter::new(out);
                let sealed = prepared.finish(&mut buffered, certificate, signature, &mut |_| {}).map_err(failed)?;
                buffered.flush().map_err(|error| Failure::unwritable(self.lang, &self.path, &error))?;
                Ok(Sealed { name: sealed.id, signature: sealed.signature.der().to_vec() })
            }
            Prepared::Pdf(prepared) => {
                let bar = output.bar(self.lang.pick("写入", "writing"));
                let sealed = prepared.finish(out, signature, &mut |progress| show(&bar, progress));
                bar.finish_and_clear();
                let sealed = sealed.map_err(failed)?;
                Ok(Sealed { name: sealed.id, signature: sealed.signature })
            }
        }
    }

    fn file(&self) -> Result<File, Failure> {
        File::open(&self.path).map_err(|error| Failure::unreadable(self.lang, &self.path, &error))
    }

    fn source(&self) -> Result<pdf::Source, Failure> {
        mapped::file(&self.file()?).map_err(|error| Failure::unreadable(self.lang, &self.path, &error))
    }
}

impl Draft {
    /// What the service knows the document by.
    pub fn digest(&self) -> &[u8] {
        match &self.prepared {
            Prepared::Ofd(prepared) => prepared.data_hash(),
            Prepared::Pdf(prepared) => prepared.digest(),
        }
    }

    /// What the key signs.
    pub fn to_sign(&self) -> &[u8] {
        match &self.prepared {
            Prepared::Ofd(prepared) => prepared.to_sign(),
            Prepared::Pdf(prepared) => prepared.to_sign(),
        }
    }

    /// Where the impression goes.
    pub const fn place(&self) -> Place {
        self.place
    }
}

fn show(bar: &indicatif::ProgressBar, Progress { done, total }: Progress) {
    bar.set_length(total);
    bar.set_position(done);
}
