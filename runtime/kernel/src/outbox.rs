//! What processes send: signed when their slot is committed, owed once somebody pushes the slot,
//! delivered by whoever pushes or else in the background.
//!
//! ```text
//! slot committed ─► asleep ─── push ──► owed ─► scheduled on the target ─► its slot's own
//!                   (never due)           ▲          │                      messages owed ─► delivered
//!                                         └── later ◄┴─► given up (dead letter)
//! ```
//!
//! A message with `deliver-at` is due at that time and not before: a process sends itself one to be
//! woken.
//!
//! A message leaves in the form in which it was committed, and the target remembers where it came
//! from, so that any number of attempts come to one slot. Source: spec 12, part A.

mod away;
mod courier;
mod policy;
mod resolve;
mod sender;

use futures_util::future::join_all;
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, Key, Message, Value};
use oxbeam_store::{
    Change, EntryKey, MAX_NOTE_BYTES, MAX_OUTGOING, Origin, Outgoing, Slot, StoreError,
};
use tracing::{debug, warn};

pub(crate) use self::courier::CourierActor;
pub use self::policy::may_sign;
pub use self::resolve::resolve;
pub use self::sender::Sender;
use crate::assignment::milliseconds;
use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::process::Wanted;
use crate::record;

/// When a message is due that nobody has asked to be sent.
const NEVER: u64 = u64::MAX;
/// Most bytes of what one slot sends, signed: with its results it must fit into one write. What comes
/// after that is not sent.
const MAX_SENT_BYTES: usize = 128 << 20;
/// Messages that are signed, or made owed, at the same time.
const AT_ONCE: usize = 64;

/// An entry of a slot's outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The key under which the slot has it.
    pub key: Key,
    /// Its place in the outbox, from 1.
    pub index: u32,
    /// What the process wants to be sent.
    pub entry: Value,
}

/// A message that is to be made owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Which one.
    pub key: EntryKey,
    /// When it may leave at the earliest, in milliseconds since 1970.
    pub not_before: u64,
}

/// Why a message has not arrived.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Undelivered {
    /// The target is not known to this node.
    #[error("Could not access target process!")]
    NoTarget,
    /// Another node schedules the target, and nobody has said where that is.
    #[error("the target is scheduled by another node, and no location of it is known")]
    Nowhere,
    /// The node that schedules the target does not take it.
    #[error("{reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// It could not be scheduled this time.
    #[error(transparent)]
    Failed(#[from] CallError),
}

impl Undelivered {
    /// Whether it may arrive later.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Nowhere | Self::Failed(_))
    }
}

/// A message that has arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// Its slot, as the target's scheduler has signed it.
    pub assignment: Message,
    /// Whether this node schedules the target, and so computes what the message leads to. Else the
    /// other node has been asked to push it.
    pub here: bool,
}

/// The outbox of a slot's results: numbers first, in their order, then other keys in byte order. A
/// list counts from 1.
#[must_use]
pub fn entries(results: &Message) -> Vec<Sent> {
    let outbox = match results.get("outbox") {
        Some(Value::Map(outbox)) => outbox.clone(),
        Some(Value::List(outbox)) => outbox.to_map(),
        _ => return Vec::new(),
    };
    let number = |key: &Key| key.to_text().parse::<u64>().ok();
    let mut all: Vec<(Key, Value)> = outbox.into_iter().collect();
    all.sort_by_cached_key(|(key, _)| (number(key).is_none(), number(key), key.clone()));
    let indexed = (1..=u32::MAX).zip(all);
    indexed.map(|(index, (key, entry))| Sent { key, index, entry }).collect()
}

