//! `~lua@5.3a`: a message with a script. Keys are the script's global functions.
//!
//! | Key                               | What                                                       |
//! |-----------------------------------|------------------------------------------------------------|
//! | `init`                            | the base, with its modules loaded                          |
//! | `functions`                       | names of all global functions                              |
//! | `snapshot`                        | the state of the script                                    |
//! | `normalize`                       | the base, with the script as `snapshot` has it             |
//! | keys of the base, `keys`, `set`, `encode`, `decode` | `message@1.0`                            |
//! | any other                         | calls the global function of this name                     |
//!
//! | Of the base      | What                                                                        |
//! |------------------|-----------------------------------------------------------------------------|
//! | `module`         | the source: an ID, a message with `body`, or several of these               |
//! | `sandbox`        | `true`, a list of globals to replace, or a map with their replacements      |
//! | `device-sandbox` | the devices that the script may ask; without it, all                        |
//!
//! The script runs for one message at a time, as a handle in its private part: a call takes it from
//! the base and gives it to the message that it answers. Source: spec 14.

mod ao;
mod call;
mod error;
mod fresh;
mod modules;
mod saved;
mod script;

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{List, Message, Value};

use fresh::Fresh;

/// Its name among what is measured.
const NAME: &str = "lua@5.3a";
/// Keys that no script answers.
const OF_MESSAGES: [&str; 4] = ["keys", "set", "encode", "decode"];

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Lua {
    /// Scripts whose modules are loaded, ready to be copied. They change no result.
    fresh: Fresh,
}

impl Device for Lua {
    fn answers(&self, function: &str, base: &Message) -> bool {
        !OF_MESSAGES.contains(&function) && base.get(function).is_none()
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            // A key that is not spelled as a function's name is.
            if call.base.get(&call.key).is_some() {
                let value = call.context.get(&call.base, &call.key.to_text()).await?;
                return Ok(value.map_or_else(Outcome::not_found, Outcome::ok));
            }
            match call.function().as_str() {
                "init" => self.init(call).await,
                "functions" => functions(call).await,
                "snapshot" => saved::snapshot(call).await,
                "normalize" => saved::normalize(call).await,
                _ => self.compute(call).await,
            }
        })
    }
}

impl Lua {
    /// Loads the modules, unless that is done.
    async fn init(&self, call: Call) -> Result<Outcome, CallError> {
        if script::is_held(&call.base) {
            return Ok(Outcome::ok(call.base));
        }
        Ok(match self.fresh.script(&call.context, &call.base).await? {
            Ok(script) => Outcome::ok(script::give(call.base, script)),
            Err(outcome) => outcome,
        })
    }

    /// Calls a function of the script, which is started first if it does not run.
    async fn compute(&self, call: Call) -> Result<Outcome, CallError> {
        let script = match script::take(&call.base)? {
            Some(script) => Ok(script),
            None => self.fresh.script(&call.context, &call.base).await?,
        };
        match script {
            Ok(script) => call::run(call, script).await,
            Err(outcome) => Ok(outcome),
        }
    }
}

/// The names of the script's functions.
async fn functions(call: Call) -> Result<Outcome, CallError> {
    let Some(mut script) = script::take(&call.base)? else { return Ok(Outcome::not_found()) };
    let names = script.vm.functions().await;
    script::give_back(&call.base, script);
    match names {
        Ok(names) => Ok(Outcome::ok(names.into_iter().map(Value::Bytes).collect::<List>())),
        Err(error) => error::outcome(error),
    }
}
