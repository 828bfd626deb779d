//! Trace contexts as they are stored: W3C `traceparent`.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The context that a `traceparent` names; none unless it is `00-<32 hex>-<16 hex>-<2 hex>`, lower case, with ids that
/// are not all zero (W3C Trace Context §3.2.2).
pub fn context_of(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (Some("00"), Some(trace), Some(span), Some(flags), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let trace = TraceId::from(u128::from_str_radix(hex(trace, 32)?, 16).ok()?);
    let span = SpanId::from(u64::from_str_radix(hex(span, 16)?, 16).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(hex(flags, 2)?, 16).ok()?);
    let context = SpanContext::new(trace, span, flags & TraceFlags::SAMPLED, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

/// Its `traceparent`; none for a context that names no span.
pub fn traceparent_of(context: &SpanContext) -> Option<String> {
    let text = || {
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags() & TraceFlags::SAMPLED)
    };
    context.is_valid().then(text)
}

fn hex(part: &str, length: usize) -> Option<&str> {
    let is_hex = part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_hex.then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_well_formed_traceparent_is_read_and_written_back() {
        for text in [GOOD, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"] {
            let context = context_of(text).expect("well-formed");
            assert!(context.is_remote());
            assert_eq!(context.is_sampled(), text.ends_with('1'));
            assert_eq!(traceparent_of(&context).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_malformed_traceparent_names_nothing() {
        let bad = [
            "",
            "00-0-0-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ];
        for text in bad {
            assert!(context_of(text).is_none(), "{text}");
        }
        assert_eq!(traceparent_of(&SpanContext::NONE), None);
    }
}
