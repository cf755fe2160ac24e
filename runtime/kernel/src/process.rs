//! Processes: what each computes from its definition and its log.
//!
//! A process in use has one actor, which holds the state after the last slot that was computed and
//! leads all who want a later one. What was committed is never computed to another result. A slot
//! further back is computed by another actor, from the nearest checkpoint below it, so that reading
//! the past never disturbs the present. An actor without work writes a checkpoint and leaves.
//!
//! ```text
//! wanted slot ─► in memory? ─► the next slot of the log ─► count the attempt ─► execution device
//!                                        ▲                                            │
//!                                        └── checkpoint now and then ◄── commit ◄─────┘
//! ```
//!
//! Source: spec 10.

mod actor;
mod ahead;
mod attempt;
mod commit;
mod definition;
mod load;
mod machine;
mod pages;
mod proof;
mod role;
mod state;
mod turn;
mod waits;

use std::sync::Weak;
use std::time::Duration;

use oxbeam_protocol::{Id, Value};
use oxbeam_store::Slot;
use oxbeam_supervisor::{ActorSpec, DynamicSpec, Placement};
use tokio_util::sync::CancellationToken;

use self::actor::Compute;
pub use self::actor::ProcessActor;
pub use self::definition::process_id;
pub(crate) use self::definition::read as definition;
pub use self::role::{Role, run_as};
pub(crate) use self::waits::{Waits, Worker};
use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;
use crate::outcome::Outcome;

/// Processes that are computed, or set aside, at the same time.
const MAX_PROCESSES: usize = 100_000;
/// Callers that may wait for one process.
const MAX_CALLERS: usize = 16_384;

/// Which state of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// After this slot.
    Slot(Slot),
    /// After the last slot that was computed; if none was, that of the end of the log.
    Computed,
    /// After the last slot of the log.
    Now,
    /// Before any slot.
    Initial,
}

/// Who is asked for a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The actor of the present, which computes what it does not have.
    Present,
    /// The same, for what it has in memory.
    PresentAtOnce,
    /// The actor of the past, which computes what was computed before.
    Past,
}

impl Asked {
    fn present(past: bool) -> Self {
        if past { Self::PresentAtOnce } else { Self::Present }
    }
}

/// The children of one of the two dynamic supervisors of processes.
pub(crate) fn spec(node: &Weak<Node>, idle: Duration, past: bool) -> DynamicSpec<Id, ProcessActor> {
    let node = node.clone();
    DynamicSpec::new(move |process: &Id| {
        let (process, node) = (*process, node.clone());
        ActorSpec::fallible(move |_| ProcessActor::new(process, &node, past))
            .placement(Placement::Compute)
            .queue_limit(MAX_CALLERS)
    })
    .passivate_after(idle)
    .max_children(MAX_PROCESSES)
    .placement(Placement::Control)
}

impl Node {
    /// A state of a process, computed if need be: what its execution device made of it, or why a
    /// slot on the way has none. Source: spec 10, sections 5 to 7.
    ///
    /// # Errors
    /// [`CallError::Recursion`] if the state waits for this call; [`CallError::Quarantined`],
    /// [`CallError::Abandoned`]; what the execution device raises; errors of the store.
    pub async fn state(
        &self,
        context: &Context,
        process: Id,
        wanted: Wanted,
    ) -> Result<Outcome, CallError> {
        self.find_state(context, process, wanted, false).await
    }

    /// The same to be run on: with a copy of what its execution device runs for it. Nothing that is
    /// done to it changes the process. Source: spec 10, section 9.
    ///
    /// # Errors
    /// As [`Node::state`].
    pub async fn state_to_run(
        &self,
        context: &Context,
        process: Id,
        wanted: Wanted,
    ) -> Result<Outcome, CallError> {
        let outcome = self.find_state(context, process, wanted, true).await?;
        match outcome.into_result() {
            Ok(Value::Map(state)) => {
                let context = match state.get("at-slot") {
                    Some(Value::Integer(slot)) => {
                        let slot = Slot::try_from(slot).unwrap_or_default();
                        &load::as_at(context, process, slot).await?
                    }
                    _ => context,
                };
                let state = load::restarted(context, state).await?;
                Ok(state.map_or_else(|outcome| outcome, Outcome::ok))
            }
            Ok(value) => Ok(Outcome::ok(value)),
            Err(outcome) => Ok(outcome),
        }
    }

    async fn find_state(
        &self,
        context: &Context,
        process: Id,
        wanted: Wanted,
        to_run: bool,
    ) -> Result<Outcome, CallError> {
        let wanted = self.meant(process, wanted).await?;
        let computed = self.store()?.computed(process).await?;
        let past = match (wanted, &computed) {
            (Wanted::Slot(slot), Some(computed)) => slot < computed.slot,
            (Wanted::Initial, computed) => computed.is_some(),
            _ => false,
        };
        // Should the present have gone on meanwhile, the past knows.
        let asked = Asked::present(past);
        match self.ask_process(context, process, wanted, asked, to_run).await? {
            Some(answer) => Ok(answer),
            None => {
                let asked = Asked::Past;
                let answer = self.ask_process(context, process, wanted, asked, to_run).await?;
                answer.ok_or(CallError::Cancelled)
            }
        }
    }

    /// What is meant by the words, as a slot.
    async fn meant(&self, process: Id, wanted: Wanted) -> Result<Wanted, CallError> {
        let store = self.store()?;
        if wanted == Wanted::Computed
            && let Some(computed) = store.computed(process).await?
        {
            return Ok(Wanted::Slot(computed.slot));
        }
        Ok(match wanted {
            Wanted::Computed | Wanted::Now => match store.head(process).await? {
                Some(head) => Wanted::Slot(head.slot),
                None => Wanted::Initial,
            },
            wanted => wanted,
        })
    }

    /// Asks one of the actors of a process. None if it does not know, or if what is wanted lies
    /// before the state that it has.
    async fn ask_process(
        &self,
        context: &Context,
        process: Id,
        wanted: Wanted,
        asked: Asked,
        to_run: bool,
    ) -> Result<Option<Outcome>, CallError> {
        let past = asked == Asked::Past;
        let at_once = asked == Asked::PresentAtOnce;
        let actors = if past { self.pasts() } else { self.processes() };
        let address = match actors.get(&process) {
            Some(address) => address,
            // Nobody is woken up to say that he does not know.
            None if at_once => return Ok(None),
            None => {
                let started = actors.get_or_start(&process).await;
                started.map_err(|error| CallError::not_started("the process", &error))?
            }
        };
        let _waits = match context.worker() {
            Some(waiter) if !at_once => Some(self.waits().wait(waiter, Worker { process, past })?),
            _ => None,
        };
        let trace = context.trace().clone();
        // Slots are computed for those who wait: whoever leaves this function does no more.
        let asker = CancellationToken::new();
        let _waits_here = asker.clone().drop_guard();
        tokio::select! {
            answer = address.ask(Compute { wanted, at_once, to_run, trace, asker }) => {
                answer.map_err(|error| CallError::unanswered("the process", error))?
            }
            () = context.cancelled() => Err(CallError::Cancelled),
        }
    }
}
