//! Which HTTP code an outcome has. Source: spec 20, section 5.

use num_bigint::BigInt;
use oxbeam_protocol::commitment::Commitment;
use oxbeam_protocol::{Message, Value};

use crate::outcome::Outcome;

/// The codes of words.
const CODES: [(&[u8], u16); 8] = [
    (b"ok", 200),
    (b"created", 201),
    (b"error", 400),
    (b"unauthorized", 401),
    (b"forbidden", 403),
    (b"not_found", 404),
    (b"failure", 500),
    (b"unavailable", 503),
];

fn code_of(word: &[u8]) -> Option<u16> {
    CODES.iter().find(|(name, _)| *name == word).map(|(_, code)| *code)
}

/// The HTTP code of an outcome: what its `body` says if that is a word, else its `status`, else its
/// own. Words that mean nothing are 200.
#[must_use]
pub fn http_status(outcome: &Outcome) -> u16 {
    let message = outcome.value.as_map();
    if let Some(Value::Atom(word)) = message.and_then(|message| message.get("body")) {
        return code_of(word.name()).unwrap_or(200);
    }
    let stated =
        message.and_then(|message| message.get("status")).and_then(|status| match status {
            Value::Integer(code) => valid(code),
            Value::Atom(word) => Some(code_of(word.name()).unwrap_or(200)),
            Value::Bytes(text) => {
                let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                number.filter(is_valid).or_else(|| code_of(text))
            }
            _ => None,
        });
    stated.unwrap_or_else(|| code_of(outcome.status.name()).unwrap_or(200))
}

/// What HTTP can carry as a final code. Source: RFC 9110, section 15.
fn is_valid(code: &u16) -> bool {
    (200..=599).contains(code)
}

fn valid(code: &BigInt) -> Option<u16> {
    u16::try_from(code).ok().filter(is_valid)
}

/// An outcome whose message says its HTTP code, unless somebody else has signed what it says.
pub(super) fn embedded(outcome: Outcome) -> Outcome {
    let code = http_status(&outcome);
    let Value::Map(mut message) = outcome.value else { return outcome };
    if !commits_to_status(&message) {
        message.insert("status", i64::from(code));
    }
    Outcome { status: outcome.status, value: message.into() }
}

fn commits_to_status(message: &Message) -> bool {
    let mut signed = Commitment::all(message).filter(|one| one.committer().is_some());
    signed.any(|one| one.committed().iter().any(|key| *key == "status"))
}
