//! What a call may use: the node, and the request that it is a part of.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use oxbeam_protocol::commitment::{COMMITMENTS, only_committed};
use oxbeam_protocol::{Key, Message, Value};
use oxbeam_store::Allowance;
use tokio_util::sync::CancellationToken;

use crate::configuration::NodeMessage;
use crate::devices::IDENTITY;
use crate::error::CallError;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::prints::Prints;
use crate::process::Worker;
use crate::resolver;
use crate::settings::{GuestLimits, Settings};
use crate::trace::Trace;

/// A request's way through the node. Clones are the same request at the same depth.
#[derive(Clone)]
pub struct Context {
    request: Arc<RequestScope>,
    depth: u32,
    mode: Mode,
    held: Option<Arc<Held>>,
    /// The actor that computes a process, if the call is a part of that.
    worker: Option<Worker>,
    /// The devices that may be asked; `None` for all.
    devices: Option<Arc<BTreeSet<String>>>,
    /// What guests were allowed when this was computed for the first time; `None` if it is now.
    allowance: Option<Allowance>,
    /// Where what guests print is kept, while a slot is computed.
    prints: Option<Prints>,
    /// Where in a trace the call is.
    trace: Trace,
}

/// How results are treated. Source: spec 05, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Every result becomes a message, as over HTTP.
    pub(crate) wrap: bool,
    /// Results carry the hashpath of how they were computed.
    pub(crate) hashpath: bool,
    /// The node's `step` hook sees every step.
    pub(crate) step_hook: bool,
}

/// What is the same for all calls of a request.
struct RequestScope {
    node: Arc<Node>,
    configuration: Arc<NodeMessage>,
    /// What came from outside, with its signatures verified. Empty, if the node itself asks.
    singleton: Message,
    steps: AtomicU64,
    cancelled: CancellationToken,
}

/// A group that this call computes the outcome of, and those around it.
struct Held {
    group: Key,
    outer: Option<Arc<Held>>,
}

impl Context {
    /// A new request. Dropping `cancelled`'s guard, or cancelling it, ends what is computed for it.
    pub(crate) fn new(node: Arc<Node>, cancelled: CancellationToken) -> Self {
        Self::of(node, Message::new(), cancelled)
    }

    /// A new request that came from outside and out of [`Node::authenticate`].
    pub(crate) fn of(node: Arc<Node>, singleton: Message, cancelled: CancellationToken) -> Self {
        let configuration = node.configuration();
        let steps = AtomicU64::new(0);
        let request = RequestScope { node, configuration, singleton, steps, cancelled };
        let mode = Mode { wrap: false, hashpath: true, step_hook: true };
        Self {
            request: Arc::new(request),
            depth: 0,
            mode,
            held: None,
            worker: None,
            devices: None,
            allowance: None,
            prints: None,
            trace: Trace::default(),
        }
    }

    /// The same, keeping what guests print.
    pub(crate) fn keeping_prints(&self) -> Self {
        Self { prints: Some(Prints::default()), ..self.clone() }
    }

    /// What guests have printed, if that is kept.
    pub(crate) fn printed(&self) -> String {
        self.prints.as_ref().map(Prints::text).unwrap_or_default()
    }

    /// Takes a line that a guest prints. While a slot is computed it is kept beside what that comes to, as far as
    /// there is room; it decides nothing.
    pub fn print(&self, text: &[u8]) {
        if let Some(prints) = &self.prints {
            prints.add(text);
        }
    }

    /// Work of an actor that computes a process.
    pub(crate) fn as_worker(&self, worker: Worker) -> Self {
        Self { worker: Some(worker), ..self.clone() }
    }

    /// The actor that this call is computed by, if it is a part of computing a process.
    pub(crate) fn worker(&self) -> Option<Worker> {
        self.worker
    }

    /// Whether the call is a part of computing a process, whose results follow from its log alone.
    #[must_use]
    pub fn is_computing(&self) -> bool {
        self.worker.is_some()
    }

    /// What guests may use: in a slot that was computed before, what they were allowed then.
    #[must_use]
    pub fn guest_limits(&self) -> GuestLimits {
        let now = self.settings().guest;
        self.allowance.map_or(now, |allowance| now.allowing(allowance))
    }

    /// The same, allowing guests what they were allowed before, if they were.
    pub(crate) fn allowing(&self, allowance: Option<Allowance>) -> Self {
        Self { allowance, ..self.clone() }
    }