impl Sent {
    /// Where it goes.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        std::str::from_utf8(target(self.entry.as_map()?)?.as_bytes()?).ok()
    }

    /// Whether it says what to resolve: its message is not known before it is sent.
    #[must_use]
    pub fn resolves(&self) -> bool {
        let entry = self.entry.as_map();
        entry.is_some_and(|entry| entry.contains("resolve") || entry.contains("Resolve"))
    }

    /// When it may leave at the earliest, in milliseconds since 1970: its `deliver-at`. What is not
    /// known before it is sent does not wait.
    #[must_use]
    pub fn not_before(&self) -> u64 {
        let entry = self.entry.as_map().filter(|_| is_sent(self));
        let at =
            entry.and_then(|entry| entry.get("deliver-at").or_else(|| entry.get("Deliver-At")));
        match at {
            Some(Value::Integer(at)) => u64::try_from(at).unwrap_or_default(),
            Some(Value::Bytes(at)) => {
                std::str::from_utf8(at).ok().and_then(|at| at.parse().ok()).unwrap_or_default()
            }
            _ => 0,
        }
    }
}

/// The target of an entry, whose keys may be in any case.
fn target(entry: &Message) -> Option<&Value> {
    entry.get("target").or_else(|| entry.get("Target"))
}

/// The messages of a slot as they are committed with it: signed, and asleep until a push asks for
/// them.
///
/// What cannot be sent is left out; a push says why.
///
/// # Errors
/// A signer or store that does not answer. What a process sends is no error.
pub(crate) async fn prepare(
    context: &Context,
    process: Id,
    slot: Slot,
    results: &Message,
) -> Result<Vec<Outgoing>, CallError> {
    let sent: Vec<Sent> = entries(results).into_iter().filter(is_sent).take(MAX_OUTGOING).collect();
    if sent.is_empty() {
        return Ok(Vec::new());
    }
    let sender = Sender::of(context, process).await?;
    let mut outgoing = Vec::with_capacity(sent.len());
    let mut left = MAX_SENT_BYTES;
    for some in sent.chunks(AT_ONCE) {
        let signed = some.iter().map(|one| known(context, &sender, one));
        for (one, signed) in some.iter().zip(join_all(signed).await) {
            match signed {
                Ok(signed) => match left.checked_sub(signed.message.len()) {
                    Some(rest) => {
                        left = rest;
                        outgoing.push(signed);
                    }
                    None => warn!(%process, slot, index = one.index,
                        "a message is not sent: the slot sends too much"),
                },
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => debug!(%process, slot, index = one.index, %error,
                    "a message cannot be sent"),
            }
        }
    }
    Ok(outgoing)
}

/// Whether an entry is a message that is known before it is sent.
fn is_sent(sent: &Sent) -> bool {
    !sent.resolves() && sent.target().is_some_and(|target| target.len() <= MAX_NOTE_BYTES)
}

/// The message of an entry that is known before it is sent, due never.
async fn known(context: &Context, sender: &Sender, sent: &Sent) -> Result<Outgoing, CallError> {
    match context.load_all(sent.entry.clone()).await? {
        Value::Map(entry) => outgoing_of(context, sender, sent, entry, NEVER).await,
        _ => Err(CallError::BadRequest("an entry of the outbox is a message".into())),
    }
}

/// What is sent for an entry, signed.
async fn outgoing_of(
    context: &Context,
    sender: &Sender,
    sent: &Sent,
    entry: Message,
    next_try: u64,
) -> Result<Outgoing, CallError> {
    policy::may_sign(context, sent.target()).await?;
    let signed = Value::from(sender.sign(context.node(), entry).await?);
    let message = record::encode(&signed)?;
    if message.len() > oxbeam_store::MAX_VALUE_BYTES {
        return Err(CallError::BadRequest("the message is too large".into()));
    }
    Ok(Outgoing {
        index: sent.index,
        target: sent.target().unwrap_or_default().to_owned(),
        id: signed_id(&signed)?,
        message,
        next_try,
    })
}

/// The results of a slot, computed if need be; the outcome of a slot that has none.
///
/// # Errors
/// As [`Node::state`].
pub async fn results(
    context: &Context,
    process: Id,
    slot: Slot,
) -> Result<Result<Message, Outcome>, CallError> {
    let node = context.node();
    if node.store()?.result(process, slot).await?.is_none()
        && let Err(outcome) = node.state(context, process, Wanted::Slot(slot)).await?.into_result()
    {
        return Ok(Err(outcome));
    }
    let Some(found) = node.store()?.result(process, slot).await? else {
        return Ok(Err(Outcome::not_found()));
    };
    match node.contents()?.read_named(found.result).await? {
        Some(results) => match context.load_all(results).await? {
            Value::Map(results) => Ok(Ok(results)),
            _ => Ok(Ok(Message::new())),
        },
        None => Err(CallError::Missing { id: found.result.to_string() }),
    }
}

