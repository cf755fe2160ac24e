//! The library `ao`: what a script asks its node. Source: spec 14, section 5.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_kernel::{CallError, Context, Outcome};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_sandbox::lua::{AoError, AoFunction, AoHost};

/// Devices whose answers follow from what they are asked: all that a script may ask for a process
/// that is being computed, whose states must be the same on every machine and at any time.
const PURE: [&str; 15] = [
    "message@1.0",
    "structured@1.0",
    "httpsig@1.0",
    "json@1.0",
    "flat@1.0",
    "ans104@1.0",
    "apply@1.0",
    "dedup@1.0",
    "multipass@1.0",
    "patch@1.0",
    "stack@1.0",
    "wasm-64@1.0",
    "wasi@1.0",
    "json-iface@1.0",
    "lua@5.3a",
];

/// What stands for no value.
const NOT_FOUND: &str = "not_found";

/// The node, as a script sees it.
pub(super) struct Ao {
    context: Context,
}

impl Ao {
    /// Scripts leave no trace in hashpaths, and ask the devices that their message names; those of
    /// processes none but the pure ones.
    pub(super) fn new(context: &Context, devices: Option<&[String]>) -> Self {
        let context = match context.is_computing() {
            true => context.quietly().with_devices(PURE),
            false => context.quietly(),
        };
        Self {
            context: match devices {
                None => context,
                Some(devices) => context.with_devices(devices.iter().map(String::as_str)),
            },
        }
    }

    async fn answer(
        &self,
        function: AoFunction,
        arguments: &[Value],
    ) -> Result<Vec<Value>, Unanswered> {
        match (function, arguments) {
            (AoFunction::Resolve, arguments) => self.resolve(arguments).await,
            (AoFunction::Get, [key, base]) => Ok(vec![self.get(key, base).await?]),
            (AoFunction::Get, _) => Err(raise("ao.get takes a key and a message")),
            (AoFunction::Set, [base, changes @ ..]) => Ok(vec![self.set(base, changes).await?]),
            (AoFunction::Set, []) => Err(raise(SET)),
            (AoFunction::Event, arguments) => {
                tracing::debug!(?arguments, "a script tells of an event");
                Ok(vec!["ok".into()])
            }
        }
    }

