//! A running instance, as the state that it belongs to holds it.
//!
//! A state is a value and can be copied; an instance goes on. So a handle is of one moment: whoever
//! changes the instance gets a new handle for the new state, and those of states before it are
//! refused from then on, rather than served from another moment's memory.
//!
//! From slot to slot of a process only memory goes on: globals and tables begin as the module has
//! them, as they do on the reference node whenever it restores an instance. Were it otherwise, a
//! result would depend on when a node had last been restarted. Source: spec 13, section 2.4.

use std::sync::Arc;

use oxbeam_kernel::{CallError, Context, Guest};
use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::{Instance, Snapshot};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::limits;

/// The instance as it was left by the state that holds this handle.
#[derive(Debug)]
pub(crate) struct Live {
    running: Arc<Mutex<Running>>,
    moment: u64,
}

#[derive(Debug)]
struct Running {
    instance: Instance,
    /// What is measured of it.
    guest: Guest,
    /// Counts changes.
    moment: u64,
    /// The slot in which it ran last.
    slot: Option<Value>,
}

/// An instance that nobody else can use meanwhile.
#[derive(Debug)]
pub(crate) struct Held {
    running: OwnedMutexGuard<Running>,
}

impl Live {
    /// A handle of an instance that nobody has changed.
    pub(crate) fn new(context: &Context, instance: Instance) -> Self {
        let mut guest = context.node().metrics().guest(super::NAME);
        guest.called(instance.fuel_used(), instance.memory().len());
        let running = Running { instance, guest, moment: 0, slot: None };
        Self { running: Arc::new(Mutex::new(running)), moment: 0 }
    }

    /// Under which key a state with this output prefix holds its instance.
    pub(crate) fn key(out: &str) -> String {
        format!("{out}/instance")
    }

    /// The handle of a state.
    pub(crate) fn of(state: &Message, out: &str) -> Option<Arc<Self>> {
        state.handle(&Self::key(out))
    }

    /// Makes it the handle of a state.
    pub(crate) fn enter(self, state: &mut Message, out: &str) {
        state.set_handle(Self::key(out), Arc::new(self));
    }

    /// Takes the instance for as long as the answer lives.
    ///
    /// # Errors
    /// It is in use, as it is while it waits for its own host, or has gone on to a later state.
    pub(crate) fn hold(&self) -> Result<Held, CallError> {
        let running = self.running.clone().try_lock_owned();
        let running = running
            .map_err(|_| CallError::Raised("the instance of this state is in use".into()))?;
        if running.moment != self.moment {
            let reason = "the instance of this state has gone on to a later state";
            return Err(CallError::Raised(reason.into()));
        }
        Ok(Held { running })
    }
}

impl Held {
    /// The instance, to read.
    pub(crate) fn instance(&self) -> &Instance {
        &self.running.instance
    }

    /// Begins to work on a request: on its slot, if it has one, within the limits of the call.
    ///
    /// # Errors
    /// The instance cannot go on.
    pub(crate) fn begin(&mut self, context: &Context, request: &Message) -> Result<(), CallError> {
        self.running.instance.set_limits(limits(context));
        let slot = request.get("slot");
        if slot.is_some() && slot != self.running.slot.as_ref() {
            self.running.instance.renew().map_err(|trap| unusable(&trap))?;
            self.running.slot = slot.cloned();
        }
        Ok(())
    }

    /// All that the next slot needs.
    ///
    /// # Errors
    /// The instance cannot go on.
    pub(super) fn snapshot(&mut self) -> Result<Snapshot, CallError> {
        if self.running.slot.is_some() {
            self.running.instance.renew().map_err(|trap| unusable(&trap))?;
        }
        self.instance().snapshot().map_err(|error| unusable(&error))
    }

    /// The instance, to change. The states that it has had until now are refused from here on, even
    /// if the change does not come to its end.
    pub(crate) fn change(&mut self) -> &mut Instance {
        self.running.moment += 1;
        &mut self.running.instance
    }

    /// Ends the use: the handle for the state that comes of it.
    pub(crate) fn release(mut self) -> Live {
        let Running { instance, guest, .. } = &mut *self.running;
        guest.called(instance.fuel_used(), instance.memory().len());
        let moment = self.running.moment;
        Live { running: OwnedMutexGuard::mutex(&self.running).clone(), moment }
    }
}

/// An instance that the node cannot go on with, which says nothing of its guest.
pub(super) fn unusable(error: &dyn std::fmt::Display) -> CallError {
    CallError::Unavailable { what: "the instance".into(), reason: error.to_string() }
}
