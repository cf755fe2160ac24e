use oxbeam_store::CatchUp;
use proptest::prelude::*;

use super::*;

fn timer(number: usize, owner: &str) -> Timer {
    Timer {
        id: id(number),
        request: Default::default(),
        next_run: Some(100),
        interval: Some(10),
        last_run: None,
        runs: 0,
        missed: 0,
        began: None,
        catch_up: CatchUp::All,
        owners: vec![owner.to_owned()],
        failure: None,
    }
}

fn id(number: usize) -> Id {
    Id::of(&number.to_be_bytes())
}

fn begun(runs: &[Run]) -> Vec<(Id, u64)> {
    runs.iter().map(|run| (run.id, run.plan.began.unwrap())).collect()
}

#[test]
fn a_timer_runs_when_it_is_due_and_not_beside_itself() {
    let mut agenda = Agenda::default();
    agenda.insert(&timer(1, "a"), 0);
    assert_eq!(agenda.next(0), Some(100));
    assert!(agenda.step(99).is_empty());
    assert_eq!(begun(&agenda.step(100)), [(id(1), 100)]);
    assert!(agenda.step(125).is_empty(), "it still runs");
    agenda.ended(id(1), 125);
    assert_eq!(begun(&agenda.step(125)), [(id(1), 110)]);
}

#[test]
fn one_client_cannot_keep_out_the_others() {
    let mut agenda = Agenda::default();
    for number in 0..100 {
        agenda.insert(&timer(number, "many"), 0);
    }
    agenda.insert(&timer(100, "one"), 0);
    let runs = begun(&agenda.step(100));
    assert_eq!(runs.len(), MAX_RUNS_OF_CLIENT + 1);
    assert!(runs.contains(&(id(100), 100)));
    assert_eq!(agenda.next(100), None, "the others wait for these, not for a time");

    let ended = *runs.iter().find(|(one, _)| *one != id(100)).unwrap();
    agenda.ended(ended.0, 105);
    assert_eq!(agenda.step(105).len(), 1);
}

#[test]
fn a_timer_that_is_stopped_while_it_runs_leaves_its_place() {
    let mut agenda = Agenda::default();
    for number in 0..100 {
        agenda.insert(&timer(number, "a"), 0);
    }
    for run in agenda.step(100) {
        assert!(agenda.remove(&run.id));
        assert_eq!(agenda.ended(run.id, 101), None);
    }
    assert_eq!(agenda.len(), 100 - MAX_RUNS_OF_CLIENT);
    assert_eq!(agenda.len_of(&["a".to_owned()]), agenda.len());
    assert_eq!(agenda.step(101).len(), MAX_RUNS_OF_CLIENT);
}

#[test]
fn a_run_that_is_put_off_is_the_same_run_later() {
    let mut agenda = Agenda::default();
    agenda.insert(&timer(1, "a"), 0);
    agenda.step(100);
    agenda.put_off(id(1), 100);
    assert!(agenda.step(1099).is_empty());
    assert_eq!(begun(&agenda.step(1100)), [(id(1), 100)]);
    agenda.put_off(id(1), 1100);
    assert_eq!(agenda.next(1100), Some(3100), "it waits longer each time");
}

#[test]
fn the_only_run_is_made_at_last_whatever_the_node_is_busy_with() {
    let mut agenda = Agenda::default();
    agenda.insert(&timer(1, "a"), 0);
    agenda.insert(&Timer { interval: None, ..timer(2, "a") }, 0);
    let mut tries = [[0; 3]; 2];
    let mut now = 100;
    for _ in 0..100 {
        for run in agenda.step(now) {
            let of = &mut tries[usize::from(run.id == id(2))];
            for (count, by) in of.iter_mut().zip([Fault::Node, Fault::Crash, Fault::Request]) {
                *count += u32::from(agenda.tries_again(&run.id, by));
            }
            agenda.put_off(run.id, now);
        }
        now += 60_000;
    }
    assert_eq!(tries, [[MAX_TRIES - 1, 0, 0], [100, MAX_TRIES - 1, 0]]);
}

