//! What a node says of slots, held against what they came to here.

use oxbeam_protocol::{Id, Message, Value};

use super::Recomputed;
use crate::cli::client::Client;
use crate::cli::failure::Failure;

/// What a slot came to: the id of its results and the hashpath behind it, or why it came to nothing.
type Came = Result<(String, String), String>;

/// A slot as it was computed twice.
#[derive(Debug)]
pub(in crate::cli) struct Compared {
    pub(in crate::cli) slot: u64,
    here: Came,
    there: Came,
}

impl Compared {
    /// Both came to the same. Why a slot came to nothing may be told in other words.
    pub(in crate::cli) fn is_same(&self) -> bool {
        match (&self.here, &self.there) {
            (Ok(here), Ok(there)) => here == there,
            (Err(_), Err(_)) => true,
            _ => false,
        }
    }

    pub(in crate::cli) fn has_result(&self) -> bool {
        self.here.is_ok()
    }

    pub(in crate::cli) fn hashpath(&self) -> Option<&str> {
        self.here.as_ref().ok().map(|(_, hashpath)| &**hashpath)
    }

    pub(in crate::cli) fn here_said(&self) -> String {
        said(&self.here)
    }

    pub(in crate::cli) fn there_said(&self) -> String {
        said(&self.there)
    }
}

fn said(came: &Came) -> String {
    match came {
        Ok((result, hashpath)) => format!("result {result} hashpath {hashpath}"),
        Err(reason) => format!("no result: {reason}"),
    }
}

/// Compares slots, in order, up to the first that came to nothing.
pub(in crate::cli) fn compared(
    client: &Client,
    process: Id,
    here: &Recomputed,
    from: u64,
    to: u64,
    mut each: impl FnMut(Compared),
) -> Result<(), Failure> {
    let mut events = client.events(&format!("/{process}/results?from={from}&to={to}"), None)?;
    for slot in from..=to {
        let there = match events.next()? {
            Some(event) if event.id == Some(slot) => {
                Ok((text(&event.data, "result"), text(&event.data, "hashpath")))
            }
            Some(event) if event.name == "failed" => Err(text(&event.data, "reason")),
            _ => return Err(client.strange("the results of the process")),
        };
        let here = match usize::try_from(slot).ok().and_then(|slot| here.results.get(slot)) {
            Some(result) => Ok((result.result.to_string(), result.hashpath.clone())),
            None => Err(here.failed.clone().unwrap_or_else(|| "it was not computed".to_owned())),
        };
        let is_over = here.is_err() || there.is_err();
        each(Compared { slot, here, there });
        if is_over {
            break;
        }
    }
    Ok(())
}

fn text(data: &Message, key: &str) -> String {
    let text = data.get(key).and_then(Value::as_name);
    text.map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
}
