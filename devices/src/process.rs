//! `~process@1.0`: a definition and the log that follows from it. Computes nothing itself: every key
//! is done by the device that the definition names for a role. Source: spec 10, sections 1 and 4 to 9.
//!
//! | Key | Of the request | Answers |
//! |---|---|---|
//! | `schedule`, `slot` | | the scheduler device |
//! | `push` | | the push device |
//! | `compute` | `slot` or `compute` | the state after that slot; the last one computed, if none is named |
//! | `now` | | the state after the last slot of the log |
//! | `results` | `results` | those of the state, or of the slot that the request names |
//! | `snapshot` | | the execution device, on the last state computed |
//! | `as` | `as` or `as-device`, `slot` | a state that was computed, as a message of that role's device |

use std::sync::Arc;

use num_bigint::BigInt;
use oxbeam_kernel::{
    Call, CallError, Context, Device, Outcome, Reply, Role, Wanted, as_asked, process_id, run_as,
};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::Slot;

use crate::number::number;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Process;

impl Device for Process {
    fn answers(&self, function: &str, base: &Message) -> bool {
        match function {
            "schedule" | "slot" | "compute" | "now" | "push" | "snapshot" | "as" => true,
            "results" => base.contains("at-slot"),
            _ => false,
        }
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            let function = call.function();
            let Call { base, request, context, .. } = call;
            let base = as_asked(&context.node().contents()?, base).await?;
            match function.as_str() {
                "schedule" | "slot" => {
                    run_as(&context, Role::Scheduler, &with_process(base), request).await
                }
                "push" => run_as(&context, Role::Push, &with_process(base), request).await,
                "compute" => compute(&context, &base, &request).await,
                "now" => now(&context, &base).await,
                "results" => results(&context, base, &request).await,
                "snapshot" => snapshot(&context, &base, request).await,
                _ => run_in_role(&context, &base, &request).await,
            }
        })
    }
}

/// A definition as the state that a role's device sees; a state stays as it is.
fn with_process(base: Message) -> Message {
    match base.contains("process") {
        true => base,
        false => base.clone().without(&["commitments"]).with("process", base),
    }
}

async fn compute(
    context: &Context,
    base: &Message,
    request: &Message,
) -> Result<Outcome, CallError> {
    let process = process_id(context, base).await?;
    let wanted = match wanted_slot(request)? {
        Some(slot) => Wanted::Slot(slot),
        None => Wanted::Computed,
    };
    context.node().state(context, process, wanted).await
}

/// `compute/results=3` is what clients write who want the results of slot 3. Source: spec 30, section 2.
async fn results(
    context: &Context,
    state: Message,
    request: &Message,
) -> Result<Outcome, CallError> {
    let slot = number(request, "results")?;
    let state = match slot.map(slot_of).transpose()? {
        None => state,
        Some(slot) => {
            let process = process_id(context, &state).await?;
            match context.node().state(context, process, Wanted::Slot(slot)).await?.into_result() {
                Ok(Value::Map(state)) => state,
                Ok(_) => return Ok(Outcome::not_found()),
                Err(outcome) => return Ok(outcome),
            }
        }
    };
    Ok(context.get(&state, "results").await?.map_or_else(Outcome::not_found, Outcome::ok))
}

/// The slot that a request names.
fn wanted_slot(request: &Message) -> Result<Option<Slot>, CallError> {
    let slot = match number(request, "slot")? {
        Some(slot) => Some(slot),
        None => number(request, "compute")?,
    };
    slot.map(slot_of).transpose()
}

fn slot_of(slot: BigInt) -> Result<Slot, CallError> {
    Slot::try_from(&slot).map_err(|_| CallError::BadRequest(format!("there is no slot {slot}")))
}

async fn now(context: &Context, base: &Message) -> Result<Outcome, CallError> {
    let process = process_id(context, base).await?;
    let from_cache = context.configuration().message.get("process_now_from_cache").cloned();
    let says = |word| from_cache.as_ref().is_some_and(|option| option.is_name(word));
    let wanted = match says("true") || says("always") {
        true => Wanted::Computed,
        false => Wanted::Now,
    };
    if says("always") && context.node().store()?.computed(process).await?.is_none() {
        return Ok(Outcome::refused(500, "No cached state available."));
    }
    context.node().state(context, process, wanted).await
}

async fn snapshot(
    context: &Context,
    base: &Message,
    request: Message,
) -> Result<Outcome, CallError> {
    let process = process_id(context, base).await?;
    match state(context, process, Wanted::Computed).await? {
        Ok(state) => run_as(context, Role::Execution, &state, request).await,
        Err(outcome) => Ok(outcome),
    }
}

/// A state that is there, as a message of a role's device: what is done with it is not recorded.
async fn run_in_role(
    context: &Context,
    base: &Message,
    request: &Message,
) -> Result<Outcome, CallError> {
    let process = process_id(context, base).await?;
    let name = request.get("as").or_else(|| request.get("as-device")).and_then(Value::as_name);
    let role = match name {
        None => Role::Execution,
        Some(name) => Role::named(name).ok_or_else(|| {
            let name = String::from_utf8_lossy(name).into_owned();
            CallError::Raised(format!("a process has no role {name}"))
        })?,
    };
    let computed = context.node().store()?.computed(process).await?;
    let wanted = match (number(request, "slot")?, computed) {
        (Some(slot), Some(computed)) => {
            let slot = slot.clamp(BigInt::ZERO, computed.slot.into());
            Wanted::Slot(Slot::try_from(slot).unwrap_or_default())
        }
        (_, Some(_)) => Wanted::Computed,
        (_, None) => Wanted::Initial,
    };
    match state(context, process, wanted).await? {
        Ok(state) => Ok(Outcome::ok(role.of(context, &state).await?)),
        Err(outcome) => Ok(outcome),
    }
}

/// A state with a copy of what its execution device runs for it.
async fn state(
    context: &Context,
    process: Id,
    wanted: Wanted,
) -> Result<Result<Message, Outcome>, CallError> {
    match context.node().state_to_run(context, process, wanted).await?.into_result() {
        Ok(Value::Map(state)) => Ok(Ok(state)),
        Ok(_) => Err(CallError::Raised("the state of a process is a message".into())),
        Err(outcome) => Ok(Err(outcome)),
    }
}
