//! The location records that are kept: so many, in the node's table.
//!
//! | Name | Value |
//! |---|---|
//! | `location/ADDRESS` | the record of an address |
//! | `locations` | the numbers of the oldest place and of the next one, u64 big-endian each |
//! | `locations/` and a number, u64 big-endian | the address whose record was kept as that one |
//!
//! Whoever has a key has an address, so that records come without end. With each of a new address the
//! oldest makes room, however often that was renewed. The node's own has no place, and stays.

use bytes::Bytes;
use oxbeam_kernel::{CallError, Node, location, record};
use oxbeam_protocol::Message;
use oxbeam_store::{Change, Persist, StoreError, Table};

/// Largest record, encoded.
const MAX_RECORD: usize = 16 << 10;
/// Under which name the queue is kept, and its places behind it.
const QUEUE: &str = "locations";
/// Most records that make room for one: several do after the limit was lowered.
const MAX_FORGOTTEN: u64 = 64;

/// What is kept for an address.
pub(super) struct Kept {
    address: String,
    version: u64,
    pub(super) record: Option<Message>,
}

/// The places of the records, the oldest first.
struct Queue {
    version: u64,
    oldest: u64,
    next: u64,
}

/// What is kept for each of these addresses, once.
pub(super) async fn of(node: &Node, signers: &[String]) -> Result<Vec<Kept>, CallError> {
    let mut addresses = signers.to_vec();
    addresses.sort_unstable();
    addresses.dedup();
    let mut all = Vec::with_capacity(addresses.len());
    for address in addresses {
        let kept = node.store()?.value(Table::Node, location::name(&address)).await?;
        let record = location::decode(&kept)?;
        all.push(Kept { address, version: kept.version, record });
    }
    Ok(all)
}

/// Keeps a record in place of those that were kept, and forgets the oldest if there are too many.
///
/// # Errors
/// [`StoreError::Conflict`] if others keep records meanwhile, [`StoreError::TooLarge`]; errors of the
/// store.
pub(super) async fn keep(node: &Node, kept: Vec<Kept>, record: &Message) -> Result<(), CallError> {
    let value = record::encode(&record.clone().into())?;
    if value.len() > MAX_RECORD {
        let (what, size, limit) = ("a location record", value.len(), MAX_RECORD);
        return Err(StoreError::TooLarge { what, size, limit }.into());
    }
    let is_new = |kept: &&Kept| kept.record.is_none() && kept.address != node.address();
    let new: Vec<&str> = kept.iter().filter(is_new).map(|kept| &*kept.address).collect();
    let mut changes = placed(node, &new).await?;
    changes.extend(kept.iter().map(|kept| Change {
        name: location::name(&kept.address),
        expected: Some(kept.version),
        value: Some(value.clone()),
    }));
    node.store()?.change(Table::Node, changes, Persist::Synced).await?;
    Ok(())
}

/// The changes that give new addresses a place, once there is room.
async fn placed(node: &Node, new: &[&str]) -> Result<Vec<Change>, CallError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut queue = Queue::read(node).await?;
    let limit = node.configuration().settings.scheduler_max_locations;
    for _ in 0..MAX_FORGOTTEN {
        if queue.next.saturating_sub(queue.oldest).saturating_add(new.len() as u64) <= limit {
            break;
        }
        queue.forget_oldest(node).await?;
    }
    let mut changes = Vec::with_capacity(new.len() + 1);
    for address in new {
        let (name, value) = (place(queue.next), Bytes::copy_from_slice(address.as_bytes()));
        changes.push(Change { name, expected: None, value: Some(value) });
        queue.next = queue.next.saturating_add(1);
    }
    changes.push(queue.change());
    Ok(changes)
}

impl Queue {
    async fn read(node: &Node) -> Result<Self, CallError> {
        let kept = node.store()?.value(Table::Node, QUEUE.into()).await?;
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
        let value = kept.value.unwrap_or_default();
        let (oldest, next) = value.split_at_checked(8).unwrap_or_default();
        Ok(Self { version: kept.version, oldest: number(oldest), next: number(next) })
    }

    /// Gives up the oldest place, with the record that it stands for. Done before the new record is
    /// kept: what ends the program in between leaves a place without a record, and none without place.
    async fn forget_oldest(&mut self, node: &Node) -> Result<(), CallError> {
        let name = place(self.oldest);
        let kept = node.store()?.value(Table::Node, name.clone()).await?;
        let address = kept.value.as_deref().and_then(|address| std::str::from_utf8(address).ok());
        let record = address.filter(|address| *address != node.address()).map(location::name);
        let names = record.into_iter().chain([name]).collect();
        node.store()?.forget(Table::Node, names).await?;
        self.oldest = self.oldest.saturating_add(1).min(self.next);
        Ok(())
    }

    fn change(&self) -> Change {
        let value = [self.oldest.to_be_bytes(), self.next.to_be_bytes()].concat();
        Change { name: QUEUE.into(), expected: Some(self.version), value: Some(value.into()) }
    }
}

fn place(number: u64) -> Bytes {
    [QUEUE.as_bytes(), b"/", &number.to_be_bytes()].concat().into()
}
