//! `oxbeam replay`: slots computed again on this machine, and compared with what the node says of them.

mod compared;
mod recomputed;

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

pub(super) use compared::{Compared, compared};
pub(super) use recomputed::{Recomputed, recomputed};

use super::arguments::agent::Replay;
use super::client::Client;
use super::failure::Failure;
use super::{history, say_line, show};

/// Computes the log up to the last slot, and compares the slots that are asked for.
pub(super) fn run(arguments: &Replay) -> Result<ExitCode, Failure> {
    let client = Arc::new(Client::of(&arguments.at)?);
    let (process, from) = (arguments.process, arguments.from);
    let to = history::last(&client, process, arguments.to)?;
    if from > to {
        let reason = match arguments.to {
            Some(asked) if asked < from => format!("{from} comes after --to {asked}"),
            _ => format!("{from} comes after the last slot, {to}"),
        };
        return Err(Failure::Argument { what: "--from", reason });
    }
    // Whether the log is to be believed is what `oxbeam verify` looks at.
    let here = recomputed(&client, process, to, false)?;
    let mut same = true;
    compared(&client, process, &here, from, to, |slot| {
        same &= slot.is_same();
        say(&slot, arguments.at.json);
    })?;
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(slot: &Compared, as_json: bool) {
    if as_json {
        let line = json!({ "slot": slot.slot, "same": slot.is_same(), "hashpath": slot.hashpath(),
            "here": slot.here_said(), "there": slot.there_said() });
        return say_line(&line.to_string());
    }
    match slot.is_same() {
        true => say_line(&format!("slot {}  same  {}", slot.slot, slot.here_said())),
        false => say_line(&format!(
            "slot {}  differs\n  here   {}\n  there  {}",
            slot.slot,
            show::line(&slot.here_said(), 400),
            show::line(&slot.there_said(), 400)
        )),
    }
}
