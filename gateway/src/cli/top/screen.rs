//! The terminal: keys go to the state, and it is drawn when something has changed.

use std::io;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use super::PERIOD;
use super::draw;
use super::feed::{Feed, Told};
use super::state::{Effect, State};
use crate::cli::failure::Failure;
use crate::cli::supervisor::Supervisor;

/// How long a key is waited for before it is looked whether the node has answered.
const TICK: Duration = Duration::from_millis(100);

/// Shows the node until the user has enough of it.
pub(super) fn run(node: Supervisor, state: State) -> Result<(), Failure> {
    let feed = Feed::start(node).map_err(Failure::Threads)?;
    let mut terminal = ratatui::try_init().map_err(Failure::Terminal)?;
    let watched = Screen { state, feed, looked: None, is_looking: false }.watch(&mut terminal);
    let restored = ratatui::try_restore();
    watched.and(restored).map_err(Failure::Terminal)
}

#[derive(Debug)]
struct Screen {
    state: State,
    feed: Feed,
    /// When the node was last asked.
    looked: Option<Instant>,
    /// Whether it has not answered yet.
    is_looking: bool,
}

impl Screen {
    fn watch(&mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let mut has_changed = true;
        loop {
            let is_due = self.looked.is_none_or(|at| at.elapsed() >= PERIOD);
            if is_due && !self.is_looking {
                self.look();
            }
            if has_changed {
                terminal.draw(|frame| {
                    draw::screen(&self.state, frame.area(), frame.buffer_mut());
                })?;
            }
            has_changed = false;
            if event::poll(TICK)? {
                has_changed = true;
                match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => {
                        let effect = self.state.key(key);
                        if !self.take(effect) {
                            return Ok(());
                        }
                    }
                    _ => {}
                }
            }
            while let Some(told) = self.feed.told().map_err(io::Error::other)? {
                has_changed = true;
                self.hear(told);
            }
        }
    }

    /// Does what a key wants. False for the end.
    fn take(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::None => {}
            Effect::Look => self.look(),
            Effect::Quit => return false,
            Effect::Act(order) => {
                let is_given = self.feed.act(order);
                let word = if is_given { "…" } else { "not done: the node does not answer" };
                self.state.said = Some(word.to_owned());
            }
        }
        true
    }

    fn look(&mut self) {
        self.is_looking |= self.feed.look(&self.state.wanted);
        self.looked = Some(Instant::now());
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Looked(wanted, Ok(look)) => {
                self.is_looking = false;
                self.state.looked(Instant::now(), &wanted, look);
            }
            Told::Looked(_, Err(failure)) => {
                self.is_looking = false;
                self.state.trouble = Some(failure.sentence());
            }
            Told::Acted(done) => {
                self.state.said = Some(done.unwrap_or_else(|failure| failure.sentence()));
                self.look();
            }
        }
    }
}
