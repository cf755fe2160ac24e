//! A call of a script's function: what it is given, and what it gives. Source: spec 14, section 3.

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Context, Outcome, Status};
use oxbeam_protocol::{Change, Message, Value};
use oxbeam_sandbox::lua::{self, LuaError};

use super::ao::Ao;
use super::error;
use super::fresh;
use super::script::{self, Script};

/// The words that a function can answer with.
const STATUSES: [&str; 10] = [
    "ok",
    "error",
    "failure",
    "skip",
    "pass",
    "created",
    "not_found",
    "unauthorized",
    "forbidden",
    "unavailable",
];

/// Calls the function that the call means. The script goes on with the message that it answers; it
/// ends with anything else.
pub(super) async fn run(call: Call, mut script: Box<Script>) -> Result<Outcome, CallError> {
    let asked = Asked::of(&call, script.last.take()).await?;
    script.vm.set_limits(fresh::limits(&call.context));
    let mut ao = Ao::new(&call.context, script.devices.as_deref());
    let Asked { function, arguments, context } = asked;
    if context.keep && script.vm.is_unsure() {
        script = match recalled(&call.context, script).await? {
            Ok(script) => script,
            Err(error) => return error::outcome(error),
        };
    }
    let results = script.vm.call(&function, arguments, context, &mut ao).await;
    script.called();
    let results = match results {
        Ok(results) => results,
        Err(error) => return error::outcome(error),
    };
    let (status, value) = answer(results)?;
    Ok(match value {
        Value::Map(message) => {
            script.last = Some(message.clone());
            let message = script::give(message.with_private_of(&call.base), script);
            Outcome { status, value: message.into() }
        }
        value => Outcome { status, value },
    })
}

/// A restored script that knows what it keeps. Its memory is copied where no request waits for it.
async fn recalled(
    context: &Context,
    script: Box<Script>,
) -> Result<Result<Box<Script>, LuaError>, CallError> {
    let forked = move || (script.vm.fork(), script);
    let (fork, mut script) = context.node().pool().run("lua", forked).await?;
    let recalled = match fork {
        Ok(fork) => script.vm.recall(fork).await,
        Err(error) => Err(error),
    };
    Ok(recalled.map(|()| script))
}

/// What is asked of a script.
struct Asked {
    function: Bytes,
    arguments: Vec<Value>,
    context: lua::Context,
}

impl Asked {
    async fn of(call: &Call, last: Option<Message>) -> Result<Self, CallError> {
        let Call { key, base, request, context } = call;
        let function = match chosen(context, base, request, "function").await? {
            None => key.to_bytes(),
            Some(Value::Bytes(function)) => function,
            Some(_) => return Err(CallError::Raised("function is no name".into())),
        };
        let parameters = chosen(context, base, request, "parameters").await?;
        // The table of a state stays with the script, so that what did not change is not written.
        let keep = parameters.is_none();
        let arguments = match parameters {
            Some(parameters) => listed(context.load_all(parameters).await?)?,
            None => vec![
                loaded(context, base, last.as_ref()).await?.into(),
                loaded(context, request, None).await?.into(),
                Message::new().into(),
            ],
        };
        let context = lua::Context { time: time(request), keep };
        Ok(Self { function, arguments, context })
    }
}

/// What the body of the request says, else the request, else the base.
async fn chosen(
    context: &Context,
    base: &Message,
    request: &Message,
    name: &str,
) -> Result<Option<Value>, CallError> {
    if let Some(Value::Map(body)) = context.get(request, "body").await?
        && let Some(value) = context.get(&body, name).await?
    {
        return Ok(Some(value));
    }
    match context.get(request, name).await? {
        Some(value) => Ok(Some(value)),
        None => context.get(base, name).await,
    }
}

