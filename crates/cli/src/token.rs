//! What a token of an outside issuer says of a person: for showing, never for deciding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eseal_kernel::Timestamp;
use serde_json::Value;

use crate::session::Session;

/// Where issuers put roles: our own way, and Keycloak's.
const ROLES: [&str; 2] = ["/roles", "/realm_access/roles"];
/// Where they put the organization.
const ORGANIZATION: [&str; 2] = ["/org", "/uscc"];

/// A text that is no token that anybody could use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// Not three parts, or the middle one has no claims.
    #[error("this is no JWT")]
    Form,
    /// It says nobody, or no end.
    #[error("the token does not say whose it is and until when (sub, exp)")]
    Claims,
}

/// The session that the token makes.
///
/// # Errors
/// [`NoToken`].
pub fn session(token: &str) -> Result<Session, NoToken> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(NoToken::Form);
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| NoToken::Form)?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| NoToken::Form)?;
    let person = claims.get("sub").and_then(Value::as_str).ok_or(NoToken::Claims)?;
    let ends = claims.get("exp").and_then(Value::as_f64).ok_or(NoToken::Claims)?;
    let roles = ROLES.iter().find_map(|path| claims.pointer(path)?.as_array());
    let roles = roles.into_iter().flatten().filter_map(Value::as_str).map(printable).collect();
    let organization = ORGANIZATION.iter().find_map(|path| claims.pointer(path)?.as_str());
    Ok(Session {
        token: token.to_owned(),
        person_id: printable(person),
        roles,
        uscc: organization.map(printable).unwrap_or_default(),
        // A float beyond the range becomes its end.
        expires_at: Timestamp::from_seconds(ends as i64).to_string(),
    })
}

/// A terminal does what control characters tell it to, and a token may come from anywhere.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_tells_who_with_what_roles_and_until_when() {
        let keycloak =
            r#"{"sub":"p1","exp":1800000000,"realm_access":{"roles":["maker"]},"uscc":"91110000600037341L"}"#;
        let session = session(&token(keycloak)).expect("a session");
        assert_eq!((session.person_id.as_str(), session.roles), ("p1", vec!["maker".to_owned()]));
        assert_eq!(session.uscc, "91110000600037341L");
        assert_eq!(session.expires_at, "2027-01-15T08:00:00.000000Z");
    }

    #[test]
    fn what_is_no_token_is_refused_and_nothing_of_it_reaches_the_terminal_as_a_command() {
        for text in ["", "a.b", "a.b.c.d", "e30.!.x", "e30.e30"] {
            assert_eq!(session(text).err(), Some(NoToken::Form), "{text}");
        }
        assert_eq!(session(&token("{}")).err(), Some(NoToken::Claims));
        assert_eq!(session(&token(r#"{"sub":"p1"}"#)).err(), Some(NoToken::Claims));
        let coloured = session(&token(r#"{"sub":"p\u001b[31m1","exp":1}"#)).expect("a session");
        assert_eq!(coloured.person_id, "p[31m1");
    }
}
