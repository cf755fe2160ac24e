//! `oxbeam state`: the state of an agent, or a part of it.

use super::arguments::agent::State;
use super::client::Client;
use super::failure::Failure;
use super::{say_line, show};

/// Shows it.
pub(super) fn run(arguments: &State) -> Result<(), Failure> {
    let client = Client::of(&arguments.at)?;
    let process = arguments.process;
    let (path, slot) = (arguments.path.as_deref().unwrap_or_default(), arguments.slot);
    let part = match path.trim_matches('/') {
        "" => String::new(),
        part => format!("/{part}"),
    };
    let asked = match slot {
        Some(slot) => format!("/{process}~process@1.0/compute&slot={slot}{part}"),
        None => format!("/{process}~process@1.0/now{part}"),
    };
    let what = match &*part {
        "" => format!("the state of {process}"),
        part => format!("{part} of {process}"),
    };
    let value = client.value(&asked, &what)?;
    say_line(&match arguments.at.json {
        true => show::json(&value).to_string(),
        false => show::text(&value),
    });
    Ok(())
}
