//! Slots of a process, a page at a time.

use std::sync::Arc;

use bytes::Bytes;
use num_bigint::BigInt;
use oxbeam_kernel::{CallError, Node, assignment};
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Limit, Slot, SlotResult};

use super::{What, event};

/// What is held for one client at most; a slot that is larger comes alone.
const PAGE: Limit = Limit { count: 64, bytes: 256 << 10 };

/// A slot and its event.
pub(super) type Event = (Slot, Bytes);

/// The next slots from one on, as events. None if there are none yet.
pub(super) async fn read(
    node: &Arc<Node>,
    process: Id,
    what: What,
    from: Slot,
) -> Result<Vec<Event>, CallError> {
    let slots = match what {
        What::Log => log(node, process, from).await?,
        What::Results => results(node, process, from).await?,
    };
    let write = move || {
        let event = |(slot, about)| (slot, event::of_slot(slot, &about));
        slots.into_iter().map(event).collect()
    };
    node.pool().run("the encoder", write).await
}

async fn log(node: &Arc<Node>, process: Id, from: Slot) -> Result<Vec<(Slot, Message)>, CallError> {
    let page = assignment::range(&*node.store()?, process, from, PAGE).await?;
    let about =
        |(slot, assignment): (Slot, Message)| (slot, numbered(slot).with("assignment", assignment));
    Ok(page.items.into_iter().map(about).collect())
}

async fn results(
    node: &Arc<Node>,
    process: Id,
    from: Slot,
) -> Result<Vec<(Slot, Message)>, CallError> {
    let page = node.store()?.results(process, from, PAGE).await?;
    let contents = node.contents()?;
    let (mut all, mut bytes) = (Vec::new(), 0);
    for SlotResult { slot, result, hashpath, sent, printed, .. } in page.items {
        let results = contents.read_named(result).await?;
        let results = contents.load_all(results.unwrap_or_else(|| Message::new().into())).await?;
        bytes += size(&results) + printed.len();
        let about = numbered(slot)
            .with("result", result.to_string())
            .with("hashpath", hashpath)
            .with("sent", i64::from(sent))
            .with("results", results);
        let about = if printed.is_empty() { about } else { about.with("printed", printed) };
        all.push((slot, about));
        // What the results hold is not counted in the page.
        if bytes > PAGE.bytes {
            break;
        }
    }
    Ok(all)
}

fn numbered(slot: Slot) -> Message {
    Message::new().with("slot", BigInt::from(slot))
}

/// Nearly how many bytes a value holds.
fn size(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Map(map) => map.iter().map(|(key, value)| key.as_bytes().len() + size(value)).sum(),
        Value::List(list) => list.iter().map(size).sum(),
        _ => 8,
    }
}
