//! What writes a sealed document: with its time stamp, the data for validation, or the list of its files.

use std::io::{self, Write};
use std::path::Path;

use eseal_documents::sealing::{Prepared, Sealed};
use eseal_documents::{Format, Limits, Source, ofd};
use eseal_kernel::Timestamp;
use eseal_online::pades::Pades;
use eseal_pki::{Certificate, Signer};

use super::document::Document;
use super::manner::{Manner, not_lasting};
use crate::failure::{Failure, Kind};
use crate::lang::Lang;
use crate::mapped;

/// What all documents that are sealed with one key have in common.
#[derive(Clone, Copy)]
pub struct Writing<'a> {
    /// The language of what goes wrong.
    pub lang: Lang,
    /// How they are sealed.
    pub manner: &'a Manner,
    /// What makes documents of this format reach their level.
    pub pades: Option<&'a Pades>,
    /// Who signs the list of an OFD's files.
    pub lister: Option<Lister<'a>>,
    /// The sealing time.
    pub time: Timestamp,
}

/// Who signs lists of files.
#[derive(Clone, Copy)]
pub struct Lister<'a> {
    /// The SM2 key.
    pub key: &'a dyn Signer,
    /// Its certificate.
    pub certificate: &'a Certificate,
}

impl Writing<'_> {
    /// Writes the sealed document into `out`. `written` gives what is in there already, and `beside` is the folder of what is
    /// written on the way.
    ///
    /// # Errors
    /// [`Failure`]; then `out` has an incomplete document.
    pub async fn write(
        &self,
        document: &Document,
        draft: Prepared,
        signature: &[u8],
        mut out: impl Write,
        written: impl Fn() -> io::Result<Source>,
        beside: &Path,
    ) -> Result<Sealed, Failure> {
        let lasting = |error| not_lasting(self.lang, &error);
        let token = match self.pades {
            Some(pades) => Some(pades.token(signature).await.map_err(lasting)?),
            None => None,
        };
        let token = token.as_deref();
        match document.format() {
            Format::Ofd if self.manner.list_files => {
                let file =
                    tempfile::tempfile_in(beside).map_err(|error| Failure::unwritable(self.lang, beside, &error))?;
                let sealed = document.finish(draft, signature, token, &file)?;
                let source = mapped::file(&file).map_err(|error| Failure::unreadable(self.lang, beside, &error))?;
                self.list(source, out).await?;
                Ok(sealed)
            }
            Format::Ofd => document.finish(draft, signature, token, out),
            Format::Pdf => {
                let sealed = document.finish(draft, signature, token, &mut out)?;
                if let Some(pades) = self.pades {
                    let append = |bytes: &[u8]| out.write_all(bytes);
                    pades.complete(written, append, self.manner.password()).await.map_err(lasting)?;
                }
                Ok(sealed)
            }
        }
    }

    /// The sealed document with a list of its files.
    async fn list(&self, sealed: Source, out: impl Write) -> Result<(), Failure> {
        let failed = |error| Failure::document(self.lang, &error);
        let Some(Lister { key, certificate }) = self.lister else { return Err(no_lister(self.lang)) };
        let list = ofd::prepare_list(sealed, self.time, &Limits::default()).map_err(failed)?;
        let signature = key.sign(list.to_sign());
        let signature =
            signature.map_err(|error| Failure::new(Kind::Usage, "CARD_UNUSABLE", self.lang).because(error))?;
        let token = self.manner.stamp_list(self.lang, &signature).await?;
        list.finish(out, certificate, &signature, token.as_deref(), &mut |_| {}).map_err(failed)
    }
}

/// A hosted key gives a client one signature for a document, and a list needs a second one.
pub fn no_lister(lang: Lang) -> Failure {
    let why = lang.pick(
        "托管密钥只为文档签一次;清单需用印章卡,或加 --at-service 由服务器签章",
        "a hosted key signs once for a document: lists need a seal card, or --at-service",
    );
    Failure::usage(lang, format_args!("--list-files: {why}"))
}
