//! What the author of a document wants of whoever signs a field: its seed values (ISO 32000-2 table 237).

use eseal_pki::{Certificate, DigestAlg};

use super::field::Target;
use super::form::text;
use super::object::{Dictionary, Value};
use super::request::{Permitted, SealForm, SealingRequest};
use super::view::View;
use crate::DocumentError;

/// Bits of `/Ff`: these entries are no mere recommendation.
mod required {
    pub(super) const FILTER: i64 = 1;
    pub(super) const SUB_FILTER: i64 = 1 << 1;
    pub(super) const VERSION: i64 = 1 << 2;
    pub(super) const REASONS: i64 = 1 << 3;
    pub(super) const LEGAL_ATTESTATION: i64 = 1 << 4;
    pub(super) const REVOCATION_DATA: i64 = 1 << 5;
    pub(super) const DIGEST: i64 = 1 << 6;
    pub(super) const LOCK_DOCUMENT: i64 = 1 << 7;
    pub(super) const APPEARANCE: i64 = 1 << 8;
}

/// Bits of `/Ff` of a certificate's seed values (table 238).
mod of_certificate {
    pub(super) const SUBJECT: i64 = 1;
    pub(super) const ISSUER: i64 = 1 << 1;
    /// Policies, distinguished names and key usages, by which nothing is chosen here.
    pub(super) const OTHERS: [(i64, &str); 3] = [(1 << 2, "OID"), (1 << 3, "SubjectDN"), (1 << 5, "KeyUsage")];
}

/// The latest version of seed values that is understood: ISO 32000-2.
const VERSION: f64 = 3.0;

struct Seed<'v, 'a> {
    view: &'v View<'a>,
    entries: Dictionary,
    /// `/Ff`.
    required: i64,
    field: &'v str,
}

/// Refuses a request that contradicts what the author of the field requires.
///
/// # Errors
/// [`DocumentError::SeedValue`].
pub(crate) fn must_agree(
    view: &View<'_>,
    target: &Target,
    request: &SealingRequest<'_>,
    digest: DigestAlg,
) -> Result<(), DocumentError> {
    let Some(existing) = &target.existing else { return Ok(()) };
    let entries = view.dictionary(&existing.dictionary, "SV")?;
    if entries.is_empty() {
        return Ok(());
    }
    let required = view.get(&entries, "Ff")?.as_integer().unwrap_or(0);
    let seed = Seed { view, entries, required, field: &target.name };
    seed.form(request, digest)?;
    seed.reason(request.reason)?;
    seed.permission(request.options.certifies)?;
    seed.time_stamp(request.options.time_stamp_room)?;
    seed.certificate(request.signer, request.chain)?;
    seed.nothing_else()
}

impl Seed<'_, '_> {
    fn refused(&self, entry: &str, wanted: String) -> DocumentError {
        DocumentError::SeedValue { field: self.field.to_owned(), entry: entry.to_owned(), wanted }
    }

    fn requires(&self, bit: i64) -> bool {
        self.required & bit != 0
    }

    /// The names or texts of an entry.
    fn texts(&self, key: &str) -> Result<Vec<String>, DocumentError> {
        let mut texts = Vec::new();
        for item in self.view.items(&self.entries, key)? {
            match self.view.resolve(&item)?.value {
                Value::Name(name) => texts.push(String::from_utf8_lossy(&name).into_owned()),
                Value::String(bytes) => texts.push(text(&bytes)),
                _ => {}
            }
        }
        Ok(texts)
    }

    fn form(&self, request: &SealingRequest<'_>, digest: DigestAlg) -> Result<(), DocumentError> {
        let (filter, sub_filter) = match request.options.form {
            SealForm::Pades => ("Adobe.PPKLite", "ETSI.CAdES.detached"),
            SealForm::Gm => ("Gomain.GMPkiLite", "GM.sm2seal"),
        };
        if let Value::Name(wanted) = self.view.get(&self.entries, "Filter")?
            && self.requires(required::FILTER)
            && wanted != filter.as_bytes()
        {
            return Err(self.refused("Filter", String::from_utf8_lossy(&wanted).into_owned()));
        }
        let wanted = self.texts("SubFilter")?;
        if self.requires(required::SUB_FILTER) && !wanted.is_empty() && !wanted.iter().any(|name| name == sub_filter) {
            return Err(self.refused("SubFilter", wanted.join(", ")));
        }
        let wanted = self.texts("DigestMethod")?;
        let is_ours = |name: &String| DigestAlg::from_name(name) == Some(digest);
        if self.requires(required::DIGEST) && !wanted.is_empty() && !wanted.iter().any(is_ours) {
            return Err(self.refused("DigestMethod", wanted.join(", ")));
        }
        let version = self.view.get(&self.entries, "V")?.as_number().unwrap_or(0.0);
        if self.requires(required::VERSION) && version > VERSION {
            return Err(self.refused("V", version.to_string()));
        }
        Ok(())
    }

