//! What to do about a child that ended by itself.

use std::{collections::VecDeque, time::Duration};

use super::{AutoShutdown, Child, Key, Machine, Phase, Purpose, ReportKind, Run, Strategy};
use crate::{
    exit::ExitReason,
    spec::{Restart, Shutdown},
};

impl Machine {
    /// Restart, leave or forget.
    pub(super) fn decide(&mut self, key: Key, now: Duration) {
        let Some(child) = self.child(key) else { return };
        let Phase::Dead(reason) = child.phase.clone() else { return };
        let (restart, significant) = (child.policy.restart, child.policy.significant);
        let restarts = match restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_normal(),
            Restart::Temporary => false,
        };
        if restarts || !reason.is_normal() {
            self.report(ReportKind::ChildTerminated, key, Some(reason));
        }
        if restarts {
            return self.restart(key, now);
        }
        if restart == Restart::Temporary {
            self.remove(key);
        } else {
            self.leave(key);
        }
        if significant {
            self.auto_shutdown_check();
        }
    }

    /// Keeps the spec of a child that ended for good.
    fn leave(&mut self, key: Key) {
        if let Some(child) = self.child(key) {
            child.phase = Phase::Stopped;
        }
        self.actions.push(super::Action::Discard(key));
    }

    fn auto_shutdown_check(&mut self) {
        let left = |child: &Child| child.policy.significant && child.phase != Phase::Stopped;
        let ends = match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => !self.children.iter().any(left),
        };
        if ends {
            self.halt(ExitReason::Shutdown);
        }
    }

    /// Another try, unless the child has been stopped, deleted or restarted meanwhile.
    pub(super) fn try_again(&mut self, key: Key, now: Duration) {
        if self.child(key).is_some_and(|child| child.phase == Phase::Restarting) {
            self.restart(key, now);
        }
    }

    fn restart(&mut self, key: Key, now: Duration) {
        if !self.history.allow(now) {
            let reason = self.child(key).and_then(|child| match &child.phase {
                Phase::Dead(reason) => Some(reason.clone()),
                _ => None,
            });
            self.report(ReportKind::ReachedMaxIntensity, key, reason);
            return self.halt(ExitReason::Shutdown);
        }
        let Some(at) = self.children.iter().position(|child| child.key == key) else { return };
        let (skip, take) = match self.strategy {
            Strategy::OneForOne => (at, 1),
            Strategy::OneForAll => (0, usize::MAX),
            Strategy::RestForOne => (at, usize::MAX),
        };
        let affected = || self.children.iter().skip(skip).take(take);
        let mut stops: VecDeque<Key> =
            affected().filter(|child| child.phase.alive()).map(|child| child.key).collect();
        stops.make_contiguous().reverse();
        // A temporary child that is stopped for a sibling does not come back.
        let starts = affected().filter(|child| !child.temporary()).map(|child| child.key).collect();
        self.run = Some(Run { stops, starts, purpose: Purpose::Restart });
    }
}

/// Whether a child that was asked to end so ended in another way.
pub(super) fn unexpected(shutdown: Shutdown, reason: &ExitReason) -> bool {
    match shutdown {
        Shutdown::Brutal => *reason != ExitReason::Killed,
        Shutdown::Within(_) | Shutdown::Infinity => !reason.is_normal(),
    }
}
