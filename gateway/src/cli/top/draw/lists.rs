//! Crashes, processes that are held, and messages that have not arrived.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Row, Widget, Wrap};

use super::millis;
use super::table::{self, Column};
use crate::cli::top::look::{Aside, Crash, Letter};
use crate::cli::top::state::State;

const CRASHES: &[Column] =
    &[("count", 6), ("last", 6), ("actor", 0), ("place", 24), ("message", 24)];
const QUARANTINE: &[Column] =
    &[("process", 0), ("slot", 8), ("cause", 9), ("held", 10), ("times", 6)];
const OUTBOX: &[Column] =
    &[("letter", 0), ("state", 10), ("target", 43), ("attempts", 8), ("bytes", 8)];
/// Lines for the words of the row under the cursor.
const WORDS: u16 = 5;

pub(super) fn crashes(state: &State, rows: &[Crash], area: Rect, buffer: &mut Buffer) {
    let shown = rows.iter().map(|row| {
        Row::new([
            row.count.to_string(),
            millis(row.last_ago),
            row.path.clone(),
            row.place.clone(),
            row.message.clone().unwrap_or_default(),
        ])
    });
    let selected = rows.get(state.selected);
    let words = selected.map(|row| {
        let location = row.location.as_deref().unwrap_or_default();
        let text = row.text.as_deref().unwrap_or("what it said is for the operator: --wallet");
        format!("{text}\n{location}")
    });
    list(state, "no crashes", (CRASHES, shown), words, area, buffer);
}

pub(super) fn quarantine(
    state: &State,
    rows: &[Aside],
    more: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let shown = rows.iter().map(|row| {
        Row::new([
            row.process.clone(),
            row.slot.to_string(),
            row.cause.clone(),
            row.held.clone(),
            row.times.to_string(),
        ])
    });
    let words = rows.get(state.selected).and_then(|row| row.reason.clone());
    let none = "no process is held";
    list(state, none, (QUARANTINE, shown), with_more(words, more), area, buffer);
}

pub(super) fn outbox(state: &State, rows: &[Letter], more: bool, area: Rect, buffer: &mut Buffer) {
    let shown = rows.iter().map(|row| {
        Row::new([
            row.letter.clone(),
            row.state.clone(),
            row.target.clone(),
            row.attempts.to_string(),
            row.size.to_string(),
        ])
    });
    let words = rows.get(state.selected).and_then(|row| row.last_error.clone());
    let none = format!("no letter is {}", state.wanted.letters.word());
    list(state, &none, (OUTBOX, shown), with_more(words, more), area, buffer);
}

/// A table, and below it the words of the row under the cursor.
fn list<'a>(
    state: &State,
    none: &str,
    (columns, rows): (&[Column], impl ExactSizeIterator<Item = Row<'a>>),
    words: Option<String>,
    area: Rect,
    buffer: &mut Buffer,
) {
    if rows.len() == 0 {
        return Line::from(none).italic().render(area, buffer);
    }
    let height = if words.is_some() { WORDS } else { 0 };
    let heights = [Constraint::Min(2), Constraint::Length(height)];
    let [upper, lower] = Layout::vertical(heights).areas(area);
    table::draw(columns, rows, Some(state.selected), upper, buffer);
    if let Some(words) = words {
        Paragraph::new(words).wrap(Wrap { trim: false }).render(lower, buffer);
    }
}

fn with_more(words: Option<String>, more: bool) -> Option<String> {
    match (words, more) {
        (words, false) => words,
        (words, true) => Some(format!("{}\n(n: the next page)", words.unwrap_or_default())),
    }
}
