//! Delivery in the background: what is owed and nobody delivers, and slots that are to be pushed.
//!
//! Each target has a delivery of its own, which takes its messages in order, and each process pushes of
//! its own, which take its slots in order: what does not answer, or takes long to compute, holds up nobody
//! else. All of it is found in the store again if the program ends.

mod delivery;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, AsyncContext, Context as ActorContext};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{EntryKey, Limit, Push, PushPlace, Slot, StoreError};
use oxbeam_supervisor::{ActorSpec, Placement};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use self::walk::{PAUSE, Walk};
use super::resolve::resolve_all;
use super::{deliverable, entries, results};
use crate::assignment::milliseconds;
use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;
use crate::quarantine::words_of;

/// Processes whose slots are pushed at the same time.
const MAX_PUSHED: usize = 256;
/// Messages, and slots to push, that are looked at in one turn.
const TURN: usize = 64;
/// Targets here, and those of other nodes, that are delivered to at the same time.
const MAX_TARGETS: usize = 256;
/// Wait after the first attempt; it doubles with each, up to [`LONGEST`]. Up to half of it is left to
/// chance, so that what failed together is not tried together again.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

/// Delivers what is owed.
pub(crate) struct CourierActor(Arc<Node>);

impl CourierActor {
    pub(crate) fn spec(node: &Arc<Node>) -> ActorSpec<Self> {
        let node = node.clone();
        ActorSpec::new(move || Self(node.clone())).placement(Placement::Control)
    }
}

impl Actor for CourierActor {
    type Context = ActorContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(wrap_future(Courier::new(self.0.clone()).run()));
    }
}

impl fmt::Debug for CourierActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CourierActor").finish()
    }
}

/// What is done apart from everything else.
#[derive(Debug, PartialEq, Eq)]
enum Job {
    Delivery { target: String, away: bool },
    Pushes(Id),
}

struct Courier {
    node: Arc<Node>,
    jobs: JoinSet<()>,
    under_way: HashMap<task::Id, Job>,
    pushes: Walk<PushPlace, Id>,
    deliveries: Walk<(u64, EntryKey), String>,
}

impl Courier {
    fn new(node: Arc<Node>) -> Self {
        let (jobs, under_way) = (JoinSet::new(), HashMap::new());
        Self { node, jobs, under_way, pushes: Walk::default(), deliveries: Walk::default() }
    }

    async fn run(mut self) {
        let node = self.node.clone();
        loop {
            let pause = match self.turn().await {
                Ok(pause) => pause,
                Err(error) => {
                    warn!(%error, "deliveries wait");
                    PAUSE
                }
            };
            let held = self.pushes.held || self.deliveries.held;
            tokio::select! {
                () = node.courier().notified() => self.wake(),
                () = sleep(pause) => {}
                Some(ended) = self.jobs.join_next_with_id(), if held => self.ended(ended),
            }
        }
    }

    fn wake(&mut self) {
        self.pushes.wake();
        self.deliveries.wake();
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let job = self.under_way.remove(&id);
        if let Err(error) = ended {
            error!(?job, %error, "a delivery panicked");
        }
        self.wake();
    }

    fn begin(&mut self, job: Job, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.jobs.spawn(work).id();
        self.under_way.insert(id, job);
    }

    fn count(&self, is: impl Fn(&Job) -> bool) -> usize {
        self.under_way.values().filter(|job| is(job)).count()
    }

    /// Begins what is due, and answers when to look again.
    async fn turn(&mut self) -> Result<Duration, CallError> {
        while let Some(ended) = self.jobs.try_join_next_with_id() {
            self.ended(ended);
        }
        let pushes = self.push_due().await;
        let deliveries = self.deliver_due().await;
        pushes.and(deliveries)?;
        let next = self.pushes.due().min(self.deliveries.due());
        Ok(Duration::from_millis(next.saturating_sub(milliseconds())))
    }

