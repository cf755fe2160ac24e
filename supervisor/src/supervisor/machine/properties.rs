//! The machine does what the model does, whatever happens and in whatever order news arrive.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Action, CallId, Command, Event, Key, Machine, Phase, Policy, Reply, SupervisorError,
    model::{Deed, Model, Outcome, Pid, Spec},
};
use crate::{
    exit::ExitReason,
    spec::{Restart, Shutdown},
    supervisor::{AutoShutdown, Intensity, Strategy as Restarts},
};

/// Something that happens to a supervisor.
#[derive(Debug, Clone)]
enum Happens {
    Exit(String, ExitReason),
    Start(Spec),
    Restart(String),
    Terminate(String),
    Delete(String),
    Shutdown,
}

/// The machine in a world that answers at once, by a script.
struct World {
    machine: Machine,
    ids: HashMap<Key, String>,
    outcomes: HashMap<String, VecDeque<Outcome>>,
    deeds: Vec<Deed>,
    calls: u64,
}

pub(super) fn policy(spec: &Spec) -> Policy {
    Policy {
        id: spec.id.as_str().into(),
        restart: spec.restart,
        shutdown: Shutdown::Within(Duration::from_secs(5)),
        start_limit: Some(Duration::from_secs(2)),
        significant: spec.significant,
    }
}

fn word(reply: &Reply) -> &'static str {
    match reply {
        Ok(_) => "ok",
        Err(SupervisorError::AlreadyPresent) => "already present",
        Err(SupervisorError::AlreadyStarted) => "already started",
        Err(SupervisorError::NotFound) => "not found",
        Err(SupervisorError::Running) => "running",
        Err(SupervisorError::Restarting) => "restarting",
        Err(SupervisorError::StartFailed(_)) => "start failed",
        Err(_) => "another error",
    }
}

impl World {
    /// Feeds an event, then every answer of the world, until nothing more follows.
    fn feed(&mut self, event: Event, now: Duration) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.machine.step(event, now) {
                events.extend(self.perform(action));
            }
            self.check();
        }
    }

    fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Start(key) => {
                let id = self.ids[&key].clone();
                self.deeds.push(Deed::Start(id.clone()));
                let outcome = self.outcomes.entry(id).or_default().pop_front();
                Some(match outcome.unwrap_or(Outcome::Runs) {
                    Outcome::Runs => Event::Started(key),
                    Outcome::Ignores => Event::Ignored(key),
                    Outcome::Fails => Event::StartFailed(key, ExitReason::Killed),
                })
            }
            Action::Stop(key) => {
                self.deeds.push(Deed::Stop(self.ids[&key].clone()));
                Some(Event::Exited(key, ExitReason::Shutdown))
            }
            Action::TryAgain(key) => Some(Event::TryAgain(key)),
            Action::Reply(_, reply) => {
                self.deeds.push(Deed::Reply(word(&reply)));
                None
            }
            Action::Finish(_) => {
                self.deeds.push(Deed::Exit);
                None
            }
            _ => None,
        }
    }

    /// What must hold at every moment.
    fn check(&self) {
        let children: Vec<_> = self.machine.children().iter().collect();
        let starting = |child: &&&super::Child| matches!(child.phase, Phase::Starting { .. });
        let stopping = |child: &&&super::Child| matches!(child.phase, Phase::Stopping { .. });
        assert!(children.iter().filter(starting).count() <= 1, "one start at a time");
        // A shutdown does not wait for the stop that was under way.
        let stops = 1 + usize::from(self.machine.halting());
        assert!(children.iter().filter(stopping).count() <= stops, "one stop at a time");
        for (at, child) in children.iter().enumerate() {
            let twin = |other: &super::Child| other.policy.id == child.policy.id;
            assert!(!children[..at].iter().any(|other| twin(other)), "one child an id");
        }
    }

    fn key(&self, id: &str) -> Option<Key> {
        self.machine.children().find(id).map(|child| child.key)
    }

    fn call(&mut self, command: Command) -> Event {
        self.calls += 1;
        Event::Call(CallId(self.calls), command)
    }

    fn event(&mut self, happens: &Happens) -> Option<Event> {
        Some(match happens {
            Happens::Exit(id, reason) => Event::Exited(self.key(id)?, reason.clone()),
            Happens::Start(spec) => {
                let key = self.machine.next_key();
                self.ids.insert(key, spec.id.clone());
                self.call(Command::Start(key, policy(spec)))
            }
            Happens::Restart(id) => self.call(Command::Restart(id.as_str().into())),
            Happens::Terminate(id) => self.call(Command::Terminate(id.as_str().into())),
            Happens::Delete(id) => self.call(Command::Delete(id.as_str().into())),
            Happens::Shutdown => Event::Halt(ExitReason::Shutdown),
        })
    }
}

