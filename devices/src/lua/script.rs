//! The script that runs for a message.
//!
//! A script changes with every call, and the messages before do not. So it belongs to one message: a
//! call takes it from the base, and gives it to the message that it answers. A message whose script
//! has gone on cannot be called any more; that never happens silently.

use std::fmt;
use std::sync::Arc;

use oxbeam_kernel::{CallError, Context, Guest};
use oxbeam_protocol::Message;
use oxbeam_sandbox::lua::Vm;
use parking_lot::Mutex;

/// Under which name the private part of a message holds its script.
const HELD: &str = "lua";

/// A script between two calls.
pub(super) struct Script {
    pub(super) vm: Vm,
    /// What is measured of it.
    guest: Guest,
    /// The devices that it may ask; `None` for all.
    pub(super) devices: Option<Arc<[String]>>,
    /// The message that it answered last: what the next base shares with it needs no second look.
    pub(super) last: Option<Message>,
}

impl Script {
    /// A script that has begun, or goes on from where it was saved.
    pub(super) fn new(context: &Context, vm: Vm, devices: Option<Arc<[String]>>) -> Self {
        let mut guest = context.node().metrics().guest(super::NAME);
        guest.called(vm.fuel_used(), vm.memory_bytes());
        Self { vm, guest, devices, last: None }
    }

    /// Measures the call that has ended.
    pub(super) fn called(&mut self) {
        self.guest.called(self.vm.fuel_used(), self.vm.memory_bytes());
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("devices", &self.devices).finish_non_exhaustive()
    }
}

/// A message's hold on its script; empty once that has gone on.
struct Hold(Mutex<Option<Box<Script>>>);

/// Whether a script runs for the message, or did.
pub(super) fn is_held(message: &Message) -> bool {
    message.handle::<Hold>(HELD).is_some()
}

/// Takes the script of a message. `None` if none was started for it.
///
/// # Errors
/// It has gone on with another message, or is being called.
pub(super) fn take(message: &Message) -> Result<Option<Box<Script>>, CallError> {
    let Some(hold) = message.handle::<Hold>(HELD) else { return Ok(None) };
    let script = hold.0.lock().take();
    let gone = || CallError::Raised("the script has gone on from the state of this message".into());
    script.map(Some).ok_or_else(gone)
}

/// The message with a script.
pub(super) fn give(mut message: Message, script: Box<Script>) -> Message {
    message.set_handle(HELD, Arc::new(Hold(Mutex::new(Some(script)))));
    message
}

/// Gives a script back that was only looked at.
pub(super) fn give_back(message: &Message, script: Box<Script>) {
    if let Some(hold) = message.handle::<Hold>(HELD) {
        *hold.0.lock() = Some(script);
    }
}
