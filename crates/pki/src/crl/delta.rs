//! Lists of what changed since a whole list (RFC 5280 §5.2.4).

use std::fmt;
use std::sync::Arc;

use eseal_kernel::Timestamp;

use super::reason::REMOVE_FROM_CRL;
use super::{Crl, CrlError, LABEL, Parsed, Revocation, sign, write_entry};
use crate::asn1::writer;
use crate::certificate::Certificate;
use crate::suite::Signer;
use crate::{extensions, oid, pem};

/// What changed since a whole list. By itself it says nothing about a certificate: see [`Crl::updated`].
#[derive(Clone)]
pub struct DeltaCrl {
    changes: Crl,
    removed: Vec<Vec<u8>>,
    /// The magnitude of the number of the list since which it has all changes.
    base: Vec<u8>,
}

impl DeltaCrl {
    /// Reads a list of changes.
    ///
    /// # Errors
    /// [`CrlError::Malformed`], also for a whole list; [`CrlError::Unsupported`].
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        let Parsed { list, mut removed } = Crl::parse(der)?;
        removed.sort();
        match list.extensions.base.clone() {
            Some(base) => Ok(Self { changes: list, removed, base }),
            None => Err(CrlError::Malformed("a whole list, and no changes")),
        }
    }

    /// Reads the first list of a PEM file.
    ///
    /// # Errors
    /// As [`DeltaCrl::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CrlError> {
        let der = pem::decode_all(LABEL, pem).next().flatten().ok_or(CrlError::Malformed("no PEM block"))?;
        Self::from_der(&der)
    }

    /// The list as one PEM block.
    pub fn to_pem(&self) -> String {
        self.changes.to_pem()
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        self.changes.der()
    }

    /// Who issued it, for people.
    pub fn issuer(&self) -> String {
        self.changes.issuer()
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.changes.this_update()
    }

    /// When the next one is due at the latest, if it says so.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.changes.next_update()
    }

    /// Whether `issuer` is whom it names, may sign lists, and signed these bytes.
    ///
    /// # Errors
    /// As [`Crl::verify`].
    pub fn verify(&self, issuer: &Certificate) -> Result<(), CrlError> {
        self.changes.verify(issuer)
    }

    /// Whether it tells something newer than a whole list, or one that was brought up to date: by their numbers, which grow from
    /// list to list (§5.2.3). `false` also where one of them has none.
    pub fn is_newer_than(&self, list: &Crl) -> bool {
        let newest = list.delta.as_deref().map_or(&list.extensions.number, |delta| &delta.changes.extensions.number);
        match (newest, &self.changes.extensions.number) {
            (Some(own), Some(newest)) => size(own) < size(newest),
            _ => false,
        }
    }

    /// Whether it has the changes since a newer whole list than this one: then that one is needed.
    pub fn needs_newer_than(&self, list: &Crl) -> bool {
        list.extensions.number.as_ref().is_some_and(|own| size(own) < size(&self.base))
    }

    /// Whether it is of the same issuer and about the same certificates as a whole list, and has all changes since. It may still
    /// tell nothing that the list does not: see [`DeltaCrl::is_newer_than`].
    ///
    /// # Errors
    /// [`CrlError::OtherIssuer`], [`CrlError::OtherBase`].
    pub fn fits(&self, whole: &Crl) -> Result<(), CrlError> {
        let (own, changes) = (&whole.extensions, &self.changes);
        if !whole.issuer.matches(&changes.issuer) {
            return Err(CrlError::OtherIssuer);
        }
        let numbered = own.number.is_some() && changes.extensions.number.is_some();
        let is_since = numbered && !self.needs_newer_than(whole);
        if whole.delta.is_some() || !is_since || own.scope != changes.extensions.scope {
            return Err(CrlError::OtherBase);
        }
        Ok(())
    }

    /// Makes a list of what changed since the list with the number `base`, signed by the key of `issuer`: what was revoked since,
    /// and the serial numbers of what is revoked no more.
    pub(crate) fn create(
        issuer: &Certificate,
        signer: &dyn Signer,
        (revoked, lifted): (&[(String, Revocation)], &[String]),
        (base, number): (u32, u32),
        times: (Timestamp, Timestamp),
    ) -> Result<Self, CrlError> {
        let revoked = revoked.iter().map(|(serial, one)| write_entry(serial, one.since, one.reason.code()));
        let lifted = lifted.iter().map(|serial| write_entry(serial, times.0, REMOVE_FROM_CRL));
        let entries = revoked.chain(lifted).collect::<Result<_, _>>()?;
        let numbers = [
            extensions::write(&oid::CRL_NUMBER, false, &writer::number(number)),
            extensions::write(&oid::DELTA_CRL_INDICATOR, true, &writer::number(base)),
        ];
        Self::from_der(&sign(issuer, signer, entries, &numbers, times)?)
    }
}

