//! The node's hooks: messages that see requests, steps and responses. Source: spec 05, section 9,
//! and spec 21, section 5.

use oxbeam_protocol::{Message, Value};

use crate::context::Context;
use crate::error::CallError;
use crate::outcome::{Outcome, Status};

/// What the handlers of a hook made of its request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Hooked {
    /// There are none, or none had anything to say: the request as it was.
    Passed(Message),
    /// One ended it.
    Ended(Outcome),
}

/// Runs the handlers of a hook, each on what the one before made of the request.
pub(crate) async fn run(
    context: &Context,
    name: &str,
    mut request: Message,
) -> Result<Hooked, CallError> {
    for handler in handlers(context, name).await? {
        let input = request.clone();
        match handle(context, name, handler, request).await?.into_result() {
            Ok(Value::Map(output)) => request = output,
            // The handler wants its result to be ignored.
            Ok(_) => request = input,
            Err(outcome) => return Ok(Hooked::Ended(outcome)),
        }
    }
    Ok(Hooked::Passed(request))
}

/// The handlers of a hook: one message, or a list of them.
pub(crate) async fn handlers(context: &Context, name: &str) -> Result<Vec<Message>, CallError> {
    let on = context.get(&context.configuration().message, "on").await?;
    let Some(Value::Map(on)) = on else { return Ok(Vec::new()) };
    let numbered =
        |message: Message| message.keys().all(|key| key.as_bytes().iter().all(u8::is_ascii_digit));
    let all = match context.get(&on, name).await? {
        Some(Value::List(list)) => list.iter().cloned().collect(),
        Some(Value::Map(map)) if !map.is_empty() && numbered(map.clone()) => {
            map.ascending().into_iter().map(|(_, value)| value.clone()).collect()
        }
        Some(handler) => vec![handler],
        None => Vec::new(),
    };
    let mut handlers = Vec::with_capacity(all.len());
    for handler in all {
        match context.load(handler).await? {
            Value::Map(handler) => handlers.push(handler),
            _ => return Err(CallError::Raised(format!("a handler of hook {name} is no message"))),
        }
    }
    Ok(handlers)
}

/// Runs one handler. What it answers is a message or, where its result is to be ignored, none.
async fn handle(
    context: &Context,
    name: &str,
    handler: Message,
    request: Message,
) -> Result<Outcome, CallError> {
    let options = match context.get(&handler, "hook").await? {
        Some(Value::Map(options)) => options,
        _ => Message::new(),
    };
    let commits = options.get("commit-request").is_some_and(|commit| commit.is_name("true"));
    let path = handler.get("path").cloned().unwrap_or_else(|| name.into());
    let method = handler.get("method").cloned().unwrap_or_else(|| "GET".into());
    let mut request = request.with("path", path).with("method", method);
    let mut handler = handler;
    if commits {
        if !handler.contains("commitments") {
            handler = context.node().sign(handler, None).await?;
        }
        request = context.node().sign(request, None).await?;
    }
    let quiet = context.quietly().without_step_hook();
    let outcome = quiet.resolve(handler, request).await?;
    match options.get("result") {
        Some(result) if result.is_name("ignore") => Ok(Outcome::ok("")),
        Some(result) if result.is_name("error") => Ok(Outcome { status: Status::Error, ..outcome }),
        _ if outcome.is_ok() && !matches!(outcome.value, Value::Map(_)) => Ok(Outcome {
            status: Status::Failure,
            value: format!("hook {name} answers no message").into(),
        }),
        _ => Ok(outcome),
    }
}

/// Shows a step's outcome to the `step` hook, which may replace it.
pub(super) async fn step(
    context: &Context,
    base: &Message,
    request: &Message,
    outcome: Outcome,
) -> Result<Outcome, CallError> {
    let hooked = context.mode().step_hook
        && matches!(context.configuration().message.get("on"), Some(Value::Map(on)) if on.contains("step"));
    if !hooked {
        return Ok(outcome);
    }
    let seen = Message::new()
        .with("base", base.clone())
        .with("request", request.clone())
        .with("status", String::from_utf8_lossy(outcome.status.name()).into_owned())
        .with("body", outcome.value);
    match Box::pin(run(context, "step", seen)).await? {
        Hooked::Ended(outcome) => Ok(outcome),
        Hooked::Passed(seen) => {
            let status = seen.get("status").and_then(Value::as_name);
            let status = status.map_or(Status::Ok, |name| Status::named(name));
            let value = seen
                .get("body")
                .cloned()
                .ok_or_else(|| CallError::Raised("the step hook answers without a body".into()))?;
            Ok(Outcome { status, value })
        }
    }
}
