//! Makes PDF documents in the shapes that writers give them.

use std::fmt::Write as _;

/// How the cross-reference section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Xref {
    /// A table, as up to PDF 1.4.
    Table,
    /// A stream, with most objects in an object stream.
    Stream,
}

/// Where a page keeps its annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annots {
    None,
    /// An array in the page.
    Inline,
    /// An array of its own.
    Indirect,
    /// One array for all pages.
    Shared,
}

/// What form there is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    None,
    /// In the catalog, with a text field.
    Inline,
    /// An object of its own, with a text field.
    Indirect,
    /// An object of its own, and so its list of fields.
    IndirectFields,
    /// With a certification that permits changes up to this level.
    Certified(u8),
}

/// A document to make.
#[derive(Debug, Clone)]
pub struct Shape {
    pub name: &'static str,
    pub xref: Xref,
    pub line_end: &'static str,
    pub pages: usize,
    pub media: &'static str,
    pub crop: Option<&'static str>,
    /// Whether the media box is in the page tree's root.
    pub inherited: bool,
    pub rotate: i32,
    pub user_unit: Option<&'static str>,
    pub annots: Annots,
    pub form: Form,
}

/// A4 with a table, one page.
pub const PLAIN: Shape = Shape {
    name: "plain",
    xref: Xref::Table,
    line_end: "\n",
    pages: 1,
    media: "[0 0 595.276 841.89]",
    crop: None,
    inherited: false,
    rotate: 0,
    user_unit: None,
    annots: Annots::None,
    form: Form::None,
};

/// Every shape that sealing must cope with.
pub fn shapes() -> Vec<Shape> {
    let streams = Shape { name: "cross-reference stream", xref: Xref::Stream, ..PLAIN };
    let mut shapes = vec![
        PLAIN,
        Shape { name: "CR LF", line_end: "\r\n", ..PLAIN },
        Shape { name: "three pages, inherited box", pages: 3, inherited: true, ..PLAIN },
        Shape { name: "crop box with an offset", crop: Some("[50 100 545.276 741.89]"), ..PLAIN },
        Shape { name: "media box with an offset", media: "[-100 50 495.276 891.89]", ..PLAIN },
        Shape { name: "user unit", media: "[0 0 297.638 420.945]", user_unit: Some("2"), ..PLAIN },
        Shape { name: "annotations inline", annots: Annots::Inline, ..PLAIN },
        Shape { name: "annotations indirect", annots: Annots::Indirect, ..PLAIN },
        Shape { name: "annotations shared", annots: Annots::Shared, pages: 2, ..PLAIN },
        Shape { name: "form inline", form: Form::Inline, ..PLAIN },
        Shape { name: "form indirect", form: Form::Indirect, ..PLAIN },
        Shape { name: "fields indirect", form: Form::IndirectFields, annots: Annots::Indirect, ..PLAIN },
        streams.clone(),
        Shape {
            name: "streams, everything indirect",
            form: Form::IndirectFields,
            annots: Annots::Indirect,
            ..streams.clone()
        },
        Shape {
            name: "streams, everything inline",
            form: Form::Inline,
            annots: Annots::Inline,
            inherited: true,
            ..streams
        },
    ];
    for (name, rotate) in [("turned 90", 90), ("turned 180", 180), ("turned 270", 270), ("turned -90", -90)] {
        shapes.push(Shape { name, rotate, crop: Some("[50 100 545.276 741.89]"), ..PLAIN });
    }
    shapes
}

/// Numbers of the objects that every document has.
pub const CATALOG: u32 = 1;
pub const PAGES: u32 = 2;
pub const FONT: u32 = 3;
pub const FORM: u32 = 4;
pub const FIELDS: u32 = 5;
pub const TEXT_FIELD: u32 = 6;
pub const TEXT_LOOK: u32 = 7;
pub const ANNOTS: u32 = 8;
pub const NOTE: u32 = 9;
pub const CERTIFICATION: u32 = 10;
/// Page `n` (from 0) is this plus `2 n`, and its content the next one.
pub const FIRST_PAGE: u32 = 11;

