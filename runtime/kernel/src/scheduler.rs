//! The scheduler of a process: the only one that gives out its slots.
//!
//! ```text
//! schedule ─► draft (pool) ─► slot, chain ─► signed (pool) ─► appended ─► answered
//!                             in order       side by side     in order    in order
//! ```
//!
//! There is an actor for each process that is being written to. It reads from the log where to go
//! on when it starts, so that a restart leaves no gap and gives no slot twice. If a slot cannot be
//! signed or written, that request fails and with it all behind it; the actor ends, and the next
//! request starts it anew from what the log says.

mod assigned;
mod line;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix::fut::{ActorFutureExt, LocalBoxActorFuture, ready};
use actix::{Actor, AsyncContext, Context, Handler, ResponseActFuture, WrapFuture};
use oxbeam_protocol::commitment::Proven;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::{Append, ContentBatch, Head, Origin, Persist, Slot, Store};
use oxbeam_supervisor::{
    ActorSpec, AskError, Backoff, ChildSpec, Children, ContextExt, DynamicSpec, ExitReason,
    Placement, Refusal, StartError,
};
use tokio::sync::oneshot;

pub(crate) use self::assigned::Assigned;
use self::line::{Broken, Line, Place};
use crate::assignment::{self, Draft};
use crate::error::CallError;
use crate::node::Node;

/// Requests to one scheduler that may wait or be under way.
const MAX_UNDER_WAY: usize = 4096;
/// How long a request to schedule may take. Source: spec 11, section 3.
const LIMIT: Duration = Duration::from_secs(10);
/// How often a scheduler may leave under the hands of whoever asks it.
const TRIES: usize = 4;

type Answer = Result<Message, CallError>;

/// The schedulers of a node, by their processes.
pub(crate) type Schedulers = Children<Id, SchedulerActor>;

/// The child of the node's tree that runs the schedulers.
pub(crate) fn schedulers(node: Weak<Node>, idle: Duration) -> (Schedulers, ChildSpec) {
    DynamicSpec::new(move |process: &Id| SchedulerActor::spec(*process, node.clone()))
        .backoff(Backoff::default())
        .passivate_after(idle)
        .placement(Placement::Control)
        .into_child("schedulers")
}

/// Gives a message the process's next slot. Answers with the assignment once it is on disk.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<Message, CallError>")]
struct Schedule {
    draft: Arc<Draft>,
    origin: Option<Origin>,
}

/// The scheduler of one process.
pub(crate) struct SchedulerActor {
    process: Id,
    node: Arc<Node>,
    store: Arc<dyn Store>,
    /// The next slot, and the chain at the one before.
    next: Slot,
    chain: Option<Id>,
    /// In which order slots are handed to the log, and in which they are answered.
    appends: Line,
    answers: Line,
    /// Messages of other processes that are under way, and who else waits for their slots.
    arriving: HashMap<Origin, Vec<oneshot::Sender<Answer>>>,
}

impl SchedulerActor {
    fn spec(process: Id, node: Weak<Node>) -> ActorSpec<Self> {
        let make = move |_: &_| {
            let node = node.upgrade().ok_or_else(|| StartError::failed("the node is gone"))?;
            let store = node.store().map_err(StartError::failed)?;
            Ok(Self {
                process,
                node,
                store,
                next: 0,
                chain: None,
                appends: Line::default(),
                answers: Line::default(),
                arriving: HashMap::new(),
            })
        };
        ActorSpec::fallible(make)
            .acknowledged()
            .queue_limit(MAX_UNDER_WAY)
            .placement(Placement::Control)
    }

    fn goes_on_from(&mut self, head: Option<Head>) {
        self.next = head.map_or(0, |head| head.slot.saturating_add(1));
        self.chain = head.map(|head| head.chain);
    }

    /// Gives the next slot to a message.
    fn assign(
        &mut self,
        draft: &Draft,
        origin: Option<Origin>,
    ) -> LocalBoxActorFuture<Self, Answer> {
        let slot = self.next;
        let chain = assignment::chain(self.chain, draft.id());
        self.next = slot.saturating_add(1);
        self.chain = Some(chain);
        let given = Given {
            process: self.process,
            slot,
            chain,
            body: draft.id(),
            origin,
            assignment: draft.at(slot, chain),
            append_turn: self.appends.join(),
            answer_turn: self.answers.join(),
        };
        let written = given.write(self.node.clone(), self.store.clone()).into_actor(self);
        Box::pin(written.map(move |written, _, ctx| {
            if let Err(error) = &written {
                // What comes after it was chained to it. It is no fault of the scheduler's: the
                // next request starts it from the log.
                let words = format!("failed to schedule slot {slot}: {error}");
                ctx.exit(ExitReason::ShutdownWith(words.into()));
            }
            written
        }))
    }

    /// The slot that a message of another process has, or gets.
    fn receive(&mut self, draft: Arc<Draft>, origin: Origin) -> LocalBoxActorFuture<Self, Answer> {
        if let Some(waiting) = self.arriving.get_mut(&origin) {
            let (answer, answered) = oneshot::channel();
            waiting.push(answer);
            let answered = async move { answered.await.unwrap_or_else(|_| Err(broken())) };
            return Box::pin(answered.into_actor(self));
        }
        self.arriving.insert(origin, Vec::new());
        let known = received(self.store.clone(), self.process, origin).into_actor(self);
        let answer = known.then(move |known, actor: &mut Self, _| match known.transpose() {
            None => actor.assign(&draft, Some(origin)),
            Some(known) => Box::pin(ready::<Answer>(known)),
        });
        Box::pin(answer.map(move |answer, actor, _| {
            for waiting in actor.arriving.remove(&origin).unwrap_or_default() {
                // It may have gone.
                let _ = waiting.send(answer.clone());
            }
            answer
        }))
    }
}

