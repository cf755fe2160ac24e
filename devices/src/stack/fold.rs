//! A stack whose devices answer one after another. Source: spec 15, section 2.1.

use num_bigint::BigInt;
use oxbeam_kernel::{Call, CallError, Outcome, Status};
use oxbeam_protocol::{Atom, Key, Message, Value};

use super::member::{self, PREFIXES};
use crate::read;

/// Passes of one run. The reference node has no limit, and a device that always asks for another
/// pass would never end.
const MAX_PASSES: u64 = 1000;
/// Longest error of a device that is told on, in characters.
const MAX_ERROR: usize = 1024;

/// What a device leaves to its stack.
enum Next {
    Device(Message),
    Pass(Message),
    End(Message),
    /// A value that is no message is the result of the stack.
    Result(Value),
}

/// Has each device answer the request on what the one before made of the base.
pub(super) async fn run(call: Call) -> Result<Outcome, CallError> {
    let mut state = call.base.set(&Message::from([("pass", 1)]))?;
    let (mut number, mut passes) = (1, 1);
    while let Some(member) = numbered(&call, &state, number).await? {
        match ask(&call, member, number).await? {
            Next::Result(value) => return Ok(Outcome::ok(value)),
            Next::Device(message) => (state, number) = (message, number + 1),
            Next::Pass(_) if passes == MAX_PASSES => {
                return Err(CallError::TooManyPasses { limit: MAX_PASSES });
            }
            Next::Pass(message) => {
                let pass = read::integer(&call.context, &message, "pass").await?;
                let pass = pass.unwrap_or_else(|| 1.into()) + 1;
                state = message.set(&Message::from([("pass", pass)]))?;
                (number, passes) = (1, passes + 1);
            }
            Next::End(message) => {
                state = message;
                break;
            }
        }
    }
    restored(&call.base, &state).map(Outcome::ok)
}

async fn numbered(
    call: &Call,
    state: &Message,
    number: usize,
) -> Result<Option<Message>, CallError> {
    let told = BigInt::from(number).into();
    member::of(&call.context, state, &Key::number(number), told).await
}

/// Asks one device.
async fn ask(call: &Call, member: Message, number: usize) -> Result<Next, CallError> {
    let outcome = call.context.resolve(member.clone(), call.request.clone()).await?;
    if outcome.is_not_found() {
        return Ok(Next::Device(member));
    }
    let value = call.context.load(outcome.value).await?;
    match (outcome.status, value) {
        (Status::Ok, Value::Map(message)) => Ok(Next::Device(message)),
        (Status::Ok, value) => Ok(Next::Result(value)),
        (Status::Pass, Value::Map(message)) => Ok(Next::Pass(message)),
        (Status::Skip, Value::Map(message)) => Ok(Next::End(message)),
        (status, value) => Err(failed(&member, number, &status, &value)),
    }
}

fn failed(member: &Message, number: usize, status: &Status, value: &Value) -> CallError {
    let name = |value: Option<&Value>| match value.and_then(Value::as_name) {
        Some(text) => String::from_utf8_lossy(text).chars().take(MAX_ERROR).collect(),
        None => "a message".to_owned(),
    };
    let said = match value {
        Value::Map(message) if message.contains("body") => message.get("body"),
        value => Some(value),
    };
    let device = name(member.get("device"));
    CallError::Raised(format!("device {number} of the stack, {device}: {status}: {}", name(said)))
}

/// The result with what belongs to the stack itself as it was before. The keys `previous-…` stay, as
/// they do on the reference node.
fn restored(base: &Message, result: &Message) -> Result<Message, CallError> {
    const UNSET: Atom = Atom::from_static("unset");
    let before = |key| base.get(key).cloned().unwrap_or_else(|| UNSET.into());
    let mut changes = Message::new()
        .with("device", before("device"))
        .with("device-key", UNSET)
        .with("device-stack-previous", UNSET)
        .with("pass", before("pass"));
    for prefix in PREFIXES {
        if let Some(previous) = result.get(prefix.previous) {
            changes.insert(prefix.key, previous.clone());
        }
    }
    Ok(result.set(&changes)?)
}
