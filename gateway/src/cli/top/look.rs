//! What a node shows of itself, and what is asked for to see it. The keys are in `docs/operate.md`.

use serde::Deserialize;

use crate::cli::arguments::operator::{By, Page};
use crate::cli::failure::Failure;
use crate::cli::supervisor::{Question, Supervisor};

/// Rows of a page that are fetched: more than a screen has, and as many whatever the node runs.
const ROWS: usize = 100;

/// What somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) page: Page,
    pub(super) by: By,
    pub(super) part: Option<String>,
    /// An actor, instead of the page.
    pub(super) actor: Option<u64>,
    pub(super) letters: Letters,
    /// The place in a list behind which the page begins.
    pub(super) after: Option<String>,
}

/// Which messages of an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    Dead,
    Waiting,
    Asleep,
}

/// What there is to be seen at one time.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) summary: Summary,
    pub(super) shown: Shown,
}

/// What a page shows, most of it in rows.
#[derive(Debug)]
pub(super) enum Shown {
    Actors(Vec<Actor>),
    /// None if it is gone.
    Actor(Option<Box<Detail>>),
    Crashes(Vec<Crash>),
    Quarantine(Vec<Aside>, Option<String>),
    Outbox(Vec<Letter>, Option<String>),
}

impl Default for Shown {
    fn default() -> Self {
        Self::Actors(Vec::new())
    }
}

/// The tree by its parts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    pub(super) actors: u64,
    pub(super) uptime: u64,
    /// Processes that do not get past a slot.
    pub(super) held: u64,
    pub(super) groups: Vec<Part>,
    pub(super) outbox: Backlog,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) actors: u64,
    pub(super) quarantined: u64,
    pub(super) backoff: u64,
    pub(super) suspended: u64,
    pub(super) queue: u64,
    pub(super) oldest: u64,
    pub(super) failures: u64,
    pub(super) crashes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Backlog {
    pub(super) waiting: u64,
    pub(super) asleep: u64,
    pub(super) dead: u64,
    pub(super) overdue: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Actor {
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) r#type: String,
    pub(super) policy: String,
    pub(super) state: String,
    pub(super) restarts: u64,
    pub(super) budget: Option<u64>,
    pub(super) queue: u64,
    pub(super) queue_limit: u64,
    pub(super) queue_peak: u64,
    pub(super) oldest: Option<u64>,
    pub(super) awaiting: u64,
    pub(super) handled: u64,
    pub(super) refused: u64,
    pub(super) current: Option<String>,
    pub(super) busy: Option<u64>,
    pub(super) last_exit_ago: Option<u64>,
    pub(super) uptime: u64,
}

/// An actor, with what is under it and what holds its process.
#[derive(Debug, Default)]
pub(super) struct Detail {
    pub(super) actor: Actor,
    pub(super) exits: Vec<Exit>,
    pub(super) children: Vec<Actor>,
    pub(super) aside: Option<Aside>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Exit {
    pub(super) reason: String,
    pub(super) ago: u64,
}

/// Panics that are alike.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Crash {
    pub(super) count: u64,
    pub(super) last_ago: u64,
    pub(super) path: String,
    pub(super) place: String,
    pub(super) message: Option<String>,
    pub(super) text: Option<String>,
    pub(super) location: Option<String>,
}

/// A process that does not get past a slot.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Aside {
    pub(super) process: String,
    pub(super) slot: u64,
    pub(super) cause: String,
    pub(super) held: String,
    pub(super) times: u64,
    pub(super) fuel: Option<u64>,
    pub(super) reason: Option<String>,
}

/// A message that has not arrived.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Letter {
    pub(super) letter: String,
    pub(super) state: String,
    pub(super) target: String,
    pub(super) attempts: u64,
    pub(super) size: u64,
    pub(super) last_error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rows {
    rows: Vec<Actor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct One {
    actor: Actor,
    #[serde(default)]
    last_exits: Vec<Exit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Crashes {
    crashes: Vec<Crash>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asides {
    processes: Vec<Aside>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Outbox {
    letters: Vec<Letter>,
    next: Option<String>,
}

impl Look {
    /// Looks: at the whole, and at a page of what is wanted.
    pub(super) fn at(node: &Supervisor, wanted: &Wanted) -> Result<Self, Failure> {
        let summary = node.must(&Question::new("summary"))?;
        Ok(Self { summary, shown: shown(node, wanted)? })
    }
}

fn shown(node: &Supervisor, wanted: &Wanted) -> Result<Shown, Failure> {
    if let Some(actor) = wanted.actor {
        return Ok(Shown::Actor(detail(node, actor)?));
    }
    let question = |key| Question::new(key).with("limit", Some(ROWS));
    Ok(match wanted.page {
        Page::Actors => {
            let question = question("top").with("by", Some(wanted.by.word()));
            let rows: Rows = node.must(&question.with("part", wanted.part.as_ref()))?;
            Shown::Actors(rows.rows)
        }
        Page::Crashes => Shown::Crashes(node.must::<Crashes>(&question("crashes"))?.crashes),
        Page::Quarantine => {
            let question = question("quarantine").with("after", wanted.after.as_ref());
            let page: Asides = node.must(&question)?;
            Shown::Quarantine(page.processes, page.next)
        }
        Page::Outbox => {
            let question = question("outbox").with("of", Some(wanted.letters.word()));
            let page: Outbox = node.must(&question.with("after", wanted.after.as_ref()))?;
            Shown::Outbox(page.letters, page.next)
        }
    })
}

fn detail(node: &Supervisor, actor: u64) -> Result<Option<Box<Detail>>, Failure> {
    let Some(one) = node.ask::<One>(&Question::new("actor").with("actor", Some(actor)))? else {
        return Ok(None);
    };
    let mut detail = Detail { actor: one.actor, exits: one.last_exits, ..Detail::default() };
    if detail.actor.kind == "supervisor" {
        let question = Question::new("children").with("actor", Some(actor));
        let children = node.ask::<Rows>(&question.with("limit", Some(ROWS)))?;
        detail.children = children.unwrap_or_default().rows;
    }
    if let Some(process) = detail.actor.process() {
        let question = Question::new("quarantine").with("process", Some(process));
        let asides = node.ask::<Asides>(&question)?.unwrap_or_default();
        detail.aside = asides.processes.into_iter().next();
    }
    Ok(Some(Box::new(detail)))
}

impl Actor {
    /// The process that it computes or schedules.
    pub(super) fn process(&self) -> Option<&str> {
        self.name.parse::<oxbeam_protocol::Id>().is_ok().then_some(&*self.name)
    }
}

impl By {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Lag => "lag",
            Self::Restarts => "restarts",
        }
    }

    pub(super) fn next(self) -> Self {
        match self {
            Self::Queue => Self::Lag,
            Self::Lag => Self::Restarts,
            Self::Restarts => Self::Queue,
        }
    }
}

impl Letters {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Waiting => "waiting",
            Self::Asleep => "asleep",
        }
    }

    pub(super) fn next(self) -> Self {
        match self {
            Self::Dead => Self::Waiting,
            Self::Waiting => Self::Asleep,
            Self::Asleep => Self::Dead,
        }
    }
}
