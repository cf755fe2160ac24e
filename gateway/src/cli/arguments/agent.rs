//! The commands for whoever writes agents.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Which node is asked, and how the answer is written.
#[derive(Debug, Args)]
pub(in crate::cli) struct At {
    /// The node [default: the one of this machine, at the port of the configuration]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) node: Option<String>,
    /// Write JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Who signs.
#[derive(Debug, Args)]
pub(in crate::cli) struct Signer {
    /// The wallet that signs [default: ~/.config/oxbeam/wallet.json, made at first use]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) wallet: Option<PathBuf>,
}

/// What a message says.
#[derive(Debug, Args)]
pub(in crate::cli) struct Said {
    /// Its action
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) action: Option<String>,
    /// Its data, or @FILE
    #[arg(long, value_name = "DATA")]
    pub(in crate::cli) data: Option<String>,
    /// Any other key, as text
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::name_and_value)]
    pub(in crate::cli) tag: Vec<(String, String)>,
    /// Keys as a JSON object, with numbers, lists and objects
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) message: Option<String>,
}

/// A language that there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Language {
    Lua,
    Wat,
    C,
    Rust,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct New {
    /// The agent's name; its folder is called so
    pub(in crate::cli) name: PathBuf,
    /// The language
    #[arg(long, value_enum, default_value = "lua")]
    pub(in crate::cli) lang: Language,
    /// Write JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Deploy {
    /// A folder with agent.toml, or a .lua, .wasm or .wat file
    #[arg(value_name = "FILE", default_value = ".")]
    pub(in crate::cli) agent: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Send {
    // An id may begin with a hyphen.
    /// The process
    #[arg(value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: oxbeam_protocol::Id,
    #[command(flatten)]
    pub(in crate::cli) said: Said,
    /// Ends when the message has its slot
    #[arg(long)]
    pub(in crate::cli) no_wait: bool,
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct State {
    /// The process
    #[arg(value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: oxbeam_protocol::Id,
    /// A part of the state: results/output
    pub(in crate::cli) path: Option<String>,
    /// After this slot [default: after the last]
    #[arg(long)]
    pub(in crate::cli) slot: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Log {
    /// The process
    #[arg(value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: oxbeam_protocol::Id,
    /// The first slot
    #[arg(long, value_name = "SLOT", default_value_t = 0)]
    pub(in crate::cli) from: u64,
    /// Goes on with what comes, until it is ended
    #[arg(long)]
    pub(in crate::cli) follow: bool,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// A folder with agent.toml, a .lua, .wasm or .wat file, or the folder of a fork
    #[arg(value_name = "FILE", default_value = ".")]
    pub(in crate::cli) agent: PathBuf,
    /// A message, as JSON; several are sent in order
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) message: Vec<String>,
    /// A file with a message, or a test, in each line
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) messages: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) signer: RunSigner,
    /// Write JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Who signs what never leaves this machine.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunSigner {
    /// The wallet that signs [default: one that is forgotten]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) wallet: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// The process
    #[arg(value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: oxbeam_protocol::Id,
    /// The first slot that is compared
    #[arg(long, value_name = "SLOT", default_value_t = 0)]
    pub(in crate::cli) from: u64,
    /// The last one [default: the last of the log]
    #[arg(long, value_name = "SLOT")]
    pub(in crate::cli) to: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The process
    #[arg(value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: oxbeam_protocol::Id,
    /// Another node that computes the process, which is held against the first
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) peer: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Fork {
    /// The process
    #[arg(value_name = "PID", allow_hyphen_values = true)]
    pub(in crate::cli) process: oxbeam_protocol::Id,
    /// The last slot that the copy has
    #[arg(long = "at", value_name = "SLOT")]
    pub(in crate::cli) slot: u64,
    /// Where to put the copy [default: fork-SLOT-PID]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) into: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Cron {
    /// Start a task: a path that the node asks itself for.
    Add(CronAdd),
    /// Show the tasks that this wallet has started.
    List(CronList),
    /// Stop a task.
    Stop(CronStop),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CronAdd {
    /// The path that is asked for, such as /PID/now, or the process that a message is pushed to
    #[arg(value_name = "PATH|PID", allow_hyphen_values = true)]
    pub(in crate::cli) path: String,
    /// How often: so many milliseconds, seconds, minutes, hours or days, such as 5-minutes
    #[arg(long, value_name = "INTERVAL", required_unless_present = "after")]
    pub(in crate::cli) every: Option<String>,
    /// Once, after so long
    #[arg(long, value_name = "INTERVAL", conflicts_with = "every")]
    pub(in crate::cli) after: Option<String>,
    /// What becomes of runs that were missed: skip, once or all [default: once]
    #[arg(long, value_name = "WORD", requires = "every")]
    pub(in crate::cli) catch_up: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) said: Said,
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CronList {
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CronStop {
    /// The task's id
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub(in crate::cli) task: oxbeam_protocol::Id,
    #[command(flatten)]
    pub(in crate::cli) signer: Signer,
    #[command(flatten)]
    pub(in crate::cli) at: At,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell
    pub(in crate::cli) shell: clap_complete::Shell,
}