    /// The same, at this place of a trace.
    pub(crate) fn traced(&self, trace: Trace) -> Self {
        Self { trace, ..self.clone() }
    }

    /// Whether a device asks, or a sub-path, and not the request itself.
    pub(crate) const fn is_nested(&self) -> bool {
        self.depth > 0
    }

    /// Where in a trace the call is.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// A new request of the same worker: with the configuration in force, and all of its limits.
    pub(crate) fn fresh(&self) -> Self {
        let fresh = Self::new(self.node().clone(), self.request.cancelled.clone());
        Self { worker: self.worker, ..fresh }
    }

    /// The same request with the configuration that is in force now.
    pub(crate) fn renewed(&self) -> Self {
        let RequestScope { node, singleton, steps, cancelled, .. } = &*self.request;
        let request = RequestScope {
            node: node.clone(),
            configuration: node.configuration(),
            singleton: singleton.clone(),
            steps: AtomicU64::new(steps.load(Relaxed)),
            cancelled: cancelled.clone(),
        };
        Self { request: Arc::new(request), ..self.clone() }
    }

    /// The same request, in which a call of a guest may use so much fuel.
    pub(crate) fn with_fuel(&self, fuel: u64) -> Self {
        let RequestScope { node, configuration, singleton, steps, cancelled } = &*self.request;
        let mut configuration = NodeMessage::clone(configuration);
        configuration.settings.guest.fuel = fuel;
        let request = RequestScope {
            node: node.clone(),
            configuration: Arc::new(configuration),
            singleton: singleton.clone(),
            steps: AtomicU64::new(steps.load(Relaxed)),
            cancelled: cancelled.clone(),
        };
        Self { request: Arc::new(request), ..self.clone() }
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Arc<Node> {
        &self.request.node
    }

    /// The configuration at the time when the request came.
    #[must_use]
    pub fn configuration(&self) -> &NodeMessage {
        &self.request.configuration
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.request.configuration.settings
    }

    /// What the signers of the request from outside have signed, as far as that was verified: the
    /// keys that all of them cover, and their commitments. The path is among them only if they have
    /// signed it.
    ///
    /// There for the request's own steps alone: what a device, a guest or a sub-path asks for on the
    /// way may claim any signer, and its signers have not asked for that. Nothing else may decide
    /// whether somebody is allowed to do something.
    #[must_use]
    pub fn signed(&self) -> Option<Message> {
        let singleton = &self.request.singleton;
        (self.depth == 0 && singleton.contains(COMMITMENTS)).then(|| only_committed(singleton))
    }

    /// The same, with every result made a message, as over HTTP.
    #[must_use]
    pub fn wrapping(&self) -> Self {
        Self { mode: Mode { wrap: true, ..self.mode }, ..self.clone() }
    }

    /// The same, leaving no trace in hashpaths: for what a device looks up.
    #[must_use]
    pub fn quietly(&self) -> Self {
        let mode = Mode { wrap: false, hashpath: false, step_hook: self.mode.step_hook };
        Self { mode, ..self.clone() }
    }

    /// The same, for code that may ask these devices alone, besides `message@1.0` and
    /// `structured@1.0`, whatever it asks them for. No device becomes allowed by this.
    #[must_use]
    pub fn with_devices<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().chain([IDENTITY, "structured@1.0"]);
        let names = names.filter_map(|name| self.node().devices().own_name(name));
        let names = names.filter(|name| self.may_ask(name)).map(str::to_owned);
        Self { devices: Some(Arc::new(names.collect())), ..self.clone() }
    }

    /// Whether this device, by its own name, may be asked.
    pub(crate) fn may_ask(&self, device: &str) -> bool {
        self.devices.as_ref().is_none_or(|allowed| allowed.contains(device))
    }

