//! Changing the configuration. Source: spec 21, sections 2.3 and 3.

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, NodeMessage, Outcome};
use oxbeam_protocol::{Key, List, Message, Value};

use crate::made::{self, Orders};
use crate::roles::{NODE, is_admin_of, is_for_another_node, vouched};

/// Most changes that `node_history` shows: the first, and the last of the others.
const MAX_HISTORY: usize = 1000;

/// What is said of a change that was made before.
const REPEATED: &str = "This change was made before, and the configuration has been changed since. Sign it anew; if \
     the signature comes out the same, with a `nonce`.";

/// What is said of a message that was signed for something else.
const OTHER_PURPOSE: &str = "This was signed for something else: a change of the configuration has no `type`, `target`, \
     `data-protocol` or `variant`.";

/// What is said of a change that is for another node.
const OTHER_NODE: &str = "This change is for another node: its `node` is not this node's address.";

/// Keys of what operators sign for processes and schedulers, which no change has.
const OF_PROCESSES: [&str; 4] = ["type", "target", "data-protocol", "variant"];

/// Keys of every request, which say how it travelled.
const TRANSPORT: [&str; 17] = [
    "accept",
    "accept-bundle",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "commitments",
    "connection",
    "content-digest",
    "content-length",
    "content-type",
    "codec-device",
    "method",
    NODE,
    "origin",
    "path",
    "referer",
    "transfer-encoding",
];
/// Those that are options too, and so are meant if somebody has signed them.
const TRANSPORT_UNSIGNED: [&str; 2] = ["host", "user-agent"];

/// Under which private key the configuration holds the signatures of the change that made it.
const MADE_BY: &str = "made-by";

/// Sets the options that the request holds, if whoever sent it may. All of them or none.
///
/// A signed change is made once. Sent again right away it changes nothing, and is answered as it was
/// the first time: its sender may not have got the answer. Once there was another change it is
/// refused: it comes from somebody who has kept it.
pub(super) async fn change(orders: &Orders, call: &Call) -> Result<Outcome, CallError> {
    let node = call.context.node();
    let changes = changes(call);
    let signed = call.context.signed();
    let signatures = signed.as_ref().map(made::signatures).unwrap_or_default();
    let made_by: Bytes = signatures.iter().map(|id| id.to_string()).collect::<String>().into();
    let make = |now: &NodeMessage| changed(call, now, &changes, &made_by);
    // What is refused is not remembered: it was not made.
    if let Err(outcome) = make(&node.configuration()) {
        return Ok(outcome);
    }
    let Some(order) = orders.begin(node, &signatures).await? else {
        let now = node.configuration();
        let last = now.message.private(MADE_BY).and_then(Value::as_bytes);
        return match last == Some(&made_by) {
            true => orders.settle(node, &signatures).await.map(|()| done(&now)),
            false => Ok(Outcome::refused(409, REPEATED)),
        };
    };
    // What is in force now decides, not what was when the request came: a node is claimed once.
    match node.configure(make) {
        Ok(configuration) => order.made().await.map(|()| done(&configuration)),
        Err(outcome) => Ok(outcome),
    }
}

/// The configuration with these changes, or why they are not made.
fn changed(
    call: &Call,
    now: &NodeMessage,
    changes: &Message,
    made_by: &Bytes,
) -> Result<NodeMessage, Outcome> {
    if now.message.get("initialized").is_some_and(|word| word.is_name("permanent")) {
        return Err(refused(
            "The node message of this machine is already permanent. It cannot be changed.",
        ));
    }
    is_meant(call).map_err(refused)?;
    if !is_admin_of(&call.context, &now.message) {
        return Err(refused("Unauthorized"));
    }
    let mut changed = now.changed(changes).map_err(|error| refused(&error.to_string()))?;
    let history = with_entry(history(&now.message), changes.clone());
    changed.message.insert("node_history", history);
    changed.message.set_private(MADE_BY, made_by.clone());
    Ok(changed)
}

/// Whether what was signed can be meant as a change of this node's configuration. Operators sign other
/// things as well, and have other nodes: whoever has seen one of these could send it here. A change
/// need not say what it is for: those that are recorded do not.
fn is_meant(call: &Call) -> Result<(), &'static str> {
    let Some(signed) = call.context.signed() else { return Ok(()) };
    if is_for_another_node(&call.context, &signed) {
        return Err(OTHER_NODE);
    }
    match OF_PROCESSES.iter().any(|key| signed.contains(key)) {
        true => Err(OTHER_PURPOSE),
        false => Ok(()),
    }
}

fn refused(sentence: &str) -> Outcome {
    Outcome::refused(400, sentence)
}

fn done(configuration: &NodeMessage) -> Outcome {
    let updates = history(&configuration.message).len();
    let length = i64::try_from(updates).unwrap_or(i64::MAX);
    let body = format!("Node message updated. History: {updates}updates.");
    Outcome::ok(Message::new().with("body", body).with("history-length", length))
}

/// The options of the request. A signed one says nothing but what was signed.
fn changes(call: &Call) -> Message {
    let is_signed = call.context.signed().is_some();
    let mut changes = vouched(call);
    changes.retain(|key, _| {
        let is = |names: &[&str]| names.iter().any(|name| *key == *name);
        !is(&TRANSPORT) && (is_signed || !is(&TRANSPORT_UNSIGNED)) && !is_history(key)
    });
    changes.without_private()
}

/// The record of all changes is written by the node alone.
fn is_history(key: &Key) -> bool {
    key.to_text().replace('-', "_").eq_ignore_ascii_case("node_history")
}

fn history(configuration: &Message) -> List {
    configuration.get("node_history").and_then(Value::as_list).cloned().unwrap_or_default()
}

fn with_entry(mut history: List, entry: Message) -> List {
    let entries = history.make_mut();
    if entries.len() >= MAX_HISTORY {
        entries.remove(1);
    }
    entries.push(entry.into());
    history
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_keeps_its_first_and_its_last_entries() {
        let entry = |number: usize| Message::from([("n", number.to_string())]);
        let history = (0..MAX_HISTORY + 5)
            .fold(List::default(), |history, number| with_entry(history, entry(number)));
        assert_eq!(history.len(), MAX_HISTORY);
        assert_eq!(history[0], entry(0).into());
        assert_eq!(history[1], entry(6).into());
        assert_eq!(history[MAX_HISTORY - 1], entry(MAX_HISTORY + 4).into());
    }
}
