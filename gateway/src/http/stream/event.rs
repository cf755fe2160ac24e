//! Events as they are written. Source: WHATWG HTML, section 9.2.5.

use bytes::Bytes;
use oxbeam_protocol::codec::{Json, Links};
use oxbeam_protocol::{Message, NoContent};
use oxbeam_store::Slot;
use serde_json::json;

/// Says that the stream is still there.
pub(super) const STILL_THERE: Bytes = Bytes::from_static(b": still there\n\n");

/// The event of a slot. What JSON cannot hold is told instead of: a slot is never left out.
pub(super) fn of_slot(slot: Slot, about: &Message) -> Bytes {
    let written = Json { links: Links::Embed(&NoContent) }.encode(&about.clone().into());
    let data = written.unwrap_or_else(|error| {
        let reason = format!("this slot cannot be written as JSON: {error}");
        json!({ "slot": slot, "error": reason }).to_string()
    });
    format!("id: {slot}\ndata: {data}\n\n").into()
}

/// The event of a slot that has no result.
pub(super) fn of_failure(slot: Slot, status: u16, reason: &str) -> Bytes {
    let data = json!({ "slot": slot, "status": status, "reason": reason });
    format!("event: failed\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_json() {
        let about = Message::new().with("slot", 3).with("text", "two\nlines");
        let event = of_slot(3, &about);
        let event = std::str::from_utf8(&event).unwrap();
        assert_eq!(event.lines().count(), 3, "{event}");
        assert!(event.starts_with("id: 3\ndata: {") && event.contains("two\\nlines"), "{event}");
    }

    #[test]
    fn a_slot_of_bytes_is_told() {
        let event = of_slot(7, &Message::new().with("data", vec![0xff, 0xfe]));
        assert!(String::from_utf8_lossy(&event).contains("cannot be written as JSON"));
    }
}
