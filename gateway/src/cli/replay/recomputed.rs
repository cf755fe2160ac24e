//! A process computed from its log on this machine.

use std::sync::Arc;

use indicatif::ProgressBar;
use oxbeam_kernel::StorePlace;
use oxbeam_protocol::{Id, Message};
use oxbeam_store::SlotResult;

use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::local::{self, Local};
use crate::cli::{history, progress};

/// Slots that are computed in one go.
const AHEAD: u64 = 64;

/// What a process came to.
#[derive(Debug)]
pub(in crate::cli) struct Recomputed {
    /// What slots came to, from the first.
    pub(in crate::cli) results: Vec<SlotResult>,
    /// Why the slot behind the last of these came to nothing.
    pub(in crate::cli) failed: Option<String>,
    /// The state after the last of these.
    pub(in crate::cli) state: Message,
}

/// Computes slots up to one in a store of its own, which is gone afterwards. With `proves` each
/// assignment's signatures, place and hash chain are verified before it is computed.
pub(in crate::cli) fn recomputed(
    client: &Arc<Client>,
    process: Id,
    to: u64,
    proves: bool,
) -> Result<Recomputed, Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::io(std::env::temp_dir(), error))?;
    let word = if proves { "true" } else { "false" };
    let options = history::deciding(client).with("verify_assignments", word);
    let store = StorePlace::Folder(folder.path().join("store"));
    local::with(store, &options, async |local: &Local| {
        let bar = progress(to + 1, "fetching ");
        history::copy(client, local, process, to, &bar).await?;
        bar.finish_and_clear();
        let bar = progress(to + 1, "computing");
        let done = computed(local, process, to, &bar).await;
        bar.finish_and_clear();
        Ok(done)
    })
}

async fn computed(local: &Local, process: Id, to: u64, bar: &ProgressBar) -> Recomputed {
    let mut done = Recomputed { results: Vec::new(), failed: None, state: Message::new() };
    let mut next = 0;
    while next <= to && done.failed.is_none() {
        let until = to.min(next + AHEAD - 1);
        match local.state(process, until).await {
            Ok(state) => done.state = state,
            Err(reason) => done.failed = Some(reason),
        }
        while next <= until
            && let Some(result) = local.result(process, next).await
        {
            done.results.push(result);
            next += 1;
            bar.inc(1);
        }
    }
    if let (Some(_), Some(last)) = (&done.failed, next.checked_sub(1)) {
        done.state = local.state(process, last).await.unwrap_or_default();
    }
    done
}
