//! Object streams (ISO 32000-1 §7.5.7), decompressed.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::lexical::Lexer;
use super::object::Value;
use super::parse::Parser;

/// Bytes of decompressed object streams that are kept.
const CACHE_BYTES: usize = 24 << 20;

/// Object streams whose length, say, lies in another one: none in use, but possible.
const MAX_OPENING: usize = 8;

/// The content of an object stream.
pub(crate) struct Packed {
    data: Vec<u8>,
    /// Numbers and offsets of its objects, in their order.
    objects: Vec<(u32, usize)>,
    /// The first offset of each number.
    offsets: HashMap<u32, usize>,
}

impl Packed {
    /// Reads the table at the start of `data`: `count` pairs of number and offset, the latter counted from `first`.
    pub(crate) fn new(data: Vec<u8>, first: usize, count: usize) -> Self {
        let mut lexer = Lexer::new(&data, 0);
        let mut objects = Vec::new();
        let mut offsets = HashMap::new();
        for _ in 0..count {
            lexer.skip_space();
            let Ok(number) = lexer.unsigned::<u32>() else { break };
            lexer.skip_space();
            let Ok(offset) = lexer.unsigned::<usize>() else { break };
            objects.push((number, first.saturating_add(offset)));
            offsets.entry(number).or_insert(first.saturating_add(offset));
        }
        Self { data, objects, offsets }
    }

    /// The object `number`, which should be the one at `index`, and how many bytes it has. Where it is not there, viewers differ; the
    /// number counts.
    pub(crate) fn object(&self, number: u32, index: u32) -> Option<(Value, usize)> {
        let expected = self.objects.get(index as usize).filter(|(other, _)| *other == number);
        let offset = expected.map(|(_, offset)| offset).or_else(|| self.offsets.get(&number))?;
        let mut parser = Parser::new(&self.data, *offset);
        let value = parser.value().ok()?;
        Some((value, parser.lexer.position().saturating_sub(*offset)))
    }

    /// Whether the object `number` should be in here.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.offsets.contains_key(&number)
    }

    /// Numbers of the objects in here.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.objects.iter().map(|(number, _)| *number)
    }

    fn bytes(&self) -> usize {
        self.data.len() + self.objects.len() * 3 * size_of::<(u32, usize)>()
    }
}

/// Object streams by their number, the latest ones up to a bound. `None` is one that could not be read.
#[derive(Default)]
pub(crate) struct Cache {
    streams: HashMap<u32, Option<Rc<Packed>>>,
    order: VecDeque<u32>,
    bytes: usize,
    /// How many are being opened.
    opening: usize,
}

impl Cache {
    /// Says whether the stream `number` may be opened now. Until it is [`Cache::put`] here, it counts as one that could
    /// not be read, and of streams that need one another to be read only a few are followed: circles end.
    pub(crate) fn open(&mut self, number: u32) -> bool {
        self.streams.insert(number, None);
        self.opening += 1;
        self.opening <= MAX_OPENING
    }

    pub(crate) fn get(&self, number: u32) -> Option<Option<Rc<Packed>>> {
        self.streams.get(&number).cloned()
    }

    pub(crate) fn put(&mut self, number: u32, packed: Option<Rc<Packed>>) {
        self.opening = self.opening.saturating_sub(1);
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
