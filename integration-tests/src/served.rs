//! A node that is asked over HTTP: the program itself. The only place that knows how one is set up.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use oxbeam_protocol::Wallet;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;

use crate::program::{self, Program};
use crate::vector::Folder;

/// The wallet of the node that the vectors were recorded on.
const WALLET: &str = "2";
/// The option under which a node's file has keys that are no options. Those of the vectors begin so.
const CUSTOM: &str = "custom";

/// A node with an empty store, listening on a port of its own until this is dropped.
#[derive(Debug)]
pub struct ServedNode {
    program: Program,
    /// Its wallet.
    pub wallet: Wallet,
    // Deleted after the program has ended.
    _data: TempDir,
}

impl ServedNode {
    /// Starts a node with the wallet of the vectors in this folder, and these options, a JSON object.
    ///
    /// # Errors
    /// There is no program, or it does not start.
    pub fn start(folder: &Folder, config: &Json) -> Result<Self> {
        let data = TempDir::new()?;
        let wallet = folder.wallet(WALLET)?;
        fs::write(data.path().join("wallet.json"), &wallet)?;
        let file = data.path().join("config.json");
        fs::write(&file, options(config)?.to_string())?;
        let file = file.to_str().context("the folder's name is no text")?;
        let arguments = ["--config", file, "--set", "log_filter=off"];
        let program = Program::start(&program::find()?, data.path(), &arguments)?;
        Ok(Self { program, wallet: Wallet::from_text(&wallet)?, _data: data })
    }

    /// Where it listens.
    #[must_use]
    pub fn host(&self) -> SocketAddr {
        self.program.host
    }
}

/// The options as the node's file has them.
fn options(config: &Json) -> Result<Json> {
    let config = config.as_object().context("options are no object")?.clone();
    let is_custom = |(name, _): &(String, Json)| name.starts_with(CUSTOM);
    let (custom, mut known): (Map<_, _>, Map<_, _>) = config.into_iter().partition(is_custom);
    if !custom.is_empty() {
        known.insert(CUSTOM.into(), custom.into());
    }
    Ok(known.into())
}
