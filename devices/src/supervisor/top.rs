//! `top`: the actors that stand out, so that nobody has to read ten thousand to find the one.
//!
//! | `by`       | First is who                                              |
//! |------------|-----------------------------------------------------------|
//! | `queue`    | has most messages waiting                                 |
//! | `lag`      | has had its first message waiting for longest             |
//! | `restarts` | ended last; who has never ended is not there              |

use std::cmp::Reverse;
use std::time::Duration;

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_supervisor::Row;

use super::row::row;
use super::{Sight, integer, limit, text};

/// Actors of an answer.
const MAX_ACTORS: usize = 100;

/// What makes an actor stand out.
#[derive(Debug, Clone, Copy)]
enum By {
    Queue,
    Lag,
    Restarts,
}

impl By {
    fn read(request: &Message) -> Result<Self, CallError> {
        Ok(match text(request, "by")? {
            None | Some("queue") => Self::Queue,
            Some("lag") => Self::Lag,
            Some("restarts") => Self::Restarts,
            Some(_) => {
                let wanted = "`by` is `queue`, `lag` or `restarts`";
                return Err(CallError::BadRequest(wanted.into()));
            }
        })
    }

    /// The greatest comes first; the second and third decide between those alike.
    fn rank(self, row: &Row) -> (u128, u128, u64) {
        let queue = row.queued as u128;
        let lag = row.oldest.unwrap_or_default().as_nanos();
        match self {
            Self::Queue => (queue, lag, row.handled),
            Self::Lag => (lag, queue, row.handled),
            Self::Restarts => {
                let ago = row.last_exits.last().map_or(Duration::MAX, |exit| exit.ago);
                (u128::MAX - ago.as_nanos(), row.exits.into(), row.handled)
            }
        }
    }
}

pub(super) async fn list(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    let by = By::read(&call.request)?;
    let part = text(&call.request, "part")?.map(str::to_owned);
    let limit = limit(&call.request, MAX_ACTORS)?;
    let realm = call.context.node().realm().clone();
    let shown = move || {
        let actors = realm.snapshot(None, realm.config().max_actors).rows;
        let rows = first(actors, by, part.as_deref(), limit);
        let rows: List = rows.iter().map(|actor| Value::from(row(actor, sight))).collect();
        Message::new().with("rows", rows).with("actors", integer(realm.actors()))
    };
    Ok(Outcome::ok(call.context.node().pool().run("the tree", shown).await?))
}

fn first(mut actors: Vec<Row>, by: By, part: Option<&str>, limit: usize) -> Vec<Row> {
    actors.retain(|row| {
        let has_ended = !row.last_exits.is_empty();
        part.is_none_or(|part| within(part, &row.about.path))
            && (has_ended || !matches!(by, By::Restarts))
    });
    // Most of ten thousand are alike and wait for nothing; only those that are shown need an order.
    let key = |row: &Row| Reverse(by.rank(row));
    if limit < actors.len() {
        actors.select_nth_unstable_by_key(limit, key);
        actors.truncate(limit);
    }
    actors.sort_by_key(|row| (key(row), row.about.id));
    actors
}

/// Whether a path leads into a part of the tree, or is that of the root that has its name.
fn within(part: &str, path: &str) -> bool {
    let mut names = path.split('/');
    let root = names.next();
    names.next().or(root) == Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_child_of_the_root_with_all_under_it() {
        for path in ["node/store", "node/store/writer", "node/store/a/b"] {
            assert!(within("store", path), "{path}");
        }
        assert!(within("node", "node"));
        assert!(!within("node", "node/store") && !within("store", "node/outbox/store"));
    }
}
