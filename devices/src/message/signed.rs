//! Who vouches for a message, and under which names. Source: spec 03, section 8.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::commitment::{
    self, COMMITMENTS, CommitRequest, Commitment, Selection, VerifyError,
};
use oxbeam_protocol::{Key, List, Message, NoContent, Value};

use super::target::{target, target_message};
use crate::roles::speaks_for_node;

/// The id of the message.
pub(super) async fn id(call: Call) -> Result<Outcome, CallError> {
    let message = target(&call).await?;
    let selection = selection(&call.request)?;
    let name = move || commitment::id(&message, &selection);
    let id = call.context.node().pool().run("the namer", name).await??;
    Ok(Outcome::ok(id.to_string()))
}

/// The addresses of the message's signers.
pub(super) async fn committers(call: Call) -> Result<Outcome, CallError> {
    Ok(Outcome::ok(texts(commitment::committers(&target_message(&call).await?))))
}

/// The keys that all selected commitments cover.
pub(super) async fn committed(call: Call) -> Result<Outcome, CallError> {
    let message = target_message(&call).await?;
    let selection = selection(&call.request)?;
    let raw = call.request.get("raw").is_some_and(|raw| raw.is_name("true"));
    let keys = match raw {
        true => covered_by_all(&selection.of(&message)?),
        false => commitment::committed(&message, &selection)?,
    };
    Ok(Outcome::ok(texts(keys)))
}

/// The common keys as the commitments write them: those of nested messages with `+link`.
fn covered_by_all(commitments: &[Commitment<'_>]) -> Vec<Key> {
    let Some((first, others)) = commitments.split_first() else { return Vec::new() };
    others.iter().fold(first.committed(), |mut keys, one| {
        let committed = one.committed();
        keys.retain(|key| committed.contains(key));
        keys
    })
}

/// Whether the selected commitments hold.
pub(super) async fn verify(call: Call) -> Result<Outcome, CallError> {
    let message = whole(&call, target_message(&call).await?).await?;
    let selection = selection(&call.request)?;
    let secret = call.request.get("secret").and_then(Value::as_bytes).cloned();
    let check = move || commitment::verify(&message, &selection, secret.as_deref(), &NoContent);
    match call.context.node().pool().run("the verifier", check).await? {
        Ok(()) => Ok(Outcome::ok(true)),
        Err(VerifyError::Selection(error)) => Err(error.into()),
        Err(_) => Ok(Outcome::ok(false)),
    }
}

/// The message with its nested ones at hand, if they were signed in place.
async fn whole(call: &Call, message: Message) -> Result<Message, CallError> {
    if !Commitment::all(&message).any(|one| one.is_bundle()) {
        return Ok(message);
    }
    match call.context.load_all(message.clone().into()).await? {
        Value::Map(message) => Ok(message),
        _ => Ok(message),
    }
}

/// The message with a commitment of the node's key, for who speaks for the node.
pub(super) async fn commit(call: Call) -> Result<Outcome, CallError> {
    if !speaks_for_node(&call.context) {
        return Ok(Outcome::refused(403, "This node signs messages for its operator only."));
    }
    let mut message = target_message(&call).await?;
    let request = CommitRequest::from_message(&call.request)?;
    if request.bundle
        && let Value::Map(loaded) = call.context.load_all(message.clone().into()).await?
    {
        message = loaded;
    }
    Ok(Outcome::ok(call.context.node().commit(message, request).await?))
}

/// As [`commit`], with a commitment of this device unless the request asks for another.
pub(crate) async fn commit_as(call: Call, device: &'static str) -> Result<Outcome, CallError> {
    let request = match call.request.contains("commitment-device") {
        true => call.request,
        false => call.request.with("commitment-device", device),
    };
    commit(Call { request, ..call }).await
}

/// What the request selects. A signed request carries its own commitments under the key of a
/// selector: they select nothing.
fn selection(request: &Message) -> Result<Selection, CallError> {
    let own = matches!(request.get(COMMITMENTS), Some(Value::Map(_) | Value::Link(_)));
    Ok(match own {
        true => Selection::from_request(&request.clone().without(&["commitments"]))?,
        false => Selection::from_request(request)?,
    })
}

fn texts(keys: Vec<Key>) -> List {
    keys.into_iter().map(|key| Value::Bytes(key.to_bytes())).collect()
}
