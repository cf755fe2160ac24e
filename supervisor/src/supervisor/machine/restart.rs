//! What to do about a child that ended by itself.

use std::{collections::VecDeque, time::Duration};

use super::{
    Action, AutoShutdown, Child, Death, Finish, Key, Machine, Phase, Purpose, ReportKind, Run,
    Strategy,
};
use crate::{exit::ExitReason, spec::Restart};

impl Machine {
    /// Restart, leave or forget; nothing if that end has been dealt with.
    pub(super) fn decide(&mut self, key: Key, death: Death, now: Duration) {
        let Some(child) = self.children.get(key) else { return };
        let Phase::Dead(reason, _) = child.phase.clone() else { return };
        if child.phase != Phase::Dead(reason.clone(), death) {
            return;
        }
        let (restart, significant) = (child.policy.restart, child.policy.significant);
        let restarts = restart.follows(&reason);
        if restarts || !reason.is_normal() {
            self.report(ReportKind::ChildTerminated, key, Some(reason.clone()));
        }
        if restarts {
            return self.restart(key, Some(reason), now);
        }
        if restart == Restart::Temporary {
            self.remove(key);
        } else {
            self.children.enter(key, Phase::Stopped);
            self.actions.push(Action::Discard(key));
        }
        if significant {
            self.auto_shutdown_check();
        }
    }

    fn auto_shutdown_check(&mut self) {
        let left = |child: &Child| child.policy.significant && child.phase != Phase::Stopped;
        let ends = match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => !self.children.iter().any(left),
        };
        if ends {
            self.halt(Finish::Done);
        }
    }

    /// Another try, unless the child has been stopped, deleted or restarted meanwhile.
    pub(super) fn try_again(&mut self, key: Key, now: Duration) {
        if self.children.get(key).is_some_and(|child| child.phase == Phase::Restarting) {
            self.restart(key, None, now);
        }
    }

    fn restart(&mut self, key: Key, reason: Option<ExitReason>, now: Duration) {
        if !self.history.allow(now) {
            self.report(ReportKind::ReachedMaxIntensity, key, reason);
            return self.halt(Finish::GaveUp);
        }
        let affected: Vec<&Child> = match self.strategy {
            Strategy::OneForOne => self.children.get(key).into_iter().collect(),
            Strategy::OneForAll => self.children.iter().collect(),
            Strategy::RestForOne => self.children.from(key).collect(),
        };
        let alive = affected.iter().rev().filter(|child| child.phase.alive());
        let stops: VecDeque<Key> = alive.map(|child| child.key).collect();
        // A temporary child that is stopped for a sibling does not come back.
        let back = affected.iter().filter(|child| !child.temporary());
        let starts = back.map(|child| child.key).collect();
        self.run = Some(Run { stops, starts, purpose: Purpose::Restart });
    }
}
