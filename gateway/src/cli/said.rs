//! The message that options describe.

use std::fs;

use oxbeam_protocol::Message;
use serde_json::Value as Json;

use super::arguments::agent::Said;
use super::failure::Failure;
use super::show;

impl Said {
    /// The message: the keys of `--message`, and over them those of the other options.
    pub(super) fn message(&self) -> Result<Message, Failure> {
        let mut message = match &self.message {
            Some(text) => object("--message", text)?,
            None => Message::new(),
        };
        for (name, value) in &self.tag {
            message.insert(name.to_lowercase(), value.clone());
        }
        if let Some(action) = &self.action {
            message.insert("action", action.clone());
        }
        if let Some(data) = &self.data {
            message.insert("data", read(data)?);
        }
        Ok(message)
    }
}

/// A message written as a JSON object.
pub(super) fn object(what: &'static str, text: &str) -> Result<Message, Failure> {
    match serde_json::from_str(text) {
        Ok(Json::Object(object)) => Ok(show::message(&object)),
        Ok(_) => Err(Failure::Argument { what, reason: "it must be a JSON object".into() }),
        Err(error) => Err(Failure::Argument { what, reason: error.to_string() }),
    }
}

/// The text itself or, behind `@`, what a file holds.
fn read(data: &str) -> Result<Vec<u8>, Failure> {
    match data.strip_prefix('@') {
        Some(file) => fs::read(file).map_err(|error| Failure::io(file, error)),
        None => Ok(data.as_bytes().to_vec()),
    }
}
