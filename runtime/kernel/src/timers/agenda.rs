//! What of all timers is to be run now: no clock, no store, nothing that waits.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use oxbeam_protocol::Id;
use oxbeam_store::Timer;

use super::plan::Plan;

/// Runs at the same time, of all clients and of one: no client's runs keep out those of others.
const MAX_RUNS: usize = 64;
const MAX_RUNS_OF_CLIENT: usize = 16;
/// How often a run is tried that may be given up, before it counts as failed.
const MAX_TRIES: u32 = 8;
/// Wait before the second try; it doubles with each, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// A run that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Of which timer.
    pub(super) id: Id,
    /// What is to be recorded before it is made.
    pub(super) plan: Plan,
}

/// Why a run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The node could not take it just now, or not bring it to its end.
    Node,
    /// A part of the node crashed that made it.
    Crash,
    /// What it asks for fails.
    Request,
}

/// All timers of the node, without what they run.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    tasks: HashMap<Id, Task>,
    /// Timers that do not run just now, by when they are due.
    due: BTreeSet<(u64, Id)>,
    clients: HashMap<String, Client>,
    running: usize,
}

#[derive(Debug)]
struct Task {
    plan: Plan,
    client: String,
    state: State,
    tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It stands in `due` at this time.
    Waits(u64),
    Runs,
    /// It has no time to come.
    Over,
}

/// Who has timers here.
#[derive(Debug, Default)]
struct Client {
    tasks: usize,
    running: usize,
}

/// Whose limits a timer counts against: the first of its owners. All that nobody signed is one.
fn client(owners: &[String]) -> &str {
    owners.first().map_or("", String::as_str)
}

impl Agenda {
    /// How many timers there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// How many of them count against the limits of these owners.
    pub(super) fn len_of(&self, owners: &[String]) -> usize {
        self.clients.get(client(owners)).map_or(0, |client| client.tasks)
    }

    /// How many of them make a run just now.
    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// When the first of those that wait is due, be it in the past.
    pub(super) fn first_due(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(super) fn contains(&self, id: &Id) -> bool {
        self.tasks.contains_key(id)
    }

    /// Takes up a timer that does not run just now, in place of one of the same id. Answers with what
    /// is to be recorded, if its record says something else.
    pub(super) fn insert(&mut self, timer: &Timer, now: u64) -> Option<Plan> {
        self.remove(&timer.id);
        let plan = Plan::of(timer).resumed(now);
        let client = client(&timer.owners).to_owned();
        self.clients.entry(client.clone()).or_default().tasks += 1;
        self.tasks.insert(timer.id, Task { plan, client, state: State::Over, tries: 0 });
        self.wait(timer.id, plan.due());
        Some(plan).filter(|plan| *plan != Plan::of(timer))
    }

    /// Forgets a timer, also if it runs. Answers whether there was one.
    pub(super) fn remove(&mut self, id: &Id) -> bool {
        self.stop_running(id);
        let Some(task) = self.tasks.remove(id) else { return false };
        if let State::Waits(at) = task.state {
            self.due.remove(&(at, *id));
        }
        if let Some(client) = self.clients.get_mut(&task.client) {
            client.tasks = client.tasks.saturating_sub(1);
            if client.tasks == 0 {
                self.clients.remove(&task.client);
            }
        }
        true
    }

    /// The runs that begin now, the longest due first. They are running from here on.
    pub(super) fn step(&mut self, now: u64) -> Vec<Run> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<Id> = due.map(|(_, id)| *id).collect();
        due.into_iter().filter_map(|id| self.begin(id, now)).collect()
    }

    fn begin(&mut self, id: Id, now: u64) -> Option<Run> {
        let task = self.tasks.get_mut(&id)?;
        let client = self.clients.get_mut(&task.client)?;
        if self.running >= MAX_RUNS || client.running >= MAX_RUNS_OF_CLIENT {
            return None;
        }
        let State::Waits(at) = task.state else { return None };
        let plan = task.plan.begin(now)?;
        task.plan = plan;
        task.state = State::Runs;
        self.due.remove(&(at, id));
        client.running += 1;
        self.running += 1;
        Some(Run { id, plan })
    }

    /// A run is over. Answers with what is to be recorded; a timer without a time to come has run for
    /// the last time, and is forgotten.
    pub(super) fn ended(&mut self, id: Id, now: u64) -> Option<Plan> {
        self.stop_running(&id);
        let task = self.tasks.get_mut(&id)?;
        task.plan = task.plan.ended(now);
        task.tries = 0;
        let plan = task.plan;
        match plan.due() {
            None => drop(self.remove(&id)),
            due => self.wait(id, due),
        }
        Some(plan)
    }

    /// A run could not be made: it is tried again later.
    pub(super) fn put_off(&mut self, id: Id, now: u64) {
        self.stop_running(&id);
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let pause = FIRST.saturating_mul(1 << task.tries.min(16)).min(LONGEST);
        task.tries = task.tries.saturating_add(1);
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.wait(id, Some(now.saturating_add(pause)));
    }

    /// Whether a run that failed is made again. The only one of a timer is, until the node can make it:
    /// else what it was to send would never be sent. What crashes may do so each time.
    pub(super) fn tries_again(&self, id: &Id, by: Fault) -> bool {
        let Some(task) = self.tasks.get(id) else { return false };
        let (only, left) = (task.plan.next.is_none(), task.tries.saturating_add(1) < MAX_TRIES);
        match by {
            Fault::Node => only || left,
            Fault::Crash => only && left,
            Fault::Request => false,
        }
    }

    /// When the next run is due. Runs that are due already wait for one to end.
    pub(super) fn next(&self, now: u64) -> Option<u64> {
        let behind = self.due.range((now.saturating_add(1), Id::from([0; 32]))..);
        behind.map(|(at, _)| *at).next()
    }

    fn wait(&mut self, id: Id, until: Option<u64>) {
        if let (Some(task), Some(until)) = (self.tasks.get_mut(&id), until) {
            task.state = State::Waits(until);
            self.due.insert((until, id));
        }
    }

    fn stop_running(&mut self, id: &Id) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        if task.state != State::Runs {
            return;
        }
        task.state = State::Over;
        self.running = self.running.saturating_sub(1);
        if let Some(client) = self.clients.get_mut(&task.client) {
            client.running = client.running.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