#[test]
fn what_runs_once_is_forgotten_behind_its_run() {
    let mut agenda = Agenda::default();
    agenda.insert(&Timer { interval: None, ..timer(1, "a") }, 0);
    assert_eq!(agenda.step(500).len(), 1);
    assert_eq!(agenda.ended(id(1), 500).unwrap().due(), None);
    assert_eq!((agenda.len(), agenda.len_of(&["a".to_owned()])), (0, 0));
}

/// What may happen to an agenda.
#[derive(Debug, Clone)]
enum Event {
    Later(u64),
    End(usize),
    PutOff(usize),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..35_u64).prop_map(Event::Later),
        4 => any::<usize>().prop_map(Event::End),
        1 => any::<usize>().prop_map(Event::PutOff),
        1 => Just(Event::Restart),
    ]
}

fn policy() -> impl Strategy<Value = CatchUp> {
    prop_oneof![Just(CatchUp::Skip), Just(CatchUp::Once), Just(CatchUp::All)]
}

/// Timers, some of which run, with the records that they would have.
#[derive(Default)]
struct Model {
    agenda: Agenda,
    records: Vec<Timer>,
    running: Vec<usize>,
    now: u64,
    /// When the runs of each were due that have ended.
    ended: Vec<Vec<u64>>,
}

impl Model {
    fn new(policies: Vec<CatchUp>) -> Self {
        let mut model = Self { ended: vec![Vec::new(); policies.len()], ..Self::default() };
        for (number, catch_up) in policies.into_iter().enumerate() {
            let timer = Timer { catch_up, ..timer(number, "a") };
            model.agenda.insert(&timer, 0);
            model.records.push(timer);
        }
        model
    }

    fn step(&mut self) {
        for run in self.agenda.step(self.now) {
            let number = self.records.iter().position(|record| record.id == run.id).unwrap();
            assert!(!self.running.contains(&number), "a timer runs beside itself");
            assert!(run.plan.began.unwrap() <= self.now, "a run before its time");
            self.running.push(number);
            self.records[number] = run.plan.recorded(self.records[number].clone());
        }
        assert!(self.running.len() <= MAX_RUNS_OF_CLIENT);
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Later(time) => self.now += time,
            Event::Restart => {
                self.agenda = Agenda::default();
                self.running.clear();
                for record in &mut self.records {
                    if let Some(plan) = self.agenda.insert(record, self.now) {
                        *record = plan.recorded(record.clone());
                    }
                }
            }
            Event::End(which) if !self.running.is_empty() => {
                let number = self.running.remove(which % self.running.len());
                let at = self.records[number].began.unwrap();
                let plan = self.agenda.ended(id(number), self.now).unwrap();
                self.records[number] = plan.recorded(self.records[number].clone());
                self.ended[number].push(at);
            }
            Event::PutOff(which) if !self.running.is_empty() => {
                let number = self.running.remove(which % self.running.len());
                self.agenda.put_off(id(number), self.now);
            }
            Event::End(_) | Event::PutOff(_) => {}
        }
        self.step();
    }

    /// Every time that was due has been run once, or counted as missed, or is being run.
    fn adds_up(&self) {
        for (record, ended) in self.records.iter().zip(&self.ended) {
            assert!(ended.is_sorted_by(|a, b| a < b), "each once, and in order: {ended:?}");
            let due = (record.next_run.unwrap() - 100) / 10;
            let begun = u64::from(record.began.is_some());
            assert_eq!(ended.len() as u64 + record.missed + begun, due, "{record:?}");
            assert_eq!(record.runs, ended.len() as u64);
            if record.catch_up == CatchUp::All {
                assert_eq!(record.missed, 0);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_run_is_lost_and_none_doubled(
        policies in prop::collection::vec(policy(), 1..30),
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut model = Model::new(policies);
        for event in events {
            model.happens(event);
        }
        model.adds_up();
    }
}
