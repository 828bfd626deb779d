//! Zip packages in forms that our own writer does not write (PKWARE APPNOTE 6.3).

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};

/// One entry, and how it is written.
#[derive(Clone, Default)]
pub struct Item {
    /// The name in both headers, in bytes.
    pub name: Vec<u8>,
    /// The name in the directory, where it differs.
    pub central_name: Option<Vec<u8>>,
    pub content: Vec<u8>,
    pub is_stored: bool,
    pub flags: u16,
    /// Sizes and checksum behind the data, with their optional signature or without.
    pub descriptor: Option<bool>,
    /// Sizes in a ZIP64 field.
    pub is_zip64: bool,
    /// Extra fields of both headers.
    pub extra: Vec<u8>,
}

impl Item {
    pub fn new(name: impl Into<Vec<u8>>, content: &[u8]) -> Self {
        Self { name: name.into(), content: content.to_vec(), ..Self::default() }
    }
}

/// Items for these files.
pub fn items(files: &[(String, Vec<u8>)]) -> Vec<Item> {
    files.iter().map(|(name, content)| Item::new(name.as_str(), content)).collect()
}

/// The checksum of zip files.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// An extra field.
pub fn extra(id: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short");
    [&id.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
}

/// The field that gives the name in UTF-8 beside one that readers know otherwise (APPNOTE 4.6.9).
pub fn unicode_path(name: &[u8], path: &str) -> Vec<u8> {
    extra(0x7075, &[&[1][..], &crc32(name).to_le_bytes(), path.as_bytes()].concat())
}

/// A package of these items, with bytes in front and a comment.
pub fn raw_zip(prefix: &[u8], items: &[Item], comment: &[u8]) -> Vec<u8> {
    let mut out = prefix.to_vec();
    let mut directory = Vec::new();
    for item in items {
        let start = (out.len() - prefix.len()) as u32;
        directory.extend(item.write(&mut out, start));
    }
    let start = (out.len() - prefix.len()) as u32;
    let count = (items.len() as u16).to_le_bytes();
    out.extend(&directory);
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count,
        &count,
        &(directory.len() as u32).to_le_bytes(),
        &start.to_le_bytes(),
        &(comment.len() as u16).to_le_bytes(),
        comment,
    ];
    out.extend(end.concat());
    out
}

impl Item {
    /// Writes header and data; gives the header for the directory.
    fn write(&self, out: &mut Vec<u8>, start: u32) -> Vec<u8> {
        let data = if self.is_stored { self.content.clone() } else { deflated(&self.content) };
        let (crc, packed, size) = (crc32(&self.content), data.len() as u32, self.content.len() as u32);
        let flags = self.flags | if self.descriptor.is_some() { 8 } else { 0 };
        let (version, method) = (if self.is_zip64 { 45_u16 } else { 20 }, if self.is_stored { 0_u16 } else { 8 });
        let zip64 = match self.is_zip64 {
            true => extra(1, &[u64::from(size).to_le_bytes(), u64::from(packed).to_le_bytes()].concat()),
            false => Vec::new(),
        };
        let extra = [&zip64[..], &self.extra].concat();
        let common = |crc: u32, packed: u32, size: u32, name: &[u8]| {
            let sizes = [crc, packed, size].map(u32::to_le_bytes).concat();
            let time = [0_u8, 0, 0x21, 0x5c];
            let lengths = [name.len() as u16, extra.len() as u16].map(u16::to_le_bytes).concat();
            [&version.to_le_bytes()[..], &flags.to_le_bytes(), &method.to_le_bytes(), &time, &sizes, &lengths].concat()
        };
        let (central_packed, central_size) = if self.is_zip64 { (u32::MAX, u32::MAX) } else { (packed, size) };
        let local = match self.descriptor {
            Some(_) => common(
                0,
                if self.is_zip64 { u32::MAX } else { 0 },
                if self.is_zip64 { u32::MAX } else { 0 },
                &self.name,
            ),
            None => common(crc, central_packed, central_size, &self.name),
        };
        out.extend([&b"PK\x03\x04"[..], &local, &self.name, &extra, &data].concat());
        if let Some(with_signature) = self.descriptor {
            out.extend(if with_signature { &b"PK\x07\x08"[..] } else { b"" });
            out.extend(crc.to_le_bytes());
            match self.is_zip64 {
                true => out.extend([u64::from(packed).to_le_bytes(), u64::from(size).to_le_bytes()].concat()),
                false => out.extend([packed.to_le_bytes(), size.to_le_bytes()].concat()),
            }
        }
        let name = self.central_name.as_ref().unwrap_or(&self.name);
        let tail = [&[0_u8; 10][..], &start.to_le_bytes()].concat();
        [
            &b"PK\x01\x02"[..],
            &20_u16.to_le_bytes(),
            &common(crc, central_packed, central_size, name),
            &tail,
            name,
            &extra,
        ]
        .concat()
    }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}
