//! Documents and signature values as other producers make them: plainly good, and every change to them is told.

use eseal_documents::{NoteCode, Verdict};
use eseal_pki::tsp::DevelopmentTsa;
use eseal_pki::{Signer, Suite};
use eseal_seal::{CertificateDigest, CertificateList, Extension, Seal, SealInfo, SesSignature, Version};

use crate::support::der::{Binding, gm_signed_data, tlv};
use crate::support::ofd_recipe::{Files, Recipe, change, contract_with, plain, to_sign};
use crate::support::ofd_v1;
use crate::support::parties::{Party, World, info, judged, now};
use crate::support::resigning::raw_form;
use crate::support::twins::Judge;

const LIST: &str = "<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>";

fn xml(root: &str, inside: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ofd:{root} xmlns:ofd=\"http://www.ofdspec.org/2016\">{inside}</ofd:{root}>")
        .into_bytes()
}

/// A contract with a bit of everything that the standard has, in several folders.
fn rich_document() -> Files {
    let mut files = contract_with(LIST);
    let version = "<ofd:Versions><ofd:Version ID=\"1\" Index=\"1\" Current=\"true\" BaseLoc=\"Doc_0/Versions/V1.xml\"/></ofd:Versions>";
    change(&mut files, "OFD.xml", LIST, &format!("{version}{LIST}"));
    change(&mut files, "OFD.xml", "<ofd:Title>", "<ofd:Cover>Doc_0/Res/cover.png</ofd:Cover><ofd:Title>");
    let common = "<ofd:PublicRes>/Common/PublicRes.xml</ofd:PublicRes><ofd:DocumentRes>PublicRes.xml</ofd:DocumentRes>\
        <ofd:TemplatePage ID=\"5\" BaseLoc=\"Tpls/Tpl_0/Content.xml\"/>\
        <ofd:TemplatePage ID=\"6\" ZOrder=\"Foreground\" BaseLoc=\"/Common/Tpl_1.xml\"/>";
    change(&mut files, "Doc_0/Document.xml", "<ofd:PublicRes>PublicRes.xml</ofd:PublicRes>", common);
    let lists = "<ofd:Annotations>Annots/Annotations.xml</ofd:Annotations><ofd:CustomTags>Tags/CustomTags.xml</ofd:CustomTags>\
        <ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments><ofd:Extensions>Extensions.xml</ofd:Extensions></ofd:Document>";
    change(&mut files, "Doc_0/Document.xml", "</ofd:Document>", lists);
    let layer = |text: &str| {
        let object = format!(
            "<ofd:TextObject ID=\"70\" Boundary=\"5 5 50 8\" Font=\"2\" Size=\"4\"><ofd:TextCode X=\"0\" Y=\"4\">{text}</ofd:TextCode></ofd:TextObject>"
        );
        format!("<ofd:Content><ofd:Layer ID=\"69\">{object}</ofd:Layer></ofd:Content>")
    };
    let more = [
        (
            "Doc_0/Versions/V1.xml",
            xml(
                "DocVersion",
                "<ofd:FileList><ofd:File ID=\"1\">/Doc_0/Document.xml</ofd:File></ofd:FileList><ofd:DocRoot>/Doc_0/Document.xml</ofd:DocRoot>",
            ),
        ),
        ("Doc_0/Res/cover.png", b"\x89PNG cover".to_vec()),
        (
            "Common/PublicRes.xml",
            xml(
                "Res",
                "<ofd:MultiMedias><ofd:MultiMedia ID=\"9\" Type=\"Image\"><ofd:MediaFile>Res/logo.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>",
            ),
        ),
        ("Common/Res/logo.png", b"\x89PNG logo".to_vec()),
        ("Common/Tpl_1.xml", xml("Page", &layer("秘密"))),
        ("Doc_0/Tpls/Tpl_0/Content.xml", xml("Page", &layer("表格"))),
        (
            "Doc_0/Annots/Annotations.xml",
            xml("Annotations", "<ofd:Page PageID=\"10\"><ofd:FileLoc>Page_0/Annotation.xml</ofd:FileLoc></ofd:Page>"),
        ),
        (
            "Doc_0/Annots/Page_0/Annotation.xml",
            xml("PageAnnot", "<ofd:Annot ID=\"71\" Type=\"Watermark\" Creator=\"a\"/>"),
        ),
        (
            "Doc_0/Tags/CustomTags.xml",
            xml(
                "CustomTags",
                "<ofd:CustomTag NameSpace=\"urn:x\"><ofd:FileLoc>Tag_x.xml</ofd:FileLoc></ofd:CustomTag>",
            ),
        ),
        ("Doc_0/Tags/Tag_x.xml", b"<x xmlns='urn:x'>1</x>".to_vec()),
        (
            "Doc_0/Attachs/Attachments.xml",
            xml(
                "Attachments",
                "<ofd:Attachment ID=\"1\" Name=\"a\" Format=\"xml\"><ofd:FileLoc>原始 发票.xml</ofd:FileLoc></ofd:Attachment>",
            ),
        ),
        ("Doc_0/Attachs/原始 发票.xml", b"<invoice>1</invoice>".to_vec()),
        ("Doc_0/Extensions.xml", xml("Extensions", "")),
        ("META-INF/", Vec::new()),
        ("Doc_0/", Vec::new()),
    ];
    files.extend(more.map(|(name, content)| (name.to_owned(), content)));
    files
}

