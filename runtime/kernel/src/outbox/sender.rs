//! Who sends: what is added to every message of a process. Source: spec 12, sections 5 and 6.

use oxbeam_protocol::commitment::{COMMITMENTS, Proven, unsigned_id};
use oxbeam_protocol::limits::MAX_DEPTH;
use oxbeam_protocol::{Atom, Id, Message, Value};

use crate::assignment::VARIANT;
use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;
use crate::process::definition;

/// A process as it signs its messages.
#[derive(Debug, Clone)]
pub struct Sender {
    process: Id,
    uncommitted: Id,
    base: Id,
    scheduler: Value,
    authority: Value,
}

impl Sender {
    /// A process as its definition says. Its state, which it may change, is not asked.
    ///
    /// # Errors
    /// [`CallError::Missing`]; a definition that cannot be written; errors of reading.
    pub async fn of(context: &Context, process: Id) -> Result<Self, CallError> {
        let definition = definition(context, process).await?;
        let without = definition.clone().without(&["authority", "scheduler"]);
        // What is not there goes by the name that the network's first runtime gives it.
        let missing = || Value::Atom(Atom::from_static("not_found"));
        let scheduler = definition.get("scheduler").cloned().unwrap_or_else(missing);
        let authority = definition.get("authority").cloned().unwrap_or_else(missing);
        let uncommitted = unsigned_id(&definition.into())?;
        Ok(Self { process, uncommitted, base: unsigned_id(&without.into())?, scheduler, authority })
    }

    /// An entry of its outbox as it is delivered, signed by this node.
    ///
    /// Receivers trust the node or not, by their `authority`; a node has one key, which signs
    /// whatever they ask for.
    ///
    /// The node vouches for what is nested in the entry: commitments that the process only claims
    /// are left out, and those that hold keep their messages as they were signed.
    ///
    /// # Errors
    /// A message that cannot be written or signed, or that nobody would believe.
    pub async fn sign(&self, node: &Node, entry: Message) -> Result<Proven, CallError> {
        let entry = node.prove_made(entry.without(&["commitments"])).await?;
        let signed = node.sign(self.complete(&entry), None).await?;
        node.authenticate(signed).await
    }

    fn complete(&self, entry: &Message) -> Message {
        lowercase(entry, MAX_DEPTH)
            .with("data-protocol", "ao")
            .with("variant", VARIANT)
            .with("type", "Message")
            .with("from-process", self.process.to_string())
            .with("from-uncommitted", self.uncommitted.to_string())
            .with("from-base", self.base.to_string())
            .with("from-scheduler", self.scheduler.clone())
            .with("from-authority", self.authority.clone())
    }
}

/// A message with its keys in lower case, through maps and not into lists or into messages that
/// somebody has signed, without what is private. Of two keys that become one, the one that was in lower
/// case stays.
fn lowercase(message: &Message, depth: usize) -> Message {
    let mut lower = Message::new();
    for (key, value) in message.iter() {
        let key = key.to_text().to_ascii_lowercase();
        let value = match value {
            // In another case they are a program's own.
            _ if is_claim(&key) => continue,
            Value::Map(nested) if depth > 0 && !nested.contains(COMMITMENTS) => {
                lowercase(nested, depth - 1).into()
            }
            value => value.clone(),
        };
        // In byte order, upper case comes first and is replaced.
        lower.insert(key, value);
    }
    lower
}

/// Whether a key would hold commitments. Those of a message that is lowered are gone already.
fn is_claim(key: &str) -> bool {
    COMMITMENTS == *key.strip_suffix("+link").unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lowered_through_maps_but_not_lists() {
        let list: Value = [Value::from(Message::from([("Name", "x")]))].into_iter().collect();
        let message = Message::new()
            .with("Data", Message::from([("Deep", "1")]))
            .with("Tags", list.clone())
            .with("A", "upper")
            .with("a", "lower");
        let expected = Message::new()
            .with("data", Message::from([("deep", "1")]))
            .with("tags", list)
            .with("a", "lower");
        assert_eq!(lowercase(&message, MAX_DEPTH), expected);
    }
}
