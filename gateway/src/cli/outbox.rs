//! `oxbeam outbox`: messages of processes that have not arrived, through `~supervisor@1.0`.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::arguments::operator::{Outbox, OutboxCommand, Retry, Which};
use super::client::{Client, own_wallet};
use super::failure::Failure;
use super::supervisor::{Order, Question, Supervisor};
use super::{say_line, show};

/// Pages of letters that are looked at, of a hundred each; nobody reads more.
const MAX_PAGES: usize = 1000;

/// A page of letters, as the node has written them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    letters: Vec<Json>,
    next: Option<String>,
}

/// Shows letters, or has them tried again.
pub(super) fn run(arguments: &Outbox) -> Result<(), Failure> {
    match &arguments.retry {
        Some(OutboxCommand::Retry(arguments)) => retry(arguments),
        None => list(arguments),
    }
}

fn list(arguments: &Outbox) -> Result<(), Failure> {
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    let supervisor = Supervisor::new(Client::of(&arguments.at)?, Some(wallet));
    let process = arguments.process.map(|process| process.to_string());
    let kinds: &[&str] = if arguments.dead { &["dead"] } else { &["waiting", "asleep", "dead"] };
    for kind in kinds {
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let question = Question::new("outbox").with("of", Some(kind)).with("after", after);
            let page: Page = supervisor.must(&question)?;
            let is_meant =
                |letter: &&Json| process.as_deref().is_none_or(|id| letter["process"] == id);
            for letter in page.letters.iter().filter(is_meant) {
                say_letter(letter, arguments.at.json);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn say_letter(letter: &Json, as_json: bool) {
    if as_json {
        return say_line(&letter.to_string());
    }
    let word = |key: &str| match &letter[key] {
        Json::Null => None,
        Json::String(text) => Some(show::line(text, 200)),
        other => Some(other.to_string()),
    };
    say_line(&format!("letter {}", word("letter").unwrap_or_default()));
    for key in ["state", "target", "attempts", "last-error"] {
        if let Some(value) = word(key) {
            say_line(&format!("  {key:10} {value}"));
        }
    }
}

fn retry(arguments: &Retry) -> Result<(), Failure> {
    let wallet = own_wallet(arguments.signer.wallet.as_deref())?;
    let supervisor = Supervisor::new(Client::of(&arguments.at)?, Some(wallet));
    let answer = supervisor.act(&order(&arguments.which))?;
    let redriven = answer.get("redriven").map_or(Json::Null, show::json);
    let more = answer.get("more").is_some_and(|more| more.is_name("true"));
    say_line(&match arguments.at.json {
        true => json!({ "redriven": redriven, "more": more }).to_string(),
        false => answer.get("body").map(show::text).unwrap_or_default(),
    });
    if more && !arguments.at.json {
        super::note("there are more: say it again");
    }
    Ok(())
}

fn order(which: &Which) -> Order {
    let word = match which {
        Which { letter: Some(letter), .. } => ("letter", letter.clone()),
        Which { target: Some(target), .. } => ("target", target.clone()),
        Which { .. } => ("all", "true".to_owned()),
    };
    Order { action: "redrive", words: vec![word] }
}
