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
//! | `oxbeam_guest_fuel_total`     | counter   | `device` |
//! | `oxbeam_guest_memory_bytes`   | gauge     | `device` |
//! | `oxbeam_guest_instances`      | gauge     | `device` |
//! | `oxbeam_timers`               | gauge     | `state`  |
//! | `oxbeam_timer_runs_total`     | counter   | `result` |
//! | `oxbeam_timer_next_run_timestamp_seconds` | gauge | |
//! | `oxbeam_trace_spans_total`    | counter   | `result` |

use std::sync::atomic::AtomicU64;
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

type Label = [(&'static str, &'static str); 1];
type ByDevice = Family<Label, Histogram, fn() -> Histogram>;

/// Counters by what came of it, or by device.
type Counters = Family<Label, Counter>;

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
    sent: Counters,
    given_up: Counter,
    actions: Counters,
    guest_fuel: Counters,
    guest_memory: Family<Label, Gauge>,
    guests: Family<Label, Gauge>,
    timers: Family<Label, Gauge>,
    timer_runs: Counters,
    timer_next: Gauge<f64, AtomicU64>,
    spans: Counters,
}

impl Metrics {
    pub(crate) fn of(devices: &Devices) -> Self {
        let resolve = ByDevice::new_with_constructor(|| Histogram::new(RESOLVE));
        let by_number = (0..devices.len())
            .map(|number| resolve.get_or_create_owned(&[("device", devices.name(number))]));
        let metrics = Self {
            devices: by_number.collect(),
            resolve,
            append: Histogram::new(APPEND),
            scheduled: Counter::default(),
            computed: Counter::default(),
            behind: Gauge::default(),
            sent: Counters::default(),
            given_up: Counter::default(),
            actions: Counters::default(),
            guest_fuel: Family::default(),
            guest_memory: Family::default(),
            guests: Family::default(),
            timers: Family::default(),
            timer_runs: Family::default(),
            timer_next: Gauge::default(),
            spans: Family::default(),
        };
        // What never happened is shown as 0, so that its first time is seen as a change.
        metrics.timers(0, 0, None);
        for result in ["ok", "failed", "put_off"] {
            metrics.timer_runs.get_or_create_owned(&[("result", result)]);
        }
        metrics
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
        let help = "Spans of traces, by whether the collector has taken them";
        registry.register("oxbeam_trace_spans", help, self.spans.clone());
        self.register_guests(registry);
        self.register_timers(registry);
    }

    fn register_guests(&self, registry: &mut Registry) {
        let help = "Fuel that calls of guests used, in units of the option guest_fuel";
        registry.register("oxbeam_guest_fuel", help, self.guest_fuel.clone());
        let help = "Bytes of memory of the guests that are held between their calls";
        registry.register("oxbeam_guest_memory_bytes", help, self.guest_memory.clone());
        let help = "Guests that are held between their calls";
        registry.register("oxbeam_guest_instances", help, self.guests.clone());
    }

    fn register_timers(&self, registry: &mut Registry) {
        let help = "Timers that wait for their time, and that make a run";
        registry.register("oxbeam_timers", help, self.timers.clone());
        let help = "Runs of timers by how they ended; one that was put off is made again";
        registry.register("oxbeam_timer_runs", help, self.timer_runs.clone());
        let help = "When the next run is due, in seconds since 1970; 0 if none is";
        registry.register("oxbeam_timer_next_run_timestamp_seconds", help, self.timer_next.clone());
    }

    /// A guest of a device, by the device's own name.
    #[must_use]
    pub fn guest(&self, device: &'static str) -> Guest {
        let label = [("device", device)];
        let count = Share { all: self.guests.get_or_create_owned(&label), own: 0 };
        let memory = Share { all: self.guest_memory.get_or_create_owned(&label), own: 0 };
        let mut guest = Guest { fuel: self.guest_fuel.get_or_create_owned(&label), memory, count };
        guest.count.is(1);
        guest
    }

    /// What becomes of spans, for whoever sends them.
    #[must_use]
    pub fn spans(&self) -> Spans {
        let [sent, failed, dropped] = ["sent", "failed", "dropped"]
            .map(|result| self.spans.get_or_create_owned(&[("result", result)]));
        Spans { sent, failed, dropped }
    }

    /// How many timers wait and run, and when the next is due, in ms since 1970.
    pub(crate) fn timers(&self, waiting: usize, running: usize, next: Option<u64>) {
        for (state, count) in [("waiting", waiting), ("running", running)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.timers.get_or_create(&[("state", state)]).set(count);
        }
        self.timer_next.set(next.map_or(0.0, |at| at as f64 / 1000.0));
    }

    /// A run of a timer ended so.
    pub(crate) fn timer_ran(&self, result: &'static str) {
        self.timer_runs.get_or_create(&[("result", result)]).inc();
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
    pub(crate) fn lag(&self) -> Share {
        Share { all: self.behind.clone(), own: 0 }
    }
}

/// The part of one in what is measured of all, such as how far a process is behind; nothing when
/// dropped.
#[derive(Debug)]
pub(crate) struct Share {
    all: Gauge,
    own: i64,
}

impl Share {
    pub(crate) fn is(&mut self, part: u64) {
        let part = i64::try_from(part).unwrap_or(i64::MAX);
        self.all.inc_by(part.saturating_sub(self.own));
        self.own = part;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.is(0);
    }
}

/// What becomes of spans.
#[derive(Debug, Clone)]
pub struct Spans {
    sent: Counter,
    failed: Counter,
    dropped: Counter,
}

impl Spans {
    /// Notes that so many were sent, and whether the collector has taken them.
    pub fn sent(&self, count: usize, taken: bool) {
        let counter = if taken { &self.sent } else { &self.failed };
        counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Notes one that found no place among those that wait to be sent.
    pub fn dropped(&self) {
        self.dropped.inc();
    }
}

/// What one guest uses, for as long as it is held.
#[derive(Debug)]
pub struct Guest {
    fuel: Counter,
    memory: Share,
    count: Share,
}

impl Guest {
    /// Notes a call: the fuel that it used, and the bytes of memory that the guest has now.
    pub fn called(&mut self, fuel: u64, memory: usize) {
        self.fuel.inc_by(fuel);
        self.memory.is(u64::try_from(memory).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_is_behind_no_more() {
        let behind = Gauge::<i64>::default();
        let mut lags = [0, 1].map(|_| Share { all: behind.clone(), own: 0 });
        lags[0].is(5);
        lags[1].is(3);
        lags[0].is(4);
        assert_eq!(behind.get(), 7);
        let [first, _second] = lags;
        drop(first);
        assert_eq!(behind.get(), 3);
    }
}
