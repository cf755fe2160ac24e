//! Lines that are answered differently on purpose. `docs/compatibility.md` explains each to people.

use anyhow::{Result, bail};

/// How the id of a line must look, and why its answer differs. A `*` stands for any text.
pub const DEVIATIONS: &[(&str, &str)] = &[
    ("tamper/*/commitment-id-changed", "a commitment under an id that is not its own is refused"),
    ("tamper/*/committer-other/*", "a committer to whom the key does not belong is refused"),
    ("resolve/corner/10", "`remove` with a list of bare words in a path removes nothing"),
    ("resolve/corner/36", "a private key in a path is left out"),
    ("resolve/corner/44", "a path of one message run as a device is that message"),
    ("resolve/headers/83", "`remove` with a list in the request removes its items"),
    ("structured/corner/bigint-*", "integers of any size are read"),
    ("httpsig/corner/bigint-*", "integers of any size are read"),
    ("structured/decode/int-16", "integers of any size are read"),
    ("json/corner/bigint-*", "integers of any size are read"),
    ("json/decode/bigint", "integers of any size are read"),
    ("json/decode/long-int", "integers of any size are read"),
];

/// Steps of HTTP scenarios and slots of processes, as `line#number from 0`, that are answered
/// differently on purpose: the status that they have here, and why.
pub const STEP_DEVIATIONS: &[(&str, u16, &str)] = &[
    ("http/message-basic/37#0", 200, "atoms may have any name"),
    ("http/message-basic/39#0", 200, "a path of one message run as a device is that message"),
    ("http/no-index#1", 200, "a path of one message run as a device is that message"),
    ("http/message-default-form/12#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/json-codec/23#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/json-codec/24#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/request-bodies/11#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/request-bodies/12#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/request-bodies/19#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/request-bodies/20#0", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/scheduler#21", 405, "what the client did wrong is named"),
    ("http/scheduler#24", 400, "a commitment that does not hold is refused"),
    ("http/signed-requests#29", 504, "what was not computed is not signed"),
    (
        "http/scheduler-other-node#0",
        404,
        "a scheduler that nobody knows is not found, whatever is asked",
    ),
    (
        "http/composition/5#0",
        200,
        "a device answers for the message, not for what the server reads of it",
    ),
    (
        "http/apply-and-test-device#4",
        200,
        "a device answers for the message, not for what the server reads of it",
    ),
    (
        "http/apply-and-test-device#5",
        200,
        "a device answers for the message, not for what the server reads of it",
    ),
    ("http/forced-signed-requests#1", 400, "a commitment that does not hold is refused"),
    ("http/signed-requests#16", 200, "the keys that all commitments cover come in another order"),
    ("http/meta-uninitialized#1", 200, "options that this node does not have are not shown"),
    ("http/meta-unclaimed#4", 400, "an error has no hashpath"),
    ("http/meta-unclaimed#7", 400, "an error has no hashpath"),
    ("http/operator-set#3", 400, "an error has no hashpath"),
    ("http/operator-set#2", 200, "options nested in others are found"),
    ("http/cache-device#3", 404, "an error has no hashpath"),
    ("http/cache-device#14", 200, "a message is read in the legacy form"),
    ("http/signed-requests#26", 403, "the node signs nothing for strangers"),
    ("http/signed-requests#27", 403, "the node signs nothing for strangers"),
    ("process/lua-type-big#1", 200, "integers of any size can be stored"),
    ("process/lua-type-hugeint#1", 200, "integers of any size can be stored"),
    ("process/lua-type-len#*", 200, "`\\u{…}` is read in scripts"),
    ("process/lua-type-utf8#*", 200, "`\\u{…}` is read in scripts"),
    ("process/lua-lib-goto#0", 200, "scripts have `goto`"),
    ("process/lua-raise#2", 500, "an error of a script is told with its text"),
    ("process/stack-lua-patch#*", 200, "an outbox that is a list is patched"),
    ("http/process-lua#17", 400, "what the client did wrong is a 400 with a sentence"),
    ("http/process-lua#21", 200, "`info` of `lua@5.3a` is the script's"),
    ("http/push-two-processes#16", 200, "a slot that is pushed again sends nothing twice"),
    ("http/push-two-processes#17", 200, "a slot that is pushed again sends nothing twice"),
    ("http/push-two-processes#18", 200, "a slot that is pushed again sends nothing twice"),
    ("http/hook-request#1", 200, "scripts are given messages that are to be run as a device"),
];

/// Judges a step: one that is answered differently on purpose has a status of its own.
///
/// # Errors
/// The answer is neither the recorded one nor the one that is listed.
pub fn judge(id: &str, status: u16, compared: Result<()>) -> Result<()> {
    let listed = STEP_DEVIATIONS.iter().find(|(pattern, _, _)| matches(pattern, id));
    match (listed, compared) {
        (None, compared) => compared,
        (Some(_), Ok(())) => bail!("listed as a deviation, but answers as the reference node does"),
        (Some((_, listed, _)), Err(_)) if status == *listed => Ok(()),
        (Some((_, listed, _)), Err(_)) => bail!("expected status {listed}, found {status}"),
    }
}

/// Why the line of this id is answered differently, if it is.
#[must_use]
pub fn reason(id: &str) -> Option<&'static str> {
    let listed = DEVIATIONS.iter().find(|(pattern, _)| matches(pattern, id));
    listed.map(|(_, reason)| *reason)
}

/// Whether the text consists of the pieces between the stars, in order.
fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((start, rest)) => id.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| tail.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("tamper/*/id", "tamper/x/y/id"));
        assert!(matches("a/*/b/*", "a/x/b/"));
        assert!(!matches("tamper/*/id", "tamper/x/id-2"));
        assert!(!matches("a", "ab"));
    }
}
