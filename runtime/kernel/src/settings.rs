//! What the node is configured to do, read from its node message.

use std::time::Duration;

use oxbeam_protocol::Message;

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
