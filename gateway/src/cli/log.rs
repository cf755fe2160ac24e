//! `oxbeam log`: what an agent was sent, and what came of it.
//!
//! Messages and results are two streams of the node; a slot is shown when both have it. Following
//! goes on by itself, behind the last slot, when the node was away.

use std::thread::sleep;
use std::time::Duration;

use oxbeam_protocol::{Id, Message, Value};
use serde_json::{Value as Json, json};

use super::arguments::agent::Log;
use super::client::{Client, Event, Events};
use super::failure::Failure;
use super::{note, say_line, show};

/// How long a node that is away is left alone.
const PAUSE: Duration = Duration::from_millis(500);
/// Characters of a value in the list.
const MOST: usize = 200;
/// Keys of a message that say nothing of this one in particular.
const ORDINARY: [&str; 7] =
    ["target", "type", "data-protocol", "variant", "commitments", "signing-format", "data"];

/// Shows the log.
pub(super) fn run(arguments: &Log) -> Result<(), Failure> {
    let client = Client::of(&arguments.at)?;
    let process = arguments.process;
    let head = client.head(process)?;
    let mut shown = Shown { process, next: arguments.from, json: arguments.at.json };
    if !arguments.follow {
        let Some(head) = head.filter(|head| arguments.from <= *head) else { return Ok(()) };
        return shown.until(&client, Some(head));
    }
    let mut away = false;
    loop {
        match shown.until(&client, None) {
            Ok(()) => {}
            Err(Failure::NoNode { .. }) if away => {}
            Err(error @ (Failure::NoNode { .. } | Failure::Refused { status: 503, .. })) => {
                note(&format!("{}; going on when it is back", error.sentence()));
                away = true;
            }
            Err(error) => return Err(error),
        }
        sleep(PAUSE);
    }
}

/// What was shown so far.
struct Shown {
    process: Id,
    next: u64,
    json: bool,
}

impl Shown {
    /// Shows slots until the streams end, or up to a last one.
    fn until(&mut self, client: &Client, last: Option<u64>) -> Result<(), Failure> {
        let (from, process) = (self.next, self.process);
        let to = last.map(|last| format!("&to={last}")).unwrap_or_default();
        let stream = |name| client.events(&format!("/{process}/{name}?from={from}{to}"), None);
        let (mut log, mut results) = (stream("log")?, Some(stream("results")?));
        while let Some(event) = log.next()? {
            let Some(slot) = event.id else { continue };
            let result = result(&mut results, slot)?;
            self.say(slot, &event.data, result.as_ref());
            self.next = slot.saturating_add(1);
        }
        Ok(())
    }

    fn say(&self, slot: u64, about: &Message, result: Option<&Event>) {
        let assignment = about.get("assignment").and_then(Value::as_map);
        let assignment = assignment.cloned().unwrap_or_default();
        let message = assignment.get("body").and_then(Value::as_map).cloned().unwrap_or_default();
        let from = signer(&message);
        if self.json {
            say_line(&as_json(slot, &assignment, &message, from.as_deref(), result).to_string());
            return;
        }
        let from = from.unwrap_or_else(|| "nobody".to_owned());
        say_line(&format!("slot {slot}  {}\n  from     {from}", about_message(&message)));
        match result {
            Some(Event { name, data, .. }) if name == "failed" => {
                let reason = data.get("reason").map(show::text).unwrap_or_default();
                say_line(&format!("  failed   {}", show::line(&reason, MOST)));
            }
            Some(event) => {
                for line in
                    event.data.get("printed").map(show::text).iter().flat_map(|text| text.lines())
                {
                    say_line(&format!("  print    {}", show::line(line, MOST)));
                }
                let results = event.data.get("results").and_then(Value::as_map);
                for line in results.map(lines).unwrap_or_default() {
                    say_line(&format!("  {line}"));
                }
            }
            None => say_line("  waits for a slot before that failed"),
        }
    }
}

