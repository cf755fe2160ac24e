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
//!   wait, or with too many bytes, they are refused. Who goes away before there was room takes the
//!   request along.
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
pub use self::counters::Times;
use self::queue::{Message, Place, Planned, Queued};
use self::run::Run;
use crate::answer::{Answer, fail};
use crate::batch::Batch;
use crate::config::StoreConfig;
use crate::engine::Engine;
use crate::error::{Ended, StoreError};
use crate::processes::Marks;

/// What is longer is encoded and decoded by threads of the store: a caller's may serve many others.
pub(crate) const LONG_BYTES: usize = 256 << 10;

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

/// At least one, and as many as can be asked of a semaphore at once.
fn permits(count: usize) -> u32 {
    u32::try_from(count.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX)
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
    /// KiB that may wait in the line.
    waiting: Arc<Semaphore>,
    most_waiting: u32,
    most_bytes: usize,
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
        let capacity = permits(config.write_queue);
        let most_waiting = permits(config.write_waiting_bytes / 1024);
        Ok(Self {
            queue,
            room: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
            line: Arc::new(Semaphore::new(most_waiters)),
            most_waiters,
            waiting: Arc::new(Semaphore::new(most_waiting as usize)),
            most_waiting,
            most_bytes: config.write_request_bytes,
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

    /// Queues a request whose records are encoded first, here unless they are long.
    pub(crate) fn submit_encoded<P: Send + 'static, T: Send + 'static>(
        &self,
        how: How,
        encode: impl FnOnce() -> Result<P, StoreError> + Send + 'static,
        plan: impl FnOnce(P, &mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        if how.bytes > LONG_BYTES {
            return self.submit(how, move |batch| plan(encode()?, batch));
        }
        match encode() {
            Ok(encoded) => self.submit(how, move |batch| plan(encoded, batch)),
            Err(error) => fail(error),
        }
    }

    /// As [`Writer::submit`], and calls `then` with the answer on the writer's thread, whether or not
    /// anybody waits for it. A request that is refused or dropped with the writer has no answer.
    pub(crate) fn submit_then<T: Send + 'static>(
        &self,
        how: How,
        plan: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&Result<T, StoreError>) + Send + 'static,
    ) -> Answer<T> {
        let place = match self.place(how.bytes) {
            Ok(place) => place,
            Err(error) => return fail(error),
        };
        let (request, answer) = Planned::of(plan, then);
        // A request that finds the writer gone is dropped, and whoever waits for it sees that.
        let _ = self.queue.send(Message::Request(Queued { request, how, place }));
        Box::pin(queue::answered(answer, self.phase.clone()))
    }

    fn place(&self, bytes: usize) -> Result<Place, StoreError> {
        if bytes > self.most_bytes {
            let (size, limit) = (bytes, self.most_bytes);
            return Err(StoreError::TooLarge { what: "a request", size, limit });
        }
        // A request counts as one, and one more for each KiB.
        let weight = permits(1 + bytes / 1024);
        let room = Arc::clone(&self.room).try_acquire_many_owned(weight.min(self.capacity));
        if let Ok(held) = room {
            return Ok(Place::Room { _held: held });
        }
        let waiters = self.most_waiters.saturating_sub(self.line.available_permits());
        let overloaded = |_| StoreError::Overloaded { waiting: waiters };
        // The largest request may wait if no other one does.
        let kib = (weight - 1).min(self.most_waiting);
        let bytes = Arc::clone(&self.waiting).try_acquire_many_owned(kib).map_err(overloaded)?;
        let waiter = Arc::clone(&self.line).try_acquire_owned().map_err(overloaded)?;
        Ok(Place::Line { _held: (waiter, bytes) })
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
    fn callers_with_too_many_bytes_are_refused_and_one_that_is_too_large_always() {
        let config = StoreConfig {
            write_queue: 1,
            write_waiting_bytes: 300 << 10,
            write_request_bytes: 400 << 10,
            ..StoreConfig::default()
        };
        let writer = start(&config);
        let held = hold(&writer);
        let ask = |kib: usize| writer.submit(How::synced(kib << 10), |_| Ok(()));
        let (first, second) = (ask(200), ask(100));
        let refused = wait(ask(100)).unwrap_err();
        assert!(matches!(refused, StoreError::Overloaded { waiting: 2 }), "{refused:?}");
        let refused = wait(ask(401)).unwrap_err();
        assert!(matches!(refused, StoreError::TooLarge { what: "a request", .. }), "{refused:?}");
        drop(held);
        assert!(wait(first).is_ok() && wait(second).is_ok());
        let held = hold(&writer);
        let largest = ask(400);
        drop(held);
        assert!(wait(largest).is_ok(), "alone it may wait");
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
