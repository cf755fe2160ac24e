//! Orders of an operator: each is carried out once, whenever the program ends.
//!
//! | What an order does lies | So it is |
//! |---|---|
//! | in the store | done and remembered in one batch: [`Order::in_one_batch`] |
//! | in memory | done, and then remembered: [`Order::made`] |
//! | in many records of the store | done, and then remembered; given again, it does the rest |
//!
//! What lies in memory ends with the program: whatever ends it before the order is remembered has taken
//! both. Until an order is remembered, the program knows by itself that it was given.

use std::collections::HashMap;

use oxbeam_kernel::{CallError, Node};
use oxbeam_protocol::Id;
use oxbeam_store::{Change, StoreError};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Buckets, TRIES, crowded, noted, of_order, remember};

/// Most signatures of orders that are carried out at a time, or were and could not be remembered.
const MAX_AT_ONCE: usize = 1024;

/// Orders that are being carried out, or were and are not remembered.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// By their signatures, and whether they were carried out.
    known: Mutex<HashMap<Id, bool>>,
    /// Told when that changes.
    changed: Notify,
}

/// An order that is being carried out. Dropped before it is made, it may be given again.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    orders: &'a Orders,
    node: &'a Node,
    signatures: Vec<Id>,
    /// Where they are remembered.
    buckets: Buckets,
    /// Whether it was carried out, and is known until it is remembered.
    is_made: bool,
}

/// What is known of an order that is given.
enum Entered<'a> {
    /// Nothing: it may be carried out.
    Order(Order<'a>),
    /// It is being carried out.
    UnderWay,
    /// It was.
    Made,
}

impl Orders {
    /// Begins an order, by the ids of its signatures; `None` if it was carried out before. If it is being
    /// carried out, this waits for what becomes of it. One that nobody signed can be given by anybody at
    /// any time, and is not remembered.
    ///
    /// # Errors
    /// Errors of the store: nothing is begun that could not be remembered.
    pub(crate) async fn begin<'a>(
        &'a self,
        node: &'a Node,
        signatures: &[Id],
    ) -> Result<Option<Order<'a>>, CallError> {
        let order = loop {
            let changed = self.changed.notified();
            match self.enter(node, signatures)? {
                Entered::Order(order) => break order,
                Entered::Made => return Ok(None),
                Entered::UnderWay => changed.await,
            }
        };
        let Some(changes) = noted(node, &order.buckets).await? else { return Ok(None) };
        if !changes.is_empty() {
            node.local_store()?.try_writing().await?;
        }
        Ok(Some(order))
    }

    /// Remembers an order that was carried out, also for whoever began it and went away.
    ///
    /// # Errors
    /// Errors of the store. Then it is known until the program ends, as is what it did.
    pub(crate) async fn settle(&self, node: &Node, signatures: &[Id]) -> Result<(), CallError> {
        remember(node, &of_order(signatures)).await?;
        self.leave(signatures);
        Ok(())
    }

    fn leave(&self, signatures: &[Id]) {
        let mut known = self.known.lock();
        signatures.iter().for_each(|id| _ = known.remove(id));
        self.changed.notify_waiters();
    }

    /// From now on they are those of an order that was carried out.
    fn made(&self, signatures: &[Id]) {
        self.known.lock().extend(signatures.iter().map(|id| (*id, true)));
        self.changed.notify_waiters();
    }

    fn enter<'a>(&'a self, node: &'a Node, signatures: &[Id]) -> Result<Entered<'a>, CallError> {
        let mut known = self.known.lock();
        let found = signatures.iter().filter_map(|id| known.get(id));
        if let Some(is_made) = found.copied().reduce(|one, other| one || other) {
            return Ok(if is_made { Entered::Made } else { Entered::UnderWay });
        }
        if known.len().saturating_add(signatures.len()) > MAX_AT_ONCE {
            return Err(crowded());
        }
        known.extend(signatures.iter().map(|id| (*id, false)));
        let (signatures, buckets) = (signatures.to_vec(), of_order(signatures));
        Ok(Entered::Order(Order { orders: self, node, signatures, buckets, is_made: false }))
    }
}

impl Order<'_> {
    /// Carries it out by one batch of the store, which holds the changes that `carry_out` is given
    /// besides its own. It is tried again after a [`StoreError::Conflict`]. None if it was carried out
    /// before: for somebody who went away then.
    ///
    /// # Errors
    /// As `carry_out`; errors of the store.
    pub(crate) async fn in_one_batch<T, F>(
        &self,
        carry_out: impl Fn(Vec<Change>) -> F,
    ) -> Result<Option<T>, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        for _ in 0..TRIES {
            let Some(changes) = noted(self.node, &self.buckets).await? else { return Ok(None) };
            match carry_out(changes).await {
                Err(CallError::Store(StoreError::Conflict { .. })) => {}
                done => return done.map(Some),
            }
        }
        Err(crowded())
    }

    /// It was carried out, or refused, and is not given again: remembers it, unless that is done.
    ///
    /// # Errors
    /// As [`Orders::settle`].
    pub(crate) async fn made(mut self) -> Result<(), CallError> {
        self.is_made = true;
        self.orders.made(&self.signatures);
        self.orders.settle(self.node, &self.signatures).await
    }
}

impl Drop for Order<'_> {
    fn drop(&mut self) {
        if !self.is_made {
            self.orders.leave(&self.signatures);
        }
    }
}