/// The result of a slot, from a stream of them; none once one has failed.
fn result(results: &mut Option<Events>, slot: u64) -> Result<Option<Event>, Failure> {
    let Some(events) = results else { return Ok(None) };
    match events.next()? {
        Some(event) if event.id == Some(slot) => Ok(Some(event)),
        event => {
            *results = None;
            Ok(event)
        }
    }
}

fn as_json(
    slot: u64,
    assignment: &Message,
    message: &Message,
    from: Option<&str>,
    result: Option<&Event>,
) -> Json {
    let mut line = json!({ "slot": slot, "message": show::object(message), "from": from,
        "timestamp": assignment.get("timestamp").map(show::json) });
    if let (Some(line), Some(event)) = (line.as_object_mut(), result) {
        let part = |key| event.data.get(key).map_or(Json::Null, show::json);
        match &*event.name {
            "failed" => drop(line.insert("failed".into(), part("reason"))),
            _ => {
                line.insert("results".into(), part("results"));
                line.insert("printed".into(), part("printed"));
                line.insert("hashpath".into(), part("hashpath"));
            }
        }
    }
    line
}

/// Who has signed a message, or which process has sent it.
fn signer(message: &Message) -> Option<String> {
    if let Some(process) = message.get("from-process") {
        return Some(show::text(process));
    }
    let signers = oxbeam_protocol::commitment::committers(message);
    signers.first().map(|signer| signer.to_text().into_owned())
}

/// What a message says, on one line.
pub(super) fn about_message(message: &Message) -> String {
    let is_definition = message.get("type").is_some_and(|kind| kind.is_name("Process"));
    if is_definition {
        let name = message.get("name").map(show::text).unwrap_or_default();
        return show::line(&format!("definition {name}"), MOST);
    }
    let own = message.iter().filter(|(key, _)| ORDINARY.iter().all(|name| **key != **name));
    let mut words: Vec<String> =
        own.map(|(key, value)| format!("{}={}", key.to_text(), as_word(value))).collect();
    if let Some(data) =
        message.get("data").filter(|data| data.as_bytes().is_none_or(|d| !d.is_empty()))
    {
        words.push(format!("data={}", as_word(data)));
    }
    show::line(&words.join(" "), MOST)
}

fn as_word(value: &Value) -> String {
    match show::json(value) {
        Json::String(text) => text,
        json => json.to_string(),
    }
}

/// Shows results.
pub(super) fn say_results(results: &Message) {
    for line in lines(results) {
        say_line(&line);
    }
}

/// What a slot came to: what it prints, what it sends, and what it says else.
pub(super) fn lines(results: &Message) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = results.clone();
    for key in ["output", "data", "print"] {
        for text in rest.remove(key).iter().flat_map(printed) {
            lines.push(format!(
                "{:8} {}",
                if key == "data" { "output" } else { key },
                show::line(&text, MOST)
            ));
        }
    }
    if let Some(error) = rest.remove("error") {
        lines.push(format!("error    {}", show::line(&as_word(&error), MOST)));
    }
    for sent in rest.remove("outbox").iter().flat_map(entries) {
        let to = sent.get("target").map(show::text).unwrap_or_default();
        lines.push(format!("sends    {} to {to}", about_message(&sent)));
    }
    for (key, value) in rest.iter().filter(|(_, value)| !is_empty(value)) {
        let value = show::line(&as_word(value), MOST);
        lines.push(format!("{:8} {value}", show::line(&key.to_text(), MOST)));
    }
    lines
}

/// The lines of an output: its `data`, or all of it.
fn printed(output: &Value) -> Vec<String> {
    let text = match output.as_map().and_then(|output| output.get("data")) {
        Some(data) => as_word(data),
        None => as_word(output),
    };
    text.lines().map(str::to_owned).collect()
}

fn entries(outbox: &Value) -> Vec<Message> {
    let all: Vec<Value> = match outbox {
        Value::List(list) => list.to_vec(),
        Value::Map(map) => map.ascending().into_iter().map(|(_, value)| value.clone()).collect(),
        _ => Vec::new(),
    };
    all.iter().filter_map(Value::as_map).cloned().collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Map(map) => map.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}
