//! The command line.

mod agent;
mod arguments;
mod client;
mod completions;
mod cron;
mod deploy;
mod doctor;
mod failure;
mod fork;
mod history;
mod local;
mod log;
mod new;
mod outbox;
mod replay;
mod run;
mod said;
mod send;
mod show;
mod start;
mod state;
mod supervisor;
mod top;
mod tree;
mod up;
mod verify;
mod wallet;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// The exit code of what cannot be understood. Source: `sysexits.h`.
const USAGE: u8 = 64;

/// Runs the command that was asked for.
pub(crate) fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => {
            // Whoever closed the output does not want to know.
            let _ = said.print();
            return ExitCode::from(if said.use_stderr() { USAGE } else { 0 });
        }
    };
    let outcome = match arguments.command {
        Command::Start(arguments) => start::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Wallet(command) => wallet::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Tree(arguments) => tree::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::New(arguments) => new::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Run(arguments) => run::run(&arguments),
        Command::Deploy(arguments) => deploy::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Send(arguments) => send::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::State(arguments) => state::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Log(arguments) => log::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Fork(arguments) => fork::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Cron(command) => cron::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Top(arguments) => top::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Outbox(arguments) => outbox::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Completions(arguments) => {
            completions::run(&arguments);
            Ok(ExitCode::SUCCESS)
        }
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

/// Tells whoever types something that is no result.
fn note(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "oxbeam: {text}");
}

/// A line of text, or of JSON.
fn say_line(text: &str) {
    say(&format!("{text}\n"));
}

/// How far long work has come, on standard error if that is a terminal.
fn progress(steps: u64, what: &'static str) -> indicatif::ProgressBar {
    let style = indicatif::ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
    let bar = indicatif::ProgressBar::new(steps).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What a script prints: no result of the command.
fn printed(text: &str) {
    let _ = writeln!(io::stderr(), "  print    {}", text.trim_end());
}
