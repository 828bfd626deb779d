//! Signature values in the forms that other producers of PDF give them, Chinese ones included.

use std::process::{Command, Stdio};

use eseal_documents::{Check, Kind, Limits, NoteCode, Outcome, Reason, Severity, Trust, Verdict, judge, pdf};
use eseal_pki::chain::TrustStore;
use eseal_pki::cms::SignedAttributes;
use eseal_pki::{Certificate, DigestAlg, Signer, Suite};
use eseal_seal::{SesSignature, ToSign};

use crate::support::parties::{Identity, World, now};
use crate::support::pdf_builder::{CATALOG, PLAIN};
use crate::support::pdf_harm::object;
use crate::support::pdf_parties::{PdfWorld, judged, source, try_verify, verify};
use crate::support::pdf_signing::{sequence, signed, signed_in, tlv};
use crate::support::pdf_update::append;

/// Content, and whether it is flagged, of the only signature.
#[track_caller]
fn content(document: &[u8]) -> (Outcome, bool) {
    let report = verify(document);
    assert_eq!(report.seals.len(), 1);
    let warns = report.seals[0].notes.iter().any(|note| note.severity() == Severity::Warning);
    (report.seals[0].content, warns)
}

/// The document with another word on its page.
fn altered(document: &[u8]) -> Vec<u8> {
    let mut altered = document.to_vec();
    let at = altered.windows(8).position(|window| window == b"Contract").expect("the word");
    altered[at] = b'K';
    altered
}

#[track_caller]
fn holds_and_notices(document: &[u8], reason: Reason) {
    assert_eq!(content(document), (Outcome::Passed, false), "{:?}", verify(document).seals[0].steps);
    assert_eq!(content(&altered(document)).0, Outcome::Failed(reason));
}

#[test]
fn a_seal_signature_of_gb_t_38540_as_the_value_is_a_seal() {
    let world = World::new();
    let party = world.party("甲方");
    let document = signed("GM.sm2seal", "", |covered| {
        let to_sign = ToSign {
            seal_der: party.seal.clone(),
            time: now(),
            data_hash: DigestAlg::Sm3.digest(covered).try_into().expect("32 bytes"),
            property_info: "ByteRange".to_owned(),
            extensions: Vec::new(),
        };
        let to_sign = to_sign.to_der().expect("TBS_Sign");
        let value = party.identity.key.sign(&to_sign).expect("a signature");
        SesSignature::assemble(&to_sign, &party.identity.certificate, &value).expect("a signature")
    });
    holds_and_notices(&document, Reason::ContentAltered);
    let judgement = judge(&verify(&document), &world.trust());
    assert_eq!(judgement.seals[0].kind, Kind::Seal);
    assert_eq!(judgement.seals[0].items(), [Outcome::Passed; 3], "{:?}", judgement.seals[0].steps);
    // Another seal in it: the signature is over the seal too.
    let end = document.windows(2).rposition(|window| window == b"> ").expect("the end of the value");
    let mut behind = document.clone();
    behind[end - 1] = b'7';
    assert_eq!(content(&behind).0, Outcome::Failed(Reason::SignatureMalformed));
}

/// GB/T 35275 without attributes, as 点聚 writes it: the digest inside, SM2 over that digest.
fn around_digest(signer: &Identity, covered: &[u8]) -> Vec<u8> {
    let digest = DigestAlg::Sm3.digest(covered);
    without_attributes(signer, &digest, &digest)
}

