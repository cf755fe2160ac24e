//! The writer's thread.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::queue::{Message, Queued};
use super::{Counters, Phase};
use crate::batch::{Batch, Recent};
use crate::config::{Durability, StoreConfig};
use crate::engine::Engine;
use crate::error::{Ended, StoreError};
use crate::failpoint;
use crate::processes::Marks;

/// Longest wait for the callers just answered to come back with their next requests.
const LONGEST_PATIENCE: Duration = Duration::from_millis(1);
/// What was written is made into tables when nobody has written for so long, and it is so many bytes.
const QUIET: Duration = Duration::from_secs(1);
const WORTH_SETTLING: usize = 4 << 20;
/// How often a full disk is tried again, if anybody writes.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

pub(super) struct Run {
    engine: Arc<dyn Engine>,
    requests: Receiver<Message>,
    durability: Durability,
    most_requests: usize,
    most_bytes: usize,
    counters: Arc<Counters>,
    recent: Recent,
    marks: Marks,
    /// Something may have been written and not yet synced.
    unsynced: bool,
    /// Bytes that were written since the engine was last asked to make tables of them.
    unsettled: usize,
    /// The request that did not fit into the last group.
    held: Option<Queued>,
    stopping: bool,
    /// What the last batch held, and how long it took: who was answered then may be back soon.
    last: (usize, Duration),
    /// Why nothing is written just now, and when that was last found.
    full: Option<(StoreError, Instant)>,
    failed: Option<StoreError>,
    life: Life,
}

/// Tells the end, also one by panic, and gives the folder up.
struct Life {
    engine: Arc<dyn Engine>,
    phase: watch::Sender<Phase>,
    ended: Ended,
}

impl Life {
    fn end(&mut self, ended: Ended) {
        self.ended = ended.clone();
        self.phase.send_replace(Phase::Ended(ended));
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if thread::panicking() {
            self.end(Ended::Panicked);
        }
        self.engine.close();
        self.phase.send_replace(Phase::Released(self.ended.clone()));
    }
}

