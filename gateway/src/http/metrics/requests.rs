//! Requests by what they ask for, and how they were answered.

use std::collections::HashMap;
use std::time::Duration;

use oxbeam_kernel::Node;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of times, in seconds.
const BOUNDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Length of an id.
const ID: usize = 43;
/// Codes that are told apart; others are counted by their first digit, for a message may choose any.
const CODES: [(u16, &str); 20] = [
    (200, "200"),
    (204, "204"),
    (302, "302"),
    (304, "304"),
    (307, "307"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (413, "413"),
    (415, "415"),
    (429, "429"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (508, "508"),
];

type Name = &'static str;
type Times = Family<[(Name, Name); 1], Histogram, fn() -> Histogram>;

/// Counters and times of requests.
#[derive(Debug)]
pub(in crate::http) struct Requests {
    count: Family<[(Name, Name); 2], Counter>,
    times: Times,
    devices: HashMap<Name, Name>,
}

impl Requests {
    pub(super) fn new(node: &Node) -> Self {
        Self {
            count: Family::default(),
            times: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            devices: node.devices().names().map(|name| (name, name)).collect(),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests by what they asked for first and by the code of their answer";
        registry.register("oxbeam_http_requests", help, self.count.clone());
        let help = "Time from a request's head until its answer was written, by what it asked for";
        registry.register("oxbeam_http_request_seconds", help, self.times.clone());
    }

    /// Notes an answer.
    pub(in crate::http) fn answered(&self, path: &str, status: u16, took: Duration) {
        let route = self.route(path);
        self.count.get_or_create(&[("route", route), ("status", code(status))]).inc();
        self.times.get_or_create(&[("route", route)]).observe(took.as_secs_f64());
    }

    /// What a path asks for first: a device, something with an id, or anything else.
    pub(in crate::http) fn route(&self, path: &str) -> Name {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if let Some(device) = first.strip_prefix('~') {
            let name = device.split(['&', '?']).next().unwrap_or_default();
            return self.devices.get(name).copied().unwrap_or("other");
        }
        match first.split(['&', '~', '?']).next().unwrap_or_default() {
            "" => "root",
            id if id.len() == ID => "id",
            _ => "other",
        }
    }
}

fn code(status: u16) -> Name {
    let known = CODES.iter().find(|(code, _)| *code == status).map(|(_, name)| *name);
    known.unwrap_or(match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_for_there_are_only_so_many_routes() {
        let devices = HashMap::from([("meta@1.0", "meta@1.0")]);
        let times: fn() -> Histogram = || Histogram::new(BOUNDS);
        let times = Family::new_with_constructor(times);
        let requests = Requests { count: Family::default(), times, devices };
        let id = "a".repeat(43);
        for (path, route) in [
            ("/", "root"),
            ("/~meta@1.0/info", "meta@1.0"),
            ("/~meta@1.0&a=b/info", "meta@1.0"),
            ("/~nothing@1.0/x", "other"),
            (&*format!("/{id}/now"), "id"),
            (&*format!("/{id}~process@1.0/now"), "id"),
            ("/whatever", "other"),
        ] {
            assert_eq!(requests.route(path), route, "{path}");
        }
    }

    #[test]
    fn whatever_is_answered_there_are_only_so_many_codes() {
        let codes: std::collections::BTreeSet<_> = (0..=u16::MAX).map(code).collect();
        assert_eq!(codes.len(), CODES.len() + 5);
    }
}
