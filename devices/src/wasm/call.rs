//! A call of an exported function. Source: spec 13, section 2.2.

use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{Atom, List, Message, Value};
use oxbeam_sandbox::{Trap, Val};

use super::import::Imports;
use super::live::{Held, Live, unusable};
use super::{is_first_pass, items, values};
use crate::read;

/// Calls the function that the request or the base names; without one, answers with the base.
pub(super) async fn run(
    context: &Context,
    base: Message,
    request: &Message,
) -> Result<Message, CallError> {
    if !is_first_pass(context, &base).await? {
        return Ok(base);
    }
    let Some(function) = wanted(context, &base, request, "function").await? else {
        return Ok(base);
    };
    let Some(function) = function.as_name() else {
        return Err(CallError::Raised("the name of a function is text".into()));
    };
    let function = String::from_utf8_lossy(function);
    let parameters = match wanted(context, &base, request, "parameters").await? {
        Some(parameters) => items(context, parameters, "parameters").await?,
        None => Vec::new(),
    };
    let out = read::prefix(context, &base, "output-prefix").await?;
    let live = Live::of(&base, &out)
        .ok_or_else(|| CallError::Raised("no_wasm_instance_or_snapshot".into()))?;
    let mut held = live.hold()?;
    held.begin(context, request)?;
    let (state, ended) = called(context, base, &out, held, &function, &parameters).await?;
    let (kind, output) = match ended {
        Ok(output) => (Atom::from_static("ok"), output.into()),
        Err(text) => (Atom::from_static("error"), values::code_points(&text)),
    };
    let results = Message::new()
        .with(format!("results/{out}/type"), kind)
        .with(format!("results/{out}/output"), output);
    Ok(state.set(&results)?)
}

/// A value of the message that is scheduled, else of the request, else of the base.
async fn wanted(
    context: &Context,
    base: &Message,
    request: &Message,
    key: &str,
) -> Result<Option<Value>, CallError> {
    if let Some(value) = context.find(request, &format!("body/{key}")).await? {
        return Ok(Some(value));
    }
    match context.get(request, key).await? {
        Some(value) => Ok(Some(value)),
        None => context.get(base, key).await,
    }
}

/// What a call came to: its results, or why it has none.
type Ended = Result<List, String>;

async fn called(
    context: &Context,
    base: Message,
    out: &str,
    mut held: Held,
    function: &str,
    parameters: &[Value],
) -> Result<(Message, Ended), CallError> {
    let Some(signature) = held.instance().module().function(function) else {
        return Ok((base, Err(format!("Function not found: {function}"))));
    };
    let Some(arguments) = values::arguments(signature, parameters)? else {
        let reason = format!("Exception: {function} takes {signature}, more than was given");
        return Ok((base, Err(reason)));
    };
    let mut host = Imports::new(context, base, out);
    let ended = held.change().call(function, &arguments, &mut host).await;
    let ended = match ended {
        Ok(results) => listed(&results),
        Err(trap) => match ours(trap) {
            Ok(error) => return Err(error),
            Err(trap) => Err(told(&trap)),
        },
    };
    let mut state = host.into_state().await?;
    held.release().enter(&mut state, out);
    Ok((state, ended))
}

fn listed(results: &[Val]) -> Ended {
    let results = results.iter().map(|number| values::value(*number));
    let results: Option<List> = results.collect::<Option<Vec<_>>>().map(List::from_iter);
    results.ok_or_else(|| "Exception: a result is no finite number".into())
}

/// A trap as the state tells of it. Those that the reference node knows are in its words.
fn told(trap: &Trap) -> String {
    match trap {
        Trap::OutOfFuel { limit, function } => {
            format!("Exception: out of fuel in {function}: the limit is {limit}")
        }
        Trap::OutOfMemory { limit, function, .. } => {
            format!("Exception: out of memory in {function}: the limit is {limit} bytes")
        }
        trap => format!("Exception: {trap}"),
    }
}

/// The error of a trap that says nothing of the guest: the node itself could not go on.
pub(crate) fn ours(trap: Trap) -> Result<CallError, Trap> {
    match trap {
        Trap::Host { import, source } => match source.downcast::<CallError>() {
            Ok(error) if is_of_the_guest(&error) => Err(Trap::Host { import, source: error }),
            Ok(error) => Ok(*error),
            Err(source) => Err(Trap::Host { import, source }),
        },
        trap @ (Trap::Abandoned | Trap::Snapshot(_) | Trap::Engine { .. }) => Ok(unusable(&trap)),
        trap => Err(trap),
    }
}

/// Whether an error comes of what the guest asked for, and so comes again whenever it asks.
fn is_of_the_guest(error: &CallError) -> bool {
    matches!(
        error,
        CallError::BadRequest(_)
            | CallError::Raised(_)
            | CallError::TooDeep { .. }
            | CallError::TooManyPasses { .. }
            | CallError::Path(_)
            | CallError::Encode(_)
            | CallError::Decode(_)
            | CallError::Set(_)
    )
}
