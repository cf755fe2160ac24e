//! Errors as the guest wrote them. The form is described in `lua/trace.c`.

use bytes::Bytes;
use oxbeam_protocol::{Atom, Value};

use super::incoming::{Incoming, Raw};
use super::values::value;
use super::{Frame, LuaError, Raised};

const WRONG: LuaError = LuaError::Border { reason: "an error that is none" };

/// The error that ended a call.
pub(super) fn raised(bytes: &[u8]) -> Result<Raised, LuaError> {
    let mut incoming = Incoming::new(bytes);
    if incoming.is_empty() {
        // The error's own handler failed: the stack or the memory had no room for a trace.
        return Ok(Raised {
            message: Bytes::from_static(b"error in error handling"),
            trace: Vec::new(),
        });
    }
    let Raw::Text(message) = incoming.value()? else { return Err(WRONG) };
    let mut trace = Vec::new();
    while incoming.tag()? == b'f' {
        trace.push(frame(&mut incoming)?);
    }
    Ok(Raised { message, trace })
}

/// A single text.
pub(super) fn text(bytes: &[u8]) -> Result<Bytes, LuaError> {
    match Incoming::new(bytes).value()? {
        Raw::Text(text) => Ok(text),
        _ => Err(LuaError::Border { reason: "a text that is none" }),
    }
}

fn frame(incoming: &mut Incoming<'_>) -> Result<Frame, LuaError> {
    let function = match incoming.value()? {
        Raw::Text(name) => Some(Value::Bytes(name)),
        Raw::Boolean(_) => Some(Value::Atom(Atom::from_static("nil"))),
        _ => None,
    };
    let line = match incoming.value()? {
        Raw::Text(line) => Some(line),
        _ => None,
    };
    let mut parameters = Vec::new();
    while incoming.peek() != Some(b'e') {
        parameters.push(value(incoming.value()?, false)?);
    }
    incoming.tag()?;
    Ok(Frame { function, parameters, line })
}