fn happen(model: &mut Model, happens: &Happens, now: Duration) {
    match happens {
        Happens::Exit(id, reason) => model.exit(id, reason, now),
        Happens::Start(spec) => model.start_child(spec.clone()),
        Happens::Restart(id) => model.restart_child(id),
        Happens::Terminate(id) => model.terminate_child(id),
        Happens::Delete(id) => model.delete_child(id),
        Happens::Shutdown => model.shutdown(),
    }
}

fn pid(model: &Model, id: &str) -> Option<Pid> {
    model.children.iter().find(|(spec, _)| spec.id == id).map(|(_, pid)| *pid)
}

const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

prop_compose! {
    fn spec(id: &'static str)(
        restart in select(vec![Restart::Permanent, Restart::Transient, Restart::Temporary]),
        significant: bool,
    ) -> Spec {
        Spec { id: id.to_owned(), restart, significant: significant && restart != Restart::Permanent }
    }
}

fn id() -> impl Strategy<Value = String> {
    select(IDS.to_vec()).prop_map(ToOwned::to_owned)
}

pub(super) fn reason() -> impl Strategy<Value = ExitReason> {
    select(vec![
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::ShutdownWith("words".into()),
        ExitReason::Killed,
        ExitReason::Failed("words".into()),
    ])
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        8 => (id(), reason()).prop_map(|(id, reason)| Happens::Exit(id, reason)),
        2 => select(IDS.to_vec()).prop_flat_map(spec).prop_map(Happens::Start),
        2 => id().prop_map(Happens::Restart),
        2 => id().prop_map(Happens::Terminate),
        1 => id().prop_map(Happens::Delete),
        1 => Just(Happens::Shutdown),
    ]
}

fn outcomes() -> impl Strategy<Value = VecDeque<Outcome>> {
    let outcome = select(vec![Outcome::Runs, Outcome::Runs, Outcome::Fails, Outcome::Ignores]);
    vec(outcome, 0..6).prop_map(VecDeque::from)
}

