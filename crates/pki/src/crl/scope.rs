//! Which certificates a revocation list speaks about (issuingDistributionPoint, RFC 5280 §5.2.5).

use super::CrlError;
use crate::asn1::{Malformed, Reader, tag};
use crate::certificate::Certificate;
use crate::extensions::full_names;

/// What a list leaves out. Where nothing is said it is the issuer's whole list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// The names of this part of the issuer's list, each a GeneralName as received; `None`: it is not a part.
    point: Option<Vec<Vec<u8>>>,
    only_users: bool,
    only_authorities: bool,
    only_attributes: bool,
    pub(super) only_some_reasons: bool,
}

impl Scope {
    /// Reads the extension's value. A list with entries of other issuers is refused: whoever takes it for one of this issuer
    /// would find the wrong certificates revoked.
    pub(super) fn read(value: &[u8]) -> Result<Self, CrlError> {
        const WHAT: &str = "issuingDistributionPoint";
        const FIELDS: usize = 6;
        const POINT: u8 = tag::constructed(0);
        const ONLY_USERS: u8 = tag::context(1);
        const ONLY_AUTHORITIES: u8 = tag::context(2);
        const ONLY_REASONS: u8 = tag::context(3);
        const INDIRECT: u8 = tag::context(4);
        const ONLY_ATTRIBUTES: u8 = tag::context(5);
        let mut scope = Self::default();
        for field in Reader::der(value).single(tag::SEQUENCE, WHAT)?.inside()?.all(FIELDS, WHAT)? {
            let is_set = field.content != [0];
            match field.tag {
                POINT => scope.point = Some(full_names(&field)?),
                ONLY_USERS => scope.only_users = is_set,
                ONLY_AUTHORITIES => scope.only_authorities = is_set,
                ONLY_REASONS => scope.only_some_reasons = true,
                INDIRECT if is_set => return Err(CrlError::Unsupported("entries of other issuers".to_owned())),
                INDIRECT => {}
                ONLY_ATTRIBUTES => scope.only_attributes = is_set,
                _ => return Err(Malformed(WHAT).into()),
            }
        }
        Ok(scope)
    }

    /// Whether a certificate of this issuer that is not on the list is not revoked, for the reasons that the list is about
    /// (RFC 5280 §6.3.3 b).
    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let left_out = if certificate.is_ca() { self.only_users } else { self.only_authorities };
        let kind = !self.only_attributes && !left_out;
        let part = self
            .point
            .as_ref()
            .is_none_or(|names| certificate.extensions().distribution_points.iter().any(|point| names.contains(point)));
        kind && part
    }
}

#[cfg(test)]
mod tests {
    use eseal_kernel::Timestamp;

    use super::*;
    use crate::asn1::writer;
    use crate::extensions::{self, KeyUsage};
    use crate::oid;
    use crate::template::{self, Template};
    use crate::{SigningKey, Subject, Suite};

    const URI: &[u8] = b"http://crl.example.com/1.crl";

    fn point(uri: &[u8]) -> Vec<u8> {
        writer::explicit(0, &writer::explicit(0, &writer::tlv(tag::context(6), uri)))
    }

    fn scope(fields: &[Vec<u8>]) -> Scope {
        Scope::read(&writer::sequence(fields)).expect("a scope")
    }

    fn certificate(extensions: Vec<Vec<u8>>) -> Certificate {
        let key = SigningKey::generate(Suite::EcdsaP256Sha256).expect("a key");
        let name = Subject::named("one").to_der().expect("a name");
        let template = Template {
            serial: &[1],
            issuer: &name,
            subject: &name,
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::from_seconds(1),
            key: &key.public_key(),
            extensions,
        };
        Certificate::from_der(&template.sign(&key).expect("a signature")).expect("a certificate")
    }

    fn holder() -> Certificate {
        let points = writer::sequence(&[writer::sequence(&[point(URI)])]);
        let usage = template::key_usage(KeyUsage::DIGITAL_SIGNATURE);
        certificate(vec![usage, extensions::write(&oid::CRL_DISTRIBUTION_POINTS, false, &points)])
    }

    fn flag(number: u8) -> Vec<u8> {
        writer::tlv(tag::context(number), &[0xff])
    }

    #[test]
    fn a_list_speaks_of_the_kind_of_certificates_that_it_names_only() {
        let authority = certificate(vec![template::basic_constraints(Some(None))]);
        for (fields, of_holders, of_authorities) in [
            (vec![], true, true),
            (vec![flag(1)], true, false),
            (vec![flag(2)], false, true),
            (vec![flag(5)], false, false),
        ] {
            let scope = scope(&fields);
            assert_eq!((scope.covers(&holder()), scope.covers(&authority)), (of_holders, of_authorities), "{fields:?}");
        }
    }

    #[test]
    fn a_part_of_a_list_speaks_of_the_certificates_that_name_it_only() {
        assert_eq!(holder().crl_urls().collect::<Vec<_>>(), ["http://crl.example.com/1.crl"]);
        assert!(scope(&[point(URI)]).covers(&holder()));
        assert!(!scope(&[point(b"http://crl.example.com/2.crl")]).covers(&holder()));
        assert!(!scope(&[point(URI)]).covers(&certificate(Vec::new())), "it names no list");
    }

    #[test]
    fn lists_of_others_are_refused_and_those_of_some_reasons_are_told() {
        let indirect = Scope::read(&writer::sequence(&[flag(4)]));
        assert!(matches!(indirect, Err(CrlError::Unsupported(_))));
        assert!(scope(&[writer::tlv(tag::context(4), &[0])]).covers(&holder()), "FALSE written out");
        assert!(scope(&[writer::tlv(tag::context(3), &[1, 0x40])]).only_some_reasons);
    }
}
