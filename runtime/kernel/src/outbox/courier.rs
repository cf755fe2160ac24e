//! Delivery in the background: what is owed and nobody delivers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, AsyncContext, Context as ActorContext, Handler};
use futures_util::future::join_all;
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Entry, Limit, Origin, Slot, StoreError};
use oxbeam_supervisor::{ActorSpec, Address, Concurrent, Placement};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Undelivered, deliverable, entries, results};
use crate::assignment::milliseconds;
use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;
use crate::record;
use crate::remote;

/// The group that the courier is in.
const GROUP: &str = "courier";
/// Slots that are pushed at the same time for those who do not wait.
const MAX_PUSHES: usize = 64;
/// Messages that are looked at in one turn.
const TURN: usize = 64;
/// Other nodes that are delivered to at the same time.
const MAX_AWAY: usize = 256;
/// How long a delivery to another node may take: it is asked twice.
const AWAY: Duration = remote::LIMIT.saturating_mul(2);
/// Wait after the first attempt; it doubles with each, up to [`LONGEST`]. Up to half of it is left to
/// chance, so that what failed together is not tried together again.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);
/// How long an attempt may take: to schedule a message, and to compute its slot.
const ATTEMPT: Duration = Duration::from_secs(60);
/// How long it sleeps at most: should nobody wake it, it looks by itself.
const SLEEP: Duration = Duration::from_secs(30);
/// How long it waits after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Delivers what is owed.
pub(crate) struct CourierActor(Arc<Node>);

impl CourierActor {
    pub(crate) fn spec(node: &Arc<Node>) -> ActorSpec<Self> {
        let node = node.clone();
        ActorSpec::new(move || Self(node.clone()))
            .concurrent(MAX_PUSHES)
            .member_of(GROUP)
            .placement(Placement::Control)
    }

    /// Asks the node's courier to push a slot.
    pub(super) fn tell(node: &Node, process: Id, slot: Slot) -> Result<(), CallError> {
        let what = "the courier";
        let courier: Option<Address<Self>> = node.realm().groups().pick(GROUP);
        let reason = "it is starting or stopping".into();
        let courier = courier.ok_or(CallError::Unavailable { what: what.into(), reason })?;
        courier
            .tell(Push { process, slot })
            .map_err(|unsent| CallError::unanswered(what, unsent.refusal.into()))
    }
}

/// Pushes a slot for somebody who does not wait.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
struct Push {
    process: Id,
    slot: Slot,
}

impl Handler<Push> for CourierActor {
    type Result = Concurrent<()>;

    fn handle(&mut self, Push { process, slot }: Push, _: &mut Self::Context) -> Self::Result {
        let node = self.0.clone();
        Concurrent::new(async move {
            let context = node.context(CancellationToken::new());
            match go_on(&context, process, slot).await {
                Ok(()) => node.courier().notify_one(),
                Err(error) => warn!(%process, slot, %error, "failed to push a slot"),
            }
        })
    }
}

impl Actor for CourierActor {
    type Context = ActorContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(wrap_future(run(self.0.clone())));
    }
}

impl fmt::Debug for CourierActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CourierActor").finish()
    }
}

async fn run(node: Arc<Node>) {
    let mut away = JoinSet::new();
    loop {
        let pause = match turn(&node, &mut away).await {
            Ok(pause) => pause,
            Err(error) => {
                warn!(%error, "deliveries wait");
                PAUSE
            }
        };
        // Whether it is woken or has slept makes no difference.
        let _ = timeout(pause, node.courier().notified()).await;
    }
}

/// Delivers what is due, to each target in order, and answers when to look again. What goes to other
/// nodes goes on by itself: one that does not answer must not hold up the others.
async fn turn(node: &Arc<Node>, away: &mut JoinSet<()>) -> Result<Duration, CallError> {
    while away.try_join_next().is_some() {}
    let store = node.store()?;
    let due = store.due(milliseconds(), Limit::count(TURN)).await?;
    let mut by_target: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in due {
        by_target.entry(entry.target.clone()).or_default().push(entry);
    }
    let (mut here, mut held_back) = (Vec::new(), false);
    for (target, entries) in by_target {
        match is_away(node, &target).await? {
            false => here.push(deliver_in_order(node, entries)),
            true if away.len() < MAX_AWAY => {
                let begun = begin_all(node, entries).await?;
                away.spawn(deliver_away(node.clone(), begun));
            }
            true => held_back = true,
        }
    }
    for delivered in join_all(here).await {
        delivered?;
    }
    let next = store.next_due().await?.unwrap_or(u64::MAX);
    let pause = Duration::from_millis(next.saturating_sub(milliseconds())).min(SLEEP);
    Ok(if held_back { pause.max(PAUSE) } else { pause })
}

async fn is_away(node: &Node, target: &str) -> Result<bool, CallError> {
    match target.parse() {
        Ok(target) => Ok(node.is_scheduler_of(target).await? == Some(false)),
        Err(_) => Ok(false),
    }
}

async fn deliver_in_order(node: &Arc<Node>, entries: Vec<Entry>) -> Result<(), CallError> {
    for entry in entries {
        if let Some(begun) = begin(node, entry, Duration::ZERO).await? {
            attempt(node, begun).await?;
        }
    }
    Ok(())
}

