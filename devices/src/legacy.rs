//! Messages in the JSON of the legacy network. Source: spec 13, section 6.1.

use oxbeam_kernel::CallError;
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::commitment::{ANS104, Commitment, signed_id};
use oxbeam_protocol::{List, Message, Value, base64};
use serde_json::{Value as Json, json};

/// Keys with a place of their own; all others are tags.
const NOT_TAGS: [&str; 7] = ["id", "anchor", "owner", "data", "target", "signature", "commitments"];
/// Length of an RSA signature that is given as bytes.
const RAW_SIGNATURE: usize = 512;

/// The form's media type.
pub(crate) const MEDIA_TYPE: &str = "application/aos-2";

/// Whether a client asks for the legacy form.
pub(crate) fn is_wanted(request: &Message) -> bool {
    let Some(accept) = request.get("accept").and_then(Value::as_name) else { return false };
    let accept = String::from_utf8_lossy(accept).to_ascii_lowercase().replace("%2f", "/");
    accept.split([',', ';']).any(|form| form.trim() == MEDIA_TYPE)
}

/// A message as legacy nodes write it.
///
/// # Errors
/// A message that cannot be written, or holds text that is not UTF-8.
pub(crate) fn message(message: &Message) -> Result<Json, CallError> {
    let owner = Commitment::all(message).find_map(|one| one.committer());
    let owner = owner.map(|owner| text(owner)).transpose()?.unwrap_or_default();
    let field = |key: &str| match message.get(key) {
        Some(value) => value.as_name().map(|value| text(value)).transpose(),
        None => Ok(None),
    };
    let from = field("from-process")?.unwrap_or_else(|| owner.clone());
    Ok(json!({
        "Id": signed_id(&message.clone().into())?.to_string(),
        "Anchor": field("anchor")?.unwrap_or_default(),
        "Owner": owner,
        "From": from,
        "Tags": tags(message)?,
        "Target": field("target")?.unwrap_or_default(),
        "Data": field("data")?.unwrap_or_default(),
        "Signature": signature(message)?,
    }))
}

fn signature(message: &Message) -> Result<String, CallError> {
    match message.get("signature").and_then(Value::as_name) {
        Some(raw) if raw.len() == RAW_SIGNATURE => Ok(base64::encode_url(raw)),
        Some(signature) => text(signature),
        None => Ok(String::new()),
    }
}

/// The tags of the item that the message came as, or else its flat keys.
fn tags(message: &Message) -> Result<Vec<Json>, CallError> {
    if let Some(tags) = original_tags(message) {
        return tags.iter().filter_map(Value::as_map).map(original_tag).collect();
    }
    let written = Structured { links: Links::Discard }.encode(&message.clone().into())?;
    let Value::Map(written) = written else { return Ok(Vec::new()) };
    let tags = written.iter().filter(|(key, _)| !NOT_TAGS.iter().any(|name| **key == **name));
    let tags = tags.filter_map(|(key, value)| Some((key, value.as_bytes()?)));
    tags.map(|(key, value)| Ok(tag(&header_case(&text(key.as_bytes())?), &text(value)?))).collect()
}

fn original_tags(message: &Message) -> Option<List> {
    let mut items =
        Commitment::all(message).filter(|one| one.device().is_some_and(|device| device == ANS104));
    let tags = items.find_map(|one| one.fields.get_exact("original-tags"))?;
    List::try_from(tags.clone()).ok()
}

fn original_tag(tag_of_item: &Message) -> Result<Json, CallError> {
    let part = |key| match tag_of_item.get_exact(key).and_then(Value::as_name) {
        Some(part) => text(part),
        None => Ok(String::new()),
    };
    Ok(tag(&part("name")?, &part("value")?))
}

fn tag(name: &str, value: &str) -> Json {
    json!({ "name": name, "value": value })
}

/// `from-process` as `From-Process`.
fn header_case(key: &str) -> String {
    let words = key.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join("-")
}

fn text(bytes: &[u8]) -> Result<String, CallError> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| {
        CallError::Raised("the message holds bytes that are no text, and JSON has only text".into())
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_tags_in_header_case() {
        let written = message(
            &Message::new()
                .with("target", "T")
                .with("data", "D")
                .with("from-process", "P")
                .with("n", 5)
                .with("nested", Message::from([("a", "b")])),
        )
        .unwrap();
        assert_eq!(written["Target"], "T");
        assert_eq!(written["Data"], "D");
        assert_eq!(written["From"], "P");
        assert_eq!(written["Owner"], "");
        let names: Vec<_> =
            written["Tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
        assert_eq!(names, ["Ao-Types", "From-Process", "N", "Nested+link"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        assert!(message(&Message::new().with("data", vec![0xff])).is_err());
    }
}
