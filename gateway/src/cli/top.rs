//! `oxbeam top`: a node on the screen, and what its operator does about it.
//!
//! ```text
//! keys ─► state ─► draw ─► terminal
//!           ▲
//!         feed ◄─► ~supervisor@1.0: the summary and one page, each second
//! ```
//!
//! However many processes a node runs, what is fetched is a screen full: the node picks the actors
//! that stand out.

mod draw;
mod feed;
mod look;
mod screen;
mod state;
mod window;

use std::io::{self, IsTerminal};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::arguments::operator::Top;
use super::client::{Client, own_wallet};
use super::failure::Failure;
use super::say;
use super::supervisor::Supervisor;
use look::Look;
use state::State;

/// How often the node is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Shows the node until the user has enough of it, or prints a frame.
pub(super) fn run(arguments: &Top) -> Result<(), Failure> {
    let client = Client::at(arguments.node.as_deref(), &arguments.configured)?;
    let wallet = arguments.wallet.as_deref().map(|file| own_wallet(Some(file))).transpose()?;
    let node = Supervisor::new(client, wallet);
    let (page, by, part) = (arguments.page, arguments.by, arguments.part.clone());
    let state = State::new(node.url().to_owned(), node.may_act(), page, by, part);
    if arguments.once {
        return once(&node, state);
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let reason = "it is no terminal: `oxbeam top --once` prints one frame".to_owned();
        return Err(Failure::Argument { what: "where this is shown", reason });
    }
    screen::run(node, state)
}

/// Looks twice, because only the second look tells a rate.
fn once(node: &Supervisor, mut state: State) -> Result<(), Failure> {
    for pause in [Duration::ZERO, PERIOD] {
        sleep(pause);
        let wanted = state.wanted.clone();
        let look = Look::at(node, &wanted)?;
        state.looked(Instant::now(), &wanted, look);
    }
    say(&draw::text(&state));
    Ok(())
}

#[cfg(test)]
mod tests;
