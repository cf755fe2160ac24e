//! Long logs, and many processes, written through the store itself: by way of a node they would take
//! an hour.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use oxbeam_kernel::{assignment, record};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, Message, Value};
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
/// Errors of the store; the model has no slot yet, or no definition.
pub fn multiply(folder: &Path, model: Id, processes: usize) -> Result<Vec<Id>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (store, _) = LocalStore::open(folder, &StoreConfig::default())?;
    runtime.block_on(async {
        let sample = Filled::read(&store, model).await?.sample;
        let definition = store.content(model).await?.context("a process without a definition")?;
        let Value::Map(definition) = record::decode(&definition)? else {
            bail!("a definition that is no message");
        };
        let definition = definition.without(&["commitments"]);
        let mut made = Vec::with_capacity(processes);
        while made.len() < processes {
            let more = 0..AT_ONCE.min(processes - made.len());
            let firsts: Result<Vec<_>> = more.map(|_| first(&sample, &definition)).collect();
            let firsts = firsts?;
            made.extend(firsts.iter().map(|first| first.process));
            let appended: Vec<_> = firsts.into_iter().map(|one| store.append(one)).collect();
            for one in appended {
                one.await?;
            }
        }
        store.close().await;
        Ok(made)
    })
}

/// The first slot of a process that is defined like this, with its definition.
fn first(sample: &Bytes, definition: &Message) -> Result<Append> {
    let mut noise = vec![0; NOISE];
    fastrand::fill(&mut noise);
    let definition = Value::from(definition.clone().with("noise", noise));
    let process = signed_id(&definition)?;
    let messages = vec![(process, record::encode(&definition)?)];
    Ok(Append {
        process,
        slot: 0,
        assignment: with_noise(sample),
        chain: assignment::chain(None, process),
        body: Some(process),
        origin: None,
        content: ContentBatch { messages, ..ContentBatch::default() },
    })
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
