//! `oxbeam send`: a message to an agent.

use oxbeam_protocol::{Key, Message, Value};
use serde_json::json;

use super::arguments::agent::Send;
use super::client::{Client, own_wallet, signed};
use super::failure::Failure;
use super::{say_line, show};

/// Sends it, and shows what came of it.
pub(super) fn run(arguments: &Send) -> Result<(), Failure> {
    let process = arguments.process;
    let client = Client::of(&arguments.at)?;
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    let message = signed(&addressed(arguments.said.message()?, &process.to_string()), &wallet)?;
    let key = if arguments.no_wait { "schedule" } else { "push" };
    let path = format!("/{process}~process@1.0/{key}");
    let what = format!("the message to {process}");
    let answer = client.post(&path, &message)?.ok(&client, &what)?.message;
    let Some(Value::Integer(slot)) = answer.get("slot").cloned() else {
        return Err(client.strange("a slot"));
    };
    let report = Report { answer, waited: !arguments.no_wait };
    if arguments.at.json {
        let mut shown = json!({ "process": process.to_string(), "id": message.id.to_string(),
            "slot": show::json(&slot.into()) });
        if let (Some(shown), true) = (shown.as_object_mut(), report.waited) {
            shown.insert("results".into(), show::object(&report.results()).into());
            shown.insert("sent".into(), report.sent().iter().map(show::json).collect());
        }
        say_line(&shown.to_string());
        return Ok(());
    }
    say_line(&format!("slot     {slot}\nid       {}", message.id));
    if report.waited {
        report.say();
    }
    Ok(())
}

/// A message to a process, with what the network's processes expect of each.
pub(super) fn addressed(message: Message, process: &str) -> Message {
    let around = Message::from([
        ("target", process),
        ("type", "Message"),
        ("data-protocol", "ao"),
        ("variant", "ao.N.1"),
    ]);
    around.into_iter().chain(message).collect()
}

/// What a push has answered: results, and by number what became of each message that was sent.
struct Report {
    answer: Message,
    waited: bool,
}

impl Report {
    fn results(&self) -> Message {
        let results = self.answer.iter().filter(|(key, _)| !is_number(key) && !is_around(key));
        results.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn sent(&self) -> Vec<Value> {
        let sent = self.answer.ascending().into_iter().filter(|(key, _)| is_number(key));
        sent.map(|(_, report)| report.clone()).collect()
    }

    fn say(&self) {
        let results = self.results();
        super::log::say_results(&results);
        for sent in self.sent().iter().filter_map(Value::as_map) {
            let word = |key| sent.get(key).map(show::text).unwrap_or_default();
            let became = match (sent.get("slot"), sent.get("reason")) {
                (Some(slot), _) => format!("slot {}", show::text(slot)),
                (None, Some(reason)) => show::text(reason),
                (None, None) => word("response"),
            };
            say_line(&format!("arrived  {} as {became}", word("target")));
        }
    }
}

fn is_number(key: &Key) -> bool {
    !key.as_bytes().is_empty() && key.as_bytes().iter().all(u8::is_ascii_digit)
}

/// Keys of the answer that are no results.
fn is_around(key: &Key) -> bool {
    ["slot", "process", "status", "commitments"].iter().any(|name| *key == **name)
}
