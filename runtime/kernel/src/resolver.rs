//! Requests applied to messages, one after another. Source: spec 05, sections 3 to 6.
//!
//! ```text
//! steps ─► base, request, request …
//! each:    load ─► device ─► (shared with identical calls) ─► wrap ─► step hook ─► hashpath
//! ```

mod cache;
mod hook;
mod sharing;
mod start;

use bytes::Bytes;
use oxbeam_protocol::hashpath::Hashpath;
use oxbeam_protocol::path::{self, Request, Step};
use oxbeam_protocol::{Key, Message, Value};

pub(crate) use hook::Hooked;
pub(crate) use hook::handlers;
pub(crate) use hook::run as hook;
pub(crate) use sharing::Sharing;

use crate::context::Context;
use crate::device::{Call, function};
use crate::devices::{Found, IDENTITY};
use crate::error::CallError;
use crate::outcome::Outcome;

/// Where a message keeps the hashpath of how it was computed.
pub(crate) const HASHPATH: &str = "hashpath";

/// Evaluates a request with a path of its own.
pub(crate) async fn run(context: &Context, singleton: &Message) -> Result<Outcome, CallError> {
    let steps = path::parse(singleton)?;
    evaluate(context, &steps).await
}

/// Takes steps one after another; the first that has no result ends them.
pub(crate) async fn evaluate(context: &Context, steps: &[Step]) -> Result<Outcome, CallError> {
    let Some((base, requests)) = steps.split_first() else {
        return Err(CallError::Raised("the path is empty".into()));
    };
    let mut value = match start::base(context, base, requests.is_empty()).await?.into_result() {
        Ok(value) => value,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(first) = requests.first() {
        cache::check(base, &value, first)?;
    }
    for step in requests {
        match take(context, value, step).await?.into_result() {
            Ok(next) => value = next,
            Err(outcome) => return Ok(outcome),
        }
    }
    Ok(Outcome::ok(value))
}

/// Takes one step on a value.
async fn take(context: &Context, value: Value, step: &Step) -> Result<Outcome, CallError> {
    match step {
        Step::Id(text) => resolve(context, value, with_path(Message::new(), text.clone())).await,
        Step::Request(request) => match evaluated(context, request).await? {
            Ok(request) => resolve(context, value, request).await,
            Err(outcome) => Ok(outcome),
        },
        Step::As { device, request } => match evaluated(context, request).await? {
            Ok(request) => start::switch(context, value, device, request).await,
            Err(outcome) => Ok(outcome),
        },
        Step::SubPath(steps) if matches!(**steps, [Step::As { .. }]) => {
            // A message to be run as a device has no result: it is the step itself.
            let step = steps.first().unwrap_or(step);
            Box::pin(take(&context.inner()?, value, step)).await
        }
        Step::SubPath(steps) => {
            let result = Box::pin(evaluate(&context.inner()?, steps)).await?;
            match result.into_result() {
                Ok(Value::Map(request)) => resolve(context, value, request).await,
                Ok(path) => resolve(context, value, Message::new().with("path", path)).await,
                Err(outcome) => Ok(outcome),
            }
        }
    }
}

/// A request with the results of its sub-paths in place. The outcome of one that has none.
async fn evaluated(
    context: &Context,
    request: &Request,
) -> Result<Result<Message, Outcome>, CallError> {
    let mut message = request.message.clone();
    for (key, steps) in &request.pending {
        let outcome = Box::pin(evaluate(&context.inner()?, steps)).await?;
        match outcome.into_result() {
            Ok(value) => drop(message.insert(key.clone(), value)),
            Err(outcome) => return Ok(Err(outcome)),
        }
    }
    Ok(Ok(message))
}

/// Resolves each component of a request's path on the result of the one before.
pub(crate) async fn resolve(
    context: &Context,
    base: Value,
    request: Message,
) -> Result<Outcome, CallError> {
    let keys = keys(context, &request).await?;
    let [key] = keys.as_slice() else {
        let mut value = base;
        for key in keys {
            let request = with_path(request.clone(), key.to_bytes());
            match apply(context, value, key, request).await?.into_result() {
                Ok(next) => value = next,
                Err(outcome) => return Ok(outcome),
            }
        }
        return Ok(Outcome::ok(value));
    };
    apply(context, base, key.clone(), request).await
}

/// The components of a request's path. None, if it is a slash alone.
async fn keys(context: &Context, request: &Message) -> Result<Vec<Key>, CallError> {
    let no_path = || CallError::Raised("the request has no path".into());
    let components = |text: &Bytes| -> Vec<Key> {
        let parts = text.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        parts.map(|part| text.slice_ref(part).into()).collect()
    };
    match context.get(request, "path").await?.ok_or_else(no_path)? {
        Value::Bytes(text) if text.is_empty() => Err(no_path()),
        Value::Bytes(text) => Ok(components(&text)),
        Value::Integer(number) => Ok(vec![number.to_string().into()]),
        Value::Atom(atom) => Ok(vec![atom.name().clone().into()]),
        Value::List(list) => {
            let parts = list.iter().map(|part| part.as_name().map(components));
            let parts: Option<Vec<_>> = parts.collect();
            Ok(parts.ok_or_else(no_path)?.concat())
        }
        Value::Map(_) | Value::Link(_) | Value::Float(_) => {
            Err(CallError::Raised("the path of a request is text".into()))
        }
    }
}

fn with_path(request: Message, path: Bytes) -> Message {
    request.with("path", Value::Bytes(path))
}

/// One step: the device of the base answers a key.
async fn apply(
    context: &Context,
    base: Value,
    key: Key,
    request: Message,
) -> Result<Outcome, CallError> {
    context.spend(1)?;
    let Value::Map(base) = start::loaded(context, base).await? else {
        return Ok(Outcome::not_found());
    };
    let base = start::with_device_loaded(context, base).await?;
    let found = context.node().devices().of(&base, &function(&key))?;
    if !context.may_ask(found.name()) {
        return Err(CallError::NoDevice { name: found.name().into() });
    }
    let call = Call { key, base, request, context: context.clone() };
    let (base, request) = (call.base.clone(), call.request.clone());
    let outcome = traced(found, call).await?;
    let outcome = if context.mode().wrap {
        // What a link leads to is the result, not the link.
        wrapped(Outcome { value: context.load(outcome.value).await?, ..outcome })
    } else {
        outcome
    };
    let outcome = hook::step(context, &base, &request, outcome).await?;
    linked(context, &base, &request, outcome)
}

/// Calls a device, as a part of the request's trace.
async fn traced(found: Found<'_>, mut call: Call) -> Result<Outcome, CallError> {
    // What `message@1.0` answers to a device is looked up, and no work to speak of.
    if call.context.is_nested() && found.name() == IDENTITY {
        return sharing::call(found, call).await;
    }
    let mut span = call.context.trace().begin(found.name());
    span.set("oxbeam.key", || call.key.to_text().into_owned());
    call.context = call.context.traced(span.trace());
    let outcome = sharing::call(found, call).await;
    span.came_to(&outcome);
    outcome
}

/// A result with the hashpath of how it was computed; what is no result has none. Source: spec 04,
/// section 5.
fn linked(
    context: &Context,
    base: &Message,
    request: &Message,
    mut outcome: Outcome,
) -> Result<Outcome, CallError> {
    if let Value::Map(result) = &mut outcome.value {
        if outcome.status != crate::Status::Ok {
            result.remove_private(HASHPATH);
        } else if context.mode().hashpath {
            let hashpath = Hashpath::of_step(base, request)?.to_string();
            result.set_private(HASHPATH, hashpath);
        }
    }
    Ok(outcome)
}

/// What a hook makes of a result: it leaves no trace in how the result was computed. Source: spec 05,
/// section 9.
pub(crate) fn computed_as(result: &Value, mut shown: Value) -> Value {
    let hashpath = result.as_map().and_then(|result| result.private(HASHPATH));
    if let (Value::Map(shown), Some(hashpath)) = (&mut shown, hashpath) {
        shown.set_private(HASHPATH, hashpath.clone());
    }
    shown
}

/// A result as a message. Source: spec 02, section 10.3.
pub(crate) fn wrapped(outcome: Outcome) -> Outcome {
    let value = match outcome.value {
        Value::Map(message) => message,
        Value::List(list) => list.to_map(),
        literal => Message::new().with("ao-result", "body").with("body", literal),
    };
    Outcome { value: value.into(), ..outcome }
}
