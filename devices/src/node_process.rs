//! `~node-process@1.0`: processes of the node itself, by name.
//!
//! Any key but `keys` and `set` is a name, and the answer its process: `/NAME~node-process@1.0/now`. The
//! name leads to it as one of `~local-name@1.0`. One that leads nowhere, and that the option
//! `node_processes` has a definition for, is started, unless the request says `spawn=false`.
//!
//! ```text
//! definition, with this node as scheduler and authority ─► signed ─► kept ─► named ─► slot 0
//! ```
//!
//! A process that is named and has no slot yet gets it with the next request, so that a crash anywhere
//! in between leads to one process and not to two. Source: spec 24, section 4.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Context, Device, Outcome, Reply, addresses, as_asked};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, Key, List, Message, Value};
use oxbeam_store::Persist;

use crate::local_name::Named;
use crate::roles;

/// Who may give a process slots, and whose messages it believes.
const ROLES: [&str; 2] = ["scheduler", "authority"];

/// The device.
#[derive(Debug, Default)]
pub(crate) struct NodeProcess;

impl Device for NodeProcess {
    fn answers(&self, function: &str, _: &Message) -> bool {
        !matches!(function, "keys" | "set")
    }

    /// Two that ask for a process at once start one.
    fn group(&self, call: &Call) -> Option<Key> {
        may_spawn(call).then(|| call.key.clone())
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            let process = process(&call).await?;
            Ok(process.map_or_else(Outcome::not_found, Outcome::ok))
        })
    }
}

fn may_spawn(call: &Call) -> bool {
    !call.context.is_computing()
        && !call.request.get("spawn").is_some_and(|spawn| spawn.is_name("false"))
}

/// The process of the name that is called.
async fn process(call: &Call) -> Result<Option<Message>, CallError> {
    let (context, name) = (&call.context, call.key.to_bytes());
    let named = Named::read(context.node(), name.clone()).await?;
    if let Some(id) = named.value.as_ref().and_then(id_of) {
        return known(call, id).await;
    }
    let definition = match definition(context, &name).await? {
        Some(definition) if may_spawn(call) => definition,
        _ => return Ok(None),
    };
    let process = signed(context, definition).await?;
    let id = signed_id(&process.clone().into())?;
    let proven = context.node().authenticate(process.clone()).await?;
    context.node().contents()?.keep(&proven, Persist::Buffered).await?;
    if named.replace(context.node(), &id.to_string().into()).await? {
        schedule(context, &process).await?;
        return Ok(Some(process));
    }
    // An admin has given the name to something else meanwhile.
    let named = Named::read(context.node(), name).await?;
    match named.value.as_ref().and_then(id_of) {
        Some(id) => known(call, id).await,
        None => Ok(None),
    }
}

fn id_of(value: &Value) -> Option<Id> {
    Id::from_native_or_text(value.as_name()?).ok()
}

/// A process that has its name already.
async fn known(call: &Call, id: Id) -> Result<Option<Message>, CallError> {
    let node = call.context.node();
    let Some(Value::Map(process)) = node.contents()?.read_as(id).await? else { return Ok(None) };
    let is_started = node.head(id).await?.is_some();
    if !is_started && may_spawn(call) {
        let asked = as_asked(&node.contents()?, process.clone()).await?;
        if roles::is_of_node(node, &asked) {
            schedule(&call.context, &process).await?;
        }
    }
    Ok(Some(process))
}

/// What the operator has defined under a name.
async fn definition(context: &Context, name: &Bytes) -> Result<Option<Message>, CallError> {
    let all = context.get(&context.configuration().message, "node_processes").await?;
    let Some(Value::Map(all)) = all else { return Ok(None) };
    match all.get_exact(name) {
        Some(definition) => match context.load_all(definition.clone()).await? {
            Value::Map(definition) => Ok(Some(definition)),
            _ => Err(CallError::Raised("a definition in node_processes is no message".into())),
        },
        None => Ok(None),
    }
}

/// The definition as this node's: with its address behind those that it names, and its signature.
async fn signed(context: &Context, mut definition: Message) -> Result<Message, CallError> {
    let node = context.node();
    for role in ROLES {
        let mut all = definition.get(role).map(addresses).unwrap_or_default();
        all.retain(|address| address != node.address());
        all.push(node.address().to_owned());
        definition.insert(role, all.into_iter().map(Value::from).collect::<List>());
    }
    let codec = context.configuration().message.get("node_process_spawn_codec");
    let codec = codec.and_then(Value::as_name).cloned();
    node.sign(definition, codec).await
}

/// Gives the definition slot 0 of its process.
async fn schedule(context: &Context, process: &Message) -> Result<(), CallError> {
    let request = Message::from([("path", "schedule"), ("method", "POST")]);
    let request = request.with("body", process.clone());
    match context.quietly().resolve(process.clone(), request).await?.into_result() {
        Ok(_) => Ok(()),
        Err(refused) => {
            let reason = format!("a process of this node was not started: {:?}", refused.value);
            Err(CallError::Raised(reason))
        }
    }
}
