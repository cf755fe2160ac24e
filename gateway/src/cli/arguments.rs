//! What can be written on the command line.

pub(super) mod agent;
pub(super) mod operator;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use oxbeam_kernel::NodeMessage;
use oxbeam_kernel::configuration::{ConfigurationError, Sources};

/// The version, and the commit it is built from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("OXBEAM_COMMIT"), ")");

/// An AO-Core node.
#[derive(Debug, Parser)]
#[command(name = "oxbeam", version = VERSION, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the node.
    Start(Start),
    /// Start the node, and start it again when it crashes.
    Up(Up),
    /// Look for what is wrong with a node, its configuration or its machine.
    Doctor(Doctor),
    /// Make or show the node's wallet.
    #[command(subcommand)]
    Wallet(Wallet),
    /// Show the supervision tree of a running node.
    Tree(Tree),
    /// Make a folder for a new agent, with a test.
    New(agent::New),
    /// Run an agent here, without a node.
    Run(agent::Run),
    /// Start an agent on a node.
    Deploy(agent::Deploy),
    /// Send a message to an agent, and show what came of it.
    Send(agent::Send),
    /// Show the state of an agent.
    State(agent::State),
    /// Show the messages of an agent and what came of each.
    Log(agent::Log),
    /// Compute slots of an agent again, and compare.
    Replay(agent::Replay),
    /// Prove that a node has computed what the log of an agent says.
    Verify(agent::Verify),
    /// Copy an agent up to a slot, to try what would have been.
    Fork(agent::Fork),
    /// Start, show and stop tasks that a node runs by the clock.
    #[command(subcommand)]
    Cron(agent::Cron),
    /// Watch a running node, and do something about what is wrong.
    Top(operator::Top),
    /// Show messages that have not arrived, and try them again.
    Outbox(operator::Outbox),
    /// Write what a shell needs to complete commands.
    Completions(agent::Completions),
}

/// Where the configuration comes from. All options are in docs/configuration.md.
#[derive(Debug, Default, Args)]
pub(super) struct Configured {
    /// Configuration file: .toml, .json or .flat [default: oxbeam.toml, config.json or config.flat]
    #[arg(long, value_name = "FILE", env = "OXBEAM_CONFIG")]
    config: Option<PathBuf>,
    /// Folder that holds everything the node keeps [default: ./data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// Any other option
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct Start {
    #[command(flatten)]
    configured: Configured,
    /// Port to listen on, 0 for any free one [default: 8734]
    #[arg(long)]
    port: Option<String>,
    /// Address to listen on [default: 0.0.0.0]
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<String>,
    /// The wallet's file [default: wallet.json in the data folder]
    #[arg(long, value_name = "FILE")]
    wallet: Option<String>,
    /// Form of the log on standard error: pretty or json [default: pretty]
    #[arg(long, value_name = "FORM")]
    log: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Up {
    /// Crashes in a row after which it is not started again
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub(super) max_crashes: u32,
    /// Pause before the first restart, in ms; it doubles with each crash in a row
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub(super) pause: u64,
    #[command(flatten)]
    pub(super) start: Start,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Write what is found as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Write all that helps to find out what is wrong into one file, without secrets
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,
    /// Read the whole store, which takes as long as reading all of its data
    #[arg(long)]
    pub(super) store: bool,
    #[command(flatten)]
    pub(super) configured: Configured,
}

#[derive(Debug, Subcommand)]
pub(super) enum Wallet {
    /// Make a new wallet; one that is there is never overwritten.
    New(WalletFile),
    /// Show the address of the wallet.
    Show(WalletFile),
}

#[derive(Debug, Args)]
pub(super) struct WalletFile {
    /// The wallet's file [default: as the configuration says]
    #[arg(long, value_name = "FILE")]
    pub(super) path: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) configured: Configured,
}

#[derive(Debug, Args)]
pub(super) struct Tree {
    /// Show it anew each second
    #[arg(long)]
    pub(super) watch: bool,
    /// Write JSON: an actor in each line
    #[arg(long, conflicts_with = "watch")]
    pub(super) json: bool,
    /// The node [default: the one of this machine, at the port of the configuration]
    #[arg(long, value_name = "URL")]
    pub(super) node: Option<String>,
    #[command(flatten)]
    pub(super) configured: Configured,
}

impl Configured {
    /// The configuration, with these options from the command line.
    pub(super) fn load<'a>(
        &'a self,
        options: impl IntoIterator<Item = (&'static str, Option<&'a String>)>,
    ) -> Result<NodeMessage, ConfigurationError> {
        let named = options.into_iter().chain([("data", self.data.as_ref())]);
        let named = named.filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
        let sources = Sources {
            file: self.config.clone(),
            folder: PathBuf::from("."),
            environment: environment(),
            flags: self.set.iter().cloned().chain(named).collect(),
        };
        sources.load()
    }
}

impl Start {
    pub(super) fn load(&self) -> Result<NodeMessage, ConfigurationError> {
        self.configured.load([
            ("port", self.port.as_ref()),
            ("bind", self.bind.as_ref()),
            ("priv_key_location", self.wallet.as_ref()),
            ("log", self.log.as_ref()),
        ])
    }
}

/// Variables that are text; no other can be an option.
fn environment() -> std::collections::BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
