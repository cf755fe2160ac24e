//! Asks that were given up while the actor works on them.
//!
//! Whoever gives up an ask frees its place only when the actor has dropped or sent the reply: else
//! impatient callers could heap up work without limit. So the receiving end is kept here, and looked
//! at when a place is needed.

use tokio::sync::oneshot::{Receiver, error::TryRecvError};

/// The asks of one actor that nobody waits for. Bounded by the limit of unanswered asks.
#[derive(Default)]
pub(super) struct Abandoned(Vec<Box<dyn Waiting>>);

/// An answer to come.
pub(super) trait Waiting: Send {
    /// Whether it has come, or never will.
    fn is_over(&mut self) -> bool;
}

/// An answer, kept once it has come: its drop is foreign code and not for a place under a lock.
struct Answer<T> {
    receiver: Receiver<T>,
    answer: Option<T>,
}

impl<T: Send> Waiting for Answer<T> {
    fn is_over(&mut self) -> bool {
        match self.receiver.try_recv() {
            Ok(answer) => self.answer.insert(answer),
            Err(TryRecvError::Closed) => return true,
            Err(TryRecvError::Empty) => return false,
        };
        true
    }
}

impl Abandoned {
    pub(super) fn add<T: Send + 'static>(&mut self, receiver: Receiver<T>) {
        self.0.push(Box::new(Answer { receiver, answer: None }));
    }

    /// Takes out those that are over.
    pub(super) fn take_over(&mut self) -> Vec<Box<dyn Waiting>> {
        self.0.extract_if(.., |waiting| waiting.is_over()).collect()
    }
}