impl Shape {
    /// The document.
    pub fn build(&self) -> Vec<u8> {
        let mut objects = Objects::default();
        self.fill(&mut objects);
        match self.xref {
            Xref::Table => objects.with_table(self.line_end),
            Xref::Stream => objects.with_stream(self.line_end),
        }
    }

    fn fill(&self, objects: &mut Objects) {
        let form = match self.form {
            Form::None => String::new(),
            Form::Inline => format!("/AcroForm << /Fields [{TEXT_FIELD} 0 R] /DA (/F1 0 Tf 0 g) >>"),
            Form::Indirect | Form::IndirectFields | Form::Certified(_) => format!("/AcroForm {FORM} 0 R"),
        };
        objects.put(CATALOG, format!("<< /Type /Catalog /Pages {PAGES} 0 R {form} >>"));
        let kids: String = (0..self.pages).fold(String::new(), |mut kids, page| {
            let _ = write!(kids, "{} 0 R ", FIRST_PAGE + 2 * page as u32);
            kids
        });
        let media = format!("/MediaBox {}", self.media);
        let (here, there) = if self.inherited { (media.as_str(), "") } else { ("", media.as_str()) };
        objects.put(PAGES, format!("<< /Type /Pages /Count {} /Kids [{kids}] {here} >>", self.pages));
        objects.put(FONT, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned());
        self.fill_form(objects);
        let note =
            format!("<< /Type /Annot /Subtype /Text /Rect [20 20 40 40] /Contents (a note) /P {FIRST_PAGE} 0 R >>");
        let annotations = match (self.annots, self.form) {
            (Annots::None, Form::None) => String::new(),
            (Annots::None, _) => format!("/Annots [{TEXT_FIELD} 0 R]"),
            (Annots::Inline, Form::None) => format!("/Annots [{NOTE} 0 R]"),
            (Annots::Inline, _) => format!("/Annots [{NOTE} 0 R {TEXT_FIELD} 0 R]"),
            (Annots::Indirect | Annots::Shared, form) => {
                let field = if form == Form::None { String::new() } else { format!("{TEXT_FIELD} 0 R") };
                objects.put(ANNOTS, format!("[{NOTE} 0 R {field}]"));
                format!("/Annots {ANNOTS} 0 R")
            }
        };
        if self.annots != Annots::None {
            objects.put(NOTE, note);
        }
        for page in 0..self.pages {
            let number = FIRST_PAGE + 2 * page as u32;
            let crop = self.crop.map(|crop| format!("/CropBox {crop}")).unwrap_or_default();
            let unit = self.user_unit.map(|unit| format!("/UserUnit {unit}")).unwrap_or_default();
            let own = if page == 0 || self.annots == Annots::Shared { annotations.as_str() } else { "" };
            objects.put(
                number,
                format!(
                    "<< /Type /Page /Parent {PAGES} 0 R {there} {crop} {unit} /Rotate {} {own} \
                     /Resources << /Font << /F1 {FONT} 0 R >> >> /Contents {} 0 R >>",
                    self.rotate,
                    number + 1
                ),
            );
            let text = format!("BT /F1 24 Tf 150 400 Td (Contract, page {}) Tj ET", page + 1);
            objects.put_stream(number + 1, "", &text);
        }
    }

