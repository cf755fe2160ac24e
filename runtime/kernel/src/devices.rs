//! Which devices the node has, and where they run.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Instant;

use oxbeam_protocol::{Message, Value};
use oxbeam_supervisor::Address;
use parking_lot::RwLock;

use crate::device::{Call, Device, DeviceActor};
use crate::error::CallError;
use crate::outcome::Outcome;

/// The device of messages that name none, and of keys that their device does not answer.
pub const IDENTITY: &str = "message@1.0";

/// A device and the names under which messages know it.
#[derive(Clone)]
pub struct Row {
    /// The names; the first is its own, the others are aliases.
    pub names: &'static [&'static str],
    /// The device.
    pub device: Arc<dyn Device>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("names", &self.names).finish_non_exhaustive()
    }
}

/// The devices of a node.
pub struct Devices {
    rows: Vec<Row>,
    by_name: HashMap<&'static str, usize>,
    identity: usize,
    /// Actors by thread; each thread has one of each device.
    actors: RwLock<HashMap<(ThreadId, usize), Address<DeviceActor>>>,
}

/// A device that was found.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    devices: &'a Devices,
    number: usize,
}

impl Devices {
    /// The devices of a table. `None` if none of them is `message@1.0`.
    #[must_use]
    pub fn new(rows: Vec<Row>) -> Option<Self> {
        let names = rows.iter().enumerate();
        let by_name: HashMap<_, _> =
            names.flat_map(|(at, row)| row.names.iter().map(move |name| (*name, at))).collect();
        let identity = *by_name.get(IDENTITY)?;
        Some(Self { rows, by_name, identity, actors: RwLock::default() })
    }

    /// Names of all devices, aliases left out.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().filter_map(|row| row.names.first().copied())
    }

    /// Whether a device has this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The own name of the device that has this name.
    #[must_use]
    pub fn own_name(&self, name: &str) -> Option<&'static str> {
        self.by_name.get(name).map(|number| self.name(*number))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn device(&self, number: usize) -> Option<&Arc<dyn Device>> {
        self.rows.get(number).map(|row| &row.device)
    }

    pub(crate) fn name(&self, number: usize) -> &'static str {
        self.rows.get(number).and_then(|row| row.names.first()).copied().unwrap_or_default()
    }

    /// Notes where a device runs. Its address stays the same over restarts.
    pub(crate) fn runs(&self, number: usize, address: Address<DeviceActor>) {
        self.actors.write().insert((thread::current().id(), number), address);
    }

    /// The device that interprets a base for a key. Source: spec 05, sections 7.1 and 7.2.
    pub(crate) fn of(&self, base: &Message, function: &str) -> Result<Found<'_>, CallError> {
        let named = match base.get("device") {
            None => self.identity,
            Some(Value::Bytes(name)) => {
                let name = std::str::from_utf8(name).ok();
                let found = name.and_then(|name| self.by_name.get(name));
                *found.ok_or_else(|| CallError::NoDevice { name: shown(base.get("device")) })?
            }
            // A symbol would name a module of the host, a map its functions: never from outside.
            value => return Err(CallError::NoDevice { name: shown(value) }),
        };
        let answers = self.device(named).is_some_and(|device| device.answers(function, base));
        Ok(Found { devices: self, number: if answers { named } else { self.identity } })
    }
}

fn shown(device: Option<&Value>) -> String {
    match device {
        Some(value) => match value.as_name() {
            Some(name) => String::from_utf8_lossy(name).chars().take(64).collect(),
            None => "that is no text".into(),
        },
        None => IDENTITY.into(),
    }
}

impl Found<'_> {
    pub(crate) fn name(self) -> &'static str {
        self.devices.name(self.number)
    }

    pub(crate) fn device(self) -> Option<Arc<dyn Device>> {
        self.devices.device(self.number).cloned()
    }

    /// Sends the call to the device's actor: the one of this thread, or else any.
    pub(crate) async fn call(self, call: Call) -> Result<Outcome, CallError> {
        let address = {
            let actors = self.devices.actors.read();
            let here = actors.get(&(thread::current().id(), self.number));
            let any = || actors.iter().find(|((_, number), _)| *number == self.number);
            here.cloned().or_else(|| any().map(|(_, address)| address.clone()))
        };
        let Some(address) = address else {
            let reason = "it is not started".into();
            return Err(CallError::Unavailable { what: self.name().into(), reason });
        };
        let node = call.context.node().clone();
        let since = Instant::now();
        let answer = address.ask(call).await;
        node.metrics().resolved(self.number, since.elapsed());
        answer.map_err(|error| CallError::unanswered(self.name(), error))?
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
