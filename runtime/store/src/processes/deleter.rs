//! The thread that carries deletions on, whether or not anybody waits for them.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use oxbeam_protocol::Id;
use tokio::sync::oneshot;

use super::HalfDone;
use super::delete::delete_marked;
use super::marks::Claim;
use crate::error::StoreError;
use crate::writer::Writer;

/// How long a deletion rests that the writer could not do just now, as when the disk is full.
const REST: Duration = Duration::from_millis(250);

/// The way to the thread, which ends when the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Deleter(mpsc::Sender<Job>);

/// How the first try of a job ends.
pub(crate) type Tried = oneshot::Receiver<Result<(), StoreError>>;

/// A process of which a mark may tell that it is to go.
#[derive(Debug)]
pub(crate) struct Job {
    process: Id,
    /// Only if this is what its mark says.
    marked: HalfDone,
    /// Given back when the process is gone.
    claim: Option<Claim>,
    /// Told when it is gone, or why that takes longer.
    reply: Option<oneshot::Sender<Result<(), StoreError>>>,
}

impl Deleter {
    pub(crate) fn start(writer: Writer) -> Result<Self, io::Error> {
        let (jobs, asked) = mpsc::channel();
        thread::Builder::new().name("store-deleter".into()).spawn(move || run(&asked, &writer))?;
        Ok(Self(jobs))
    }

    pub(crate) fn delete(&self, job: Job) {
        // A job that finds the thread gone is dropped, and whoever waits for it sees that.
        let _ = self.0.send(job);
    }
}

/// Tries each job as it comes, and those that must rest again and again.
fn run(asked: &mpsc::Receiver<Job>, writer: &Writer) {
    let mut resting: Vec<Job> = Vec::new();
    let mut tried = Instant::now();
    loop {
        // However many others come meanwhile.
        if tried.elapsed() >= REST {
            resting = resting.into_iter().filter_map(|job| job.run(writer)).collect();
            tried = Instant::now();
        }
        let next = match resting.is_empty() {
            true => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => asked.recv_timeout(REST.saturating_sub(tried.elapsed())),
        };
        match next {
            Ok(job) => resting.extend(job.run(writer)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Job {
    /// A job, and what tells how its first try ends.
    pub(crate) fn new(process: Id, marked: HalfDone, claim: Option<Claim>) -> (Self, Tried) {
        let (reply, tried) = oneshot::channel();
        (Self { process, marked, claim, reply: Some(reply) }, tried)
    }

    /// Answers itself if it is to be tried again.
    fn run(mut self, writer: &Writer) -> Option<Self> {
        let deleted = delete_marked(writer, self.process, self.marked);
        let again =
            matches!(deleted, Err(StoreError::DiskFull { .. } | StoreError::Overloaded { .. }));
        if !again {
            // Before anybody is told, who may want to import it at once.
            drop(self.claim.take());
        }
        if let Some(reply) = self.reply.take() {
            if let Err(error) = &deleted {
                tracing::warn!(process = %self.process, %error, again, "a deletion failed");
            }
            // Whoever asked may have gone.
            let _ = reply.send(deleted);
        }
        again.then_some(self)
    }
}