    /// Begins with slots that are to be pushed, of processes of which none is.
    async fn push_due(&mut self) -> Result<(), CallError> {
        let now = milliseconds();
        let Some(after) = self.pushes.go_on(now) else { return Ok(()) };
        let store = self.node.store()?;
        let due = store.due_pushes(now, after, Limit::count(TURN)).await?;
        self.pushes.place = due.last;
        let mut by_process: BTreeMap<Id, Vec<Push>> = BTreeMap::new();
        for push in due.items {
            by_process.entry(push.process).or_default().push(push);
        }
        for (process, pushes) in by_process {
            // What is under way stays due until it is done.
            self.pushes.held = true;
            let job = Job::Pushes(process);
            let is_busy = self.pushes.has_passed_over(&process)
                || self.count(|other| *other == job) > 0
                || self.count(|job| matches!(job, Job::Pushes(_))) >= MAX_PUSHED;
            if is_busy {
                self.pushes.pass_over(process);
            } else {
                self.begin(job, delivery::push_in_order(self.node.clone(), process, pushes));
            }
        }
        if self.pushes.place.is_none() {
            let next = store.next_push(now).await?;
            self.pushes.ended(next);
        }
        Ok(())
    }

    /// Begins with what is due to targets that nothing is on its way to.
    async fn deliver_due(&mut self) -> Result<(), CallError> {
        let now = milliseconds();
        let Some(after) = self.deliveries.go_on(now) else { return Ok(()) };
        let store = self.node.store()?;
        let due = store.due(now, after, Limit::count(TURN)).await?;
        self.deliveries.place = due.last;
        let mut by_target: BTreeMap<String, Vec<EntryKey>> = BTreeMap::new();
        for key in due.items {
            match store.entry(key).await {
                Ok(Some(entry)) => by_target.entry(entry.target).or_default().push(key),
                Ok(None) => {}
                // One that is damaged must not hold up the others.
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(?key, %error, "an entry of the outbox cannot be read");
                    self.deliveries.held = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
        for (target, entries) in by_target {
            self.deliver_to(target, entries).await;
        }
        if self.deliveries.place.is_none() {
            let next = store.next_due().await?;
            self.deliveries.ended(next);
        }
        Ok(())
    }

    async fn deliver_to(&mut self, target: String, entries: Vec<EntryKey>) {
        // What fails here fails the attempt too, where it counts.
        let away = is_away(&self.node, &target).await.unwrap_or(false);
        let is_busy =
            |job: &Job| matches!(job, Job::Delivery { target: busy, .. } if *busy == target);
        let is_such =
            |job: &Job| matches!(job, Job::Delivery { away: there, .. } if *there == away);
        let waits = self.deliveries.has_passed_over(&target)
            || self.count(is_busy) > 0
            || self.count(is_such) >= MAX_TARGETS;
        if waits {
            return self.deliveries.pass_over(target);
        }
        let work = delivery::deliver_in_order(self.node.clone(), entries);
        self.begin(Job::Delivery { target, away }, work);
    }
}

async fn is_away(node: &Node, target: &str) -> Result<bool, CallError> {
    match target.parse() {
        Ok(target) => Ok(node.is_scheduler_of(target).await? == Some(false)),
        Err(_) => Ok(false),
    }
}

/// Makes owed what a slot sends. A slot that is not in the log sends nothing.
///
/// # Errors
/// Also a slot that has no result: its process may get past it later, once the operator gives it more.
async fn go_on(node: &Arc<Node>, process: Id, slot: Slot) -> Result<(), CallError> {
    let cancelled = CancellationToken::new();
    let _ends = cancelled.clone().drop_guard();
    let context: Context = node.context(cancelled);
    let results = match results(&context, process, slot).await? {
        Ok(results) => results,
        Err(_) if !node.has_slot(process, slot).await? => return Ok(()),
        Err(outcome) => return Err(CallError::Raised(words_of(&outcome))),
    };
    let (sent, now) = (entries(&results), milliseconds());
    node.owe(&deliverable(node, process, slot, &sent).await?, now).await?;
    resolve_all(&context, process, slot, &sent, now).await?;
    node.courier().notify_one();
    Ok(())
}

/// The slot of an assignment.
pub(super) fn slot_of(assignment: &Message) -> Result<Slot, CallError> {
    let slot = match assignment.get("slot") {
        Some(Value::Integer(slot)) => Slot::try_from(slot).ok(),
        _ => None,
    };
    slot.ok_or_else(|| CallError::Raised("an assignment has no slot".into()))
}

/// When the next attempt is, if so many were made before this one.
fn next_try(attempts: u32) -> u64 {
    milliseconds().saturating_add(backoff(attempts, fastrand::f64()))
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
