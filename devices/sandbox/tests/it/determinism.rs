//! Neither slices nor snapshots change anything.

use oxbeam_sandbox::{Instance, Limits, Module, SnapshotError, Trap, Val, Zeros};
use proptest::prelude::*;

use crate::support::{Adder, STATEFUL, block_on, module};

/// A call of [`STATEFUL`]: an export and its argument.
fn a_call() -> impl Strategy<Value = (&'static str, i32)> {
    let names = [
        "count", "store", "point", "float", "grow", "ask", "try", "spin", "divide", "fill", "read",
    ];
    (proptest::sample::select(names.to_vec()), -3_i32..300)
}

/// Everything that can be seen of a run.
#[derive(Debug, PartialEq)]
struct Seen {
    results: Vec<String>,
    fuel: Vec<u64>,
    host: Vec<(String, Vec<Val>)>,
    memory: Vec<u8>,
    rest: Vec<u8>,
}

/// Makes the calls one after the other, in slices, restoring from a snapshot before each if told so.
fn run(module: &Module, calls: &[(&str, i32)], slice: u64, restoring: bool) -> Seen {
    let limits = Limits { slice, fuel: 300_000, memory_bytes: 4 << 16, ..Limits::default() };
    let mut host = Adder::default();
    let mut instance = block_on(Instance::new(module, limits.clone(), &mut host)).unwrap();
    let (mut results, mut fuel) = (Vec::new(), vec![instance.fuel_used()]);
    for (function, argument) in calls {
        if restoring {
            let snapshot = instance.snapshot().unwrap();
            instance = Instance::restore(module, &snapshot, limits.clone()).unwrap();
            assert_eq!(instance.snapshot().unwrap(), snapshot);
        }
        let result = block_on(instance.call(function, &[Val::I32(*argument)], &mut host));
        results.push(format!("{result:?}"));
        fuel.push(instance.fuel_used());
    }
    let snapshot = instance.snapshot().unwrap();
    Seen { results, fuel, host: host.calls, memory: snapshot.memory, rest: snapshot.rest.to_vec() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn slices_and_snapshots_change_neither_results_nor_fuel_nor_memory(
        calls in proptest::collection::vec(a_call(), 1..12),
        slice in prop_oneof![1_u64..50, 50_u64..5_000],
    ) {
        let module = module(STATEFUL);

        let whole = run(&module, &calls, 1_000_000, false);

        prop_assert_eq!(&run(&module, &calls, slice, false), &whole);
        prop_assert_eq!(&run(&module, &calls, 1_000_000, true), &whole);
        prop_assert_eq!(&run(&module, &calls, slice, true), &whole);
    }
}

#[test]
fn a_fork_goes_its_own_way() {
    let module = module(STATEFUL);
    let mut instance = block_on(Instance::new(&module, Limits::default(), &mut Zeros)).unwrap();
    block_on(instance.call("count", &[Val::I32(5)], &mut Zeros)).unwrap();

    let mut fork = instance.fork().unwrap();
    block_on(fork.call("count", &[Val::I32(10)], &mut Zeros)).unwrap();

    let results = block_on(instance.call("count", &[Val::I32(1)], &mut Zeros)).unwrap();
    assert_eq!(results, [Val::I64(6)]);
}

#[test]
fn a_snapshot_that_is_cut_off_or_altered_anywhere_is_refused() {
    let module = module(STATEFUL);
    let instance = block_on(Instance::new(&module, Limits::default(), &mut Zeros)).unwrap();
    let snapshot = instance.snapshot().unwrap();
    let restore = |snapshot: &_| match Instance::restore(&module, snapshot, Limits::default()) {
        Err(Trap::Snapshot(error)) => error,
        other => panic!("{other:?}"),
    };

    for at in 0..snapshot.rest.len() {
        let mut altered = snapshot.rest.to_vec();
        altered[at] ^= 1;
        let altered = oxbeam_sandbox::Snapshot { rest: altered.into(), ..snapshot.clone() };
        assert_eq!(restore(&altered), SnapshotError::Damaged);
        let cut = oxbeam_sandbox::Snapshot { rest: snapshot.rest.slice(..at), ..snapshot.clone() };
        assert_eq!(restore(&cut), SnapshotError::Damaged);
    }
    let mut altered = snapshot.clone();
    altered.memory[77] ^= 1;
    assert_eq!(restore(&altered), SnapshotError::Damaged);
    altered.memory.truncate(77);
    assert_eq!(restore(&altered), SnapshotError::Damaged);
}

#[test]
fn a_snapshot_of_another_module_is_refused() {
    let other = module("(module (memory 1))");
    let instance = block_on(Instance::new(&other, Limits::default(), &mut Zeros)).unwrap();
    let snapshot = instance.snapshot().unwrap();

    let error = Instance::restore(&module(STATEFUL), &snapshot, Limits::default()).unwrap_err();

    assert!(matches!(error, Trap::Snapshot(SnapshotError::OtherModule)), "{error:?}");
}

#[test]
fn memory_beyond_lowered_limits_stays_and_does_not_grow_restored_or_not() {
    let module = module(STATEFUL);
    let mut live = block_on(Instance::new(&module, Limits::default(), &mut Zeros)).unwrap();
    let before = block_on(live.call("grow", &[Val::I32(5)], &mut Zeros)).unwrap();
    let lowered = Limits { memory_bytes: 2 << 16, ..Limits::default() };
    live.set_limits(lowered.clone());

    let mut restored = Instance::restore(&module, &live.snapshot().unwrap(), lowered).unwrap();
    for instance in [&mut live, &mut restored] {
        let grown = block_on(instance.call("grow", &[Val::I32(1)], &mut Zeros)).unwrap();
        assert_ne!(grown, before);
        assert_eq!(grown, [Val::I32(-1)]);
    }

    assert_eq!(live.fuel_used(), restored.fuel_used());
    assert_eq!(live.snapshot().unwrap(), restored.snapshot().unwrap());
}
