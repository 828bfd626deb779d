//! The rules that concern a path as a whole: names, policies, and usages of authorities.

use super::ChainError;
use super::policies::{self, PolicyDemand};
use crate::certificate::Certificate;
use crate::name_constraints::{NameFault, names_of};
use crate::oid::{ANY_EXTENDED_KEY_USAGE, Oid};

/// Whether a path, from the signer up to the root, is as its authorities and the caller demand. `budget` is the number of
/// comparisons of names that may still be made.
pub(super) fn check(path: &[Certificate], demand: &PolicyDemand, budget: &mut usize) -> Result<(), ChainError> {
    names(path, budget)?;
    policies::check(path, demand)
}

/// §6.1.3 b and c. Authorities that carry their own name over to a new key are not asked about it.
fn names(path: &[Certificate], budget: &mut usize) -> Result<(), ChainError> {
    for (place, authority) in path.iter().enumerate().skip(1) {
        let Some(constraints) = &authority.extensions().name_constraints else { continue };
        for (below, certificate) in path.iter().enumerate().take(place) {
            if below > 0 && certificate.is_self_issued() {
                continue;
            }
            let checked = names_of(certificate).and_then(|names| constraints.check(&names, budget));
            checked.map_err(|fault| told(fault, certificate, authority))?;
        }
    }
    Ok(())
}

fn told(fault: NameFault, certificate: &Certificate, authority: &Certificate) -> ChainError {
    let (subject, authority) = (certificate.subject(), authority.subject());
    match fault {
        NameFault::Outside(name) => ChainError::NameNotAllowed { subject, name, authority },
        NameFault::Unsupported(name) => ChainError::NameNotCompared { subject, name, authority },
        NameFault::Malformed(reason) => ChainError::NamesMalformed { subject, reason },
        NameFault::TooMany => ChainError::TooManyCertificates,
    }
}

/// Whether every authority in the path may certify for `usage`: one that lists usages lists this one, or any (RFC 5280 §4.2.1.12
/// says it of the certificate's own key; that it restricts those below is how authorities and other programs use it).
pub(super) fn authorities_allow(path: &[Certificate], usage: &Oid) -> Result<(), ChainError> {
    let allows = |one: &Certificate| one.has_eku(usage) || one.has_eku(&ANY_EXTENDED_KEY_USAGE);
    match path.iter().skip(1).find(|one| one.extensions().extended_usages.is_some() && !allows(one)) {
        Some(authority) => Err(ChainError::CaPurpose { subject: authority.subject() }),
        None => Ok(()),
    }
}

/// Whether every authority in the path may certify for at least one usage that the signer's certificate lists; one that lists
/// none, or any, claims nothing.
pub(super) fn authorities_allow_one(path: &[Certificate]) -> Result<(), ChainError> {
    let Some(usages) = path.first().and_then(|signer| signer.extensions().extended_usages.as_deref()) else {
        return Ok(());
    };
    if usages.is_empty() || usages.contains(&ANY_EXTENDED_KEY_USAGE) {
        return Ok(());
    }
    let mut refused = None;
    for usage in usages {
        match authorities_allow(path, usage) {
            Ok(()) => return Ok(()),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    refused.map_or(Ok(()), Err)
}
