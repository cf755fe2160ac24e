//! Signed messages for tests, and what a forger makes of them.

use super::{COMMITMENTS, CommitRequest, commit};
use crate::{Key, Message, NoContent, Value, Wallet};

const SECRET: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

pub(super) fn wallet() -> Wallet {
    Wallet::from_text(SECRET).unwrap()
}

pub(super) fn signed(device: &'static str, message: Message) -> Message {
    let request = CommitRequest { device: Some(device.into()), ..CommitRequest::default() };
    commit(&message, &request, &wallet(), &NoContent).unwrap()
}

/// The message with a field of every signed commitment changed.
pub(super) fn tampered(message: &Message, field: &str, value: Value) -> Message {
    let commitments = message.get(COMMITMENTS).unwrap().as_map().unwrap();
    let change = |(id, fields): (&Key, &Value)| {
        let fields = fields.as_map().unwrap();
        let signed = fields.contains("committer");
        let fields =
            if signed { fields.clone().with(field, value.clone()) } else { fields.clone() };
        (id.clone(), Value::from(fields))
    };
    message.clone().with(COMMITMENTS, commitments.iter().map(change).collect::<Message>())
}
