//! Where actors run: two groups of threads, and a watch over them.
//!
//! Control threads run what must answer at once; compute threads run what may be busy. An actor
//! stays on the thread that it was placed on.

mod beat;
mod slice;
mod watchdog;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use actix::{Actor, Context};
use actix_rt::ArbiterHandle;
use parking_lot::Mutex;

pub(crate) use beat::Busy;
pub use slice::Slice;
pub use watchdog::{WatchdogConfig, watch};

use crate::{crash, shell::Unplaced};

/// Which threads an actor may be placed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// The thread of whoever starts it.
    #[default]
    Here,
    /// The control thread with the fewest actors.
    Control,
    /// The compute thread with the fewest actors.
    Compute,
    /// The control thread of this number, counted around: for actors of which each thread has one.
    ControlThread(usize),
    /// The compute thread of this number, counted around: for actors of which each thread has one.
    ComputeThread(usize),
}

/// There is no thread to run an actor on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPlace {
    /// The caller runs in no `LocalSet` and on no arbiter.
    #[error("this thread runs no local tasks: call from an arbiter or a LocalSet")]
    NoLocalTasks,
    /// All threads of the group have ended.
    #[error("all threads of the group have ended")]
    ThreadEnded,
}

/// The threads of a realm.
#[derive(Debug, Default)]
pub struct Schedulers {
    control: Vec<Thread>,
    compute: Vec<Thread>,
}

/// One thread, and how many actors live on it.
#[derive(Debug)]
struct Thread {
    arbiter: ArbiterHandle,
    actors: Arc<AtomicUsize>,
    /// It refused an actor once, and will for ever.
    ended: AtomicBool,
}

/// An actor's place on a thread; given up when dropped.
pub(crate) struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(actors: &Arc<AtomicUsize>) -> Self {
        actors.fetch_add(1, Ordering::Relaxed);
        Self(actors.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Schedulers {
    /// No threads: every placement means the thread of whoever starts the actor.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Places actors on these arbiters. An empty group means the thread of whoever starts.
    #[must_use]
    pub fn on(control: Vec<ArbiterHandle>, compute: Vec<ArbiterHandle>) -> Self {
        let group = |arbiters: Vec<ArbiterHandle>| {
            let thread =
                |arbiter| Thread { arbiter, actors: Arc::default(), ended: AtomicBool::new(false) };
            arbiters.into_iter().map(thread).collect()
        };
        Self { control: group(control), compute: group(compute) }
    }

    /// Actors on each control thread and on each compute thread.
    #[must_use]
    pub fn loads(&self) -> (Vec<usize>, Vec<usize>) {
        let loads = |group: &[Thread]| {
            group.iter().map(|thread| thread.actors.load(Ordering::Relaxed)).collect()
        };
        (loads(&self.control), loads(&self.compute))
    }

    /// Spawns a shell where it belongs: on the least loaded thread of its group that has not ended.
    pub(crate) fn place<A: Actor<Context = Context<A>>>(
        &self,
        placement: Placement,
        unplaced: Unplaced<A>,
    ) -> Result<(), NoPlace> {
        let group = match placement {
            Placement::Here => &[],
            Placement::Control => self.control.as_slice(),
            Placement::Compute => self.compute.as_slice(),
            Placement::ControlThread(number) => one_of(&self.control, number),
            Placement::ComputeThread(number) => one_of(&self.compute, number),
        };
        if group.is_empty() {
            return spawn_here(unplaced.into_shell(None));
        }
        let unplaced = Arc::new(Mutex::new(Some(unplaced)));
        while let Some(thread) = least_loaded(group) {
            if thread.take(unplaced.clone()) {
                return Ok(());
            }
            thread.ended.store(true, Ordering::Relaxed);
        }
        if let Some(unplaced) = unplaced.lock().take() {
            unplaced.disarm();
        }
        Err(NoPlace::ThreadEnded)
    }
}

/// The one thread of this number, counted around; of an empty group none.
fn one_of(group: &[Thread], number: usize) -> &[Thread] {
    let at = number.checked_rem(group.len()).unwrap_or(0);
    group.get(at..=at).unwrap_or_default()
}

fn least_loaded(group: &[Thread]) -> Option<&Thread> {
    let living = group.iter().filter(|thread| !thread.ended.load(Ordering::Relaxed));
    living.min_by_key(|thread| thread.actors.load(Ordering::Relaxed))
}

impl Thread {
    /// Hands an actor to the thread. False if the thread has ended; the actor is still there then.
    fn take<A: Actor<Context = Context<A>>>(
        &self,
        unplaced: Arc<Mutex<Option<Unplaced<A>>>>,
    ) -> bool {
        let seat = Seat::take(&self.actors);
        self.arbiter.spawn_fn(move || {
            let unplaced = unplaced.lock().take();
            if let Some(unplaced) = unplaced {
                // An arbiter always runs local tasks.
                let _ = spawn_here(unplaced.into_shell(Some(seat)));
            }
        })
    }
}

/// Spawns on this thread. Tokio panics where no local tasks run, and offers no way to ask before.
#[expect(clippy::disallowed_methods, reason = "the one place where shells are started")]
fn spawn_here(shell: impl Future<Output = ()> + 'static) -> Result<(), NoPlace> {
    crash::catch(|| drop(actix_rt::spawn(shell))).map_err(|_| NoPlace::NoLocalTasks)
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}

/// Lets the thread's other tasks run, then goes on.
pub async fn yield_now() {
    tokio::task::yield_now().await;
}
