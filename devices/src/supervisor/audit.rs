//! What operators have done, and what was refused to others: written down in the node's store.
//!
//! | Name in the node's table | Value |
//! |---|---|
//! | `audit/acts`, `audit/refusals` | the number of the next entry, u64 big-endian |
//! | the same, `/` and a number modulo those that are kept | an entry |
//!
//! Two rings, so that whoever is refused ten thousand times does not push out what was done. Refusals
//! are written without a sync, and only so many a second: the metrics count them all.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use oxbeam_kernel::assignment::milliseconds;
use oxbeam_kernel::{Call, CallError, Node, Outcome, record};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_store::{Change, Persist, StoreError, Table};
use parking_lot::Mutex;

use super::{integer, limit, natural, text};
use crate::{made, roles};

/// Entries of a page.
const MAX_ENTRIES: usize = 100;
/// Refusals that are written down in a second.
const REFUSALS: u32 = 10;
/// How often an entry is tried to be written, if others are written meanwhile.
const TRIES: usize = 64;
/// What of a request an entry tells, and how much of each.
const TOLD: [&str; 8] =
    ["actor", "process", "fuel", "messages", "letter", "target", "all", "nonce"];
const MAX_TOLD: usize = 128;
/// Longest reason of an entry, in bytes.
const MAX_REASON: usize = 1024;

/// Entries of one kind, the oldest of which make room for new ones.
struct Ring {
    name: &'static str,
    kept: u64,
}

const ACTS: Ring = Ring { name: "audit/acts", kept: 10_000 };
const REFUSED: Ring = Ring { name: "audit/refusals", kept: 1_000 };

/// Lets only so many refusals of a second be written down.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Option<(Instant, u32)>>);

impl Throttle {
    fn admits(&self, now: Instant) -> bool {
        let mut second = self.0.lock();
        match second.as_mut() {
            Some((since, count)) if now.duration_since(*since).as_secs() == 0 => {
                *count = count.saturating_add(1);
                *count <= REFUSALS
            }
            _ => {
                *second = Some((now, 1));
                true
            }
        }
    }
}

/// An entry that is being written.
pub(super) struct Audit {
    node: Arc<Node>,
    entry: Message,
}

/// One that is written, of an action under way.
pub(super) struct Begun {
    audit: Audit,
    number: u64,
    version: u64,
}

impl Audit {
    /// Who asks for what, and when.
    pub(super) fn of(call: &Call, action: &'static str, request: &Message) -> Self {
        let by: List = roles::who_signed(&call.context).into_iter().map(Value::from).collect();
        let about: Message =
            TOLD.iter().filter_map(|key| Some((*key, told(request, key)?))).collect();
        let mut entry = Message::new()
            .with("at", integer(milliseconds()))
            .with("action", action)
            .with("by", by)
            .with("about", about);
        let signatures = call.context.signed().as_ref().map(made::signatures).unwrap_or_default();
        if let Some(commitment) = signatures.first() {
            entry.insert("commitment", commitment.to_string());
        }
        Self { node: call.context.node().clone(), entry }
    }

    /// Writes down that it was refused.
    pub(super) async fn refused(self, throttle: &Throttle, outcome: &'static str) {
        if !throttle.admits(Instant::now()) {
            return;
        }
        let entry = self.entry.with("outcome", outcome);
        if let Err(error) = REFUSED.append(&self.node, &entry, Persist::Buffered).await {
            tracing::warn!(%error, "a refused action is not in the audit");
        }
    }

    /// Writes down that it begins. Nothing is done that is not on disk.
    pub(super) async fn begun(self) -> Result<Begun, CallError> {
        let entry = self.entry.clone().with("outcome", "begun");
        let (number, version) = ACTS.append(&self.node, &entry, Persist::Synced).await?;
        Ok(Begun { audit: self, number, version })
    }
}

impl Begun {
    /// Writes down what came of it.
    pub(super) async fn ended(self, outcome: &'static str, reason: Option<String>) {
        let Audit { node, mut entry } = self.audit;
        entry.insert("number", integer(self.number));
        entry.insert("outcome", outcome);
        if let Some(reason) = reason {
            entry.insert("reason", cut(reason, MAX_REASON));
        }
        if let Err(error) = ACTS.replace(&node, self.number, self.version, entry).await {
            tracing::warn!(%error, outcome, "the audit does not say what came of an action");
        }
    }
}

