//! The data of streams: where they lie, decrypted, decompressed; and the objects in object streams.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use super::filter::{self, Filter};
use super::object::{Dictionary, Object, Value};
use super::packed::Packed;
use super::parse::Parser;
use super::section::{self, Place};
use super::view::View;
use crate::{DocumentError, Limit, Limits};

impl<'a> View<'a> {
    /// Where the data of a stream lie in the file, as they are there.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn stream_span(&self, object: &Object) -> Result<Option<Range<usize>>, DocumentError> {
        let (Some(start), Some(dictionary)) = (object.data, object.as_dictionary()) else { return Ok(None) };
        let length = self.get(dictionary, "Length")?.as_offset();
        Ok(section::stream_data(self.bytes(), start, length).map(|data| start..start + data.len()))
    }

    /// The data of the stream `number` before its filters, decrypted.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn raw(&self, number: u32, object: &Object) -> Result<Option<Cow<'a, [u8]>>, DocumentError> {
        let (Some(dictionary), Some(span)) = (object.as_dictionary(), self.stream_span(object)?) else {
            return Ok(None);
        };
        let Some(raw) = self.bytes().get(span) else { return Ok(None) };
        let Some(crypt) = &self.crypt else { return Ok(Some(Cow::Borrowed(raw))) };
        let Some(Place::At(offset)) = self.place(number) else { return Ok(None) };
        let Ok(id) = Parser::new(self.bytes(), offset).head() else { return Ok(None) };
        let filters = self.filters(dictionary)?.unwrap_or_default();
        let own = filters.first().filter(|first| first.name == b"Crypt");
        let own = own.map(|own| own.parameters.get("Name").and_then(Value::as_name).unwrap_or(b"Identity"));
        Ok(Some(Cow::Owned(crypt.stream(id, dictionary, own, raw))))
    }

    /// The data of the stream `number` after its filters; `None` where it is no stream or a filter is not known.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn stream(&self, number: u32, object: &Object) -> Result<Option<Vec<u8>>, DocumentError> {
        let (Some(dictionary), Some(raw)) = (object.as_dictionary(), self.raw(number, object)?) else {
            return Ok(None);
        };
        let Some(filters) = self.filters(dictionary)? else { return Ok(None) };
        let data = filter::decode(&filters, &raw, self.limits().max_structure_bytes())?;
        // Many streams, each within its bound, could still be a bomb together.
        let decoded = self.decoded.get() + data.as_ref().map_or(0, |data| data.len() as u64);
        self.decoded.set(decoded);
        let max = self.limits().max_ratio;
        let fair = (self.bytes().len() as u64).saturating_mul(max).max(Limits::RATIO_FLOOR);
        if decoded > fair { Err(DocumentError::TooLarge { limit: Limit::Ratio, max }) } else { Ok(data) }
    }

    fn filters(&self, dictionary: &Dictionary) -> Result<Option<Vec<Filter>>, DocumentError> {
        let one_or_more = |value| match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items,
            one => vec![one],
        };
        let names = one_or_more(self.get(dictionary, "Filter")?);
        let parameters = one_or_more(self.get(dictionary, "DecodeParms")?);
        if names.len() > filter::MAX_FILTERS {
            return Ok(None);
        }
        let mut filters = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Value::Name(name) = self.resolve(name)?.value else { return Ok(None) };
            let parameters = match parameters.get(index).map(|value| self.resolve(value)).transpose()? {
                Some(Object { value: Value::Dictionary(parameters), .. }) => parameters,
                _ => Dictionary::default(),
            };
            filters.push(Filter { name, parameters });
        }
        Ok(Some(filters))
    }

    /// The object stream `number`, decompressed.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn packed(&self, number: u32) -> Result<Option<Rc<Packed>>, DocumentError> {
        if let Some(known) = self.cache.borrow().get(number) {
            return Ok(known);
        }
        // An object stream lies at an offset: within another one it would be no stream (§7.5.7).
        let may_open = self.cache.borrow_mut().open(number);
        let packed = match self.place(number) {
            Some(Place::At(offset)) if may_open => self.unpack(number, offset).map(|packed| packed.map(Rc::new)),
            _ => Ok(None),
        };
        self.cache.borrow_mut().put(number, packed.as_ref().ok().cloned().flatten());
        packed
    }

    fn unpack(&self, number: u32, offset: usize) -> Result<Option<Packed>, DocumentError> {
        let Some((_, object)) = self.object_at(number, offset) else { return Ok(None) };
        let Some(dictionary) = object.as_dictionary() else { return Ok(None) };
        let first = self.get(dictionary, "First")?.as_offset().unwrap_or(0);
        let count = self.get(dictionary, "N")?.as_offset().unwrap_or(0);
        Ok(self.stream(number, &object)?.map(|data| Packed::new(data, first, count)))
    }
}
