//! Who sends: what is added to every message of a process. Source: spec 12, sections 5 and 6.

use oxbeam_protocol::commitment::{signed_id, unsigned_id};
use oxbeam_protocol::limits::MAX_DEPTH;
use oxbeam_protocol::{Atom, Id, Message, Value};

use crate::assignment::VARIANT;
use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;

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
    /// The process of a state, or of a definition.
    ///
    /// # Errors
    /// A definition that cannot be written; links that lead nowhere.
    pub async fn of(context: &Context, state: &Message) -> Result<Self, CallError> {
        let definition = match context.get(state, "process").await? {
            Some(Value::Map(definition)) => definition,
            _ => state.clone(),
        };
        let without = definition.clone().without(&["authority", "scheduler"]);
        let definition = Value::Map(definition);
        // What is not there goes by the name that the network's first runtime gives it.
        let missing = || Value::Atom(Atom::from_static("not_found"));
        let scheduler = context.get(state, "scheduler").await?.unwrap_or_else(missing);
        let authority = context.get(state, "authority").await?.unwrap_or_else(missing);
        Ok(Self {
            process: signed_id(&definition)?,
            uncommitted: unsigned_id(&definition)?,
            base: unsigned_id(&without.into())?,
            scheduler: context.load_all(scheduler).await?,
            authority: context.load_all(authority).await?,
        })
    }

    /// The process's id.
    #[must_use]
    pub const fn process(&self) -> Id {
        self.process
    }

    /// An entry of its outbox as it is delivered, signed by this node.
    ///
    /// Receivers trust the node or not, by their `authority`; a node has one key, which signs
    /// whatever they ask for.
    ///
    /// # Errors
    /// A message that cannot be written or signed.
    pub async fn sign(&self, node: &Node, entry: &Message) -> Result<Message, CallError> {
        node.sign(self.complete(entry), None).await
    }

    fn complete(&self, entry: &Message) -> Message {
        lowercase(entry, MAX_DEPTH)
            .without(&["commitments"])
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

/// A message with its keys in lower case, through maps and not into lists, without what is private.
/// Of two keys that become one, the one that was in lower case stays.
fn lowercase(message: &Message, depth: usize) -> Message {
    let mut lower = Message::new();
    for (key, value) in message.iter() {
        let value = match value {
            Value::Map(nested) if depth > 0 && *key != "commitments" => {
                lowercase(nested, depth - 1).into()
            }
            value => value.clone(),
        };
        // In byte order, upper case comes first and is replaced.
        lower.insert(key.to_text().to_ascii_lowercase(), value);
    }
    lower
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