impl Ring {
    /// Adds an entry. Answers with its number, and the version of its place.
    async fn append(
        &self,
        node: &Node,
        entry: &Message,
        persist: Persist,
    ) -> Result<(u64, u64), CallError> {
        for _ in 0..TRIES {
            let (version, number) = self.next(node).await?;
            let head = Bytes::copy_from_slice(&number.saturating_add(1).to_be_bytes());
            let entry = record::encode(&entry.clone().with("number", integer(number)).into())?;
            let changes = vec![
                Change { name: self.name.into(), expected: Some(version), value: Some(head) },
                Change { name: self.place(number), expected: None, value: Some(entry) },
            ];
            match node.store()?.change(Table::Node, changes, persist).await {
                Err(StoreError::Conflict { .. }) => {}
                written => return Ok((number, written?.last().copied().unwrap_or_default())),
            }
        }
        let reason = "too many actions at the same time".into();
        Err(CallError::Unavailable { what: "the audit".into(), reason })
    }

    /// Changes an entry, unless another one has its place by now.
    async fn replace(
        &self,
        node: &Node,
        number: u64,
        version: u64,
        entry: Message,
    ) -> Result<(), CallError> {
        let value = Some(record::encode(&entry.into())?);
        let change = Change { name: self.place(number), expected: Some(version), value };
        match node.store()?.change(Table::Node, vec![change], Persist::Buffered).await {
            Err(StoreError::Conflict { .. }) => Ok(()),
            written => Ok(written.map(drop)?),
        }
    }

    /// The version of the head, and the number of the next entry.
    async fn next(&self, node: &Node) -> Result<(u64, u64), CallError> {
        let head = node.store()?.value(Table::Node, self.name.into()).await?;
        let number = head.value.as_deref().and_then(|bytes| bytes.try_into().ok());
        Ok((head.version, number.map_or(0, u64::from_be_bytes)))
    }

    /// Entries before a number, the latest first.
    async fn before(
        &self,
        node: &Node,
        before: Option<u64>,
        limit: u64,
    ) -> Result<(List, Option<u64>), CallError> {
        let (_, next) = self.next(node).await?;
        let end = before.unwrap_or(next).min(next);
        let oldest = next.saturating_sub(self.kept);
        let first = end.saturating_sub(limit).max(oldest);
        let mut entries = Vec::new();
        for number in (first..end).rev() {
            let kept = node.store()?.value(Table::Node, self.place(number)).await?;
            let Some(kept) = kept.value else { continue };
            entries.push(record::decode(&kept)?);
        }
        Ok((entries.into_iter().collect(), Some(first).filter(|first| *first > oldest)))
    }

    fn place(&self, number: u64) -> Bytes {
        format!("{}/{}", self.name, number % self.kept).into()
    }
}

/// A page of what was done, or of what was refused.
pub(super) async fn list(call: &Call) -> Result<Outcome, CallError> {
    let request = &call.request;
    let ring = match text(request, "of")? {
        None | Some("acts") => ACTS,
        Some("refusals") => REFUSED,
        Some(_) => return Err(CallError::BadRequest("`of` is `acts` or `refusals`".into())),
    };
    let limit = u64::try_from(limit(request, MAX_ENTRIES)?).unwrap_or(u64::MAX);
    let before = natural(request, "before")?;
    let (entries, next) = ring.before(call.context.node(), before, limit).await?;
    let mut answer = Message::new().with("entries", entries);
    if let Some(next) = next {
        answer.insert("next", integer(next));
    }
    Ok(Outcome::ok(answer))
}

/// What a request says under a key, as far as an entry tells it.
fn told(request: &Message, key: &str) -> Option<String> {
    let told = match request.get(key)? {
        Value::Integer(number) => number.to_string(),
        value => String::from_utf8_lossy(value.as_name()?).into_owned(),
    };
    Some(cut(told.chars().filter(|letter| !letter.is_control()).collect(), MAX_TOLD))
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_so_many_refusals_of_a_second_are_written_down() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let admitted = (0..100).filter(|_| throttle.admits(now)).count();
        assert_eq!(admitted, REFUSALS as usize);
        assert!(throttle.admits(now + Duration::from_secs(1)));
    }
}
