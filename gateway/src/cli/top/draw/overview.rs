//! The tree by its parts, and the actors that stand out.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Row, Widget};

use super::table::{self, Column};
use super::{alarming, millis};
use crate::cli::top::look::{Actor, Part};
use crate::cli::top::state::State;
use crate::cli::top::window::Growth;

const PARTS: [Column; 9] = [
    ("part", 0),
    ("actors", 7),
    ("queue", 7),
    ("lag", 7),
    ("quarantined", 11),
    ("backoff", 7),
    ("suspended", 9),
    ("failures/1m", 11),
    ("crashes/1m", 10),
];

const ACTORS: [Column; 8] = [
    ("actor", 0),
    ("state", 11),
    ("queue", 7),
    ("lag", 7),
    ("restarts", 8),
    ("/1m", 4),
    ("msg/s", 7),
    ("at", 24),
];

/// Where not all fits, the parts have half of the screen at most.
pub(super) fn draw(state: &State, actors: &[Actor], area: Rect, buffer: &mut Buffer) {
    let parts = &state.summary.groups;
    let wanted = u16::try_from(parts.len()).unwrap_or(u16::MAX).saturating_add(1);
    let room = area.height.saturating_sub(2) / 2;
    let fits = usize::from(area.height) > parts.len().saturating_add(actors.len());
    let height = if fits { wanted } else { wanted.min(room) };
    let heights = [Constraint::Length(height), Constraint::Length(1), Constraint::Min(0)];
    let [upper, between, lower] = Layout::vertical(heights).areas(area);
    let is_open = |part: &Part| state.wanted.part.as_ref() == Some(&part.name);
    let open = parts.iter().position(is_open);
    table::draw(&PARTS, parts.iter().map(|row| part(state, row)), open, upper, buffer);
    let of = state.wanted.part.as_deref().unwrap_or("the tree");
    let title = format!("actors of {of} by {}", state.wanted.by.word());
    Line::from(title).italic().render(between, buffer);
    self::actors(state, actors, lower, buffer);
}

/// Actors as a table with the cursor.
pub(super) fn actors(state: &State, actors: &[Actor], area: Rect, buffer: &mut Buffer) {
    let rows = actors.iter().map(|row| actor(state, row));
    table::draw(&ACTORS, rows, Some(state.selected), area, buffer);
}

fn part<'a>(state: &State, part: &'a Part) -> Row<'a> {
    let growth = state.part_growth(&part.name);
    let grown = |at: usize| growth.and_then(|it| it.counts.get(at).copied());
    let count = |grown: Option<u64>| {
        Line::from(alarming(
            grown.map_or_else(|| "-".to_owned(), |grown| grown.to_string()),
            grown.unwrap_or_default(),
        ))
    };
    Row::new([
        Line::from(part.name.as_str()),
        Line::from(part.actors.to_string()),
        Line::from(part.queue.to_string()),
        Line::from(millis(part.oldest)),
        Line::from(alarming(part.quarantined.to_string(), part.quarantined)),
        Line::from(part.backoff.to_string()),
        Line::from(part.suspended.to_string()),
        count(grown(0)),
        count(grown(1)),
    ])
}

fn actor<'a>(state: &State, actor: &'a Actor) -> Row<'a> {
    let growth = state.actor_growth(actor);
    let restarts = growth.map_or_else(|| "-".to_owned(), |it| it.counts[0].to_string());
    let path = actor.path.split_once('/').map_or(&*actor.path, |(_, path)| path);
    let at = actor.current.as_ref().map(|message| {
        let busy = millis(actor.busy.unwrap_or_default());
        format!("{message} {busy}")
    });
    let row = Row::new([
        path.to_owned(),
        actor.state.clone(),
        actor.queue.to_string(),
        actor.oldest.map(millis).unwrap_or_default(),
        actor.restarts.to_string(),
        restarts,
        rate(growth),
        at.unwrap_or_default(),
    ]);
    match actor.state.as_str() {
        "quarantined" | "backoff" => row.style(Style::new().red()),
        "suspended" => row.style(Style::new().yellow()),
        _ => row,
    }
}

/// Messages of a second.
fn rate(growth: Option<Growth>) -> String {
    let Some(growth) = growth else { return "-".to_owned() };
    let tenths = u128::from(growth.counts[1]) * 10_000 / growth.over.as_millis().max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_has_one_place_behind_its_point() {
        let growth = |count| Growth { over: Duration::from_secs(4), counts: [0, count] };
        assert_eq!(rate(Some(growth(10))), "2.5");
        assert_eq!(rate(Some(growth(0))), "0.0");
        assert_eq!(rate(None), "-");
    }
}
