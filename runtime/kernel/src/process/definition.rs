//! What a process is: its definition, and the state it begins with. Source: spec 10, sections 2 and 3.

use oxbeam_protocol::commitment;
use oxbeam_protocol::{Id, Message, Value};

use crate::addresses::addresses;
use crate::context::Context;
use crate::error::CallError;

/// The id of the process that a message defines, or is a state of.
///
/// # Errors
/// A message that cannot be written.
pub async fn process_id(context: &Context, base: &Message) -> Result<Id, CallError> {
    match context.get(base, "process").await? {
        Some(Value::Map(definition)) => Ok(commitment::signed_id(&definition.into())?),
        _ => Ok(commitment::signed_id(&base.clone().into())?),
    }
}

/// The definition of a process, whole, with the commitments that make its id.
pub(crate) async fn read(context: &Context, process: Id) -> Result<Message, CallError> {
    let missing = || CallError::Missing { id: process.to_string() };
    let known = context.node().contents()?.read_named(process).await?.ok_or_else(missing)?;
    let Value::Map(known) = context.load_all(known).await? else { return Err(missing()) };
    Ok(commitment::only_committed(&known))
}

/// The addresses that may schedule a process, as its definition says.
pub(super) fn schedulers(definition: &Message) -> Vec<String> {
    let said = definition.get("scheduler").or_else(|| definition.get("scheduler-location"));
    said.map(addresses).unwrap_or_default()
}

/// The state before the execution device has seen it.
pub(super) fn first_state(definition: Message) -> Message {
    definition.clone().without(&["commitments"]).with("process", definition)
}
