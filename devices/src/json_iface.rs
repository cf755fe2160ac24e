//! `~json-iface@1.0`: hands messages to a guest as JSON, in the form of the legacy network, and reads
//! its answer.
//!
//! | Key       | Pass | What                                                                       |
//! |-----------|------|----------------------------------------------------------------------------|
//! | `init`    |      | sets `function: handle`                                                    |
//! | `compute` | 1    | writes the message and its environment, and sets `parameters` to where     |
//! | `compute` | 2    | reads what `handle` has returned, and sets `results`                       |
//! | `compute` | else | the base                                                                   |
//!
//! In a stack it comes before `~wasm-64@1.0`, with `~multipass@1.0` last and `passes` 2. A base without
//! an instance gets the texts themselves as parameters. Source: spec 13, section 6.

mod decode;
mod outbox;
mod strings;
mod value;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::commitment::Commitment;
use oxbeam_protocol::{List, Message, Value};
use serde_json::{Value as Json, json};

use crate::wasm::{Live, output_text};
use crate::{legacy, read};
use strings::Written;

/// What is said of a guest that came to no answer.
const FAILED: &str = "WASM execution error.";
/// What is said of an answer that cannot be read.
const UNREADABLE: &str = "JSON error parsing result output.";

/// The device.
#[derive(Debug)]
pub(crate) struct JsonInterface;

impl Device for JsonInterface {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            if call.function() == "init" {
                return Ok(Outcome::ok(call.base.set(&Message::from([("function", "handle")]))?));
            }
            let pass = read::integer(&call.context, &call.base, "pass").await?;
            match pass.and_then(|pass| u8::try_from(pass).ok()) {
                Some(1) => write(&call).await.map(Outcome::ok),
                Some(2) => answered(&call).await,
                _ => Ok(Outcome::ok(call.base)),
            }
        })
    }
}

/// Hands a message over. Source: spec 13, section 6.1.
async fn write(call: &Call) -> Result<Message, CallError> {
    let body = whole(call, &call.request, "body").await?;
    let process = whole(call, &call.base, "process").await?;
    let image = process.get("image").and_then(Value::as_name).cloned().unwrap_or_default();
    let height = match call.context.get(&call.request, "block-height").await? {
        Some(Value::Integer(height)) => i64::try_from(height).unwrap_or(i64::MAX),
        _ => 0,
    };
    let texts = move || {
        let mut message = legacy::message(&signed(body))?;
        if let Json::Object(message) = &mut message {
            message.insert("Module".into(), String::from_utf8_lossy(&image).into());
            message.insert("Block-Height".into(), height.into());
        }
        let environment = json!({ "Process": legacy::message(&process)? });
        Ok::<_, CallError>([message.to_string(), environment.to_string()])
    };
    let texts = call.context.node().pool().run("the encoder", texts).await??;
    let out = read::prefix(&call.context, &call.base, "output-prefix").await?;
    let Written { parameters, live } = match Live::of(&call.base, &out) {
        Some(live) => strings::write(call, &live, &texts).await?,
        None => Written { parameters: texts.map(Value::from), live: None },
    };
    let parameters: List = parameters.into_iter().collect();
    let handle = Message::from([("function", "handle")]).with("parameters", parameters);
    let mut state = call.base.set(&handle)?;
    if let Some(live) = live {
        live.enter(&mut state, &out);
    }
    Ok(state)
}

/// A nested message with all that it links; an empty one, if there is none.
async fn whole(call: &Call, message: &Message, key: &str) -> Result<Message, CallError> {
    match call.context.get(message, key).await? {
        Some(value) => match call.context.load_all(value).await? {
            Value::Map(message) => Ok(message),
            _ => Err(CallError::Raised(format!("key {key} holds no message"))),
        },
        None => Ok(Message::new()),
    }
}

/// A message with the signature of its first signer, as the legacy network has it.
fn signed(message: Message) -> Message {
    let signer = Commitment::all(&message).find(|one| one.committer().is_some());
    match signer.and_then(|one| one.text("signature").cloned()) {
        Some(signature) => message.with("signature", signature),
        None => message,
    }
}

/// Reads what the guest has answered. Source: spec 13, section 6.2.
async fn answered(call: &Call) -> Result<Outcome, CallError> {
    let Call { context, base, .. } = call;
    let out = read::prefix(context, base, "output-prefix").await?;
    let output = context.find(base, &format!("results/{out}/output")).await?;
    match context.find(base, &format!("results/{out}/type")).await? {
        Some(kind) if kind.is_name("ok") => {}
        Some(kind) if kind.is_name("error") => {
            let why = output.as_ref().and_then(output_text).unwrap_or_default();
            return Ok(failed(FAILED, &why));
        }
        _ => return Err(CallError::Raised("there is no result of a guest to read".into())),
    }
    let output = output.and_then(|output| List::try_from(output).ok()).unwrap_or_default();
    let text = match output.first() {
        Some(Value::Integer(address)) => strings::read(base, &out, address)?,
        Some(Value::Bytes(text)) => text.clone(),
        _ => return Err(CallError::Raised("the guest has answered with no pointer".into())),
    };
    let pool = context.node().pool();
    let decoded = move || decode::json(&text).map(outbox::Answer::of);
    match pool.run("the decoder", decoded).await? {
        Ok(answer) => outbox::results(context, base, answer?).await.map(Outcome::ok),
        Err(why) => Ok(failed(UNREADABLE, &why)),
    }
}

/// An error with what the reference node says of it, and why it came to that.
fn failed(sentence: &str, why: &str) -> Outcome {
    let results = Message::from([("body", sentence)]);
    let why = format!("{sentence} {why}");
    Outcome::error(Message::from([("body", why.trim_end())]).with("results", results))
}
