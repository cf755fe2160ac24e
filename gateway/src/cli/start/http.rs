//! What clients may take, as the configuration says.

use oxbeam_gateway::http::Limits;
use oxbeam_kernel::Startup;

use super::files;

/// Connections that a thread takes however few files the program may have open.
const FEWEST: usize = 16;

/// The limits of the HTTP server.
pub(super) fn limits(startup: &Startup) -> Limits {
    let given = &startup.http;
    let workers = startup.control_threads.max(1);
    let files = files::for_connections(startup.store.max_open_files);
    let connections = files
        .map_or(given.connections, |files| given.connections.min((files / workers).max(FEWEST)));
    // One client leaves half of them to others.
    let half = connections.saturating_mul(workers) / 2;
    Limits {
        body: given.body_bytes,
        bodies: given.bodies_bytes,
        requests: given.requests,
        requests_of_client: given.requests_of_client,
        streams: given.streams,
        streams_of_client: given.streams_of_client,
        connections,
        connections_of_client: given.requests_of_client.min(half.max(1)),
        workers,
        head_time: given.head_time,
        body_time: given.body_time,
        body_pause: given.body_pause,
        write_time: given.write_time,
        keep_alive: given.idle_timeout,
        // The rest of the time is for what lies below the gateway.
        drain: startup.stop_timeout / 3,
        ..Limits::default()
    }
}
