//! Codes of an authenticator (RFC 6238): six digits, HMAC-SHA-1, steps of 30 seconds, as every authenticator takes them.

use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

pub(super) const DIGITS: usize = 6;
/// Bytes of a secret: as many as the hash has (RFC 4226 §4, R6).
pub(super) const SECRET: usize = 20;
/// Steps that a clock may be off to either side (RFC 6238 §5.2).
const SKEW: u16 = 1;
const ISSUER: &str = "eseal";

/// The step whose code this is, if it is one of now or its neighbours.
pub(super) fn step_of(secret: &[u8; SECRET], code: &str, seconds: u64) -> Option<u64> {
    totp(secret, "")?.check(code, seconds)
}

/// What an authenticator scans.
pub(super) fn uri(secret: &[u8; SECRET], account: &str) -> Option<Zeroizing<String>> {
    totp(secret, account)?.to_url().ok().map(Zeroizing::new)
}

/// What an authenticator shows at a moment.
#[cfg(test)]
pub(super) fn shown(secret: &[u8; SECRET], seconds: u64) -> String {
    totp(secret, "").expect("a secret").generate(seconds).to_string()
}

fn totp(secret: &[u8; SECRET], account: &str) -> Option<Totp> {
    let named = if account.is_empty() { "hosted key" } else { account };
    Builder::new()
        .with_secret(Secret::new_stack(*secret))
        .with_skew(SKEW)
        .with_account_name(named.replace(':', " "))
        .with_issuer(Some(ISSUER))
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238 Appendix B.
    const OF_THE_RFC: &[u8; SECRET] = b"12345678901234567890";

    /// The last six digits of the eight that are printed there.
    #[test]
    fn the_codes_of_the_rfc_are_those_of_their_steps() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(OF_THE_RFC, code, seconds), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_step_and_no_more() {
        let (code, at) = ("287082", 59);
        for seconds in [30, 59, 89] {
            assert_eq!(step_of(OF_THE_RFC, code, seconds), Some(at / 30), "{seconds}");
        }
        for seconds in [0, 29, 90, 1_000] {
            let steps_off = (seconds / 30_u64).abs_diff(at / 30);
            assert_eq!(step_of(OF_THE_RFC, code, seconds).is_some(), steps_off <= 1, "{seconds}");
        }
    }

    #[test]
    fn an_authenticator_is_told_the_secret_in_base32() {
        let uri = uri(OF_THE_RFC, "zhou: 1").expect("a URI");
        assert!(uri.starts_with("otpauth://totp/"), "{}", *uri);
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") && uri.contains("issuer=eseal"), "{}", *uri);
    }
}
