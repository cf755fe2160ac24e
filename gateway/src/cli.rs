//! The command line.

mod arguments;
mod doctor;
mod failure;
mod start;
mod tree;
mod up;
mod wallet;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// Runs the command that was asked for.
pub(crate) fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Start(arguments) => start::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Wallet(command) => wallet::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Tree(arguments) => tree::run(&arguments).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|failure| {
        // Whoever closed standard error does not want to know.
        let _ = writeln!(io::stderr(), "oxbeam: {}", failure.sentence());
        ExitCode::from(failure.code())
    })
}

/// Prints text. A reader who went away is no failure.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
