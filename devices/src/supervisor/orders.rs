//! What an operator can do to actors, processes and letters.

use std::sync::Arc;

use futures_util::future::join_all;
use oxbeam_kernel::{CallError, Node, Outcome};
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{Entry, Limit};
use oxbeam_supervisor::{ActorRef, Kind, State};

use super::act::{Action, repeated};
use super::tree::found;
use super::{id, integer, natural, outbox, text};
use crate::made::Order;

/// Parts of the tree whose actors are started on demand, each by the id of its process.
const ON_DEMAND: [&str; 3] = ["schedulers", "processes", "pasts"];
/// Parts that no request needs: what is suspended in others could not be resumed.
const SUSPENDABLE: [&str; 5] = ["schedulers", "processes", "pasts", "outbox", "timers"];
/// Messages that a trace waits for, unless it is said, and at most.
const MAX_TRACED: u64 = 10_000;
/// Fuel that a call may be given: as the option `guest_fuel`.
const FUEL: std::ops::RangeInclusive<u64> = 1_000_000..=1 << 60;
/// Dead letters that are looked at in one go, and those that are tried again by one action.
const PAGE: usize = 100;
const MAX_REDRIVEN: usize = 10_000;

pub(super) async fn carry_out(
    node: &Arc<Node>,
    action: Action,
    request: &Message,
    order: &Order<'_>,
) -> Result<Outcome, CallError> {
    match action {
        Action::Resume if request.contains("process") => resume_process(node, request, order).await,
        Action::Abandon => abandon(node, request, order).await,
        Action::Redrive => redrive(node, request, order).await,
        Action::Restart | Action::Suspend | Action::Resume | Action::Trace => {
            match found(node, request).await? {
                Ok(actor) => of_actor(node, action, &actor, request).await,
                Err(outcome) => Ok(outcome),
            }
        }
    }
}

async fn of_actor(
    node: &Arc<Node>,
    action: Action,
    actor: &ActorRef,
    request: &Message,
) -> Result<Outcome, CallError> {
    match action {
        Action::Restart => Ok(restart(actor)),
        Action::Suspend => Ok(suspend(actor)),
        Action::Trace => trace(actor, request),
        _ => Ok(resume_actor(node, actor).await),
    }
}

/// Ends an actor. One of a process comes back with its next message, any other right away.
fn restart(actor: &ActorRef) -> Outcome {
    let row = actor.row();
    if row.about.parent.is_none() {
        return refused("The root of the tree is restarted with the program.");
    }
    if row.about.policy == "temporary" {
        return refused("This actor would not come back.");
    }
    if row.state == State::Quarantined {
        return refused("The actor is in quarantine: resume it.");
    }
    actor.shutdown();
    done(format!("{} restarts.", row.about.path))
}

fn suspend(actor: &ActorRef) -> Outcome {
    let row = actor.row();
    if row.about.kind == Kind::Supervisor || !SUSPENDABLE.contains(&part(&row.about.path)) {
        return refused("Only schedulers, processes, the outbox and timers are suspended.");
    }
    actor.suspend();
    done(format!("{} is suspended.", row.about.path))
}

fn trace(actor: &ActorRef, request: &Message) -> Result<Outcome, CallError> {
    let messages = natural(request, "messages")?.unwrap_or(0);
    if messages > MAX_TRACED {
        let most = format!("`messages` may be {MAX_TRACED} at most");
        return Err(CallError::BadRequest(most));
    }
    actor.trace(u32::try_from(messages).unwrap_or(u32::MAX));
    Ok(done(format!("{} is traced for {messages} messages.", actor.path())))
}

async fn resume_actor(node: &Node, actor: &ActorRef) -> Outcome {
    let path = actor.path();
    match actor.state() {
        State::Quarantined => {
            let process = path.rsplit('/').next().and_then(|name| name.parse::<Id>().ok());
            let part = part(&path);
            let Some(process) = process.filter(|_| ON_DEMAND.contains(&part)) else {
                return refused("This actor is resumed by a restart of its supervisor.");
            };
            match node.resume_actor(part, process).await {
                Ok(()) => done(format!("{path} runs again.")),
                Err(error) => Outcome::refused(409, format!("The actor does not start: {error}.")),
            }
        }
        State::Suspended => {
            actor.resume();
            done(format!("{path} goes on."))
        }
        _ => refused("The actor is neither suspended nor in quarantine."),
    }
}

