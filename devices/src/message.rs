//! `~message@1.0`: a message is a map of its keys. Every key that another device does not answer comes
//! here.
//!
//! | Key | Request | Answer |
//! |---|---|---|
//! | `keys` | | the public keys, in canonical order |
//! | `set` | any keys | the message with them: see [`oxbeam_protocol::Message::set`] |
//! | `set-path` | `value` | the message with another `path`; the atom `unset` removes it |
//! | `remove` | `item`, or `items` | the message without these keys |
//! | `id` | selectors | the id that the selected commitments give it |
//! | `committers` | | the addresses of its signers |
//! | `committed` | selectors, `raw` | the keys that all selected commitments cover |
//! | `verify` | selectors | whether the selected commitments hold |
//! | `commit` | see [`CommitRequest`](oxbeam_protocol::commitment::CommitRequest) | the message signed by the node, for its operator |
//! | `index` | | a page about the message |
//! | `info` | | what this device does |
//! | `get` | | an error: a key is asked for by its name |
//! | any other | | what the message holds under it |
//!
//! `id` to `commit` are about the message itself unless the request's `target` names another one:
//! see [`target`]. Source: spec 05, section 7.4, and spec 03, section 8.

mod edit;
mod index;
mod signed;
mod target;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, reply};
use oxbeam_protocol::{List, Message, Value};

pub(crate) use signed::commit_as;

/// The keys that have a meaning of their own.
const KEYS: [&str; 12] = [
    "commit",
    "committed",
    "committers",
    "get",
    "id",
    "index",
    "info",
    "keys",
    "remove",
    "set",
    "set-path",
    "verify",
];

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Identity;

impl Device for Identity {
    fn answers(&self, _: &str, _: &Message) -> bool {
        true
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "keys" => reply(Ok(keys(&call.base))),
            "set" => Box::pin(edit::set(call)),
            "set-path" => reply(edit::set_path(&call)),
            "remove" => Box::pin(edit::remove(call)),
            "id" => Box::pin(signed::id(call)),
            "committers" => Box::pin(signed::committers(call)),
            "committed" => Box::pin(signed::committed(call)),
            "verify" => Box::pin(signed::verify(call)),
            "commit" => Box::pin(signed::commit(call)),
            "index" => Box::pin(index::index(call)),
            "info" => reply(Ok(info())),
            "get" => reply(Err(CallError::Raised("a key is asked for by its name".into()))),
            _ => reply(Ok(held(&call))),
        }
    }
}

fn held(call: &Call) -> Outcome {
    match call.base.get(&call.key) {
        Some(value) => Outcome::ok(value.clone()),
        None => Outcome::not_found(),
    }
}

fn keys(base: &Message) -> Outcome {
    let keys = base.enumerate().into_iter().map(|(key, _)| Value::Bytes(key.to_bytes()));
    Outcome::ok(keys.collect::<List>())
}

fn info() -> Outcome {
    let keys: Value = KEYS.into_iter().map(Value::from_static).collect();
    let description = "A message is a map of its keys. Any other key answers what it holds.";
    Outcome::ok(Message::new().with("description", description).with("keys", keys))
}
