//! Which names an authority may certify (nameConstraints, RFC 5280 §4.2.1.10).

use crate::asn1::{Element, Malformed, Reader, tag};
use crate::certificate::Certificate;
use crate::general_name::GeneralName;
use crate::oid;

/// Subtrees of one kind in one extension. Authorities that list all that they may certify have some hundred.
const MAX_SUBTREES: usize = 1_000;

/// The subtrees of names within which, and outside of which, all names below an authority have to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

#[derive(Debug, Clone)]
struct Subtree {
    base: GeneralName,
    /// It has a minimum or a maximum, which RFC 5280 does not use: then nothing can be said of names of this form.
    measured: bool,
}

/// What is wrong with a name, or with saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NameFault {
    /// This name is outside what is permitted, or within what is excluded.
    Outside(String),
    /// This name is of a form whose constraint is not processed here, or has no form that it could be compared in.
    Unsupported(String),
    /// The names cannot be read.
    Malformed(&'static str),
    /// More comparisons than were allowed.
    TooMany,
}

impl NameConstraints {
    pub(crate) fn read(value: &[u8]) -> Result<Self, Malformed> {
        const WHAT: &str = "nameConstraints";
        let mut fields = Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?;
        let permitted = read_subtrees(fields.optional(tag::constructed(0))?)?;
        let excluded = read_subtrees(fields.optional(tag::constructed(1))?)?;
        fields.finish(WHAT)?;
        Ok(Self { permitted, excluded })
    }

    /// Whether these names are allowed. `budget` is the number of comparisons that may still be made.
    pub(crate) fn check(&self, names: &[GeneralName], budget: &mut usize) -> Result<(), NameFault> {
        for name in names {
            let all = self.permitted.iter().chain(&self.excluded);
            let cost = all.map(|subtree| subtree.base.comparisons(name)).sum::<usize>() + 1;
            *budget = budget.checked_sub(cost).ok_or(NameFault::TooMany)?;
            let within = |subtree: &Subtree| subtree.contains(name);
            let (mut restricted, mut permitted) = (false, false);
            for subtree in self.permitted.iter().filter(|subtree| subtree.base.is_like(name)) {
                restricted = true;
                permitted |= within(subtree)?;
            }
            let mut excluded = false;
            for subtree in self.excluded.iter().filter(|subtree| subtree.base.is_like(name)) {
                excluded |= within(subtree)? || subtree.is_reached_by(name);
            }
            if excluded || (restricted && !permitted) {
                return Err(NameFault::Outside(name.to_string()));
            }
        }
        Ok(())
    }
}

fn read_subtrees(field: Option<Element<'_>>) -> Result<Vec<Subtree>, Malformed> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let subtrees = field.inside()?.all(MAX_SUBTREES, "more than 1000 subtrees of names")?;
    if subtrees.is_empty() {
        return Err(Malformed("no subtree of names")); // SIZE (1..MAX); it could mean everything or nothing
    }
    subtrees.iter().map(Subtree::read).collect()
}

impl Subtree {
    fn read(element: &Element<'_>) -> Result<Self, Malformed> {
        const WHAT: &str = "a subtree of names";
        let mut fields = element.inside()?;
        let base = GeneralName::read(&fields.any(WHAT)?)?;
        let minimum = fields.optional(tag::context(0))?;
        let maximum = fields.optional(tag::context(1))?;
        fields.finish(WHAT)?;
        Ok(Self { base, measured: maximum.is_some() || minimum.is_some_and(|minimum| minimum.content != [0]) })
    }

    fn contains(&self, name: &GeneralName) -> Result<bool, NameFault> {
        use GeneralName::{Address, Directory, Dns, Email, Uri};
        let unsupported = || NameFault::Unsupported(name.to_string());
        if self.measured {
            return Err(unsupported());
        }
        match (&self.base, name) {
            (Directory(base), Directory(name)) => Ok(name.is_within(base)),
            (Dns(base), Dns(name)) => Ok(dns(base, name)),
            (Email(base), Email(name)) => email(base, name).ok_or_else(unsupported),
            (Uri(base), Uri(name)) => host_of(name).map(|host| self::host(base, host)).ok_or_else(unsupported),
            (Address(base), Address(name)) => address(base, name).ok_or_else(unsupported),
            _ => Err(unsupported()),
        }
    }
}