impl Node {
    /// Makes messages of a slot owed: they are delivered, whatever happens, by the background from
    /// `next_try` on if nobody does it before, and those that are put off from then on. What is owed,
    /// was delivered or given up stays so: whoever asks again neither puts it off nor uses up its
    /// attempts. Answers when that is on disk.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn owe(&self, owed: &[Owed], next_try: u64) -> Result<(), CallError> {
        let (store, now) = (self.store()?, milliseconds());
        for some in owed.chunks(AT_ONCE) {
            // What is put off is nobody's but the background's.
            let next = |one: &Owed| if one.not_before > now { one.not_before } else { next_try };
            let owe = |one: &Owed| store.owe(one.key, next(one));
            for owed in join_all(some.iter().map(owe)).await {
                match owed {
                    Err(StoreError::NoEntry { .. }) | Ok(()) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if owed.iter().any(|one| one.not_before > 0) {
            // It sleeps until what it knows to be due.
            self.courier().notify_one();
        }
        Ok(())
    }

    /// Leaves an owed message to the background, as of now.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn leave_to_courier(&self, key: EntryKey, reason: &str) -> Result<(), CallError> {
        match self.store()?.retry(key, milliseconds(), reason.into()).await {
            Err(StoreError::EntryMoved { .. }) => {}
            // It is made when its slot is pushed, if that is what it waits for.
            Err(StoreError::NoEntry { .. }) => return self.push_later(key.process, key.slot).await,
            left => left?,
        }
        self.courier().notify_one();
        Ok(())
    }

    /// Tries an owed message as soon as may be, and one that was given up as if for the first time.
    /// Answers whether there was anything to do: what has arrived has, and nothing is noted then.
    ///
    /// What is `noted` in [`oxbeam_store::Table::Node`] is on disk together with that.
    ///
    /// # Errors
    /// Errors of the store; [`StoreError::Conflict`] if others have noted something meanwhile.
    pub async fn redrive(&self, key: EntryKey, noted: Vec<Change>) -> Result<bool, CallError> {
        match self.store()?.redrive(key, milliseconds(), noted).await {
            Err(StoreError::EntryMoved { .. } | StoreError::NoEntry { .. }) => return Ok(false),
            moved => moved?,
        }
        self.courier().notify_one();
        Ok(true)
    }

    /// Pushes a slot in the background: computes it, and delivers what it sends, whatever happens once
    /// this has answered. A slot that there is not sends nothing.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn push_later(&self, process: Id, slot: Slot) -> Result<(), CallError> {
        self.push_from(process, slot, milliseconds()).await
    }

    /// The same, from a time on, in milliseconds since 1970.
    ///
    /// # Errors
    /// Errors of the store.
    pub async fn push_from(&self, process: Id, slot: Slot, at: u64) -> Result<(), CallError> {
        if self.has_slot(process, slot).await? {
            self.store()?.ask_push(process, slot, at).await?;
            self.courier().notify_one();
        }
        Ok(())
    }

    /// Whether the log of a process is here, and has a slot.
    async fn has_slot(&self, process: Id, slot: Slot) -> Result<bool, CallError> {
        Ok(self.head(process).await?.is_some_and(|head| slot <= head.slot))
    }

    /// Schedules a message on its target, once for an origin: here, or on the node that schedules the
    /// target. It is verified first: it may have been signed by an earlier version.
    ///
    /// # Errors
    /// [`Undelivered`].
    pub async fn deliver(
        &self,
        target: Id,
        message: Message,
        origin: Origin,
    ) -> Result<Arrived, Undelivered> {
        let arrived = self.send(target, message, origin).await;
        self.metrics().sent(arrived.is_ok());
        arrived
    }

