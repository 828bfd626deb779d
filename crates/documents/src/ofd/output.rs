//! What sealing writes: `Signature.xml`, and the package with the new files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Seek, SeekFrom, Write};

use eseal_kernel::Timestamp;
use zip::result::ZipError;
use zip::write::{PreparedZipFile, SimpleFileOptions};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::layout::Layout;
use super::package::Zip;
use super::xml::escaped;
use crate::{DocumentError, OnProgress, Progress, Stamp};

/// SM2 with SM3 (GM/T 0006), the method of every signature here.
const SM2_WITH_SM3: &str = "1.2.156.10197.1.501";
/// SM3 (GM/T 0006).
const SM3: &str = "1.2.156.10197.1.401";

/// `Signature.xml` of a new seal: `references` are entries with the Base64 of their digests, `stamps` the object IDs of
/// pages with impressions on them.
pub fn descriptor(
    layout: &Layout,
    references: &[(String, String)],
    stamps: &[(String, Stamp)],
    time: Timestamp,
) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ofd:Signature xmlns:ofd=\"{}\"><ofd:SignedInfo>\
         <ofd:Provider ProviderName=\"eseal\" Company=\"eseal\" Version=\"{}\"/>\
         <ofd:SignatureMethod>{SM2_WITH_SM3}</ofd:SignatureMethod>\
         <ofd:SignatureDateTime>{}Z</ofd:SignatureDateTime>\
         <ofd:References CheckMethod=\"{SM3}\">",
        super::NAMESPACE,
        env!("CARGO_PKG_VERSION"),
        &digits(time)[..14],
    );
    // Writing to a String never fails.
    for (entry, digest) in references {
        let entry = escaped(entry);
        let _ = write!(
            text,
            "<ofd:Reference FileRef=\"/{entry}\"><ofd:CheckValue>{digest}</ofd:CheckValue></ofd:Reference>"
        );
    }
    text.push_str("</ofd:References>");
    for ((page, Stamp { place, clip }), id) in stamps.iter().zip(&layout.stamp_ids) {
        let page = escaped(page);
        let boundary = box_of([place.x_mm, place.y_mm, place.width_mm, place.height_mm]);
        let _ = write!(text, "<ofd:StampAnnot ID=\"{id}\" PageRef=\"{page}\" Boundary=\"{boundary}\"");
        if let Some(clip) = clip {
            let clip = box_of([clip.x_mm, clip.y_mm, clip.width_mm, clip.height_mm]);
            let _ = write!(text, " Clip=\"{clip}\"");
        }
        text.push_str("/>");
    }
    let (seal, value) = (escaped(&layout.seal), escaped(&layout.value));
    let _ = write!(
        text,
        "<ofd:Seal><ofd:BaseLoc>/{seal}</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>\
         <ofd:SignedValue>/{value}</ofd:SignedValue></ofd:Signature>"
    );
    text
}

/// An ST_Box (GB/T 33190-2016 7.3).
fn box_of(numbers: [f64; 4]) -> String {
    numbers.map(millimetres).join(" ")
}

/// A length to the micrometre, without zeros at its end.
fn millimetres(length: f64) -> String {
    let text = format!("{length:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The digits of a moment, `20260131080000` and its fraction.
fn digits(time: Timestamp) -> String {
    time.to_string().chars().filter(char::is_ascii_digit).collect()
}

/// Writes `package` with `files` in the place of entries with their names, or behind all others. What has no new
/// content is copied without being decompressed.
pub fn write(
    copied: &mut Copied,
    mut files: BTreeMap<String, Vec<u8>>,
    time: Option<Timestamp>,
    out: impl Write,
    on_progress: OnProgress<'_>,
) -> Result<(), DocumentError> {
    let options = SimpleFileOptions::default().last_modified_time(time.and_then(zip_time).unwrap_or_default());
    let mut writer = ZipWriter::new(Forward { out, position: 0 });
    writer.set_raw_comment(copied.zip.comment().into()).map_err(failed)?;
    let total = (copied.zip.len() + files.len()) as u64;
    for (index, name) in copied.names.iter().enumerate() {
        match files.remove(name) {
            Some(content) => add(&mut writer, name, options, &content)?,
            None => {
                let file = copied.zip.by_index_raw(index).map_err(failed_reading)?;
                writer.raw_copy_file(file).map_err(failed)?;
            }
        }
        on_progress(Progress { done: index as u64 + 1, total });
    }
    for (name, content) in files {
        add(&mut writer, &name, options, &content)?;
    }
    on_progress(Progress { done: total, total });
    writer.finish().map_err(failed)?.flush().map_err(DocumentError::Write)
}

/// The package that is written anew.
pub struct Copied {
    /// Its entries.
    pub zip: Zip,
    /// Their names as paths, in their order.
    pub names: Vec<String>,
}

fn add<W: Write + Seek>(
    writer: &mut ZipWriter<W>,
    name: &str,
    options: SimpleFileOptions,
    content: &[u8],
) -> Result<(), DocumentError> {
    // Seals are pictures that are compressed already, and signature values are mostly the seal.
    let is_text = name.ends_with(".xml");
    let method = if is_text { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    // Compressed beforehand, so that its header can have size and checksum in it at once.
    let file = PreparedZipFile::from_data(name, options.compression_method(method), content).map_err(failed)?;
    writer.add_prepared_file(file).map_err(failed)
}

/// An output that only goes forward. To one that cannot seek, `zip` writes sizes behind the entries (APPNOTE 4.4.4
/// bit 3), which readers refuse for stored ones; but all sizes are known here, so it only has to know where it is.
struct Forward<W> {
    out: W,
    position: u64,
}

impl<W: Write> Write for Forward<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.position += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W> Seek for Forward<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(position) if position == self.position => Ok(position),
            SeekFrom::Current(0) | SeekFrom::End(0) => Ok(self.position),
            _ => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}

fn zip_time(time: Timestamp) -> Option<DateTime> {
    let digits = digits(time);
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u16>().ok();
    let small = |from: usize| u8::try_from(number(from, from + 2)?).ok();
    DateTime::from_date_and_time(number(0, 4)?, small(4)?, small(6)?, small(8)?, small(10)?, small(12)?).ok()
}

fn failed(error: ZipError) -> DocumentError {
    DocumentError::Write(match error {
        ZipError::Io(error) => error,
        error => io::Error::other(error),
    })
}

fn failed_reading(error: ZipError) -> DocumentError {
    DocumentError::Read(match error {
        ZipError::Io(error) => error,
        error => io::Error::other(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_short_as_they_are_exact() {
        assert_eq!(
            [40.0, 0.1 + 0.2, 170.25, -0.0001, 0.0, 100.0].map(millimetres),
            ["40", "0.3", "170.25", "0", "0", "100"]
        );
    }

    #[test]
    fn a_moment_becomes_the_time_of_an_entry() {
        let time = "2026-01-31T08:05:06Z".parse().expect("time");
        let entry = zip_time(time).expect("within the range of zip");
        assert_eq!((entry.year(), entry.month(), entry.day()), (2026, 1, 31));
        assert_eq!((entry.hour(), entry.minute(), entry.second()), (8, 5, 6));
    }
}
