//! What other producers write may look otherwise and mean the same: it is plainly good, and every change to it is told.

use encoding_rs::{Encoding, GB18030, GBK};
use eseal_documents::Reason;
use eseal_pki::DigestAlg;

use crate::support::ofd_recipe::{Document, Encode, Recipe, Rewrite, change, contract_with, plain};
use crate::support::respelled::{
    as_references, declared, in_cdata, in_long_form, with_attributes_turned, with_comments, with_default_namespace,
    with_other_prefix, with_space, without_declaration, without_namespace,
};
use crate::support::twins::Judge;

fn are_told_from_their_twins(recipes: impl IntoIterator<Item = Recipe>) {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    recipes.into_iter().for_each(|recipe| judge.tells_twins(&recipe, &party));
}

#[test]
fn xml_may_be_spelled_in_any_way() {
    let spellings: [(&'static str, Rewrite); 11] = [
        ("as it is", str::to_owned),
        ("another prefix", with_other_prefix),
        ("default namespace", with_default_namespace),
        ("no namespace", without_namespace),
        ("CDATA", in_cdata),
        ("character references", as_references),
        ("comments and instructions", with_comments),
        ("white space", with_space),
        ("attributes turned, single quotes", with_attributes_turned),
        ("long form of empty elements", in_long_form),
        ("no declaration", without_declaration),
    ];
    are_told_from_their_twins(spellings.map(|(name, rewrite)| Recipe { name, rewrite, ..plain() }));
}

fn with_mark(mark: [u8; 2], text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.into_iter().chain(declared(text, "UTF-16").encode_utf16().flat_map(bytes)).collect()
}

fn in_encoding(encoding: &'static Encoding, label: &str, text: &str) -> Vec<u8> {
    let text = declared(text, label);
    let (bytes, _, had_errors) = encoding.encode(&text);
    assert!(!had_errors && bytes != text.as_bytes() || text.is_ascii(), "{text}");
    bytes.into_owned()
}

#[test]
fn xml_may_be_in_any_encoding_that_it_names() {
    let encodings: [(&'static str, Encode); 9] = [
        ("UTF-8 with a mark", |text| ["\u{feff}", text].concat().into_bytes()),
        ("UTF-16 LE", |text| with_mark([0xff, 0xfe], text, u16::to_le_bytes)),
        ("UTF-16 BE", |text| with_mark([0xfe, 0xff], text, u16::to_be_bytes)),
        ("UTF-16 LE without a mark", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16 BE without a mark", |text| text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("GBK", |text| in_encoding(GBK, "GBK", text)),
        ("GB18030", |text| in_encoding(GB18030, "gb18030", text)),
        ("GB2312", |text| in_encoding(GBK, "GB2312", text)),
        ("utf-8", |text| declared(text, "utf-8").into_bytes()),
    ];
    are_told_from_their_twins(encodings.map(|(name, encode)| Recipe { name, encode, ..plain() }));
}

#[test]
fn locations_may_be_absolute_or_relative_in_any_way() {
    let from_list = [
        "/Doc_0/Signs/Sign_0/Signature.xml",
        "./Sign_0/Signature.xml",
        "../Signs/Sign_0/Signature.xml",
        "../../Doc_0/Signs/./Sign_0/Signature.xml",
        "Doc_0/Signs/Sign_0/Signature.xml",
        "//Doc_0//Signs/Sign_0/Signature.xml",
        r"Sign_0\Signature.xml",
        r"\Doc_0\Signs\Sign_0\Signature.xml",
        " Sign_0/Signature.xml ",
    ];
    let recipes =
        from_list.map(|location| Recipe { name: location, ..plain().listed("Sign_0/Signature.xml", location) });
    let values = [
        "SignedValue.dat",
        "./SignedValue.dat",
        "../Sign_0/SignedValue.dat",
        "Doc_0/Signs/Sign_0/SignedValue.dat",
        r"\Doc_0\Signs\Sign_0\SignedValue.dat",
    ];
    let values = values.map(|location| Recipe {
        name: location,
        ..plain().described("/Doc_0/Signs/Sign_0/SignedValue.dat", location)
    });
    let seals = ["Seal.esl", "./Seal.esl", "Doc_0/Signs/Sign_0/Seal.esl", r"..\Sign_0\Seal.esl"];
    let seals = seals.map(|location| Recipe {
        name: location,
        covers: |name| !name.ends_with(".esl"),
        ..plain().described("/Doc_0/Signs/Sign_0/Seal.esl", location)
    });
    let files = ["{file}", "./{file}", "../../../{file}", "/./{file}", "/Doc_0/../{file}", r"\{file}", "//{file}"];
    let files = files.map(|location| {
        let reference = plain().reference.replace("/{file}", location);
        Recipe { name: location, reference, ..plain() }
    });
    are_told_from_their_twins(recipes.into_iter().chain(values).chain(seals).chain(files));
}

#[test]
fn the_start_may_name_document_and_list_in_any_way() {
    let documents: [(&'static str, Document); 5] = [
        ("absolute", || contract_with("<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>")),
        ("dots", || contract_with("<ofd:Signatures>./Doc_0/./Signs/../Signs/Signatures.xml</ofd:Signatures>")),
        ("backslashes", || contract_with(r"<ofd:Signatures>Doc_0\Signs\Signatures.xml</ofd:Signatures>")),
        ("in front of the root", || {
            let mut files = contract_with("");
            let list = "<ofd:Signatures>\n Doc_0/Signs/Signatures.xml\n</ofd:Signatures><ofd:DocRoot>";
            change(&mut files, "OFD.xml", "<ofd:DocRoot>", list);
            files
        }),
        ("absolute root", || {
            let mut files = contract_with("<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>");
            change(&mut files, "OFD.xml", "<ofd:DocRoot>", "<ofd:DocRoot>/");
            change(&mut files, "Doc_0/Document.xml", "BaseLoc=\"Pages/", "BaseLoc=\"/Doc_0/Pages/");
            files
        }),
    ];
    are_told_from_their_twins(documents.map(|(name, document)| Recipe { name, document, ..plain() }));
}

#[test]
fn the_files_of_a_signature_may_lie_anywhere_and_have_any_name() {
    let beside = Recipe {
        name: "the list beside the document",
        document: || contract_with("<ofd:Signatures>/Doc_0/Signatures.xml</ofd:Signatures>"),
        list: "Doc_0/Signatures.xml",
        ..plain().listed("Sign_0/", "Signs/Sign_0/")
    };
    let odd = Recipe {
        name: "SignValue.dat",
        value: "Doc_0/Signs/Sign_0/SignValue.dat",
        ..plain().described("SignedValue.dat", "SignValue.dat")
    };
    let root = Recipe {
        name: "in the root",
        document: || contract_with("<ofd:Signatures>Liste.xml</ofd:Signatures>"),
        list: "Liste.xml",
        descriptor: "S.xml",
        value: "V",
        seal: Some("E"),
        ..plain()
            .listed("Sign_0/Signature.xml", "S.xml")
            .described("/Doc_0/Signs/Sign_0/SignedValue.dat", "V")
            .described("/Doc_0/Signs/Sign_0/Seal.esl", "/E")
    };
    let chinese = Recipe {
        name: "Chinese names",
        document: || contract_with("<ofd:Signatures>/文档/签章列表.xml</ofd:Signatures>"),
        list: "文档/签章列表.xml",
        descriptor: "文档/签章 1/签章.xml",
        value: "文档/签章 1/签名值.dat",
        seal: Some("文档/签章 1/印章.esl"),
        ..plain()
            .listed("Sign_0/Signature.xml", "签章 1/签章.xml")
            .described("/Doc_0/Signs/Sign_0/SignedValue.dat", "签名值.dat")
            .described("/Doc_0/Signs/Sign_0/Seal.esl", "/文档/签章 1/印章.esl")
    };
    are_told_from_their_twins([beside, odd, root, chinese]);
}

#[test]
fn what_a_signature_says_beside_its_digests_may_be_there_or_not() {
    let date = "<ofd:SignatureDateTime>20260131080506Z</ofd:SignatureDateTime>";
    let dates = [
        "20260131080506.763Z",
        "20260131160506",
        "2026-01-31 16:05:06",
        "2026-01-31T08:05:06Z",
        "2026-01-31T16:05:06+08:00",
        "2026/01/31 16:05",
        "20260131160506Z",
        "20260131160506+0800",
        "二〇二六年一月三十一日",
        "",
    ];
    let dates = dates.map(|text| Recipe {
        name: text,
        ..plain().described(date, &format!("<ofd:SignatureDateTime>{text}</ofd:SignatureDateTime>"))
    });
    let method = "<ofd:SignatureMethod>1.2.156.10197.1.501</ofd:SignatureMethod>";
    let seal = "<ofd:Seal><ofd:BaseLoc>/Doc_0/Signs/Sign_0/Seal.esl</ofd:BaseLoc></ofd:Seal>";
    let stamp = "<ofd:StampAnnot ID=\"2\" PageRef=\"10\" Boundary=\"120 200 40 40\"/>";
    let stamps = "<ofd:StampAnnot ID='2' PageRef='10' Boundary='190 100 40 40' Clip='0 0 20 40'/>\
        <ofd:StampAnnot ID='s003' PageRef=' 20 ' Boundary='170.000  100.5 4e1 40' Clip='20 0 20 40'/>";
    let provider = "<ofd:Provider ProviderName=\"other\" Version=\"1.0\" Company=\"某公司\"/>";
    let children = "<ofd:Provider><ofd:ProviderName>a</ofd:ProviderName><ofd:Company>b</ofd:Company></ofd:Provider>";
    let newer = "<ofd:Parameters><ofd:Parameter Name='a' Type='b'>c</ofd:Parameter></ofd:Parameters>";
    let changed = [
        ("no date", date, String::new()),
        ("no method", method, String::new()),
        ("method by name", "1.2.156.10197.1.501", "SM2WithSM3".to_owned()),
        ("provider as children", provider, children.to_owned()),
        ("no provider", provider, String::new()),
        ("parameters of OFD 2.0", method, format!("{method}{newer}")),
        ("several impressions", stamp, stamps.to_owned()),
        ("no impression", stamp, String::new()),
        ("seal in an attribute", seal, "<ofd:Seal BaseLoc=\"Seal.esl\"/>".to_owned()),
        ("seal as text", seal, "<ofd:Seal>/Doc_0/Signs/Sign_0/Seal.esl</ofd:Seal>".to_owned()),
        ("seal with a picture", "</ofd:BaseLoc></ofd:Seal>", "</ofd:BaseLoc><ofd:ImageLoc/></ofd:Seal>".to_owned()),
    ];
    let changed = changed.map(|(name, from, to)| Recipe {
        name,
        covers: |name| !name.ends_with(".esl"),
        ..plain().described(from, &to)
    });
    let bare = Recipe { name: "no seal file", seal: None, ..plain().described(seal, "") };
    let turned = plain().described(seal, "").described("<ofd:SignedInfo>", &format!("<ofd:SignedInfo>{seal}"));
    let turned = Recipe { name: "another order", ..turned };
    are_told_from_their_twins(dates.into_iter().chain(changed).chain([bare, turned]));
}

#[test]
fn the_list_may_say_little() {
    let signature = "<ofd:Signature ID=\"1\" Type=\"Seal\"";
    let lists = [
        ("no highest ID", "<ofd:MaxSignId>1</ofd:MaxSignId>", ""),
        ("no kind", signature, "<ofd:Signature ID=\"1\""),
        ("an empty kind", signature, "<ofd:Signature ID=\"1\" Type=\"\""),
        ("a kind in small letters", signature, "<ofd:Signature ID=\"1\" Type=\"seal\""),
        ("no ID", signature, "<ofd:Signature Type=\"Seal\""),
        ("an ID of letters", signature, "<ofd:Signature ID=\"s001\" Type=\"Seal\" Relative=\"s000\""),
    ];
    are_told_from_their_twins(lists.map(|(name, from, to)| Recipe { name, ..plain().listed(from, to) }));
}

#[test]
fn digests_may_be_named_in_any_way_and_written_in_lines() {
    let named = " CheckMethod=\"1.2.156.10197.1.401\"";
    let names = [
        ("SM3", DigestAlg::Sm3, " CheckMethod=\"SM3\""),
        ("small letters", DigestAlg::Sm3, " CheckMethod=\"sm3\""),
        ("keyless", DigestAlg::Sm3, " CheckMethod='1.2.156.10197.1.401.1'"),
        ("no name, and 32 bytes", DigestAlg::Sm3, ""),
        ("an empty name, and 32 bytes", DigestAlg::Sm3, " CheckMethod=''"),
        ("no name, and 16 bytes", DigestAlg::Md5, ""),
        ("SHA-256", DigestAlg::Sha256, " CheckMethod='SHA-256'"),
        ("SHA-256 by number", DigestAlg::Sha256, " CheckMethod='2.16.840.1.101.3.4.2.1'"),
        ("SHA-1", DigestAlg::Sha1, " CheckMethod='SHA1'"),
    ];
    let names = names.map(|(name, digest, attribute)| Recipe { name, digest, ..plain().described(named, attribute) });
    let lines =
        Recipe { name: "in lines", reference: plain().reference.replace("{digest}", "\n  {digest}\r\n"), ..plain() };
    let twice = Recipe { name: "every file twice", reference: plain().reference.repeat(2), ..plain() };
    are_told_from_their_twins(names.into_iter().chain([lines, twice]));
}

#[test]
fn digests_that_cannot_be_checked_are_not_taken_for_good() {
    let judge = Judge::new();
    let party = judge.world.party("甲方");
    for method in ["1.2.156.10197.1.401.2", "HMAC", "CRC32"] {
        let recipe = plain().described("1.2.156.10197.1.401", method);
        assert!(
            judge.complaint(&recipe.make(&party)).is_some_and(|why| why.contains("SignatureNotChecked")),
            "{method}"
        );
    }
    // 32 bytes are no MD5: a producer that says so is wrong.
    let wrong = plain().described("1.2.156.10197.1.401", "MD5").make(&party);
    assert_eq!(judge.content_failed(&wrong), Some(Reason::ContentAltered));
}
