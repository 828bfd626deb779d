//! Names in a document that try to be more than names.

use eseal_documents::Language;
use eseal_report::model::{Note, Report, Severity};
use eseal_report::sheet::Sheet;
use eseal_report::{Exhibits, Face, etsi, html, pdf};

use crate::documents::{found, sealed};
use crate::made_up;

const ATTACK: &str =
    "\"'></bdi></style></title><script>alert(1)</script><img src=x onerror=alert(2)>]]>&amp;\u{1b}[2J\u{202e}\u{0}\n";

/// The attack in every string that comes from a document or from a service.
fn attacked() -> Report {
    let mut report = made_up::report(Language::En);
    let attack = || ATTACK.to_owned();
    (report.document_name, report.document_digest, report.format) = (Some(attack()), attack(), attack());
    report.notes = vec![Note { code: attack(), severity: Severity::Warning, text: attack() }];
    for seal in &mut report.seals {
        (seal.name, seal.signer_subject, seal.seal_id, seal.seal_name) = (attack(), attack(), attack(), attack());
        seal.notes = report.notes.clone();
        seal.first_failed = Some(attack());
        for item in [&mut seal.signer, &mut seal.content, &mut seal.impression] {
            (item.reason, item.text) = (Some(attack()), Some(attack()));
        }
        for step in &mut seal.steps {
            (step.code, step.text, step.reason) = (attack(), Some(attack()), Some(attack()));
            (step.reason_text, step.detail) = (Some(attack()), Some(attack()));
        }
        if let Some(certificate) = &mut seal.certificate {
            (certificate.issuer, certificate.serial, certificate.fingerprint) = (attack(), attack(), attack());
        }
        if let Some(info) = &mut seal.electronic_seal {
            info.maker_subject = Some(attack());
        }
        if let Some(registry) = &mut seal.registry {
            (registry.state_then, registry.state_now) = (attack(), attack());
        }
        if let Some(status) = &mut seal.status {
            for at in [&mut status.at_sealing, &mut status.now] {
                (at.indication, at.sub_indication, at.text) = (attack(), Some(attack()), Some(attack()));
            }
        }
    }
    report
}

#[test]
fn no_name_becomes_markup_in_html() {
    let page = html::page(&attacked(), &made_up::exhibits());
    assert!(page.contains("&lt;script&gt;"), "the names are shown");
    let body = page.split_once("<body>").expect("a body").1;
    assert!(!body.contains("<script") && !body.contains("<img src=x") && !body.contains("style="), "{body}");
    // Of the elements that are written here, none has an attribute of another's making.
    for tag in body.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        assert!(!tag.contains("onerror") && !tag.contains("alert"), "<{tag}>");
    }
    let controls = body.chars().filter(|c| c.is_control() || *c == '\u{202e}').count();
    assert_eq!(controls, 0);
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("</title>").count(), 1);
}

#[test]
fn the_page_forbids_itself_scripts_and_everything_from_elsewhere() {
    let page = html::page(&attacked(), &made_up::exhibits());
    let policy = page.split("content=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a policy");
    assert!(policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"), "{policy}");
    for source in page.split("src=\"").skip(1) {
        assert!(source.starts_with("data:image/png;base64,"), "{}", &source[..40]);
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
}

#[test]
fn the_xml_is_well_formed_whatever_the_names() {
    let found = found(&sealed("ofd")).expect("a document");
    let xml = etsi::document(&attacked(), &found);
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut depth = 0_i32;
    loop {
        match reader.read_event().expect("well-formed") {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    assert!(!xml.contains("<script") && xml.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn what_a_terminal_gets_commands_nothing() {
    let sheet = format!("{:?}", Sheet::of(&attacked()));
    // `Debug` writes control characters as escapes, which then tell of them.
    for escaped in ["\\u{1b}", "\\u{202e}", "\\0", "\\n"] {
        assert!(!sheet.contains(escaped), "{escaped}");
    }
}

#[test]
fn the_pdf_is_made_whatever_the_names() {
    let Ok(face) = Face::find(None) else { return println!("skipped: no font with Chinese is installed") };
    let mut report = attacked();
    report.seals[0].seal_name = "很长的名称".repeat(2_000);
    report.seals[1].seal_name = "w".repeat(20_000);
    let file = pdf::document(&report, &Exhibits::default(), &face).expect("a PDF");
    assert!(file.starts_with(b"%PDF-"));
}
