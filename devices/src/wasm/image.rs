//! The module that a base is to run. Source: spec 13, section 2.1.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{Id, Link, Message, Value};
use oxbeam_sandbox::{Module, Modules};

use crate::read;

/// Lengths of what is an id and no module: 32 bytes, or text of 42 or 43.
const ID_LENGTHS: [usize; 3] = [32, 42, 43];

/// The compiled module of a base. It is compiled on a thread of the pool, if it is not known.
pub(super) async fn module(
    context: &Context,
    base: &Message,
    modules: &Arc<Modules>,
) -> Result<Module, CallError> {
    let within = read::prefix(context, base, "input-prefix").await?;
    interpreted(context, base, &within).await?;
    let image = image(context, base, &within).await?;
    let modules = modules.clone();
    let compile = move || modules.compile(&image);
    let module = context.node().pool().run("the compiler", compile).await?;
    module.map_err(|error| CallError::Raised(format!("wasm_init_error: {error}")))
}

async fn image(context: &Context, base: &Message, within: &str) -> Result<Bytes, CallError> {
    let image = match context.find(base, &format!("{within}/image")).await? {
        Some(image) => image,
        None => context.get(base, "body").await?.ok_or_else(|| none(within))?,
    };
    let message = match image {
        Value::Bytes(id) if ID_LENGTHS.contains(&id.len()) => {
            let missing = || CallError::Missing { id: String::from_utf8_lossy(&id).into_owned() };
            let id = Id::from_native_or_text(&id).map_err(|_| missing())?;
            context.load(Link::from(id).into()).await?
        }
        image => image,
    };
    match message {
        Value::Bytes(image) => Ok(image),
        Value::Map(message) => match context.get(&message, "body").await? {
            Some(Value::Bytes(image)) => Ok(image),
            _ => Err(none(within)),
        },
        _ => Err(none(within)),
    }
}

fn none(within: &str) -> CallError {
    CallError::Raised(format!("wasm_init_error: No viable image found in {within}/image."))
}

/// Modules are interpreted; what else may be asked for, the reference node refuses as well unless
/// it is configured to run native code.
async fn interpreted(context: &Context, base: &Message, within: &str) -> Result<(), CallError> {
    match context.find(base, &format!("{within}/Mode")).await? {
        None => Ok(()),
        Some(mode) if mode.is_name("WASM") => Ok(()),
        Some(_) => Err(CallError::Raised("wasm_init_error: the only Mode is WASM".into())),
    }
}
