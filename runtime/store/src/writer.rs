//! The one writer: group commit.
//!
//! ```text
//! callers ─ place? ─► queue ─► gather what has arrived ─► plan each on top of those before it
//!                                                           │
//!             answer each ◄─ one batch, one sync ◄──────────┘
//! ```
//!
//! - A request checks and changes in one function that the writer calls, so that what it checked
//!   holds when it is written, also against requests that are not yet on disk.
//! - Nobody is answered before the batch is written, and synced if any of its requests asks for it.
//!   If that fails, all of the batch fail; later ones are planned on what is really there.
//! - A caller that goes away after its request is queued changes nothing: it is done as a whole.
//! - When the queue is full callers wait behind it, in the order in which they asked; when too many
//!   wait, they are refused. Who goes away before there was room takes the request along.
//! - A full disk fails writes until there is space; any other failed write is the last one, because
//!   after a failed sync nobody knows what a later one would tell.

mod counters;
mod queue;
mod run;

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

pub(crate) use self::counters::Counters;
use self::queue::{Message, Place, Planned, Queued};
use self::run::Run;
use crate::answer::{Answer, fail};
use crate::batch::Batch;
use crate::config::StoreConfig;
use crate::engine::Engine;
use crate::error::{Ended, StoreError};
use crate::processes::Marks;

/// What a request asks of the writer besides its changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// To be on disk when it is answered.
    pub(crate) sync: bool,
    /// To be planned on nothing but what is written: for scans and deletes of whole ranges.
    pub(crate) alone: bool,
    /// Nearly how much it writes.
    pub(crate) bytes: usize,
}

impl How {
    pub(crate) const fn synced(bytes: usize) -> Self {
        Self { sync: true, alone: false, bytes }
    }

    pub(crate) const fn buffered(bytes: usize) -> Self {
        Self { sync: false, alone: false, bytes }
    }

    pub(crate) const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// How far the writer's life has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// It writes no more. Reads go on.
    Ended(Ended),
    /// The folder is free.
    Released(Ended),
}

/// The way to the writer's thread.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
    capacity: u32,
    line: Arc<Semaphore>,
    most_waiters: usize,
    phase: watch::Receiver<Phase>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        config: &StoreConfig,
        counters: Arc<Counters>,
        marks: Marks,
    ) -> Result<Self, std::io::Error> {
        let (queue, requests) = mpsc::channel();
        let (told, phase) = watch::channel(Phase::Running);
        let run = Run::new(engine, requests, config, told, counters, marks);
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || run.run())?;
        let most_waiters = config.write_waiters.min(Semaphore::MAX_PERMITS);
        let capacity = u32::try_from(config.write_queue.max(1)).unwrap_or(u32::MAX);
        Ok(Self {
            queue,
            room: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
            line: Arc::new(Semaphore::new(most_waiters)),
            most_waiters,
            phase,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Queues a request, in the order of these calls, also of those for which there is no room yet.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        how: How,
        plan: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        self.submit_then(how, plan, |_| ())
    }

    /// The same, and calls `then` with the answer on the writer's thread, whether or not anybody
    /// waits for it. A request that is refused or dropped with the writer has no answer.
    pub(crate) fn submit_then<T: Send + 'static>(
        &self,
        how: How,
        plan: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&Result<T, StoreError>) + Send + 'static,
    ) -> Answer<T> {
        let (request, answer) = Planned::of(plan, then);
        let Some(place) = self.place(how.bytes) else {
            return fail(StoreError::Overloaded { waiting: self.most_waiters });
        };
        // A request that finds the writer gone is dropped, and whoever waits for it sees that.
        let _ = self.queue.send(Message::Request(Queued { request, how, place }));
        Box::pin(queue::answered(answer, self.phase.clone()))
    }

    fn place(&self, bytes: usize) -> Option<Place> {
        // A request counts as one, and one more for each KiB.
        let weight = u32::try_from(1 + bytes / 1024).unwrap_or(u32::MAX).min(self.capacity);
        if let Ok(held) = Arc::clone(&self.room).try_acquire_many_owned(weight) {
            return Some(Place::Room { _held: held });
        }
        let held = Arc::clone(&self.line).try_acquire_owned().ok()?;
        Some(Place::Line { _held: held })
    }

    /// Lets the writer end after what is queued, and waits until the folder is free.
    pub(crate) fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        let _ = self.queue.send(Message::Stop);
        let mut phase = self.phase.clone();
        async move {
            let _ = phase.wait_for(|phase| matches!(phase, Phase::Released(_))).await;
        }
    }

    /// As [`Writer::close`], on this thread.
    pub(crate) fn join(&self) {
        let _ = self.queue.send(Message::Stop);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread.filter(|writer| writer.thread().id() != thread::current().id())
        {
            // If it panicked, that has been told.
            let _ = thread.join();
        }
    }

    /// Waits until the writer writes no more, and says why.
    pub(crate) fn ended(&self) -> impl Future<Output = Ended> + Send + use<> {
        let mut phase = self.phase.clone();
        async move { queue::why(&mut phase).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::wait;
    use crate::engine::memory::{Memory, MemoryDisk};

    fn start(config: &StoreConfig) -> Writer {
        let engine = Arc::new(Memory::open(&MemoryDisk::new()).unwrap());
        Writer::start(engine, config, Arc::default(), Marks::default()).unwrap()
    }

    /// Keeps the writer busy from now on until the sender is dropped.
    fn hold(writer: &Writer) -> mpsc::Sender<()> {
        let (release, held) = mpsc::channel::<()>();
        let (begun, holding) = mpsc::channel();
        drop(writer.submit(How::buffered(0).alone(), move |_| {
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        }));
        holding.recv().unwrap();
        release
    }

    #[test]
    fn callers_wait_for_room_in_the_queue_and_too_many_are_refused() {
        let config = StoreConfig { write_queue: 3, write_waiters: 3, ..StoreConfig::default() };
        let writer = start(&config);
        let held = hold(&writer);
        // One is being planned, two have room, three wait.
        let ask = |number: usize| writer.submit(How::synced(8), move |_| Ok(number));
        let answers: Vec<_> = (0..7).map(ask).collect();
        drop(held);
        for (number, answer) in answers.into_iter().enumerate() {
            match wait(answer) {
                Ok(done) => assert!(done == number && number < 5, "{number} is done"),
                Err(StoreError::Overloaded { waiting: 3 }) => assert!(number >= 5, "{number}"),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(wait(ask(7)).unwrap(), 7, "and then there is room again");
    }

    #[test]
    fn who_gives_up_waiting_for_room_is_passed_over_and_who_had_room_is_not() {
        let writer = start(&StoreConfig { write_queue: 2, ..StoreConfig::default() });
        let (done, seen) = mpsc::channel();
        let held = hold(&writer);
        for number in 0..3 {
            let done = done.clone();
            drop(writer.submit(How::synced(8), move |_| {
                let _ = done.send(number);
                Ok(())
            }));
        }
        drop(held);
        writer.join();
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [0]);
    }
}
