//! Devices in the roles of a process. Source: spec 10, section 1.

use bytes::Bytes;
use oxbeam_protocol::{Message, Value};

use crate::context::Context;
use crate::error::CallError;
use crate::outcome::Outcome;

/// What a device does for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Orders its messages.
    Scheduler,
    /// Computes its states.
    Execution,
    /// Delivers what it sends.
    Push,
}

impl Role {
    /// The role of this name.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"scheduler" => Some(Self::Scheduler),
            b"execution" => Some(Self::Execution),
            b"push" => Some(Self::Push),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Execution => "execution",
            Self::Push => "push",
        }
    }

    fn default_device(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler@1.0",
            Self::Execution => "genesis-wasm@1.0",
            Self::Push => "push@1.0",
        }
    }

    /// A state as a message of the role's device.
    ///
    /// # Errors
    /// Links that lead nowhere.
    pub async fn of(self, context: &Context, state: &Message) -> Result<Message, CallError> {
        let device = context.get(state, &format!("{}-device", self.name())).await?;
        let device = device.unwrap_or_else(|| self.default_device().into());
        let prefix = context.get(state, "input-prefix").await?.unwrap_or_else(|| "process".into());
        let mut base = state.clone().with("device", device).with("input-prefix", prefix);
        let prefixes = context.get(state, &format!("{}-output-prefixes", self.name())).await?;
        if let Some(prefixes) = prefixes {
            base.insert("output-prefixes", prefixes);
        }
        Ok(base)
    }
}

/// Resolves a request on a state with the device of a role, and gives the result the state's own
/// device again.
///
/// # Errors
/// What the device raises.
pub async fn run_as(
    context: &Context,
    role: Role,
    state: &Message,
    request: Message,
) -> Result<Outcome, CallError> {
    let base = role.of(context, state).await?;
    let device = base.get_exact("device").cloned();
    let mut outcome = context.resolve(base, request).await?;
    if outcome.is_ok()
        && let Value::Map(result) = &mut outcome.value
        && result.get_exact("device") == device.as_ref()
    {
        let own = state.get_exact("device").cloned();
        result.insert(
            "device",
            own.unwrap_or_else(|| Value::Bytes(Bytes::from_static(b"process@1.0"))),
        );
    }
    Ok(outcome)
}
