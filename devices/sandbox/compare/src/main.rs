//! Generates random programs that throw and catch, and compares what they do.
//!
//! Each program is written twice, with legacy exception handling and with the final proposal. Both are
//! lowered and run on wasmi, the second also runs as it is on wasmtime, which knows no legacy form.
//! Results, traps, memory and globals have to be equal after every call.
//!
//! ```text
//! cargo run -- [programs, 1000] [first seed, 0]
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]

mod engines;
mod program;

/// The pass alone: without the rest of the sandbox, this builds in a quarter of the time.
#[path = "../../src"]
mod sandbox {
    #![allow(dead_code, unreachable_pub, reason = "only this part of the crate is built here")]
    pub(crate) mod lower;
}

use std::collections::BTreeMap;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|n| n.parse::<u64>().expect("a number"));
    let programs = arguments.next().unwrap_or(1000);
    let first = arguments.next().unwrap_or(0);
    let engines = engines::Engines::new();
    let mut endings = BTreeMap::new();
    for seed in first..first + programs {
        let program = program::Program::of(seed);
        let expected = engines.native(&program.modern);
        for (form, text) in [("legacy", &program.legacy), ("final", &program.modern)] {
            let found = engines.lowered(text);
            if found != expected {
                println!("seed {seed}, {form}:\n{text}");
                println!("expected {expected:#?}\nfound {found:#?}");
                std::process::exit(1);
            }
        }
        for step in &expected {
            *endings.entry(step.ending.name()).or_insert(0_u64) += 1;
        }
    }
    println!("{programs} programs from seed {first}, in both forms; calls that ended: {endings:?}");
}
