//! Messages that a node is measured with.

use anyhow::Result;
use oxbeam_protocol::codec::{HttpMessage, HttpSig, Links, fits_header};
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, NoContent, Wallet};

/// The definition of a process on a native device. Each number gives another process.
#[must_use]
pub fn definition(scheduler: &str, number: usize) -> Message {
    Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("scheduler", scheduler),
        ("execution-device", "test-device@1.0"),
        ("scheduler-device", "scheduler@1.0"),
        ("push-device", "push@1.0"),
        ("name", &format!("bench-{number}")),
    ])
}

/// The message with a signature.
///
/// # Errors
/// It cannot be signed.
pub fn signed(message: &Message, wallet: &Wallet) -> Result<Message> {
    Ok(commitment::commit(message, &CommitRequest::default(), wallet, &NoContent)?)
}

/// A message as it travels.
///
/// # Errors
/// It cannot be written.
pub fn wire(message: &Message) -> Result<HttpMessage> {
    let codec = HttpSig { links: Links::Embed(&NoContent) };
    Ok(codec.encode_fitting(&message.clone().into(), fits_header)?)
}
