//! Certifications, and signature fields that the author of a document provided.

use eseal_documents::pdf::{Permitted, SealingOptions};
use eseal_documents::{DocumentError, Verdict};
use eseal_pki::DigestAlg;

use crate::support::drawn::Drawn;
use crate::support::pdf_builder::{ANNOTS, Annots, FIRST_PAGE, FORM, Form, PLAIN, Shape, TEXT_FIELD};
use crate::support::pdf_harm::object;
use crate::support::pdf_parties::{PLACE, PdfParty, PdfWorld, judged, verify};
use crate::support::pdf_update::append;
use crate::support::peers::{pyhanko, run, said};

/// The field that the author of these documents provides.
const FIELD: u32 = 90;

/// A document with a text field and an empty signature field, which has these entries besides.
pub fn with_field(entries: &str) -> Vec<u8> {
    let document = Shape { form: Form::Indirect, annots: Annots::Indirect, ..PLAIN }.build();
    let form = object(&document, FORM).replace("/Fields [", &format!("/Fields [{FIELD} 0 R "));
    let annotations = object(&document, ANNOTS).replace(']', &format!(" {FIELD} 0 R]"));
    let field = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Buyer) /F 4 /P {FIRST_PAGE} 0 R /Rect [100 500 300 600] {entries} >>"
    );
    append(&document, &[(FORM, &form), (ANNOTS, &annotations), (FIELD, &field)])
}

fn into_field(party: &PdfParty, document: &[u8], options: SealingOptions<'_>) -> Result<Vec<u8>, DocumentError> {
    let options = SealingOptions { field: Some("Buyer"), ..options };
    party.try_seal_with(document, &[], options).map(|(sealed, _)| sealed)
}

/// What pyHanko says, or nothing where it is not installed; it must find every signature valid.
fn pyhanko_accepts(world: &PdfWorld, sealed: &[u8], what: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
    std::fs::write(path("ca.pem"), world.holders.certificate().to_pem()).expect("written");
    std::fs::write(path("sealed.pdf"), sealed).expect("written");
    let words = [
        "sign",
        "validate",
        "--trust",
        &path("ca.pem"),
        "--trust-replace",
        "--no-revocation-check",
        "--pretty-print",
        &path("sealed.pdf"),
    ];
    if let Some(output) = run(pyhanko().to_str().expect("a name"), &words) {
        assert!(output.status.success(), "{what}: {}", said(&output));
    }
    if let Some(output) = run("pdfsig", &["-nocert", &path("sealed.pdf")]) {
        assert!(said(&output).contains("Signature is Valid."), "{what}: {}", said(&output));
    }
    if let Some(output) = run("qpdf", &["--check", &path("sealed.pdf")]) {
        assert!(output.status.success() && !said(&output).contains("WARNING"), "{what}: {}", said(&output));
    }
}

#[test]
fn a_certification_permits_what_it_says_to_us_and_to_others() {
    let world = PdfWorld::new();
    let (author, other) = (world.party("Author"), world.party("Other"));
    let document = with_field("");
    for (permitted, filling) in [(Permitted::Nothing, false), (Permitted::Filling, true), (Permitted::Comments, true)] {
        let options = SealingOptions { certifies: Some(permitted), ..SealingOptions::default() };
        let (sealed, _) = author.try_seal_with(&document, &[PLACE.into()], options).expect("sealed");
        assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid, "{permitted:?}");
        pyhanko_accepts(&world, &sealed, &format!("{permitted:?}"));

        let again = into_field(&other, &sealed, SealingOptions::default());
        match again {
            Ok(twice) if filling => {
                assert_eq!(judged(&twice, &world).verdict, Verdict::Valid, "{permitted:?}");
                assert!(!judged(&twice, &world).is_flagged(), "{permitted:?}");
                pyhanko_accepts(&world, &twice, &format!("{permitted:?}, then signed"));
            }
            Err(DocumentError::Locked { by, .. }) if !filling => assert_eq!(by, "Seal1"),
            other => panic!("{permitted:?}: {:?}", other.map(|bytes| bytes.len())),
        }
    }
}

#[test]
fn a_certification_after_another_signature_is_refused() {
    let world = PdfWorld::new();
    let sealed = world.party("甲方").seal(&PLAIN.build());
    let options = SealingOptions { certifies: Some(Permitted::Filling), ..SealingOptions::default() };
    let refused = world.party("乙方").prepare(&sealed, &[PLACE.into()], options).expect_err("refused");
    assert!(matches!(&refused, DocumentError::NotFirst { by } if by == "Seal1"), "{refused}");
}

#[test]
fn an_empty_field_is_signed_where_it_stands_and_the_seal_fits_into_it() {
    let world = PdfWorld::new();
    let party = world.party("甲方");
    let sealed = into_field(&party, &with_field(""), SealingOptions::default()).expect("sealed");
    let report = verify(&sealed);
    assert_eq!(report.seals.len(), 1);
    assert_eq!(report.seals[0].id, "Buyer");
    assert_eq!(judged(&sealed, &world).verdict, Verdict::Valid);
    pyhanko_accepts(&world, &sealed, "an existing field");
    // 200 by 100 points: the seal of 40 mm is drawn 100 points high, in the middle.
    let Some(drawn) = Drawn::page(&sealed, 1) else { return };
    let side = 100.0 * 25.4 / 72.0;
    let (left, top) = (150.0 * 25.4 / 72.0, (841.89 - 600.0) * 25.4 / 72.0);
    let place = eseal_documents::Place { page: 1, x_mm: left, y_mm: top, width_mm: side, height_mm: side };
    drawn.must_show(place, "in its field");
}

