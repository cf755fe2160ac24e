//! Threads for what takes the processor for longer than a control thread may be held: signatures,
//! large messages. Work that waits is bounded; who asks for more waits for room.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use crate::error::CallError;

/// Pieces of work that may wait or be under way.
const MAX_QUEUED: usize = 4096;

/// Threads that compute and never wait.
#[derive(Clone)]
pub struct Pool {
    threads: Arc<rayon::ThreadPool>,
    room: Arc<Semaphore>,
}

impl Pool {
    /// As many threads as asked for, at least one.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1));
        let threads = builder.thread_name(|number| format!("pool-{number}")).build()?;
        Ok(Self { threads: Arc::new(threads), room: Arc::new(Semaphore::new(MAX_QUEUED)) })
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
        self.threads.spawn(move || {
            if !sender.is_closed()
                && let Ok(result) = catch_unwind(AssertUnwindSafe(work))
            {
                // Whoever asked may have gone meanwhile.
                let _ = sender.send(result);
            }
            drop(room);
        });
        answer.await.map_err(|_| failed("it panicked"))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("room", &self.room.available_permits()).finish_non_exhaustive()
    }
}