/// A message with its slot.
struct Given {
    process: Id,
    slot: Slot,
    chain: Id,
    body: Id,
    origin: Option<Origin>,
    assignment: Message,
    append_turn: Place,
    answer_turn: Place,
}

impl Given {
    /// Signs and appends it. Signatures of later slots do not wait for it, their appends do.
    async fn write(self, node: Arc<Node>, store: Arc<dyn Store>) -> Answer {
        let Self { process, slot, chain, body, origin, assignment, .. } = self;
        let (mut append_turn, mut answer_turn) = (self.append_turn, self.answer_turn);
        let wallet = node.wallet().clone();
        let sign = move || {
            let (signed, written) = assignment::sign(&assignment, &wallet)?;
            Ok::<_, CallError>((signed, Id::of(&written), written))
        };
        let (signed, record, assignment) = node.pool().run("the signer", sign).await??;
        append_turn.turn().await?;
        let since = Instant::now();
        // The store queues appends in the order of these calls.
        let appended = store.append(Append {
            process,
            slot,
            assignment,
            chain,
            body: Some(body),
            origin,
            content: ContentBatch::default(),
        });
        append_turn.pass();
        let appended = appended.await;
        node.metrics().appended(since.elapsed());
        if appended?.repeated {
            // Its slot stays empty. Who asks again gets the slot that it had before.
            return Err(broken());
        }
        node.assigned().note(record);
        answer_turn.turn().await?;
        answer_turn.pass();
        node.metrics().scheduled();
        node.followers().tell(process);
        Ok(signed)
    }
}

/// The assignment of a message that was received before.
async fn received(
    store: Arc<dyn Store>,
    process: Id,
    origin: Origin,
) -> Result<Option<Message>, CallError> {
    match store.received(process, origin).await? {
        Some(slot) => assignment::read(&*store, process, slot).await,
        None => Ok(None),
    }
}

fn broken() -> CallError {
    let reason = "it starts again, because a slot before could not be written".into();
    CallError::Unavailable { what: "the scheduler".into(), reason }
}

impl From<Broken> for CallError {
    fn from(_: Broken) -> Self {
        broken()
    }
}

impl Actor for SchedulerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (store, process) = (self.store.clone(), self.process);
        let head = async move {
            // Whatever this actor's last life has queued is before this in the store's queue. If it
            // fails, nothing else is written either.
            let _ = store.put_content(ContentBatch::default(), Persist::Buffered).await;
            store.head(process).await
        };
        ctx.wait(head.into_actor(self).map(|head, actor, ctx| match head {
            Ok(head) => {
                actor.goes_on_from(head);
                ctx.acknowledge(Ok(()));
            }
            Err(error) => ctx.acknowledge(Err(ExitReason::Failed(error.to_string().into()))),
        }));
    }
}

impl Handler<Schedule> for SchedulerActor {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(
        &mut self,
        Schedule { draft, origin }: Schedule,
        _: &mut Self::Context,
    ) -> Self::Result {
        match origin {
            None => self.assign(&draft, None),
            Some(origin) => self.receive(draft, origin),
        }
    }
}

impl fmt::Debug for SchedulerActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchedulerActor")
            .field("process", &self.process)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// Gives a message the next slot of a process that this node schedules. Answers with the signed
    /// assignment when it is on disk; answers come in the order of their slots.
    ///
    /// With an `origin` that the process has received before, the answer is the assignment of the first
    /// time.
    ///
    /// # Errors
    /// A message that no slot can hold; [`CallError::Unavailable`] if the node gives no slots;
    /// [`CallError::Overloaded`]; errors of the store. After
    /// [`CallError::Timeout`] and [`CallError::Unavailable`] it may have a slot nevertheless.
    pub async fn schedule(
        &self,
        process: Id,
        message: Proven,
        origin: Option<Origin>,
    ) -> Result<Message, CallError> {
        if !self.configuration().settings.schedules {
            let reason = "the option scheduling_mode of this node is disabled".into();
            return Err(CallError::Unavailable { what: "the scheduler".into(), reason });
        }
        let body = message.clone().into_message();
        let draft = self.pool().run("the scheduler", move || Draft::new(process, body)).await??;
        // Written before the slot, and so on disk when the slot is.
        self.contents()?.keep(&message, Persist::Buffered).await?;
        let request = Schedule { draft: Arc::new(draft), origin };
        for _ in 0..TRIES {
            let scheduler = self.schedulers().get_or_start(&process).await;
            let scheduler = scheduler.map_err(|e| CallError::not_started("the scheduler", &e))?;
            match scheduler.ask(request.clone()).within(LIMIT).await {
                Ok(answer) => return answer,
                // It left before it had the message.
                Err(AskError::Refused(Refusal::NoProc { .. })) => {}
                Err(error) => return Err(CallError::unanswered("the scheduler", error)),
            }
        }
        Err(broken())
    }

    /// The last slot of a process that the log has, and the hash chain there.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn head(&self, process: Id) -> Result<Option<Head>, CallError> {
        Ok(self.store()?.head(process).await?)
    }

    /// The processes that have a scheduler in memory, in byte order of their ids.
    #[must_use]
    pub fn scheduling(&self) -> Vec<Id> {
        let mut processes = self.schedulers().keys();
        processes.sort_unstable();
        processes
    }
}
