//! What became of a document, as a line of the results.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::inputs::Input;
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The document.
    pub file: PathBuf,
    /// Where the sealed one is.
    pub output: PathBuf,
    /// How it ended.
    pub result: Ending,
    /// The attempt at the service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attempt_id: String,
    /// Its place in the list of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// What the signature covers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_digest: String,
    /// SHA-256 of the document before sealing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub input_digest: String,
    /// SHA-256 of the sealed document. Where it failed: of the one that is recorded, and waits for its place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output_digest: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// Why it failed, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a document ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It is sealed.
    Sealed,
    /// It is not.
    Failed,
}

impl Line {
    /// A document that is sealed, and nothing else of it.
    pub fn sealed(input: Input) -> Self {
        Self {
            file: input.file,
            output: input.output,
            result: Ending::Sealed,
            attempt_id: String::new(),
            index: None,
            document_digest: String::new(),
            input_digest: String::new(),
            output_digest: String::new(),
            code: String::new(),
            message: String::new(),
        }
    }

    /// The same of a document that is sealed and recorded, and can't be put in its place.
    #[must_use]
    pub fn unplaced(self, failure: &Failure) -> Self {
        Self { result: Ending::Failed, code: failure.code.clone(), message: failure.text.clone(), ..self }
    }

    /// The same of a document that was sealed and is another one by now.
    #[must_use]
    pub fn changed(self, lang: Lang) -> Self {
        let why = match lang.pick("zh", "en") {
            "zh" => format!("签章之后被改动;{} 是改动之前的文档,移走后可用 --resume 重新签章", self.output.display()),
            _ => format!(
                "it was sealed before; {} is what it was: move that away, and --resume seals what it is now",
                self.output.display()
            ),
        };
        let failure = Failure::new(Kind::Usage, "FILE_CHANGED", lang).because(why);
        let (attempt_id, index, output_digest) = (String::new(), None, String::new());
        Self { attempt_id, index, output_digest, ..self.unplaced(&failure) }
    }
}
