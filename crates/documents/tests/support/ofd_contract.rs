//! A clean input document: an OFD contract with Chinese text, made by code.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const NAMESPACE: &str = r#"xmlns:ofd="http://www.ofdspec.org/2016""#;
const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
const CLAUSES: [&str; 4] = [
    "采购合同",
    "甲方:苏州市示例科技有限公司",
    "乙方:杭州示例贸易有限公司",
    "第一条 甲方向乙方采购办公设备一批,总价人民币壹拾万元整。",
];

/// A contract of two A4 pages.
pub fn contract() -> Vec<u8> {
    contract_of(2)
}

/// A contract of `pages` A4 pages; the last one is landscape by its own area.
pub fn contract_of(pages: usize) -> Vec<u8> {
    zip_of(&entries_of(pages))
}

/// The files of a contract in the order of its package.
pub fn entries_of(pages: usize) -> Vec<(String, Vec<u8>)> {
    let mut entries = vec![
        ("OFD.xml".to_owned(), ofd_xml().into_bytes()),
        ("Doc_0/Document.xml".to_owned(), document_xml(pages).into_bytes()),
        ("Doc_0/PublicRes.xml".to_owned(), public_res().into_bytes()),
    ];
    for page in 0..pages {
        let landscape = page > 0 && page + 1 == pages;
        entries.push((format!("Doc_0/Pages/Page_{page}/Content.xml"), page_xml(page, landscape).into_bytes()));
    }
    entries
}

/// A package of these files.
pub fn zip_of(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        // Both ways in which real packages hold their files.
        let method = if name.ends_with(".xml") { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("a package").into_inner()
}

fn ofd_xml() -> String {
    format!(
        "{HEADER}\n<ofd:OFD {NAMESPACE} Version=\"1.0\" DocType=\"OFD\">\n  <ofd:DocBody>\n    <ofd:DocInfo>\
         <ofd:DocID>5e07a151ff9847bea6b5e12b9d7c6e9a</ofd:DocID><ofd:Title>采购合同</ofd:Title>\
         <ofd:CreationDate>2026-01-31</ofd:CreationDate></ofd:DocInfo>\n    \
         <ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>\n  </ofd:DocBody>\n</ofd:OFD>\n"
    )
}

fn document_xml(pages: usize) -> String {
    let list: String = (0..pages)
        .map(|page| format!("<ofd:Page ID=\"{}\" BaseLoc=\"Pages/Page_{page}/Content.xml\"/>", page_id(page)))
        .collect();
    format!(
        "{HEADER}<ofd:Document {NAMESPACE}><ofd:CommonData><ofd:MaxUnitID>{}</ofd:MaxUnitID>\
         <ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>\
         <ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages>{list}</ofd:Pages></ofd:Document>",
        page_id(pages),
    )
}

/// Object IDs are no page numbers.
fn page_id(page: usize) -> usize {
    10 + page * 10
}

fn public_res() -> String {
    format!(
        "{HEADER}<ofd:Res {NAMESPACE} BaseLoc=\"Res\"><ofd:Fonts>\
         <ofd:Font ID=\"2\" FontName=\"宋体\" FamilyName=\"SimSun\"/></ofd:Fonts></ofd:Res>"
    )
}

fn page_xml(page: usize, landscape: bool) -> String {
    let area = match landscape {
        true => "<ofd:Area><ofd:PhysicalBox>0 0 297 210</ofd:PhysicalBox></ofd:Area>",
        false => "",
    };
    let lines: String = CLAUSES.iter().enumerate().map(|(line, text)| text_object(page, line, text)).collect();
    format!(
        "{HEADER}<ofd:Page {NAMESPACE}>{area}<ofd:Content><ofd:Layer ID=\"{}\">{lines}</ofd:Layer></ofd:Content></ofd:Page>",
        page_id(page) + 1,
    )
}

fn text_object(page: usize, line: usize, text: &str) -> String {
    let (id, y) = (page_id(page) + 2 + line, 30 + line * 12);
    let advances = vec!["5"; text.chars().count() - 1].join(" ");
    format!(
        "<ofd:TextObject ID=\"{id}\" Boundary=\"25 {y} 160 8\" Font=\"2\" Size=\"5\">\
         <ofd:TextCode X=\"0\" Y=\"5\" DeltaX=\"{advances}\">{text}</ofd:TextCode></ofd:TextObject>"
    )
}
