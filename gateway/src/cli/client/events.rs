//! Server-sent events as they are read. Source: WHATWG HTML, section 9.2.6.

use std::io::{BufRead, BufReader, Read};

use oxbeam_protocol::codec::Json;
use oxbeam_protocol::{Message, Value};

use crate::cli::failure::Failure;

/// Bytes of a line: the largest value that a node keeps, as JSON.
const MAX_LINE: u64 = 256 << 20;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Event {
    /// `message` unless it says otherwise.
    pub(in crate::cli) name: String,
    pub(in crate::cli) id: Option<u64>,
    pub(in crate::cli) data: Message,
}

/// Events as they come.
pub(in crate::cli) struct Events {
    url: String,
    lines: BufReader<Box<dyn Read + Send>>,
}

impl Events {
    pub(super) fn new(url: String, body: impl Read + Send + 'static) -> Self {
        Self { url, lines: BufReader::new(Box::new(body)) }
    }

    /// The next event; none at the end of the stream.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Event>, Failure> {
        let (mut name, mut id, mut data) = ("message".to_owned(), None, String::new());
        while let Some(line) = self.line()? {
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut name),
                "id" => id = value.parse().ok(),
                "data" => data.push_str(value),
                "" if line.is_empty() && !data.is_empty() => {
                    return Ok(Some(Event { name, id, data: self.parsed(data)? }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn parsed(&self, data: String) -> Result<Message, Failure> {
        match Json::decode(&data.into()) {
            Ok(Value::Map(data)) => Ok(data),
            _ => Err(Failure::Strange { url: self.url.clone(), what: "an event".into() }),
        }
    }

    fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut line = String::new();
        let read = (&mut self.lines).take(MAX_LINE).read_line(&mut line);
        let gone = |error: std::io::Error| Failure::NoNode {
            url: self.url.clone(),
            reason: error.to_string(),
        };
        match read.map_err(gone)? {
            0 => Ok(None),
            _ => Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_unknown_fields_are_passed_over() {
        let text =
            ": still there\n\nid: 4\nretry: 1\ndata: {\"a\":1}\n\nevent: failed\ndata: {}\n\n";
        let mut events = Events::new(String::new(), text.as_bytes());
        let first = events.next().unwrap().unwrap();
        assert_eq!((&*first.name, first.id), ("message", Some(4)));
        assert_eq!(first.data.get("a"), Some(&1.into()));
        assert_eq!(events.next().unwrap().unwrap().name, "failed");
        assert_eq!(events.next().unwrap(), None);
    }
}
