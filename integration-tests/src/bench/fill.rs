//! Long logs, and many processes, written through the store itself: by way of a node they would take an hour.

use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use oxbeam_kernel::assignment;
use oxbeam_protocol::Id;
use oxbeam_store::{Append, Content, ContentBatch, Head, LocalStore, Log, Slot, StoreConfig};

/// Bytes of a signed assignment that cannot be pressed: two RSA signatures.
const NOISE: usize = 1024;
/// Processes that are in the store's queue at the same time.
const AT_ONCE: usize = 1000;

/// Goes on with the logs of these processes until each has so many slots. What is appended is as long
/// as an assignment that the node has signed, and as hard to press.
///
/// # Errors
/// Errors of the store; a process that has no slot yet.
pub fn fill(folder: &Path, processes: &[Id], slots: Slot) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (store, _) = LocalStore::open(folder, &StoreConfig::default())?;
    runtime.block_on(async {
        let mut logs = Vec::with_capacity(processes.len());
        for process in processes {
            logs.push(Filled::read(&store, *process).await?);
        }
        for _ in 1..slots {
            // All are in the queue before the first is waited for.
            let appended: Vec<_> = logs.iter_mut().map(|log| store.append(log.next())).collect();
            for one in appended {
                one.await?;
            }
        }
        store.close().await;
        Ok(())
    })
}

/// Processes of one slot each, like one that is there: a definition, and the assignment of slot 0. Answers
/// with their ids.
///
/// # Errors
/// Errors of the store; the model has no slot yet.
pub fn multiply(folder: &Path, model: Id, processes: usize) -> Result<Vec<Id>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (store, _) = LocalStore::open(folder, &StoreConfig::default())?;
    runtime.block_on(async {
        let sample = Filled::read(&store, model).await?.sample;
        let definition = store.content(model).await?.context("a process without a definition")?;
        let mut made = Vec::with_capacity(processes);
        while made.len() < processes {
            let numbers = made.len()..processes.min(made.len() + AT_ONCE);
            let named = numbers.map(|number| Id::of(&number.to_be_bytes()));
            let more: Vec<Id> = named.collect();
            let appended: Vec<_> =
                more.iter().map(|id| store.append(first(*id, &sample, &definition))).collect();
            for one in appended {
                one.await?;
            }
            made.extend(more);
        }
        store.close().await;
        Ok(made)
    })
}

/// The first slot of a process, with its definition.
fn first(process: Id, sample: &Bytes, definition: &Bytes) -> Append {
    Append {
        process,
        slot: 0,
        assignment: with_noise(sample),
        chain: assignment::chain(None, process),
        body: Some(process),
        origin: None,
        content: ContentBatch {
            messages: vec![(process, with_noise(definition))],
            ..ContentBatch::default()
        },
    }
}

/// The bytes, of which the last cannot be pressed.
fn with_noise(sample: &Bytes) -> Bytes {
    let mut bytes = sample.to_vec();
    let end = bytes.len().saturating_sub(NOISE);
    fastrand::fill(bytes.get_mut(end..).unwrap_or_default());
    bytes.into()
}

struct Filled {
    process: Id,
    head: Head,
    /// The assignment of slot 0.
    sample: Bytes,
}

impl Filled {
    async fn read(store: &LocalStore, process: Id) -> Result<Self> {
        let head = store.head(process).await?.context("a process without a slot")?;
        let sample = store.assignment(process, 0).await?.context("a process without slot 0")?;
        Ok(Self { process, head, sample: sample.assignment })
    }

    fn next(&mut self) -> Append {
        let slot = self.head.slot + 1;
        let body = Id::of(&slot.to_be_bytes());
        self.head = Head { slot, chain: assignment::chain(Some(self.head.chain), body) };
        Append {
            process: self.process,
            slot,
            assignment: with_noise(&self.sample),
            chain: self.head.chain,
            body: Some(body),
            origin: None,
            content: ContentBatch::default(),
        }
    }
}
