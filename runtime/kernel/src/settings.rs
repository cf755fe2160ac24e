//! What the node is configured to do, with types.

mod read;
mod startup;

use std::time::Duration;

use oxbeam_protocol::Message;
use oxbeam_store::Allowance;

use crate::remote::Networks;
use read::Reader;
pub use startup::{HttpLimits, LogForm, Otlp, Startup};

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
    /// How long a process is without work before it writes a checkpoint, and then until a small state
    /// that nobody asks for leaves memory. Default: 5 s.
    pub rest_after: Duration,
    /// How deep a synchronous push follows messages before it leaves the rest to the background.
    /// Default: 32.
    pub push_depth: u32,
    /// For how long it does. Default: 30 s.
    pub push_time: Duration,
    /// Whether messages sent by processes are signed also if the target trusts none of the node's
    /// addresses. Default: true.
    pub push_always_sign: bool,
    /// Whether messages get slots on this node. Default: true.
    pub schedules: bool,
    /// Whether a message that nobody signed gets a slot. Default: false.
    pub accepts_unsigned: bool,
    /// Whether an assignment's signature and hash chain are verified before it is computed.
    /// Default: true.
    pub verifies_log: bool,
    /// Location records of other nodes that are kept. Default: 10 000.
    pub scheduler_max_locations: u64,
    /// What guests may use.
    pub guest: GuestLimits,
    /// Who may start timers. Default: anybody.
    pub cron_access: CronAccess,
    /// Timers of the node. Default: 10 000.
    pub cron_max_tasks: usize,
    /// Timers of one client; what nobody signed comes from one client. Default: 1 000.
    pub cron_max_tasks_of_client: usize,
    /// Shortest interval of a timer. Default: 100 ms.
    pub cron_min_interval: Duration,
    /// Attempts to deliver a message, after which it is a dead letter. Default: 80.
    pub outbox_max_attempts: u32,
    /// Whether everybody sees what the node does, or admins alone. Default: everybody.
    pub supervisor_open: bool,
    /// What is passed on for others.
    pub relay: RelayLimits,
}

/// What the node passes on for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayLimits {
    /// Whether also to addresses that are not public. Default: no.
    pub any_address: bool,
    /// Bytes of an answer. Default: 32 MiB.
    pub bytes: usize,
    /// How long one may take. Default: 30 s.
    pub time: Duration,
    /// Requests under way. Default: 64.
    pub requests: usize,
    /// Whether the node signs what it passes on for whoever asks for that. Default: no.
    pub signs: bool,
}

impl RelayLimits {
    pub(crate) const fn networks(self) -> Networks {
        if self.any_address { Networks::Any } else { Networks::Public }
    }
}

/// What a guest may use: WebAssembly and what runs on it. All but `slice` decide results. So each
/// slot of a process is recorded with those it was computed with, which hold whenever it is computed
/// again, and nodes that compute the same process need the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestLimits {
    /// Fuel of one call. Default: 2 500 000 000, some ten seconds.
    pub fuel: u64,
    /// Fuel after which a call gives its thread away. Default: 250 000, about a millisecond.
    pub slice: u64,
    /// Bytes that the memory of an instance may grow to. Default: 512 MiB.
    pub memory_bytes: usize,
}

impl GuestLimits {
    /// Those that a slot is recorded with, given out in slices as now.
    pub(crate) fn allowing(self, allowance: Allowance) -> Self {
        let memory_bytes = usize::try_from(allowance.memory_bytes).unwrap_or(usize::MAX);
        Self { fuel: allowance.fuel, memory_bytes, ..self }
    }

    /// The part that decides results.
    pub(crate) fn allowance(self) -> Allowance {
        Allowance { fuel: self.fuel, memory_bytes: self.memory_bytes as u64 }
    }
}

/// Who may start timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CronAccess {
    /// Anybody, as on the reference node.
    #[default]
    Any,
    /// Whoever signs the request.
    Signed,
    /// Admins of the node.
    Admin,
}

