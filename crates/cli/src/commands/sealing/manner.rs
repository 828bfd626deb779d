//! How documents are to be sealed, as the command line says it: read once, before anything is recorded.

use std::path::Path;
use std::time::Duration;

use eseal_documents::pdf::{Permitted, SealForm};
use eseal_documents::sealing::{Options, suite_for};
use eseal_documents::{DocumentError, Format, Placement, SealingOption};
use eseal_kernel::Clock;
use eseal_online::pades::{Level, Pades, PadesError, Proofs};
use eseal_online::{Addresses, OnlineError, RevocationClient, TimeStampClient, TimeStampSettings};
use eseal_pki::{Certificate, Crl, DigestAlg, Evidence, Suite, TrustStore};
use zeroize::Zeroizing;

use super::position;
use crate::args::{self, Certified, PadesLevel, PdfForm};
use crate::commands::card::{read_certificates, unusable};
use crate::failure::{Failure, Kind, read_file};
use crate::lang::Lang;
use crate::secret;

/// The most bytes of a file with a revocation list.
const MAX_CRL: u64 = 16 << 20;
/// How long an authority, or whoever knows of revocation, may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How documents are to be sealed.
pub struct Manner {
    /// Where the impressions go.
    pub placement: Placement,
    /// Why, for people.
    pub reason: Option<String>,
    /// Whether an OFD gets a list of its files.
    pub list_files: bool,
    /// Certificates above the signer's.
    pub chain: Vec<Certificate>,
    /// The level that a PDF shall reach.
    pub level: Level,
    locked: bool,
    certifies: Option<Permitted>,
    form: SealForm,
    field: Option<String>,
    accept_v5: bool,
    password: Zeroizing<String>,
    /// Whether a password that is missing may be asked for.
    may_ask: bool,
    authorities: Vec<String>,
    tsa_roots: Option<TrustStore>,
    crls: Vec<Crl>,
    ask_revocation: bool,
}

impl Manner {
    /// What the command line names, files included.
    ///
    /// # Errors
    /// A file can't be read, or what is named does not go together.
    pub fn read(lang: Lang, args: &args::Manner) -> Result<Self, Failure> {
        let (special, lasting) = (&args.special, &args.lasting);
        let placement = position::placement(lang, &args.position)?;
        let roots = lasting.tsa_trust.as_deref().map(|path| read_certificates(lang, path)).transpose()?;
        let password = special.password_file.as_deref().map(|path| secret::of_file(lang, path)).transpose()?;
        Ok(Self {
            placement,
            reason: special.reason.clone(),
            list_files: special.list_files,
            chain: lasting.chain.as_deref().map(|path| read_certificates(lang, path)).transpose()?.unwrap_or_default(),
            level: level(lasting.level),
            locked: special.lock,
            certifies: special.certify.map(permitted),
            form: match special.form {
                PdfForm::Pades => SealForm::Pades,
                PdfForm::Gm => SealForm::Gm,
            },
            field: args.position.field.clone(),
            accept_v5: special.v5,
            may_ask: password.is_none() && secret::can_ask(),
            password: password.unwrap_or_default(),
            authorities: lasting.tsa.clone(),
            tsa_roots: roots.map(TrustStore::new),
            crls: lasting.crl.iter().map(|path| crl(lang, path)).collect::<Result<_, _>>()?,
            ask_revocation: lasting.ask_revocation,
        })
    }

    /// Refuses what is missing where the client asks for time stamps and proofs by itself.
    ///
    /// # Errors
    /// [`Failure`] of kind usage.
    pub fn must_be_complete(&self, lang: Lang) -> Result<(), Failure> {
        let level = self.level.as_str().to_ascii_lowercase();
        let needs = |what: &str| {
            Err(Failure::usage(lang, format_args!("--level {level} {} {what}", lang.pick("需要", "needs"))))
        };
        match self.level {
            Level::Basic if !self.authorities.is_empty() && !self.list_files => {
                let why = lang.pick("--tsa 用于 --level 或 --list-files", "--tsa is for --level or --list-files");
                Err(Failure::usage(lang, why))
            }
            Level::Basic => Ok(()),
            Level::Stamped | Level::LongTerm | Level::Archival if self.authorities.is_empty() => needs("--tsa"),
            Level::LongTerm | Level::Archival if self.tsa_roots.is_none() => needs("--tsa-trust"),
            Level::LongTerm | Level::Archival if self.chain.is_empty() => needs("--chain"),
            Level::Stamped | Level::LongTerm | Level::Archival => Ok(()),
        }
    }

