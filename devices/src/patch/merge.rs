//! Where patches go. Source: spec 15, section 4, step 5.

use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{Key, Message, Value};

use super::change;

/// The message with a value merged into what lies at a path.
pub(super) async fn into(
    context: &Context,
    message: Message,
    path: &[Key],
    value: Value,
) -> Result<Message, CallError> {
    let Value::Map(change) = change(path, value) else {
        let reason = "only a map can be merged into the whole message";
        return Err(CallError::Raised(reason.into()));
    };
    Ok(opened(context, message, &change).await?.set(&change)?)
}

/// The message with those links loaded that a change writes into: a link is replaced as a whole,
/// what it leads to is merged.
async fn opened(
    context: &Context,
    mut message: Message,
    change: &Message,
) -> Result<Message, CallError> {
    for (key, value) in change {
        let (Value::Map(change), Some(known)) = (value, message.get_exact(key)) else { continue };
        if !matches!(known, Value::Link(_) | Value::Map(_)) {
            continue;
        }
        if let Value::Map(known) = context.load(known.clone()).await? {
            let opened = Box::pin(opened(context, known, change)).await?;
            message.insert(key.clone(), opened);
        }
    }
    Ok(message)
}
