//! Encrypted documents: opened, sealed, and what is added encrypted as they are.

use std::path::{Path, PathBuf};

use eseal_documents::pdf::{self, SealingOptions};
use eseal_documents::{DocumentError, Limits, Outcome};

use crate::support::drawn::Drawn;
use crate::support::pdf_builder::{Form, PLAIN, Shape, Xref};
use crate::support::pdf_parties::{PLACE, PdfWorld, source, try_verify};
use crate::support::pdf_update::append_with;
use crate::support::peers::{pyhanko, run, said};

/// How qpdf encrypts: bits of the key, and more words.
const METHODS: [(&str, &[&str]); 5] = [
    ("40", &[]),
    ("128", &["--use-aes=n"]),
    ("128", &["--use-aes=y"]),
    ("128", &["--use-aes=y", "--cleartext-metadata"]),
    ("256", &[]),
];

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `document` encrypted; `None` where qpdf is not installed.
    fn encrypted(&self, document: &[u8], user: &str, bits: &str, words: &[&str]) -> Option<Vec<u8>> {
        let (plain, encrypted) = (self.path("plain.pdf"), self.path("encrypted.pdf"));
        std::fs::write(&plain, document).expect("written");
        let head = ["--allow-weak-crypto", text(&plain), text(&encrypted), "--encrypt", user, "owner", bits];
        let output = run("qpdf", &[&head[..], words, &["--"]].concat())?;
        assert!(output.status.success(), "{}", said(&output));
        Some(std::fs::read(&encrypted).expect("read"))
    }
}

#[test]
fn a_document_of_which_only_attachments_are_encrypted_needs_no_password() {
    let handler = |streams: &str| {
        let bytes = |count: usize| format!("<{}>", "5a".repeat(count));
        format!(
            "<< /Filter /Standard /V 5 /R 6 /Length 256 /P -4 /StmF /{streams} /StrF /Identity /EFF /StdCF \
             /CF << /StdCF << /CFM /AESV3 /AuthEvent /EFOpen /Length 32 >> >> /O {0} /U {0} /OE {1} /UE {1} /Perms {2} >>",
            bytes(48),
            bytes(32),
            bytes(16)
        )
    };
    let encrypted = |streams| append_with(&PLAIN.build(), &[(80, &handler(streams))], "/Encrypt 80 0 R");
    let open = try_verify(&encrypted("Identity")).expect("readable");
    assert_eq!((open.pages, open.seals.len()), (1, 0));
    assert!(matches!(try_verify(&encrypted("StdCF")), Err(DocumentError::Encrypted)));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

#[test]
fn a_document_of_every_method_is_sealed_with_the_password_of_its_user_or_owner() {
    let world = PdfWorld::new();
    let party = world.party("Party A");
    let folder = Folder::new();
    let root = folder.path("ca.pem");
    std::fs::write(&root, world.holders.certificate().to_pem()).expect("written");
    for shape in [Shape { form: Form::Indirect, ..PLAIN }, Shape { xref: Xref::Stream, ..PLAIN }] {
        let document = shape.build();
        for (bits, words) in METHODS {
            for (user, password) in [("", ""), ("secret", "secret"), ("secret", "owner")] {
                let what = format!("{} {bits} {words:?} {password:?}", shape.name);
                let Some(encrypted) = folder.encrypted(&document, user, bits, words) else { return };
                let options = SealingOptions { password, ..SealingOptions::default() };
                let sealed = party.try_seal_with(&encrypted, &[PLACE.into()], options);
                let (sealed, _) = sealed.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(sealed.starts_with(&encrypted), "{what}");
                // Neither the seal nor the signer's name lies in the file in the clear.
                assert!(memchr::memmem::find(&sealed, &party.seal).is_none(), "{what}");

                let report = pdf::verify_with(&source(&sealed), password, &Limits::default(), &mut |_| {});
                let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
                let seal = &report.seals[0];
                assert_eq!(
                    (seal.content, seal.impression),
                    (Outcome::Passed, Outcome::Passed),
                    "{what}: {:?}",
                    seal.steps
                );
                assert_eq!(seal.seal.as_ref().expect("a seal").der(), party.seal, "{what}");

                let file = folder.path("sealed.pdf");
                std::fs::write(&file, &sealed).expect("written");
                if let Some(output) = run("qpdf", &[&format!("--password={password}"), "--check", text(&file)]) {
                    assert!(output.status.success() && !said(&output).contains("WARNING"), "{what}: {}", said(&output));
                }
                let option = if password == "owner" { "-opw" } else { "-upw" };
                if let Some(output) = run("pdfsig", &[option, password, "-nocert", text(&file)]) {
                    assert!(said(&output).contains("Signature is Valid."), "{what}: {}", said(&output));
                }
                let Some(drawn) = Drawn::page_with(&sealed, 1, &[option, password]) else { continue };
                drawn.must_show(PLACE, &what);
            }
        }
    }
}

#[test]
fn pyhanko_accepts_a_seal_on_a_document_of_every_method() {
    let world = PdfWorld::new();
    let party = world.party("Party A");
    let folder = Folder::new();
    let root = folder.path("ca.pem");
    std::fs::write(&root, world.holders.certificate().to_pem()).expect("written");
    for (bits, words) in METHODS {
        let Some(encrypted) = folder.encrypted(&PLAIN.build(), "secret", bits, words) else { return };
        let options = SealingOptions { password: "secret", ..SealingOptions::default() };
        let (sealed, _) = party.try_seal_with(&encrypted, &[PLACE.into()], options).expect("sealed");
        let file = folder.path("sealed.pdf");
        std::fs::write(&file, &sealed).expect("written");
        let words = [
            "sign",
            "validate",
            "--trust",
            text(&root),
            "--trust-replace",
            "--no-revocation-check",
            "--password",
            "secret",
            "--pretty-print",
            text(&file),
        ];
        let Some(output) = run(text(&pyhanko()), &words) else { return };
        assert!(output.status.success(), "{bits}: {}", said(&output));
    }
}

#[test]
fn without_the_password_nothing_is_read() {
    let folder = Folder::new();
    let party = PdfWorld::new().party("Party A");
    for (bits, words) in METHODS {
        let Some(encrypted) = folder.encrypted(&PLAIN.build(), "secret", bits, words) else { return };
        let limits = Limits::default();
        assert!(matches!(pdf::pages(&source(&encrypted), &limits), Err(DocumentError::Encrypted)), "{bits}");
        for password in ["", "another"] {
            let options = SealingOptions { password, ..SealingOptions::default() };
            let refused = party.prepare(&encrypted, &[PLACE.into()], options).expect_err("refused");
            assert!(matches!(refused, DocumentError::Encrypted), "{bits}: {refused}");
        }
    }
}

#[test]
fn what_the_owner_does_not_permit_needs_the_owners_password() {
    let folder = Folder::new();
    let party = PdfWorld::new().party("Party A");
    let restricted: [(&str, &[&str]); 2] = [("128", &["--use-aes=y", "--modify=none"]), ("256", &["--modify=none"])];
    for (bits, words) in restricted {
        let Some(encrypted) = folder.encrypted(&PLAIN.build(), "", bits, words) else { return };
        let seal = |password| {
            let options = SealingOptions { password, ..SealingOptions::default() };
            party.try_seal_with(&encrypted, &[PLACE.into()], options)
        };
        assert!(matches!(seal(""), Err(DocumentError::Restricted)), "{bits}");
        assert!(seal("owner").is_ok(), "{bits}");
    }
}
