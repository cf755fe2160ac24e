//! OTP's rules as a pure state machine: no clock, no actor, no I/O.
//!
//! One run at a time: children are stopped one by one, then others started one by one. What happens
//! meanwhile waits in a backlog, in order, except what needs no run (news of the children that the
//! run waits for) and what overrides it (a shutdown).
//!
//! ```text
//! Boot ──▶ starts ──▶ Ready            a start fails ──▶ stops ──▶ Finish
//! Exited ──▶ [stops] ──▶ starts        a start fails ──▶ TryAgain, counted like a restart
//! Halt ──▶ stops ──▶ Finish            also when there are too many restarts
//! ```

mod child;
mod children;
mod command;
mod lives;
#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
mod restart;
mod run;
#[cfg(test)]
mod trees;

use std::{collections::VecDeque, time::Duration};

pub(super) use child::{Child, Death, Key, Phase, Policy};
pub(super) use children::Children;
pub(super) use command::{CallId, Command, Reply};
use run::{Purpose, Run};

use super::{
    AutoShutdown, Finish, Intensity, Report, ReportKind, Strategy, SupervisorError,
    intensity::History,
};
use crate::exit::ExitReason;

/// Calls that may wait while a run is under way.
const CALLS: usize = 64;

/// What happens to a supervisor.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// It begins.
    Boot,
    /// News of a child.
    Started(Key),
    Ignored(Key),
    StartFailed(Key, ExitReason),
    Exited(Key, ExitReason),
    /// The time for another try has come.
    TryAgain(Key),
    Call(CallId, Command),
    /// It is asked to end.
    Halt(ExitReason),
    /// A deadline may have passed.
    Tick,
}

/// What a supervisor does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// Start the child, with a fresh state.
    Start(Key),
    /// Ask the child to end.
    Stop(Key),
    Kill(Key),
    /// The child does not react: kill it and expect nothing more of it.
    Abandon(Key),
    /// The child does not come back by itself: free what it holds.
    Discard(Key),
    /// Drop the spec.
    Forget(Key),
    /// Feed `TryAgain` back after everything that waits now.
    TryAgain(Key),
    Reply(CallId, Reply),
    Report(Report),
    /// All children run.
    Ready,
    /// Nothing runs any more.
    Finish(Finish),
}

/// What waits for the end of a run.
#[derive(Debug)]
enum Todo {
    Exit(Key, Death),
    TryAgain(Key),
    Call(CallId, Command),
}

/// The state of a supervisor.
#[derive(Debug)]
pub(super) struct Machine {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    history: History,
    children: Children,
    run: Option<Run>,
    /// Bounded: two exits and a try for each child, and `CALLS` calls.
    backlog: VecDeque<Todo>,
    calls_waiting: usize,
    halting: bool,
    next_key: u64,
    deaths: u64,
    actions: Vec<Action>,
}

impl Machine {
    pub(super) fn new(strategy: Strategy, intensity: Intensity, auto: AutoShutdown) -> Self {
        Self {
            strategy,
            auto_shutdown: auto,
            history: History::new(intensity),
            children: Children::default(),
            run: None,
            backlog: VecDeque::new(),
            calls_waiting: 0,
            halting: false,
            next_key: 0,
            deaths: 0,
            actions: Vec::new(),
        }
    }

    /// Adds a child that `Boot` will start.
    pub(super) fn add(&mut self, policy: Policy) -> Key {
        let key = self.next_key();
        self.children.add(key, policy);
        key
    }

    pub(super) fn next_key(&mut self) -> Key {
        self.next_key += 1;
        Key(self.next_key)
    }

    pub(super) fn children(&self) -> &Children {
        &self.children
    }

    pub(super) fn auto_shutdown(&self) -> AutoShutdown {
        self.auto_shutdown
    }

    pub(super) fn restarts_left(&mut self, now: Duration) -> u32 {
        self.history.left(now)
    }

    /// Whether it is on its way out.
    pub(super) fn halting(&self) -> bool {
        self.halting
    }

    /// When `Tick` is next needed.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.children.deadline()
    }

    /// One event, and what to do about it, in order.
    pub(super) fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match event {
            Event::Boot if self.halting => {} // it was stopped before it could begin
            Event::Boot => {
                let starts = self.children.iter().map(|child| child.key).collect();
                self.run = Some(Run { stops: VecDeque::new(), starts, purpose: Purpose::Boot });
            }
            Event::Started(key) => self.started(key),
            Event::Ignored(key) => self.ignored(key),
            Event::StartFailed(key, reason) => self.start_failed(key, reason),
            Event::Exited(key, reason) => self.exited(key, reason),
            Event::TryAgain(key) => self.backlog.push_back(Todo::TryAgain(key)),
            Event::Call(id, command) => self.enqueue(id, command),
            Event::Halt(reason) => self.halt(Finish::Asked(reason)),
            Event::Tick => {
                for key in self.children.overdue(now) {
                    self.overdue(key, now);
                }
            }
        }
        self.settle(now);
        std::mem::take(&mut self.actions)
    }

    /// Goes on until something must be waited for. Ends: each round takes something off the
    /// backlog, or ends a run.
    fn settle(&mut self, now: Duration) {
        loop {
            if self.run.is_some() {
                if !self.proceed(now) {
                    return;
                }
                continue;
            }
            match self.backlog.pop_front() {
                _ if self.halting => return,
                Some(Todo::Exit(key, death)) => self.decide(key, death, now),
                Some(Todo::TryAgain(key)) => self.try_again(key, now),
                Some(Todo::Call(id, command)) => {
                    self.calls_waiting -= 1;
                    self.command(id, command);
                }
                None => return,
            }
        }
    }

    /// Stops all children from right to left, refuses every call, and finishes; overrides whatever
    /// is under way.
    fn halt(&mut self, finish: Finish) {
        if self.halting {
            return;
        }
        self.halting = true;
        let waiting = std::mem::take(&mut self.backlog).into_iter().filter_map(|todo| match todo {
            Todo::Call(id, _) => Some(id),
            _ => None,
        });
        let current = self.run.take().and_then(|run| run.purpose.call());
        for call in current.into_iter().chain(waiting).collect::<Vec<_>>() {
            self.reply(call, Err(SupervisorError::ShuttingDown));
        }
        self.calls_waiting = 0;
        let stops = self.children.iter().rev().map(|child| child.key).collect();
        self.run = Some(Run { stops, starts: VecDeque::new(), purpose: Purpose::Halt(finish) });
    }

    fn enqueue(&mut self, id: CallId, command: Command) {
        let refusal = match (self.halting, self.calls_waiting >= CALLS) {
            (true, _) => Some(SupervisorError::ShuttingDown),
            (_, true) => Some(SupervisorError::Busy),
            _ => None,
        };
        if let Some(refusal) = refusal {
            if let Command::Start(key, _) = command {
                self.actions.push(Action::Forget(key));
            }
            return self.reply(id, Err(refusal));
        }
        self.calls_waiting += 1;
        self.backlog.push_back(Todo::Call(id, command));
    }

    /// Drops a child with its spec.
    fn remove(&mut self, key: Key) {
        self.children.remove(key);
        self.actions.push(Action::Discard(key));
        self.actions.push(Action::Forget(key));
    }

    fn reply(&mut self, call: CallId, reply: Reply) {
        self.actions.push(Action::Reply(call, reply));
    }

    fn report(&mut self, kind: ReportKind, key: Key, reason: Option<ExitReason>) {
        if let Some(child) = self.children.get(key) {
            let child = child.policy.id.clone();
            self.actions.push(Action::Report(Report { kind, child, reason }));
        }
    }
}
