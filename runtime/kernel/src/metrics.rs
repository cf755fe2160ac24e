//! What the node measures of its own work. What can be looked up is not counted here: the tree, the
//! store and the system tell it when they are asked.
//!
//! | Metric                        | Type      | Labels   |
//! |-------------------------------|-----------|----------|
//! | `oxbeam_resolve_seconds`      | histogram | `device` |
//! | `oxbeam_log_append_seconds`   | histogram |          |
//! | `oxbeam_slots_scheduled_total`| counter   |          |
//! | `oxbeam_slots_computed_total` | counter   |          |
//! | `oxbeam_slots_behind`         | gauge     |          |
//! | `oxbeam_outbox_attempts_total`| counter   | `result` |
//! | `oxbeam_outbox_given_up_total`| counter   |          |
//! | `oxbeam_operator_actions_total`| counter  | `result` |

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::devices::Devices;

/// From what takes as long as a message to an actor, to what takes as long as a request may.
const RESOLVE: [f64; 12] =
    [0.000_01, 0.000_05, 0.000_25, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];
/// From a disk of memory to a disk that fails.
const APPEND: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 5.0];

type ByDevice = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

/// Counters by what came of it.
type ByResult = Family<[(&'static str, &'static str); 1], Counter>;

/// What the node measures.
#[derive(Debug)]
pub struct Metrics {
    resolve: ByDevice,
    /// The same, by the devices' numbers.
    devices: Vec<Histogram>,
    append: Histogram,
    scheduled: Counter,
    computed: Counter,
    behind: Gauge,
    sent: ByResult,
    given_up: Counter,
    actions: ByResult,
}

impl Metrics {
    pub(crate) fn of(devices: &Devices) -> Self {
        let resolve = ByDevice::new_with_constructor(|| Histogram::new(RESOLVE));
        let by_number = (0..devices.len())
            .map(|number| resolve.get_or_create_owned(&[("device", devices.name(number))]));
        Self {
            devices: by_number.collect(),
            resolve,
            append: Histogram::new(APPEND),
            scheduled: Counter::default(),
            computed: Counter::default(),
            behind: Gauge::default(),
            sent: ByResult::default(),
            given_up: Counter::default(),
            actions: ByResult::default(),
        }
    }

    /// Adds all of them to what is shown.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Time that a device took for a key, what it asked others for included";
        registry.register("oxbeam_resolve_seconds", help, self.resolve.clone());
        let help = "Time from when a message had its slot until it was on disk";
        registry.register("oxbeam_log_append_seconds", help, self.append.clone());
        let help = "Messages that were given a slot";
        registry.register("oxbeam_slots_scheduled", help, self.scheduled.clone());
        let help = "Slots that were computed for the first time";
        registry.register("oxbeam_slots_computed", help, self.computed.clone());
        let help = "Slots still to be computed for those who wait for a state";
        registry.register("oxbeam_slots_behind", help, self.behind.clone());
        let help = "Attempts to deliver a message of a process, by whether it arrived";
        registry.register("oxbeam_outbox_attempts", help, self.sent.clone());
        let help = "Messages of processes that were given up";
        registry.register("oxbeam_outbox_given_up", help, self.given_up.clone());
        let help = "What was asked of ~supervisor@1.0 as an operator, by what came of it";
        registry.register("oxbeam_operator_actions", help, self.actions.clone());
    }

    pub(crate) fn resolved(&self, device: usize, took: Duration) {
        if let Some(times) = self.devices.get(device) {
            times.observe(took.as_secs_f64());
        }
    }

    pub(crate) fn appended(&self, took: Duration) {
        self.append.observe(took.as_secs_f64());
    }

    pub(crate) fn scheduled(&self) {
        self.scheduled.inc();
    }

    pub(crate) fn computed(&self) {
        self.computed.inc();
    }

    /// A message of a process was tried to be delivered.
    pub(crate) fn sent(&self, arrived: bool) {
        let result = if arrived { "arrived" } else { "failed" };
        self.sent.get_or_create(&[("result", result)]).inc();
    }

    /// A message of a process became a dead letter.
    pub(crate) fn given_up(&self) {
        self.given_up.inc();
    }

    /// Somebody asked for what only an operator may do. `result` is one of a few words.
    pub fn acted(&self, result: &'static str) {
        self.actions.get_or_create(&[("result", result)]).inc();
    }

    /// The part of one process in what is still to be computed.
    pub(crate) fn lag(&self) -> Lag {
        Lag { all: self.behind.clone(), own: 0 }
    }
}

/// How far one process is behind; nothing when dropped.
#[derive(Debug)]
pub(crate) struct Lag {
    all: Gauge,
    own: i64,
}

impl Lag {
    pub(crate) fn is(&mut self, slots: u64) {
        let slots = i64::try_from(slots).unwrap_or(i64::MAX);
        self.all.inc_by(slots.saturating_sub(self.own));
        self.own = slots;
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.is(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_is_behind_no_more() {
        let behind = Gauge::<i64>::default();
        let mut lags = [0, 1].map(|_| Lag { all: behind.clone(), own: 0 });
        lags[0].is(5);
        lags[1].is(3);
        lags[0].is(4);
        assert_eq!(behind.get(), 7);
        let [first, _second] = lags;
        drop(first);
        assert_eq!(behind.get(), 3);
    }
}
