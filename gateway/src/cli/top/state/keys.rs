//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Effect, State};
use crate::cli::arguments::operator::Page;
use crate::cli::top::look::Shown;

/// Rows that a page of the cursor has.
const LEAP: usize = 10;

impl State {
    /// Takes a key.
    pub(in crate::cli::top) fn key(&mut self, key: KeyEvent) -> Effect {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Effect::Quit;
        }
        if let Some(confirm) = self.confirm.take() {
            return match key.code {
                KeyCode::Char('y' | 'Y') => Effect::Act(confirm.order),
                _ => Effect::None,
            };
        }
        self.said = None;
        match key.code {
            KeyCode::Char('q') => Effect::Quit,
            KeyCode::Esc | KeyCode::Backspace => self.back(),
            KeyCode::Char('1') => self.turn_to(Page::Actors),
            KeyCode::Char('2') => self.turn_to(Page::Crashes),
            KeyCode::Char('3') => self.turn_to(Page::Quarantine),
            KeyCode::Char('4') => self.turn_to(Page::Outbox),
            KeyCode::Tab => self.turn_to(self.wanted.page.next()),
            KeyCode::Enter => self.open(),
            KeyCode::Char('o') => self.other_order(),
            KeyCode::Char('p') => self.other_part(),
            KeyCode::Char('n') => self.next_page(),
            KeyCode::Char('b') => self.first_page(),
            KeyCode::Char(letter) => self.order(letter),
            code => self.walk(code),
        }
    }

    fn walk(&mut self, code: KeyCode) -> Effect {
        let last = self.shown.len().saturating_sub(1);
        self.selected = match code {
            KeyCode::Up => self.selected.saturating_sub(1),
            KeyCode::Down => self.selected.saturating_add(1),
            KeyCode::PageUp => self.selected.saturating_sub(LEAP),
            KeyCode::PageDown => self.selected.saturating_add(LEAP),
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => self.selected,
        };
        self.selected = self.selected.min(last);
        Effect::None
    }

    fn turn_to(&mut self, page: Page) -> Effect {
        self.wanted.page = page;
        self.wanted.actor = None;
        self.first_page()
    }

    /// The actor under the cursor, or the one that computes the process under it.
    fn open(&mut self) -> Effect {
        let actor = match &self.shown {
            Shown::Actors(rows) => rows.get(self.selected),
            Shown::Actor(Some(detail)) => detail.children.get(self.selected),
            _ => None,
        };
        let Some(actor) = actor.map(|actor| actor.id) else { return Effect::None };
        self.wanted.actor = Some(actor);
        self.first_page()
    }

    fn back(&mut self) -> Effect {
        if self.wanted.actor.take().is_none() && self.wanted.part.take().is_none() {
            return Effect::None;
        }
        self.first_page()
    }

    /// Of actors by what they are sorted, of letters which are shown.
    fn other_order(&mut self) -> Effect {
        match self.wanted.page {
            Page::Actors => self.wanted.by = self.wanted.by.next(),
            Page::Outbox => self.wanted.letters = self.wanted.letters.next(),
            _ => return Effect::None,
        }
        self.first_page()
    }

    /// The next part of the tree; behind the last all of it.
    fn other_part(&mut self) -> Effect {
        let mut names = self.summary.groups.iter().map(|part| &part.name);
        self.wanted.part = match &self.wanted.part {
            None => names.next().cloned(),
            Some(shown) => names.skip_while(|name| *name != shown).nth(1).cloned(),
        };
        self.turn_to(Page::Actors)
    }

    fn next_page(&mut self) -> Effect {
        let Some(next) = self.shown.next().cloned() else { return Effect::None };
        self.page_after(Some(next))
    }

    fn first_page(&mut self) -> Effect {
        self.page_after(None)
    }

    /// Something else is looked at. Until it is there, nothing can be done to what was there before.
    fn page_after(&mut self, place: Option<String>) -> Effect {
        self.wanted.after = place;
        self.shown = Shown::default();
        self.selected = 0;
        Effect::Look
    }
}

impl Page {
    fn next(self) -> Self {
        match self {
            Self::Actors => Self::Crashes,
            Self::Crashes => Self::Quarantine,
            Self::Quarantine => Self::Outbox,
            Self::Outbox => Self::Actors,
        }
    }
}
