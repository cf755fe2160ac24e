//! What a call of a script comes to that gives no result. Source: spec 14, section 7.

use oxbeam_kernel::{CallError, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_sandbox::Trap;
use oxbeam_sandbox::lua::{Frame, LuaError, Raised};

/// The outcome of a call that ended in an error. Whatever the script and its limits decide is an
/// outcome: it is the same wherever the call is made.
///
/// # Errors
/// What is no fault of the script: the request's own bounds, the store, a bug.
pub(super) fn outcome(error: LuaError) -> Result<Outcome, CallError> {
    match error {
        LuaError::Raised(raised) => Ok(of_script(&raised)),
        LuaError::Trap(Trap::Host { source, .. }) => match source.downcast::<CallError>() {
            Ok(error) if is_of_script(&error) => {
                Ok(Outcome::refused(500, format!("ao failed: {error}")))
            }
            Ok(error) => Err(*error),
            Err(source) => Err(CallError::Raised(format!("the script's host failed: {source}"))),
        },
        error @ (LuaError::Border { .. } | LuaError::Module(_)) => {
            Err(CallError::Raised(error.to_string()))
        }
        error => Ok(Outcome::refused(500, format!("the script was ended: {error}"))),
    }
}

/// Whether a script met this error by what it asked for, so that it will meet it again.
fn is_of_script(error: &CallError) -> bool {
    use CallError::{BadRequest, Decode, Encode, Hashpath, NoDevice, Path, Raised, Selection, Set};
    matches!(
        error,
        BadRequest(_)
            | Raised(_)
            | NoDevice { .. }
            | Path(_)
            | Encode(_)
            | Decode(_)
            | Hashpath(_)
            | Selection(_)
            | Set(_)
    )
}

/// An error that the script raised: where and what, and the functions that ran.
fn of_script(raised: &Raised) -> Outcome {
    let trace: Message = (1..).zip(&raised.trace).map(numbered).collect();
    let error = Message::new().with("status", 500).with("body", raised.to_string());
    Outcome::error(if trace.is_empty() { error } else { error.with("trace", trace) })
}

fn numbered((number, frame): (usize, &Frame)) -> (String, Message) {
    let mut shown = Message::new();
    if let Some(function) = &frame.function {
        shown.insert("function", function.clone());
    }
    if let Some(line) = &frame.line {
        shown.insert("line", Value::Bytes(line.clone()));
    }
    let parameters: List = frame.parameters.iter().cloned().collect();
    shown.insert("parameters", parameters.to_map());
    (number.to_string(), shown)
}
