//! The messages of a run, and what is expected of each.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use oxbeam_protocol::Message;
use serde_json::{Map, Value as Json};

use crate::cli::failure::Failure;
use crate::cli::show;

/// A message and what the state after it must be.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) send: Message,
    pub(super) expect: Map<String, Json>,
}

/// The messages of the options, then those of a file.
pub(super) fn steps(messages: &[String], file: Option<&Path>) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for text in messages {
        let wrong = |reason| Failure::Argument { what: "--message", reason };
        steps.push(step(text).map_err(wrong)?);
    }
    if let Some(path) = file {
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::NoFile {
                path: path.to_owned(),
                hint: "a file of messages has a JSON object in each line",
            },
            _ => Failure::io(path, error),
        })?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |reason: String| {
                let reason = format!("line {number}: {reason}");
                Failure::Malformed { path: path.to_owned(), reason }
            };
            steps.push(step(line).map_err(wrong)?);
        }
    }
    Ok(steps)
}

fn step(text: &str) -> Result<Step, String> {
    let mut object = match serde_json::from_str(text) {
        Ok(Json::Object(object)) => object,
        Ok(_) => return Err("a message is a JSON object".into()),
        Err(error) => return Err(error.to_string()),
    };
    match (object.remove("send"), object.remove("expect")) {
        (Some(Json::Object(send)), None) => {
            Ok(Step { send: show::message(&send), ..Step::default() })
        }
        (Some(Json::Object(send)), Some(Json::Object(expect))) => {
            Ok(Step { send: show::message(&send), expect })
        }
        (None, None) => Ok(Step { send: show::message(&object), ..Step::default() }),
        _ => Err("a test has `send` and `expect`, both of them objects".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_a_test() {
        let plain = step(r#"{"action":"Add"}"#).unwrap();
        assert!(plain.expect.is_empty() && plain.send.contains("action"));
        let test = step(r#"{"send":{"action":"Add"},"expect":{"total":1}}"#).unwrap();
        assert!(test.expect.contains_key("total") && test.send.contains("action"));
        for wrong in ["[]", "{", r#"{"send":1}"#, r#"{"expect":{}}"#] {
            assert!(step(wrong).is_err(), "{wrong}");
        }
    }
}