    /// Refuses what documents of this format do not have.
    ///
    /// # Errors
    /// [`Failure`] of kind usage, `OPTION_UNFIT`.
    pub fn must_fit(&self, lang: Lang, format: Format) -> Result<(), Failure> {
        let stamped = usize::from(self.level >= Level::Stamped);
        let fits = Options { time_stamp_room: stamped, ..self.options(0) }.must_fit(format);
        let unfit = match format {
            Format::Pdf => self.list_files.then_some(SealingOption::ListOfFiles),
            Format::Ofd => (self.level > Level::Stamped).then_some(SealingOption::LongTerm),
        };
        let fits = fits.and(unfit.map_or(Ok(()), |option| Err(DocumentError::OptionUnfit { format, option })));
        fits.map_err(|error| Failure::document(lang, &error))
    }

    /// The options for the library, with so much room for a time stamp token.
    pub fn options(&self, time_stamp_room: usize) -> Options<'_> {
        Options {
            locked: self.locked,
            certifies: self.certifies,
            form: self.form,
            field: self.field.as_deref(),
            password: &self.password,
            time_stamp_room,
            accept_v5: self.accept_v5,
        }
    }

    /// The suite of the key that seals documents of this format.
    pub const fn suite(&self, format: Format) -> Suite {
        suite_for(format, self.form)
    }

    /// Certificates above a signer's, by their names: the file may have those of other keys too.
    pub fn above(&self, signer: &Certificate) -> Vec<Certificate> {
        Evidence { certificates: self.chain.clone(), ..Evidence::default() }.issuers_of(signer)
    }

    /// The password of encrypted PDFs.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Asks for a password that was not given, where somebody can be asked; whether one was given.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn ask_password(&mut self, lang: Lang) -> Result<bool, Failure> {
        if !std::mem::take(&mut self.may_ask) {
            return Ok(false);
        }
        self.password = secret::read(lang, None, lang.pick("PDF 文档密码", "Password of the PDF"))?;
        Ok(true)
    }

    /// What makes documents of this format and signer reach their level; nothing at B-B.
    ///
    /// # Errors
    /// [`Failure`]: no time stamp was given, or the proofs are not complete.
    pub async fn pades(&self, lang: Lang, format: Format, signer: &Certificate) -> Result<Option<Pades>, Failure> {
        match (self.level, format) {
            (Level::Basic, _) => return Ok(None),
            (Level::Stamped, Format::Ofd) => {
                let begun = Pades::begin_ofd(self.time_stamps(lang)?).await;
                return begun.map(Some).map_err(|error| not_lasting(lang, &error));
            }
            (Level::LongTerm | Level::Archival, Format::Ofd) => return Ok(None), // unfit, which each document is told
            (Level::Stamped | Level::LongTerm | Level::Archival, Format::Pdf) => {}
        }
        let client = || RevocationClient::try_new(PATIENCE, Addresses::Public);
        let revocation = self.ask_revocation.then(client).transpose().map_err(|error| no_time_stamp(lang, &error))?;
        let own_root = |certificate: &&Certificate| certificate.is_self_issued();
        let proofs = Proofs {
            signer,
            pool: &self.chain,
            holder_roots: &TrustStore::new(self.chain.iter().filter(own_root).cloned().collect()),
            tsa_roots: &self.tsa_roots.clone().unwrap_or_default(),
            known: &Evidence { crls: self.crls.clone(), ..Evidence::default() },
            revocation: revocation.as_ref(),
            now: Clock::System.now(),
        };
        let begun = Pades::begin(self.level, self.time_stamps(lang)?, &proofs).await;
        begun.map(Some).map_err(|error| not_lasting(lang, &error))
    }

    /// A token over a signature of the list of files; none where no authority was named.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn stamp_list(&self, lang: Lang, signature: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        if self.authorities.is_empty() {
            return Ok(None);
        }
        let stamped = self.time_stamps(lang)?.stamp(DigestAlg::Sm3, &DigestAlg::Sm3.digest(signature)).await;
        stamped.map(|token| Some(token.der().to_vec())).map_err(|error| no_time_stamp(lang, &error))
    }

    fn time_stamps(&self, lang: Lang) -> Result<TimeStampClient, Failure> {
        let (authorities, roots) = (self.authorities.clone(), self.tsa_roots.clone());
        let settings = TimeStampSettings { authorities, roots, timeout: PATIENCE, ..TimeStampSettings::default() };
        TimeStampClient::try_new(settings).map_err(|error| no_time_stamp(lang, &error))
    }
}

/// Why a PDF does not reach its level.
pub fn not_lasting(lang: Lang, error: &PadesError) -> Failure {
    match error {
        PadesError::TimeStamp(error) => no_time_stamp(lang, error),
        PadesError::Document(error) => Failure::document(lang, error),
        PadesError::File(error) => Failure::new(Kind::Usage, "FILE_UNWRITABLE", lang).because(error),
        PadesError::Authority(_) | PadesError::Chain { .. } | PadesError::Unproved { .. } => {
            let failure = Failure::new(Kind::Usage, "PROOFS_INCOMPLETE", lang);
            let why = std::error::Error::source(error).map_or(error.to_string(), |cause| format!("{error}: {cause}"));
            failure.because(why).advise(lang.pick(
                "用 --chain 给出CA证书、--crl 给出CRL,或加 --ask-revocation 联网查询",
                "give CA certificates with --chain and lists with --crl, or ask with --ask-revocation",
            ))
        }
        PadesError::Ended(error) => Failure::new(Kind::Usage, "SIGNING_FAILED", lang).because(error),
    }
}

