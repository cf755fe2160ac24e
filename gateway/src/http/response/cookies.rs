//! Cookies that an answer sets: the header `set-cookie`, once for each. Source: spec 25, section 5.

use bytes::Bytes;
use oxbeam_protocol::{Key, Message, Value};

/// Takes the cookies out of a message. They lie in its private part, or in a key that a device has
/// set; signed keys stay as well.
pub(super) fn take(message: &mut Message) -> Vec<Bytes> {
    let mut lines = Vec::new();
    if let Some(Value::Map(cookies)) = message.remove_private("cookie") {
        lines.extend(cookies.iter().filter_map(|(name, cookie)| line(name, cookie)));
    }
    match message.remove("set-cookie") {
        Some(Value::Bytes(text)) => lines.push(text),
        Some(Value::List(list)) => lines.extend(list.iter().filter_map(Value::as_bytes).cloned()),
        Some(Value::Map(cookies)) => {
            lines.extend(cookies.iter().filter_map(|(name, cookie)| line(name, cookie)));
        }
        _ => {}
    }
    if let Some(Value::Map(cookies)) = message.get_exact("cookie").cloned() {
        message.remove("cookie");
        lines.extend(cookies.iter().filter_map(|(name, cookie)| line(name, cookie)));
    }
    lines
}

/// `name="value"; attribute=value; flag`
fn line(name: &Key, cookie: &Value) -> Option<Bytes> {
    let (value, parts) = match cookie {
        Value::Bytes(value) => (value.clone(), Vec::new()),
        Value::Map(cookie) => (cookie.get("value")?.as_bytes()?.clone(), parts(cookie)),
        _ => return None,
    };
    let mut line = [name.as_bytes(), b"=\"", &value, b"\""].concat();
    for part in parts {
        line.extend_from_slice(b"; ");
        line.extend_from_slice(&part);
    }
    Some(line.into())
}

/// The attributes of a cookie, and then its flags.
fn parts(cookie: &Message) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    if let Some(Value::Map(attributes)) = cookie.get("attributes") {
        let texts = attributes.iter().filter_map(|(name, value)| Some((name, value.as_name()?)));
        parts.extend(texts.map(|(name, value)| [name.as_bytes(), b"=", value].concat()));
    }
    if let Some(Value::List(flags)) = cookie.get("flags") {
        parts.extend(flags.iter().filter_map(Value::as_name).map(|flag| flag.to_vec()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cookie_is_a_line_with_its_value_in_quotes() {
        let attributes = Message::from([("path", "/")]);
        let flags: Value = [Value::from("HttpOnly")].into_iter().collect();
        let cookie =
            Message::from([("value", "v")]).with("attributes", attributes).with("flags", flags);
        let mut message = Message::from([("a", "1")]);
        message.set_private("cookie", Message::from([("plain", "p")]).with("rich", cookie));
        assert_eq!(take(&mut message), [r#"plain="p""#, r#"rich="v"; path=/; HttpOnly"#]);
        assert!(take(&mut message).is_empty());
    }
}