impl Subtree {
    /// Whether a name that is not within stands for names that are: one with a wildcard, for a host that is left out.
    fn is_reached_by(&self, name: &GeneralName) -> bool {
        match (&self.base, name) {
            (GeneralName::Dns(base), GeneralName::Dns(name)) => wildcard_reaches(base, name),
            _ => false,
        }
    }
}

/// Every name that an authority above can restrict: the subject and its alternative names, and an e-mail address in the subject,
/// where older certificates have it. It counts beside others too, since programs go on showing it.
pub(crate) fn names_of(certificate: &Certificate) -> Result<Vec<GeneralName>, NameFault> {
    let subject = certificate.subject_name();
    let mut names = match &certificate.extensions().alternative_names {
        Some(value) => GeneralName::read_all(value).map_err(|error| NameFault::Malformed(error.0))?,
        None => Vec::new(),
    };
    names.extend(subject.values(&oid::EMAIL_ADDRESS).map(|address| GeneralName::Email(address.to_owned())));
    if !subject.is_empty() {
        names.push(GeneralName::Directory(subject.clone()));
    }
    Ok(names)
}

fn ends_with(whole: &str, end: &str) -> bool {
    let start = whole.len().checked_sub(end.len());
    start.and_then(|start| whole.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// A name without the dot at its end that makes it absolute: it is the same name.
fn relative(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a name with a wildcard as its first label (RFC 6125 §6.4.3) stands for the domain `base`.
fn wildcard_reaches(base: &str, name: &str) -> bool {
    let Some((label, domain)) = relative(name).split_once('.') else { return false };
    let base = relative(base.strip_prefix('.').unwrap_or(base));
    let in_domain = base.split_once('.').is_some_and(|(_, above)| above.eq_ignore_ascii_case(domain));
    label.contains('*') && in_domain
}

/// The domain itself and all below it; behind a leading dot only those below.
fn dns(base: &str, name: &str) -> bool {
    let (base, name) = (relative(base), relative(name));
    let below = || if base.starts_with('.') { ends_with(name, base) } else { ends_with(name, &format!(".{base}")) };
    base.is_empty() || name.eq_ignore_ascii_case(base) || below()
}

/// One mailbox, all of a host (also written with the @ in front), or behind a leading dot all of the hosts below a domain. The part
/// before the @ has a case.
fn email(base: &str, name: &str) -> Option<bool> {
    let (mailbox, at) = name.rsplit_once('@')?;
    Some(match base.rsplit_once('@') {
        Some(("", of)) => host(of, at),
        Some((only, of)) => only == mailbox && relative(at).eq_ignore_ascii_case(relative(of)),
        None => host(base, at),
    })
}

/// This host, or behind a leading dot those below it.
fn host(base: &str, host: &str) -> bool {
    let (base, host) = (relative(base), relative(host));
    let below = base.starts_with('.') && host.len() > base.len() && ends_with(host, base);
    base.is_empty() || below || host.eq_ignore_ascii_case(base)
}

/// The host of an address with an authority part. One without, one that is a number, and one that is written in a way that programs
/// read differently (`\`, `%2e`) can't be compared with a domain.
fn host_of(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    // RFC 3986 §3.1; with a colon in front of the slashes they are no beginning of an authority.
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_read_alike = authority.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let is_number = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_scheme && is_read_alike && is_name && !host.is_empty() && !is_number).then_some(host)
}

/// An address in a network, which is an address and a mask of the same kind.
fn address(base: &[u8], name: &[u8]) -> Option<bool> {
    if !matches!(name.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    let (network, mask) = base.split_at(base.len() / 2);
    let same = || name.iter().zip(network).zip(mask).all(|((own, network), mask)| own & mask == network & mask);
    Some(network.len() == name.len() && same())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_itself_and_those_below_it() {
        for (base, name, within) in [
            ("example.com", "example.com", true),
            ("example.com", "WWW.Example.COM", true),
            ("example.com", "badexample.com", false),
            ("example.com", "com", false),
            ("example.com", "a.example.com.", true),
            ("example.com.", "a.example.com", true),
            (".example.com", "a.example.com", true),
            (".example.com", "example.com", false),
            ("", "anything", true),
        ] {
            assert_eq!(dns(base, name), within, "{base} {name}");
        }
    }

    #[test]
    fn a_mailbox_a_host_and_the_hosts_of_a_domain_are_three_constraints() {
        for (base, name, within) in [
            ("a@example.com", "a@Example.com", Some(true)),
            ("a@example.com", "A@example.com", Some(false)),
            ("example.com", "b@example.com", Some(true)),
            ("example.com", "b@sub.example.com", Some(false)),
            (".example.com", "b@sub.example.com", Some(true)),
            (".example.com", "b@example.com", Some(false)),
            ("example.com", "b@example.com.", Some(true)),
            ("@example.com", "b@example.com", Some(true)),
            ("@example.com", "b@sub.example.com", Some(false)),
            ("example.com", "nobody", None),
            ("example.com", "\"a@evil.test\"@example.com", Some(true)),
        ] {
            assert_eq!(email(base, name), within, "{base} {name}");
        }
    }

    #[test]
    fn the_host_of_an_address_is_what_a_constraint_of_addresses_is_about() {
        for (uri, expected) in [
            ("http://example.com/a", Some("example.com")),
            ("ldap://user@example.com:389?x", Some("example.com")),
            ("http://evil.test#@example.com", Some("evil.test")),
            ("urn:uuid:0", None),
            ("http:///a", None),
            ("http://10.0.0.1/", None),
            ("http://[::1]/", None),
            ("http://evil.test\\@example.com/", None),
            ("http://ex%61mple.com/", None),
            ("http://example.com%2eevil.test/", None),
            ("http://example .com/", None),
            ("urn:a://example.com/", None),
        ] {
            assert_eq!(host_of(uri), expected, "{uri}");
        }
        assert!(host(".example.com", "a.example.com") && !host(".example.com", "example.com"));
        assert!(host("example.com", "EXAMPLE.com") && !host("example.com", "a.example.com"));
    }

    fn says(permitted: &[&str], excluded: &[&str], name: &str) -> bool {
        let subtrees = |all: &[&str]| {
            let subtree = |base: &&str| Subtree { base: GeneralName::Dns((*base).to_owned()), measured: false };
            all.iter().map(subtree).collect()
        };
        let constraints = NameConstraints { permitted: subtrees(permitted), excluded: subtrees(excluded) };
        constraints.check(&[GeneralName::Dns(name.to_owned())], &mut 100).is_ok()
    }

    #[test]
    fn a_wildcard_that_stands_for_a_host_that_is_left_out_is_left_out() {
        for (excluded, name, allowed) in [
            ("a.example.com", "*.example.com", false),
            (".a.example.com", "*.example.com", false),
            ("a.example.com", "*.EXAMPLE.com.", false),
            ("a.example.com", "x*.example.com", false),
            ("a.example.com", "*.a.example.com", false),
            ("b.a.example.com", "*.example.com", true), // it stands for one label
            ("a.example.com", "*.example.org", true),
            ("a.example.com", "b.example.com", true),
            ("a.example.com", "a.example.com.", false),
        ] {
            assert_eq!(says(&[], &[excluded], name), allowed, "{excluded} {name}");
        }
        assert!(says(&["example.com"], &[], "*.example.com"));
        assert!(!says(&["a.example.com"], &[], "*.example.com"), "it stands for others too");
    }

    #[test]
    fn a_list_of_subtrees_that_has_none_is_refused() {
        for number in [0, 1] {
            let empty = [0x30, 2, tag::constructed(number), 0];
            assert_eq!(NameConstraints::read(&empty).err(), Some(Malformed("no subtree of names")));
        }
    }

    #[test]
    fn a_network_is_an_address_and_a_mask() {
        let network = [10, 1, 0, 0, 255, 255, 0, 0];
        assert_eq!(address(&network, &[10, 1, 7, 7]), Some(true));
        assert_eq!(address(&network, &[10, 2, 7, 7]), Some(false));
        assert_eq!(address(&network, &[0; 16]), Some(false), "the other kind of address");
        assert_eq!(address(&network, &[10, 1, 7]), None);
        assert_eq!(address(&network[..6], &[10, 1, 7, 7]), None);
    }
}