    async fn send(
        &self,
        target: Id,
        message: Message,
        origin: Origin,
    ) -> Result<Arrived, Undelivered> {
        match self.is_scheduler_of(target).await? {
            None => Err(Undelivered::NoTarget),
            Some(false) => {
                let assignment = away::deliver(self, target, message, origin).await?;
                Ok(Arrived { assignment, here: false })
            }
            Some(true) => {
                let message = self.authenticate(message).await?;
                let assignment = self.schedule(target, message, Some(origin)).await?;
                Ok(Arrived { assignment, here: true })
            }
        }
    }

    /// Whether this node schedules a process; `None` if it does not know it.
    ///
    /// # Errors
    /// Errors of reading.
    pub async fn is_scheduler_of(&self, process: Id) -> Result<Option<bool>, CallError> {
        let schedulers = self.schedulers_of(process).await?;
        let is_own = |address: &String| **address == *self.address();
        Ok(schedulers.map(|schedulers| schedulers.iter().any(is_own)))
    }

    /// Who schedules a process, as its definition says; `None` if this node does not know it.
    async fn schedulers_of(&self, process: Id) -> Result<Option<Vec<String>>, CallError> {
        let Some(Value::Map(definition)) = self.contents()?.read(process).await? else {
            return Ok(None);
        };
        let said = definition.get("scheduler").or_else(|| definition.get("scheduler-location"));
        Ok(Some(match said {
            Some(Value::Link(link)) => match self.contents()?.follow(link).await {
                Ok(said) => crate::addresses(&said),
                // Anybody can write such a definition. It names no scheduler, and stops no others' messages.
                Err(CallError::Missing { .. }) => Vec::new(),
                Err(error) => return Err(error),
            },
            Some(said) => crate::addresses(said),
            None => Vec::new(),
        }))
    }
}

/// The messages of a slot whose targets this node knows.
///
/// # Errors
/// Errors of reading.
pub async fn deliverable(
    node: &Node,
    process: Id,
    slot: Slot,
    sent: &[Sent],
) -> Result<Vec<Owed>, CallError> {
    let mut owed = Vec::new();
    for one in sent.iter().filter(|one| is_sent(one)) {
        let target = one.target().and_then(|target| target.parse().ok());
        if let Some(target) = target
            && node.is_scheduler_of(target).await?.is_some()
        {
            let key = EntryKey { process, slot, index: one.index };
            owed.push(Owed { key, not_before: one.not_before() });
        }
    }
    Ok(owed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_the_order_in_which_they_are_numbered() {
        let entry = |key: &str| (key.to_owned(), Message::from([("target", "t")]));
        let outbox: Message = ["10", "b", "2", "a", "1"].map(entry).into_iter().collect();
        let sent = entries(&Message::new().with("outbox", outbox));
        let keys: Vec<_> = sent.iter().map(|one| one.key.to_text().into_owned()).collect();
        assert_eq!(keys, ["1", "2", "10", "a", "b"]);
        let indexes: Vec<_> = sent.iter().map(|one| one.index).collect();
        assert_eq!(indexes, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_message_says_when_it_may_leave() {
        let not_before = |entry: Message| {
            let entry = entry.with("target", "t").into();
            Sent { key: "1".into(), index: 1, entry }.not_before()
        };
        assert_eq!(not_before(Message::from([("Deliver-At", "1700000000000")])), 1_700_000_000_000);
        assert_eq!(not_before(Message::new().with("deliver-at", 5)), 5);
        assert_eq!(not_before(Message::new().with("deliver-at", -5)), 0);
        assert_eq!(not_before(Message::from([("deliver-at", "tomorrow")])), 0);
        let resolved = Message::from([("deliver-at", "5"), ("resolve", "/~meta@1.0/info")]);
        assert_eq!(not_before(resolved), 0, "it would have to be known now");
    }

    #[test]
    fn results_without_an_outbox_send_nothing() {
        assert!(entries(&Message::new()).is_empty());
        assert!(entries(&Message::new().with("outbox", "text")).is_empty());
    }
}
