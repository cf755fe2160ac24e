//! What is expected of a state, and whether it holds.

use oxbeam_protocol::{Message, Value};
use serde_json::{Map, Value as Json, json};

use crate::cli::{log, say_line, show};

/// The word for a slot that has no state.
const FAILED: &str = "failed";

/// An expectation that was looked at.
#[derive(Debug)]
pub(super) struct Seen {
    path: String,
    should: Json,
    is: Json,
    pub(super) holds: bool,
}

/// Looks at all that is expected of a state.
pub(super) fn of(expect: &Map<String, Json>, state: &Result<Message, String>) -> Vec<Seen> {
    let seen = expect.iter().map(|(path, should)| {
        let (is, holds) = match state {
            Ok(state) => {
                let is = part(state, path);
                let holds = path != FAILED && is == *should;
                (is, holds)
            }
            Err(reason) => {
                let part = should.as_str().unwrap_or_default();
                (json!({ "failed": reason }), path == FAILED && reason.contains(part))
            }
        };
        Seen { path: path.clone(), should: should.clone(), is, holds }
    });
    seen.collect()
}

/// A part of a state, as JSON; null if there is none. Lists count from 1.
fn part(state: &Message, path: &str) -> Json {
    let mut at = Json::from(show::object(state));
    for key in path.split('/').filter(|key| !key.is_empty()) {
        let next = match &at {
            Json::Object(object) => object.get(key),
            Json::Array(items) => {
                let index = key.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                index.and_then(|index| items.get(index))
            }
            _ => None,
        };
        at = next.cloned().unwrap_or_default();
    }
    at
}

/// Shows a slot.
pub(super) fn say(
    slot: u64,
    message: &Message,
    state: &Result<Message, String>,
    seen: &[Seen],
    as_json: bool,
) {
    let results = state.as_ref().ok().and_then(|state| state.get("results"));
    if as_json {
        let expected: Vec<Json> = seen
            .iter()
            .map(|one| json!({ "path": one.path, "should": one.should, "is": one.is, "holds": one.holds }))
            .collect();
        let line = json!({ "slot": slot, "message": show::object(message),
            "results": results.map(show::json), "failed": state.as_ref().err(), "expected": expected });
        return say_line(&line.to_string());
    }
    say_line(&format!("slot {slot}  {}", log::about_message(message)));
    for line in results.and_then(Value::as_map).map(log::lines).unwrap_or_default() {
        say_line(&format!("  {line}"));
    }
    if let Err(reason) = state {
        say_line(&format!("  failed   {}", show::lines(reason)));
    }
    for one in seen.iter().filter(|one| !one.holds) {
        say_line(&format!("  expected {} to be {}, it is {}", one.path, one.should, one.is));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str) -> Map<String, Json> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn parts_of_a_state_are_compared() {
        let list = show::value(&json!([4, 5]));
        let state = Ok(Message::new().with("a", Message::new().with("b", list)));
        let seen = of(&expect(r#"{"a/b/2":5,"a/b":[4,5],"a/c":null,"x":1}"#), &state);
        let holds: Vec<_> = seen.iter().map(|seen| (&*seen.path, seen.holds)).collect();
        assert_eq!(holds, [("a/b", true), ("a/b/2", true), ("a/c", true), ("x", false)]);
    }

    #[test]
    fn a_failure_can_be_expected() {
        let failed = Err("boom at line 3".to_owned());
        assert!(of(&expect(r#"{"failed":"boom"}"#), &failed)[0].holds);
        assert!(!of(&expect(r#"{"failed":"other"}"#), &failed)[0].holds);
        assert!(!of(&expect(r#"{"failed":"boom"}"#), &Ok(Message::new()))[0].holds);
    }
}