    fn fill_form(&self, objects: &mut Objects) {
        if self.form == Form::None {
            return;
        }
        let certified = matches!(self.form, Form::Certified(_));
        let fields = if certified { format!("[{TEXT_FIELD} 0 R {FIELDS} 0 R]") } else { format!("[{TEXT_FIELD} 0 R]") };
        match self.form {
            Form::IndirectFields => {
                objects.put(FORM, format!("<< /Fields {FIELDS} 0 R /DA (/F1 0 Tf 0 g) >>"));
                objects.put(FIELDS, fields);
            }
            Form::Indirect | Form::Certified(_) => {
                objects.put(FORM, format!("<< /Fields {fields} /DA (/F1 0 Tf 0 g) >>"));
            }
            Form::None | Form::Inline => {}
        }
        if let Form::Certified(level) = self.form {
            objects.put(FIELDS, format!("<< /FT /Sig /T (Author) /V {CERTIFICATION} 0 R >>"));
            objects.put(
                CERTIFICATION,
                format!(
                    "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] \
                     /Contents <00> /Reference [<< /Type /SigRef /TransformMethod /DocMDP \
                     /TransformParams << /Type /TransformParams /V /1.2 /P {level} >> >>] >>"
                ),
            );
        }
        objects.put(
            TEXT_FIELD,
            format!(
                "<< /Type /Annot /Subtype /Widget /FT /Tx /T (person) /V (nobody) /Rect [100 100 200 120] \
                 /F 4 /P {FIRST_PAGE} 0 R /AP << /N {TEXT_LOOK} 0 R >> >>"
            ),
        );
        objects.put_stream(TEXT_LOOK, "/Type /XObject /Subtype /Form /BBox [0 0 100 20]", "BT (nobody) Tj ET");
    }
}

/// Objects by their number, as text.
#[derive(Default)]
struct Objects(std::collections::BTreeMap<u32, (String, bool)>);

impl Objects {
    fn put(&mut self, number: u32, body: String) {
        self.0.insert(number, (body, false));
    }

    fn put_stream(&mut self, number: u32, entries: &str, data: &str) {
        let body = format!("<< {entries} /Length {} >>\nstream\n{data}\nendstream", data.len());
        self.0.insert(number, (body, true));
    }

    fn size(&self) -> u32 {
        self.0.keys().last().map_or(1, |last| last + 1)
    }

    fn with_table(&self, end: &str) -> Vec<u8> {
        let mut out = format!("%PDF-1.7{end}%\u{e2}\u{e3}{end}");
        let mut offsets = std::collections::BTreeMap::new();
        for (number, (body, _)) in &self.0 {
            offsets.insert(*number, out.len());
            // Line ends inside of a stream's data would make its length wrong: they are one line.
            let _ = write!(out, "{number} 0 obj{end}{}{end}endobj{end}", body.replace('\n', end));
        }
        let start = out.len();
        let size = self.size();
        let _ = write!(out, "xref{end}0 {size}{end}");
        let gap = if end.len() == 2 { "" } else { " " };
        for number in 0..size {
            let _ = match offsets.get(&number) {
                Some(offset) => write!(out, "{offset:010} 00000 n{gap}{end}"),
                None => write!(out, "0000000000 65535 f{gap}{end}"),
            };
        }
        let _ = write!(
            out,
            "trailer{end}<< /Size {size} /Root {CATALOG} 0 R /ID [<00112233445566778899aabbccddeeff> \
             <00112233445566778899aabbccddeeff>] >>{end}startxref{end}{start}{end}%%EOF{end}"
        );
        out.into_bytes()
    }