impl Default for Settings {
    fn default() -> Self {
        Self::read(&Message::new())
    }
}

impl Settings {
    /// Reads them from a node message; what it lacks is at its default.
    #[must_use]
    pub fn read(message: &Message) -> Self {
        let options = Reader(message);
        Self {
            max_depth: options.small("max_depth"),
            max_steps: options.number("max_steps"),
            request_timeout: options.millis("request_timeout"),
            signing: signing(&options),
            share_all: options.is("await_inprogress", "true"),
            checkpoint_slots: options.number("process_snapshot_slots"),
            checkpoint_interval: options.seconds("process_snapshot_time"),
            max_attempts: options.small("max_attempts"),
            passivate_after: options.millis("passivate_after"),
            rest_after: options.millis("rest_after"),
            push_depth: options.small("push_depth"),
            push_time: options.millis("push_time"),
            push_always_sign: !options.is("push_always_sign", "false"),
            schedules: !options.is("scheduling_mode", "disabled"),
            accepts_unsigned: !options.is("verify_assignments", "true"),
            verifies_log: !options.is("verify_assignments", "false"),
            scheduler_max_locations: options.number("scheduler_max_locations"),
            guest: GuestLimits {
                fuel: options.number("guest_fuel"),
                slice: options.number("guest_slice"),
                memory_bytes: options.size("guest_memory_bytes"),
            },
            cron_access: cron_access(&options),
            cron_max_tasks: options.size("cron_max_tasks"),
            cron_max_tasks_of_client: options.size("cron_max_tasks_of_client"),
            cron_min_interval: options.millis("cron_min_interval"),
            outbox_max_attempts: options.small("outbox_max_attempts"),
            supervisor_open: !options.is("supervisor_access", "admin"),
            relay: RelayLimits {
                any_address: options.is("relay_networks", "any"),
                bytes: options.size("relay_max_bytes"),
                time: options.millis("relay_timeout"),
                requests: options.size("relay_max_requests"),
                signs: options.is("relay_allow_commit_request", "true"),
            },
        }
    }
}

/// The reference node knows only whether all responses are signed.
fn signing(options: &Reader<'_>) -> Signing {
    match options.text("signing").as_deref() {
        Some("always") => Signing::Always,
        Some("on-request") => Signing::OnRequest,
        Some("never") => Signing::Never,
        _ if options.is("force_signed", "false") => Signing::OnRequest,
        _ => Signing::Always,
    }
}

fn cron_access(options: &Reader<'_>) -> CronAccess {
    match options.text("cron_access").as_deref() {
        Some("signed") => CronAccess::Signed,
        Some("admin") => CronAccess::Admin,
        _ => CronAccess::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::NodeMessage;

    #[test]
    fn settings_without_a_message_are_the_defaults_of_the_table() {
        assert_eq!(Settings::default(), NodeMessage::default().settings);
        assert_eq!(Settings::default().max_depth, 64);
        assert_eq!(Settings::default().request_timeout, Duration::from_secs(300));
        assert_eq!(Settings::default().checkpoint_interval, Duration::from_secs(60));
    }

    #[test]
    fn signing_goes_before_what_the_reference_node_calls_it() {
        let signing = |entries: &[(&'static str, &'static str)]| {
            let given = entries.iter().copied().collect();
            NodeMessage::from_message(&given).unwrap().settings.signing
        };
        assert_eq!(signing(&[]), Signing::Always);
        assert_eq!(signing(&[("force_signed", "false")]), Signing::OnRequest);
        assert_eq!(signing(&[("force_signed", "false"), ("signing", "never")]), Signing::Never);
    }

    #[test]
    fn a_policy_that_is_off_never_comes_true() {
        let given = Message::from([("process_snapshot_slots", "false")]);
        let given = given.with("process_snapshot_time", false);
        let settings = NodeMessage::from_message(&given).unwrap().settings;
        assert_eq!(settings.checkpoint_slots, u64::MAX);
        assert!(settings.checkpoint_interval > Duration::from_secs(365 * 24 * 60 * 60));
    }
}
