//! What clients may take, as the configuration says.

use oxbeam_gateway::http::Limits;
use oxbeam_kernel::Startup;

/// The limits of the HTTP server.
pub(super) fn limits(startup: &Startup) -> Limits {
    let given = &startup.http;
    Limits {
        body: given.body_bytes,
        bodies: given.bodies_bytes,
        requests: given.requests,
        requests_of_client: given.requests_of_client,
        streams: given.streams,
        streams_of_client: given.streams_of_client,
        connections: given.connections,
        workers: startup.control_threads,
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