/// Begins with all at once, so that the next turn does not find them. Each is left alone for as long
/// as those before it may take.
async fn begin_all(node: &Arc<Node>, entries: Vec<Entry>) -> Result<Vec<Begun>, CallError> {
    let (mut all, mut before) = (Vec::with_capacity(entries.len()), Duration::ZERO);
    for entry in entries {
        before = before.saturating_add(AWAY);
        all.extend(begin(node, entry, before).await?);
    }
    Ok(all)
}

async fn deliver_away(node: Arc<Node>, entries: Vec<Begun>) {
    for entry in entries {
        if let Err(error) = attempt(&node, entry).await {
            warn!(%error, "deliveries to another node wait");
            return;
        }
    }
}

/// An entry with its attempt counted.
struct Begun {
    entry: Entry,
    attempts: u32,
    /// When the next attempt is, if this one fails.
    next_try: u64,
}

/// Counts an attempt; none if somebody else has delivered it meanwhile.
async fn begin(
    node: &Arc<Node>,
    entry: Entry,
    before: Duration,
) -> Result<Option<Begun>, CallError> {
    let before = u64::try_from(before.as_millis()).unwrap_or(u64::MAX);
    let next_try = milliseconds()
        .saturating_add(backoff(entry.attempts, fastrand::f64()))
        .saturating_add(before);
    match node.store()?.begin(entry.key, next_try).await {
        Ok(attempts) => Ok(Some(Begun { entry, attempts, next_try })),
        Err(StoreError::EntryMoved { .. } | StoreError::NoEntry { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// One attempt. An error is the store's, not the message's.
async fn attempt(node: &Arc<Node>, begun: Begun) -> Result<(), CallError> {
    let Begun { entry, attempts, next_try } = begun;
    let store = node.store()?;
    let tried = timeout(ATTEMPT, deliver(node, &entry)).await;
    let error = match tried {
        Ok(Ok(slot)) => {
            debug!(target = entry.target, slot, "message delivered");
            return Ok(store.delivered(entry.key, Some(slot)).await?);
        }
        Ok(Err(error)) => error,
        Err(_) => CallError::Timeout { limit: ATTEMPT }.into(),
    };
    let most = node.configuration().settings.outbox_max_attempts;
    if error.may_pass() && attempts < most {
        return later(&*store, &entry, next_try, &error).await;
    }
    let reason = error.to_string();
    warn!(target = entry.target, attempts, reason, "message given up");
    node.metrics().given_up();
    settled(store.give_up(entry.key, reason).await)
}

async fn later(
    store: &dyn oxbeam_store::Store,
    entry: &Entry,
    next_try: u64,
    error: &Undelivered,
) -> Result<(), CallError> {
    debug!(target = entry.target, %error, "message not delivered, later again");
    settled(store.retry(entry.key, next_try, error.to_string()).await)
}

/// A late move of an entry that has arrived meanwhile is no error.
fn settled(moved: Result<(), StoreError>) -> Result<(), CallError> {
    match moved {
        Err(StoreError::EntryMoved { .. } | StoreError::NoEntry { .. }) => Ok(()),
        moved => Ok(moved?),
    }
}

/// Schedules a message, and makes owed what its slot sends in turn. Only then is it delivered.
async fn deliver(node: &Arc<Node>, entry: &Entry) -> Result<Slot, Undelivered> {
    let target: Id = entry.target.parse().map_err(|_| Undelivered::NoTarget)?;
    let message = match record::decode(&entry.message).map_err(CallError::from)? {
        Value::Map(message) => message,
        _ => return Err(CallError::Raised("the outbox holds what is no message".into()).into()),
    };
    let key = entry.key;
    let origin = Origin { process: key.process, slot: key.slot, index: key.index };
    let arrived = node.deliver(target, message, origin).await?;
    let slot = slot_of(&arrived.assignment)?;
    if !arrived.here {
        return Ok(slot);
    }
    let cancelled = CancellationToken::new();
    let _ends = cancelled.clone().drop_guard();
    go_on(&node.context(cancelled), target, slot).await?;
    Ok(slot)
}

/// Makes owed what a slot sends. A slot that has no result sends nothing.
pub(super) async fn go_on(context: &Context, process: Id, slot: Slot) -> Result<(), CallError> {
    let Ok(results) = results(context, process, slot).await? else { return Ok(()) };
    let node = context.node();
    let owed = deliverable(node, process, slot, &entries(&results)).await?;
    node.owe(&owed, milliseconds()).await
}

/// The slot of an assignment.
pub(super) fn slot_of(assignment: &Message) -> Result<Slot, CallError> {
    let slot = match assignment.get("slot") {
        Some(Value::Integer(slot)) => Slot::try_from(slot).ok(),
        _ => None,
    };
    slot.ok_or_else(|| CallError::Raised("an assignment has no slot".into()))
}

/// Milliseconds to wait after an attempt, if so many were made before it. `dice` is from 0 to 1.
fn backoff(attempts: u32, dice: f64) -> u64 {
    let wait = FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST);
    let wait = wait.mul_f64(1.0 - dice.clamp(0.0, 1.0) / 2.0);
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        assert_eq!([0, 1, 2].map(|attempts| backoff(attempts, 0.0)), [1000, 2000, 4000]);
        assert_eq!(backoff(u32::MAX, 0.0), 600_000);
    }

    #[test]
    fn chance_takes_no_more_than_half_of_a_wait() {
        assert_eq!([0.0, 0.5, 1.0].map(|dice| backoff(1, dice)), [2000, 1500, 1000]);
    }
}
