//! Which orders there are for what is under the cursor. Each is asked about before it is given.

use super::{Confirm, Effect, State};
use crate::cli::supervisor::Order;
use crate::cli::top::look::{Actor, Shown};

/// What is said to whoever has no wallet.
const ONLY_LOOKS: &str = "this takes the operator's signature: start with --wallet FILE";

impl State {
    /// Asks whether the order of a key is meant, if it has one here.
    pub(super) fn order(&mut self, letter: char) -> Effect {
        let Some(confirm) = self.meant_by(letter) else { return Effect::None };
        match self.may_act {
            true => self.confirm = Some(confirm),
            false => self.said = Some(ONLY_LOOKS.to_owned()),
        }
        Effect::None
    }

    fn meant_by(&self, letter: char) -> Option<Confirm> {
        match &self.shown {
            Shown::Actors(actors) => of_actor(letter, actors.get(self.selected)?),
            Shown::Actor(Some(detail)) => match (&detail.aside, letter) {
                (Some(aside), 'u' | 'a') => of_process(letter, &aside.process),
                _ => of_actor(letter, &detail.actor),
            },
            Shown::Quarantine(rows, _) => of_process(letter, &rows.get(self.selected)?.process),
            Shown::Outbox(letters, _) => {
                let row = letters.get(self.selected)?;
                of_letter(letter, &row.letter, &row.target)
            }
            _ => None,
        }
    }
}

fn of_actor(letter: char, actor: &Actor) -> Option<Confirm> {
    let action = match letter {
        'r' => "restart",
        's' => "suspend",
        'u' => "resume",
        'a' => return of_process(letter, actor.process()?),
        _ => return None,
    };
    // By its path: in another life of the node the number is that of another one.
    let word = ("actor", actor.path.clone());
    Some(confirm(action, word, format!("{action} {}?", actor.path)))
}

fn of_process(letter: char, process: &str) -> Option<Confirm> {
    let word = ("process", process.to_owned());
    Some(match letter {
        'u' => confirm("resume", word, format!("let process {process} try its slot again?")),
        'a' => confirm("abandon", word, format!("compute no further slot of process {process}?")),
        _ => return None,
    })
}

fn of_letter(key: char, letter: &str, target: &str) -> Option<Confirm> {
    Some(match key {
        'd' => {
            let word = ("letter", letter.to_owned());
            confirm("redrive", word, format!("try letter {letter} again?"))
        }
        't' => {
            let word = ("target", target.to_owned());
            confirm("redrive", word, format!("try all dead letters to {target} again?"))
        }
        'A' => {
            let word = ("all", "true".to_owned());
            confirm("redrive", word, "try all dead letters again?".to_owned())
        }
        _ => return None,
    })
}

fn confirm(action: &'static str, word: (&'static str, String), question: String) -> Confirm {
    Confirm { order: Order { action, words: vec![word] }, question }
}
