//! A PDF as one of its states shows it: the whole file, or the file as it was up to the end of an earlier revision.
//!
//! Objects are found through the chain of cross-reference sections that the last `startxref` of that state leads to.
//! Where the chain is broken, they are found by going through the file, as viewers do (see `recover`).
//!
//! `hayro-syntax` reads PDFs well for display, but not for this: it keeps neither offsets nor sections nor earlier
//! states, ignores freed objects and repeated keys, decompresses without bound, and holds `/Prev` in 32 bits. So it is
//! a judge in the tests and the reading is done here.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;

use super::crypt::Crypt;
use super::filter::{self, Filter};
use super::object::{Dictionary, Id, Object, Value};
use super::packed::Packed;
use super::parse::Parser;
use super::xref::{self, Chain, Entry, Form, Place, malformed};
use super::{Source, recover};
use crate::{DocumentError, Limit, Limits};

/// References that lead to references are followed so far; in use is one step.
const MAX_HOPS: usize = 16;

/// Bytes of decompressed object streams that are kept.
const CACHE_BYTES: usize = 24 << 20;

/// One state of a document.
pub(crate) struct View<'a> {
    source: &'a Source,
    end: usize,
    limits: &'a Limits,
    /// Sorted by number.
    entries: Vec<Entry>,
    pub trailer: Dictionary,
    /// The offset of the newest section and how it is written; `None` where the chain is broken.
    pub newest: Option<(usize, Form)>,
    /// Objects that old and new viewers find at different places.
    pub ambiguous: Vec<u32>,
    /// Bytes before the header, which the offsets in the file don't count.
    pub base: usize,
    crypt: Option<Crypt>,
    packed: RefCell<Cache>,
    decoded: Cell<u64>,
    mismatched: RefCell<BTreeSet<u32>>,
}

#[derive(Default)]
struct Cache {
    streams: HashMap<u32, Option<Rc<Packed>>>,
    order: VecDeque<u32>,
    bytes: usize,
}

impl<'a> View<'a> {
    /// The state that the first `end` bytes of `source` are.
    ///
    /// # Errors
    /// [`DocumentError::Malformed`] where no catalog can be found, [`DocumentError::Encrypted`] where a password is
    /// needed, [`DocumentError::TooLarge`].
    pub(crate) fn open(source: &'a Source, end: usize, limits: &'a Limits) -> Result<Self, DocumentError> {
        let bytes = prefix(source, end);
        Limit::Bytes.check(bytes.len() as u64, limits.max_bytes)?;
        let mut view = Self {
            source,
            end: bytes.len(),
            limits,
            entries: Vec::new(),
            trailer: Dictionary::default(),
            newest: None,
            ambiguous: Vec::new(),
            base: 0,
            crypt: None,
            packed: RefCell::default(),
            decoded: Cell::new(0),
            mismatched: RefCell::default(),
        };
        if let Some(chain) = Chain::read(bytes, limits)? {
            view.take(chain)?;
            if view.has_pages()? {
                return Ok(view);
            }
        }
        view.recover()?;
        if view.has_pages()? { Ok(view) } else { Err(malformed("it has no catalog with pages")) }
    }

    fn take(&mut self, chain: Chain) -> Result<(), DocumentError> {
        self.entries = chain.merged();
        self.ambiguous = chain.ambiguous();
        self.base = chain.base;
        if let Some(newest) = chain.sections.into_iter().next() {
            self.newest = Some((newest.at, newest.form));
            self.trailer = newest.trailer;
        }
        self.decrypt()
    }

    fn recover(&mut self) -> Result<(), DocumentError> {
        let found = recover::scan(self.bytes(), self.limits)?;
        self.entries = found.entries;
        self.trailer = found.trailer;
        self.newest = None;
        self.base = 0;
        self.packed.take();
        self.decrypt()?;
        self.entries = recover::with_packed(self, &found.streams)?;
        if !self.trailer.contains("Root")
            && let Some(id) = recover::catalog(self)?
        {
            self.trailer.set("Root", Value::Reference(id));
        }
        Ok(())
    }

