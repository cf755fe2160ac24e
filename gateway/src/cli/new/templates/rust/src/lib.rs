//! {{name}}: keeps a total, and tells whoever asks for it.
//!
//! The node hands each message to `handle` as JSON and reads JSON back: `Output` is shown, `Messages` are
//! sent. The memory is the agent's state: what a static holds is there for the next message.

use std::ffi::{c_char, CString};
use std::sync::Mutex;

use serde_json::{json, Value};

static TOTAL: Mutex<i64> = Mutex::new(0);

/// What came of a message: a line that is shown, and messages that are sent.
type Done = Result<(String, Vec<Value>), String>;

/// Adds `Quantity` to the total.
fn add(message: &Value) -> Done {
    let quantity: i64 = tag(message, "Quantity")
        .and_then(|quantity| quantity.parse().ok())
        .ok_or("Quantity must be a number")?;
    let mut total = TOTAL.lock().map_err(|_| "the total is lost")?;
    *total += quantity;
    Ok((format!("the total is {total}"), Vec::new()))
}

/// Sends the total to `Whom`.
fn tell(message: &Value) -> Done {
    let whom = tag(message, "Whom").ok_or("Whom must name a process")?;
    let total = *TOTAL.lock().map_err(|_| "the total is lost")?;
    let tags = json!([{ "name": "Action", "value": "Notice" }]);
    let sent = json!({ "Target": whom, "Data": total.to_string(), "Tags": tags });
    Ok((format!("told {whom}"), vec![sent]))
}

fn answer(message: &Value) -> Value {
    let done = match tag(message, "Action").as_deref() {
        Some("Add") => add(message),
        Some("Tell") => tell(message),
        _ => Ok((String::new(), Vec::new())),
    };
    let response = match done {
        Ok((said, sent)) => json!({ "Output": { "data": said }, "Messages": sent }),
        Err(why) => json!({ "Output": { "data": format!("error: {why}") }, "Messages": [] }),
    };
    json!({ "ok": true, "response": response })
}

/// The value of a tag, whatever the case of its name.
fn tag(message: &Value, name: &str) -> Option<String> {
    let tags = message.get("Tags")?.as_array()?;
    let is_named = |tag: &&Value| {
        tag["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name))
    };
    Some(tags.iter().find(is_named)?["value"].as_str()?.to_owned())
}

/// Called by the node with each message and its environment.
///
/// # Safety
/// Both point to text that ends with a zero byte, in memory that `malloc` has given.
#[no_mangle]
pub unsafe extern "C" fn handle(message: *mut c_char, environment: *mut c_char) -> *mut c_char {
    // Taken over, so that they are freed.
    let (message, _environment) = (CString::from_raw(message), CString::from_raw(environment));
    let message = serde_json::from_slice(message.as_bytes()).unwrap_or(Value::Null);
    let text = CString::new(answer(&message).to_string()).unwrap_or_default();
    // The node reads it before it calls again.
    let mut last = LAST.lock().unwrap_or_else(|lock| lock.into_inner());
    last.insert(text).as_ptr().cast_mut()
}

static LAST: Mutex<Option<CString>> = Mutex::new(None);

/// Memory for a text of so many bytes, the zero byte at its end included.
#[no_mangle]
pub extern "C" fn malloc(length: usize) -> *mut c_char {
    let spaces = vec![b' '; length.saturating_sub(1)];
    CString::new(spaces).unwrap_or_default().into_raw()
}
