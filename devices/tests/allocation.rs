//! A slot costs what it changes, not what the state holds.
//!
//! The whole heap is counted, so that this is a program of its own with one test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

#[path = "allocation/ledger.rs"]
mod ledger;

use ledger::{Ledger, Writer};
use oxbeam_protocol::{Message, Value};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Most bytes that one slot may need for a while. A copy of the state alone would be ten megabytes.
const BYTES_OF_A_SLOT: usize = 1 << 20;

fn balance(state: &Message, holder: &str) -> Value {
    let balances = state.get("balances").and_then(Value::as_map).unwrap();
    balances.get(holder).unwrap().clone()
}

#[actix_rt::test]
async fn a_slot_of_a_large_state_needs_memory_for_what_it_changes_alone() {
    // A checkpoint holds the whole state.
    let options =
        Message::new().with("process_snapshot_slots", false).with("process_snapshot_time", false);
    for writer in [Writer::Script, Writer::Patch] {
        let ledger = Ledger::of(100_000, writer, options.clone()).await;
        // The first slots turn what was built at once into what shares its parts.
        ledger.credits(3).await;
        ledger.compute().await;
        for slot in 4..=10 {
            ledger.credits(1).await;
            HEAP.reset_peak_usage();
            let before = HEAP.current_usage();
            let state = ledger.compute().await;
            let peak = HEAP.peak_usage().saturating_sub(before);
            assert_eq!(balance(&state, "holder-7"), (7 + slot).into());
            assert_eq!(balance(&state, "holder-99999"), 99_999.into());
            assert!(peak < BYTES_OF_A_SLOT, "{writer:?}: slot {slot} needed {peak} bytes");
        }
    }
}
