//! The program `oxbeam`: a node, and the commands for whoever runs one.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
