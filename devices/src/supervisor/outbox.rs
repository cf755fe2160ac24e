//! `outbox`: messages of processes on their way.
//!
//! A letter is named as it is to its receivers: by process, slot and index, with slashes between.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_store::{Entry, EntryKey, Limit, Page, Status};

use super::{Sight, integer, limit, text};

/// Letters of a page.
const MAX_LETTERS: usize = 100;

/// A page of letters, or one.
pub(super) async fn list(call: &Call, sight: Sight) -> Result<Outcome, CallError> {
    if let Some(letter) = letter(&call.request)? {
        return Ok(match call.context.node().store()?.entry(letter).await? {
            Some(entry) => {
                let letters = List::from_iter([shown(&entry, sight)]);
                Outcome::ok(Message::new().with("letters", letters))
            }
            None => Outcome::refused(404, "There is no such letter."),
        });
    }
    let page = match text(&call.request, "of")? {
        None | Some("waiting") => pending(call, false).await?,
        Some("asleep") => pending(call, true).await?,
        Some("dead") => dead(call).await?,
        Some(_) => {
            let wanted = "`of` is `waiting`, `asleep` or `dead`";
            return Err(CallError::BadRequest(wanted.into()));
        }
    };
    let letters: List = page.items.iter().map(|entry| shown(entry, sight)).collect();
    let mut answer = Message::new().with("letters", letters);
    if let Some(next) = page.last {
        answer.insert("next", next);
    }
    Ok(Outcome::ok(answer))
}

/// In the order of their next try. A place is that time and a letter.
async fn pending(call: &Call, asleep: bool) -> Result<Page<Entry, String>, CallError> {
    let place = |place: &str| {
        let (at, letter) = place.split_once('/')?;
        Some((at.parse().ok()?, named(letter)?))
    };
    let after = text(&call.request, "after")?;
    let after = after.map(|after| place(after).ok_or_else(wrong_place)).transpose()?;
    let limit = Limit::count(limit(&call.request, MAX_LETTERS)?);
    let page = call.context.node().store()?.pending(asleep, after, limit).await?;
    let last = page.last.map(|(at, letter)| format!("{at}/{}", name(letter)));
    Ok(Page { items: page.items, last })
}

async fn dead(call: &Call) -> Result<Page<Entry, String>, CallError> {
    let after = text(&call.request, "after")?;
    let after = after.map(|after| named(after).ok_or_else(wrong_place)).transpose()?;
    let limit = Limit::count(limit(&call.request, MAX_LETTERS)?);
    let page = call.context.node().store()?.dead(after, limit).await?;
    Ok(Page { items: page.items, last: page.last.map(name) })
}

fn wrong_place() -> CallError {
    CallError::BadRequest("`after` must be the `next` of a page".into())
}

/// The letter that a request names.
pub(super) fn letter(request: &Message) -> Result<Option<EntryKey>, CallError> {
    let wrong = || CallError::BadRequest("`letter` must be PROCESS/SLOT/INDEX".into());
    text(request, "letter")?.map(|letter| named(letter).ok_or_else(wrong)).transpose()
}

fn named(letter: &str) -> Option<EntryKey> {
    let mut parts = letter.split('/');
    let (process, slot, index) = (parts.next()?, parts.next()?, parts.next()?);
    let (process, slot, index) = (process.parse().ok()?, slot.parse().ok()?, index.parse().ok()?);
    parts.next().is_none().then_some(EntryKey { process, slot, index })
}

fn name(EntryKey { process, slot, index }: EntryKey) -> String {
    format!("{process}/{slot}/{index}")
}

fn shown(entry: &Entry, sight: Sight) -> Value {
    let EntryKey { process, slot, index } = entry.key;
    let state = match entry.status {
        Status::Pending if entry.next_try == u64::MAX => "asleep",
        Status::Pending => "waiting",
        Status::Delivered { .. } => "delivered",
        _ => "dead",
    };
    let mut shown = Message::new()
        .with("letter", name(entry.key))
        .with("id", entry.id.to_string())
        .with("state", state)
        .with("target", entry.target.clone())
        .with("process", process.to_string())
        .with("slot", integer(slot))
        .with("index", integer(index))
        .with("attempts", integer(entry.attempts))
        .with("size", integer(entry.message.len()));
    if state == "waiting" {
        shown.insert("next-try", integer(entry.next_try));
    }
    if let Status::Delivered { slot: Some(slot) } = entry.status {
        shown.insert("delivered-as", integer(slot));
    }
    if let (Sight::All, Some(reason)) = (sight, &entry.reason) {
        shown.insert("last-error", reason.clone());
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use oxbeam_protocol::Id;

    use super::*;

    #[test]
    fn a_letter_is_named_by_its_place_and_nothing_else() {
        let key = EntryKey { process: Id::of(b"p"), slot: 7, index: 2 };
        assert_eq!(named(&name(key)), Some(key));
        for wrong in ["", "a/b/c", &format!("{}/x", name(key)), &format!("{}/7", key.process)] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
