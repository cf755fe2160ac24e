//! A thread that asks the node, so that keys are taken while it takes its time to answer.

use std::io;
use std::iter::once;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use super::look::{Look, Wanted};
use crate::cli::failure::Failure;
use crate::cli::show;
use crate::cli::supervisor::{Order, Supervisor};

/// Orders and looks that wait for an answer. Nobody types faster than that for long.
const WAITING: usize = 8;

enum Ask {
    Look(Wanted),
    Act(Order),
}

/// What came of what was asked.
pub(super) enum Told {
    Looked(Wanted, Result<Look, Failure>),
    Acted(Result<String, Failure>),
}

/// The node, behind its thread.
#[derive(Debug)]
pub(super) struct Feed {
    asks: SyncSender<Ask>,
    told: Receiver<Told>,
}

impl Feed {
    pub(super) fn start(node: Supervisor) -> io::Result<Self> {
        let (asks, asked) = sync_channel::<Ask>(WAITING);
        let (tell, told) = sync_channel(WAITING);
        let run = move || {
            while let Ok(first) = asked.recv() {
                let asks = once(first).chain(asked.try_iter()).collect();
                for ask in still_meant(asks) {
                    if tell.send(answer(&node, ask)).is_err() {
                        return;
                    }
                }
            }
        };
        thread::Builder::new().name("feed".to_owned()).spawn(run)?;
        Ok(Self { asks, told })
    }

    /// Has the node looked at. False if too much is asked for already.
    pub(super) fn look(&self, wanted: &Wanted) -> bool {
        self.asks.try_send(Ask::Look(wanted.clone())).is_ok()
    }

    /// Gives an order. False if too much is asked for already: it is not given.
    pub(super) fn act(&self, order: Order) -> bool {
        self.asks.try_send(Ask::Act(order)).is_ok()
    }

    /// What the node has told meanwhile; an error if it never will.
    pub(super) fn told(&self) -> Result<Option<Told>, TryRecvError> {
        match self.told.try_recv() {
            Ok(told) => Ok(Some(told)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(gone) => Err(gone),
        }
    }
}

/// Of looks that have piled up while the node took its time nobody waits but for the last.
fn still_meant(asks: Vec<Ask>) -> impl Iterator<Item = Ask> {
    let last = asks.iter().rposition(|ask| matches!(ask, Ask::Look(_)));
    let asks = asks.into_iter().enumerate();
    asks.filter(move |(at, ask)| matches!(ask, Ask::Act(_)) || Some(*at) == last)
        .map(|(_, ask)| ask)
}

fn answer(node: &Supervisor, ask: Ask) -> Told {
    match ask {
        Ask::Look(wanted) => {
            let look = Look::at(node, &wanted);
            Told::Looked(wanted, look)
        }
        Ask::Act(order) => Told::Acted(act(node, &order)),
    }
}

fn act(node: &Supervisor, order: &Order) -> Result<String, Failure> {
    let answer = node.act(order)?;
    Ok(answer.get("body").map(show::text).unwrap_or_else(|| format!("{}: done", order.action)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::operator::{By, Page};
    use crate::cli::top::look::Letters;

    #[test]
    fn only_the_last_of_looks_that_piled_up_is_made_and_every_order_given() {
        let look = |page| {
            let (part, actor, after) = (None, None, None);
            Ask::Look(Wanted { page, by: By::Lag, part, actor, letters: Letters::Dead, after })
        };
        let order = |action| Ask::Act(Order { action, words: Vec::new() });
        let asks = vec![
            look(Page::Crashes),
            order("restart"),
            look(Page::Outbox),
            look(Page::Quarantine),
            order("resume"),
        ];
        let meant: Vec<String> = still_meant(asks)
            .map(|ask| match ask {
                Ask::Look(wanted) => format!("{:?}", wanted.page),
                Ask::Act(order) => order.action.to_owned(),
            })
            .collect();
        assert_eq!(meant, ["restart", "Quarantine", "resume"]);
    }
}
