//! Names: how issuers are found, and which an authority may certify.

use super::{Case, Make, bad, good};
use crate::forge::{
    Attribute, CN, EMAIL, O, Party, UTF8, address, alternative, authority, constraints, constraints_with, directory,
    dns, draft, extension, mail, name, other_name, plain, seq, signer, tlv, uri,
};
use eseal_pki::Suite;

const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;
const BMP: u8 = 0x1e;

pub(super) fn cases() -> Vec<Case> {
    [chaining(), constrained(), placed()].into_iter().flatten().collect()
}

/// An authority with one name, and a signer that calls it by another.
fn called(case: Make, text: &'static str, own: &[u8], called: &[u8]) -> Case {
    let [root, leaf] = ["root", "leaf"].map(Party::new);
    let middle = Party::with(Suite::EcdsaP256Sha256, own.to_vec());
    let leaf = draft(&leaf, &signer()).naming(called).sign(&middle);
    let middle = draft(&middle, &authority(None)).sign(&root);
    case(text, leaf, &[middle], &draft(&root, &authority(None)).sign(&root))
}

fn chaining() -> Vec<Case> {
    let cn = |tag: u8, text: &[u8]| name(&[(CN, tag, text)]);
    let text = |text: &str| cn(UTF8, text.as_bytes());
    let wide: Vec<u8> = "Middle".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let two = |a: Attribute<'_>, b: Attribute<'_>| name(&[a, b]);
    let (o, c): (Attribute<'_>, Attribute<'_>) = ((O, UTF8, b"eseal"), (CN, UTF8, b"middle"));
    vec![
        called(good, "a name in capitals with more spaces", &text("the middle"), &text(" THE  Middle ")),
        called(good, "a name in another string type", &text("middle"), &cn(PRINTABLE, b"middle")),
        called(good, "a name in two bytes a letter", &text("middle"), &cn(BMP, &wide)),
        called(bad, "another name", &text("middle"), &text("muddle")),
        called(bad, "a name in another order", &two(o, c), &two(c, o)),
        called(bad, "a name with less in it", &two(o, c), &name(&[c])),
        called(bad, "the same text as another attribute", &text("middle"), &name(&[(O, UTF8, b"middle")])),
        called(good, "a name in Chinese", &text("根证书颁发机构"), &text("根证书颁发机构")),
        called(
            good,
            "a name in GBK",
            &cn(PRINTABLE, &[0xd6, 0xd0, 0xb9, 0xfa]),
            &cn(PRINTABLE, &[0xd6, 0xd0, 0xb9, 0xfa]),
        ),
        called(good, "a name that nobody can decode", &cn(UTF8, &[0xff, 0xfe, 0xff]), &cn(UTF8, &[0xff, 0xfe, 0xff])),
        called(bad, "two names that nobody can decode", &cn(UTF8, &[0xff, 0xfe, 0xff]), &cn(UTF8, &[0xff, 0xfe, 0xfd])),
        called(good, "a name in full-width letters", &text("middle"), &text("ｍｉｄｄｌｅ")),
        called(good, "a name in other letters' case", &text("ÉCOLE"), &text("école")),
    ]
}

/// A root, an authority with these constraints, and a signer with this subject and these other names.
fn under(case: Make, text: &'static str, constraint: Vec<u8>, subject: &[u8], names: &[Vec<u8>]) -> Case {
    let [root, middle] = ["root", "middle"].map(Party::new);
    let leaf = Party::with(Suite::EcdsaP256Sha256, subject.to_vec());
    let mut extensions = signer();
    if !names.is_empty() {
        extensions.push(alternative(names));
    }
    let leaf = draft(&leaf, &extensions).sign(&middle);
    let middle = draft(&middle, &[authority(None), vec![constraint]].concat()).sign(&root);
    case(text, leaf, &[middle], &draft(&root, &authority(None)).sign(&root))
}

