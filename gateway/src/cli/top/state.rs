//! What is on the screen, as it follows from what was looked at and which keys were pressed.

mod keys;
mod orders;

use std::time::{Duration, Instant};

use super::look::{Actor, Letters, Look, Shown, Summary, Wanted};
use super::window::{Growth, Window};
use crate::cli::arguments::operator::{By, Page};
use crate::cli::supervisor::Order;

/// What is to be done because of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing but drawing.
    None,
    /// Something else is to be looked at.
    Look,
    /// The operator wants this, and has said so twice.
    Act(Order),
    /// The end.
    Quit,
}

/// An order that waits for a yes.
#[derive(Debug)]
pub(super) struct Confirm {
    pub(super) order: Order,
    pub(super) question: String,
}

/// All that is drawn.
#[derive(Debug)]
pub(super) struct State {
    pub(super) url: String,
    pub(super) may_act: bool,
    pub(super) wanted: Wanted,
    /// The row under the cursor.
    pub(super) selected: usize,
    pub(super) summary: Summary,
    pub(super) shown: Shown,
    pub(super) confirm: Option<Confirm>,
    /// What came of the last order.
    pub(super) said: Option<String>,
    /// Why there is nothing newer to see.
    pub(super) trouble: Option<String>,
    parts: Window<String>,
    actors: Window<u64>,
}

impl State {
    pub(super) fn new(
        url: String,
        may_act: bool,
        page: Page,
        by: By,
        part: Option<String>,
    ) -> Self {
        let letters = Letters::Dead;
        Self {
            url,
            may_act,
            wanted: Wanted { page, by, part, actor: None, letters, after: None },
            selected: 0,
            summary: Summary::default(),
            shown: Shown::default(),
            confirm: None,
            said: None,
            trouble: None,
            parts: Window::new(),
            actors: Window::new(),
        }
    }

    /// Takes in what was seen, unless something else is wanted by now.
    pub(super) fn looked(&mut self, at: Instant, wanted: &Wanted, look: Look) {
        self.trouble = None;
        if look.summary.uptime < self.summary.uptime {
            // Another life of the node: its counters and the numbers of its actors begin anew.
            (self.parts, self.actors) = (Window::new(), Window::new());
        }
        for part in &look.summary.groups {
            self.parts.note(at, part.name.clone(), [part.failures, part.crashes]);
        }
        self.parts.forget(at);
        self.summary = look.summary;
        if *wanted != self.wanted {
            return;
        }
        let under_cursor = self.shown.name(self.selected);
        self.shown = look.shown;
        self.note_actors(at);
        let again = under_cursor.and_then(|name| self.shown.position(&name));
        self.selected = again.unwrap_or(self.selected).min(self.shown.len().saturating_sub(1));
    }

    fn note_actors(&mut self, at: Instant) {
        let actors: &[Actor] = match &self.shown {
            Shown::Actors(actors) => actors,
            Shown::Actor(Some(detail)) => std::slice::from_ref(&detail.actor),
            _ => &[],
        };
        for actor in actors {
            self.actors.note(at, actor.id, [actor.restarts, actor.handled]);
        }
        self.actors.forget(at);
        if let (Shown::Actors(actors), By::Restarts) = (&mut self.shown, self.wanted.by) {
            // Of those that ended last, first who did so most often lately.
            let often = |actor: &Actor| self.actors.growth(&actor.id).map_or(0, |it| it.counts[0]);
            actors
                .sort_by_cached_key(|actor| (std::cmp::Reverse(often(actor)), actor.last_exit_ago));
        }
    }

    /// How a part's failures and crashes have grown.
    pub(super) fn part_growth(&self, name: &str) -> Option<Growth> {
        self.parts.growth(&name.to_owned())
    }

    /// How an actor's restarts and messages have grown.
    pub(super) fn actor_growth(&self, actor: &Actor) -> Option<Growth> {
        self.actors.growth(&actor.id)
    }

    /// Messages of all queues, and the longest wait.
    pub(super) fn load(&self) -> (u64, Duration) {
        let groups = &self.summary.groups;
        let oldest = groups.iter().map(|part| part.oldest).max().unwrap_or_default();
        (groups.iter().map(|part| part.queue).sum(), Duration::from_millis(oldest))
    }
}

impl Shown {
    /// How many rows there are to choose from.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Actors(rows) => rows.len(),
            Self::Actor(detail) => detail.as_ref().map_or(0, |detail| detail.children.len()),
            Self::Crashes(rows) => rows.len(),
            Self::Quarantine(rows, _) => rows.len(),
            Self::Outbox(rows, _) => rows.len(),
        }
    }

    /// What a row is called, by which it is found again when others have come before it.
    fn name(&self, at: usize) -> Option<String> {
        match self {
            Self::Actors(rows) => rows.get(at).map(|row| row.id.to_string()),
            Self::Actor(detail) => Some(detail.as_ref()?.children.get(at)?.id.to_string()),
            Self::Crashes(rows) => rows.get(at).map(|row| format!("{}{:?}", row.path, row.text)),
            Self::Quarantine(rows, _) => rows.get(at).map(|row| row.process.clone()),
            Self::Outbox(rows, _) => rows.get(at).map(|row| row.letter.clone()),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        (0..self.len()).find(|at| self.name(*at).as_deref() == Some(name))
    }

    /// Where the next page begins.
    fn next(&self) -> Option<&String> {
        match self {
            Self::Quarantine(_, next) | Self::Outbox(_, next) => next.as_ref(),
            _ => None,
        }
    }
}
