//! OTP's rules written a second time, as its own supervisor is written: one call after another,
//! each waiting for what it started or stopped. The machine must do the same without waiting.
//!
//! Follows `supervisor.erl`; knows nothing of the machine but its vocabulary.

use std::collections::{HashMap, VecDeque};

use crate::{
    exit::ExitReason,
    spec::Restart,
    supervisor::{AutoShutdown, Intensity, Strategy},
};

/// What the world answers to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Runs,
    Fails,
    Ignores,
}

/// What is done to the world, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Start(String),
    Stop(String),
    Exit,
    Reply(&'static str),
}

impl Deed {
    /// As seen from the supervisor above.
    pub(super) fn under(self, id: &str) -> Option<Self> {
        match self {
            Self::Start(below) => Some(Self::Start(format!("{id}/{below}"))),
            Self::Stop(below) => Some(Self::Stop(format!("{id}/{below}"))),
            Self::Exit | Self::Reply(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) id: String,
    pub(super) restart: Restart,
    pub(super) significant: bool,
}

/// A child's `pid` field in OTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pid {
    Undefined,
    Alive,
    Restarting,
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) strategy: Strategy,
    pub(super) intensity: Intensity,
    pub(super) auto: AutoShutdown,
    pub(super) children: Vec<(Spec, Pid)>,
    pub(super) outcomes: HashMap<String, VecDeque<Outcome>>,
    pub(super) restarts: Vec<std::time::Duration>,
    pub(super) deeds: Vec<Deed>,
    pub(super) over: bool,
    /// Which children are supervisors, as they are before they start.
    pub(super) subs: HashMap<String, Model>,
    /// Those that run.
    pub(super) running: HashMap<String, Model>,
}

type Now = std::time::Duration;

impl Model {
    fn start_actor(&mut self, id: &str) -> Outcome {
        self.deeds.push(Deed::Start(id.to_owned()));
        if let Some(mut sub) = self.subs.get(id).cloned() {
            sub.init();
            self.adopt(id, &mut sub);
            let over = sub.over;
            self.running.insert(id.to_owned(), sub);
            return if over { Outcome::Fails } else { Outcome::Runs };
        }
        let script = self.outcomes.entry(id.to_owned()).or_default();
        script.pop_front().unwrap_or(Outcome::Runs)
    }

    /// What was done below a child was done here, under its name.
    fn adopt(&mut self, id: &str, sub: &mut Model) {
        self.deeds.extend(sub.deeds.drain(..).filter_map(|deed| deed.under(id)));
    }

    fn at(&self, id: &str) -> Option<usize> {
        self.children.iter().position(|(spec, _)| spec.id == id)
    }

    fn set(&mut self, id: &str, pid: Pid) {
        if let Some(at) = self.at(id) {
            self.children[at].1 = pid;
        }
    }

    fn forget(&mut self, id: &str) {
        self.children.retain(|(spec, _)| spec.id != id);
    }

    /// `del_child`: a temporary one is forgotten, another keeps its spec.
    fn del_child(&mut self, id: &str) {
        match self.at(id).map(|at| self.children[at].0.restart) {
            Some(Restart::Temporary) => self.forget(id),
            _ => self.set(id, Pid::Undefined),
        }
    }

    fn is_temporary(&self, id: &str) -> bool {
        self.at(id).is_some_and(|at| self.children[at].0.restart == Restart::Temporary)
    }

    /// Starts the given children in order, until one fails.
    fn start_children(&mut self, ids: &[String]) -> Result<(), String> {
        for id in ids {
            match self.start_actor(id) {
                Outcome::Runs => self.set(id, Pid::Alive),
                Outcome::Ignores if self.is_temporary(id) => self.forget(id),
                Outcome::Ignores => self.set(id, Pid::Undefined),
                Outcome::Fails => return Err(id.clone()),
            }
        }
        Ok(())
    }

    /// Stops the given children from right to left; temporary ones are forgotten.
    fn terminate_children(&mut self, ids: &[String]) {
        for id in ids.iter().rev() {
            let Some(at) = self.at(id) else { continue };
            if self.children[at].1 == Pid::Alive {
                self.deeds.push(Deed::Stop(id.clone()));
                if let Some(mut sub) = self.running.remove(id) {
                    sub.shutdown();
                    self.adopt(id, &mut sub);
                }
            }
            self.del_child(id);
        }
    }

    fn ids(&self) -> Vec<String> {
        self.children.iter().map(|(spec, _)| spec.id.clone()).collect()
    }

    pub(super) fn init(&mut self) {
        let ids = self.ids();
        if let Err(failed) = self.start_children(&ids) {
            self.set(&failed, Pid::Undefined);
            self.terminate();
        }
    }

    fn terminate(&mut self) {
        let ids = self.ids();
        self.terminate_children(&ids);
        self.deeds.push(Deed::Exit);
        self.over = true;
    }