    fn decrypt(&mut self) -> Result<(), DocumentError> {
        self.crypt = None; // the encryption dictionary itself is clear
        if let Some(encrypt) = self.trailer.get("Encrypt") {
            let id = self.get(&self.trailer, "ID")?;
            let id = id.as_array().and_then(|id| id.first()).and_then(Value::as_string).unwrap_or_default();
            // The deepest entry is the method of a named crypt filter: /CF, its name, /CFM.
            if let Value::Dictionary(encrypt) = self.resolved(encrypt, 3)? {
                self.crypt = Some(Crypt::open(&encrypt, id)?);
            }
            self.packed.take();
        }
        Ok(())
    }

    fn has_pages(&self) -> Result<bool, DocumentError> {
        let catalog = self.catalog()?;
        let pages = catalog.get("Pages").map(|pages| self.resolve(pages)).transpose()?;
        Ok(pages.is_some_and(|pages| pages.value.as_dictionary().is_some()))
    }

    /// The bytes of this state.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        prefix(self.source, self.end)
    }

    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Whether the file is encrypted (with an empty password, else it could not be opened).
    pub(crate) fn is_encrypted(&self) -> bool {
        self.crypt.is_some()
    }

    /// Whether the cross-reference chain was broken and the objects were found by going through the file.
    pub(crate) fn is_recovered(&self) -> bool {
        self.newest.is_none()
    }

    /// Objects that were asked for and did not have their own number where they were found.
    pub(crate) fn mismatched(&self) -> Vec<u32> {
        self.mismatched.borrow().iter().copied().collect()
    }

    /// The entries that count, sorted by number.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One more than the highest object number in use or promised by the trailer.
    pub(crate) fn size(&self) -> u32 {
        let highest = self.entries.last().map_or(0, |entry| entry.number);
        let promised = self.trailer.get("Size").and_then(Value::as_offset).and_then(|size| u32::try_from(size).ok());
        promised.unwrap_or(0).max(highest.saturating_add(1))
    }

    /// Where object `number` lies.
    pub(crate) fn place(&self, number: u32) -> Option<Place> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get(at).map(|entry| entry.place)
    }

    /// Object `number`; `None` where it does not exist or is damaged, which both count as null (§7.3.10).
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`] where it lies in an object stream beyond a limit.
    pub(crate) fn object(&self, number: u32) -> Result<Option<Object>, DocumentError> {
        match self.place(number) {
            None | Some(Place::Free) => Ok(None),
            Some(Place::At(offset)) => Ok(self.object_at(number, offset).map(|(_, object)| object)),
            Some(Place::In { stream, index }) => {
                Ok(self.packed(stream)?.and_then(|packed| packed.object(number, index)).map(Object::plain))
            }
        }
    }

    fn object_at(&self, number: u32, offset: usize) -> Option<(Id, Object)> {
        let (id, object) = Parser::new(self.bytes(), offset).indirect().ok()?;
        if id.number != number {
            // Viewers take it all the same, so must we, to judge what they show.
            self.mismatched.borrow_mut().insert(number);
        }
        Some(match &self.crypt {
            Some(crypt) => (id, Object { value: crypt.value(id, object.value), data: object.data }),
            None => (id, object),
        })
    }

    /// The number and generation that the object has where it lies.
    fn id(&self, number: u32) -> Id {
        let found = match self.place(number) {
            Some(Place::At(offset)) => Parser::new(self.bytes(), offset).head().ok(),
            _ => None,
        };
        found.unwrap_or(Id { number, generation: 0 })
    }

    /// What `value` is or refers to.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn resolve(&self, value: &Value) -> Result<Object, DocumentError> {
        let mut object = Object::plain(value.clone());
        for _ in 0..MAX_HOPS {
            let Some(id) = object.value.as_reference() else { return Ok(object) };
            object = self.object(id.number)?.unwrap_or(Object::plain(Value::Null));
        }
        Ok(Object::plain(Value::Null))
    }

    /// The entry `key` of `dictionary`, resolved; null where there is none.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn get(&self, dictionary: &Dictionary, key: &str) -> Result<Value, DocumentError> {
        match dictionary.get(key) {
            None => Ok(Value::Null),
            Some(value @ Value::Reference(_)) => Ok(self.resolve(value)?.value),
            Some(value) => Ok(value.clone()),
        }
    }

    /// The entry `key` of `dictionary` where it is a dictionary, resolved; else an empty one.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn dictionary(&self, dictionary: &Dictionary, key: &str) -> Result<Dictionary, DocumentError> {
        match self.get(dictionary, key)? {
            Value::Dictionary(entries) => Ok(entries),
            _ => Ok(Dictionary::default()),
        }
    }

    /// `value` with the references in it followed, `levels` of nesting down.
    fn resolved(&self, value: &Value, levels: usize) -> Result<Value, DocumentError> {
        let value = self.resolve(value)?.value;
        let Value::Dictionary(entries) = value else { return Ok(value) };
        if levels == 0 {
            return Ok(Value::Null);
        }
        let inner = entries.into_iter().map(|(key, entry)| Ok((key, self.resolved(&entry, levels - 1)?)));
        Ok(Value::Dictionary(Dictionary::from_entries(inner.collect::<Result<_, DocumentError>>()?)))
    }

    /// The document's catalog; empty where there is none.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn catalog(&self) -> Result<Dictionary, DocumentError> {
        self.dictionary(&self.trailer, "Root")
    }

    pub(crate) fn catalog_id(&self) -> Option<Id> {
        self.trailer.get("Root").and_then(Value::as_reference)
    }

    /// Where the data of a stream lie in the file, as they are there.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn stream_span(&self, object: &Object) -> Result<Option<Range<usize>>, DocumentError> {
        let (Some(start), Some(dictionary)) = (object.data, object.as_dictionary()) else { return Ok(None) };
        let length = self.get(dictionary, "Length")?.as_offset();
        Ok(xref::stream_data(self.bytes(), start, length).map(|data| start..start + data.len()))
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
        let filters = self.filters(dictionary)?.unwrap_or_default();
        let own = filters.first().filter(|first| first.name == b"Crypt");
        let own = own.map(|own| own.parameters.get("Name").and_then(Value::as_name).unwrap_or(b"Identity"));
        Ok(Some(Cow::Owned(crypt.stream(self.id(number), dictionary, own, raw))))
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
        let data = filter::decode(&filters, &raw, self.limits.max_structure_bytes())?;
        // Many streams, each within its bound, could still be a bomb together.
        let decoded = self.decoded.get() + data.as_ref().map_or(0, |data| data.len() as u64);
        self.decoded.set(decoded);
        let fair = (self.end as u64).saturating_mul(self.limits.max_ratio).max(Limits::RATIO_FLOOR);
        if decoded > fair {
            return Err(DocumentError::TooLarge { limit: Limit::Ratio, max: self.limits.max_ratio });
        }
        Ok(data)
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
    pub(crate) fn packed(&self, number: u32) -> Result<Option<Rc<Packed>>, DocumentError> {
        if let Some(packed) = self.packed.borrow().streams.get(&number) {
            return Ok(packed.clone());
        }
        // An object stream lies at an offset: within another one it would be no stream (§7.5.7).
        let packed = match self.place(number) {
            Some(Place::At(offset)) => self.unpack(number, offset)?.map(Rc::new),
            _ => None,
        };
        self.packed.borrow_mut().put(number, packed.clone());
        Ok(packed)
    }

    fn unpack(&self, number: u32, offset: usize) -> Result<Option<Packed>, DocumentError> {
        let Some((_, object)) = self.object_at(number, offset) else { return Ok(None) };
        let Some(dictionary) = object.as_dictionary() else { return Ok(None) };
        let first = self.get(dictionary, "First")?.as_offset().unwrap_or(0);
        let count = self.get(dictionary, "N")?.as_offset().unwrap_or(0);
        Ok(self.stream(number, &object)?.map(|data| Packed::new(data, first, count)))
    }
}

impl Cache {
    fn put(&mut self, number: u32, packed: Option<Rc<Packed>>) {
        self.bytes += packed.as_ref().map_or(0, |packed| packed.bytes());
        self.streams.insert(number, packed);
        self.order.push_back(number);
        while self.bytes > CACHE_BYTES && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { break };
            let dropped = self.streams.remove(&oldest).flatten();
            self.bytes -= dropped.map_or(0, |packed| packed.bytes());
        }
    }
}

fn prefix(source: &Source, end: usize) -> &[u8] {
    let bytes = (**source).as_ref();
    bytes.get(..end).unwrap_or(bytes)
}
