//! Threads for reads that have to wait for the disk.
//!
//! A read of one key is tried first where it is asked for, from memory only; what that cannot tell,
//! and every read of a range, is done here. So no caller's thread ever waits for a disk.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::{Semaphore, oneshot};

use crate::answer::Answer;
use crate::engine::Engine;
use crate::error::{Ended, StoreError};

type Job = Box<dyn FnOnce() + Send>;

/// The way to the threads, which end when the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    engine: Arc<dyn Engine>,
    jobs: Sender<Job>,
    room: Arc<Semaphore>,
}

impl Readers {
    /// Starts `threads` threads, before which `queue` reads may wait.
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        threads: usize,
        queue: usize,
    ) -> Result<Self, io::Error> {
        // Bounded by the room for them.
        let (jobs, waiting) = crossbeam_channel::unbounded();
        for number in 0..threads.max(1) {
            let waiting = waiting.clone();
            thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || read_all(&waiting))?;
        }
        Ok(Self {
            engine,
            jobs,
            room: Arc::new(Semaphore::new(queue.clamp(1, Semaphore::MAX_PERMITS))),
        })
    }

    /// Reads on one of the threads, once there is room. Starts when the answer is awaited.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let readers = self.clone();
        Box::pin(async move {
            let room = Arc::clone(&readers.room).acquire_owned().await.ok();
            let (reply, answer) = oneshot::channel();
            let engine = Arc::clone(&readers.engine);
            let job: Job = Box::new(move || {
                // Whoever asked may have gone while this waited.
                if !reply.is_closed() {
                    let _ = reply.send(read(&*engine));
                }
                drop(room);
            });
            readers.jobs.send(job).map_err(|_| StoreError::Ended { ended: Ended::Closed })?;
            drop(readers);
            // What is queued is done: only a panic drops it without an answer.
            answer.await.map_err(|_| StoreError::ReadPanicked)?
        })
    }
}

fn read_all(waiting: &Receiver<Job>) {
    for job in waiting {
        // A read that panics costs its caller the answer, and nobody else anything.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a read panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::wait;
    use crate::engine::memory::{Memory, MemoryDisk};

    #[test]
    fn a_read_that_panics_says_so_and_others_go_on() {
        let engine = Arc::new(Memory::open(&MemoryDisk::new()).unwrap());
        let readers = Readers::start(engine, 1, 1).unwrap();
        let panicked = wait(readers.run::<()>(|_| panic!("a bug")));
        assert!(matches!(panicked, Err(StoreError::ReadPanicked)), "{panicked:?}");
        assert!(matches!(wait(readers.run(|_| Ok(7))), Ok(7)));
    }
}
