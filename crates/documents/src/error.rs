//! Why a document could not be read, verified or sealed.

use std::io;

use eseal_kernel::Timestamp;

use crate::{Format, Limit, PageSize, Place, Reason};

/// Why a document could not be read, verified or sealed at all. What is wrong with a *seal* of a readable
/// document is never an error but a step of its report.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Reading failed.
    #[error("the document cannot be read")]
    Read(#[source] io::Error),
    /// Writing failed.
    #[error("the sealed document cannot be written")]
    Write(#[source] io::Error),
    /// Neither OFD nor PDF.
    #[error("the file is neither an OFD nor a PDF document")]
    NotADocument,
    /// Cut short, or not as the format says.
    #[error("the {format} document is damaged: {what}")]
    Malformed {
        /// What the file claims to be.
        format: Format,
        /// What is wrong.
        what: String,
    },
    /// Needs a password.
    #[error("the document is protected with a password")]
    Encrypted,
    /// Well-formed, but with something that is not supported.
    #[error("the document cannot be used: {what}")]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// Beyond one of the [`crate::Limits`].
    #[error("the document has more than {max} {limit}")]
    TooLarge {
        /// Which limit.
        limit: Limit,
        /// Its value.
        max: u64,
    },
    /// A name in an OFD package that leads outside, or that programs would read differently.
    #[error("the package has an entry named {name:?}, which {problem}")]
    EntryName {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// The page asked for does not exist.
    #[error("page {page} does not exist; the document has {pages} pages")]
    NoSuchPage {
        /// The page asked for, counted from 1.
        page: u32,
        /// How many there are.
        pages: u32,
    },
    /// The place asked for is not on the page.
    #[error("a seal of {place} is not wholly on the page, which is {size}; the document has {pages} pages")]
    OutsidePage {
        /// The place asked for.
        place: Place,
        /// The size of that page.
        size: PageSize,
        /// How many pages there are.
        pages: u32,
    },
    /// No place was given, or more than allowed.
    #[error("a seal needs at least one place on a page")]
    NoPlace,
    /// The keyword to seal at is not in the document, or not as often as asked for.
    #[error("the keyword {keyword:?} is found {found} times in the document")]
    KeywordNotFound {
        /// The keyword.
        keyword: String,
        /// How often it is there.
        found: u32,
    },
    /// The places are in several documents of one package, each of which has signatures of its own.
    #[error("the places are in several of the {documents} documents of the package; they are sealed one by one")]
    SeveralDocuments {
        /// How many documents there are.
        documents: u32,
    },
    /// A seam seal goes over several pages.
    #[error("a seam seal needs at least 2 pages, and there are {pages}")]
    NoSeam {
        /// How many pages there are.
        pages: u32,
    },
    /// A rule for places that says nothing sensible.
    #[error("that is no rule for places: {what}")]
    PlacementInvalid {
        /// What is wrong with it.
        what: String,
    },
    /// An earlier signature covers what one more seal would have to change.
    #[error("the document is locked: {by} covers {covered}, which another seal would change")]
    Locked {
        /// The signature or file that locks it.
        by: String,
        /// The file that would have to change.
        covered: String,
    },
    /// A certification that is not the document's first signature.
    #[error("the document is signed by {by} already, and a certification must come first")]
    NotFirst {
        /// The field of the first signature.
        by: String,
    },
    /// The document is encrypted, and its owner does not permit signing to whoever has this password only.
    #[error("the owner of the encrypted document does not permit signing it; open it with the owner's password")]
    Restricted,
    /// The signature field that was asked for cannot be used.
    #[error("the signature field {field:?} cannot be used: {what}")]
    FieldUnusable {
        /// Its name.
        field: String,
        /// Why not.
        what: String,
    },
    /// The author of a signature field requires something else of whoever signs it (ISO 32000-2 table 237).
    #[error("the author of the signature field {field:?} requires by /{entry}: {wanted}")]
    SeedValue {
        /// The name of the field.
        field: String,
        /// The entry of its seed values.
        entry: String,
        /// What it says.
        wanted: String,
    },
    /// Something was asked for that documents of this format, or of this form, do not have.
    #[error("{option} does not fit a document of the format {format}")]
    OptionUnfit {
        /// The format of the document.
        format: Format,
        /// What was asked for.
        option: SealingOption,
    },
    /// The time stamp token that was given cannot be used.
    #[error("the time stamp cannot be used: {what}")]
    TimeStampRefused {
        /// What is wrong with it.
        what: String,
    },
    /// The document given at the end of sealing is not the one it began with.
    #[error("the document is not the one that was prepared for sealing")]
    Changed,
    /// The seal cannot be read or its maker's signature is wrong.
    #[error("the seal cannot be used: {what}")]
    SealUnusable {
        /// What is wrong with it.
        what: String,
    },
    /// The seal is not valid at the sealing time.
    #[error("the seal is valid from {from} to {to}, not at {time}")]
    SealNotValid {
        /// The sealing time.
        time: Timestamp,
        /// The seal's first moment.
        from: Timestamp,
        /// The seal's last moment.
        to: Timestamp,
    },
    /// The signer's certificate is not in the seal's list.
    #[error("the signer's certificate is not in the seal's list; a renewed certificate needs a new seal")]
    SignerNotInSeal,
    /// An OFD document is sealed with SM2 and SM3, which is also what it says in front of the signature.
    #[error("OFD documents are sealed with SM2 keys, and the signer's certificate has another")]
    NotAnSm2Key,
    /// The signature given at the end of sealing does not verify.
    #[error("the signature does not verify with the signer's certificate")]
    SigningFailed,
}

/// What can be asked for in sealing and fits one format only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealingOption {
    /// What may happen afterwards, by levels (PDF).
    #[error("a certification")]
    Certification,
    /// The form of the signature (PDF).
    #[error("another form of the signature")]
    Form,
    /// A signature field of the document (PDF).
    #[error("a signature field")]
    Field,
    /// A time stamp over the signature value (OFD, and PDF in its international form).
    #[error("a time stamp over the signature value")]
    TimeStamp,
    /// Proofs of certificates and their status, for later (PDF in its international form).
    #[error("data for long-term validation")]
    LongTerm,
    /// The list of all files, against smuggling (OFD).
    #[error("a list of all files")]
    ListOfFiles,
}

/// What is wrong with the name of a package's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// It has `..`, and so may lead outside of the package.
    #[error("leads outside of the package")]
    Outside,
    /// It starts at a root or a drive.
    #[error("is absolute")]
    Absolute,
    /// It is empty or has a NUL or an empty part.
    #[error("is not a file name")]
    NotAName,
    /// Another entry has it too, or differs from it in upper and lower case only.
    #[error("another entry has too, or one that differs in upper and lower case only")]
    Repeated,
}

