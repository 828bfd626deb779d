//! Whom a certificate of ours is for.

use eseal_kernel::Uscc;

use crate::name;
use crate::oid;

/// Bytes of the longest text in a name that is written. RFC 5280 allows 64 characters, which Chinese names in UTF-8 exceed
/// as bytes.
const MAX_TEXT: usize = 256;

/// The subject of a certificate or of a request for one; the country is always CN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// CN: for a seal's certificate its code or name.
    pub common_name: String,
    /// The organization's code and name. O is the code followed at once by the name, as government seal certificates have it,
    /// and organizationIdentifier the code.
    pub organization: Option<(Uscc, String)>,
}

/// Why a text cannot stand in a certificate's subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name in a certificate has 1 to 256 bytes and no control characters")]
pub struct InvalidSubject;

impl Subject {
    /// A subject without an organization.
    pub fn named(common_name: &str) -> Self {
        Self { common_name: common_name.to_owned(), organization: None }
    }

    /// An organization's subject.
    pub fn of_organization(common_name: &str, code: Uscc, name: &str) -> Self {
        Self { common_name: common_name.to_owned(), organization: Some((code, name.to_owned())) }
    }

    /// The Name (RFC 5280 §4.1.2.6).
    pub(crate) fn to_der(&self) -> Result<Vec<u8>, InvalidSubject> {
        let organization = self.organization.as_ref().map(|(code, name)| (format!("{code}{name}"), code.as_str()));
        let mut attributes = vec![(oid::COUNTRY, "CN")];
        if let Some((name, code)) = &organization {
            attributes.push((oid::ORGANIZATION, name));
            attributes.push((oid::ORGANIZATION_IDENTIFIER, code));
        }
        attributes.push((oid::COMMON_NAME, &self.common_name));
        let fits = |text: &str| !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
        if attributes.iter().all(|(_, text)| fits(text)) { Ok(name::write(&attributes)) } else { Err(InvalidSubject) }
    }
}