    fn reason(&self, reason: Option<&str>) -> Result<(), DocumentError> {
        let wanted = self.texts("Reasons")?;
        if !self.requires(required::REASONS) || !self.entries.contains("Reasons") {
            return Ok(());
        }
        // An empty list, or a full stop alone, forbids to give a reason.
        let agrees = match (wanted.as_slice(), reason) {
            ([], reason) => reason.is_none(),
            ([only], reason) if only == "." => reason.is_none(),
            (wanted, Some(reason)) => wanted.iter().any(|wanted| wanted == reason),
            (_, None) => false,
        };
        if agrees { Ok(()) } else { Err(self.refused("Reasons", wanted.join("; "))) }
    }

    /// `/MDP` is always a constraint: 0 for an approval, 1 to 3 for a certification of this level.
    fn permission(&self, certifies: Option<Permitted>) -> Result<(), DocumentError> {
        if !self.entries.contains("MDP") {
            return Ok(());
        }
        let mdp = self.view.dictionary(&self.entries, "MDP")?;
        let wanted = self.view.get(&mdp, "P")?.as_integer().unwrap_or(0);
        let given = certifies.map_or(0, Permitted::level);
        if wanted == given { Ok(()) } else { Err(self.refused("MDP", format!("/P {wanted}"))) }
    }

    fn time_stamp(&self, room: usize) -> Result<(), DocumentError> {
        let wanted = self.view.dictionary(&self.entries, "TimeStamp")?;
        let is_required = self.view.get(&wanted, "Ff")?.as_integer().unwrap_or(0) & 1 != 0;
        if is_required && room == 0 {
            let authority = self.view.get(&wanted, "URL")?;
            return Err(self.refused("TimeStamp", authority.as_string().map(text).unwrap_or_default()));
        }
        Ok(())
    }

    fn certificate(&self, signer: &Certificate, chain: &[Certificate]) -> Result<(), DocumentError> {
        let wanted = self.view.dictionary(&self.entries, "Cert")?;
        let required = self.view.get(&wanted, "Ff")?.as_integer().unwrap_or(0);
        let lists = |key: &str, certificate: &Certificate| -> Result<bool, DocumentError> {
            for item in self.view.items(&wanted, key)? {
                if self.view.resolve(&item)?.value.as_string() == Some(certificate.der()) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if required & of_certificate::SUBJECT != 0 && wanted.contains("Subject") && !lists("Subject", signer)? {
            return Err(self.refused("Cert", "another certificate of the signer".to_owned()));
        }
        if required & of_certificate::ISSUER != 0 && wanted.contains("Issuer") {
            let mut found = false;
            for issuer in chain {
                found |= lists("Issuer", issuer)?;
            }
            if !found {
                return Err(self.refused("Cert", "a certificate of another issuer".to_owned()));
            }
        }
        for (bit, key) in of_certificate::OTHERS {
            if required & bit != 0 && wanted.contains(key) {
                return Err(self.refused("Cert", format!("/{key}, by which nothing is chosen here")));
            }
        }
        Ok(())
    }

    /// What may be required and is not written here.
    fn nothing_else(&self) -> Result<(), DocumentError> {
        let is_true = |key: &str| Ok::<_, DocumentError>(self.view.get(&self.entries, key)? == Value::Boolean(true));
        if self.requires(required::LEGAL_ATTESTATION) && self.entries.contains("LegalAttestation") {
            return Err(self.refused("LegalAttestation", self.texts("LegalAttestation")?.join("; ")));
        }
        if self.requires(required::REVOCATION_DATA) && is_true("AddRevInfo")? {
            return Err(self.refused("AddRevInfo", "revocation data within the signature".to_owned()));
        }
        let lock = self.view.get(&self.entries, "LockDocument")?;
        if self.requires(required::LOCK_DOCUMENT) && lock.is_name("true") {
            return Err(self.refused("LockDocument", "that the document be locked".to_owned()));
        }
        if self.requires(required::APPEARANCE) && self.entries.contains("AppearanceFilter") {
            let wanted = self.view.get(&self.entries, "AppearanceFilter")?;
            return Err(self.refused("AppearanceFilter", wanted.as_string().map(text).unwrap_or_default()));
        }
        Ok(())
    }
}
