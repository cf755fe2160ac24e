//! Draws a tree in text.

use std::collections::{HashMap, HashSet};

use super::row::Row;
use crate::cli::show::time;

/// Actors by their supervisors.
type Children<'a> = HashMap<Option<u64>, Vec<&'a Row>>;

/// The actors as a tree, with what they do in columns beside it.
pub(super) fn tree(rows: &[Row]) -> String {
    let known: HashSet<u64> = rows.iter().map(|row| row.id).collect();
    let mut children = Children::new();
    for row in rows {
        // What has lost its supervisor meanwhile is drawn as a root. Supervisors have smaller
        // numbers than their children, so that nothing is its own ancestor.
        let parent = row.parent.filter(|parent| *parent < row.id && known.contains(parent));
        children.entry(parent).or_default().push(row);
    }
    let mut lines =
        vec![["actor", "state", "restarts", "queue", "uptime", "at"].map(str::to_owned)];
    level(&children, None, "", &mut lines);
    columns(&lines)
}

/// Lines for the children of one supervisor. Recursion ends with the tree's depth.
fn level(children: &Children<'_>, parent: Option<u64>, indent: &str, lines: &mut Vec<[String; 6]>) {
    let rows = children.get(&parent).map(Vec::as_slice).unwrap_or_default();
    for (at, row) in rows.iter().enumerate() {
        let (branch, below) = match (parent, at + 1 == rows.len()) {
            (None, _) => ("", ""),
            (_, true) => ("└── ", "    "),
            (_, false) => ("├── ", "│   "),
        };
        lines.push([
            format!("{indent}{branch}{}", row.name),
            row.state.clone(),
            row.restarts.to_string(),
            row.queue.to_string(),
            time(row.uptime),
            row.current
                .as_ref()
                .map(|(message, busy)| format!("{message} {}", time(*busy)))
                .unwrap_or_default(),
        ]);
        level(children, Some(row.id), &format!("{indent}{below}"), lines);
    }
}

fn columns(lines: &[[String; 6]]) -> String {
    let mut widths = [0; 6];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(widths);
        let padded: Vec<_> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(id: u64, parent: Option<u64>, name: &str) -> Row {
        let (name, state) = (name.to_owned(), "running".to_owned());
        let uptime = Duration::from_secs(90);
        Row { id, parent, name, state, uptime, ..Row::default() }
    }

    #[test]
    fn children_hang_below_their_supervisor() {
        let busy = Row {
            current: Some(("Append".to_owned(), Duration::from_millis(5))),
            ..row(4, Some(1), "devices")
        };
        let rows =
            [row(1, None, "node"), row(2, Some(1), "store"), row(3, Some(2), "writer"), busy];
        let expected = "\
actor           state    restarts  queue  uptime  at
node            running  0         0      1m
├── store       running  0         0      1m
│   └── writer  running  0         0      1m
└── devices     running  0         0      1m      Append 5ms
";
        assert_eq!(tree(&rows), expected);
    }

    #[test]
    fn an_actor_whose_supervisor_is_gone_is_still_shown() {
        assert_eq!(tree(&[row(7, Some(3), "orphan")]).lines().count(), 2);
        assert_eq!(tree(&[row(7, Some(7), "odd")]).lines().count(), 2);
    }
}
