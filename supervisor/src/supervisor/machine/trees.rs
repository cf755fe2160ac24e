//! Trees of machines do what trees of models do: strategies nested in each other, failures that
//! escalate, supervisors that are killed.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};

use super::{
    Action, Event, Finish, Key, Machine, Phase,
    model::{Deed, Model, Outcome, Pid},
    properties::{model, policy, reason},
};
use crate::exit::ExitReason;

/// A supervisor in a world that answers at once, with the supervisors below it.
struct Node {
    machine: Machine,
    ids: HashMap<Key, String>,
    outcomes: HashMap<String, VecDeque<Outcome>>,
    subs: HashMap<String, Model>,
    running: HashMap<String, Node>,
    deeds: Vec<Deed>,
    finish: Option<Finish>,
}

impl Node {
    fn new(of: &Model) -> Self {
        let mut machine = Machine::new(of.strategy, of.intensity, of.auto);
        let ids = of.children.iter().map(|(spec, _)| (machine.add(policy(spec)), spec.id.clone()));
        Self {
            ids: ids.collect(),
            machine,
            outcomes: of.outcomes.clone(),
            subs: of.subs.clone(),
            running: HashMap::new(),
            deeds: Vec::new(),
            finish: None,
        }
    }

    fn feed(&mut self, event: Event, now: Duration) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.machine.step(event, now) {
                events.extend(self.perform(action, now));
            }
        }
    }

    fn perform(&mut self, action: Action, now: Duration) -> Option<Event> {
        match action {
            Action::Start(key) => {
                let id = self.ids[&key].clone();
                self.deeds.push(Deed::Start(id.clone()));
                Some(self.start(key, &id, now))
            }
            Action::Stop(key) => {
                let id = self.ids[&key].clone();
                self.deeds.push(Deed::Stop(id.clone()));
                if let Some(mut sub) = self.running.remove(&id) {
                    sub.feed(Event::Halt(ExitReason::Shutdown), now);
                    assert!(sub.finish.is_some(), "it ends when it is asked to");
                    self.adopt(&id, &mut sub);
                }
                Some(Event::Exited(key, ExitReason::Shutdown))
            }
            Action::TryAgain(key) => Some(Event::TryAgain(key)),
            Action::Finish(finish) => {
                self.deeds.push(Deed::Exit);
                self.finish = Some(finish);
                None
            }
            _ => None,
        }
    }

    fn start(&mut self, key: Key, id: &str, now: Duration) -> Event {
        if let Some(sub) = self.subs.get(id) {
            let mut sub = Self::new(sub);
            sub.feed(Event::Boot, now);
            self.adopt(id, &mut sub);
            if let Some(finish) = sub.finish {
                return Event::StartFailed(key, finish.reason());
            }
            self.running.insert(id.to_owned(), sub);
            return Event::Started(key);
        }
        match self.outcomes.entry(id.to_owned()).or_default().pop_front() {
            None | Some(Outcome::Runs) => Event::Started(key),
            Some(Outcome::Ignores) => Event::Ignored(key),
            Some(Outcome::Fails) => Event::StartFailed(key, ExitReason::Killed),
        }
    }

    fn adopt(&mut self, id: &str, sub: &mut Self) {
        self.deeds.extend(sub.deeds.drain(..).filter_map(|deed| deed.under(id)));
    }

    fn exit_below(&mut self, path: &[String], reason: &ExitReason, now: Duration) {
        let Some((id, below)) = path.split_first() else { return };
        let key = self.machine.children().find(id).unwrap().key;
        if below.is_empty() {
            self.running.remove(id);
            return self.feed(Event::Exited(key, reason.clone()), now);
        }
        let mut sub = self.running.remove(id).unwrap();
        sub.exit_below(below, reason, now);
        self.adopt(id, &mut sub);
        match &sub.finish {
            Some(finish) => self.feed(Event::Exited(key, finish.reason()), now),
            None => drop(self.running.insert(id.clone(), sub)),
        }
    }

    /// What runs here is what the model says, on every level.
    fn agrees(&self, model: &Model) -> bool {
        let runs = |id: &str| {
            self.machine.children().find(id).is_some_and(|child| child.phase == Phase::Running)
        };
        model.children.iter().all(|(spec, pid)| runs(&spec.id) == (*pid == Pid::Alive))
            && self.running.len() == model.running.values().filter(|sub| !sub.over).count()
            && self.running.iter().all(|(id, sub)| sub.agrees(&model.running[id]))
    }
}

/// A supervisor of which some children are supervisors, three levels deep.
fn tree() -> impl Strategy<Value = Model> {
    let two = (model(), vec((0usize..6, model()), 0..3)).prop_map(grow);
    (model(), vec((0usize..6, two), 0..4)).prop_map(grow)
}

/// Puts supervisors in the place of workers.
fn grow((mut root, subs): (Model, Vec<(usize, Model)>)) -> Model {
    for (at, sub) in subs {
        if let Some((spec, _)) = root.children.get(at) {
            root.subs.insert(spec.id.clone(), sub);
        }
    }
    root
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_tree_of_machines_does_what_a_tree_of_models_does(
        mut model in tree(),
        story in vec((vec(0usize..6, 1..4), reason(), 0u64..3_000), 0..24),
    ) {
        let mut node = Node::new(&model);
        let mut now = Duration::ZERO;
        model.init();
        node.feed(Event::Boot, now);
        for (numbers, reason, millis) in story {
            prop_assert_eq!(&node.deeds, &model.deeds);
            prop_assert!(model.over || node.agrees(&model));
            now += Duration::from_millis(millis);
            let Some(path) = model.pick(&numbers).filter(|_| !model.over) else { break };
            model.exit_below(&path, &reason, now);
            node.exit_below(&path, &reason, now);
        }
        prop_assert_eq!(&node.deeds, &model.deeds);
        prop_assert_eq!(node.finish.is_some(), model.over);
    }
}