fn constrained() -> Vec<Case> {
    let leaf = plain("leaf");
    let permit = |one: Vec<u8>| constraints(&[one], &[]);
    let exclude = |one: Vec<u8>| constraints(&[], &[one]);
    let ours = || directory(&name(&[(O, UTF8, b"eseal")]));
    let mailed = name(&[(O, UTF8, b"eseal"), (EMAIL, IA5, b"a@evil.test")]);
    let net = || address(&[10, 1, 0, 0, 255, 255, 0, 0]);
    let net6 = || address(&[[0x20, 1, 0xd, 0xb8].as_slice(), &[0; 12], &[0xff; 4], &[0; 12]].concat());
    let six = [[0x20, 1, 0xd, 0xb8].as_slice(), &[0; 11], &[9]].concat();
    let measured = {
        let subtree = seq(&[dns("example.com"), tlv(0x80, &[1])]);
        extension("2.5.29.30", true, &seq(&[tlv(0xa0, &subtree)]))
    };
    vec![
        under(good, "a directory name within", permit(ours()), &leaf, &[]),
        under(
            good,
            "a directory name within, in capitals",
            permit(directory(&name(&[(O, PRINTABLE, b"ESEAL")]))),
            &leaf,
            &[],
        ),
        under(bad, "a directory name outside", permit(ours()), &name(&[(O, UTF8, b"other"), (CN, UTF8, b"leaf")]), &[]),
        under(
            bad,
            "a directory name that begins otherwise",
            permit(ours()),
            &name(&[(CN, UTF8, b"leaf"), (O, UTF8, b"eseal")]),
            &[],
        ),
        under(bad, "an excluded directory name", exclude(ours()), &leaf, &[]),
        under(
            bad,
            "another directory name outside",
            permit(ours()),
            &leaf,
            &[directory(&name(&[(O, UTF8, b"other")]))],
        ),
        under(good, "a domain within", permit(dns("example.com")), &leaf, &[dns("www.Example.com")]),
        under(good, "the domain itself", permit(dns("example.com")), &leaf, &[dns("example.com")]),
        under(bad, "a domain that ends alike", permit(dns("example.com")), &leaf, &[dns("badexample.com")]),
        under(
            bad,
            "one domain of two outside",
            permit(dns("example.com")),
            &leaf,
            &[dns("a.example.com"), dns("a.test")],
        ),
        under(good, "no domain where domains are constrained", permit(dns("example.com")), &leaf, &[]),
        under(bad, "an excluded domain", exclude(dns("example.com")), &leaf, &[dns("a.example.com")]),
        under(good, "a domain that is not excluded", exclude(dns("example.com")), &leaf, &[dns("example.org")]),
        under(
            bad,
            "an excluded domain in a permitted one",
            constraints(&[dns("example.com")], &[dns("b.example.com")]),
            &leaf,
            &[dns("a.b.example.com")],
        ),
        under(good, "a mailbox of a host", permit(mail("example.com")), &leaf, &[mail("a@example.com")]),
        under(bad, "a mailbox of a host below", permit(mail("example.com")), &leaf, &[mail("a@b.example.com")]),
        under(good, "a mailbox of a domain", permit(mail(".example.com")), &leaf, &[mail("a@b.example.com")]),
        under(bad, "another mailbox", permit(mail("a@example.com")), &leaf, &[mail("b@example.com")]),
        under(bad, "an excluded mailbox", exclude(mail("a@example.com")), &leaf, &[mail("a@example.com")]),
        under(bad, "a mailbox in the subject", permit(mail("example.com")), &mailed, &[]),
        under(good, "an address of a host", permit(uri("example.com")), &leaf, &[uri("https://example.com/a")]),
        under(bad, "an address of a host below", permit(uri("example.com")), &leaf, &[uri("https://a.example.com/")]),
        under(good, "an address of a domain", permit(uri(".example.com")), &leaf, &[uri("https://a.example.com:443/")]),
        under(bad, "an excluded address", exclude(uri("example.com")), &leaf, &[uri("https://example.com/")]),
        under(bad, "an address without a host", permit(uri("example.com")), &leaf, &[uri("urn:uuid:1")]),
        under(good, "an address in a network", permit(net()), &leaf, &[address(&[10, 1, 2, 3])]),
        under(bad, "an address in another network", permit(net()), &leaf, &[address(&[10, 2, 2, 3])]),
        under(bad, "an address of another kind", permit(net()), &leaf, &[address(&six)]),
        under(good, "a long address in a network", permit(net6()), &leaf, &[address(&six)]),
        under(bad, "an excluded address in a network", exclude(net()), &leaf, &[address(&[10, 1, 2, 3])]),
        under(bad, "a name of an unknown form under a constraint", permit(other_name()), &leaf, &[other_name()]),
        under(good, "an unknown form of constraint without such names", permit(other_name()), &leaf, &[dns("a.test")]),
        under(bad, "a constraint with a minimum", measured, &leaf, &[dns("a.example.com")]),
        under(
            bad,
            "a constraint that is not critical",
            constraints_with(false, &[dns("example.com")], &[]),
            &leaf,
            &[dns("a.test")],
        )
        .lax(),
    ]
}

/// Where in a chain constraints stand.
fn placed() -> Vec<Case> {
    let [root, middle, lower, leaf] = ["root", "middle", "lower", "leaf"].map(Party::new);
    let with = |more: Vec<u8>| [authority(None), vec![more]].concat();
    let own = draft(&root, &authority(None)).sign(&root);
    let named = |host: &str, by: &Party| draft(&leaf, &[signer(), vec![alternative(&[dns(host)])]].concat()).sign(by);
    let only = |host: &str| constraints(&[dns(host)], &[]);
    let above = draft(&middle, &with(only("example.com"))).sign(&root);
    let below = draft(&lower, &with(only("a.example.com"))).sign(&middle);
    let plain_middle = draft(&middle, &authority(None)).sign(&root);
    let limited_root = draft(&root, &with(only("example.com"))).sign(&root);
    let two = [above.clone(), below];
    // The authority's own name is outside of what it may certify: a new key under the same name is excused, a signer is not.
    let again = middle.rekeyed();
    let elsewhere = constraints(&[directory(&name(&[(O, UTF8, b"eseal"), (CN, UTF8, b"leaf")]))], &[]);
    let strange = draft(&middle, &with(elsewhere)).sign(&root);
    let carried = draft(&again, &authority(None)).sign(&middle);
    let self_issued_leaf = draft(&again, &signer()).sign(&middle);
    vec![
        good("a name within two constraints", named("x.a.example.com", &lower), &two, &own),
        bad("a name within one of two constraints", named("b.example.com", &lower), &two, &own),
        bad(
            "a constraint two levels above",
            named("a.test", &lower),
            &[above, draft(&lower, &authority(None)).sign(&middle)],
            &own,
        ),
        bad("a constraint of a root", named("a.test", &middle), std::slice::from_ref(&plain_middle), &limited_root),
        good("a name within a constraint of a root", named("a.example.com", &middle), &[plain_middle], &limited_root),
        good(
            "a new key of a name that is itself outside",
            draft(&leaf, &signer()).sign(&again),
            &[strange.clone(), carried],
            &own,
        ),
        bad("a signer of a name that is outside, issued to itself", self_issued_leaf, &[strange], &own),
    ]
}
