//! Pictures of seals: drawn, checked and turned from SVG, off the threads that serve requests.

use std::path::Path;
use std::sync::Arc;

use eseal_impression::{Design, Font, ImpressionError};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::domain::particulars::{Name, Organization, SealType, Shape, Size};

/// Where pictures come from. Cheap to clone; copies share the font.
#[derive(Debug, Clone, Default)]
pub struct Impressions {
    font: Arc<OnceCell<Font>>,
}

/// A seal to be drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    shape: Shape,
    name: String,
    caption: Option<String>,
    size: Size,
}

impl Drawing {
    /// The picture of a seal: its organization's name, and which seal of it this is; or the name of a person.
    pub fn new(shape: Shape, size: Size, seal_type: SealType, organization: &Organization, seal_name: &Name) -> Self {
        let (name, caption) = match seal_type {
            SealType::Official => (&organization.name_zh, None),
            SealType::Finance | SealType::Contract | SealType::Invoice | SealType::Department => {
                (&organization.name_zh, Some(seal_name.to_string()))
            }
            SealType::LegalRepresentative | SealType::Personal => (seal_name, None),
        };
        Self { shape, name: name.to_string(), caption, size }
    }
}

impl Impressions {
    /// With the font in this file.
    ///
    /// # Errors
    /// [`ImpressionError`] when it is no font.
    pub fn with_font(file: &Path) -> Result<Self, ImpressionError> {
        Ok(Self { font: Arc::new(OnceCell::new_with(Some(Font::from_file(file)?))) })
    }

    /// Draws a seal, as PNG.
    ///
    /// # Errors
    /// [`ImpressionError`].
    pub async fn draw(&self, drawing: Drawing) -> Result<Vec<u8>, ImpressionError> {
        let font = self.font().await?;
        aside(move || {
            let design = Design {
                shape: match drawing.shape {
                    Shape::Round => eseal_impression::Shape::Round,
                    Shape::Oval => eseal_impression::Shape::Oval,
                    Shape::Square => eseal_impression::Shape::Square,
                },
                organization: &drawing.name,
                caption: drawing.caption.as_deref(),
                code: None,
                width_mm: drawing.size.width_mm(),
                height_mm: drawing.size.height_mm(),
            };
            eseal_impression::draw(&design, &font)
        })
        .await
    }

    /// Turns somebody's own drawing into PNG.
    ///
    /// # Errors
    /// [`ImpressionError`].
    pub async fn of_svg(&self, svg: Vec<u8>, size: Size) -> Result<Vec<u8>, ImpressionError> {
        let font = self.font().await?;
        aside(move || eseal_impression::from_svg(&svg, size.width_mm(), size.height_mm(), &font)).await
    }

    /// Says whether a file can be the picture of a seal.
    ///
    /// # Errors
    /// [`ImpressionError`]: why not.
    pub async fn check(&self, file: Vec<u8>) -> Result<(), ImpressionError> {
        aside(move || eseal_impression::check(&file).map(drop)).await
    }

    /// The configured font, or the best of the installed ones, looked for when it is needed first.
    async fn font(&self) -> Result<Font, ImpressionError> {
        self.font.get_or_try_init(|| aside(Font::installed)).await.cloned()
    }
}

/// Runs what takes long on a thread that may take long.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImpressionError> + Send + 'static,
) -> Result<T, ImpressionError> {
    spawn_blocking(work).await.unwrap_or_else(|ended| Err(ImpressionError::Encoding(ended.to_string())))
}
