//! An actor, as it is shown.

use std::time::Duration;

use oxbeam_protocol::{Message, Value};
use oxbeam_supervisor::{ActorId, ExitReason, Kind, LastExit, Row};

use super::{Sight, integer};

/// An actor, with the words of its end for those who see all.
pub(super) fn row(actor: &Row, sight: Sight) -> Message {
    let about = &actor.about;
    let mut row = Message::new()
        .with("id", id(about.id))
        .with("path", &*about.path)
        .with("name", about.name())
        .with("kind", if about.kind == Kind::Supervisor { "supervisor" } else { "worker" })
        .with("type", actor.actor)
        .with("policy", about.policy)
        .with("state", format!("{:?}", actor.state).to_lowercase())
        .with("restarts", integer(actor.incarnation.saturating_sub(1)))
        .with("exits", integer(actor.exits))
        .with("queue", integer(actor.queued))
        .with("queue-limit", integer(actor.queue_limit))
        .with("queue-peak", integer(actor.high_water))
        .with("awaiting", integer(actor.awaiting))
        .with("handled", integer(actor.handled))
        .with("refused", integer(actor.refused))
        .with("uptime", millis(actor.uptime.unwrap_or_default()));
    if let Some(parent) = about.parent {
        row.insert("parent", id(parent));
    }
    if let Some(left) = actor.budget_left {
        row.insert("budget", integer(left));
    }
    if let Some(oldest) = actor.oldest {
        row.insert("oldest", millis(oldest));
    }
    if let Some(current) = actor.current {
        row.insert("current", current.message);
        row.insert("busy", millis(current.busy));
    }
    if let Some(exit) = actor.last_exits.last() {
        row.insert("last-exit", words(&exit.reason, sight));
        row.insert("last-exit-ago", millis(exit.ago));
    }
    row
}

/// One end of an actor.
pub(super) fn exit(exit: &LastExit, sight: Sight) -> Value {
    let exit =
        Message::new().with("reason", words(&exit.reason, sight)).with("ago", millis(exit.ago));
    exit.into()
}

/// How it ended: in a word for everybody, with what was said for admins.
fn words(reason: &ExitReason, sight: Sight) -> String {
    if sight == Sight::All {
        return reason.to_string();
    }
    let word = match reason {
        ExitReason::Normal => "normal",
        ExitReason::Shutdown | ExitReason::ShutdownWith(_) => "shutdown",
        ExitReason::Killed => "killed",
        ExitReason::Panic(_) => "panic",
        ExitReason::StartFailed { .. } => "start failed",
        ExitReason::StartTimeout => "start timed out",
        ExitReason::Stuck => "stuck",
        ExitReason::NoProc => "no such actor",
        ExitReason::Quarantined(_) => "quarantined",
        _ => "failed",
    };
    word.to_owned()
}

pub(super) fn id(actor: ActorId) -> Value {
    integer(actor.number().get())
}

pub(super) fn millis(time: Duration) -> Value {
    integer(time.as_millis())
}