prop_compose! {
    pub(super) fn model()(
        strategy in select(vec![Restarts::OneForOne, Restarts::OneForAll, Restarts::RestForOne]),
        auto in select(vec![
            AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant,
        ]),
        restarts in 0u32..6,
        children in IDS.map(spec),
        count in 0usize..=IDS.len(),
        scripts in vec(outcomes(), IDS.len()),
        clean_boot in prop::bool::weighted(0.8),
    ) -> Model {
        let mut outcomes: HashMap<String, VecDeque<Outcome>> =
            IDS.iter().map(|id| (*id).to_owned()).zip(scripts).collect();
        if clean_boot {
            outcomes.values_mut().for_each(|script| script.push_front(Outcome::Runs));
        }
        Model {
            strategy,
            intensity: Intensity { restarts, period: Duration::from_secs(5) },
            auto,
            children: children.into_iter().take(count).map(|spec| (spec, Pid::Undefined)).collect(),
            outcomes,
            restarts: Vec::new(),
            deeds: Vec::new(),
            over: false,
            subs: HashMap::new(),
            running: HashMap::new(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_does_what_the_model_does(
        mut model in model(),
        story in vec((happens(), 0u64..3_000), 0..24),
    ) {
        let mut machine = Machine::new(model.strategy, model.intensity, model.auto);
        let ids = model.children.iter().map(|(spec, _)| (machine.add(policy(spec)), spec.id.clone()));
        let ids = ids.collect();
        let outcomes = model.outcomes.clone();
        let mut world = World { machine, ids, outcomes, deeds: Vec::new(), calls: 0 };

        let mut now = Duration::ZERO;
        model.init();
        world.feed(Event::Boot, now);
        for (happens, millis) in story {
            prop_assert_eq!(&world.deeds, &model.deeds);
            if model.over {
                break;
            }
            now += Duration::from_millis(millis);
            // Only what runs can end.
            if let Happens::Exit(id, _) = &happens && pid(&model, id) != Some(Pid::Alive) {
                continue;
            }
            happen(&mut model, &happens, now);
            if let Some(event) = world.event(&happens) {
                world.feed(event, now);
            }
        }
        prop_assert_eq!(&world.deeds, &model.deeds);
        if !model.over {
            for (spec, pid) in &model.children {
                let key = world.key(&spec.id).unwrap();
                let child = world.machine.children().get(key).unwrap();
                prop_assert_eq!(child.phase == Phase::Running, *pid == Pid::Alive);
            }
            prop_assert_eq!(world.machine.children().iter().count(), model.children.len());
        }
    }
}

/// A world that takes its time: what it owes the machine comes later, in any order.
struct SlowWorld {
    world: World,
    owed: Vec<Event>,
    alive: HashSet<Key>,
    answered: HashMap<u64, u32>,
    finished: u32,
}

impl SlowWorld {
    fn feed(&mut self, event: Event, now: Duration) {
        for action in self.world.machine.step(event, now) {
            match &action {
                Action::Start(key) => drop(self.alive.insert(*key)),
                Action::Kill(key) => self.owed.push(Event::Exited(*key, ExitReason::Killed)),
                Action::Abandon(key) => drop(self.alive.remove(key)),
                Action::Reply(CallId(call), _) => *self.answered.entry(*call).or_default() += 1,
                Action::Finish(_) => self.finished += 1,
                _ => {}
            }
            self.owed.extend(self.world.perform(action));
            self.world.check();
        }
    }

    /// Pays one debt, unless its actor is gone by now.
    fn pay(&mut self, at: usize, now: Duration) {
        if self.owed.is_empty() {
            return;
        }
        let event = self.owed.remove(at % self.owed.len());
        match &event {
            Event::Exited(key, _) | Event::StartFailed(key, _) | Event::Ignored(key)
                if !self.alive.remove(key) =>
            {
                return;
            }
            Event::Started(key) if !self.alive.contains(key) => return,
            _ => {}
        }
        self.feed(event, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_of_news_every_call_is_answered_once_and_a_shutdown_leaves_nothing_running(
        model in model(),
        story in vec((happens(), 0u64..3_000, vec(0usize..64, 0..4), any::<bool>()), 0..24),
    ) {
        let mut machine = Machine::new(model.strategy, model.intensity, model.auto);
        let ids = model.children.iter().map(|(spec, _)| (machine.add(policy(spec)), spec.id.clone()));
        let ids = ids.collect();
        let world =
            World { machine, ids, outcomes: model.outcomes.clone(), deeds: Vec::new(), calls: 0 };
        let mut slow = SlowWorld {
            world,
            owed: Vec::new(),
            alive: HashSet::new(),
            answered: HashMap::new(),
            finished: 0,
        };
        let mut now = Duration::ZERO;
        slow.feed(Event::Boot, now);
        for (happens, millis, debts, tick) in story {
            now += Duration::from_millis(millis);
            let event = slow.world.event(&happens);
            if let Some(Event::Exited(key, reason)) = event {
                // It ends by itself, unless it has ended or was never started.
                let owes_start = slow.owed.iter().any(|owed| matches!(owed, Event::Started(k) if *k == key));
                if !owes_start && slow.alive.remove(&key) {
                    slow.feed(Event::Exited(key, reason), now);
                }
            } else if let Some(event) = event {
                slow.feed(event, now);
            }
            for debt in debts {
                slow.pay(debt, now);
            }
            if tick {
                slow.feed(Event::Tick, now);
            }
        }
        slow.feed(Event::Halt(ExitReason::Shutdown), now);
        for _ in 0..1_000 {
            now += Duration::from_secs(1);
            slow.pay(0, now);
            slow.feed(Event::Tick, now);
        }
        prop_assert_eq!(slow.finished, 1);
        prop_assert!(slow.world.machine.children().iter().all(|child| child.phase == Phase::Stopped));
        for call in 1..=slow.world.calls {
            prop_assert_eq!(slow.answered.get(&call), Some(&1), "call {}", call);
        }
    }
}
