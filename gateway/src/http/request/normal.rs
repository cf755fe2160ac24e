//! Keys that every request has, and those that it must not have. Source: spec 20, section 3, step 4.

use std::net::{IpAddr, SocketAddr};

use oxbeam_protocol::commitment::Commitment;
use oxbeam_protocol::path::PATH;
use oxbeam_protocol::{Message, Value};

use super::cookies;
use super::primitive::{Primitive, Received};
use super::wants::Wants;
use crate::http::refusal::Refusal;

/// Where a message keeps its cookies, and where a device finds them: in its private part.
const COOKIE: &str = "cookie";
/// With the same one, a write that is repeated gets the slot that it has.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The message with which the node is asked; `filtered` are keys that the configuration leaves out.
pub(super) fn message(
    mut message: Message,
    received: &Received,
    primitive: &Primitive,
    wants: &Wants,
    filtered: &[String],
) -> Result<Message, Refusal> {
    let path = path(&message, received, primitive)?;
    let accept = wants.accept.clone().unwrap_or_else(|| "*/*".into());
    unless_signed(&mut message, "content-length", |_| true);
    for key in filtered {
        unless_signed(&mut message, key, |_| true);
    }
    unless_signed(&mut message, "body", |body| body.as_bytes().is_some_and(|b| b.is_empty()));
    peer(&mut message, received, primitive);
    idempotency_key(&mut message, primitive);
    message.remove(COOKIE);
    if let Some(header) = received.headers.get(COOKIE.as_bytes()) {
        message.set_private(COOKIE, cookies::read(header));
    }
    Ok(message
        .with("method", received.method.clone())
        .with(PATH, path)
        .with("accept", accept)
        .with("accept-bundle", wants.bundle_key()))
}

/// The message's own path, else one among headers and query, else that of the request line.
fn path(message: &Message, received: &Received, primitive: &Primitive) -> Result<Value, Refusal> {
    match message.get_exact(PATH) {
        Some(path @ Value::Bytes(_)) => Ok(path.clone()),
        Some(_) => Err(Refusal::Path),
        None => {
            let path = primitive.text("path");
            Ok(path.unwrap_or_else(|| received.target.clone()).into())
        }
    }
}

/// A header tells it in whatever form the message comes.
fn idempotency_key(message: &mut Message, primitive: &Primitive) {
    if let Some(key) = primitive.text(IDEMPOTENCY_KEY)
        && !message.contains(IDEMPOTENCY_KEY)
    {
        message.insert(IDEMPOTENCY_KEY, key);
    }
}

/// Removes a key, unless somebody signed it or it is to stay.
fn unless_signed(message: &mut Message, key: &str, goes: impl Fn(&Value) -> bool) {
    if message.get_exact(key).is_some_and(goes) && !is_signed(message, key) {
        message.remove(key);
    }
}

fn is_signed(message: &Message, key: &str) -> bool {
    Commitment::all(message).any(|one| one.committed().iter().any(|committed| *committed == key))
}

/// `ao-peer`: where a node that tells its port can be reached.
fn peer(message: &mut Message, received: &Received, primitive: &Primitive) {
    let port = primitive.text("ao-peer-port");
    unless_signed(message, "ao-peer-port", |_| true);
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::trim).map(str::to_owned);
    let Some(port) = port.and_then(|port| text(&port)?.parse::<u16>().ok()) else { return };
    let named = received.headers.get(b"x-real-ip".as_slice());
    let named = named.and_then(|ip| text(ip)?.parse::<IpAddr>().ok());
    if let Some(ip) = named.or(received.peer) {
        message.insert("ao-peer", SocketAddr::new(ip, port).to_string());
    }
}
