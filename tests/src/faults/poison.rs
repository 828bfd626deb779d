//! What does not belong on the bus.

use super::{GOES_ON, Scenario, Site};
use crate::load::Load;

pub(super) const MALFORMED: Scenario = Scenario {
    name: "poison",
    about: "a misconfigured producer with a service's own certificate publishes what is no event of it",
    may_refuse: false,
    inject: publish_nonsense,
};

/// The headers and the payload of a message.
type Nonsense<'a> = (&'a [(&'a str, &'a str)], &'a [u8]);

/// An id that no event has.
const STRANGER: &str = "0198c0de-0000-7000-8000-0000000000ff";

fn publish_nonsense(site: &mut Site, load: &Load) -> Result<(), String> {
    for owner in ["application", "fabrication", "authentication"] {
        let user = site.bus_user(owner)?;
        let subject = format!("eseal.{owner}.v1.approved");
        let source = format!("//eseal/{owner}");
        let kind = format!("eseal.{owner}.v1.Approved");
        let nonsense: [Nonsense<'_>; 4] = [
            // No CloudEvent at all.
            (&[], b"not an event"),
            // Of somebody else.
            (&[("ce-specversion", "1.0"), ("ce-source", "//eseal/verification"), ("ce-id", STRANGER)], b"{}"),
            // Half of an envelope.
            (&[("ce-specversion", "1.0"), ("ce-source", &source), ("ce-type", &kind), ("ce-id", STRANGER)], b"{}"),
            // A whole one whose hash is made up, at a place that is taken.
            (
                &[
                    ("ce-specversion", "1.0"),
                    ("ce-source", &source),
                    ("ce-type", &kind),
                    ("ce-id", STRANGER),
                    ("ce-subject", STRANGER),
                    ("ce-time", "2026-01-01T00:00:00.000000Z"),
                    ("ce-sequence", "1"),
                    ("ce-schemaversion", "1"),
                    ("ce-stream", "application-0198c0de-0000-7000-8000-0000000000ff"),
                    ("ce-actor", "reviewer:nobody"),
                    ("ce-correlationid", STRANGER),
                    ("ce-hash", "00000000000000000000000000000000000000000000000000000000000000ff"),
                    ("Eseal-Position", "1"),
                ],
                br#"{"applicationId":"none"}"#,
            ),
        ];
        for (headers, payload) in nonsense {
            site.platform().block_on(user.publish(&subject, headers, payload))?;
            *site.expected.foreign_messages.entry(owner).or_default() += 1;
            site.injected += 1;
            load.advances(1, GOES_ON).map_err(|why| format!("after nonsense of {owner}, {why}"))?;
        }
    }
    Ok(())
}
