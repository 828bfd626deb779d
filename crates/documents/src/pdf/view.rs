//! A PDF as one of its states shows it: the whole file, or the file as it was up to the end of an earlier revision.
//!
//! Objects are found through the chain of cross-reference sections that the last `startxref` of that state leads to.
//! Where the chain is broken, they are found by going through the file, as viewers do (see `recover`).
//!
//! `hayro-syntax` reads PDFs well for display, but not for this: it keeps neither offsets nor sections nor earlier
//! states, ignores freed objects and repeated keys, decompresses without bound, and holds `/Prev` in 32 bits. So it is
//! a judge in the tests and the reading is done here.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::crypt::Crypt;
use super::object::{Dictionary, Id, Object, Value};
use super::packed::Cache;
use super::parse::Parser;
use super::section::{Entry, Form, Place};
use super::xref::{Chain, malformed};
use super::{Source, recover};
use crate::{DocumentError, Limit, Limits};

/// References that lead to references are followed so far; in use is one step.
const MAX_HOPS: usize = 16;

/// An object counts for so many bytes at least.
const SMALLEST: usize = 64;

/// Bytes of the objects that are kept after they were read, counted as they stand in the file: as values they have many times as many.
const KEPT_BYTES: usize = 512 << 10;

/// Objects by their number.
#[derive(Default)]
struct ReadObjects {
    objects: HashMap<u32, Object>,
    bytes: usize,
}

impl ReadObjects {
    fn put(&mut self, number: u32, object: &Object, length: usize) {
        let length = length.max(SMALLEST);
        if self.bytes + length <= KEPT_BYTES {
            self.bytes += length;
            self.objects.insert(number, object.clone());
        }
    }
}

/// One state of a document.
pub(crate) struct View<'a> {
    bytes: &'a [u8],
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
    pub(super) crypt: Option<Crypt>,
    /// What an encrypted document is opened with.
    password: String,
    /// Object streams that were decompressed.
    pub(super) cache: RefCell<Cache>,
    /// Objects that were read.
    read: RefCell<ReadObjects>,
    /// Bytes that came out of decompression so far.
    pub(super) decoded: Cell<u64>,
    mismatched: RefCell<BTreeSet<u32>>,
    /// Objects that were compared with earlier states so far.
    compared: Cell<u64>,
}

impl<'a> View<'a> {
    /// The document as it is now.
    ///
    /// # Errors
    /// [`DocumentError::Malformed`] where no catalog can be found, [`DocumentError::Encrypted`] where a password is
    /// needed, [`DocumentError::TooLarge`].
    pub(crate) fn present(source: &'a Source, limits: &'a Limits) -> Result<Self, DocumentError> {
        Self::present_with(source, limits, "")
    }

    /// The same, opened with the user's or the owner's password where it is encrypted.
    ///
    /// # Errors
    /// As [`View::present`].
    pub(crate) fn present_with(source: &'a Source, limits: &'a Limits, password: &str) -> Result<Self, DocumentError> {
        Self::open((**source).as_ref(), limits, password)
    }

    /// The state that the first `end` bytes of the document are.
    ///
    /// # Errors
    /// As [`View::present`].
    pub(crate) fn earlier(&self, end: usize) -> Result<Self, DocumentError> {
        let earlier = Self::open(self.bytes.get(..end).unwrap_or(self.bytes), self.limits, &self.password)?;
        self.charge(earlier.entries.len())?;
        Ok(earlier)
    }