impl Run {
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        requests: Receiver<Message>,
        config: &StoreConfig,
        phase: watch::Sender<Phase>,
        counters: Arc<Counters>,
        marks: Marks,
    ) -> Self {
        Self {
            life: Life { engine: Arc::clone(&engine), phase, ended: Ended::Closed },
            engine,
            requests,
            durability: config.durability,
            most_requests: config.batch_requests.max(1),
            most_bytes: config.batch_bytes,
            counters,
            recent: Recent::default(),
            marks,
            // Recovery may have written.
            unsynced: true,
            unsettled: 0,
            held: None,
            stopping: false,
            last: (1, Duration::ZERO),
            full: None,
            failed: None,
        }
    }

    pub(super) fn run(mut self) {
        while let Some(first) = self.next() {
            let group = self.gather(first);
            self.commit(group);
        }
    }

    fn next(&mut self) -> Option<Queued> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        if self.stopping {
            return None;
        }
        if self.unsettled >= WORTH_SETTLING {
            match self.requests.recv_timeout(QUIET) {
                Ok(message) => return message.request(),
                Err(RecvTimeoutError::Timeout) => self.settle(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        self.requests.recv().ok()?.request()
    }

    /// An idle store keeps no memory for what it has on disk, and has nothing to replay.
    fn settle(&mut self) {
        self.unsettled = 0;
        // If the disk is in trouble, the next write will say so.
        if let Err(error) = self.engine.settle() {
            warn!(%error, "what was written stays in memory for now");
        }
    }

    /// The first request and those that have arrived behind it, or do so in a moment.
    fn gather(&mut self, first: Queued) -> Vec<Queued> {
        let mut bytes = first.how.bytes;
        let mut full = first.how.alone;
        let mut group = vec![first];
        let (expected, took) = self.last;
        let until = Instant::now() + (took / 4).min(LONGEST_PATIENCE);
        while !full && group.len() < self.most_requests && bytes < self.most_bytes {
            let patience = match group.len() < expected {
                true => until.saturating_duration_since(Instant::now()),
                false => Duration::ZERO,
            };
            let Some(queued) = self.arrival(patience) else { break };
            bytes += queued.how.bytes;
            if queued.how.alone || bytes > self.most_bytes {
                self.held = Some(queued);
                full = true;
            } else {
                group.push(queued);
            }
        }
        group
    }

    fn arrival(&mut self, patience: Duration) -> Option<Queued> {
        match self.requests.recv_timeout(patience) {
            Ok(Message::Request(queued)) => Some(queued),
            Err(RecvTimeoutError::Timeout) => None,
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                self.stopping = true;
                None
            }
        }
    }

    fn commit(&mut self, mut group: Vec<Queued>) {
        let written = self.writable().and_then(|()| self.write(&mut group));
        if let Err(error) = &written {
            self.failed_to_write(error);
        }
        self.answer(group, written);
    }

    /// Whether anything can be written; on a full disk, tries again now and then.
    fn writable(&mut self) -> Result<(), StoreError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let Some((error, since)) = &self.full else { return Ok(()) };
        if since.elapsed() < PROBE_INTERVAL {
            return Err(error.clone());
        }
        self.engine.reopen()?;
        // What failed may be there.
        self.marks.load(&*self.engine)?;
        self.full = None;
        self.counters.refuses(None);
        self.counters.reopened.fetch_add(1, Relaxed);
        info!("the disk has space again");
        Ok(())
    }

    fn write(&mut self, group: &mut [Queued]) -> Result<(), StoreError> {
        let engine = Arc::clone(&self.engine);
        // If anything fails on the way, what was remembered is gone, as it must be.
        let mut recent = std::mem::take(&mut self.recent);
        let marks = self.marks.clone();
        let mut batch = Batch::on(&*engine, &recent, &marks);
        let mut sync = false;
        for queued in group.iter_mut().filter(|queued| !queued.is_given_up()) {
            let granted = queued.request.plan(&mut batch);
            sync |= granted && queued.how.sync;
        }
        sync &= self.durability == Durability::Sync;
        // What a request found there already may not be on disk yet, and its answer says that it is.
        if !batch.ops().is_empty() || (sync && self.unsynced) {
            self.write_batch(&batch, sync, group.len())?;
        }
        let written = batch.into_ahead();
        marks.written(written.iter());
        recent.written(written);
        self.recent = recent;
        Ok(())
    }

    fn write_batch(
        &mut self,
        batch: &Batch<'_>,
        sync: bool,
        requests: usize,
    ) -> Result<(), StoreError> {
        let began = Instant::now();
        self.counters.writes(Some(began));
        let written = self.write_through(batch, sync);
        self.counters.writes(None);
        written?;
        let took = began.elapsed();
        self.last = (requests, took);
        self.unsettled = self.unsettled.saturating_add(batch.bytes());
        self.counters.wrote(requests, batch.bytes(), sync, took);
        Ok(())
    }

    fn write_through(&mut self, batch: &Batch<'_>, sync: bool) -> Result<(), StoreError> {
        failpoint::pass("write::before")?;
        self.unsynced = true;
        write_and_sync(&*self.engine, batch, sync)?;
        self.unsynced = !sync;
        failpoint::pass("write::after")
    }

    fn failed_to_write(&mut self, cause: &StoreError) {
        self.counters.failures.fetch_add(1, Relaxed);
        if let StoreError::DiskFull { .. } = cause {
            let since = self.full.as_ref().map(|(_, since)| *since);
            if since.is_none() {
                warn!(error = %cause, "the disk is full, writes fail");
            }
            if since.is_none_or(|since| since.elapsed() >= PROBE_INTERVAL) {
                self.full = Some((cause.clone(), Instant::now()));
                self.counters.refuses(Some(cause.clone()));
            }
        } else if self.failed.is_none() {
            error!(error = ?cause, "a write failed, no more are tried");
            self.failed = Some(cause.clone());
            self.counters.refuses(Some(cause.clone()));
            self.life.end(Ended::Poisoned { reason: cause.to_string() });
        }
    }

    fn answer(&mut self, group: Vec<Queued>, mut written: Result<(), StoreError>) {
        for queued in group {
            if written.is_ok()
                && let Err(error) = failpoint::pass("answer::before")
            {
                self.failed_to_write(&error);
                written = Err(error);
            }
            queued.request.answer(written.clone());
        }
        if written.is_ok()
            && let Err(error) = failpoint::pass("answer::after")
        {
            self.failed_to_write(&error);
        }
    }
}

fn write_and_sync(engine: &dyn Engine, batch: &Batch<'_>, sync: bool) -> Result<(), StoreError> {
    if sync {
        failpoint::pass("sync::before")?;
    }
    engine.write(batch.ops(), sync)?;
    if sync {
        failpoint::pass("sync::after")?;
    }
    Ok(())
}
