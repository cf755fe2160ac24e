//! Texts in the memory of a guest: UTF-8 that ends with a zero byte.

use bytes::Bytes;
use num_bigint::BigInt;
use oxbeam_kernel::{Call, CallError};
use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::{Instance, Trap, Val, ValType, Zeros};

use crate::wasm::{Held, Live, ours};

/// Longest answer that is read, in bytes.
pub(super) const MAX_ANSWER: usize = 64 << 20;

/// The parameters of a call, and the handle of the state that has them.
pub(super) struct Written {
    pub(super) parameters: [Value; 2],
    pub(super) live: Option<Live>,
}

/// Writes texts, one after the other, to memory that the guest's `malloc` gives.
pub(super) async fn write(
    call: &Call,
    live: &Live,
    texts: &[String; 2],
) -> Result<Written, CallError> {
    let mut held = live.hold()?;
    held.begin(&call.context, &call.request)?;
    let [message, environment] = texts;
    let message = place(&mut held, message).await?;
    let environment = place(&mut held, environment).await?;
    Ok(Written { parameters: [message, environment], live: Some(held.release()) })
}

async fn place(held: &mut Held, text: &str) -> Result<Value, CallError> {
    let instance = held.change();
    let pointer = allocated(instance, text.len() as u64 + 1).await?;
    let bytes = [text.as_bytes(), b"\0"].concat();
    let place = pointer.address().filter(|address| *address != 0);
    let written = place.map(|address| instance.write(address, &bytes));
    match (written, pointer) {
        (Some(Ok(())), Val::I32(address)) => Ok(Value::Integer(address.into())),
        (Some(Ok(())), Val::I64(address)) => Ok(Value::Integer(address.into())),
        _ => Err(CallError::Raised(format!("the guest has no memory for {} bytes", bytes.len()))),
    }
}

async fn allocated(instance: &mut Instance, length: u64) -> Result<Val, CallError> {
    let none = || CallError::Raised("the guest exports no malloc(length)".into());
    let signature = instance.module().function("malloc").ok_or_else(none)?;
    let length = match *signature.params {
        [ValType::I32] => u32::try_from(length).ok().map(|length| Val::I32(length.cast_signed())),
        [ValType::I64] => Some(Val::I64(length.cast_signed())),
        _ => None,
    };
    let results = instance.call("malloc", &[length.ok_or_else(none)?], &mut Zeros).await;
    results.map_err(failed)?.first().copied().ok_or_else(none)
}

/// A trap of `malloc`: of the guest, unless the node itself could not go on.
fn failed(trap: Trap) -> CallError {
    match ours(trap) {
        Ok(error) => error,
        Err(trap) => CallError::Raised(format!("malloc failed: {trap}")),
    }
}

/// Reads the text at a pointer. It ends with the memory, at the latest; what is longer than
/// [`MAX_ANSWER`] is cut off one byte after it.
pub(super) fn read(base: &Message, out: &str, address: &BigInt) -> Result<Bytes, CallError> {
    let live = Live::of(base, out);
    let live = live.ok_or_else(|| CallError::Raised("no_wasm_instance_or_snapshot".into()))?;
    let held = live.hold()?;
    let memory = held.instance().memory();
    let address = i64::try_from(address).map(i64::cast_unsigned);
    let address = address.ok().map(|address| match held.instance().module().is_64() {
        true => address,
        // Results of 32 bits come with a sign.
        false => address & u64::from(u32::MAX),
    });
    let text = address.and_then(|address| memory.get(usize::try_from(address).ok()?..));
    let text = text.ok_or_else(|| CallError::Raised("the guest's pointer leads nowhere".into()))?;
    let text = text.get(..=MAX_ANSWER).unwrap_or(text);
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    Ok(Bytes::copy_from_slice(text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_node_is_none_of_the_guest() {
        assert!(matches!(failed(Trap::Abandoned), CallError::Unavailable { .. }));
        let engine = Trap::Engine { reason: "a bug".into() };
        assert!(matches!(failed(engine), CallError::Unavailable { .. }));
        let guest = Trap::StackOverflow { function: "malloc".into() };
        assert!(matches!(failed(guest), CallError::Raised(_)));
    }
}