    /// Counts objects that are compared with an earlier state, over all signatures of the document.
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`].
    pub(crate) fn charge(&self, objects: usize) -> Result<(), DocumentError> {
        let compared = self.compared.get() + objects as u64;
        self.compared.set(compared);
        Limit::Compared.check(compared, self.limits.max_compared)
    }

    fn open(bytes: &'a [u8], limits: &'a Limits, password: &str) -> Result<Self, DocumentError> {
        Limit::Bytes.check(bytes.len() as u64, limits.max_bytes)?;
        let mut view = Self {
            bytes,
            limits,
            entries: Vec::new(),
            trailer: Dictionary::default(),
            newest: None,
            ambiguous: Vec::new(),
            base: 0,
            crypt: None,
            password: password.to_owned(),
            cache: RefCell::default(),
            read: RefCell::default(),
            decoded: Cell::new(0),
            mismatched: RefCell::default(),
            compared: Cell::new(0),
        };
        if let Some(chain) = Chain::read(bytes, limits)? {
            view.take(chain)?;
            // Where already the catalog is not where the table says, viewers build a table of their own.
            if view.has_pages()? && view.mismatched.borrow().is_empty() {
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
        let found = recover::scan(self.bytes, self.limits)?;
        self.entries = found.entries;
        self.trailer = found.trailer;
        self.newest = None;
        self.ambiguous = Vec::new();
        self.base = 0;
        self.cache.take();
        self.read.take();
        self.mismatched.take();
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
                self.crypt = Some(Crypt::open(&encrypt, id, &self.password)?);
            }
            self.cache.take();
            self.read.take();
        }
        Ok(())
    }

    fn has_pages(&self) -> Result<bool, DocumentError> {
        let pages = self.get(&self.catalog()?, "Pages")?;
        Ok(pages.as_dictionary().is_some())
    }

    /// The bytes of this state.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// The security handler of an encrypted file.
    pub(crate) fn crypt(&self) -> Option<&Crypt> {
        self.crypt.as_ref()
    }

    /// The identifier of object `number`, with the generation that it has in the file.
    pub(crate) fn id_of(&self, number: u32) -> Id {
        let head = match self.place(number) {
            Some(Place::At(offset)) => Parser::new(self.bytes, offset).head().ok(),
            Some(Place::In { .. } | Place::Free) | None => None,
        };
        Id { number, generation: head.map_or(0, |head| head.generation) }
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

    /// Where the objects lie that are no part of an object stream: offset and number, by offset.
    pub(super) fn offsets(&self) -> Vec<(usize, u32)> {
        let place = |entry: &Entry| match entry.place {
            Place::At(offset) => Some((offset, entry.number)),
            Place::Free | Place::In { .. } => None,
        };
        let mut places: Vec<_> = self.entries.iter().filter_map(place).collect();
        places.sort_unstable();
        places
    }

    /// The bytes behind everything that the newest section lists, and behind that section and its `startxref`; none where the
    /// objects were found by going through the file.
    pub(crate) fn behind_everything(&self) -> &'a [u8] {
        let Some((newest, _)) = self.newest else { return &[] };
        let offset = |entry: &Entry| match entry.place {
            Place::At(offset) => offset,
            Place::Free | Place::In { .. } => 0,
        };
        let last = self.entries.iter().map(offset).fold(newest, usize::max);
        let rest = self.bytes.get(last..).unwrap_or_default();
        let end = memchr::memmem::find(rest, b"startxref").unwrap_or(rest.len());
        rest.get(end..).unwrap_or_default()
    }

    /// Object `number`; `None` where it does not exist or is damaged, which both count as null (§7.3.10).
    ///
    /// # Errors
    /// [`DocumentError::TooLarge`] where it lies in an object stream beyond a limit.
    pub(crate) fn object(&self, number: u32) -> Result<Option<Object>, DocumentError> {
        if let Some(object) = self.read.borrow().objects.get(&number) {
            return Ok(Some(object.clone()));
        }
        let (object, length) = match self.place(number) {
            None | Some(Place::Free) => return Ok(None),
            Some(Place::At(offset)) => {
                let read = self.read_at(number, offset);
                let length = read.as_ref().map_or(0, |(_, _, length)| *length);
                (read.map(|(_, object, _)| object), length)
            }
            Some(Place::In { stream, index }) => {
                let packed = self.packed(stream)?;
                let read = packed.and_then(|packed| packed.object(number, index));
                let length = read.as_ref().map_or(0, |(_, length)| *length);
                (read.map(|(value, _)| Object::plain(value)), length)
            }
        };
        // What could not be read now may be read later: object streams may need one another.
        if let Some(object) = &object {
            self.read.borrow_mut().put(number, object, length);
        }
        Ok(object)
    }

    /// Whether there is an object `number` that could not be read: it is damaged, or beyond what is followed here.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn is_unreadable(&self, number: u32) -> Result<bool, DocumentError> {
        Ok(match self.place(number) {
            None | Some(Place::Free) => false,
            Some(Place::At(offset)) => {
                let mut parser = Parser::new(self.bytes, offset);
                parser.head().is_ok() && parser.value().is_err()
            }
            Some(Place::In { stream, index }) => match self.packed(stream)? {
                Some(packed) => packed.has(number) && packed.object(number, index).is_none(),
                None => true,
            },
        })
    }

    /// Whether `value` refers to something that is there, but can't be read here: what other readers make of it, nobody knows.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn is_lost(&self, value: &Value) -> Result<bool, DocumentError> {
        let mut value = value.clone();
        for _ in 0..MAX_HOPS {
            let Some(id) = value.as_reference() else { return Ok(false) };
            match self.object(id.number)? {
                Some(object) => value = object.value,
                None => return self.is_unreadable(id.number),
            }
        }
        Ok(true)
    }

    /// Whether the object that `id` names has the generation that it names; readers that look at it take another one for
    /// null. True where there is none.
    pub(crate) fn fits(&self, id: Id) -> bool {
        match self.place(id.number) {
            Some(Place::At(offset)) => {
                Parser::new(self.bytes, offset).head().map_or(true, |head| head.generation == id.generation)
            }
            Some(Place::In { .. }) => id.generation == 0,
            None | Some(Place::Free) => true,
        }
    }

    /// Whether object `number` should be at an offset where no object begins. Readers that meet one go through the file.
    pub(crate) fn is_misplaced(&self, number: u32) -> bool {
        matches!(self.place(number), Some(Place::At(offset)) if Parser::new(self.bytes, offset).head().is_err())
    }

    /// The object at `offset`, which should be `number`, with the identifier that it has there.
    pub(super) fn object_at(&self, number: u32, offset: usize) -> Option<(Id, Object)> {
        self.read_at(number, offset).map(|(id, object, _)| (id, object))
    }

    /// The same with how many bytes it has, its stream's data not counted.
    fn read_at(&self, number: u32, offset: usize) -> Option<(Id, Object, usize)> {
        let mut parser = Parser::new(self.bytes, offset);
        let (id, object) = parser.indirect().ok()?;
        let length = parser.lexer.position().saturating_sub(offset);
        if id.number != number {
            // Viewers take it all the same, so must we, to judge what they show.
            self.mismatched.borrow_mut().insert(number);
        }
        Some(match &self.crypt {
            Some(crypt) => (id, Object { value: crypt.value(id, object.value), data: object.data }, length),
            None => (id, object, length),
        })
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

    /// The items of the array that is the entry `key`, as they stand; none where it is no array.
    ///
    /// # Errors
    /// As [`View::object`].
    pub(crate) fn items(&self, dictionary: &Dictionary, key: &str) -> Result<Vec<Value>, DocumentError> {
        match self.get(dictionary, key)? {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
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
}