/// Parameters in order.
fn listed(parameters: Value) -> Result<Vec<Value>, CallError> {
    let wrong = || CallError::Raised("parameters are a list".into());
    match parameters {
        Value::List(list) => Ok(list.to_vec()),
        // As lists come that were sent without their type.
        Value::Map(map) => {
            let numbered = (1..=map.len()).map(|number| map.get_exact(number.to_string()).cloned());
            numbered.collect::<Option<_>>().ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// A message with all that it links, without what the node keeps to itself.
async fn loaded(
    context: &Context,
    message: &Message,
    last: Option<&Message>,
) -> Result<Message, CallError> {
    let nothing = Message::new();
    let loaded = loaded_since(context, message, last.unwrap_or(&nothing)).await?;
    Ok(loaded.without_private())
}

/// A message with all that it links. What it has in common with one that came from a script has no
/// links, and is not looked at.
async fn loaded_since(
    context: &Context,
    message: &Message,
    last: &Message,
) -> Result<Message, CallError> {
    let mut whole = message.clone();
    for Change { key, before, after } in message.changes_since(last) {
        let Some(after) = after else { continue };
        let loaded = match (before, after) {
            (Some(Value::Map(before)), Value::Map(after)) => {
                Box::pin(loaded_since(context, after, before)).await?.into()
            }
            _ => context.load_all(after.clone()).await?,
        };
        if !shares(&loaded, after) {
            whole.insert(key.clone(), loaded);
        }
    }
    Ok(whole)
}

/// Whether two values are one, or hold nothing that could be a link.
fn shares(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Map(one), Value::Map(other)) => one.shares_with(other),
        (Value::List(one), Value::List(other)) => one.shares_with(other),
        (_, Value::Map(_) | Value::List(_) | Value::Link(_)) => false,
        _ => true,
    }
}

/// The time that a script is told: that of its assignment, in seconds since 1970. Never a clock's:
/// the same slot gives the same state wherever and whenever it is computed.
fn time(request: &Message) -> f64 {
    match request.get("timestamp") {
        Some(Value::Integer(millis)) => {
            u32::try_from(millis / 1000_i64).map_or(0.0, f64::from)
                + u32::try_from(millis % 1000_i64).map_or(0.0, f64::from) / 1000.0
        }
        _ => 0.0,
    }
}

/// A status and a value, of what a function returned.
fn answer(results: Vec<Value>) -> Result<(Status, Value), CallError> {
    let number = results.len();
    let mut results = results.into_iter();
    match (results.next(), results.next(), results.next()) {
        (Some(value), None, None) => Ok((Status::Ok, value)),
        (Some(status), Some(value), None) => Ok((word(&status)?, value)),
        _ => Err(CallError::Raised(format!(
            "a function returns a value, or a status and a value; this one returned {number} values"
        ))),
    }
}

fn word(status: &Value) -> Result<Status, CallError> {
    let known = STATUSES
        .into_iter()
        .find(|known| matches!(status, Value::Bytes(word) if word == known.as_bytes()));
    known.map(|word| Status::named(word.as_bytes())).ok_or_else(|| {
        CallError::Raised(format!("the first of two results is no status; it is one of {}", {
            STATUSES.join(", ")
        }))
    })
}

#[cfg(test)]
mod tests {
    use oxbeam_protocol::List;

    use super::*;

    #[test]
    fn time_is_told_in_seconds_with_their_fraction() {
        let at = |millis: i64| time(&Message::new().with("timestamp", millis));
        assert!((at(1_756_684_800_123) - 1_756_684_800.123).abs() < 1e-6);
        assert!((at(0)).abs() < f64::EPSILON);
        assert!(time(&Message::new()).abs() < f64::EPSILON);
    }

    #[test]
    fn parameters_are_a_list_or_numbered() {
        let list: List = [Value::from(1), Value::from(2)].into_iter().collect();
        assert_eq!(listed(list.clone().into()).unwrap(), list.to_vec());
        assert_eq!(listed(list.to_map().into()).unwrap(), list.to_vec());
        assert!(listed(Message::from([("x", "1")]).into()).is_err());
        assert!(listed(Value::from("1")).is_err());
    }
}
