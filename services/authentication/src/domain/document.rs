//! A document as it was before sealing: what a custodian's terms and a request for a use name. What the seal signature
//! covers is another digest, which follows from the sealed document.

use std::fmt;
use std::str::FromStr;

use eseal_kernel::Digest;

/// How the digest of a document was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestKind {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SM3 (GB/T 32905-2016).
    Sm3,
}

impl DigestKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256:",
            Self::Sm3 => "sm3:",
        }
    }
}

/// The digest of a document's bytes. As text `sha256:` or `sm3:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentDigest {
    /// How it was computed.
    pub kind: DigestKind,
    /// It.
    pub value: Digest,
}

/// A text that is no digest of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the digest of a document: expected sha256: or sm3: and 64 hexadecimal digits in lower case")]
pub struct InvalidDocumentDigest;

impl fmt::Display for DocumentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.prefix(), self.value)
    }
}

impl FromStr for DocumentDigest {
    type Err = InvalidDocumentDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDocumentDigest> {
        let of = |kind: DigestKind| {
            let value = text.strip_prefix(kind.prefix())?.parse().ok()?;
            Some(Self { kind, value })
        };
        of(DigestKind::Sha256).or_else(|| of(DigestKind::Sm3)).ok_or(InvalidDocumentDigest)
    }
}

/// The kinds of documents that are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// GB/T 33190.
    Ofd,
    /// ISO 32000.
    Pdf,
}

/// What is said at gate d of a document as it was before sealing. Where this service seals the document itself it is
/// what was found in its bytes; elsewhere it is the word of the custodian's client, which goes on record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Original {
    /// Its digests, of each kind one at most.
    pub digests: Vec<DocumentDigest>,
    /// Its kind.
    pub format: Option<Format>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_a_document_says_how_it_was_computed() {
        let value = Digest::of(b"a document");
        for kind in [DigestKind::Sha256, DigestKind::Sm3] {
            let digest = DocumentDigest { kind, value };
            assert_eq!(digest.to_string().parse(), Ok(digest));
        }
        for other in [value.to_string(), format!("md5:{value}"), format!("sm3:{value}0"), String::new()] {
            assert_eq!(other.parse::<DocumentDigest>(), Err(InvalidDocumentDigest), "{other}");
        }
    }
}
