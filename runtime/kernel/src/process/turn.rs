//! What the actor of a process does before it looks again at who waits.
//!
//! ```text
//! slot n     compute ─► commit ───────┐
//! slot n+1              compute ──────┴─► commit ───────┐
//! slot n+2                                compute ──────┴─► commit ─► answers
//! ```
//!
//! A slot is computed while the one before is being written, if it was begun with an earlier one. Nobody
//! sees a state before its slot is committed.

use std::time::{Duration, Instant};

use futures_util::future::{OptionFuture, join};
use oxbeam_protocol::{Id, Message};
use oxbeam_store::Slot;

use super::ahead::Ahead;
use super::attempt::Attempts;
use super::machine::{self, Computed, Stopped};
use super::state::{Live, shown};
use super::{commit, load};
use crate::context::Context;
use crate::error::CallError;

/// How long a turn goes on to further slots, and to how many.
const TURN: Duration = Duration::from_millis(5);
const MOST: usize = 16;

/// What an actor does next.
pub(super) struct Work {
    pub(super) context: Context,
    pub(super) process: Id,
    /// After which slot the state is wanted first.
    pub(super) wanted: Option<Slot>,
    /// The last slot that somebody waits for.
    pub(super) last: Option<Slot>,
    /// The slot that was tried last and has no state.
    pub(super) failed: Option<Slot>,
    /// Those of the actor that commits what it computes. The one of the past does not.
    pub(super) attempts: Option<Attempts>,
}

/// What came of it.
pub(super) struct Done {
    pub(super) live: Option<Live>,
    /// Shown states of slots on the way.
    pub(super) passed: Vec<(Option<Slot>, Message)>,
    pub(super) stopped: Option<Stopped>,
    /// The slot that has no state.
    pub(super) failed: Option<Slot>,
    /// The state in memory, to be run elsewhere.
    pub(super) copy: Option<Result<Message, CallError>>,
}

impl Done {
    pub(super) fn at(live: Live) -> Self {
        Self { live: Some(live), passed: Vec::new(), stopped: None, failed: None, copy: None }
    }

    fn unloaded(stopped: Stopped) -> Self {
        let (passed, stopped) = (Vec::new(), Some(stopped));
        Self { live: None, passed, stopped, failed: None, copy: None }
    }
}

/// Why there is no next state.
enum NotComputed {
    /// No device was asked. Whoever asks for a slot that is not there costs nobody anything.
    NothingRan(Stopped),
    Ran(Stopped),
}

impl Work {
    /// Copies the state if it is the one that is wanted, else works towards that.
    pub(super) async fn go_on(self, live: Option<Live>, ahead: &mut Ahead) -> Done {
        match live {
            Some(live) if live.slot == self.wanted => self.copy(live).await,
            Some(live) => self.turn(live, ahead).await,
            None => self.load().await,
        }
    }

    async fn copy(self, live: Live) -> Done {
        // A copy runs guests as well: it is made before the next slot is.
        self.withdraw();
        let copy = commit::with_snapshot(&self.context(), &live.state).await;
        let copy = copy.map(Message::without_handles);
        Done { copy: Some(copy), ..Done::at(live) }
    }

    async fn load(self) -> Done {
        let (context, process) = (self.context(), self.process);
        // The actor of the present begins with the last checkpoint there is.
        let at_or_before = match self.attempts {
            Some(_) => self.wanted.map(|_| Slot::MAX),
            None => self.wanted,
        };
        if self.attempts.is_some()
            && let Err(error) = context.node().load_aside(process).await
        {
            return Done::unloaded(Stopped::By(error));
        }
        match load::load(&context, process, at_or_before).await {
            Ok(Ok(live)) => Done::at(live),
            Ok(Err(outcome)) => Done::unloaded(Stopped::At(outcome)),
            Err(error) => Done::unloaded(Stopped::By(error)),
        }
    }