/// Two documents in one package; the first is signed together with the second.
fn two_documents() -> Files {
    let mut files = contract_with(LIST);
    let second = contract_with("").into_iter().filter(|(name, _)| name != "OFD.xml");
    files.extend(second.map(|(name, content)| (name.replace("Doc_0", "Doc_1"), content)).collect::<Files>());
    let body = "<ofd:DocBody><ofd:DocInfo/><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>";
    change(&mut files, "OFD.xml", "</ofd:OFD>", body);
    files
}

/// A document that only its current version names, and a body with nothing in it.
fn in_versions() -> Files {
    let mut files = rich_document();
    change(&mut files, "OFD.xml", "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>", "");
    for (at, with) in [("<ofd:DocBody>", "{}<ofd:DocBody>"), ("</ofd:OFD>", "{}</ofd:OFD>")] {
        change(&mut files, "OFD.xml", at, &with.replace("{}", "<ofd:DocBody ><ofd:DocInfo/></ofd:DocBody>"));
    }
    files
}

#[test]
fn documents_may_have_everything_that_the_standard_has() {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    let indexes: fn(&str) -> bool = |name| {
        !["OFD.xml", "Annotations.xml", "Attachments.xml", "CustomTags.xml"].iter().any(|list| name.ends_with(list))
    };
    for recipe in [
        Recipe { name: "everything", document: rich_document, ..plain() },
        Recipe { name: "named by a version", document: in_versions, ..plain() },
        Recipe { name: "two documents", document: two_documents, ..plain() },
        Recipe { name: "without the start", covers: |name| name != "OFD.xml", ..plain() },
        Recipe { name: "without lists of files", document: rich_document, covers: indexes, ..plain() },
    ] {
        judge.tells_twins(&recipe, &party);
    }
}

#[test]
fn of_templates_that_nobody_sealed_those_behind_the_content_may_stay_and_those_above_are_told() {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    let behind = |name: &str| !name.ends_with("Tpl_0/Content.xml");
    let noted = |recipe: &Recipe| judge.complaint(&recipe.make(&party)).unwrap_or_default();
    fn background() -> Files {
        let mut files = rich_document();
        change(&mut files, "Doc_0/Document.xml", "ZOrder=\"Foreground\"", "ZOrder=\"Background\"");
        files
    }
    let good = Recipe { name: "background", document: background, covers: behind, ..plain() };
    judge.tells_twins(&good, &party);
    let told = format!("{:?}", NoteCode::ContentUncovered);
    let above = Recipe { document: rich_document, covers: |name| name != "Common/Tpl_1.xml", ..plain() };
    assert!(noted(&above).contains(&told), "{}", noted(&above));
    // The page itself says where its template goes.
    fn on_page() -> Files {
        let mut files = background();
        let template = "<ofd:Template TemplateID=\"5\" ZOrder=\"Foreground\"/><ofd:Content>";
        change(&mut files, "Doc_0/Pages/Page_0/Content.xml", "<ofd:Content>", template);
        files
    }
    let above = Recipe { document: on_page, covers: behind, ..plain() };
    assert!(noted(&above).contains(&told), "{}", noted(&above));
}

