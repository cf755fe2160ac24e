//! `oxbeam completions`: what a shell needs to complete commands.

use clap::CommandFactory;

use super::arguments::{Arguments, agent::Completions};
use super::say;

/// Writes the script.
pub(super) fn run(arguments: &Completions) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "oxbeam", &mut script);
    say(&String::from_utf8_lossy(&script));
}
