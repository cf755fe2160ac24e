//! `oxbeam fork`: a copy of a process up to a slot, to try what would have been.
//!
//! The copy is a folder with the process's own log, results and code, and nothing else: the same id, the
//! same state, the same hashpath. `oxbeam run FOLDER` sends it messages, which are computed on top of
//! what was and stay in the folder; nothing of it reaches a node.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxbeam_kernel::StorePlace;
use oxbeam_protocol::Id;
use serde_json::{Value as Json, json};

use super::arguments::agent::Fork;
use super::client::Client;
use super::failure::Failure;
use super::local::{self, Local};
use super::{history, progress, say_line};

/// What makes a folder a fork.
const ABOUT: &str = "fork.json";

/// A copy of a process.
#[derive(Debug)]
pub(super) struct Forked {
    pub(super) process: Id,
}

/// Copies the process.
pub(super) fn run(arguments: &Fork) -> Result<(), Failure> {
    let client = Arc::new(Client::of(&arguments.at)?);
    let (process, slot) = (arguments.process, arguments.slot);
    let to = history::last(&client, process, Some(slot))?;
    let folder = match &arguments.into {
        Some(folder) => folder.clone(),
        None => {
            PathBuf::from(format!("fork-{slot}-{}", process.to_string().trim_start_matches('-')))
        }
    };
    make(&folder)?;
    let copied = copy(&client, &folder, process, to);
    if copied.is_err() {
        // Half a copy is none.
        let _ = fs::remove_dir_all(&folder);
    }
    copied?;
    let about = json!({ "process": process.to_string(), "slot": slot, "node": client.url() });
    let file = folder.join(ABOUT);
    fs::write(&file, about.to_string()).map_err(|error| Failure::io(&file, error))?;
    if arguments.at.json {
        let forked = json!({ "process": process.to_string(), "slot": slot, "folder": folder });
        say_line(&forked.to_string());
        return Ok(());
    }
    let folder = folder.display();
    say_line(&format!(
        "folder   {folder}\nprocess  {process}\nslot     {slot}\n\nnext:\n  \
         oxbeam run {folder} --message '{{\"action\": \"NAME\"}}'"
    ));
    Ok(())
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists(folder.to_owned()),
        _ => Failure::io(folder, error),
    })
}

/// Copies and computes, so that a copy which was made can be used.
fn copy(client: &Arc<Client>, folder: &Path, process: Id, to: u64) -> Result<(), Failure> {
    let store = StorePlace::Folder(folder.join(super::start::folder::STORE));
    let options = history::deciding(client);
    local::with(store, &options, async |local: &Local| {
        let bar = progress(to + 1, "copying");
        history::copy(client, local, process, to, &bar).await?;
        bar.finish_and_clear();
        let computed = local.state(process, to).await;
        computed
            .map(drop)
            .map_err(|reason| Failure::Local { what: format!("computing slot {to}"), reason })
    })
}

/// The fork in a folder, if it is one.
pub(super) fn read(folder: &Path) -> Result<Option<Forked>, Failure> {
    let file = folder.join(ABOUT);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Failure::io(file, error)),
    };
    let about: Option<Json> = serde_json::from_str(&text).ok();
    let process = about.as_ref().and_then(|about| about.get("process")?.as_str()?.parse().ok());
    match process {
        Some(process) => Ok(Some(Forked { process })),
        None => {
            let reason = "it names no process".to_owned();
            Err(Failure::Malformed { path: file, reason })
        }
    }
}
