//! `crashes`: panics of actors, those alike together.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_supervisor::CrashGroup;

use super::row::{id, millis};
use super::{Sight, integer, limit};

/// Groups of a page. There are no more than a realm remembers.
const MAX_GROUPS: usize = 256;
/// Longest stack that is shown, in bytes.
const MAX_STACK: usize = 16 << 10;

pub(super) async fn list(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    let limit = limit(&call.request, MAX_GROUPS)?;
    let node = call.context.node();
    let realm = node.realm().clone();
    // The names of a stack are looked up when it is shown.
    let shown = move || {
        let now = realm.now();
        let groups = realm.crashes().groups();
        let shown = groups.iter().take(limit).map(|group| {
            Value::from(
                row(group, sight)
                    .with("first-ago", millis(now.saturating_sub(group.first)))
                    .with("last-ago", millis(now.saturating_sub(group.last))),
            )
        });
        let crashes: List = shown.collect();
        Message::new().with("crashes", crashes).with("groups", integer(groups.len()))
    };
    Ok(Outcome::ok(node.pool().run("the crashes", shown).await?))
}

fn row(group: &CrashGroup, sight: Sight) -> Message {
    let crash = &group.latest;
    let mut shown = Message::new()
        .with("fingerprint", format!("{:016x}", group.fingerprint))
        .with("count", integer(group.count))
        .with("actor", id(crash.actor))
        .with("path", &*crash.path)
        .with("type", crash.kind)
        .with("life", integer(crash.incarnation))
        .with("place", crash.place.to_string())
        .with("queue", integer(crash.queued));
    if let Some(message) = crash.message {
        shown.insert("message", message);
    }
    if sight == Sight::All {
        let stack = crash.backtrace.to_string();
        let end = stack.floor_char_boundary(MAX_STACK);
        shown.insert("text", crash.text.clone());
        shown.insert("location", crash.location.clone());
        shown.insert("stack", stack.get(..end).unwrap_or_default());
    }
    shown
}
