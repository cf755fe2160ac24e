//! What a step begins with: the base of a request, messages run as another device, links.

use bytes::Bytes;
use oxbeam_protocol::path::Step;
use oxbeam_protocol::{Id, Message, Value};

use super::{evaluate, evaluated, resolve};
use crate::context::Context;
use crate::error::CallError;
use crate::outcome::Outcome;

/// The base of a request. Source: spec 05, section 3.1. `alone` says that no request follows.
pub(super) async fn base(
    context: &Context,
    step: &Step,
    alone: bool,
) -> Result<Outcome, CallError> {
    match step {
        Step::Id(text) => match read(context, text).await? {
            Some(value) => Ok(Outcome::ok(value)),
            None if alone => Ok(Outcome::not_found()),
            None => Ok(missing()),
        },
        Step::Request(request) => Ok(match evaluated(context, request).await? {
            Ok(message) => Outcome::ok(message),
            Err(outcome) => outcome,
        }),
        Step::SubPath(steps) => Box::pin(evaluate(&context.inner()?, steps)).await,
        Step::As { device, request } => match evaluated(context, request).await? {
            Ok(request) => base_as(context, device, request).await,
            Err(outcome) => Ok(outcome),
        },
    }
}

/// The message of an id; an id that is kept nowhere, or is none, has none.
async fn read(context: &Context, text: &Bytes) -> Result<Option<Value>, CallError> {
    context.spend(1)?;
    match Id::from_native_or_text(text) {
        // What else becomes known of a message must not change what is computed.
        Ok(id) if context.is_computing() => context.node().contents()?.read_named(id).await,
        Ok(id) => context.node().contents()?.read_as(id).await,
        Err(_) => Ok(None),
    }
}

fn missing() -> Outcome {
    Outcome::refused(404, "Necessary messages not found in cache.")
}

/// `X~device` as the base. Source: spec 05, section 3.4.
async fn base_as(
    context: &Context,
    device: &Bytes,
    request: Message,
) -> Result<Outcome, CallError> {
    let path = request.get_exact("path").and_then(Value::as_bytes).cloned();
    match path.filter(|path| !path.is_empty()) {
        None => Ok(Outcome::ok(as_device(request.without(&["path"]), device))),
        Some(path) if matches!(path.len(), 32 | 42 | 43) => {
            let Some(value) = read(context, &path).await? else { return Ok(missing()) };
            let Value::Map(base) = loaded(context, value).await? else {
                return Ok(Outcome::not_found());
            };
            // Keys that it is signed for change it: it is another message then, and says so.
            let base = base.set(&request.without(&["path"]))?;
            Ok(Outcome::ok(as_device(base, device)))
        }
        Some(_) => {
            let base = as_device(request.clone(), device);
            resolve(context, base.into(), request).await
        }
    }
}

/// `X~device` on a value.
pub(super) async fn switch(
    context: &Context,
    value: Value,
    device: &Bytes,
    request: Message,
) -> Result<Outcome, CallError> {
    let Value::Map(base) = loaded(context, value).await? else {
        return Ok(Outcome::not_found());
    };
    let has_path =
        request.get_exact("path").and_then(Value::as_bytes).is_some_and(|p| !p.is_empty());
    if has_path {
        resolve(context, as_device(base, device).into(), request).await
    } else {
        let base = base.set(&request.without(&["path"]))?;
        Ok(Outcome::ok(as_device(base, device)))
    }
}

fn as_device(message: Message, device: &Bytes) -> Message {
    message.with("device", Value::Bytes(device.clone()))
}

/// A base as it is used: what a link leads to, a list as a map from 1 on.
pub(super) async fn loaded(context: &Context, base: Value) -> Result<Value, CallError> {
    Ok(match context.load(base).await? {
        Value::List(list) => list.to_map().into(),
        value => value,
    })
}

/// A base whose `device`, should it lie elsewhere, is there.
pub(super) async fn with_device_loaded(
    context: &Context,
    mut base: Message,
) -> Result<Message, CallError> {
    if let Some(Value::Link(link)) = base.get("device") {
        let device = context.node().contents()?.follow(link).await?;
        base.insert("device", device);
    }
    Ok(base)
}
