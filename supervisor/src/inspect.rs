//! Looking at the whole tree without disturbing it.

mod index;
mod part;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    num::NonZeroU64,
    sync::Arc,
    time::Duration,
};

pub(crate) use index::Index;
pub use part::Part;
pub(crate) use part::parts;

use crate::{exit::ExitReason, spec::Kind};

/// An actor's number. Unique in the program, and ascending in the order of first starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub(crate) NonZeroU64);

impl ActorId {
    /// The number itself, as [`fmt::Display`] shows it behind a `#`.
    #[must_use]
    pub fn number(self) -> NonZeroU64 {
        self.0
    }
}

/// A number that somebody read in a snapshot; there may be no such actor any more.
impl From<NonZeroU64> for ActorId {
    fn from(number: NonZeroU64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What an actor is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Being built, or not yet done with its start.
    Starting,
    /// Handling messages, or waiting for one.
    Running,
    /// Keeping its messages waiting by order.
    Suspended,
    /// Asked to end.
    Stopping,
    /// Ended; its supervisor decides.
    Down,
    /// Ended; starts again after a while.
    Backoff,
    /// Left because it was idle; starts with the next message.
    Asleep,
    /// Ended too often; waits for somebody to resume it.
    Quarantined,
    /// Ended for good.
    Gone,
}

/// What never changes of an actor.
#[derive(Debug, Clone)]
pub struct About {
    /// Its number.
    pub id: ActorId,
    /// Its supervisor; none for a root.
    pub parent: Option<ActorId>,
    /// Its ancestors from the root, and its own name, with slashes between.
    pub path: Arc<str>,
    /// Worker or supervisor.
    pub kind: Kind,
    /// How it is restarted and stopped, in words.
    pub policy: &'static str,
}

impl About {
    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// How many ancestors it has.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.path.matches('/').count()
    }
}

/// The message that an actor is handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current {
    /// Its type.
    pub message: &'static str,
    /// For how long so far. Most messages are over before a clock could be read, so this counts from
    /// when somebody first looked: a snapshot, or the watchdog ([`crate::watch`]) within two periods.
    pub busy: Duration,
}

/// One end of an actor.
#[derive(Debug, Clone, PartialEq)]
pub struct LastExit {
    /// How it ended.
    pub reason: ExitReason,
    /// How long ago.
    pub ago: Duration,
}

/// A message that was traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traced {
    /// Its type.
    pub message: &'static str,
    /// How long it was in the actor's hands. What the handler leaves to a future is not counted.
    pub took: Duration,
    /// How long ago that ended.
    pub ago: Duration,
}

/// What a trace has seen of an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Messages that it still waits for; it is over when there are none.
    pub left: u32,
    /// The last messages, the latest last.
    pub last: Vec<Traced>,
}

/// One actor in a snapshot. Counters only: the difference of two snapshots gives a rate.
#[derive(Debug, Clone)]
pub struct Row {
    /// What never changes of it.
    pub about: About,
    /// The Rust type of its state.
    pub actor: &'static str,
    /// What it is doing.
    pub state: State,
    /// Which life this is, from 1; 0 before the first.
    pub incarnation: u64,
    /// Times that it ended, for whatever reason.
    pub exits: u64,
    /// Restarts left before its supervisor gives up on it: for a supervisor its own intensity, for
    /// the child of a dynamic supervisor the child's budget.
    pub budget_left: Option<u32>,
    /// Messages that may wait.
    pub queue_limit: usize,
    /// Messages that wait.
    pub queued: usize,
    /// Asks without an answer, queued or in the actor's hands.
    pub awaiting: usize,
    /// How long the first message has waited.
    pub oldest: Option<Duration>,
    /// Most messages that ever waited.
    pub high_water: usize,
    /// Messages handled.
    pub handled: u64,
    /// Messages refused.
    pub refused: u64,
    /// The message being handled.
    pub current: Option<Current>,
    /// The last few ends, the latest last.
    pub last_exits: Vec<LastExit>,
    /// How long this life has lasted.
    pub uptime: Option<Duration>,
}

/// The tree, or a part of it, at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Events up to this number are in the rows.
    pub sequence: u64,
    /// Actors, each after its supervisor.
    pub rows: Vec<Row>,
    /// Where the next page begins, if this one was full.
    pub next: Option<ActorId>,
    /// Messages waiting in the whole realm, the first of each queue not counted.
    pub queued: usize,
}

impl Snapshot {
    /// The tree drawn in text, for people.
    #[must_use]
    pub fn draw(&self) -> String {
        let mut children: HashMap<Option<ActorId>, Vec<&Row>> = HashMap::new();
        let known: HashSet<ActorId> = self.rows.iter().map(|row| row.about.id).collect();
        for row in &self.rows {
            // A page may begin below the root: its topmost actors are drawn as roots.
            let parent = row.about.parent.filter(|parent| known.contains(parent));
            children.entry(parent).or_default().push(row);
        }
        let mut text = String::new();
        draw_level(&children, None, "", &mut text);
        text
    }
}

/// Draws the children of `parent`. Recursion ends with the tree's depth, which supervisors bound.
fn draw_level(
    children: &HashMap<Option<ActorId>, Vec<&Row>>,
    parent: Option<ActorId>,
    indent: &str,
    text: &mut String,
) {
    let level = children.get(&parent).map(Vec::as_slice).unwrap_or_default();
    for (at, row) in level.iter().enumerate() {
        let last = at + 1 == level.len();
        let (branch, below) = match (parent, last) {
            (None, _) => ("", ""),
            (_, true) => ("└── ", "    "),
            (_, false) => ("├── ", "│   "),
        };
        text.push_str(&format!("{indent}{branch}{row}\n"));
        draw_level(children, Some(row.about.id), &format!("{indent}{below}"), text);
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.about.name(), self.state)?;
        write!(f, " life={} handled={} queued={}", self.incarnation, self.handled, self.queued)?;
        match self.last_exits.last() {
            Some(exit) => write!(f, " last exit: {}", exit.reason),
            None => Ok(()),
        }
    }
}
