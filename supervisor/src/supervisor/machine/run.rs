//! One run: children stopped one by one, then others started one by one.

use std::{collections::VecDeque, time::Duration};

use super::{Action, CallId, Finish, Key, Machine, Phase};
use crate::spec::{KILL_GRACE, Shutdown};

#[derive(Debug)]
pub(super) struct Run {
    pub(super) stops: VecDeque<Key>,
    /// In the order of starts, which is the order of keys.
    pub(super) starts: VecDeque<Key>,
    pub(super) purpose: Purpose,
}

/// What a run is for, and so what its end means.
#[derive(Debug)]
pub(super) enum Purpose {
    Boot,
    Restart,
    Start(CallId),
    Restarted(CallId),
    Terminate(CallId),
    Halt(Finish),
}

impl Purpose {
    pub(super) fn call(&self) -> Option<CallId> {
        match self {
            Self::Start(call) | Self::Restarted(call) | Self::Terminate(call) => Some(*call),
            _ => None,
        }
    }
}

impl Machine {
    /// Takes the next steps of the run. False when a child must be waited for.
    pub(super) fn proceed(&mut self, now: Duration) -> bool {
        let Some(run) = &mut self.run else { return true };
        if let Some(&key) = run.stops.front() {
            return self.stop_next(key, now);
        }
        if let Some(&key) = run.starts.front() {
            return self.start_next(key, now);
        }
        self.complete();
        true
    }

    fn stop_next(&mut self, key: Key, now: Duration) -> bool {
        let Some(child) = self.children.get(key) else {
            self.stopped(key);
            return true;
        };
        match child.phase {
            Phase::Stopping { .. } => false,
            // It has been killed already.
            Phase::Late { until } => {
                self.children.enter(key, Phase::Stopping { until, killed: true });
                false
            }
            Phase::Starting { .. } | Phase::Running => {
                let (limit, killed) = match child.policy.shutdown {
                    Shutdown::Brutal => (Some(KILL_GRACE), true),
                    Shutdown::Within(limit) => (Some(limit), false),
                    Shutdown::Infinity => (None, false),
                };
                let until = limit.and_then(|limit| now.checked_add(limit));
                self.children.enter(key, Phase::Stopping { until, killed });
                self.actions.push(if killed { Action::Kill(key) } else { Action::Stop(key) });
                false
            }
            Phase::Stopped | Phase::Dead(..) | Phase::Restarting => {
                self.children.enter(key, Phase::Stopped);
                self.stopped(key);
                true
            }
        }
    }

    /// The child at the head of the stops does not run any more.
    fn stopped(&mut self, key: Key) {
        let Some(run) = &mut self.run else { return };
        run.stops.pop_front();
        let comes_back = run.starts.binary_search(&key).is_ok();
        match self.children.get(key).map(|child| child.temporary()) {
            Some(true) => self.remove(key),
            Some(false) if !comes_back => self.actions.push(Action::Discard(key)),
            _ => {}
        }
    }

    fn start_next(&mut self, key: Key, now: Duration) -> bool {
        let Some(child) = self.children.get(key) else {
            self.pop_start(key);
            return true;
        };
        match child.phase {
            Phase::Starting { .. } | Phase::Late { .. } => false,
            Phase::Running | Phase::Stopping { .. } => {
                self.pop_start(key);
                true
            }
            Phase::Stopped | Phase::Dead(..) | Phase::Restarting => {
                let until = child.policy.start_limit.and_then(|limit| now.checked_add(limit));
                self.children.enter(key, Phase::Starting { until });
                self.actions.push(Action::Start(key));
                false
            }
        }
    }

    pub(super) fn pop_start(&mut self, key: Key) {
        if let Some(run) = &mut self.run
            && run.starts.front() == Some(&key)
        {
            run.starts.pop_front();
        }
    }

    /// Answers a call that wanted a child to run, once it does.
    pub(super) fn answer_start(&mut self, reply: super::Reply) {
        if let Some(Run { purpose: Purpose::Start(call) | Purpose::Restarted(call), .. }) = self.run
        {
            self.run = None;
            self.reply(call, reply);
        }
    }

    /// The run has nothing left to do.
    fn complete(&mut self) {
        match self.run.take().map(|run| run.purpose) {
            Some(Purpose::Boot) => self.actions.push(Action::Ready),
            Some(Purpose::Terminate(call)) => self.reply(call, Ok(None)),
            Some(Purpose::Halt(finish)) => self.actions.push(Action::Finish(finish)),
            _ => {}
        }
    }
}
