//! Threads for what takes the processor for longer than a control thread may be held: signatures,
//! large messages. Work that waits is bounded; who asks for more waits for room.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io, thread};

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::{Semaphore, oneshot};

use crate::error::CallError;

/// Pieces of work that may wait or be under way.
const MAX_QUEUED: usize = 4096;

type Work<T> = Box<dyn FnOnce() -> T + Send>;
/// Work that answers whoever asked for it.
type Job = Work<()>;

/// Work that a thread of the pool does if one is free before somebody needs what comes of it.
pub(crate) struct Early<T> {
    /// Whoever takes it out does it.
    work: Arc<Mutex<Option<Work<T>>>>,
    answer: oneshot::Receiver<T>,
}

impl<T> Early<T> {
    /// What came of it. If no thread has begun, this one does it, so that nobody waits in line for
    /// what he could have done himself.
    ///
    /// # Errors
    /// The work panicked.
    pub(crate) async fn finish(self) -> Result<T, CallError> {
        match taken(&self.work) {
            Some(work) => catch_unwind(AssertUnwindSafe(work)).map_err(|_| panicked()),
            None => self.answer.await.map_err(|_| panicked()),
        }
    }
}

fn taken<T>(work: &Mutex<Option<Work<T>>>) -> Option<Work<T>> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn panicked() -> CallError {
    unavailable("it panicked")
}

fn unavailable(reason: &str) -> CallError {
    CallError::Unavailable { what: "the pool".into(), reason: reason.into() }
}

/// Threads that compute and never wait. They end when the last way to them is dropped.
#[derive(Clone)]
pub struct Pool {
    jobs: Sender<Job>,
    room: Arc<Semaphore>,
}

impl Pool {
    /// As many threads as asked for, at least one.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(threads: usize) -> Result<Self, io::Error> {
        // Bounded by the room for them.
        let (jobs, waiting): (_, Receiver<Job>) = crossbeam_channel::unbounded();
        for number in 0..threads.max(1) {
            let waiting = waiting.clone();
            let name = format!("pool-{number}");
            thread::Builder::new().name(name).spawn(move || {
                // Work that panics drops the way to its answer, and costs nobody else anything.
                waiting.iter().for_each(|job| drop(catch_unwind(AssertUnwindSafe(job))));
            })?;
        }
        Ok(Self { jobs, room: Arc::new(Semaphore::new(MAX_QUEUED)) })
    }

    /// Computes on a thread of the pool. Whoever drops the future gives up the result; work that
    /// has not begun by then is left out.
    ///
    /// # Errors
    /// The work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CallError> {
        let failed =
            |reason: &str| CallError::Unavailable { what: what.into(), reason: reason.into() };
        let room = self.room.clone().acquire_owned().await;
        let room = room.map_err(|_| failed("the pool is closed"))?;
        let (sender, answer) = oneshot::channel();
        self.queue(move || {
            if !sender.is_closed() {
                // Whoever asked may have gone meanwhile.
                let _ = sender.send(work());
            }
            drop(room);
        });
        answer.await.map_err(|_| failed("it panicked"))
    }

    /// Begins work that is needed later. If there is no room for more, it is left to whoever needs it;
    /// if nobody does any more, it is left out.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Early<T> {
        let work: Arc<Mutex<Option<Work<T>>>> = Arc::new(Mutex::new(Some(Box::new(work))));
        let (sender, answer) = oneshot::channel();
        if let Ok(room) = self.room.clone().try_acquire_owned() {
            let work = work.clone();
            self.queue(move || {
                if !sender.is_closed()
                    && let Some(work) = taken(&work)
                {
                    // Whoever asked may have gone meanwhile.
                    let _ = sender.send(work());
                }
                drop(room);
            });
        }
        Early { work, answer }
    }

    fn queue(&self, job: impl FnOnce() + Send + 'static) {
        // Its threads wait for as long as there is somebody to ask.
        let _ = self.jobs.send(Box::new(job));
    }
}

impl<T> fmt::Debug for Early<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Early").finish_non_exhaustive()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("room", &self.room.available_permits()).finish_non_exhaustive()
    }
}