impl Crl {
    /// This list with the changes of another: what the authority would have listed at that moment. Both have to be genuine,
    /// which [`Crl::verify`] of the result says.
    ///
    /// # Errors
    /// [`CrlError::OtherIssuer`], [`CrlError::OtherBase`]: changes of another issuer or of other certificates, changes since a
    /// newer list than this, or older than this.
    pub fn updated(&self, delta: &DeltaCrl) -> Result<Self, CrlError> {
        delta.fits(self)?;
        if !delta.is_newer_than(self) {
            return Err(CrlError::OtherBase);
        }
        let changes = &delta.changes;
        let mut entries = changes.entries.clone();
        let replaced = |serial: &Vec<u8>| {
            delta.removed.binary_search(serial).is_ok()
                || changes.entries.binary_search_by(|entry| entry.serial.cmp(serial)).is_ok()
        };
        entries.extend(self.entries.iter().filter(|entry| !replaced(&entry.serial)).cloned());
        entries.sort_by(|a, b| a.serial.cmp(&b.serial));
        let (this_update, next_update) = (changes.this_update, changes.next_update);
        Ok(Self { entries, this_update, next_update, delta: Some(Arc::new(delta.clone())), ..self.clone() })
    }
}

/// What numbers are compared by: those of more digits are larger, for they have no leading zeros.
fn size(number: &[u8]) -> (usize, &[u8]) {
    (number.len(), number)
}

impl fmt::Debug for DeltaCrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeltaCrl({:?}, {} lifted)", self.changes, self.removed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crl::RevocationReason;
    use crate::{DevelopmentCa, Purpose, SigningKey, Suite};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_seconds(1_800_000_100);

    struct World {
        issuer: Certificate,
        key: SigningKey,
    }

    fn world() -> World {
        let ca = DevelopmentCa::create(Suite::EcdsaP256Sha256, "CA", Purpose::Holder, NOW).expect("an authority");
        let key = pem::decode_all("PRIVATE KEY", ca.to_files(NOW).expect("files").key.as_bytes()).next();
        let key = SigningKey::from_pkcs8_der(&key.flatten().expect("a key")).expect("a key");
        World { issuer: ca.certificate().clone(), key }
    }

    fn entry(serial: &str, reason: RevocationReason) -> (String, Revocation) {
        (serial.to_owned(), Revocation { since: NOW, reason })
    }

    impl World {
        fn whole(&self, entries: &[(String, Revocation)], number: u32) -> Crl {
            Crl::create(&self.issuer, &self.key, entries, number, (NOW, LATER), None).expect("a list")
        }

        fn changes(&self, revoked: &[(String, Revocation)], lifted: &[&str], numbers: (u32, u32)) -> DeltaCrl {
            let lifted: Vec<_> = lifted.iter().map(|one| (*one).to_owned()).collect();
            let times = (NOW, LATER);
            DeltaCrl::create(&self.issuer, &self.key, (revoked, &lifted), numbers, times).expect("changes")
        }
    }

    #[test]
    fn a_list_with_its_changes_is_what_the_authority_would_have_listed() {
        let world = world();
        let (hold, kept) = (entry("0b", RevocationReason::CertificateHold), entry("0a", RevocationReason::Superseded));
        let list = world.whole(&[hold, kept], 7);
        let delta = world.changes(&[entry("0c", RevocationReason::KeyCompromise)], &["0b"], (5, 8));
        let now = list.updated(&delta).expect("an up-to-date list");
        assert_eq!(now.verify(&world.issuer), Ok(()));
        let revoked: Vec<_> = now.revocations().map(|(serial, _)| serial).collect();
        assert_eq!(revoked, ["0a", "0c"]);
        assert_eq!(list.revocations().count(), 2, "the list itself is as it was");
    }

    #[test]
    fn changes_since_a_newer_list_or_before_this_one_do_not_fit() {
        let world = world();
        let list = world.whole(&[], 256);
        for (numbers, fits) in [((256, 257), true), ((257, 258), false), ((1, 256), false), ((1, 255), false)] {
            let updated = list.updated(&world.changes(&[], &[], numbers));
            assert_eq!(updated.is_ok(), fits, "{numbers:?}");
        }
    }

    #[test]
    fn changes_that_the_authority_did_not_sign_make_the_list_a_forgery() {
        let (own, other) = (world(), world());
        let forged = other.changes(&[], &["0b"], (1, 8));
        let updated = own.whole(&[entry("0b", RevocationReason::CertificateHold)], 7).updated(&forged);
        let updated = updated.expect("the same name");
        assert!(updated.verify(&own.issuer).is_err() && updated.verify(&other.issuer).is_err());
    }

    #[test]
    fn neither_kind_is_taken_for_the_other() {
        let world = world();
        assert!(matches!(Crl::from_der(world.changes(&[], &[], (1, 2)).der()), Err(CrlError::Unsupported(_))));
        assert!(DeltaCrl::from_der(world.whole(&[], 1).der()).is_err());
    }
}
