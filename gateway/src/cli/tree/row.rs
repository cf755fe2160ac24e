//! One actor, as `~supervisor@1.0` shows it.

use std::time::Duration;

use oxbeam_protocol::{List, Message, Value};

/// An actor of the node.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) restarts: u64,
    pub(super) queue: u64,
    pub(super) uptime: Duration,
    /// The type of the message that it handles, and for how long it has.
    pub(super) current: Option<(String, Duration)>,
}

impl Row {
    /// The rows of a page; what is none is left out.
    pub(super) fn of_page(page: &Message) -> Vec<Self> {
        let rows: List = match page.get("rows") {
            Some(Value::List(rows)) => rows.clone(),
            // A list without its type.
            Some(Value::Map(rows)) => {
                (1..=rows.len()).filter_map(|at| rows.get(at.to_string()).cloned()).collect()
            }
            _ => List::default(),
        };
        rows.iter().filter_map(Value::as_map).filter_map(Self::read).collect()
    }

    fn read(row: &Message) -> Option<Self> {
        let current = text(row, "current");
        let busy = Duration::from_millis(number(row, "busy").unwrap_or_default());
        Some(Self {
            id: number(row, "id")?,
            parent: number(row, "parent"),
            name: text(row, "name")?,
            state: text(row, "state")?,
            restarts: number(row, "restarts").unwrap_or_default(),
            queue: number(row, "queue").unwrap_or_default(),
            uptime: Duration::from_millis(number(row, "uptime").unwrap_or_default()),
            current: current.map(|message| (message, busy)),
        })
    }
}

fn number(row: &Message, key: &str) -> Option<u64> {
    match row.get(key)? {
        Value::Integer(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

/// Text for a terminal: nothing of it moves the cursor.
fn text(row: &Message, key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(row.get(key)?.as_name()?).into_owned();
    Some(text.chars().filter(|letter| !letter.is_control()).collect())
}
