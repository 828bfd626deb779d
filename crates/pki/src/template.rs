//! Writes certificates: everything that goes into one, then the issuer's signature.

use eseal_kernel::Timestamp;

use crate::algorithm;
use crate::asn1::{tag, writer};
use crate::extensions::{self, KeyUsage};
use crate::oid::{self, Oid};
use crate::public_key::PublicKey;
use crate::suite::{SignError, Signer};

/// The contents of a certificate that is to be signed.
pub(crate) struct Template<'a> {
    /// Magnitude of the serial number.
    pub(crate) serial: &'a [u8],
    /// Name, DER.
    pub(crate) issuer: &'a [u8],
    /// Name, DER.
    pub(crate) subject: &'a [u8],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key: &'a PublicKey,
    /// Each written by [`extensions::write`] or a function below.
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Template<'_> {
    /// The certificate, DER (RFC 5280 §4.1).
    pub(crate) fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        let algorithm = algorithm::write_suite(signer.suite());
        let tbs = writer::sequence(&[
            writer::explicit(0, &writer::number(2)), // v3
            writer::unsigned(self.serial),
            algorithm.clone(),
            self.issuer.to_vec(),
            writer::sequence(&[writer::time(self.not_before), writer::time(self.not_after)]),
            self.subject.to_vec(),
            self.key.to_spki_der(),
            writer::explicit(3, &writer::sequence(&self.extensions)),
        ]);
        let signature = signer.sign(&tbs)?;
        Ok(writer::sequence(&[tbs, algorithm, writer::bit_string(&signature)]))
    }
}

/// basicConstraints, critical. `None`: not a CA; `Some(length)`: a CA with at most so many CAs below it, if a number is given.
pub(crate) fn basic_constraints(ca: Option<Option<u32>>) -> Vec<u8> {
    let mut fields = Vec::new();
    if let Some(path_length) = ca {
        fields.push(writer::boolean(true));
        fields.extend(path_length.map(writer::number));
    }
    extensions::write(&oid::BASIC_CONSTRAINTS, true, &writer::sequence(&fields))
}

/// keyUsage, critical.
pub(crate) fn key_usage(usages: KeyUsage) -> Vec<u8> {
    extensions::write(&oid::KEY_USAGE, true, &writer::named_bits(usages.0))
}

/// extKeyUsage with one usage.
pub(crate) fn extended_usage(usage: &Oid) -> Vec<u8> {
    extensions::write(&oid::EXTENDED_KEY_USAGE, false, &writer::sequence(&[writer::oid(usage)]))
}

/// extKeyUsage with one usage, critical: the certificate is for nothing else.
pub(crate) fn reserved_for(usage: &Oid) -> Vec<u8> {
    extensions::write(&oid::EXTENDED_KEY_USAGE, true, &writer::sequence(&[writer::oid(usage)]))
}

/// subjectKeyIdentifier.
pub(crate) fn subject_key(key: &PublicKey) -> Vec<u8> {
    extensions::write(&oid::SUBJECT_KEY_IDENTIFIER, false, &writer::octet_string(key.identifier()))
}

/// authorityKeyIdentifier with the issuer's key.
pub(crate) fn authority_key(issuer: &PublicKey) -> Vec<u8> {
    let identifier = writer::tlv(tag::context(0), issuer.identifier());
    extensions::write(&oid::AUTHORITY_KEY_IDENTIFIER, false, &writer::sequence(&[identifier]))
}

/// cRLDistributionPoints, or freshestCRL, with one address.
pub(crate) fn distribution_point(extension: &Oid, address: &str) -> Vec<u8> {
    let name = writer::tlv(tag::context(6), address.as_bytes());
    let point = writer::explicit(0, &writer::explicit(0, &name));
    extensions::write(extension, false, &writer::sequence(&[writer::sequence(&[point])]))
}

/// authorityInfoAccess with these addresses.
pub(crate) fn information_access(places: &[(Oid, &str)]) -> Vec<u8> {
    let place = |(method, address): &(Oid, &str)| {
        writer::sequence(&[writer::oid(method), writer::tlv(tag::context(6), address.as_bytes())])
    };
    let places: Vec<_> = places.iter().map(place).collect();
    extensions::write(&oid::AUTHORITY_INFO_ACCESS, false, &writer::sequence(&places))
}

/// The mark of certificates of development.
pub(crate) fn development_mark() -> Vec<u8> {
    extensions::write(&oid::DEVELOPMENT_MARK, false, &writer::null())
}
