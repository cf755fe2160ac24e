//! Why a command came to nothing, in a sentence that says what to do about it.
//!
//! Exit codes are those of `sysexits.h`, as the supervisor's are.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use oxbeam_kernel::BootError;
use oxbeam_kernel::configuration::ConfigurationError;
use oxbeam_protocol::WalletError;

/// A command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(
        "log_filter {filter:?} is no filter: expected a level, or levels by module such as info,oxbeam_kernel=debug"
    )]
    LogFilter { filter: String },
    #[error("otlp_endpoint {endpoint:?} is no collector of traces: {reason}")]
    Collector { endpoint: String, reason: String },
    #[error("folder {} is in use by another node: stop that one, or choose another folder with --data", .0.display())]
    FolderInUse(PathBuf),
    #[error("no permission for {}: let the user who runs the node read and write it, or choose another place", .0.display())]
    NoPermission(PathBuf),
    #[error("failed to use {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{address} is in use by another program: stop that one, or choose another port with --port"
    )]
    PortInUse { address: SocketAddr },
    #[error("no permission to listen on {address}: choose a port above 1023 with --port")]
    PortDenied { address: SocketAddr },
    #[error("failed to listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("wallet {} is there already: it is never overwritten, choose another file with --path", .0.display())]
    WalletExists(PathBuf),
    #[error("there is no wallet {}: `oxbeam wallet new --path {}` makes one", .0.display(), .0.display())]
    NoWallet(PathBuf),
    #[error("failed to use wallet {}", file.display())]
    Wallet { file: PathBuf, source: WalletError },
    #[error("failed to make a wallet")]
    NewWallet(#[from] WalletError),
    #[error("failed to build the node")]
    Boot(#[from] BootError),
    #[error("failed to start the node's threads")]
    Threads(#[source] io::Error),
    #[error("the node did not start: {reason}")]
    NotStarted { reason: String, code: u8 },
    #[error(
        "no node answers at {url}: start it with `oxbeam start`, or name another with --node ({reason})"
    )]
    NoNode { url: String, reason: String },
    #[error("{url} answers {status} where a supervision tree should be: is it an Oxbeam node?")]
    NoTree { url: String, status: u16 },
    #[error("{url} does not answer with {what}: is it an Oxbeam node?")]
    Strange { url: String, what: String },
    #[error("{url} answers {status} for {what}: {said}{}", hint(*status))]
    Refused { url: String, what: String, status: u16, said: String },
    #[error("the message cannot be signed: {reason}")]
    Unsigned { reason: String },
    #[error("there is no home folder for a wallet: name one with --wallet")]
    NoHome,
    #[error("there is no {}: {hint}", path.display())]
    NoFile { path: PathBuf, hint: &'static str },
    #[error("{} is there already: nothing is overwritten, choose another name", .0.display())]
    Exists(PathBuf),
    #[error("{} is not what it should be: {reason}", path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("{what} is not what it should be: {reason}")]
    Argument { what: &'static str, reason: String },
    #[error("{tool} is needed to build {}: {hint}", folder.display())]
    NoTool { tool: String, folder: PathBuf, hint: String },
    #[error("`{command}` failed in {}: see above", folder.display())]
    Build { command: String, folder: PathBuf },
    #[error(
        "{url} does not keep signed messages, so that no module can be sent to it: set store_all_signed = true there"
    )]
    NotKept { url: String },
    #[error("{what} failed on this machine: {reason}")]
    Local { what: String, reason: String },
    #[error("failed to use the terminal")]
    Terminal(#[source] io::Error),
    #[error("process {process} has no slot {slot}: the last one is {last}")]
    NoSlot { process: oxbeam_protocol::Id, slot: u64, last: String },
}

impl Failure {
    /// What the system says about a file or folder.
    pub(super) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::NoPermission(path.into()),
            _ => Self::Io { path: path.into(), source },
        }
    }

    /// What the system says about an address.
    pub(super) fn listen(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { address },
            io::ErrorKind::PermissionDenied => Self::PortDenied { address },
            _ => Self::Listen { address, source },
        }
    }

    /// The failure and what lies beneath it, on one line.
    pub(super) fn sentence(&self) -> String {
        with_causes(self)
    }

    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Configuration(_) | Self::LogFilter { .. } | Self::Collector { .. } => 78,
            Self::NoPermission(_) | Self::PortDenied { .. } => 77,
            Self::WalletExists(_) => 73,
            Self::Refused { status: 400..=499, .. }
            | Self::Wallet { .. }
            | Self::Malformed { .. }
            | Self::Build { .. }
            | Self::Unsigned { .. }
            | Self::NoSlot { .. } => 65,
            Self::Argument { .. } => super::USAGE,
            Self::NoWallet(_) | Self::NoFile { .. } => 66,
            Self::Exists(_) => 73,
            Self::Local { .. } => 70,
            Self::Threads(_) | Self::NewWallet(_) => 71,
            Self::Io { .. } | Self::Terminal(_) => 74,
            Self::NotStarted { code, .. } => *code,
            Self::FolderInUse(_)
            | Self::PortInUse { .. }
            | Self::Listen { .. }
            | Self::Boot(_)
            | Self::NoNode { .. }
            | Self::Strange { .. }
            | Self::Refused { .. }
            | Self::NoHome
            | Self::NoTool { .. }
            | Self::NotKept { .. }
            | Self::NoTree { .. } => 69,
        }
    }
}

/// What to do about a code.
const fn hint(status: u16) -> &'static str {
    match status {
        401..=403 => {
            "; sign with another wallet: --wallet. The operator's, unless another is named, is wallet.json in the data folder"
        }
        404 => "; is it on this node? --node names another",
        429 | 503 => "; try again later",
        _ => "",
    }
}

/// An error and what lies beneath it, on one line.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