    /// `handle_info({'EXIT', …})`: a child that runs has ended by itself.
    pub(super) fn exit(&mut self, id: &str, reason: &ExitReason, now: Now) {
        let Some(at) = self.at(id) else { return };
        let (spec, _) = self.children[at].clone();
        let restarts = match spec.restart {
            Restart::Permanent => true,
            Restart::Transient => !matches!(
                reason,
                ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownWith(_)
            ),
            Restart::Temporary => false,
        };
        self.set(id, Pid::Undefined);
        if restarts {
            return self.restart(id, now);
        }
        self.del_child(id);
        if spec.significant {
            let none_left =
                !self.children.iter().any(|(s, pid)| s.significant && *pid != Pid::Undefined);
            let shuts_down = match self.auto {
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => none_left,
            };
            if shuts_down {
                self.terminate();
            }
        }
    }

    /// The child at the end of the path ends by itself. If that is too much for its supervisor,
    /// this one ends, too, with `Shutdown`.
    pub(super) fn exit_below(&mut self, path: &[String], reason: &ExitReason, now: Now) {
        let Some((id, below)) = path.split_first() else { return };
        if below.is_empty() {
            self.running.remove(id);
            return self.exit(id, reason, now);
        }
        let Some(mut sub) = self.running.remove(id) else { return };
        sub.exit_below(below, reason, now);
        self.adopt(id, &mut sub);
        if sub.over {
            self.exit(id, &ExitReason::Shutdown, now);
        } else {
            self.running.insert(id.clone(), sub);
        }
    }

    /// The living child that the numbers lead to, one for each level.
    pub(super) fn pick(&self, numbers: &[usize]) -> Option<Vec<String>> {
        let (number, below) = numbers.split_first()?;
        let alive: Vec<_> = self
            .children
            .iter()
            .filter(|(_, pid)| *pid == Pid::Alive)
            .map(|(s, _)| &s.id)
            .collect();
        let id = alive.get(number % alive.len().max(1))?;
        let deeper = self.running.get(*id).and_then(|sub| sub.pick(below));
        Some(std::iter::once((*id).clone()).chain(deeper.unwrap_or_default()).collect())
    }

    /// `add_restart` and `restart`, with every `try_again` that follows from it.
    fn restart(&mut self, id: &str, now: Now) {
        let mut id = id.to_owned();
        loop {
            self.restarts.push(now);
            let period = self.intensity.period;
            self.restarts.retain(|at| now - *at <= period);
            if self.restarts.len() > self.intensity.restarts as usize {
                self.set(&id, Pid::Undefined);
                return self.terminate();
            }
            let at = self.at(&id).unwrap();
            let all = self.ids();
            let affected = match self.strategy {
                Strategy::OneForOne => all[at..=at].to_vec(),
                Strategy::OneForAll => all,
                Strategy::RestForOne => all[at..].to_vec(),
            };
            self.terminate_children(&affected);
            let left: Vec<String> =
                affected.into_iter().filter(|id| self.at(id).is_some()).collect();
            match self.start_children(&left) {
                Ok(()) => return,
                Err(failed) => {
                    self.set(&failed, Pid::Restarting);
                    id = failed;
                }
            }
        }
    }

    pub(super) fn start_child(&mut self, spec: Spec) {
        let reply = match self.at(&spec.id).map(|at| self.children[at].1) {
            Some(Pid::Undefined) => "already present",
            Some(_) => "already started",
            None => {
                let id = spec.id.clone();
                self.children.push((spec, Pid::Undefined));
                match self.start_children(std::slice::from_ref(&id)) {
                    Ok(()) => "ok",
                    Err(_) => {
                        self.forget(&id);
                        "start failed"
                    }
                }
            }
        };
        self.deeds.push(Deed::Reply(reply));
    }

    pub(super) fn restart_child(&mut self, id: &str) {
        let reply = match self.at(id).map(|at| self.children[at].1) {
            None => "not found",
            Some(Pid::Alive) => "running",
            Some(Pid::Restarting) => "restarting",
            Some(Pid::Undefined) => match self.start_children(&[id.to_owned()]) {
                Ok(()) => "ok",
                Err(_) => "start failed",
            },
        };
        self.deeds.push(Deed::Reply(reply));
    }

    pub(super) fn terminate_child(&mut self, id: &str) {
        let known = self.at(id).is_some();
        self.terminate_children(&[id.to_owned()]);
        self.deeds.push(Deed::Reply(if known { "ok" } else { "not found" }));
    }

    pub(super) fn delete_child(&mut self, id: &str) {
        let reply = match self.at(id).map(|at| self.children[at].1) {
            None => "not found",
            Some(Pid::Alive) => "running",
            Some(Pid::Restarting) => "restarting",
            Some(Pid::Undefined) => {
                self.forget(id);
                "ok"
            }
        };
        self.deeds.push(Deed::Reply(reply));
    }

    pub(super) fn shutdown(&mut self) {
        self.terminate();
    }
}
