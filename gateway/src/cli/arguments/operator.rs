//! The commands for whoever watches a node.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use oxbeam_protocol::Id;

use super::Configured;
use super::agent::{At, Signer};

/// A page of `oxbeam top`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Page {
    Actors,
    Crashes,
    Quarantine,
    Outbox,
}

/// What makes an actor stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum By {
    Queue,
    Lag,
    Restarts,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Top {
    /// Print one frame as text; takes a second, for what changes within it
    #[arg(long)]
    pub(in crate::cli) once: bool,
    /// The page that is shown first
    #[arg(long, value_enum, default_value = "actors")]
    pub(in crate::cli) page: Page,
    /// Which actors are shown first
    #[arg(long, value_enum, default_value = "queue")]
    pub(in crate::cli) by: By,
    /// Only actors of this part of the tree: processes
    #[arg(long, value_name = "NAME", value_parser = part)]
    pub(in crate::cli) part: Option<String>,
    /// The operator's wallet [default: none; then one only looks]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) wallet: Option<PathBuf>,
    /// The node [default: the one of this machine, at the port of the configuration]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) node: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) configured: Configured,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Outbox {
    #[command(subcommand)]
    pub(in crate::cli) retry: Option<OutboxCommand>,
    /// Only messages that nobody tries any more
    #[arg(long)]
    pub(in crate::cli) dead: bool,
    /// Only messages of this process
    #[arg(long, value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: Option<Id>,
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OutboxCommand {
    /// Try messages again.
    Retry(Retry),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    pub(in crate::cli) which: Which,
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

/// Which messages are tried again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Which {
    /// One message, as the list names it: PROCESS/SLOT/INDEX
    #[arg(allow_hyphen_values = true)]
    pub(in crate::cli) letter: Option<String>,
    /// All dead letters to this process
    #[arg(long, value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) target: Option<String>,
    /// All dead letters
    #[arg(long)]
    pub(in crate::cli) all: bool,
}

/// The name of a part, which becomes a piece of a path.
fn part(name: &str) -> Result<String, &'static str> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
    match !name.is_empty() && name.chars().all(is_plain) {
        true => Ok(name.to_owned()),
        false => Err("expected a name such as processes"),
    }
}
