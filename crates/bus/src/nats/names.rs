//! How things are called in NATS: streams, subjects, durables.

/// The stream with the events of `owner`: `ESEAL_APPLICATION`.
pub fn stream_name(owner: &str) -> String {
    format!("ESEAL_{}", owner.to_ascii_uppercase())
}

/// All subjects of `owner`: `eseal.application.v1.>`.
pub(crate) fn subjects(owner: &str) -> String {
    format!("eseal.{owner}.v1.>")
}

/// The subject of a kind of event: `eseal.application.v1.Approved` is published on `eseal.application.v1.approved`,
/// `…StepApproved` on `….step_approved`.
pub fn subject(owner: &str, kind: &str) -> String {
    let name = kind.rsplit('.').next().unwrap_or_default();
    let mut subject = format!("eseal.{owner}.v1.");
    for (i, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && i > 0 {
            subject.push('_');
        }
        subject.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
    }
    if name.is_empty() { subject + "_" } else { subject }
}

/// The durable by which `consumer` pulls the events of `owner`: `fabrication__from_application`.
pub fn durable_name(consumer: &str, owner: &str) -> String {
    format!("{consumer}__from_{owner}")
}

/// Whether a name can be part of those above: without spaces, dots and wildcards.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_in_snake_case() {
        let kinds = ["eseal.application.v1.Approved", "eseal.application.v1.StepApproved", "odd kind", ""];
        let subjects = kinds.map(|kind| subject("application", kind));
        assert_eq!(
            subjects,
            [
                "eseal.application.v1.approved",
                "eseal.application.v1.step_approved",
                "eseal.application.v1.odd_kind",
                "eseal.application.v1._"
            ]
        );
    }

    #[test]
    fn names_that_would_be_several_or_wild_are_not_plain() {
        assert!(is_plain("hosted_fabrication"));
        for name in ["", "a.b", "a b", "*", ">", "a>", "é"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
