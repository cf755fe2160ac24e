//! `summary`, `tree`, `children` and `actor`: the supervision tree. Ten thousand actors are too much
//! for a thread that serves others, so that they are looked at on another.

use std::num::NonZeroU64;
use std::sync::Arc;

use oxbeam_kernel::assignment::milliseconds;
use oxbeam_kernel::quarantine::Held;
use oxbeam_kernel::{Call, CallError, Node, Outcome};
use oxbeam_protocol::{Id, List, Message, Value};
use oxbeam_store::{Backlog, Limit};
use oxbeam_supervisor::{ActorId, ActorRef, Realm, Snapshot};

use super::row::{self, millis, row};
use super::{Sight, integer, limit, natural, text};

/// Rows of a page.
const MAX_ROWS: usize = 1000;
/// Messages that are counted of each kind; of more it is told that there are so many.
const MAX_BACKLOG: u64 = 100_000;
/// Processes in quarantine that are looked at to be counted.
const MAX_HELD: usize = 1000;
/// Longest path of an actor that is looked for, in bytes.
const MAX_PATH: usize = 1024;

/// The tree by its parts.
pub(super) async fn summary(call: &Call) -> Result<Outcome, CallError> {
    let node = call.context.node();
    let backlog = node.local_store()?.backlog(MAX_BACKLOG).await?;
    let held = node.asides(None, Limit::count(MAX_HELD)).await?.items;
    let waits = |held| matches!(held, Held::Stopped | Held::SetAside);
    let held = held.iter().filter(|(_, aside)| waits(aside.held)).count();
    let realm = node.realm().clone();
    let tree = node.pool().run("the tree", move || of_realm(&realm)).await?;
    Ok(Outcome::ok(tree.with("held", integer(held)).with("outbox", of_outbox(&backlog))))
}

fn of_realm(realm: &Realm) -> Message {
    let tallies = realm.tallies();
    let mut groups: List = List::default();
    let shown = groups.make_mut();
    for (name, part) in realm.parts() {
        let known = tallies.iter().find(|(tallied, _)| *tallied == name);
        let tally = known.map(|(_, tally)| *tally).unwrap_or_default();
        let group = Message::new()
            .with("name", name)
            .with("actors", integer(part.actors))
            .with("quarantined", integer(part.quarantined))
            .with("backoff", integer(part.backoff))
            .with("suspended", integer(part.suspended))
            .with("queue", integer(part.queued))
            .with("oldest", millis(part.oldest))
            .with("starts", integer(tally.starts))
            .with("failures", integer(tally.failures))
            .with("crashes", integer(tally.crashes))
            .with("quarantines", integer(tally.quarantines))
            .with("stuck", integer(tally.stuck));
        shown.push(group.into());
    }
    Message::new()
        .with("actors", integer(realm.actors()))
        .with("uptime", millis(realm.now()))
        .with("groups", groups)
}

fn of_outbox(backlog: &Backlog) -> Message {
    let overdue = backlog.next_due.map_or(0, |due| milliseconds().saturating_sub(due));
    Message::new()
        .with("waiting", integer(backlog.waiting))
        .with("asleep", integer(backlog.asleep))
        .with("dead", integer(backlog.dead))
        .with("overdue", integer(overdue))
}

/// A page of all actors.
pub(super) async fn tree(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    let depth = natural(&call.request, "depth")?;
    let depth = depth.map_or(usize::MAX, |depth| usize::try_from(depth).unwrap_or(usize::MAX));
    page(call, sight, move |realm, after, limit| realm.upper(after, limit, depth)).await
}

/// A page of the children of one.
pub(super) async fn children(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    let of = match found(call.context.node(), &call.request).await? {
        Ok(actor) => actor.id(),
        Err(outcome) => return Ok(outcome),
    };
    page(call, sight, move |realm, after, limit| realm.children(of, after, limit)).await
}

async fn page(
    call: &Call,
    sight: Sight,
    look: impl FnOnce(&Realm, Option<ActorId>, usize) -> Snapshot + Send + 'static,
) -> Result<Outcome, CallError> {
    let after = natural(&call.request, "after")?.and_then(NonZeroU64::new).map(ActorId::from);
    let limit = limit(&call.request, MAX_ROWS)?;
    let realm = call.context.node().realm().clone();
    let shown = move || {
        let page = look(&realm, after, limit);
        let rows: List = page.rows.iter().map(|actor| Value::from(row(actor, sight))).collect();
        let mut answer = Message::new()
            .with("rows", rows)
            .with("actors", integer(realm.actors()))
            .with("sequence", integer(page.sequence));
        if let Some(next) = page.next {
            answer.insert("next", row::id(next));
        }
        answer
    };
    Ok(Outcome::ok(call.context.node().pool().run("the tree", shown).await?))
}

/// One actor.
pub(super) async fn actor(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    let actor = match found(call.context.node(), &call.request).await? {
        Ok(actor) => actor.row(),
        Err(outcome) => return Ok(outcome),
    };
    let exits: List = actor.last_exits.iter().map(|exit| row::exit(exit, sight)).collect();
    Ok(Outcome::ok(Message::new().with("actor", row(&actor, sight)).with("last-exits", exits)))
}

/// The actor that a request means by `actor`: its number, its path, or the id of a process for the
/// one that computes it.
pub(super) async fn found(
    node: &Arc<Node>,
    request: &Message,
) -> Result<Result<ActorRef, Outcome>, CallError> {
    let number = match request.get("actor") {
        Some(Value::Integer(_)) => natural(request, "actor")?,
        Some(_) => text(request, "actor")?.and_then(|number| number.parse().ok()),
        None => {
            let wanted = "name an `actor`: its number, its path, or the id of a process";
            return Err(CallError::BadRequest(wanted.into()));
        }
    };
    let realm = node.realm().clone();
    let found = match number {
        Some(number) => NonZeroU64::new(number).and_then(|number| realm.find(number.into())),
        None => {
            let path = text(request, "actor")?.unwrap_or_default().to_owned();
            match path.parse::<Id>() {
                Ok(process) => node.processes().get(&process).map(|address| address.actor()),
                Err(_) if path.len() > MAX_PATH => None,
                Err(_) => node.pool().run("the tree", move || realm.at(&path)).await?,
            }
        }
    };
    let none = || Outcome::refused(404, "There is no such actor.");
    Ok(found.ok_or_else(none))
}