/// The same with `content` inside and SM2 over `message`.
fn without_attributes(signer: &Identity, content: &[u8], message: &[u8]) -> Vec<u8> {
    let oid = |der: &[u8]| tlv(6, der);
    let null = tlv(5, &[]);
    let sm3 = sequence(&[&oid(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x11]), &null]);
    let sm2 = sequence(&[&oid(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d, 1]), &null]);
    let signed_data = oid(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 6, 1, 4, 2, 2]);
    let data = oid(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 6, 1, 4, 2, 1]);
    let version = tlv(2, &[1]);
    let serial = hex::decode(signer.certificate.serial_hex()).expect("hexadecimal");
    let sid = sequence(&[signer.certificate.raw_issuer(), &tlv(2, &serial)]);
    let value = tlv(4, &signer.key.sign(message).expect("a signature"));
    let info = sequence(&[&version, &sid, &sm3, &sm2, &value]);
    let inside = sequence(&[&data, &tlv(0xa0, &tlv(4, content))]);
    let certificates = tlv(0xa0, signer.certificate.der());
    let whole = sequence(&[&version, &tlv(0x31, &sm3), &inside, &certificates, &tlv(0x31, &info)]);
    sequence(&[&signed_data, &tlv(0xa0, &whole)])
}

#[test]
fn gb_t_35275_that_is_called_detached_and_holds_the_digest_is_read() {
    let signer = World::new().holder("乙方");
    let document = signed("GM.sm2cms.detached", "", |covered| around_digest(&signer, covered));
    holds_and_notices(&document, Reason::ContentAltered);
}

#[test]
fn gb_t_35275_with_attributes_under_the_name_of_adobe_is_read() {
    let signer = World::new().holder("乙方");
    let document = signed("adbe.pkcs7.detached", "", |covered| {
        let digest = DigestAlg::Sm3.digest(covered);
        let attributes = SignedAttributes::try_new(&signer.certificate, &digest, Suite::Sm2Sm3).expect("attributes");
        let signature = signer.key.sign(attributes.to_be_signed()).expect("a signature");
        attributes.finish(&signature, &[])
    });
    holds_and_notices(&document, Reason::ContentAltered);
}

#[test]
fn a_detached_signature_with_an_empty_content_is_over_the_document() {
    let signer = World::new().holder("乙方");
    let value = |covered: &[u8]| without_attributes(&signer, b"", covered);
    holds_and_notices(&signed("adbe.pkcs7.detached", "", value), Reason::SignatureValueWrong);
    let nothing = signed("adbe.pkcs7.detached", "", |_| without_attributes(&signer, b"", b""));
    assert_eq!(content(&nothing).0, Outcome::Failed(Reason::SignatureValueWrong));
}

#[test]
fn a_whole_document_inside_of_a_detached_signature_is_not_what_it_says() {
    let signer = World::new().holder("乙方");
    let document = signed("adbe.pkcs7.detached", "", |covered| around_digest(&signer, covered));
    assert_eq!(content(&document).0, Outcome::Failed(Reason::SignatureMalformed));
}

/// An RSA key with its certificate, by OpenSSL; `None` where that is not installed.
struct Openssl {
    folder: tempfile::TempDir,
}

impl Openssl {
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    fn new() -> Option<Self> {
        let own = Self { folder: tempfile::tempdir().expect("a folder") };
        let arguments = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 9000 -subj /CN=RSA";
        let made = own.try_run(arguments, &[]);
        if made.is_none() {
            println!("SKIPPED: openssl cannot be run");
        }
        made.map(|_| own)
    }

