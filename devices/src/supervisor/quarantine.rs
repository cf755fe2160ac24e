//! `quarantine`: processes that do not get past a slot, and actors that are kept from starting.

use oxbeam_kernel::quarantine::{Aside, Cause, Held};
use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{Id, List, Message, Value};
use oxbeam_store::Limit;

use super::{Sight, id, integer, limit};

/// Processes of a page.
const MAX_PROCESSES: usize = 100;

pub(super) async fn list(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    let node = call.context.node();
    if let Some(process) = id(&call.request, "process")? {
        return Ok(match node.aside(process).await? {
            Some(aside) => {
                let processes = List::from_iter([shown(process, &aside, sight).into()]);
                Outcome::ok(Message::new().with("processes", processes))
            }
            None => Outcome::refused(404, "The process is not in quarantine."),
        });
    }
    let after = id(&call.request, "after")?;
    let limit = limit(&call.request, MAX_PROCESSES)?;
    let page = node.asides(after, Limit::count(limit)).await?;
    let processes = page.items.iter();
    let processes: List =
        processes.map(|(process, aside)| Value::from(shown(*process, aside, sight))).collect();
    let mut answer = Message::new().with("processes", processes);
    if let Some(next) = page.last {
        answer.insert("next", next.to_string());
    }
    Ok(Outcome::ok(answer))
}

fn shown(process: Id, aside: &Aside, sight: Sight) -> Message {
    let mut shown = Message::new()
        .with("process", process.to_string())
        .with("slot", integer(aside.slot))
        .with("cause", cause(aside.cause))
        .with("held", held(aside.held))
        .with("since", integer(aside.since))
        .with("last", integer(aside.last))
        .with("times", integer(aside.times));
    if let Some(fuel) = aside.fuel {
        shown.insert("fuel", integer(fuel));
    }
    if sight == Sight::All {
        shown.insert("reason", aside.reason.clone());
    }
    shown
}

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Panic => "panic",
        Cause::Program => "program",
        Cause::Outcome => "outcome",
        Cause::Operator => "operator",
        _ => "error",
    }
}

fn held(held: Held) -> &'static str {
    match held {
        Held::SetAside => "set-aside",
        Held::Resumed => "resumed",
        Held::Abandoned => "abandoned",
        _ => "stopped",
    }
}
