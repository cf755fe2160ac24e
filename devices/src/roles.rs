//! Who may change the node. Source: spec 21, section 4.
//!
//! A request claims its signers under `commitments`, and whoever writes one can claim anybody: a
//! guest's program, a sub-path, a message that is loaded. So a role is given to the signers of the
//! request from outside alone, whose signatures were verified when it came, and only for its own
//! steps: see [`Context::signed`].

use oxbeam_kernel::{Call, Context, Node, Outcome};
use oxbeam_protocol::commitment::{self, Commitment};
use oxbeam_protocol::{Id, Key, Message, Value};

/// The word of `operator` for a node that belongs to whoever comes first.
const UNCLAIMED: &str = "unclaimed";
/// Keys of what the node signs for others: its answers and what its hooks are shown, the messages of
/// processes, assignments, and what it passes on. Whoever gets one of these could send it back as a request of the
/// node's own.
const SIGNED_FOR_OTHERS: [&str; 5] =
    ["status", "from-process", "hash-chain", "request", crate::relay::RELAYED];

/// The key by which what is signed names the node that it is for, by its address.
pub(crate) const NODE: &str = "node";

/// Whether what was signed names another node.
pub(crate) fn is_for_another_node(context: &Context, signed: &Message) -> bool {
    signed.get(NODE).is_some_and(|named| !named.is_name(context.node().address()))
}

/// Whether the request comes from the node's operator. Without one, that is whoever has the node's
/// own key; as long as the node is `unclaimed`, it is everybody.
pub(crate) fn is_admin(context: &Context) -> bool {
    is_admin_of(context, &context.configuration().message)
}

/// Whether the request comes from the node's operator or its own key, and says so of its path too.
///
/// What is asked for lies in the path, and clients do not sign paths of their own accord: any signed
/// message of the operator's that somebody has seen could be sent to another path.
pub(crate) fn speaks_for_node(context: &Context) -> bool {
    context.signed().is_some_and(|signed| signed.contains("path"))
        && !is_unclaimed(context)
        && is_admin(context)
}

/// Whether the request comes from an admin who wants to see what is not for everybody.
///
/// Any signed message of an admin's could be sent to another path: so they sign the path.
pub(crate) fn sees_all(context: &Context) -> bool {
    let signed = context.signed();
    is_admin(context) && signed.is_none_or(|signed| signed.contains("path"))
}

/// Whether the request is an order of the node's operator, or its own key, to do `action`. Both of
/// whom there are by a signature alone: a node that is `unclaimed` takes no orders.
///
/// What is ordered lies in the path, which few clients sign: who does not says it as `action`. An order
/// that names a node, as `node`, is one for that node alone.
pub(crate) fn orders(context: &Context, action: &str) -> bool {
    let Some(signed) = context.signed() else { return false };
    let names_it = signed.get("action").is_some_and(|name| name.is_name(action));
    !is_for_another_node(context, &signed)
        && !is_unclaimed(context)
        && is_admin(context)
        && (signed.contains("path") || names_it)
}

fn is_unclaimed(context: &Context) -> bool {
    let operator = context.configuration().message.get("operator");
    operator.is_some_and(|operator| operator.is_name(UNCLAIMED))
}

/// Refuses what takes effect beyond a state, to whoever computes one: every recompute would have the
/// effect again.
pub(crate) fn refused_to_processes(context: &Context) -> Option<Outcome> {
    let sentence = "A process that is computed changes nothing but its state: it sends messages by \
                    its outbox.";
    context.is_computing().then(|| Outcome::refused(403, sentence))
}

/// As [`is_admin`], by this configuration.
pub(crate) fn is_admin_of(context: &Context, configuration: &Message) -> bool {
    match configuration.get("operator") {
        Some(operator) if operator.is_name(UNCLAIMED) => true,
        Some(operator) => is_signed_by(context, operator),
        None => is_signed_by_node(context),
    }
}

/// Whether one of these addresses has signed the request.
pub(crate) fn is_signed_by_one_of(context: &Context, addresses: &[Value]) -> bool {
    addresses.iter().any(|address| is_signed_by(context, address))
}

/// Whether this address has signed the request.
pub(crate) fn is_signed_by(context: &Context, address: &Value) -> bool {
    let Some(address) = address.as_name() else { return false };
    if address == context.node().address() {
        return is_signed_by_node(context);
    }
    signers(context).any(|signer| same_address(&signer, address))
}

fn is_signed_by_node(context: &Context) -> bool {
    context.signed().is_some_and(|signed| is_of_node(context.node(), &signed))
}

/// Whether the node has signed a message, which was verified, and of its own accord.
///
/// What each signature covers decides, not what the message holds: whoever adds a signature to an
/// answer of the node can leave out keys of it.
pub(crate) fn is_of_node(node: &Node, message: &Message) -> bool {
    let is_for_others = |one: &Commitment<'_>| {
        one.committed().iter().any(|key| SIGNED_FOR_OTHERS.iter().any(|name| *key == *name))
    };
    Commitment::all(message)
        .any(|one| one.committer().is_some_and(|by| by == node.address()) && !is_for_others(&one))
}

/// Who has signed the request: the addresses of [`is_signed_by`].
pub(crate) fn who_signed(context: &Context) -> Vec<String> {
    let all = signers(context).map(|signer| Value::Bytes(signer.to_bytes()));
    let believed = all.filter(|signer| is_signed_by(context, signer));
    believed.filter_map(|signer| Some(String::from_utf8_lossy(signer.as_name()?).into())).collect()
}

fn signers(context: &Context) -> impl Iterator<Item = Key> {
    context.signed().map(|signed| commitment::committers(&signed)).into_iter().flatten()
}

/// Addresses may be written as text or as the 32 bytes that they are.
fn same_address(signer: &Key, address: &[u8]) -> bool {
    let native = |text: &[u8]| Id::from_native_or_text(text).ok();
    signer.as_bytes() == address
        || native(signer.as_bytes()).is_some_and(|signer| native(address) == Some(signer))
}

/// What of a call its signers vouch for: all of it, if they have signed the path that led here, and
/// else the message that they have signed. Of what nobody signed, all.
///
/// Whoever sends a signed message to another path can add what they like to it there.
pub(crate) fn vouched(call: &Call) -> Message {
    match call.context.signed() {
        Some(signed) if !signed.contains("path") => signed,
        _ => call.request.clone(),
    }
}