    fn try_run(&self, arguments: &str, input: &[u8]) -> Option<Vec<u8>> {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(self.folder.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        std::io::Write::write_all(&mut child.stdin.take()?, input).ok()?;
        let output = child.wait_with_output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    fn run(&self, arguments: &str, input: &[u8]) -> Vec<u8> {
        self.try_run(arguments, input).unwrap_or_else(|| panic!("openssl {arguments}"))
    }

    fn certificate_hex(&self) -> String {
        hex::encode(self.run("x509 -in cert.pem -outform DER", &[]))
    }
}

#[test]
fn a_bare_pkcs1_signature_with_its_certificate_beside_it_is_read() {
    let Some(openssl) = Openssl::new() else { return };
    for (digest, weak) in [("sha1", true), ("sha256", false)] {
        let entries = format!("/Cert <{}>", openssl.certificate_hex());
        let document = signed("adbe.x509.rsa_sha1", &entries, |covered| {
            tlv(4, &openssl.run(&format!("dgst -{digest} -sign key.pem"), covered))
        });
        holds_and_notices(&document, Reason::SignatureValueWrong);
        let report = verify(&document);
        assert_eq!(report.seals[0].notes.iter().any(|note| note.code == NoteCode::DigestWeak), weak);
        assert!(report.seals[0].signer.as_ref().is_some_and(|signer| signer.subject().contains("RSA")));
    }
    let nobody = signed("adbe.x509.rsa_sha1", "", |covered| tlv(4, &openssl.run("dgst -sha1 -sign key.pem", covered)));
    assert_eq!(content(&nobody).0, Outcome::Failed(Reason::SignerCertificateMissing));
}

#[test]
fn cms_in_all_the_forms_that_openssl_writes_is_read() {
    let Some(openssl) = Openssl::new() else { return };
    let sign = "cms -sign -binary -signer cert.pem -inkey key.pem -outform DER -nosmimecap";
    for options in
        ["-md sha256", "-md sha1", "-md sha512 -keyopt rsa_padding_mode:pss", "-noattr -md sha256", "-keyid", "-cades"]
    {
        let document = signed("adbe.pkcs7.detached", "", |covered| openssl.run(&format!("{sign} {options}"), covered));
        let without = options.starts_with("-noattr");
        let reason = if without { Reason::SignatureValueWrong } else { Reason::ContentAltered };
        holds_and_notices(&document, reason);
    }
    // The digest of the document inside: adbe.pkcs7.sha1; in pieces of indefinite length, too.
    for options in ["-nodetach", "-nodetach -stream"] {
        let document = signed("adbe.pkcs7.sha1", "", |covered| {
            openssl.run(&format!("{sign} {options}"), &DigestAlg::Sha1.digest(covered))
        });
        holds_and_notices(&document, Reason::ContentAltered);
    }
}

#[test]
fn what_cannot_be_checked_here_is_unknown_and_not_wrong() {
    let Some(openssl) = Openssl::new() else { return };
    let new = "req -x509 -nodes -days 9000 -keyout other.pem -out other-cert.pem -subj /CN=Other -newkey";
    openssl.run(&format!("{new} ec -pkeyopt ec_paramgen_curve:secp224r1"), &[]);
    let signer = "-signer other-cert.pem -inkey other.pem";
    for options in ["-md sha256", "-noattr -md sha256"] {
        let sign = format!("cms -sign -binary -outform DER {signer} {options}");
        let document = signed("adbe.pkcs7.detached", "", |covered| openssl.run(&sign, covered));
        let unknown = Outcome::Unknown(Reason::SignatureAlgorithmUnsupported);
        assert_eq!(content(&document), (unknown, true), "{options}");
        // What can be checked still is: an altered document is no question of algorithms.
        let altered = content(&altered(&document)).0;
        assert_eq!(altered.is_failed(), !options.contains("noattr"), "{options}: {altered:?}");
    }
    let good = "cms -sign -binary -outform DER -signer cert.pem -inkey key.pem -md sha384";
    holds_and_notices(&signed("adbe.pkcs7.detached", "", |covered| openssl.run(good, covered)), Reason::ContentAltered);
}

#[test]
fn algorithms_that_few_producers_use_are_checked_too() {
    let Some(openssl) = Openssl::new() else { return };
    let new = "req -x509 -nodes -days 9000 -keyout short.pem -out short-cert.pem -subj /CN=Short -newkey rsa:1024";
    openssl.run(new, &[]);
    let (rsa, short) = ("-signer cert.pem -inkey key.pem", "-signer short-cert.pem -inkey short.pem");
    for (signer, options) in [
        (rsa, "-md sha3-256"),
        (rsa, "-md ripemd160"),
        (rsa, "-md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:7"),
        (short, "-md sha384"),
        (short, "-md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:32"),
    ] {
        let sign = format!("cms -sign -binary -outform DER {signer} {options}");
        let document = signed("adbe.pkcs7.detached", "", |covered| openssl.run(&sign, covered));
        holds_and_notices(&document, Reason::ContentAltered);
    }
}

#[test]
fn what_fills_up_the_room_behind_a_cms_value_may_be_anything() {
    // Writers that encrypt their placeholder of zeros and then write the value into its beginning leave such bytes.
    let Some(openssl) = Openssl::new() else { return };
    let sign = "cms -sign -binary -outform DER -signer cert.pem -inkey key.pem";
    let filled = |covered: &[u8]| [openssl.run(sign, covered), (1..=99).collect()].concat();
    holds_and_notices(&signed("adbe.pkcs7.detached", "", filled), Reason::ContentAltered);
}

#[test]
fn a_signer_whose_issuer_signed_in_a_way_that_cannot_be_checked_is_not_called_untrusted() {
    let Some(openssl) = Openssl::new() else { return };
    let new = "req -x509 -nodes -days 9000 -keyout ca.pem -out ca-cert.pem -subj /CN=CA -newkey ec";
    openssl.run("req -new -newkey rsa:2048 -nodes -keyout leaf.pem -out leaf.csr -subj /CN=Leaf", &[]);
    for (curve, signer, verdict) in [
        ("P-384", Outcome::Passed, Verdict::Valid),
        ("secp224r1", Outcome::Unknown(Reason::SignatureAlgorithmUnsupported), Verdict::Indeterminate),
    ] {
        openssl.run(&format!("{new} -pkeyopt ec_paramgen_curve:{curve}"), &[]);
        let root = Certificate::from_pem(&openssl.run("x509 -in ca-cert.pem", &[])).expect("a certificate");
        let trust = Trust { holder_roots: Some(TrustStore::new(vec![root])), maker_roots: None };
        let issue =
            "x509 -req -in leaf.csr -CA ca-cert.pem -CAkey ca.pem -CAcreateserial -out leaf-cert.pem -days 8000";
        openssl.run(issue, &[]);
        let sign = "cms -sign -binary -signer leaf-cert.pem -inkey leaf.pem -outform DER";
        let document = signed("adbe.pkcs7.detached", "", |covered| openssl.run(sign, covered));
        let judgement = judge(&verify(&document), &trust);
        assert_eq!((judgement.seals[0].signer, judgement.verdict), (signer, verdict), "{curve}");
    }
}

#[test]
fn a_structure_without_its_certificate_or_with_two_signers_is_refused() {
    let Some(openssl) = Openssl::new() else { return };
    let sign = "cms -sign -binary -signer cert.pem -inkey key.pem -outform DER";
    let nobody = signed("adbe.pkcs7.detached", "", |covered| openssl.run(&format!("{sign} -nocerts"), covered));
    assert_eq!(content(&nobody).0, Outcome::Failed(Reason::SignerCertificateMissing));
    openssl.run("req -x509 -newkey rsa:2048 -nodes -keyout key2.pem -out cert2.pem -days 9000 -subj /CN=Two", &[]);
    let again = "-signer cert2.pem -inkey key2.pem";
    let both = signed("adbe.pkcs7.detached", "", |covered| openssl.run(&format!("{sign} {again}"), covered));
    assert_eq!(content(&both).0, Outcome::Failed(Reason::SignatureMalformed));
}

/// A detached GM signature in fields of these names.
fn in_fields(names: &[&str]) -> Vec<u8> {
    let signer = World::new().holder("乙方");
    signed_in(names, "adbe.pkcs7.detached", "", |covered| {
        let digest = DigestAlg::Sm3.digest(covered);
        let attributes = SignedAttributes::try_new(&signer.certificate, &digest, Suite::Sm2Sm3).expect("attributes");
        let signature = signer.key.sign(attributes.to_be_signed()).expect("a signature");
        attributes.finish(&signature, &[])
    })
}

/// The form of [`in_fields`] with these fields and no other.
fn with_fields(document: &[u8], fields: &str, objects: &[(u32, &str)]) -> Vec<u8> {
    let before = object(document, CATALOG);
    let (start, rest) = before.split_once("/Fields [").expect("a list");
    let (_, end) = rest.split_once(']').expect("its end");
    let catalog = format!("{start}/Fields [{fields}]{end}");
    append(document, &[&[(CATALOG, catalog.as_str())], objects].concat())
}

#[test]
fn one_signature_in_two_fields_is_one_signature_and_a_field_that_comes_later_has_no_part_in_it() {
    let document = in_fields(&["A", "B"]);
    assert_eq!(content(&document), (Outcome::Passed, false));
    let document = in_fields(&["A"]);
    let later = with_fields(&document, "40 0 R 60 0 R", &[(60, "<< /FT /Sig /T (B) /V 31 0 R >>")]);
    assert_eq!(content(&later).0, Outcome::Failed(Reason::ChangeNotPermitted));
}

#[test]
fn a_second_field_of_a_signed_name_is_found() {
    let document = in_fields(&["A"]);
    let other = "<< /FT /Sig /T (B) >>";
    assert_eq!(content(&with_fields(&document, "40 0 R 60 0 R", &[(60, other)])).0, Outcome::Passed);
    let same = "<< /FT /Sig /T (A) >>";
    let found = with_fields(&document, "40 0 R 60 0 R", &[(60, same)]);
    assert_eq!(content(&found).0, Outcome::Failed(Reason::ChangeNotPermitted));
}

#[test]
fn objects_behind_a_start_that_leads_to_the_signed_table_are_found() {
    let document = in_fields(&["A"]);
    let text = String::from_utf8_lossy(&document);
    let start = text.rsplit("startxref\n").next().and_then(|rest| rest.lines().next()).expect("a number");
    let again = [&document[..], format!("startxref\n{start}\n%%EOF\n").as_bytes()].concat();
    assert_eq!(content(&again), (Outcome::Passed, false));
    let hidden = format!("12 0 obj\n<< /Length 4 >>\nstream\nBT\n\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n");
    let hidden = [&document[..], hidden.as_bytes()].concat();
    assert_eq!(content(&hidden).0, Outcome::Failed(Reason::ChangeNotPermitted));
}

#[test]
fn a_table_that_names_other_objects_is_rebuilt_as_viewers_do() {
    let document = PLAIN.build();
    let text = String::from_utf8_lossy(&document);
    // Every number one too high, the catalog among them.
    let shifted = text.replace("xref\n0 ", "xref\n1 ");
    let shifted = shifted.replacen("0000000000 65535 f", "0000000009 00000 n", 1);
    let pages = pdf::pages(&source(shifted.as_bytes()), &Limits::default()).expect("pages");
    assert_eq!(pages.len(), 1);
    assert!(verify(shifted.as_bytes()).notes.iter().any(|note| note.code == NoteCode::FileRecovered));
}

#[test]
fn a_value_of_a_kind_that_is_not_known_is_unknown_and_flagged() {
    let document = signed("Some.Other.Thing", "", |_| vec![1, 2, 3]);
    let report = verify(&document);
    assert_eq!(report.seals[0].content, Outcome::Unknown(Reason::SignatureValueUnsupported));
    assert!(report.seals[0].notes.iter().any(|note| note.code == NoteCode::SignatureNotChecked));
    let step = report.seals[0].steps.iter().find(|step| step.check == Check::SignatureValue).expect("a step");
    assert_eq!(step.detail.as_deref(), Some("Some.Other.Thing"));
    let world = PdfWorld::new();
    assert!(judged(&document, &world).is_flagged());
}

#[test]
fn any_bytes_as_the_value_give_a_report() {
    for sub_filter in
        ["adbe.pkcs7.detached", "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1", "GM.sm2seal", "GM.sm2cms.detached"]
    {
        for bytes in
            [&b"\x30\x80"[..], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[4, 2, 1], &[0x30; 500], b"\x30\x03\x02\x01\x01"]
        {
            let report = try_verify(&signed(sub_filter, "", |_| bytes.to_vec())).expect("a report");
            assert!(report.seals[0].content.is_failed(), "{sub_filter} {bytes:?}");
        }
    }
}
