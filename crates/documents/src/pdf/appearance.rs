//! How a seal looks on pages: one image for all of its impressions, and a form XObject for each kind of impression.

use std::collections::HashMap;

use super::SEAL_KEY;
use super::object::{Dictionary, Id, Value};
use super::page::Rect;
use super::picture::Picture;
use super::update::Update;

/// What a widget shows of the picture: its own size as it is seen, and the box of the whole picture in it, from its lower left
/// corner; all in units of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    pub width: f64,
    pub height: f64,
    pub picture: Rect,
    /// By how many quarters the page is turned clockwise: the picture is turned back, so that it is upright as the page is
    /// seen.
    pub quarters: u8,
}

/// The looks of one seal in an update; those that are the same are written once.
pub(crate) struct Looks {
    image: Id,
    /// The stream of the SESeal, where there is one.
    seal: Option<Id>,
    written: HashMap<[i64; 7], Id>,
}

impl Looks {
    /// Writes the picture.
    ///
    /// The looks name the seal that their picture is of, by the key that the signature dictionary uses. Other software that
    /// compares revisions (pyHanko) accepts new objects that an appearance leads to, but none that only a signature does.
    pub(crate) fn begin(update: &mut Update<'_>, picture: &Picture, seal: Option<Id>) -> Self {
        let mut image = picture.image();
        if let Some(opacity) = &picture.opacity {
            let mask = update.reserve();
            update.put_stream(mask, picture.mask(), opacity);
            image.set("SMask", Value::Reference(mask));
        }
        let id = update.reserve();
        update.put_stream(id, image, &picture.colours);
        Self { image: id, seal, written: HashMap::new() }
    }

    /// The form XObject of a look.
    pub(crate) fn form(&mut self, update: &mut Update<'_>, look: &Look) -> Id {
        let key = look.key();
        if let Some(known) = self.written.get(&key) {
            return *known;
        }
        // The form is drawn upright in its own box, which cuts off what of the picture is outside of it; /Matrix turns it,
        // and viewers fit the result into the widget's rectangle (ISO 32000-1 §12.5.5, algorithm 8.1).
        let turn: [i64; 6] = match look.quarters {
            0 => [1, 0, 0, 1, 0, 0],
            1 => [0, 1, -1, 0, 0, 0],
            2 => [-1, 0, 0, -1, 0, 0],
            _ => [0, -1, 1, 0, 0, 0],
        };
        let upright = Rect { left: 0.0, bottom: 0.0, right: look.width, top: look.height };
        let picture = Dictionary::from([("Seal", Value::Reference(self.image))]);
        let resources = Dictionary::from([("XObject", Value::Dictionary(picture))]);
        let mut form = Dictionary::from([
            ("Type", Value::name("XObject")),
            ("Subtype", Value::name("Form")),
            ("BBox", upright.to_value()),
            ("Matrix", Value::Array(turn.map(Value::Integer).to_vec())),
            ("Resources", Value::Dictionary(resources)),
        ]);
        if let Some(seal) = self.seal {
            form.set(SEAL_KEY, Value::Reference(seal));
        }
        let Rect { left, bottom, .. } = look.picture;
        let (width, height) = (look.picture.width(), look.picture.height());
        let content = format!("q {width:.4} 0 0 {height:.4} {left:.4} {bottom:.4} cm /Seal Do Q");
        let id = update.reserve();
        update.put_stream(id, form, content.as_bytes());
        self.written.insert(key, id);
        id
    }
}

impl Look {
    /// The same for looks that are the same to the precision in which they are written.
    fn key(&self) -> [i64; 7] {
        let Rect { left, bottom, right, top } = self.picture;
        let [width, height, left, bottom, right, top] =
            [self.width, self.height, left, bottom, right, top].map(|number| (number * 1e4).round() as i64);
        [width, height, left, bottom, right, top, self.quarters.into()]
    }
}
