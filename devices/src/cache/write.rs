//! Writing, for those whom the node trusts with its disk. Source: spec 24, section 3.

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{Atom, Id, List, Message, Value};
use oxbeam_store::{ContentBatch, Persist, StoreError};

use super::read::DATA;
use crate::roles::{is_signed_by_one_of, vouched};

/// Keeps the bytes of `body` or, of type `batch`, those of each of its entries.
pub(super) async fn write(call: Call) -> Result<Outcome, CallError> {
    if !is_writer(&call).await? {
        return Ok(Outcome::refused(403, "Not authorized to write to the cache."));
    }
    let request = vouched(&call);
    let Some(body) = call.context.get(&request, "body").await? else {
        return Ok(Outcome::refused(400, "No body to write."));
    };
    let kind = call.context.get(&request, "type").await?;
    let is_kind = |name| kind.as_ref().is_some_and(|kind| kind.is_name(name));
    match body {
        Value::Bytes(bytes) if kind.is_none() || is_kind("single") => {
            let contents = call.context.node().contents()?;
            let id = contents.keep_bytes(bytes, Persist::Synced).await?;
            Ok(Outcome::ok(done().with("path", format!("{DATA}/{id}"))))
        }
        Value::Map(entries) if is_kind("batch") => write_all(&call, &entries).await,
        Value::List(entries) if is_kind("batch") => write_all(&call, &entries.to_map()).await,
        _ => Ok(Outcome::refused(400, "Invalid write type.")),
    }
}

async fn write_all(call: &Call, entries: &Message) -> Result<Outcome, CallError> {
    let mut bodies = Vec::with_capacity(entries.len());
    for (_, entry) in entries {
        bodies.push(match call.context.load(entry.clone()).await? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Map(entry) => match call.context.get(&entry, "body").await? {
                Some(Value::Bytes(bytes)) => Some(bytes),
                _ => None,
            },
            _ => None,
        });
    }
    // All of them or none.
    let Some(bodies) = bodies.into_iter().collect::<Option<Vec<Bytes>>>() else {
        return Ok(Outcome::refused(400, "Invalid write type."));
    };
    let contents = call.context.node().contents()?;
    let mut left = bodies.len();
    for bytes in bodies {
        left -= 1;
        // The last one syncs those before it.
        let persist = if left == 0 { Persist::Synced } else { Persist::Buffered };
        call.context.spend(1)?;
        contents.keep_bytes(bytes, persist).await?;
    }
    Ok(Outcome::ok(done()))
}

/// Makes `destination` lead to `source`.
pub(super) async fn link(call: Call) -> Result<Outcome, CallError> {
    if !is_writer(&call).await? {
        return Ok(Outcome::error(Atom::from_static("not_authorized")));
    }
    let request = vouched(&call);
    let path = |key| request.get(key).and_then(Value::as_name).and_then(as_path);
    let (Some(source), Some(destination)) = (path("source"), path("destination")) else {
        return Ok(Outcome::refused(400, "A link needs a source and a destination."));
    };
    if is_taken(&destination) {
        return Ok(Outcome::refused(400, "An id names what it is computed from, and no link."));
    }
    let batch = ContentBatch { links: vec![(destination, source)], ..ContentBatch::default() };
    match call.context.node().store()?.put_content(batch, Persist::Synced).await {
        Ok(()) => Ok(Outcome::ok(done())),
        Err(error @ StoreError::InvalidPath { .. }) => Ok(Outcome::refused(400, error.to_string())),
        Err(error) => Err(error.into()),
    }
}

fn as_path(text: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Whether the path begins with what names its content, so that it must not lead elsewhere.
fn is_taken(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    first == DATA || first.parse::<Id>().is_ok()
}

fn done() -> Message {
    Message::new().with("status", 200)
}

async fn is_writer(call: &Call) -> Result<bool, CallError> {
    let configured = &call.context.configuration().message;
    let writers = match call.context.get(configured, "cache_writers").await? {
        Some(writers) => List::try_from(writers).unwrap_or_default(),
        None => List::from_iter([Value::from(call.context.node().address())]),
    };
    Ok(is_signed_by_one_of(&call.context, &writers))
}
