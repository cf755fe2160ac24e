//! Until when a client must have read what is written to it.
//!
//! An answer keeps its place among the requests and its room among the bodies until it is written, and
//! whoever writes it may wait for the client, over HTTP/2 without a limit: a client that opens no window
//! would keep them. So each connection knows until when its answers must have been taken, and is cut
//! when one was not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The deadlines of one connection: no more than it has answers under way.
#[derive(Default)]
pub(super) struct Deadlines {
    ends: RefCell<BTreeSet<(Instant, u64)>>,
    /// Told apart by it if they end at the same time.
    number: Cell<u64>,
    /// When all that is owed could have been read, each as slowly as may be.
    read_by: Cell<Option<Instant>>,
    /// Who is to look again when one is added.
    waiting: Cell<Option<Waker>>,
}

/// A deadline, until it is dropped.
pub(super) struct Deadline {
    of: Rc<Deadlines>,
    end: (Instant, u64),
}

/// Who looks whether one has passed.
pub(super) struct Clock {
    deadlines: Rc<Deadlines>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadlines {
    /// One for what takes so long to be read, behind all that is owed already, and so long a rest.
    pub(super) fn owed(self: &Rc<Self>, time: Duration, rest: Duration) -> Deadline {
        let now = Instant::now();
        let read_by = self.read_by.get().map_or(now, |before| before.max(now)) + time;
        self.read_by.set(Some(read_by));
        self.at(read_by + rest)
    }

    /// One that ends after so long.
    pub(super) fn within(self: &Rc<Self>, time: Duration) -> Deadline {
        self.at(Instant::now() + time)
    }

    fn at(self: &Rc<Self>, end: Instant) -> Deadline {
        let number = self.number.get();
        self.number.set(number.wrapping_add(1));
        let end = (end, number);
        let mut ends = self.ends.borrow_mut();
        ends.insert(end);
        if ends.first() == Some(&end)
            && let Some(waiting) = self.waiting.take()
        {
            waiting.wake();
        }
        Deadline { of: self.clone(), end }
    }

    fn first(&self) -> Option<Instant> {
        self.ends.borrow().first().map(|(end, _)| *end)
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut ends = self.of.ends.borrow_mut();
        ends.remove(&self.end);
        if ends.is_empty() {
            self.of.read_by.set(None);
        }
    }
}

impl Clock {
    pub(super) fn of(deadlines: &Rc<Deadlines>) -> Self {
        Self { deadlines: deadlines.clone(), timer: None }
    }

    /// Whether all deadlines are still to come; the task is woken when that changes.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`]: one has passed.
    pub(super) fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let waiting = self.deadlines.waiting.take().filter(|waker| waker.will_wake(cx.waker()));
        self.deadlines.waiting.set(Some(waiting.unwrap_or_else(|| cx.waker().clone())));
        let Some(end) = self.deadlines.first() else { return Ok(()) };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        match timer.as_mut().poll(cx).is_ready() {
            true => Err(io::Error::new(io::ErrorKind::TimedOut, "an answer was not read in time")),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("first", &self.deadlines.first()).finish_non_exhaustive()
    }
}