fn no_time_stamp(lang: Lang, error: &OnlineError) -> Failure {
    Failure::new(Kind::Unreachable, "TIME_STAMP_UNAVAILABLE", lang).because(error)
}

fn crl(lang: Lang, path: &Path) -> Result<Crl, Failure> {
    let bytes = read_file(lang, path, MAX_CRL)?;
    let list = if bytes.starts_with(b"-----") { Crl::from_pem(&bytes) } else { Crl::from_der(&bytes) };
    list.map_err(|error| unusable(lang, format_args!("{}: {error}", path.display())))
}

const fn level(named: PadesLevel) -> Level {
    match named {
        PadesLevel::Bb => Level::Basic,
        PadesLevel::Bt => Level::Stamped,
        PadesLevel::Blt => Level::LongTerm,
        PadesLevel::Blta => Level::Archival,
    }
}

const fn permitted(certified: Certified) -> Permitted {
    match certified {
        Certified::Nothing => Permitted::Nothing,
        Certified::Filling => Permitted::Filling,
        Certified::Comments => Permitted::Comments,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn parsed(words: &[&str]) -> args::Manner {
        let words = ["eseal", "seal", "a.pdf", "--seal", "S"].iter().chain(words);
        match Cli::try_parse_from(words).expect("a command line").command {
            Command::Seal(seal) => seal.manner,
            other => panic!("{other:?}"),
        }
    }

    fn manner(words: &[&str]) -> Manner {
        Manner::read(Lang::En, &parsed(words)).expect("a manner")
    }

    #[test]
    fn a_level_names_what_it_lacks_before_anything_is_begun() {
        let lacks = |words: &[&str]| manner(words).must_be_complete(Lang::En).expect_err("refused").text;
        assert!(lacks(&["--level", "b-t"]).ends_with("--level b-t needs --tsa"));
        assert!(lacks(&["--level", "b-lt", "--tsa", "http://a/"]).ends_with("--level b-lt needs --tsa-trust"));
        assert!(lacks(&["--tsa", "http://a/"]).contains("--list-files"), "an authority that nobody would ask");
        assert!(manner(&["--level", "b-t", "--tsa", "http://a/"]).must_be_complete(Lang::En).is_ok());
        assert!(manner(&["--list-files", "--tsa", "http://a/"]).must_be_complete(Lang::En).is_ok());
        assert!(manner(&[]).must_be_complete(Lang::En).is_ok());
    }

    #[test]
    fn what_does_not_fit_the_format_is_refused_by_its_code() {
        let code = |words: &[&str], format| manner(words).must_fit(Lang::En, format).err().map(|failure| failure.code);
        let unfit = Some("OPTION_UNFIT".to_owned());
        for words in [&["--form", "gm"][..], &["--certify", "2"], &["--field", "Buyer"], &["--level", "b-lt"]] {
            assert_eq!(code(words, Format::Ofd), unfit, "{words:?}");
            assert_eq!(code(words, Format::Pdf), None, "{words:?}");
        }
        assert_eq!(code(&["--list-files"], Format::Pdf), unfit);
        assert_eq!(code(&["--list-files", "--lock", "--v5", "--level", "b-t"], Format::Ofd), None);
        assert_eq!(code(&["--form", "gm", "--level", "b-t"], Format::Pdf), unfit);
    }

    #[test]
    fn a_password_comes_from_a_file_without_the_end_of_its_line() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all("密码 1\r\n".as_bytes()).expect("written");
        let path = file.path().display().to_string();
        assert_eq!(manner(&["--password-file", &path]).password(), "密码 1");
        let args = parsed(&["--password-file", "/nowhere"]);
        assert_eq!(Manner::read(Lang::En, &args).map(drop).expect_err("refused").code, "FILE_UNREADABLE");
    }

    #[test]
    fn options_that_exclude_each_other_are_not_understood() {
        for words in [
            &["--field", "Buyer", "--at", "1,1"][..],
            &["--lock", "--certify", "2"],
            &["--at-service", "--tsa", "http://a/"],
            &["--crl", "list.crl"],
            &["--password", "secret"],
        ] {
            let all = ["eseal", "seal", "a.pdf", "--seal", "S"].iter().chain(words);
            assert!(Cli::try_parse_from(all).is_err(), "{words:?}");
        }
    }
}
