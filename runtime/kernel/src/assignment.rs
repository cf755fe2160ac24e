//! temp
use crate::error::CallError;
use crate::record;
use oxbeam_protocol::{Id, Message, Value};
use oxbeam_store::{Slot, Store};
pub(crate) async fn read(
    store: &dyn Store,
    process: Id,
    slot: Slot,
) -> Result<Option<Message>, CallError> {
    let Some(found) = store.assignment(process, slot).await? else { return Ok(None) };
    match record::decode(&found.assignment)? {
        Value::Map(m) => Ok(Some(m)),
        _ => Ok(None),
    }
}
