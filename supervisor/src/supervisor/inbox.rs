//! How news of children reaches their supervisor, from any thread.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_util::Stream;
use parking_lot::Mutex;

/// Calls are refused while so much waits.
const CALLS_UNTIL: usize = 65_536;

/// News that wait for a supervisor. Bounded by its children: a child that has told of its end waits
/// for a decision and tells nothing more. Calls are refused when too much waits.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    news: VecDeque<T>,
    waker: Option<Waker>,
}

impl<T> Inbox<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { inner: Mutex::new(Inner { news: VecDeque::new(), waker: None }) })
    }

    /// Adds a call, if there is room.
    pub(crate) fn call(&self, news: T) -> bool {
        let room = self.inner.lock().news.len() < CALLS_UNTIL;
        if room {
            self.push(news);
        }
        room
    }

    pub(crate) fn push(&self, news: T) {
        let mut inner = self.inner.lock();
        inner.news.push_back(news);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// News in a row before the supervisor's control gets its turn.
const NEWS_PER_TURN: u32 = 64;

/// The reading end.
pub(crate) struct Reading<T> {
    inbox: Arc<Inbox<T>>,
    left: u32,
}

impl<T> Reading<T> {
    pub(crate) fn new(inbox: Arc<Inbox<T>>) -> Self {
        Self { inbox, left: NEWS_PER_TURN }
    }
}

impl<T> Stream for Reading<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        let Some(left) = this.left.checked_sub(1) else {
            this.left = NEWS_PER_TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let mut inner = this.inbox.inner.lock();
        if let Some(news) = inner.news.pop_front() {
            this.left = left;
            return Poll::Ready(Some(news));
        }
        inner.waker = Some(cx.waker().clone());
        this.left = NEWS_PER_TURN;
        Poll::Pending
    }
}
