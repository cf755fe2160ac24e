//! Draws the state: what it is, then the page, then which keys there are.
//!
//! ```text
//! oxbeam top  http://…  up 3h  10012 actors  queue 3  lag 12ms  outbox 0 waiting …
//! [1 actors] 2 crashes 3 quarantine 4 outbox
//! (the page)
//! (a question, what came of an order, or the keys)
//! ```

mod actor;
mod lists;
mod overview;
mod table;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::look::Shown;
use super::state::State;
use crate::cli::arguments::operator::Page;
use crate::cli::show::time;

/// Columns of a frame that is printed: ids fit in.
const PRINTED: u16 = 160;
/// Rows of it, at most.
const MAX_PRINTED: u16 = 200;

/// Draws the whole screen.
pub(super) fn screen(state: &State, area: Rect, buffer: &mut Buffer) {
    let line = Constraint::Length(1);
    let [head, tabs, body, foot] =
        Layout::vertical([line, line, Constraint::Min(0), line]).areas(area);
    summary(state).render(head, buffer);
    pages(state).render(tabs, buffer);
    page(state, body, buffer);
    footer(state).render(foot, buffer);
}

/// The summary and the page as text, as long as they are.
pub(super) fn text(state: &State) -> String {
    let parts = state.summary.groups.len();
    let rows = state.shown.len().saturating_add(parts).saturating_add(4);
    let height = u16::try_from(rows).unwrap_or(MAX_PRINTED).min(MAX_PRINTED);
    let area = Rect::new(0, 0, PRINTED, height);
    let mut buffer = Buffer::empty(area);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    summary(state).render(head, &mut buffer);
    page(state, body, &mut buffer);
    let lines = buffer.content().chunks(usize::from(PRINTED)).map(|cells| {
        let line: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        format!("{}\n", line.trim_end())
    });
    let text: String = lines.collect();
    format!("{}\n", text.trim_end())
}

fn page(state: &State, area: Rect, buffer: &mut Buffer) {
    let is_overview = state.wanted.actor.is_none() && state.wanted.page == Page::Actors;
    match &state.shown {
        // What is wanted has not come yet.
        Shown::Actors(_) if !is_overview => Line::from("…").render(area, buffer),
        Shown::Actors(actors) => overview::draw(state, actors, area, buffer),
        Shown::Actor(detail) => actor::draw(state, detail.as_deref(), area, buffer),
        Shown::Crashes(rows) => lists::crashes(state, rows, area, buffer),
        Shown::Quarantine(rows, next) => {
            lists::quarantine(state, rows, next.is_some(), area, buffer);
        }
        Shown::Outbox(rows, next) => lists::outbox(state, rows, next.is_some(), area, buffer),
    }
}

fn summary(state: &State) -> Line<'_> {
    let summary = &state.summary;
    let (queue, lag) = state.load();
    let quarantined: u64 = summary.groups.iter().map(|part| part.quarantined).sum();
    let outbox = &summary.outbox;
    let uptime = time(Duration::from_millis(summary.uptime));
    let mut line = Line::from(vec![
        Span::from("oxbeam top").bold(),
        Span::from(format!("  {}  up {uptime}  {} actors", state.url, summary.actors)),
        Span::from(format!("  queue {queue}  lag {}", time(lag))),
        alarming(format!("  held {}", summary.held), summary.held),
        Span::from(format!("  outbox {} waiting {} asleep", outbox.waiting, outbox.asleep)),
        alarming(format!(" {} dead", outbox.dead), outbox.dead),
    ]);
    if quarantined > 0 {
        line.push_span(alarming(format!("  quarantined {quarantined}"), quarantined));
    }
    if outbox.overdue > 0 {
        let overdue = time(Duration::from_millis(outbox.overdue));
        line.push_span(format!("  overdue {overdue}"));
    }
    line
}

fn pages(state: &State) -> Line<'static> {
    let pages = [
        (Page::Actors, " 1 actors "),
        (Page::Crashes, " 2 crashes "),
        (Page::Quarantine, " 3 quarantine "),
        (Page::Outbox, " 4 outbox "),
    ];
    let is_open = |page| page == state.wanted.page;
    let tabs = pages
        .map(|(page, name)| if is_open(page) { Span::from(name).reversed() } else { name.into() });
    Line::from(tabs.to_vec())
}

fn footer(state: &State) -> Line<'_> {
    if let Some(confirm) = &state.confirm {
        let question = format!(" {}  y: yes, any other key: no ", confirm.question);
        return Line::from(question).style(Style::new().black().on_yellow());
    }
    if let Some(trouble) = &state.trouble {
        return Line::from(trouble.as_str()).style(Style::new().fg(Color::Red));
    }
    if let Some(said) = &state.said {
        return Line::from(said.as_str()).bold();
    }
    Line::from(keys(state)).dim()
}

fn keys(state: &State) -> &'static str {
    match (&state.wanted.actor, state.wanted.page) {
        (Some(_), _) => "esc back  enter child  r restart  s suspend  u resume  a abandon  q quit",
        (None, Page::Actors) => {
            "enter open  o order  p part  r restart  s suspend  u resume  a abandon  q quit"
        }
        (None, Page::Crashes) => "tab next page  q quit",
        (None, Page::Quarantine) => "u resume  a abandon  n next  b first  q quit",
        (None, Page::Outbox) => {
            "d redrive  t all of its target  A all dead  o other letters  n next  b first  q quit"
        }
    }
}

/// Text that is red unless the number is 0.
fn alarming(text: String, number: u64) -> Span<'static> {
    if number == 0 { text.into() } else { Span::from(text).red() }
}

fn millis(milliseconds: u64) -> String {
    time(Duration::from_millis(milliseconds))
}
