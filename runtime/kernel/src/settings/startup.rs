//! What takes effect with a start alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use oxbeam_protocol::Message;
use oxbeam_store::{Durability, Retention, StoreConfig};

use super::read::Reader;

/// Most control threads that are started unasked: they wait more than they compute.
const MAX_CONTROL_THREADS: usize = 4;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    /// For people.
    Pretty,
    /// For programs: an object a line.
    Json,
}

/// Who takes the node's traces, over OTLP/HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// The collector's URL, to which `/v1/traces` is added.
    pub endpoint: String,
    /// Of so many requests one is traced.
    pub one_in: u32,
}

/// How the node is started.
#[derive(Debug, Clone, PartialEq)]
pub struct Startup {
    /// Where it listens. Default: port 8734 of all addresses.
    pub listen: SocketAddr,
    /// The folder that holds everything. Default: `./data`.
    pub data: PathBuf,
    /// The wallet's file. Default: `wallet.json` in the data folder.
    pub wallet: PathBuf,
    /// How the store works.
    pub store: StoreConfig,
    /// Threads that take requests. Default: one a core, at most 4.
    pub control_threads: usize,
    /// Threads that compute. Default: one a core.
    pub compute_threads: usize,
    /// What clients may do.
    pub http: HttpLimits,
    /// Form of the log. Default: pretty.
    pub log: LogForm,
    /// What is logged. Default: `info,actix_server=warn`.
    pub log_filter: String,
    /// Who takes traces. Default: nobody.
    pub otlp: Option<Otlp>,
    /// How long stopping may take. Default: 30 s.
    pub stop_timeout: Duration,
}

/// What clients of the gateway may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Bytes of a body. Default: 64 MiB.
    pub body_bytes: usize,
    /// Bytes of all bodies that are held at a time. Default: 512 MiB.
    pub bodies_bytes: usize,
    /// Requests under way. Default: 4 096.
    pub requests: usize,
    /// Requests under way from one address. Default: 1 024.
    pub requests_of_client: usize,
    /// Streams of events open at a time. Default: 1 024.
    pub streams: usize,
    /// Streams of events open at a time to one address. Default: 64.
    pub streams_of_client: usize,
    /// Open connections on each thread. Default: 8 192.
    pub connections: usize,
    /// Time for a request's head to arrive. Default: 5 s.
    pub head_time: Duration,
    /// Time for its body. Default: 2 min.
    pub body_time: Duration,
    /// Longest pause in it. Default: 10 s.
    pub body_pause: Duration,
    /// Time for a client to read what was sent. Default: 30 s.
    pub write_time: Duration,
    /// Time that a connection stays open without a request. Default: 5 min.
    pub idle_timeout: Duration,
}

impl Startup {
    /// Reads it from a node message; what it lacks is at its default.
    #[must_use]
    pub fn read(message: &Message) -> Self {
        let options = Reader(message);
        let address = options.text("bind").and_then(|text| text.parse().ok());
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let port = u16::try_from(options.number("port")).unwrap_or_default();
        let data = PathBuf::from(options.text("data").unwrap_or_default());
        let wallet = options.text("priv_key_location").map(PathBuf::from);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let or_cores = |name, most: usize| match options.size(name) {
            0 => cores.min(most),
            number => number,
        };
        Self {
            listen: SocketAddr::new(address, port),
            wallet: wallet.unwrap_or_else(|| data.join("wallet.json")),
            data,
            store: store(&options),
            control_threads: or_cores("control_threads", MAX_CONTROL_THREADS),
            compute_threads: or_cores("compute_threads", usize::MAX),
            http: http(&options),
            log: if options.is("log", "json") { LogForm::Json } else { LogForm::Pretty },
            log_filter: options.text("log_filter").unwrap_or_default(),
            otlp: options
                .text("otlp_endpoint")
                .map(|endpoint| Otlp { endpoint, one_in: options.small("otlp_one_in") }),
            stop_timeout: options.millis("stop_timeout"),
        }
    }
}

impl Default for Startup {
    fn default() -> Self {
        Self::read(&Message::new())
    }
}

fn store(options: &Reader<'_>) -> StoreConfig {
    let durable = if options.is("durability", "os") { Durability::Os } else { Durability::Sync };
    StoreConfig {
        durability: durable,
        retention: Retention {
            last: options.size("checkpoints_kept"),
            every: options.number("checkpoints_kept_every"),
        },
        cache_bytes: options.size("store_cache_bytes"),
        write_buffer_bytes: options.size("store_write_buffer_bytes"),
        wal_bytes: options.number("store_wal_bytes"),
        max_open_files: i32::try_from(options.small("store_max_open_files")).unwrap_or(i32::MAX),
        reader_threads: options.size("store_reader_threads"),
        salvage: options.is("store_salvage", "true"),
        ..StoreConfig::default()
    }
}

fn http(options: &Reader<'_>) -> HttpLimits {
    HttpLimits {
        body_bytes: options.size("http_max_body_bytes"),
        bodies_bytes: options.size("http_max_bodies_bytes"),
        requests: options.size("http_max_requests"),
        requests_of_client: options.size("http_max_requests_of_client"),
        streams: options.size("http_max_streams"),
        streams_of_client: options.size("http_max_streams_of_client"),
        connections: options.size("http_max_connections"),
        head_time: options.millis("http_head_time"),
        body_time: options.millis("http_body_time"),
        body_pause: options.millis("http_body_pause"),
        write_time: options.millis("http_write_time"),
        idle_timeout: options.millis("idle_timeout"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_works_by_its_own_defaults() {
        assert_eq!(Startup::default().store, StoreConfig::default());
    }

    #[test]
    fn a_start_without_options_is_that_of_the_table() {
        let startup = Startup::default();
        assert_eq!(startup.listen.to_string(), "0.0.0.0:8734");
        assert_eq!(startup.wallet, PathBuf::from("./data/wallet.json"));
        assert_eq!(startup.http.body_bytes, 64 << 20);
        assert!(startup.control_threads >= 1 && startup.compute_threads >= 1);
    }
}