    /// A status and a result.
    async fn resolve(&self, arguments: &[Value]) -> Result<Vec<Value>, Unanswered> {
        let outcome = match arguments {
            [] => return Err(raise("ao.resolve takes a message")),
            [Value::Map(request)] => self.context.run(request).await,
            [base, requests @ ..] => self.steps(base, requests).await,
        };
        match outcome {
            Ok(Outcome { status, value }) => {
                let value = self.context.load_all(value).await?;
                Ok(vec![Value::bytes(status.name().to_vec()), value])
            }
            // What the reference node throws. A device that it does not know it does not.
            Err(error @ CallError::Missing { .. }) => {
                Ok(vec!["error".into(), error.to_string().into()])
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn get(&self, key: &Value, base: &Value) -> Result<Value, Unanswered> {
        match self.steps(base, std::slice::from_ref(key)).await {
            Ok(outcome) if outcome.is_ok() => Ok(self.context.load_all(outcome.value).await?),
            Ok(_) | Err(CallError::Missing { .. }) => Ok(NOT_FOUND.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn set(&self, base: &Value, changes: &[Value]) -> Result<Value, Unanswered> {
        let changes = match changes {
            [Value::Map(changes)] => changes.clone(),
            [Value::List(changes)] => changes.to_map(),
            [key, value] => match text(key) {
                Some(key) => Message::new().with(key, value.clone()),
                None => return Err(raise("a key of ao.set is text or a number")),
            },
            _ => return Err(raise(SET)),
        };
        match self.base(base).await?.into_result() {
            Ok(Value::Map(base)) => match base.set(&changes) {
                Ok(message) => Ok(message.into()),
                Err(error) => Err(raise(error.to_string())),
            },
            Ok(Value::List(base)) => {
                Ok(base.to_map().set(&changes).map_err(CallError::from)?.into())
            }
            _ => Err(raise("ao.set changes a message")),
        }
    }

    /// Takes requests on a base, each on the result of the one before.
    async fn steps(&self, base: &Value, requests: &[Value]) -> Result<Outcome, CallError> {
        let mut outcome = self.base(base).await?;
        for request in requests {
            let value = match outcome.into_result() {
                Ok(value) => value,
                Err(outcome) => return Ok(outcome),
            };
            outcome = self.step(value, request).await?;
        }
        Ok(outcome)
    }

    /// The base that a script means: a table, or the ID of a message.
    async fn base(&self, base: &Value) -> Result<Outcome, CallError> {
        if let Some((device, base)) = run_as(base) {
            let outcome = Box::pin(self.base(base)).await?;
            return Ok(match outcome.into_result() {
                Ok(value) => as_device(value, device).map_or_else(Outcome::not_found, Outcome::ok),
                Err(outcome) => outcome,
            });
        }
        match base {
            Value::Bytes(id) if Id::from_native_or_text(id).is_ok() => {
                self.context.run(&Message::new().with("path", path(id))).await
            }
            base => Ok(Outcome::ok(base.clone())),
        }
    }

    /// One request: a message with a path, or the path itself.
    async fn step(&self, base: Value, request: &Value) -> Result<Outcome, CallError> {
        if let Some((device, request)) = run_as(request) {
            let Some(base) = as_device(base, device) else { return Ok(Outcome::not_found()) };
            return match request {
                // Without a path it is the base, changed and run as the device.
                Value::Map(request) if !request.contains("path") => {
                    Ok(Outcome::ok(base.set(request)?.with("device", device.clone())))
                }
                request => Box::pin(self.step(base.into(), request)).await,
            };
        }
        let request = match request {
            Value::Map(request) => request.clone(),
            path => Message::new().with("path", path.clone()),
        };
        self.context.resolve(base, request).await
    }
}

impl AoHost for Ao {
    fn ao<'a>(
        &'a mut self,
        function: AoFunction,
        arguments: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Value>, AoError>> {
        async move {
            let answer = self.answer(function, &arguments).await;
            answer.map_err(|Unanswered(error)| error)
        }
        .boxed()
    }

    fn print(&mut self, text: &[u8]) {
        tracing::debug!(text = %String::from_utf8_lossy(text), "a script prints");
        self.context.print(text);
    }
}

const SET: &str = "ao.set takes a message, and a key and a value or a table of them";

/// Why a function of the library gave nothing.
struct Unanswered(AoError);

/// An error that the script may catch.
fn raise(sentence: impl Into<String>) -> Unanswered {
    Unanswered(AoError::Raise(Bytes::from(sentence.into())))
}

/// What ends the call, as it does on the reference node.
impl From<CallError> for Unanswered {
    fn from(error: CallError) -> Self {
        Self(AoError::Abort(Box::new(error)))
    }
}

/// `{"as", DEVICE, MESSAGE}`: a message to be run as a device.
fn run_as(value: &Value) -> Option<(&Bytes, &Value)> {
    match value {
        Value::List(parts) => match &**parts {
            [word, Value::Bytes(device), message] if word.is_name("as") => Some((device, message)),
            _ => None,
        },
        _ => None,
    }
}

fn as_device(value: Value, device: &Bytes) -> Option<Message> {
    let message = match value {
        Value::Map(message) => message,
        Value::List(list) => list.to_map(),
        _ => return None,
    };
    Some(message.with("device", Value::Bytes(device.clone())))
}

fn text(key: &Value) -> Option<Bytes> {
    match key {
        Value::Integer(number) => Some(number.to_string().into()),
        key => key.as_name().cloned(),
    }
}

/// The path of a message alone.
fn path(id: &Bytes) -> Value {
    Value::bytes([b"/", &**id].concat())
}
