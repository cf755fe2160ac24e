//! All that is known of one actor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

use super::{millis, overview};
use crate::cli::top::look::{Actor, Aside, Detail};
use crate::cli::top::state::State;

pub(super) fn draw(state: &State, detail: Option<&Detail>, area: Rect, buffer: &mut Buffer) {
    let Some(detail) = detail else {
        return Line::from("The actor is gone; its supervisor may start another one.")
            .render(area, buffer);
    };
    let mut lines = about(state, &detail.actor);
    lines.extend(
        detail
            .exits
            .iter()
            .rev()
            .map(|exit| line("ended", format!("{} ago: {}", millis(exit.ago), exit.reason))),
    );
    lines.extend(detail.aside.iter().flat_map(aside));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(1);
    let heights = [Constraint::Length(height), Constraint::Min(0)];
    let [upper, lower] = Layout::vertical(heights).areas(area);
    Paragraph::new(lines).render(upper, buffer);
    if !detail.children.is_empty() {
        overview::actors(state, &detail.children, lower, buffer);
    }
}

fn about(state: &State, actor: &Actor) -> Vec<Line<'static>> {
    let growth = state.actor_growth(actor);
    let lately = |at: usize| {
        let growth = growth.and_then(|it| Some((*it.counts.get(at)?, it.over.as_secs())));
        growth.map(|(count, over)| format!(", {count} in {over}s")).unwrap_or_default()
    };
    let budget = actor.budget.map(|left| format!(", {left} left before its supervisor gives up"));
    let lag = actor.oldest.map(|oldest| format!(", the first for {}", millis(oldest)));
    let busy = millis(actor.busy.unwrap_or_default());
    let at = actor.current.as_ref().map(|message| format!("{message} for {busy}"));
    vec![
        line("actor", actor.path.clone()),
        line("type", format!("{} ({}, {})", actor.r#type, actor.kind, actor.policy)),
        line("state", format!("{} for {}", actor.state, millis(actor.uptime))),
        line("restarts", format!("{}{}{}", actor.restarts, lately(0), budget.unwrap_or_default())),
        line(
            "queue",
            format!(
                "{} of {}, at most {}{}",
                actor.queue,
                actor.queue_limit,
                actor.queue_peak,
                lag.unwrap_or_default()
            ),
        ),
        line(
            "messages",
            format!(
                "{} handled{}, {} refused, {} awaited",
                actor.handled,
                lately(1),
                actor.refused,
                actor.awaiting
            ),
        ),
        line("at", at.unwrap_or_else(|| "nothing".to_owned())),
    ]
}

fn aside(aside: &Aside) -> Vec<Line<'static>> {
    let fuel = aside.fuel.map(|fuel| format!(", with {fuel} of fuel")).unwrap_or_default();
    let mut lines = vec![line(
        "held",
        format!(
            "{} at slot {} ({}, {} times{fuel})",
            aside.held, aside.slot, aside.cause, aside.times
        ),
    )];
    lines.extend(aside.reason.iter().map(|reason| line("because", reason.clone())));
    lines
}

fn line(name: &str, value: String) -> Line<'static> {
    Line::from(vec![Span::from(format!("{name:10}")).bold(), Span::from(value)])
}
