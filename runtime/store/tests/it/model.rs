//! Random operations, crashes and restarts, held against plain maps.
//!
//! After a power cut the store must be in a state that it was in since the last sync. So the model
//! keeps all of those.

mod observe;
mod operation;
mod state;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use self::observe::observe;
use self::operation::{Crash, Operation, run};
use self::state::State;
use crate::common::{Place, small};

/// Every run tries the same cases; `PROPTEST_RNG_SEED` tries others.
fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        given @ RngSeed::Fixed(_) => given,
    };
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..default }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_store_in_memory_does_what_maps_do(operations in vec(operation::one(), 1..80)) {
        block_on(holds(Place::memory(), operations));
    }
}

proptest! {
    #![proptest_config(cases(15))]

    #[test]
    fn a_store_on_disk_does_what_maps_do(operations in vec(operation::one(), 1..80)) {
        block_on(holds(Place::folder(), operations));
    }
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

async fn holds(place: Place, operations: Vec<Operation>) {
    let mut store = place.open();
    // What the store may be after a power cut, the last as it is now.
    let mut states = vec![State::default()];
    for operation in operations {
        let mut now = states.last().unwrap().clone();
        if let Operation::Crash(crash) = &operation {
            store = restart(&place, store, crash).await;
            let found = observe(&store).await;
            let possible = match crash {
                Crash::Power(_) => states.contains(&found),
                Crash::Close | Crash::Kill => found == now,
            };
            assert!(possible, "after {crash:?} there is {found:#?}, expected {now:#?}");
            let report = store.check().unwrap();
            assert!(report.is_sound(), "{:?}", report.findings);
            // What a start has found stays.
            now = found;
            states = vec![now];
            continue;
        }
        let synced = run(&store, &mut now, &operation).await;
        if synced {
            states.clear();
        }
        states.push(now);
    }
    let found = observe(&store).await;
    assert_eq!(Some(&found), states.last());
}

async fn restart(
    place: &Place,
    store: oxbeam_store::LocalStore,
    crash: &Crash,
) -> oxbeam_store::LocalStore {
    match (place, crash) {
        (Place::Memory(disk), Crash::Power(seed)) => disk.power_loss(*seed),
        (Place::Memory(disk), Crash::Kill) => disk.kill(),
        _ => store.close().await,
    }
    drop(store);
    place.open_with(&small()).unwrap().0
}
