//! `oxbeam cron`: what a node does by the clock, through `~cron@1.0`.

use oxbeam_protocol::{Id, List, Message, Value};
use serde_json::Value as Json;

use super::arguments::agent::{Cron, CronAdd, CronList, CronStop};
use super::client::{Client, own_wallet, signed};
use super::failure::Failure;
use super::{say_line, send, show};

/// Pages of tasks that are shown; nobody reads more.
const MAX_PAGES: usize = 100;

/// Starts, shows or stops tasks.
pub(super) fn run(command: &Cron) -> Result<(), Failure> {
    match command {
        Cron::Add(arguments) => add(arguments),
        Cron::List(arguments) => list(arguments),
        Cron::Stop(arguments) => stop(arguments),
    }
}

fn add(arguments: &CronAdd) -> Result<(), Failure> {
    let client = Client::of(&arguments.at)?;
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    let said = arguments.said.message()?;
    let (key, mut task) = match (&arguments.every, &arguments.after) {
        (Some(interval), _) => ("every", Message::new().with("interval", interval.clone())),
        (None, after) => {
            let delay = after.clone().unwrap_or_else(|| "0-seconds".to_owned());
            ("once", Message::new().with("cron-delay", delay))
        }
    };
    match arguments.path.parse::<Id>() {
        Ok(process) => {
            let message = send::addressed(said, &arguments.path);
            // Each run pushes what was signed once.
            let message = super::client::message(&message, &wallet)?;
            task.insert("cron-path", format!("/{process}~process@1.0/push"));
            task.insert("method", "POST");
            task.insert("body", message);
        }
        Err(_) => {
            task.extend(said);
            task.insert("cron-path", arguments.path.clone());
        }
    }
    if let Some(word) = &arguments.catch_up {
        task.insert("cron-catch-up", word.clone());
    }
    // Two tasks that say the same are two tasks.
    task.insert("task-nonce", format!("{:016x}", fastrand::u64(..)));
    let task = signed(&task, &wallet)?;
    let answer = client.post(&format!("/~cron@1.0/{key}"), &task)?.ok(&client, "the task")?;
    let id = show::text(&answer.into_value());
    say_line(&match arguments.at.json {
        true => serde_json::json!({ "task": id }).to_string(),
        false => format!("task     {id}\n\nnext:\n  oxbeam cron list\n  oxbeam cron stop {id}"),
    });
    Ok(())
}

fn list(arguments: &CronList) -> Result<(), Failure> {
    let client = Client::of(&arguments.at)?;
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    // The path is signed too: an operator sees all tasks.
    let mut after = String::new();
    for _ in 0..MAX_PAGES {
        let path = format!("/~cron@1.0/list{after}");
        let asked = Message::from([("path", path.as_str())]);
        let answer = client.post(&path, &signed(&asked, &wallet)?)?.ok(&client, "the tasks")?;
        let page = answer.message;
        for task in tasks(&page) {
            say_task(&task, arguments.at.json);
        }
        match page.get("next").and_then(Value::as_name) {
            Some(next) => after = format!("&after={}", String::from_utf8_lossy(next)),
            None => break,
        }
    }
    Ok(())
}

fn tasks(page: &Message) -> Vec<Message> {
    let tasks = page.get("tasks").cloned().and_then(|tasks| List::try_from(tasks).ok());
    let tasks = tasks.unwrap_or_default();
    tasks.iter().filter_map(Value::as_map).cloned().collect()
}

fn say_task(task: &Message, as_json: bool) {
    if as_json {
        return say_line(&Json::from(show::object(task)).to_string());
    }
    let word = |key| task.get(key).map(show::text);
    let id = word("id").unwrap_or_default();
    say_line(&format!("task {id}  {}", word("path").unwrap_or_default()));
    for key in ["interval", "next-run", "last-run", "runs", "missed", "last-error"] {
        if let Some(value) = word(key) {
            say_line(&format!("  {key:10} {}", show::line(&value, 200)));
        }
    }
}

fn stop(arguments: &CronStop) -> Result<(), Failure> {
    let client = Client::of(&arguments.at)?;
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    let id = arguments.task.to_string();
    let asked = signed(&Message::from([("task", id.as_str())]), &wallet)?;
    let stopped = client.post("/~cron@1.0/stop", &asked)?.ok(&client, &format!("task {id}"));
    stopped.map_err(|failure| match failure {
        Failure::Refused { status: 400, said, .. } => {
            let reason = format!("{said} `oxbeam cron list` shows those that there are");
            Failure::Argument { what: "the task", reason }
        }
        other => other,
    })?;
    say_line(&match arguments.at.json {
        true => serde_json::json!({ "stopped": id }).to_string(),
        false => format!("stopped  {id}"),
    });
    Ok(())
}
