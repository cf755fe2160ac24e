//! The program `oxbeam`: a node, and the commands for whoever runs one.

mod cli;

use std::process::ExitCode;

/// Gives back what is free within seconds, where the allocator of the C library keeps it.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run()
}
