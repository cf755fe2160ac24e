//! The source of a script: the `module` of its message. Source: spec 14, section 2.

use bytes::Bytes;
use oxbeam_kernel::{CallError, Context, Outcome};
use oxbeam_protocol::commitment::full_id;
use oxbeam_protocol::{Id, Message, Value};

/// A piece of source.
#[derive(Debug)]
pub(super) struct Chunk {
    /// What traces call it.
    pub(super) name: Bytes,
    pub(super) source: Bytes,
}

/// What a message's `module` comes to: its chunks in order, or why there are none.
pub(super) async fn of(
    context: &Context,
    base: &Message,
) -> Result<Result<Vec<Chunk>, Outcome>, CallError> {
    let entries = match context.get(base, "module").await? {
        None => return Ok(Err(Outcome::error("no-modules-found"))),
        Some(Value::Map(module)) if is_lua(context, &module).await? => vec![Value::Map(module)],
        Some(Value::Map(modules)) => {
            modules.ascending().into_iter().map(|(_, module)| module.clone()).collect()
        }
        Some(Value::List(modules)) => modules.to_vec(),
        Some(module) => vec![module],
    };
    let mut chunks = Vec::with_capacity(entries.len());
    for entry in entries {
        match chunk(context, entry).await? {
            Ok(chunk) => chunks.push(chunk),
            Err(outcome) => return Ok(Err(outcome)),
        }
    }
    Ok(Ok(chunks))
}

/// Whether a message is itself a module, and not a map of modules.
async fn is_lua(context: &Context, message: &Message) -> Result<bool, CallError> {
    let kind = context.get(message, "content-type").await?;
    Ok(kind.is_some_and(|kind| kind.is_name("application/lua") || kind.is_name("text/x-lua")))
}

/// One module: an ID or a message.
async fn chunk(context: &Context, entry: Value) -> Result<Result<Chunk, Outcome>, CallError> {
    match context.load(entry).await? {
        Value::Map(module) => of_message(context, module).await,
        Value::Bytes(asked) => {
            let id = Id::from_native_or_text(&asked).map_err(|_| not_a_module())?;
            match context.node().contents()?.read(id).await? {
                None => {
                    let asked =
                        String::from_utf8(asked.to_vec()).unwrap_or_else(|_| id.to_string());
                    let sentence = format!("Lua module '{asked}' not found.");
                    Ok(Err(Outcome::refused(404, sentence)))
                }
                Some(Value::Bytes(source)) => Ok(Ok(Chunk { name: id.to_string().into(), source })),
                Some(Value::Map(module)) => of_message(context, module).await,
                Some(_) => Err(not_a_module()),
            }
        }
        _ => Err(not_a_module()),
    }
}

fn not_a_module() -> CallError {
    CallError::Raised("a Lua module is an ID, or a message with body or data".into())
}

async fn of_message(
    context: &Context,
    module: Message,
) -> Result<Result<Chunk, Outcome>, CallError> {
    let source = match context.get(&module, "body").await? {
        Some(body) => Some(body),
        None => context.get(&module, "data").await?,
    };
    let Some(source) = source else {
        let sentence = "A Lua module needs its source under body or data.";
        let reason = Message::new().with("status", 404).with("body", sentence);
        return Ok(Err(Outcome::error(reason.with("module", module))));
    };
    let Value::Bytes(source) = source else { return Err(not_a_module()) };
    let name = match context.get(&module, "name").await? {
        Some(Value::Bytes(name)) => name,
        _ => full_id(&module.into())?.to_string().into(),
    };
    Ok(Ok(Chunk { name, source }))
}
