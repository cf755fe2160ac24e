//! `~greet@1.0`: greets people.
//!
//! | Key     | Of the request | What                                                            |
//! |---------|----------------|-----------------------------------------------------------------|
//! | `hello` | `name`         | a greeting; whom nobody names is `stranger`                     |
//! | `count` | none           | the base with `greeted` one higher                              |

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{Message, Value};

/// The device. It has no state: what decides a result lies in the base and in the request.
#[derive(Debug, Default)]
pub(crate) struct Greet;

impl Device for Greet {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "hello" | "count")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            match call.function().as_str() {
                "hello" => hello(call).await,
                _ => count(call).await,
            }
        })
    }
}

/// Greets whom the request names.
async fn hello(call: Call) -> Result<Outcome, CallError> {
    match call.context.get(&call.request, "name").await? {
        None => Ok(Outcome::ok("hello, stranger")),
        Some(Value::Bytes(name)) => {
            Ok(Outcome::ok(format!("hello, {}", String::from_utf8_lossy(&name))))
        }
        Some(_) => Ok(Outcome::refused(400, "A name is text.")),
    }
}

/// Counts a greeting in the base.
async fn count(call: Call) -> Result<Outcome, CallError> {
    // What this device does not answer itself, message@1.0 does: it looks the key up.
    let greeted = call.context.key(&call.base, "greeted").await?;
    let greeted = match greeted.into_result() {
        Ok(Value::Integer(number)) => Value::from(number + 1),
        Ok(_) => return Err(CallError::Raised("key greeted holds no integer".into())),
        Err(_) => 1.into(),
    };
    Ok(Outcome::ok(call.base.set(&Message::from([("greeted", greeted)]))?))
}