    fn with_stream(&self, end: &str) -> Vec<u8> {
        let mut out = format!("%PDF-1.7{end}%\u{e2}\u{e3}{end}").into_bytes();
        let (container, own) = (self.size(), self.size() + 1);
        let mut rows = std::collections::BTreeMap::from([(0, [0_u32, 0, 65535])]);
        let (mut table, mut packed, mut index) = (String::new(), String::new(), 0);
        for (number, (body, is_stream)) in &self.0 {
            if *is_stream {
                rows.insert(*number, [1, out.len() as u32, 0]);
                out.extend(format!("{number} 0 obj{end}{body}{end}endobj{end}").bytes());
            } else {
                rows.insert(*number, [2, container, index]);
                let _ = write!(table, "{number} {} ", packed.len());
                let _ = writeln!(packed, "{body}");
                index += 1;
            }
        }
        rows.insert(container, [1, out.len() as u32, 0]);
        let data = zlib(format!("{table}{packed}").as_bytes());
        let first = table.len();
        let head = format!("<< /Type /ObjStm /N {index} /First {first} /Filter /FlateDecode /Length {} >>", data.len());
        stream(&mut out, container, &head, &data, end);
        let start = out.len();
        rows.insert(own, [1, start as u32, 0]);
        let mut table = Vec::new();
        for number in 0..=own {
            let [kind, second, third] = rows.get(&number).copied().unwrap_or([0, 0, 65535]);
            table.push(kind as u8);
            table.extend(second.to_be_bytes());
            table.extend((third as u16).to_be_bytes());
        }
        let data = zlib(&table);
        let head = format!(
            "<< /Type /XRef /Size {} /W [1 4 2] /Root {CATALOG} 0 R /ID [<0011> <0011>] /Filter /FlateDecode /Length {} >>",
            own + 1,
            data.len()
        );
        stream(&mut out, own, &head, &data, end);
        out.extend(format!("startxref{end}{start}{end}%%EOF{end}").bytes());
        out
    }
}

/// A hybrid-reference document (ISO 32000-1 §7.5.8.4): its font is in an object stream, of which viewers of PDF 1.4 see nothing.
pub fn hybrid() -> Vec<u8> {
    let mut objects = Objects::default();
    PLAIN.fill(&mut objects);
    let (font, _) = objects.0.remove(&FONT).expect("a font");
    let (container, own) = (objects.size(), objects.size() + 1);
    let mut out = "%PDF-1.5\n%\u{e2}\u{e3}\n".to_owned().into_bytes();
    let mut offsets = std::collections::BTreeMap::new();
    for (number, (body, _)) in &objects.0 {
        offsets.insert(*number, out.len());
        out.extend(format!("{number} 0 obj\n{body}\nendobj\n").bytes());
    }
    let table = format!("{FONT} 0 ");
    let packed = out.len() as u32;
    let head = format!("<< /Type /ObjStm /N 1 /First {} /Length {} >>", table.len(), table.len() + font.len());
    stream(&mut out, container, &head, format!("{table}{font}").as_bytes(), "\n");
    let part = out.len() as u32;
    let mut rows = Vec::new();
    for [kind, second, third] in [[2, container, 0], [1, packed, 0], [1, part, 0]] {
        rows.push(kind as u8);
        rows.extend(second.to_be_bytes());
        rows.extend((third as u16).to_be_bytes());
    }
    let head = format!(
        "<< /Type /XRef /Size {} /W [1 4 2] /Index [{FONT} 1 {container} 2] /Length {} >>",
        own + 1,
        rows.len()
    );
    stream(&mut out, own, &head, &rows, "\n");
    let start = out.len();
    let mut xref = format!("xref\n0 {}\n", own + 1);
    for number in 0..=own {
        let _ = match offsets.get(&number) {
            Some(offset) => writeln!(xref, "{offset:010} 00000 n "),
            None => writeln!(xref, "0000000000 65535 f "),
        };
    }
    let _ = write!(
        xref,
        "trailer\n<< /Size {} /Root {CATALOG} 0 R /ID [<0011> <0011>] /XRefStm {part} >>\nstartxref\n{start}\n%%EOF\n",
        own + 1
    );
    out.extend(xref.bytes());
    out
}

fn stream(out: &mut Vec<u8>, number: u32, head: &str, data: &[u8], end: &str) {
    out.extend(format!("{number} 0 obj{end}{head}{end}stream\r\n").bytes());
    out.extend_from_slice(data);
    out.extend(format!("{end}endstream{end}endobj{end}").bytes());
}

/// `data` compressed for `/FlateDecode`.
pub fn zlib(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}
