//! `make bench-guests`: guests beside a compiler of WebAssembly and native Lua, in one run, as tables
//! in Markdown.
//!
//! What is compared runs in turns, so that a machine which slows down slows down both, and the median
//! of the turns is shown.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails should say so")]

mod scripts;
mod states;
mod wasm;

use std::time::{Duration, Instant};

/// How often each is run.
const TURNS: usize = 7;

fn main() {
    wasm::print();
    println!();
    scripts::print();
    println!();
    states::print();
}

/// How long something takes.
fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    let result = work();
    let time = started.elapsed();
    drop(result);
    time
}

/// The medians of works that take turns.
fn medians<const N: usize>(mut works: [&mut dyn FnMut() -> Duration; N]) -> [Duration; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(TURNS));
    for _ in 0..TURNS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            times.push(work());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times.get(TURNS / 2).copied().unwrap_or_default()
    })
}

/// A time in the unit that suits it.
fn shown(time: Duration) -> String {
    match time.as_secs_f64() * 1e6 {
        micros if micros < 1_000.0 => format!("{micros:.1} µs"),
        micros if micros < 1_000_000.0 => format!("{:.2} ms", micros / 1e3),
        micros => format!("{:.2} s", micros / 1e6),
    }
}

fn ratio(time: Duration, to: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / to.as_secs_f64())
}
