//! News of one child: it runs, it does not start, it ended, its time is up.

use std::{sync::Arc, time::Duration};

use super::{
    Action, Death, Finish, Key, Machine, Phase, Purpose, ReportKind, SupervisorError, Todo,
};
use crate::{exit::ExitReason, spec::KILL_GRACE};

impl Machine {
    fn phase(&self, key: Key) -> Option<&Phase> {
        self.children.get(key).map(|child| &child.phase)
    }

    pub(super) fn started(&mut self, key: Key) {
        if !matches!(self.phase(key), Some(Phase::Starting { .. })) {
            return; // it started while it was being stopped
        }
        self.children.enter(key, Phase::Running);
        self.report(ReportKind::Progress, key, None);
        self.pop_start(key);
        self.answer_start(Ok(Some(key)));
    }

    pub(super) fn ignored(&mut self, key: Key) {
        let Some(child) = self.children.get(key) else { return };
        if child.temporary() {
            self.remove(key);
        } else {
            self.children.enter(key, Phase::Stopped);
            self.actions.push(Action::Discard(key));
        }
        self.pop_start(key);
        self.answer_start(Ok(None));
    }

    pub(super) fn start_failed(&mut self, key: Key, reason: ExitReason) {
        match self.phase(key) {
            Some(Phase::Starting { .. }) => self.not_started(key, reason),
            _ => self.exited(key, reason),
        }
    }

    fn not_started(&mut self, key: Key, reason: ExitReason) {
        let Some(child) = self.children.get(key) else { return };
        let id = child.policy.id.clone();
        self.children.enter(key, Phase::Stopped);
        self.report(ReportKind::StartError, key, Some(reason.clone()));
        match self.run.as_ref().map(|run| &run.purpose) {
            Some(Purpose::Restart) => {
                self.run = None;
                self.children.enter(key, Phase::Restarting);
                self.actions.push(Action::TryAgain(key));
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
                self.halt(Finish::NotStarted(reason));
            }
            // The other runs start nothing; this child's turn to be stopped comes.
            _ => {}
        }
    }

    pub(super) fn exited(&mut self, key: Key, reason: ExitReason) {
        let Some(child) = self.children.get(key) else { return };
        match child.phase {
            Phase::Late { .. } => self.not_started(key, ExitReason::StartTimeout),
            Phase::Stopping { .. } => {
                let missed = child.policy.shutdown.missed(&reason);
                self.children.enter(key, Phase::Stopped);
                if missed {
                    self.report(ReportKind::ShutdownError, key, Some(reason));
                }
            }
            Phase::Running => {
                self.deaths += 1;
                let death = Death(self.deaths);
                self.children.enter(key, Phase::Dead(reason, death));
                if !self.halting {
                    self.backlog.push_back(Todo::Exit(key, death));
                }
            }
            _ => {}
        }
    }

    /// A deadline of this child has passed.
    pub(super) fn overdue(&mut self, key: Key, now: Duration) {
        let until = now.checked_add(KILL_GRACE);
        match self.phase(key) {
            Some(Phase::Starting { .. }) => {
                self.children.enter(key, Phase::Late { until });
                self.actions.push(Action::Kill(key));
            }
            Some(Phase::Stopping { killed: false, .. }) => {
                self.children.enter(key, Phase::Stopping { until, killed: true });
                self.actions.push(Action::Kill(key));
            }
            Some(Phase::Late { .. } | Phase::Stopping { .. }) => {
                self.actions.push(Action::Abandon(key));
                self.exited(key, ExitReason::Stuck);
            }
            _ => {}
        }
    }
}
