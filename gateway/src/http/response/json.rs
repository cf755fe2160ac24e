//! A message as JSON, with its scalars as headers besides. Source: spec 20, section 7, d.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::codec::{Json, Links, fits_header};
use oxbeam_protocol::{Message, Value};

use super::Reply;
use super::encode::encode;

/// Writes a message: with all that is nested in it, or with links.
pub(super) async fn write(
    node: &Arc<Node>,
    message: Message,
    status: u16,
    bundle: bool,
) -> Result<Reply, CallError> {
    let mut headers = headers(&message);
    headers.push(("codec-device".into(), "json@1.0".into()));
    headers.push(("content-type".into(), "application/json".into()));
    let write = |message: &Value, links: Links<'_>| Json { links }.encode(message);
    let text = encode(node, message, bundle, write).await?;
    Ok(Reply { status, headers, body: text.into() })
}

/// The scalars of a message; those that fit into no header are in the body alone.
fn headers(message: &Message) -> Vec<(Bytes, Bytes)> {
    let of_body = ["body", "data", "codec-device", "content-type"];
    let scalars = message.iter().filter(|(key, _)| of_body.iter().all(|name| **key != *name));
    let texts = scalars.filter_map(|(key, value)| Some((key, text(value)?)));
    let fitting = texts.filter(|(key, value)| fits_header(key, value));
    fitting.map(|(key, value)| (key.to_bytes(), value)).collect()
}

fn text(value: &Value) -> Option<Bytes> {
    Some(match value {
        Value::Bytes(text) => text.clone(),
        Value::Atom(atom) => atom.name().clone(),
        Value::Integer(integer) => integer.to_string().into(),
        Value::Float(float) => decimals(*float).into(),
        Value::List(_) | Value::Map(_) | Value::Link(_) => return None,
    })
}

/// A float with one to ten decimals.
fn decimals(float: f64) -> String {
    let text = format!("{float:.10}");
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_has_at_least_one_decimal() {
        assert_eq!(decimals(1.5), "1.5");
        assert_eq!(decimals(-2.0), "-2.0");
        assert_eq!(decimals(0.1 + 0.2), "0.3");
    }
}