/// A party with a seal of another kind.
fn with_seal(world: &World, make: impl FnOnce(&World, &Party) -> Vec<u8>) -> Party {
    let mut party = world.party("甲方");
    party.seal = make(world, &party);
    party
}

fn info_of(party: &Party) -> SealInfo {
    info("甲方", &[&party.identity.certificate])
}

fn v5(world: &World, party: &Party) -> Vec<u8> {
    let info = info_of(party).to_der_as(Version::V5).expect("a seal");
    let value = world.maker().key.sign(&info).expect("a signature");
    Seal::assemble(&info, &world.maker().certificate, &value).expect("a seal")
}

#[test]
fn seals_of_every_generation_and_list_are_read() {
    let judge = Judge::new();
    let v4 = |change: fn(&mut SealInfo, &Party)| {
        with_seal(&judge.world, |world, party| {
            let mut info = info_of(party);
            change(&mut info, party);
            world.maker().makes(&info)
        })
    };
    let digests = |info: &mut SealInfo, party: &Party| {
        let mut digest = CertificateDigest::of(&party.identity.certificate);
        digest.algorithm = "custom".to_owned();
        info.certificates = CertificateList::Digests(vec![digest]);
    };
    let others = |info: &mut SealInfo, party: &Party| {
        let other = World::new().holder("丙方");
        info.certificates = CertificateList::of([&other.certificate, &party.identity.certificate]);
        info.picture.kind = "ofd".to_owned();
        (info.seal_type, info.es_id) = (15, "ZhelibanTaxSeal".to_owned());
    };
    let extended = |info: &mut SealInfo, _: &Party| info.extensions = vec![extension()];
    for (name, party) in [
        ("a list of digests", v4(digests)),
        ("several certificates", v4(others)),
        ("an extension", v4(extended)),
        ("GM/T 0031-2025", with_seal(&judge.world, v5)),
    ] {
        judge.tells_twins(&Recipe { name, ..plain() }, &party);
    }
    let v1 = with_seal(&judge.world, |world, party| ofd_v1::seal(world.maker(), &party.identity));
    judge.tells_twins(&Recipe { name: "GM/T 0031-2014", sign: ofd_v1::signature, ..plain() }, &v1);
}

fn extension() -> Extension {
    Extension { id: "1.2.156.10197.6.7.2.2.1".parse().expect("a number"), critical: false, value: b"2.1".to_vec() }
}

/// A TBS_Sign with extensions in it, tagged or not.
fn extended(party: &Party, descriptor: &[u8], is_tagged: bool) -> Vec<u8> {
    let mut content = to_sign(&party.seal, descriptor);
    content.extensions = vec![extension()];
    let mut der = content.to_der().expect("TBS_Sign");
    if !is_tagged {
        content.extensions.clear();
        let without = content.to_der().expect("TBS_Sign");
        let own = tlv(
            0x30,
            &[&[0x06, 0x0a, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x06, 0x07, 0x02, 0x02, 0x01], &tlv(0x04, &[b"2.1"])],
        );
        assert_eq!(without[..2], [0x30, 0x82], "a structure of some kilobytes");
        der = tlv(0x30, &[&without[4..], &tlv(0x30, &[&own])]);
    }
    let value = party.identity.key.sign(&der).expect("a signature");
    SesSignature::assemble(&der, &party.identity.certificate, &value).expect("a signature")
}

fn stamped(party: &Party, descriptor: &[u8]) -> Vec<u8> {
    let der = to_sign(&party.seal, descriptor).to_der().expect("TBS_Sign");
    let value = party.identity.key.sign(&der).expect("a signature");
    let tsa = DevelopmentTsa::create(Suite::Sm2Sm3, now()).expect("an authority");
    let token = tsa.stamp(&value, now()).expect("a stamp");
    SesSignature::assemble_stamped(&der, &party.identity.certificate, &value, Some(token.der())).expect("a signature")
}

