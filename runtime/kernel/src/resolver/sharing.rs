//! Identical calls in flight are computed once. Source: spec 05, section 7.3.
//!
//! The first call of a group leads, later ones wait for its outcome. If the leader goes away, one of
//! those that wait takes its place. A call that would wait for a computation it is a part of is
//! refused.

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use oxbeam_protocol::{Key, commitment};
use tokio::sync::watch;

use crate::device::Call;
use crate::devices::Found;
use crate::error::CallError;
use crate::outcome::Outcome;

type Answer = Option<Result<Outcome, CallError>>;

/// The groups that are being computed.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    groups: DashMap<Key, watch::Receiver<Answer>>,
}

enum Part<'a> {
    Leads(Lead<'a>),
    Waits(watch::Receiver<Answer>),
}

/// The right to compute a group; given up when dropped.
struct Lead<'a> {
    sharing: &'a Sharing,
    group: Key,
    answer: watch::Sender<Answer>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.sharing.groups.remove(&self.group);
    }
}

impl Sharing {
    fn join(&self, group: &Key) -> Part<'_> {
        match self.groups.entry(group.clone()) {
            Entry::Occupied(leader) => Part::Waits(leader.get().clone()),
            Entry::Vacant(place) => {
                let (answer, waiting) = watch::channel(None);
                place.insert(waiting);
                Part::Leads(Lead { sharing: self, group: group.clone(), answer })
            }
        }
    }
}

/// Calls a device, or waits for somebody who does the same.
pub(super) async fn call(found: Found<'_>, call: Call) -> Result<Outcome, CallError> {
    let Some(group) = group(found, &call)? else { return alone(found, call).await };
    let context = call.context.holding(group.clone())?;
    let node = context.node().clone();
    loop {
        match node.sharing().join(&group) {
            Part::Leads(lead) => {
                let call = Call { context: context.clone(), ..call.clone() };
                let outcome = alone(found, call).await;
                if !is_of_the_request(&outcome) {
                    lead.answer.send_replace(Some(outcome.clone()));
                }
                return outcome;
            }
            Part::Waits(mut leader) => {
                let answer = tokio::select! {
                    answer = leader.wait_for(Option::is_some) => answer,
                    () = context.cancelled() => return Err(CallError::Cancelled),
                };
                if let Ok(answer) = answer
                    && let Some(outcome) = answer.as_ref()
                {
                    return outcome.clone();
                }
            }
        }
    }
}

/// Whether an outcome comes from the bounds of the leader's request, or from its client having gone:
/// it says nothing of the others' calls.
fn is_of_the_request(outcome: &Result<Outcome, CallError>) -> bool {
    use CallError::{Cancelled, Recursion, TooDeep, TooMuchWork};
    matches!(outcome, Err(Cancelled | Recursion | TooDeep { .. } | TooMuchWork { .. }))
}

/// Calls a device for as long as somebody waits for it.
async fn alone(found: Found<'_>, call: Call) -> Result<Outcome, CallError> {
    let context = call.context.clone();
    tokio::select! {
        outcome = found.call(call) => outcome,
        () = context.cancelled() => Err(CallError::Cancelled),
    }
}

/// The group of a call: what its device says or, if the node is told to share everything, all that
/// decides the outcome.
fn group(found: Found<'_>, call: &Call) -> Result<Option<Key>, CallError> {
    let named = found.device().and_then(|device| device.group(call));
    if named.is_some() || !call.context.settings().share_all {
        return Ok(named.map(|group| Key::joined([found.name().as_bytes(), group.as_bytes()])));
    }
    let base = commitment::full_id(&call.base.clone().into())?.to_string();
    let request = commitment::full_id(&call.request.clone().into())?.to_string();
    Ok(Some(Key::joined([found.name(), &base, &request])))
}
