//! One run: children stopped one by one, then others started one by one.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    Action, CallId, Key, Machine, Phase, ReportKind, SupervisorError, restart::unexpected,
};
use crate::{exit::ExitReason, spec::Shutdown};

/// How long a killed child may take to notice, before it is given up as stuck.
const KILL_GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Run {
    pub(super) stops: VecDeque<Key>,
    pub(super) starts: VecDeque<Key>,
    pub(super) purpose: Purpose,
}

/// What a run is for, and so what its end means.
#[derive(Debug)]
pub(super) enum Purpose {
    Boot,
    /// Undoing a start of the supervisor.
    BootFailed(ExitReason),
    Restart,
    Start(CallId),
    Restarted(CallId),
    Terminate(CallId),
    Halt(ExitReason),
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
        let Some(child) = self.child(key) else {
            self.stopped(key);
            return true;
        };
        match child.phase {
            Phase::Stopping { .. } => false,
            Phase::Starting { .. } | Phase::Running => {
                let shutdown = child.policy.shutdown;
                let (limit, killed) = match shutdown {
                    Shutdown::Brutal => (Some(KILL_GRACE), true),
                    Shutdown::Within(limit) => (Some(limit), false),
                    Shutdown::Infinity => (None, false),
                };
                child.phase = Phase::Stopping { until: limit.map(|limit| now + limit), killed };
                self.actions.push(if killed { Action::Kill(key) } else { Action::Stop(key) });
                false
            }
            Phase::Stopped | Phase::Dead(_) | Phase::Restarting => {
                child.phase = Phase::Stopped;
                self.stopped(key);
                true
            }
        }
    }

    /// The child at the head of the stops does not run any more.
    fn stopped(&mut self, key: Key) {
        let Some(run) = &mut self.run else { return };
        run.stops.pop_front();
        let comes_back = run.starts.contains(&key);
        self.drop_exit(key);
        match self.child(key).map(|child| child.temporary()) {
            Some(true) => self.remove(key),
            Some(false) if !comes_back => self.actions.push(Action::Discard(key)),
            _ => {}
        }
    }

    fn start_next(&mut self, key: Key, now: Duration) -> bool {
        let unfinished = match self.child(key) {
            None => false,
            Some(child) => match child.phase {
                Phase::Starting { .. } => return false,
                Phase::Running | Phase::Stopping { .. } => false,
                Phase::Stopped | Phase::Dead(_) | Phase::Restarting => {
                    let until = child.policy.start_limit.map(|limit| now + limit);
                    child.phase = Phase::Starting { until };
                    true
                }
            },
        };
        if unfinished {
            self.drop_exit(key);
            self.actions.push(Action::Start(key));
        } else {
            self.pop_start(key);
        }
        !unfinished
    }

    fn pop_start(&mut self, key: Key) {
        if let Some(run) = &mut self.run
            && run.starts.front() == Some(&key)
        {
            run.starts.pop_front();
        }
    }

    pub(super) fn started(&mut self, key: Key) {
        let Some(child) = self.child(key) else { return };
        if !matches!(child.phase, Phase::Starting { .. }) {
            return; // it started while it was being stopped
        }
        child.phase = Phase::Running;
        self.report(ReportKind::Progress, key, None);
        self.pop_start(key);
        self.answer_start(Ok(Some(key)));
    }

    pub(super) fn ignored(&mut self, key: Key) {
        let Some(child) = self.child(key) else { return };
        child.phase = Phase::Stopped;
        if child.temporary() {
            self.remove(key);
        } else {
            self.actions.push(Action::Discard(key));
        }
        self.pop_start(key);
        self.answer_start(Ok(None));
    }

    pub(super) fn start_failed(&mut self, key: Key, reason: ExitReason) {
        let Some(child) = self.child(key) else { return };
        if !matches!(child.phase, Phase::Starting { .. }) {
            return self.exited(key, reason); // it was being stopped
        }
        child.phase = Phase::Stopped;
        let id = child.policy.id.clone();
        self.report(ReportKind::StartError, key, Some(reason.clone()));
        match self.run.as_ref().map(|run| &run.purpose) {
            Some(Purpose::Restart) => {
                self.run = None;
                self.retry(key);
            }
            Some(Purpose::Start(call)) => {
                let call = *call;
                self.run = None;
                self.remove(key);
                self.reply(call, Err(SupervisorError::StartFailed(reason)));
            }
            Some(Purpose::Restarted(call)) => {
                let call = *call;
                self.run = None;
                self.actions.push(Action::Discard(key));
                self.reply(call, Err(SupervisorError::StartFailed(reason)));
            }
            Some(Purpose::Boot) => {
                let reason = ExitReason::StartFailed { child: id, reason: Arc::new(reason) };
                self.give_up(Purpose::BootFailed(reason));
            }
            // The other runs start nothing; this child's turn to be stopped comes.
            _ => {}
        }
    }

    fn retry(&mut self, key: Key) {
        if let Some(child) = self.child(key) {
            child.phase = Phase::Restarting;
        }
        self.actions.push(Action::TryAgain(key));
    }

    pub(super) fn exited(&mut self, key: Key, reason: ExitReason) {
        let Some(child) = self.child(key) else { return };
        match child.phase {
            Phase::Stopping { .. } => {
                child.phase = Phase::Stopped;
                if unexpected(child.policy.shutdown, &reason) {
                    self.report(ReportKind::ShutdownError, key, Some(reason));
                }
            }
            Phase::Running => {
                child.phase = Phase::Dead(reason);
                if !self.halting {
                    self.backlog.push_back(super::Todo::Exit(key));
                }
            }
            _ => {}
        }
    }

    /// A deadline of this child has passed.
    pub(super) fn overdue(&mut self, key: Key, now: Duration) {
        let Some(child) = self.child(key) else { return };
        match &mut child.phase {
            Phase::Starting { .. } => {
                self.actions.push(Action::Abandon(key));
                self.start_failed(key, ExitReason::StartTimeout);
            }
            Phase::Stopping { killed: true, .. } => {
                self.actions.push(Action::Abandon(key));
                self.exited(key, ExitReason::Stuck);
            }
            Phase::Stopping { until, killed } => {
                *killed = true;
                *until = Some(now + KILL_GRACE);
                self.actions.push(Action::Kill(key));
            }
            _ => {}
        }
    }

    /// Answers a call that wanted a child to run, once it does.
    fn answer_start(&mut self, reply: super::Reply) {
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
            Some(Purpose::BootFailed(reason) | Purpose::Halt(reason)) => {
                self.actions.push(Action::Finish(reason));
            }
            _ => {}
        }
    }

    /// Forgets a death that has been dealt with.
    fn drop_exit(&mut self, key: Key) {
        self.backlog.retain(|todo| !matches!(todo, super::Todo::Exit(known) if *known == key));
    }
}
