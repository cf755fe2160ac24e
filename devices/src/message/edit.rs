//! Changed copies of a message. Source: spec 05, section 7.4, and spec 03, section 10.

use oxbeam_kernel::{Call, CallError, Context, Outcome};
use oxbeam_protocol::commitment::{COMMITMENTS, Commitment};
use oxbeam_protocol::{Key, List, Message, Value};

/// The message with the keys of the request set.
pub(super) async fn set(call: Call) -> Result<Outcome, CallError> {
    let base = with_merged_loaded(&call.context, call.base, &call.request).await?;
    Ok(Outcome::ok(base.set(&call.request)?))
}

/// The base with those nested messages at hand that keys of the request are merged into.
async fn with_merged_loaded(
    context: &Context,
    mut base: Message,
    request: &Message,
) -> Result<Message, CallError> {
    for (key, value) in request {
        let mut path = key.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        let (first, deeper) = (path.next().unwrap_or_default(), path.next().is_some());
        let merges = deeper || matches!(value, Value::Map(_));
        if let Some(link @ Value::Link(_)) = base.get_exact(first).filter(|_| merges) {
            let nested = context.load_all(link.clone()).await?;
            base.insert(Key::from(first.to_vec()), nested);
        }
    }
    Ok(base)
}

/// The message with another `path`. If somebody has signed the one it had, nobody has signed this.
pub(super) fn set_path(call: &Call) -> Result<Outcome, CallError> {
    let no_value = || CallError::Raised("set-path needs a value".into());
    let value = call.request.get("value").ok_or_else(no_value)?;
    let mut base = call.base.clone();
    let before = match value {
        Value::Atom(atom) if atom.name() == "unset" => base.remove("path"),
        value => base.insert("path", value.clone()),
    };
    let is_committed =
        || Commitment::all(&call.base).any(|one| one.committed().iter().any(|key| *key == "path"));
    if before.as_ref() != base.get_exact("path") && is_committed() {
        base.remove(COMMITMENTS);
    }
    Ok(Outcome::ok(base))
}

/// The message without the keys that the request names.
pub(super) async fn remove(call: Call) -> Result<Outcome, CallError> {
    let items = match call.context.get(&call.request, "item").await? {
        Some(item) => List::from_iter([item]),
        None => match call.context.get(&call.request, "items").await? {
            Some(items) => List::try_from(items).map_err(|_| unclear())?,
            None => return Err(unclear()),
        },
    };
    let mut base = call.base;
    for item in &items {
        match item {
            // A bare word of a URL is an atom, and no key.
            Value::Atom(_) => {}
            item => drop(base.remove(item.as_bytes().ok_or_else(unclear)?)),
        }
    }
    Ok(Outcome::ok(base))
}

fn unclear() -> CallError {
    CallError::Raised("remove needs an item, which is a key, or a list of items".into())
}