/// The part of the tree that a path leads into.
fn part(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

async fn resume_process(
    node: &Node,
    request: &Message,
    order: &Order<'_>,
) -> Result<Outcome, CallError> {
    let Some(process) = known_process(node, request).await? else { return Ok(unknown()) };
    let fuel = natural(request, "fuel")?;
    if fuel.is_some_and(|fuel| !FUEL.contains(&fuel)) {
        let range = format!("`fuel` is from {} to {}", FUEL.start(), FUEL.end());
        return Err(CallError::BadRequest(range));
    }
    let resumed = order.in_one_batch(|noted| node.resume(process, fuel, noted)).await?;
    Ok(resumed.map_or_else(repeated, |()| done(format!("Process {process} may try again."))))
}

async fn abandon(node: &Node, request: &Message, order: &Order<'_>) -> Result<Outcome, CallError> {
    let Some(process) = known_process(node, request).await? else { return Ok(unknown()) };
    let abandoned = order.in_one_batch(|noted| node.abandon(process, noted)).await?;
    let told = || format!("No further slot of process {process} is computed.");
    Ok(abandoned.map_or_else(repeated, |()| done(told())))
}

/// The process that a request names, if this node has its log.
async fn known_process(node: &Node, request: &Message) -> Result<Option<Id>, CallError> {
    let missing = || CallError::BadRequest("`process` must be the id of a process".into());
    let process = id(request, "process")?.ok_or_else(missing)?;
    Ok(node.store()?.head(process).await?.map(|_| process))
}

fn unknown() -> Outcome {
    Outcome::refused(404, "This node has no such process.")
}

/// Tries letters again: one, or dead ones, all or those to a target.
async fn redrive(node: &Node, request: &Message, order: &Order<'_>) -> Result<Outcome, CallError> {
    if let Some(letter) = outbox::letter(request)? {
        if node.store()?.entry(letter).await?.is_none() {
            return Ok(Outcome::refused(404, "There is no such letter."));
        }
        return Ok(match order.in_one_batch(|noted| node.redrive(letter, noted)).await? {
            Some(true) => redriven(1, false),
            Some(false) => refused("The letter has arrived."),
            None => repeated(),
        });
    }
    let all = request.get("all").is_some_and(|all| all.is_name("true"));
    match text(request, "target")? {
        Some(target) => redrive_dead(node, Some(target)).await,
        None if all => redrive_dead(node, None).await,
        None => {
            let wanted = "name a `letter` or a `target`, or say `all=true`";
            Err(CallError::BadRequest(wanted.into()))
        }
    }
}

async fn redrive_dead(node: &Node, target: Option<&str>) -> Result<Outcome, CallError> {
    let is_meant = |entry: &&Entry| target.is_none_or(|target| entry.target == target);
    let (mut after, mut count) = (None, 0);
    loop {
        let page = node.store()?.dead(after, Limit::count(PAGE)).await?;
        let meant = page.items.iter().filter(is_meant);
        for moved in join_all(meant.map(|entry| node.redrive(entry.key, Vec::new()))).await {
            count += usize::from(moved?);
        }
        after = page.last;
        if after.is_none() || count >= MAX_REDRIVEN {
            return Ok(redriven(count, after.is_some()));
        }
    }
}

fn redriven(count: usize, more: bool) -> Outcome {
    let letters = if count == 1 { "letter is" } else { "letters are" };
    let body = format!("{count} {letters} tried again.");
    let more = if more { "true" } else { "false" };
    Outcome::ok(
        Message::new().with("body", body).with("redriven", integer(count)).with("more", more),
    )
}

fn done(sentence: String) -> Outcome {
    Outcome::ok(sentence)
}

/// The actor or letter is not in a state for that.
fn refused(sentence: &'static str) -> Outcome {
    Outcome::refused(409, sentence)
}