    /// Computes one slot at least, each further one while the one before is being committed.
    async fn turn(self, mut live: Live, ahead: &mut Ahead) -> Done {
        let began = Instant::now();
        let mut passed = Vec::new();
        // The state before the slot that is being committed, and its commit.
        let mut committing = None;
        loop {
            let (before, commit): (Option<Live>, Option<_>) = committing.take().unzip();
            let next = self.next(live.clone(), ahead);
            let (committed, next) = join(OptionFuture::from(commit), next).await;
            match (before, committed) {
                (Some(before), Some(Err(stopped))) => return self.stopped(before, passed, stopped),
                (Some(_), _) => passed.push((live.slot, shown(&live.state))),
                (None, _) => {}
            }
            let Computed { live: reached, is_new, within } = match next {
                Ok(computed) => computed,
                Err(NotComputed::Ran(stopped)) => return self.stopped(live, passed, stopped),
                Err(NotComputed::NothingRan(stopped)) => {
                    self.end();
                    return Done { passed, stopped: Some(stopped), ..Done::at(live) };
                }
            };
            let before = std::mem::replace(&mut live, reached);
            let slot = before.next();
            let is_due = self.attempts.is_some() && commit::is_due(&within.context, &live);
            let begins = if is_new && !is_due { self.to_begin(slot) } else { 0 };
            let commit = self.commit(slot, &live, (within, is_new, begins));
            let is_over = passed.len() + 1 >= MOST || began.elapsed() >= TURN;
            if is_due || is_over || !self.goes_on(slot, is_new) {
                if let Err(stopped) = commit.await {
                    return self.stopped(before, passed, stopped);
                }
                if is_due {
                    // A checkpoint runs guests as well.
                    self.withdraw();
                    commit::save(&self.context(), self.process, &mut live).await;
                }
                return Done { passed, ..Done::at(live) };
            }
            committing = Some((before, commit));
        }
    }

    /// A new request of the actor, for the same caller.
    fn context(&self) -> Context {
        self.context.fresh().traced(self.context.trace().clone())
    }

    /// Computes the slot after a state.
    async fn next(&self, mut live: Live, ahead: &mut Ahead) -> Result<Computed, NotComputed> {
        let (context, process) = (&self.context(), self.process);
        let attempts = self.attempts.as_ref();
        let ready = machine::ready(context, process, (&mut live, &mut *ahead), attempts).await;
        let ready = ready.map_err(NotComputed::NothingRan)?;
        // It will fail again, and cost what is run for the state: let that come back for little.
        if attempts.is_some() && live.state.has_handles() && self.failed == Some(live.next()) {
            commit::save(context, process, &mut live).await;
        }
        let last = self.last.filter(|_| ready.is_verified());
        let slots = live.next().checked_add(1).zip(last);
        let next = machine::next(process, live, ready);
        meanwhile(next, ahead, (context, process, slots)).await.map_err(NotComputed::Ran)
    }

    /// Commits a slot, if this is the actor that does.
    fn commit(
        &self,
        slot: Slot,
        live: &Live,
        (within, is_new, begins): (machine::Within, bool, u8),
    ) -> impl Future<Output = Result<(), Stopped>> + use<> {
        let (process, attempts, state) = (self.process, self.attempts.clone(), live.state.clone());
        async move {
            let Some(attempts) = attempts else { return Ok(()) };
            let how = (is_new, begins);
            let begun = machine::commit((process, slot), (state, within), how).await?;
            attempts.over(slot, begun);
            Ok(())
        }
    }

    /// Whether the slot after this one is computed while this one is being committed.
    fn goes_on(&self, slot: Slot, is_new: bool) -> bool {
        let next = slot.saturating_add(1);
        let is_begun = self.attempts.as_ref().is_none_or(|attempts| attempts.has_begun(next));
        self.wanted > Some(slot) && self.failed != Some(next) && (is_begun || !is_new)
    }

    fn to_begin(&self, slot: Slot) -> u8 {
        let last = self.last.filter(|last| *last > slot);
        last.zip(self.attempts.as_ref()).map_or(0, |(last, attempts)| attempts.to_begin(slot, last))
    }

    /// What is begun is not made now.
    fn withdraw(&self) {
        if let Some(attempts) = &self.attempts {
            attempts.withdraw(&self.context, self.process);
        }
    }

    /// Nothing more is made.
    fn end(&self) {
        if let Some(attempts) = &self.attempts {
            attempts.end(&self.context, self.process);
        }
    }

    /// The slot after a state did not come to one that is kept.
    fn stopped(&self, before: Live, passed: Vec<(Option<Slot>, Message)>, why: Stopped) -> Done {
        self.end();
        let failed = Some(before.next());
        // What is run for the state may be anywhere in the slot: it has to start anew.
        let live = Some(before).filter(|before| !before.state.has_handles());
        Done { live, passed, stopped: Some(why), failed, copy: None }
    }
}

/// Computes, and reads assignments of the slots between these two, ends included, meanwhile.
async fn meanwhile<T>(
    computed: impl Future<Output = T>,
    ahead: &mut Ahead,
    (context, process, slots): (&Context, Id, Option<(Slot, Slot)>),
) -> T {
    match slots {
        Some(slots) => tokio::select! {
            biased;
            computed = computed => computed,
            never = ahead.fill(context, process, slots) => match never {},
        },
        None => computed.await,
    }
}