#[test]
fn the_lock_of_a_field_holds_once_it_is_signed() {
    let world = PdfWorld::new();
    let party = world.party("甲方");
    let document = with_field("/Lock << /Type /SigFieldLock /Action /Include /Fields [(person)] >>");
    let sealed = into_field(&party, &document, SealingOptions::default()).expect("sealed");
    let text = String::from_utf8_lossy(&sealed).into_owned();
    assert!(text.contains("/TransformMethod /FieldMDP"), "written into the signature");
    pyhanko_accepts(&world, &sealed, "a lock");
    let filled = object(&sealed, TEXT_FIELD).replace("(nobody)", "(somebody)");
    let changed = append(&sealed, &[(TEXT_FIELD, &filled)]);
    assert!(verify(&changed).seals[0].content.is_failed());

    let last = with_field("/Lock << /Type /SigFieldLock /Action /All /P 1 >>");
    let sealed = into_field(&party, &last, SealingOptions::default()).expect("sealed");
    let refused = party.try_seal(&sealed, &[PLACE]).expect_err("locked");
    assert!(matches!(refused, DocumentError::Locked { .. }), "{refused}");
}

#[test]
fn a_field_that_cannot_be_used_is_refused_with_the_reason() {
    let world = PdfWorld::new();
    let party = world.party("甲方");
    let document = with_field("");
    let refused = |field: &str, document: &[u8]| {
        let options = SealingOptions { field: Some(field), ..SealingOptions::default() };
        party.prepare(document, &[], options).expect_err("refused").to_string()
    };
    assert!(refused("Seller", &document).contains("none of this name"));
    assert!(refused("person", &document).contains("no signature field"));
    let sealed = into_field(&party, &document, SealingOptions::default()).expect("sealed");
    assert!(refused("Buyer", &sealed).contains("signed already"));
    let options = SealingOptions { field: Some("Buyer"), ..SealingOptions::default() };
    let placed = party.prepare(&document, &[PLACE.into()], options).expect_err("refused");
    assert!(matches!(placed, DocumentError::FieldUnusable { .. }), "{placed}");
}

#[test]
fn what_the_author_requires_is_refused_where_it_is_contradicted_and_kept_where_not() {
    let party = PdfWorld::new().party("甲方");
    let seal = |seed: &str, options: SealingOptions<'_>| {
        into_field(&party, &with_field(&format!("/SV << /Type /SV {seed} >>")), options)
    };
    let plain = SealingOptions::default();
    let refused = |seed: &str, entry: &str| match seal(seed, plain) {
        Err(DocumentError::SeedValue { entry: found, .. }) => assert_eq!(found, entry, "{seed}"),
        other => panic!("{seed}: {:?}", other.map(|bytes| bytes.len())),
    };
    refused("/Ff 2 /SubFilter [/adbe.pkcs7.detached]", "SubFilter");
    refused("/Ff 1 /Filter /Entrust.PPKEF", "Filter");
    refused("/Ff 64 /DigestMethod [/SHA512 /SHA384]", "DigestMethod");
    refused("/Ff 8 /Reasons [(approved)]", "Reasons");
    refused("/MDP << /P 2 >>", "MDP");
    refused("/TimeStamp << /URL (https://tsa.example) /Ff 1 >>", "TimeStamp");
    refused("/Cert << /Ff 1 /Subject [<3000>] >>", "Cert");
    refused("/Cert << /Ff 2 /Issuer [<3000>] >>", "Cert");
    refused("/Ff 16 /LegalAttestation [(none)]", "LegalAttestation");
    refused("/Ff 128 /LockDocument /true", "LockDocument");

    // The same as mere recommendations, and what agrees.
    for seed in [
        "/SubFilter [/adbe.pkcs7.detached] /DigestMethod [/SHA512] /Reasons [(approved)]",
        "/Ff 66 /SubFilter [/adbe.pkcs7.detached /ETSI.CAdES.detached] /DigestMethod [/SHA256]",
        "/MDP << /P 0 >>",
        "/Ff 8 /Reasons [(.)]",
    ] {
        assert!(seal(seed, plain).is_ok(), "{seed}");
    }
    let issuer = hex::encode(party.chain[0].der());
    assert!(seal(&format!("/Cert << /Ff 2 /Issuer [<{issuer}>] >>"), plain).is_ok());
    let certifying = SealingOptions { certifies: Some(Permitted::Filling), ..plain };
    assert!(seal("/MDP << /P 2 >>", certifying).is_ok());
    assert!(seal("/MDP << /P 0 >>", certifying).is_err());
    assert_eq!(DigestAlg::from_name("SHA256"), Some(DigestAlg::Sha256));
}