    pub(crate) fn without_step_hook(&self) -> Self {
        Self { mode: Mode { step_hook: false, ..self.mode }, ..self.clone() }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// For calls of a device: one level further in, and results as they are.
    pub(crate) fn inner(&self) -> Result<Self, CallError> {
        let limit = self.settings().max_depth;
        if self.depth >= limit {
            return Err(CallError::TooDeep { limit });
        }
        let mode = Mode { wrap: false, ..self.mode };
        Ok(Self { depth: self.depth + 1, mode, ..self.clone() })
    }

    /// The same, computing the outcome of a group.
    ///
    /// # Errors
    /// [`CallError::Recursion`] if this call is a part of that computation: it would wait for itself.
    pub fn holding(&self, group: Key) -> Result<Self, CallError> {
        if self.holds(&group) {
            return Err(CallError::Recursion);
        }
        let held = Held { group, outer: self.held.clone() };
        Ok(Self { held: Some(Arc::new(held)), ..self.clone() })
    }

    /// Whether this call is a part of the computation of a group.
    #[must_use]
    pub fn holds(&self, group: &Key) -> bool {
        let mut held = self.held.as_deref();
        while let Some(one) = held {
            if one.group == *group {
                return true;
            }
            held = one.outer.as_deref();
        }
        false
    }

    /// Counts a step of work, and finds out whether anybody still waits for it.
    ///
    /// # Errors
    /// [`CallError::Cancelled`], [`CallError::TooMuchWork`].
    pub fn spend(&self, steps: u64) -> Result<(), CallError> {
        if self.request.cancelled.is_cancelled() {
            return Err(CallError::Cancelled);
        }
        let limit = self.settings().max_steps;
        match self.request.steps.fetch_add(steps, Relaxed).saturating_add(steps) > limit {
            true => Err(CallError::TooMuchWork { limit }),
            false => Ok(()),
        }
    }

    /// Waits until nobody waits for the answer any more.
    pub async fn cancelled(&self) {
        self.request.cancelled.cancelled().await;
    }

    /// Resolves a request on a base: each component of its path on the result of the one before.
    ///
    /// # Errors
    /// Where the reference node would raise an exception, and past the limits of a request.
    pub async fn resolve(
        &self,
        base: impl Into<Value>,
        request: Message,
    ) -> Result<Outcome, CallError> {
        Box::pin(resolver::resolve(&self.inner()?, base.into(), request)).await
    }

    /// Resolves a key of a base without any parameters, quietly.
    ///
    /// # Errors
    /// As [`Context::resolve`].
    pub async fn key(&self, base: &Message, key: &str) -> Result<Outcome, CallError> {
        self.quietly().resolve(base.clone(), Message::from([("path", key)])).await
    }

    /// Evaluates a request with a path of its own, as one that came over HTTP but for wrapping.
    ///
    /// # Errors
    /// A path that cannot be read; as [`Context::resolve`].
    pub async fn run(&self, singleton: &Message) -> Result<Outcome, CallError> {
        Box::pin(resolver::run(&self.inner()?, singleton)).await
    }

    /// The messages that the node runs at an event: the handlers of a hook.
    ///
    /// # Errors
    /// A handler that is no message; as [`Context::get`].
    pub async fn handlers(&self, hook: &str) -> Result<Vec<Message>, CallError> {
        resolver::handlers(self, hook).await
    }

    /// What a message holds under a key, loaded if it lies elsewhere.
    ///
    /// # Errors
    /// A link that leads nowhere; errors of reading.
    pub async fn get(&self, message: &Message, key: &str) -> Result<Option<Value>, CallError> {
        match message.get(key) {
            Some(value) => self.load(value.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    /// What a value is: what it leads to, if it is a link.
    ///
    /// # Errors
    /// A link that leads nowhere; errors of reading.
    pub async fn load(&self, value: Value) -> Result<Value, CallError> {
        match value {
            Value::Link(link) => {
                self.spend(1)?;
                self.node().contents()?.follow(&link).await
            }
            value => Ok(value),
        }
    }

    /// A value with everything that it links, at any depth.
    ///
    /// # Errors
    /// As [`crate::Contents::load_all`].
    pub async fn load_all(&self, value: Value) -> Result<Value, CallError> {
        self.node().contents()?.load_all(value).await
    }

    /// What lies at a path of plain keys in a message: `a/b/c`. No device is asked.
    ///
    /// # Errors
    /// As [`Context::get`].
    pub async fn find(&self, message: &Message, path: &str) -> Result<Option<Value>, CallError> {
        let mut at = Value::Map(message.clone());
        for key in path.split('/').filter(|key| !key.is_empty()) {
            let message = match self.load(at).await? {
                Value::Map(message) => message,
                Value::List(list) => list.to_map(),
                _ => return Ok(None),
            };
            let Some(value) = message.get(key) else { return Ok(None) };
            at = value.clone();
        }
        self.load(at).await.map(Some)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("depth", &self.depth)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
