//! Where patches come from. Source: spec 15, section 4, steps 1 to 3.

use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::commitment::COMMITMENTS;
use oxbeam_protocol::{Atom, Key, Message, Value};

use super::stored;

/// What is taken out of a source.
pub(super) struct Taken {
    /// What is moved.
    pub(super) taken: Value,
    /// What stays in its place, if anything does.
    pub(super) rest: Option<Value>,
}

/// What lies at a path.
pub(super) async fn find(
    context: &Context,
    message: &Message,
    path: &[Key],
) -> Result<Option<Value>, CallError> {
    let mut at = Value::Map(message.clone());
    for key in path {
        let Value::Map(message) = at else { return Ok(None) };
        let Some(value) = message.get(key) else { return Ok(None) };
        at = context.load(value.clone()).await?;
    }
    Ok(Some(at))
}

/// Takes the patches out of a source and merges them, in the order of their keys. A list of which
/// some are taken becomes a map, so that the others keep their numbers.
pub(super) async fn patches(context: &Context, source: Value) -> Result<Taken, CallError> {
    let entries: Vec<(Key, Value)> = match &source {
        Value::Map(map) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        Value::List(list) => (1..).map(Key::number).zip(list.iter().cloned()).collect(),
        _ => return Err(CallError::Raised("patch-from names no map and no list".into())),
    };
    let mut merged = Message::new();
    let mut rest = Message::new();
    let all = entries.len();
    for (key, entry) in entries {
        match patch(context, &entry).await? {
            Some(patch) => merged = merged.set(&patch.without(&["method"]))?,
            None => drop(rest.insert(key, entry)),
        }
    }
    let rest = if rest.len() == all {
        source
    } else {
        // Who signed the source signed what is gone from it.
        rest.remove(COMMITMENTS);
        rest.into()
    };
    Ok(Taken { taken: merged.into(), rest: Some(rest) })
}

/// An entry that is a patch, with all that it links.
async fn patch(context: &Context, entry: &Value) -> Result<Option<Message>, CallError> {
    let Value::Map(entry) = context.load(entry.clone()).await? else { return Ok(None) };
    let is = async |key, name| {
        let value = context.get(&entry, key).await?;
        Ok::<_, CallError>(value.is_some_and(|value| value.is_name(name)))
    };
    if !is("method", "PATCH").await? && !is("device", "patch@1.0").await? {
        return Ok(None);
    }
    match context.load_all(entry.into()).await? {
        Value::Map(patch) => Ok(Some(patch)),
        _ => Ok(None),
    }
}

/// The message with what lies at a path replaced or removed.
pub(super) async fn replaced(
    context: &Context,
    message: &Message,
    path: &[Key],
    value: Option<Value>,
) -> Result<Message, CallError> {
    let Some((first, rest)) = path.split_first() else { return Ok(message.clone()) };
    let key = stored(message, first);
    let value = match (rest, message.get_exact(&key)) {
        ([], _) => value.unwrap_or_else(|| Atom::from_static("unset").into()),
        (rest, Some(child)) => match context.load(child.clone()).await? {
            Value::Map(child) => Box::pin(replaced(context, &child, rest, value)).await?.into(),
            _ => return Ok(message.clone()),
        },
        (_, None) => return Ok(message.clone()),
    };
    let change = Message::new().with(key, value).with("set-mode", "explicit");
    Ok(message.set(&change)?)
}
