//! A page about a message: what the node is configured to show, or else a plain table of its keys.
//! Source: spec 20, section 9, and spec 24, section 11.

use std::borrow::Cow;
use std::fmt::Write;

use oxbeam_kernel::{Call, CallError, IDENTITY, Outcome};
use oxbeam_protocol::{Message, Value};

/// Most keys that the page shows.
const MAX_ROWS: usize = 256;
/// Most characters of a value that the page shows.
const MAX_TEXT: usize = 512;

/// What the configured `default_index` makes of the message: a device, or a message that is laid
/// over this one. The page of this file, if there is none or the node lacks its device.
pub(super) async fn index(call: Call) -> Result<Outcome, CallError> {
    let configuration = &call.context.configuration().message;
    let (base, path) = match call.context.get(configuration, "default_index").await? {
        Some(Value::Map(index)) => {
            let path = index.get("path").cloned();
            let mut base = call.base.clone();
            base.extend(index);
            (base, path)
        }
        Some(Value::Bytes(device)) => (call.base.clone().with("device", device), None),
        _ => return Ok(Outcome::ok(page(&call.base))),
    };
    let device = base.get("device").and_then(Value::as_bytes);
    let device = device.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or(IDENTITY);
    if device == IDENTITY || !call.context.node().devices().has(device) {
        return Ok(Outcome::ok(page(&call.base)));
    }
    let path = path.or_else(|| configuration.get("default_index_path").cloned());
    let path = path.unwrap_or_else(|| Value::from_static("index"));
    call.context.resolve(base, call.request.with("path", path)).await
}

/// The keys of a message as an HTML table.
fn page(message: &Message) -> Message {
    let mut rows = String::new();
    for (key, value) in message.ascending().into_iter().take(MAX_ROWS) {
        // Writing to a string does not fail.
        let _ =
            write!(rows, "<tr><th>{}</th><td>{}</td></tr>", escaped(&key.to_text()), cell(value));
    }
    let more = match message.len().saturating_sub(MAX_ROWS) {
        0 => String::new(),
        more => format!("<p>and {more} more</p>"),
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Message</title>\
         </head><body><h1>Message</h1><table>{rows}</table>{more}</body></html>"
    );
    Message::from([("content-type", "text/html"), ("body", body.as_str())])
}

fn cell(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => shortened(text),
            Err(_) => format!("{} bytes", bytes.len()),
        },
        Value::Link(link) => {
            let id = escaped(&String::from_utf8_lossy(link.text())).into_owned();
            format!("<a href=\"/{id}\">{id}</a>")
        }
        Value::Map(map) => format!("message of {} keys", map.len()),
        Value::List(list) => format!("list of {} values", list.len()),
        value => shortened(&format!("{value:?}")),
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_TEXT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escaped(&short).into_owned()
}

/// Text that HTML shows as it is.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_holds_is_never_markup() {
        let page = page(&Message::from([("<b>", "<script>alert('&')</script>")]));
        let body = page.get("body").unwrap().as_bytes().unwrap();
        let body = std::str::from_utf8(body).unwrap();
        assert!(
            body.contains("&lt;b&gt;") && body.contains("&lt;script&gt;alert(&#39;&amp;&#39;)")
        );
        assert!(!body.contains("<script>"), "{body}");
    }

    #[test]
    fn a_large_message_makes_a_small_page() {
        let many: Message =
            (0..1000).map(|number| (format!("key-{number}"), "x".repeat(5000))).collect();
        let page = page(&many);
        let body = page.get("body").unwrap().as_bytes().unwrap();
        assert!(body.len() < MAX_ROWS * (MAX_TEXT + 64), "{}", body.len());
        assert!(String::from_utf8_lossy(body).contains("and 744 more"));
    }
}
