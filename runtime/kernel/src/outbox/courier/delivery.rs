//! One delivery: the messages that a target is owed; and pushes of the slots of one process.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use oxbeam_protocol::{Id, Value};
use oxbeam_store::{Entry, EntryKey, Limit, Origin, Push, Slot, Store, StoreError};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::walk::PAUSE;
use super::{go_on, next_try, slot_of};
use crate::assignment::milliseconds;
use crate::error::CallError;
use crate::node::Node;
use crate::outbox::{AT_ONCE, Undelivered};
use crate::record;

/// How long an attempt may take: to schedule a message, or to compute its slot.
const ATTEMPT: Duration = Duration::from_secs(60);

/// Makes owed what slots of a process send, the earliest first, or tries again later: nobody else knows
/// that it was asked for.
///
/// What comes behind a slot that fails is put off with it, to the same time: a process that is stopped
/// costs one attempt at a time, however many of its slots are to be pushed.
pub(super) async fn push_in_order(node: Arc<Node>, process: Id, mut pushes: Vec<Push>) {
    pushes.sort_unstable_by_key(|push| push.slot);
    for push in pushes {
        let slot = push.slot;
        let moved = match push_once(&node, push).await {
            Ok(()) => done(&node, process, slot).await.map(|()| true),
            Err((error, next)) => {
                warn!(%process, slot, %error, "failed to push a slot, later again");
                put_off(&node, process, slot, next).await.map(|()| false)
            }
        };
        match moved {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                warn!(%process, slot, %error, "a push is made again");
                // It is still due.
                return sleep(PAUSE).await;
            }
        }
    }
}

/// One attempt at a push. The error comes with the time of the next.
async fn push_once(node: &Arc<Node>, push: Push) -> Result<(), (CallError, u64)> {
    let Push { process, slot, attempts, .. } = push;
    let before = computed(node, process).await;
    let error = match timeout(ATTEMPT, go_on(node, process, slot)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => CallError::Timeout { limit: ATTEMPT },
    };
    // One that gets on has only more to compute than fits into an attempt.
    let attempts = if computed(node, process).await > before { 0 } else { attempts };
    Err((error, next_try(attempts)))
}

/// The last slot of a process that was computed, as far as that can be told.
async fn computed(node: &Node, process: Id) -> Option<Slot> {
    let result = node.store().ok()?.computed(process).await.ok()??;
    Some(result.slot)
}

async fn done(node: &Node, process: Id, slot: Slot) -> Result<(), CallError> {
    Ok(node.store()?.pushed(process, slot).await?)
}

/// Puts off what is due of a process, from a slot on.
async fn put_off(node: &Node, process: Id, slot: Slot, at: u64) -> Result<(), CallError> {
    let (store, now) = (node.store()?, milliseconds());
    let mut from = Some(slot);
    while let Some(first) = from {
        let piece = store.pushes_of(process, first, Limit::default()).await?;
        from = piece.last.and_then(|last| last.checked_add(1));
        let due: Vec<Push> = piece.items.into_iter().filter(|push| push.next_try <= now).collect();
        for some in due.chunks(AT_ONCE) {
            let moves = some.iter().map(|push| store.put_off_push(process, push.slot, at));
            try_join_all(moves).await?;
        }
    }
    Ok(())
}

/// Delivers messages to one target, one after another.
pub(super) async fn deliver_in_order(node: Arc<Node>, entries: Vec<EntryKey>) {
    for key in entries {
        if let Err(error) = try_once(&node, key).await {
            warn!(?key, %error, "deliveries to a target wait");
            // It is still due, and the store may need longer than a moment.
            return sleep(PAUSE).await;
        }
    }
}

/// One attempt. An error is the store's, not the message's.
async fn try_once(node: &Arc<Node>, key: EntryKey) -> Result<(), CallError> {
    let store = node.store()?;
    let Some(entry) = store.entry(key).await? else { return Ok(()) };
    // Should the program end, it is tried again soon. As long as it does not, this delivery alone is
    // under way to the target.
    let attempts = match store.begin(key, next_try(entry.attempts)).await {
        Ok(attempts) => attempts,
        // Somebody else has delivered it meanwhile.
        Err(StoreError::EntryMoved { .. } | StoreError::NoEntry { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let tried = timeout(ATTEMPT, deliver(node, &entry)).await;
    let error = match tried {
        Ok(Ok(arrival)) => {
            follow(node, &arrival).await?;
            debug!(target = entry.target, slot = arrival.slot, "message delivered");
            return Ok(store.delivered(key, Some(arrival.slot)).await?);
        }
        Ok(Err(error)) => error,
        Err(_) => CallError::Timeout { limit: ATTEMPT }.into(),
    };
    settled(failed(node, &*store, &entry, attempts, &error).await)
}

async fn failed(
    node: &Node,
    store: &dyn Store,
    entry: &Entry,
    attempts: u32,
    error: &Undelivered,
) -> Result<(), StoreError> {
    let reason = error.to_string();
    if error.may_pass() && attempts < node.configuration().settings.outbox_max_attempts {
        debug!(target = entry.target, reason, "message not delivered, later again");
        // From now on: the attempt itself may have taken long.
        return store.retry(entry.key, next_try(entry.attempts), reason).await;
    }
    warn!(target = entry.target, attempts, reason, "message given up");
    node.metrics().given_up();
    store.give_up(entry.key, reason).await
}

/// A late move of an entry that has arrived meanwhile is no error.
fn settled(moved: Result<(), StoreError>) -> Result<(), CallError> {
    match moved {
        Err(StoreError::EntryMoved { .. } | StoreError::NoEntry { .. }) => Ok(()),
        moved => Ok(moved?),
    }
}

/// Where a message has arrived.
struct Arrival {
    target: Id,
    slot: Slot,
    /// Whether this node computes the slot.
    here: bool,
}

/// Schedules a message.
async fn deliver(node: &Arc<Node>, entry: &Entry) -> Result<Arrival, Undelivered> {
    let target: Id = entry.target.parse().map_err(|_| Undelivered::NoTarget)?;
    let message = match record::decode(&entry.message).map_err(CallError::from)? {
        Value::Map(message) => message,
        _ => return Err(CallError::Raised("the outbox holds what is no message".into()).into()),
    };
    let key = entry.key;
    let origin = Origin { process: key.process, slot: key.slot, index: key.index };
    let arrived = node.deliver(target, message, origin).await?;
    Ok(Arrival { target, slot: slot_of(&arrived.assignment)?, here: arrived.here })
}

/// Makes owed what the slot of a message sends in turn. What cannot be done now is noted, and costs the
/// message, which has arrived, none of its attempts.
async fn follow(node: &Arc<Node>, arrival: &Arrival) -> Result<(), CallError> {
    let Arrival { target, slot, here } = *arrival;
    if !here {
        return Ok(());
    }
    let why = match timeout(ATTEMPT, go_on(node, target, slot)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => CallError::Timeout { limit: ATTEMPT },
    };
    debug!(%target, slot, error = %why, "a slot is pushed later");
    node.push_later(target, slot).await
}
