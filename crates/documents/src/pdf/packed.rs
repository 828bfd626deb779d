//! Object streams (ISO 32000-1 §7.5.7).

use super::object::Value;
use super::parse::Parser;

/// The decompressed content of an object stream.
pub(crate) struct Packed {
    data: Vec<u8>,
    /// Numbers and offsets of its objects, in their order.
    objects: Vec<(u32, usize)>,
}

impl Packed {
    /// Reads the table at the start of `data`: `count` pairs of number and offset, the latter counted from `first`.
    pub(crate) fn new(data: Vec<u8>, first: usize, count: usize) -> Self {
        let mut parser = Parser::new(&data, 0);
        let mut objects = Vec::new();
        for _ in 0..count {
            parser.skip_space();
            let Ok(number) = parser.unsigned::<u32>() else { break };
            parser.skip_space();
            let Ok(offset) = parser.unsigned::<usize>() else { break };
            objects.push((number, first.saturating_add(offset)));
        }
        Self { data, objects }
    }

    /// The object `number`, which should be the one at `index`. Where it is not, viewers differ; the number counts.
    pub(crate) fn object(&self, number: u32, index: u32) -> Option<Value> {
        let expected = self.objects.get(index as usize).filter(|(other, _)| *other == number);
        let (_, offset) = expected.or_else(|| self.objects.iter().find(|(other, _)| *other == number))?;
        Parser::new(&self.data, *offset).value().ok()
    }

    /// Numbers of the objects in here.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.objects.iter().map(|(number, _)| *number)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.objects.len() * size_of::<(u32, usize)>()
    }
}