fn raw(party: &Party, descriptor: &[u8]) -> Vec<u8> {
    let der = to_sign(&party.seal, descriptor).to_der().expect("TBS_Sign");
    let value = raw_form(&party.identity.key.sign(&der).expect("a signature"));
    SesSignature::assemble(&der, &party.identity.certificate, &value).expect("a signature")
}

type Sign = fn(&Party, &[u8]) -> Vec<u8>;

#[test]
fn signature_values_may_have_any_form_that_is_in_use() {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    let seals: [(&'static str, Sign); 4] = [
        ("extensions", |party, descriptor| extended(party, descriptor, true)),
        ("extensions without a tag", |party, descriptor| extended(party, descriptor, false)),
        ("a time stamp", stamped),
        ("r and s", raw),
    ];
    for (name, sign) in seals {
        judge.tells_twins(&Recipe { name, sign, ..plain() }, &party);
    }
    let signatures: [(&'static str, Sign); 4] = [
        ("attributes", |party, descriptor| gm_signed_data(descriptor, Binding::Attributes, &party.identity)),
        ("digest", |party, descriptor| gm_signed_data(descriptor, Binding::Digest, &party.identity)),
        ("digest as text", |party, descriptor| gm_signed_data(descriptor, Binding::DigestInBase64, &party.identity)),
        ("detached", |party, descriptor| gm_signed_data(descriptor, Binding::Detached, &party.identity)),
    ];
    let seal = "<ofd:Seal><ofd:BaseLoc>/Doc_0/Signs/Sign_0/Seal.esl</ofd:BaseLoc></ofd:Seal>";
    let stamp = "<ofd:StampAnnot ID=\"2\" PageRef=\"10\" Boundary=\"120 200 40 40\"/>";
    for (name, sign) in signatures {
        for kind in ["Type=\"Sign\"", "Type=\"SIGN\"", ""] {
            let bare = plain().described(seal, "").described(stamp, "").listed("Type=\"Seal\"", kind);
            judge.tells_twins(&Recipe { name, sign, seal: None, ..bare }, &party);
        }
    }
}

#[test]
fn whatever_follows_a_signature_value_is_told() {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    // Nobody signed it, and other readers refuse it.
    for sign in [
        (|party, descriptor| [seal_of(party, descriptor), vec![0; 16]].concat()) as Sign,
        |party, descriptor| [seal_of(party, descriptor), b"\r\n".to_vec()].concat(),
        |party, descriptor| [gm_signed_data(descriptor, Binding::Attributes, &party.identity), vec![0]].concat(),
    ] {
        assert!(judge.complaint(&Recipe { sign, ..plain() }.make(&party)).is_some());
    }
}

fn seal_of(party: &Party, descriptor: &[u8]) -> Vec<u8> {
    (plain().sign)(party, descriptor)
}

#[test]
fn what_others_sealed_is_sealed_again_and_both_seals_are_good() {
    let world = World::new();
    let (first, second) = (world.party("甲方"), world.party("乙方"));
    let with_empty_body = || {
        let mut files = contract_with(LIST);
        change(&mut files, "OFD.xml", "<ofd:DocBody>", "<ofd:DocBody ><ofd:DocInfo/></ofd:DocBody><ofd:DocBody>");
        files
    };
    for recipe in [
        plain(),
        Recipe { document: rich_document, ..plain() },
        Recipe { document: in_versions, ..plain() },
        Recipe { document: with_empty_body, ..plain() },
    ] {
        let twice = second.seal(&recipe.make(&first));
        let judgement = judged(&twice, &world);
        let found = (judgement.verdict, judgement.is_flagged(), judgement.seals.len());
        assert_eq!(found, (Verdict::Valid, false, 2), "{:?} {:?}", judgement.notes, judgement.seals);
    }
}

#[test]
fn a_first_seal_goes_to_the_body_that_has_the_document() {
    let world = World::new();
    let mut files = contract_with("");
    change(&mut files, "OFD.xml", "<ofd:DocBody>", "<ofd:DocBody ><ofd:DocInfo/></ofd:DocBody><ofd:DocBody>");
    let judgement = judged(&world.party("甲方").seal(&(plain().package)(&files)), &world);
    let found = (judgement.verdict, judgement.is_flagged(), judgement.seals.len());
    assert_eq!(found, (Verdict::Valid, false, 1), "{:?}", judgement.notes);
}
