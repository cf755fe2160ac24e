//! What the node is configured to do, read from its node message.

use std::time::Duration;

use num_bigint::BigInt;
use oxbeam_protocol::{Atom, Message, Value};

/// When responses are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signing {
    /// Always, as the reference node does.
    #[default]
    Always,
    /// When the request asks for it.
    OnRequest,
    /// Never.
    Never,
}

/// Settings with types. Every request works with those that were in force when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Calls within calls of one request. Default: 64.
    pub max_depth: u32,
    /// Steps of one request, those of devices included. Default: 1 000 000.
    pub max_steps: u64,
    /// How long a request may take. Default: 5 min.
    pub request_timeout: Duration,
    /// When responses are signed. Default: always.
    pub signing: Signing,
    /// Whether identical requests in flight are computed once, whatever their device says.
    pub share_all: bool,
    /// Slots from checkpoint to checkpoint. Default: 1 000.
    pub checkpoint_slots: u64,
    /// Time from checkpoint to checkpoint of a process that computes. Default: 60 s.
    pub checkpoint_interval: Duration,
    /// Attempts at a slot that ended without an outcome, before the process is set aside. Default: 3.
    pub max_attempts: u32,
    /// How long a process or scheduler without work stays in memory. Default: 5 min.
    pub passivate_after: Duration,
    /// How deep a synchronous push follows messages before it leaves the rest to the background.
    /// Default: 32.
    pub push_depth: u32,
    /// For how long it does. Default: 30 s.
    pub push_time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_depth: 64,
            max_steps: 1_000_000,
            request_timeout: Duration::from_secs(300),
            signing: Signing::default(),
            share_all: false,
            checkpoint_slots: 1000,
            checkpoint_interval: Duration::from_secs(60),
            max_attempts: 3,
            passivate_after: Duration::from_secs(300),
            push_depth: 32,
            push_time: Duration::from_secs(30),
        }
    }
}

/// The configuration as a message, which `~meta@1.0/info` shows and changes, and the settings that
/// were read from it.
#[derive(Debug, Clone, Default)]
pub struct NodeMessage {
    /// All options by their names on the wire, unknown ones too; none that is secret.
    pub message: Message,
    /// Those that the kernel works by.
    pub settings: Settings,
}

/// A change of the configuration that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// A value that is not of the option's type.
    #[error("option {option} must be {expected}")]
    WrongValue {
        /// The option.
        option: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl NodeMessage {
    /// The configuration with these keys in place of what was there. `-` and `_` are the same in names
    /// of options, and each value is converted to the type that the option has; other keys are kept as
    /// they are written. Source: spec 21, section 2.3.
    ///
    /// # Errors
    /// [`ConfigurationError::WrongValue`]. Nothing is changed then.
    pub fn changed(&self, changes: &Message) -> Result<Self, ConfigurationError> {
        let mut message = self.message.clone();
        for (key, value) in changes {
            let option = key.to_text().to_ascii_lowercase().replace('-', "_");
            match self.message.get_exact(&option) {
                Some(now) => drop(message.insert(option.clone(), typed_as(now, value, option)?)),
                None => drop(message.insert(key.clone(), value.clone())),
            }
        }
        Ok(Self { message, settings: self.settings.clone() })
    }
}

/// A value of the type of another, where it is only text.
fn typed_as(now: &Value, value: &Value, option: String) -> Result<Value, ConfigurationError> {
    let Value::Bytes(text) = value else { return Ok(value.clone()) };
    let read = std::str::from_utf8(text).ok();
    let (typed, expected) = match now {
        Value::Integer(_) => {
            (read.and_then(|text| text.parse::<BigInt>().ok()).map(Value::from), "an integer")
        }
        Value::Float(_) => {
            let finite = |number: &f64| number.is_finite();
            (read.and_then(|text| text.parse().ok()).filter(finite).map(Value::from), "a number")
        }
        Value::Atom(_) => (Some(Atom::new(text.clone()).into()), "a word"),
        _ => return Ok(value.clone()),
    };
    typed.ok_or(ConfigurationError::WrongValue { option, expected })
}
