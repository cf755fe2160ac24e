//! The state of a script in a message: `snapshot`, and back. Source: spec 14, section 6.
//!
//! | Key               | Value                                                                  |
//! |-------------------|------------------------------------------------------------------------|
//! | `body`            | the guest's memory; checkpoints keep it by page                        |
//! | `rest`            | its globals and tables, with checksums                                 |
//! | `device-sandbox`  | the devices that the script may ask, if not all                        |

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Context, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_sandbox::Snapshot;
use oxbeam_sandbox::lua::VmSnapshot;

use super::error;
use super::fresh::restored;
use super::script::{self, Script};

const BODY: &str = "body";
const REST: &str = "rest";
const DEVICES: &str = "device-sandbox";

/// The state of the base's script.
pub(super) async fn snapshot(call: Call) -> Result<Outcome, CallError> {
    let Some(script) = script::take(&call.base)? else {
        return Ok(Outcome::error("Cannot snapshot Lua state: state not initialized."));
    };
    let copied = move || (script.vm.snapshot(), script);
    let (snapshot, script) = call.context.node().pool().run("lua", copied).await?;
    let devices = script.devices.clone();
    script::give_back(&call.base, script);
    let instance = match snapshot {
        Ok(snapshot) => snapshot.instance,
        Err(error) => return error::outcome(error),
    };
    let mut saved = Message::new()
        .with(BODY, Value::Bytes(Bytes::from(instance.memory)))
        .with(REST, Value::Bytes(instance.rest));
    if let Some(devices) = devices {
        saved.insert(DEVICES, devices.iter().map(|it| Value::from(it.clone())).collect::<List>());
    }
    Ok(Outcome::ok(saved))
}

/// The base with its script as the snapshot has it, unless it runs.
pub(super) async fn normalize(call: Call) -> Result<Outcome, CallError> {
    let Call { base, context, .. } = call;
    if script::is_held(&base) {
        return Ok(Outcome::ok(base));
    }
    let saved = saved(&context, &base).await?;
    let missing = || CallError::Raised("the state has no snapshot of its script".into());
    let saved = saved.ok_or_else(missing)?;
    let (Some(Value::Bytes(memory)), Some(Value::Bytes(rest))) =
        (context.get(&saved, BODY).await?, context.get(&saved, REST).await?)
    else {
        return Err(missing());
    };
    let devices = match context.get(&saved, DEVICES).await? {
        Some(Value::List(names)) => {
            let names = names.iter().filter_map(Value::as_name);
            Some(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
        }
        _ => None,
    };
    let snapshot = VmSnapshot::stored(Snapshot { memory: memory.into(), rest });
    match restored(&context, Arc::new(snapshot)).await? {
        Ok(vm) => Ok(Outcome::ok(script::give(base, Box::new(Script::new(&context, vm, devices))))),
        Err(error) => error::outcome(error),
    }
}

/// What was saved for the base: under the key of the device in its stack, or alone.
async fn saved(context: &Context, base: &Message) -> Result<Option<Message>, CallError> {
    let Some(Value::Map(all)) = context.get(base, "snapshot").await? else { return Ok(None) };
    let key = match context.get(base, "device-key").await? {
        Some(Value::Integer(number)) => Some(number.to_string()),
        Some(name) => name.as_name().map(|name| String::from_utf8_lossy(name).into_owned()),
        None => None,
    };
    if let Some(key) = key
        && let Some(Value::Map(own)) = context.get(&all, &key).await?
    {
        return Ok(Some(own));
    }
    Ok(Some(all))
}
