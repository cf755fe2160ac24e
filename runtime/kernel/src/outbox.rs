//! temp
use crate::context::Context;
use crate::error::CallError;
use oxbeam_protocol::Message;
use oxbeam_store::{Outgoing, Slot};
pub(crate) async fn prepare(
    _: &Context,
    _: &Message,
    _: Slot,
    _: &Message,
) -> Result<Vec<Outgoing>, CallError> {
    Ok(Vec::new())
}
