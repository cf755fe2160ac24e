//! What a slot of a Lua process costs, as its state grows.
//!
//! | Bench                 | Claim                                                                |
//! |-----------------------|----------------------------------------------------------------------|
//! | `slot`                | with 100 000 balances a slot that changes one costs at most twice    |
//! |                       | what it costs with 10                                                |
//! | `slot, patched`       | the same where `patch@1.0` changes the state, as tokens do           |
//! | `slot, checkpoints`   | the same with its share of the checkpoints, one every 1 000 slots    |
//!
//! Each slot is computed and committed by the whole node. Its log is not verified, because the
//! signatures would be most of the time and hide what grows. What is counted is processor time of all
//! threads: beside other work the clock would say more of that.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that fails should say so")]

#[path = "../tests/allocation/ledger.rs"]
mod ledger;

use std::time::Duration;

use cpu_time::ProcessTime;
use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use ledger::{Ledger, Writer};
use oxbeam_protocol::Message;

/// Slots that are computed in one go.
const SLOTS: u64 = 1_000;
const BALANCES: [usize; 3] = [10, 1_000, 100_000];

fn slots(criterion: &mut Criterion, name: &str, writer: Writer, checkpoints: bool) {
    let system = actix_rt::System::new();
    let mut options =
        Message::new().with("verify_assignments", false).with("process_snapshot_time", false);
    if !checkpoints {
        options.insert("process_snapshot_slots", false);
    }
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(1));
    for balances in BALANCES {
        let ledger = system.block_on(Ledger::of(balances, writer, options.clone()));
        group.bench_function(BenchmarkId::from_parameter(balances), |bencher| {
            bencher.iter_custom(|times| {
                // As many slots as have a checkpoint, whatever Criterion asks for.
                system.block_on(ledger.credits(SLOTS));
                let started = ProcessTime::now();
                system.block_on(ledger.compute());
                started.elapsed() * u32::try_from(times).unwrap_or(u32::MAX) / SLOTS as u32
            });
        });
    }
    group.finish();
}

fn all(criterion: &mut Criterion) {
    slots(criterion, "slot", Writer::Script, false);
    slots(criterion, "slot, patched", Writer::Patch, false);
    slots(criterion, "slot, checkpoints", Writer::Script, true);
}

criterion_group!(benches, all);
criterion_main!(benches);