impl DocumentError {
    /// The stable code of this error.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Read(_) | Self::Write(_) => Reason::DocumentUnreadable,
            Self::NotADocument => Reason::NotADocument,
            Self::Malformed { .. } => Reason::DocumentMalformed,
            Self::Encrypted => Reason::DocumentEncrypted,
            Self::Unsupported { .. } => Reason::DocumentUnsupported,
            Self::TooLarge { .. } => Reason::DocumentTooLarge,
            Self::EntryName { .. } => Reason::EntryNameUnsafe,
            Self::NoSuchPage { .. } => Reason::PageNotFound,
            Self::OutsidePage { .. } | Self::NoPlace => Reason::PlaceOutsidePage,
            Self::KeywordNotFound { .. } => Reason::KeywordNotFound,
            Self::SeveralDocuments { .. } => Reason::SeveralDocuments,
            Self::NoSeam { .. } => Reason::SeamNeedsPages,
            Self::PlacementInvalid { .. } => Reason::PlacementInvalid,
            Self::Locked { .. } => Reason::DocumentLocked,
            Self::NotFirst { .. } => Reason::CertificationNotFirst,
            Self::Restricted => Reason::DocumentRestricted,
            Self::FieldUnusable { .. } => Reason::FieldUnusable,
            Self::SeedValue { .. } => Reason::SeedValueContradicted,
            Self::OptionUnfit { .. } => Reason::OptionUnfit,
            Self::TimeStampRefused { .. } => Reason::TimeStampRefused,
            Self::Changed => Reason::DocumentChanged,
            Self::SealUnusable { .. } | Self::SealNotValid { .. } => Reason::SealUnusable,
            Self::SignerNotInSeal => Reason::SignerNotInSeal,
            Self::NotAnSm2Key | Self::SigningFailed => Reason::SigningFailed,
        }
    }
}
