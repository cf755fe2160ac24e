//! `~local-name@1.0`: names that the node's admin gives to values, for this node alone.
//!
//! | Key                     | Of the request | Answer                                     |
//! |-------------------------|----------------|--------------------------------------------|
//! | `lookup`                | `key`          | what the name leads to                     |
//! | `register`              | `key`, `value` | names the value; for an admin of the node  |
//! | `keys`, `set`           |                | as those of `message@1.0`                  |
//! | any other               |                | what the name leads to                     |
//!
//! Names lie in the store's table of them, each with its value encoded, a message with all that it
//! links. Who registers a name again replaces its value. Source: spec 24, section 1.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Device, Node, Outcome, Reply, record};
use oxbeam_protocol::{Message, Value};
use oxbeam_store::{Change, Persist, StoreError, Table};

use crate::roles;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct LocalName;

impl Device for LocalName {
    fn answers(&self, function: &str, _: &Message) -> bool {
        !matches!(function, "keys" | "set")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        match call.function().as_str() {
            "register" => Box::pin(register(call)),
            "lookup" => Box::pin(lookup(call)),
            _ => Box::pin(async move { answer(call.context.node(), call.key.to_bytes()).await }),
        }
    }
}

async fn lookup(call: Call) -> Result<Outcome, CallError> {
    let key = call.context.get(&call.request, "key").await?;
    match key.as_ref().and_then(Value::as_name) {
        Some(name) => answer(call.context.node(), name.clone()).await,
        None => Ok(Outcome::refused(400, "There is no key to look up.")),
    }
}

async fn answer(node: &Node, name: Bytes) -> Result<Outcome, CallError> {
    let named = Named::read(node, name).await?;
    Ok(named.value.map_or_else(Outcome::not_found, Outcome::ok))
}

async fn register(call: Call) -> Result<Outcome, CallError> {
    if !roles::is_admin(&call.context) {
        let report = Message::new().with("status", 403).with("message", "Unauthorized.");
        return Ok(Outcome::error(report));
    }
    // What nobody signed must not choose the name or what it leads to.
    let asked = roles::vouched(&call);
    let key = call.context.get(&asked, "key").await?;
    let (Some(name), Some(value)) = (key.as_ref().and_then(Value::as_name), asked.get("value"))
    else {
        return Ok(Outcome::refused(400, "A name needs a key and a value."));
    };
    let value = call.context.load_all(value.clone()).await?;
    put(call.context.node(), name.clone(), &value, None).await?;
    Ok(Outcome::ok("Registered."))
}

/// What a name leads to just now.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) value: Option<Value>,
    /// Counts what the name has led to.
    version: u64,
    name: Bytes,
}

impl Named {
    pub(crate) async fn read(node: &Node, name: Bytes) -> Result<Self, CallError> {
        let kept = node.store()?.value(Table::Names, name.clone()).await?;
        let value = kept.value.map(|bytes| record::decode(&bytes)).transpose()?;
        Ok(Self { value, version: kept.version, name })
    }

    /// Lets the name lead to a value, unless somebody has changed it meanwhile. Answers whether it does.
    pub(crate) async fn replace(self, node: &Node, value: &Value) -> Result<bool, CallError> {
        match put(node, self.name, value, Some(self.version)).await {
            Err(CallError::Store(StoreError::Conflict { .. })) => Ok(false),
            done => done.map(|()| true),
        }
    }
}

async fn put(
    node: &Node,
    name: Bytes,
    value: &Value,
    expected: Option<u64>,
) -> Result<(), CallError> {
    let change = Change { name, expected, value: Some(record::encode(value)?) };
    node.store()?.change(Table::Names, vec![change], Persist::Synced).await?;
    Ok(())
}
